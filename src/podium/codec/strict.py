"""
The strict loader: one YAML subset for every file, with the position of each problem.

YAML 1.2's core words only (``no``, ``on``, ``yes`` and dates are text), no anchors, aliases, tags, merge keys,
directives or doubled keys, one document with a mapping at its top. Files in podium's own forms need no parser, which
takes a sixth of a command's start to load.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from podium.codec import swift

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_VALUES = 65_536
"""Keys and values in one file, so that what comes of it takes well under a second; a manifest has 45,000 at most."""
INT64 = range(-(2**63), 2**63)

Pointer = tuple[str | int, ...]
"""Where in a document a value is: the keys and list positions that lead to it."""

Value = Any
"""What a document holds: text, numbers, truth values, ``None``, lists and mappings of these."""

NUMBER_START = frozenset("-.0123456789")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"-?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
WORDS: dict[str, Value] = {"": None, "~": None, "null": None, "true": True, "false": False}

# C0 but tab and line ends, DEL, C1, and the bidirectional formatting characters of https://trojansource.codes
FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069"


@dataclass(eq=False)
class Malformed(Exception):
    """A file is not of the strict subset; line and column count from 1."""

    line: int
    column: int
    problem: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.problem}"


TOO_MANY = f"the file holds more than {MAX_VALUES} keys and values"
TOO_LARGE = Malformed(1, 1, f"the file is larger than {MAX_BYTES // 1024**2} MiB")
"""What is wrong with a file that was not read for its size."""

# Links and aliases are the most files of a registry and the smallest: as podium writes them, they need no parser.
_ALIAS = re.compile(rb"generation: ([1-9][0-9]{0,17})\nversion: (?:(v[0-9]+)|null)\n")
_LINK = re.compile(rb"artifact: ([A-Za-z][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*)\nversion: (v[0-9]+)\n")


def decode(raw: bytes) -> dict[str, Value]:
    """Read a file; raises Malformed at its first problem."""
    alias = _ALIAS.fullmatch(raw)
    if alias is not None:
        return {"generation": int(alias[1]), "version": alias[2].decode() if alias[2] else None}
    link = _LINK.fullmatch(raw)
    if link is not None:
        return {"artifact": link[1].decode(), "version": link[2].decode()}
    return _read_swiftly(raw) or parsed(raw)


def _read_swiftly(raw: bytes) -> dict[str, Value] | None:
    if len(raw) > MAX_BYTES or 3 * (raw.count(b",") + raw.count(b"\n")) > MAX_VALUES:
        return None  # in podium's own forms neither brings more than three keys and values; the parser counts them
    try:
        return swift.read(raw.decode(), plain)
    except (UnicodeDecodeError, OverflowError):
        return None


def plain(text: str) -> Value:
    """Give what a text without quotes means; raises OverflowError for a number that does not fit."""
    if text in WORDS:
        return WORDS[text]
    return number(text) if text[0] in NUMBER_START else text


def number(text: str) -> Value:
    """Give the number that a text without quotes is, or the text; raises OverflowError for one that does not fit."""
    if _INTEGER.fullmatch(text):
        if len(text) > 20 or int(text) not in INT64:
            raise OverflowError("an integer that does not fit in 64 bits")
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


# --- what needs the parser: it is loaded for a file that no simpler way reads ----------------------------------------


def parsed(raw: bytes) -> dict[str, Value]:
    """Read a file with the parser, whatever it is; raises Malformed at its first problem."""
    from podium.codec import events

    return events.parsed(raw)


def locate(raw: bytes, pointer: Pointer) -> tuple[int, int]:
    """Give line and column, from 1, of the value a pointer leads to, or of the nearest one around it that exists."""
    from podium.codec import events

    return events.locate(raw, pointer)


def has_comments(raw: bytes) -> bool:
    """Tell whether a person's comments are in a file that decodes."""
    from podium.codec import events

    return events.has_comments(raw)
