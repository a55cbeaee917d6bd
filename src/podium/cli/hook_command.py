"""``podium hook``: what Git calls, and nobody types."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from podium.cli import say

if TYPE_CHECKING:
    from podium.githooks import Verdict

_SHOWN = 50
"""Findings that are printed; who pushes sees them in a terminal."""


@click.group("hook", hidden=True)
def command() -> None:
    """Judge on Git's behalf; `podium ci` installs this."""


@command.command("pre-receive")
@click.option("--protect-aliases", is_flag=True, help="Aliases with approvers move only by the merge of a branch.")
def pre_receive(protect_aliases: bool) -> int:
    """
    Judge a push: read `OLD NEW REF` lines, exit with 1 where it must not land.

    \b
    podium hook pre-receive < lines
    """
    from podium import git, githooks

    repository = git.open_repository(Path(os.environ.get("GIT_DIR", ".")).absolute())
    verdicts = githooks.judge(repository, sys.stdin.buffer, os.environ, protect_aliases=protect_aliases)
    return max((_print(verdict) for verdict in verdicts), default=0)


def _print(verdict: Verdict) -> int:
    from podium.render import findings as render

    errors = [finding for finding in verdict.findings if finding.severity == "error"]
    shown = [*errors, *(finding for finding in verdict.findings if finding not in errors)][:_SHOWN]
    if errors:
        say.note(f"podium refuses this push to {verdict.update.branch}:")
    if shown:
        say.note(render.text(shown))
    if len(shown) < len(verdict.findings):
        say.note(f"and {len(verdict.findings) - len(shown)} more")
    return 0 if verdict.ok else 1
