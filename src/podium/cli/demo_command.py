"""``podium demo``: a registry with real models, and a walk through podium."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from podium.cli import options, say

if TYPE_CHECKING:
    from podium.demo import Event

WIDTH = 100


@click.command("demo")
@click.argument("folder", required=False, type=options.PLACE, metavar="[DIR]")
def command(folder: Path | None) -> None:
    """
    Make a registry with real models and walk through podium.

    Works offline, in DIR (a new or empty folder) or in a new temporary folder, and changes nothing outside it. Trains
    small models on a data set that scikit-learn ships, and runs each command that it shows.

    \b
    podium demo
    podium demo ./try-podium
    """
    from podium import demo

    demo.check_ready()
    place = demo.prepared(folder)
    say.result(f"podium's demo works in {place}")
    number = 0
    for event in demo.walk(place):
        number += isinstance(event, demo.Heading)
        say.result(_text(event, number))
    say.result(_farewell(place))


def _text(event: Event, number: int) -> str:
    from podium import demo

    match event:
        case demo.Heading(text):
            return f"\n\n{number}. {text}"
        case demo.Said(text):
            return "\n" + _wrapped(text, "   ")
        case demo.Typed(text):
            return "\n" + _command(text)
        case demo.Answered(text):
            return "\n".join(_wrapped(line, "   ", "     ") for line in text.splitlines())
        case demo.Shown(text):
            return "\n" + textwrap.indent(text.rstrip(), "     ")


def _command(text: str) -> str:
    """Write a command; where it is too long for a line, in a form that can still be pasted: broken between options."""
    arguments = [shlex.quote(argument).replace(" ", "\0") for argument in shlex.split(text)]
    kept_together = re.sub(r"(?<= )(--?[a-z-]+) (?!-)", "\\1\0", " ".join(arguments))
    broken = textwrap.wrap(kept_together, WIDTH - 7, break_long_words=False, break_on_hyphens=False)
    return "   $ " + " \\\n       ".join(broken).replace("\0", " ")


def _wrapped(text: str, indent: str, hanging: str | None = None) -> str:
    """Break what is too long for a line; columns and other shorter lines stay as they are."""
    if len(indent) + len(text) <= WIDTH:
        return f"{indent}{text}".rstrip()
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _farewell(place: Path) -> str:
    return f"""

All of it is in {place}. To look further:

   cd {place / "models"}
   podium show ocr/network:latest
   podium list --format json
   podium rules alias-target-exists
   git log --oneline
"""
