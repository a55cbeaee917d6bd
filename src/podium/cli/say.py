"""What the command line prints: results on stdout, the rest on stderr; nothing steers a terminal, no credentials."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import TextIO

import click

from podium.visible import fit, inert, redacted

_COMMAND = re.compile(r"^[ \t]*::", re.MULTILINE)


def result(text: str) -> None:
    """Print a result."""
    _out(f"{redacted(inert(text))}\n")


def document(value: object) -> None:
    """Print one JSON document."""
    from podium.render import plain

    _out(plain.document(value))


class Unwritten(OSError):
    """The output takes no more."""


def _out(text: str) -> None:
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:  # the reader has seen enough
        raise
    except OSError as error:
        raise Unwritten(error.errno, error.strerror) from None


def note(text: str) -> None:
    """Say something beside the result."""
    _beside(_marked(text))


def error(sentence: str, hint: str = "") -> None:
    """Say what is the case, and what to do next."""
    head = click.style("error:", fg="red", bold=True) if colour() else "error:"
    _beside(f"{head} {_marked(fit(sentence))}")
    if hint:
        _beside(f"hint: {_marked(fit(hint))}")


def _beside(text: str) -> None:
    """Write to stderr; where that takes nothing, a command is as well done as it is, and nothing more is tried."""
    try:
        click.echo(text, err=True)
    except OSError:
        mute(sys.stderr)


def mute(stream: TextIO) -> None:
    """Let what a stream still holds, and all that follows, go nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _marked(text: str) -> str:
    """Mark lines that begin with ``::``: in a CI log they would be commands to the runner."""
    return _COMMAND.sub("| ::", redacted(inert(text)))


def colour() -> bool:
    """Tell whether stderr is a terminal that wants colour (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")
