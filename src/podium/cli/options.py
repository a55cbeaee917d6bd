"""The options that commands share, so that each has the same name, meaning and help everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from podium import folders

F = TypeVar("F", bound=Callable[..., Any])


class _Place(click.Path):
    """
    A path; an empty one is refused: it would be the working folder, and comes of a variable that is not set.

    So is an address, which would be a folder here.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read one; fails for an empty one, and for an address."""
        from pathlib import Path  # a command that is given no path starts without it

        if not os.fspath(value):
            self.fail("it is empty; the working folder is '.'", param, ctx)
        if folders.is_address(os.fspath(value)):
            self.fail(f"{value!r} is an address, and no path on this machine", param, ctx)
        return Path(os.fsdecode(super().convert(value, param, ctx)))


PLACE = _Place()


def output(*formats: str) -> Callable[[F], F]:
    """Add ``--format``; the first is the default."""
    return click.option(
        "--format", "form", type=click.Choice(formats), default=formats[0], show_default=True, help="How to print."
    )


_rev = click.option(
    "--rev", metavar="REV", help="Read a commit, branch or tag, or the default branch at a date (2026-03-01)."
)


def _noted(context: click.Context, option: click.Parameter, value: Any) -> None:
    """Note what was typed where ``session.registry`` looks for it: no command has to hand it on."""
    if value is not None and value is not False:
        context.meta[f"podium.{option.name}"] = value


_max_age = click.option(
    "--max-age",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    expose_value=False,
    callback=_noted,
    help="With a URL: take what was read so many seconds ago without asking again. PODIUM_MAX_AGE does the same.",
)
_offline = click.option(
    "--offline",
    is_flag=True,
    expose_value=False,
    callback=_noted,
    help="With a URL: take what was read before, however long ago, and ask nobody. PODIUM_OFFLINE=1 does the same.",
)


def fresh(command: F) -> F:
    """Add ``--max-age`` and ``--offline``."""
    return _max_age(_offline(command))


def rev(command: F) -> F:
    """Add ``--rev``, and the options that say how fresh a registry elsewhere must be."""
    return _rev(fresh(command))


@dataclass(frozen=True)
class Landing:
    """Where an edit goes: the checkout's files, a commit, the remote, or a pull request."""

    commit: bool
    push: bool
    pr: bool
    dry_run: bool
    message: str | None
    form: str


def landing(command: F) -> F:
    """Add the options of every editing command, handed on as one ``landing``."""
    import functools

    @functools.wraps(command)
    def gathered(
        *args: Any, commit: bool, push: bool, pr: bool, dry_run: bool, message: str | None, form: str, **kwargs: Any
    ) -> Any:
        if commit + push + pr > 1:
            raise click.UsageError(
                "--commit, --push and --pr exclude each other: --push and --pr make their own commit"
            )
        return command(*args, landing=Landing(commit, push, pr, dry_run, message, form), **kwargs)

    for option in (
        output("text", "json"),
        click.option("-m", "--message", metavar="TEXT", help="The commit's subject, and the pull request's title."),
        click.option("--dry-run", is_flag=True, help="Show what would change; change nothing."),
        click.option("--pr", is_flag=True, help="Push a branch of its own and open a pull or merge request."),
        click.option("--push", is_flag=True, help="Commit on top of the remote's default branch and push that."),
        click.option("--commit", is_flag=True, help="Commit the change on the current branch."),
    ):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]


def facts(pairs: tuple[str, ...], option: str) -> dict[str, str]:
    """Read ``key=value`` pairs; raises UsageError."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{option} takes KEY=VALUE, not {pair!r}")
        if key in found:
            raise click.UsageError(f"{option} names {key!r} twice")
        found[key] = value
    return found
