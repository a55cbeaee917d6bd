"""What the command line prints: results on stdout, everything else on stderr, never a character that steers a terminal."""

from __future__ import annotations

import os
import re
import sys

import click

from podium.visible import inert, redacted

_COMMAND = re.compile(r"^[ \t]*::", re.MULTILINE)


def result(text: str) -> None:
    """Print a result."""
    click.echo(inert(text))


def document(value: object) -> None:
    """Print one JSON document."""
    from podium.render import plain

    click.echo(plain.document(value), nl=False)


def note(text: str) -> None:
    """Say something beside the result."""
    click.echo(_marked(text), err=True)


def error(sentence: str, hint: str = "") -> None:
    """Say what is the case, and what to do next."""
    head = click.style("error:", fg="red", bold=True) if colour() else "error:"
    click.echo(f"{head} {_marked(sentence)}", err=True)
    if hint:
        click.echo(f"hint: {_marked(hint)}", err=True)


def _marked(text: str) -> str:
    """Mark lines that begin with ``::``: in a CI log they would be commands to the runner."""
    return _COMMAND.sub("| ::", redacted(inert(text)))


def colour() -> bool:
    """Tell whether stderr is a terminal that wants colour (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")
