"""
Markdown in which text from a registry stays text: on GitHub, on GitLab, in a table cell, in a list.

Two things make a value safe, and every value goes through one of them. ``code`` puts it into a code span, where no
forge looks for links, mentions or references. ``inert`` writes prose: what Markdown reads is written as HTML entities,
and an invisible space (U+200B) follows each character with which a forge would begin a reference, because forges look
for these in the finished page, where an entity is a plain character again. What is ours: no line begins with a value,
and none stands in an HTML block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from podium.render.plain import one_line
from podium.visible import inert as visible
from podium.visible import redacted

_GAP = "\u200b"
_THIN = "\u2009"  # a dollar sign with a space after it begins no formula
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#!|~@:/$&%^]")
# what forges make links of in the finished page: references begin with these, or with a word
_BEGINS = frozenset("\\#!~@:/$&%^{[")
_WWW = re.compile(r"(?i)\b(www)\.")
_TICKET = re.compile(r"([A-Za-z]-)(?=[0-9])")
_COMMIT = re.compile(r"(?i)[0-9a-f]{7,}")
_NO_SPAN = re.compile(r"[`|\\]")


def inert(text: str, longest: int = 300) -> str:
    """Give text as one line of prose in which nothing is Markdown, HTML, a link, a mention or a reference."""
    return _inert(_line(text, longest))


def _line(text: str, longest: int) -> str:
    return short(visible(one_line(short(redacted(text), 4 * longest))), longest)


def _inert(line: str) -> str:
    line = _TICKET.sub(rf"\1{_GAP}", _WWW.sub(rf"\1{_GAP}.", line))
    return _SPECIAL.sub(_entity, _COMMIT.sub(_in_pieces, line))


def _in_pieces(match: re.Match[str]) -> str:
    return _GAP.join(match[0][n : n + 4] for n in range(0, len(match[0]), 4))


def _entity(match: re.Match[str]) -> str:
    char = match[0]
    if char == "$":
        return f"&#36;{_THIN}"
    return f"&#{ord(char)};{_GAP if char in _BEGINS else ''}"


def code(text: str, longest: int = 160) -> str:
    """Give text as a code span; as prose where a span could be broken out of, also by way of a table."""
    line = _line(text, longest)
    return f"`{line}`" if line and not _NO_SPAN.search(line) else inert(line, longest)


def short(text: str, longest: int) -> str:
    """Give text, or its beginning and an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def prose(text: str, longest: int = 300) -> str:
    """Give a sentence of podium's with values in it: what stands between backticks becomes code, the rest is inert."""
    line = _line(text, longest)
    parts = line.split("`")
    if len(parts) % 2 == 0:
        return _inert(line)
    return "".join(code(part, longest) if n % 2 and part.strip() else _inert(part) for n, part in enumerate(parts))


def block(lines: Iterable[str]) -> str:
    """Give commands as a block of code; each line must begin with a word of podium's, so that none ends the block."""
    return "\n".join(("```sh", *(redacted(visible(one_line(line))) for line in lines), "```"))


def table(head: Sequence[str], rows: Iterable[str], numbers: int = 0) -> str:
    """Put rows made by ``row`` under a head; as many columns after the first as hold numbers go to the right."""
    aligned = ["--:" if 0 < column <= numbers else ":--" for column in range(len(head))]
    return "\n".join((row(head), row(aligned), *rows))


def row(cells: Sequence[str]) -> str:
    """Give a row of a table, of cells that are safe already."""
    return f"| {' | '.join(cells)} |"


def folded(summary: str, body: str) -> str:
    """Fold a body away under a summary, which must hold no value from a registry."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def fitting(blocks: Iterable[str], room: int) -> list[str]:
    """Give the first blocks that fit into a room of so many characters, each with a blank line; no more are made."""
    kept = []
    for each in blocks:
        room -= len(each) + 2
        if room < 0:
            break
        kept.append(each)
    return kept


def left_out(total: int, kept: Sequence[str], what: str) -> str:
    """Say how many were left out; empty where none was."""
    return f"… and {total - len(kept):,} more {what}" if len(kept) < total else ""
