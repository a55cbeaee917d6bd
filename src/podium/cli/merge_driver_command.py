"""``podium merge-driver``: help Git merge what two branches did to the registry."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from podium.cli import options, say, session

_FILE = options.PLACE


@click.group("merge-driver")
def command() -> None:
    """
    Merge concurrent edits by re-numbering the later one.

    \b
    podium merge-driver install
    """


@command.command("install", short_help="Let this checkout's Git merge with podium.")
@click.pass_context
def install(context: click.Context) -> None:
    """
    Tell this checkout's Git to merge the registry's files with podium.

    `.gitattributes`, which `podium init` writes, says which files those are. Each clone needs this once.

    \b
    podium merge-driver install
    """
    from podium import git

    registry = session.registry(context)
    checkout = session.checkout(registry)
    git.install_driver(checkout, driver())
    say.result(f"Git merges models/ and artifacts/ of {checkout.root} with podium")
    if registry.value.tree.entry(".gitattributes") is None:
        say.note("there is no .gitattributes that says so yet: `podium init` writes it")


def driver() -> str:
    """Give the command line by which Git runs podium on one file."""
    # -P: Git runs this in the top folder of the checkout, and no module is to be taken from there
    interpreter = shlex.quote(sys.executable).replace("%", "%%")
    return f"{interpreter} -P -m podium merge-driver run -- %O %A %B %L %P"


# A path in a repository may be called --help: taken for an option, it would end well, with one side's change lost.
@command.command("run", hidden=True, add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("base", type=_FILE)
@click.argument("ours", type=_FILE)
@click.argument("theirs", type=_FILE)
@click.argument("marker", type=int)
@click.argument("path")
def run(base: Path, ours: Path, theirs: Path, marker: int, path: str) -> int:
    """
    Merge one file for Git: into OURS, with exit code 1 where it is not settled by that.

    \b
    podium merge-driver run -- %O %A %B %L %P
    """
    from podium.publish import driver

    said = driver.merge(base, ours, theirs, marker, path)
    if said:
        say.note(f"podium: {said}")
    return 1 if said is not None else 0
