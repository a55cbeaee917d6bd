"""What every rendering shares: text made harmless for a terminal, columns, sizes, JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import Any

from podium.visible import STEERING_BUT_LINES, redacted

_STEERING = re.compile(f"[{STEERING_BUT_LINES}]")  # json escapes those below U+0020 itself, tabs too
_UNITS = ("B", "kB", "MB", "GB", "TB")


def one_line(text: str) -> str:
    """Give text on one line."""
    return " ".join(text.split())


def size(count: int) -> str:
    """Write a number of bytes the way people read it, in powers of 1000."""
    amount = float(count)
    for unit in _UNITS:
        if amount < 1000 or unit == _UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError


def counted(amount: int, what: str) -> str:
    """Write how many there are of something: ``1 file``, ``1,200 files``."""
    return f"{amount:,} {what}{'' if amount == 1 else 's'}"


def number(value: float) -> str:
    """Write a metric."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def columns(rows: Iterable[Sequence[str]], head: Sequence[str]) -> str:
    """Lay rows out in columns under a head, two spaces apart."""
    table = [[" ".join(cell.split()) for cell in column] for column in zip(head, *rows, strict=True)]  # as one_line
    line = "  ".join(f"{{:<{max(map(len, column))}}}" for column in table).format
    return "\n".join([line(*row).rstrip() for row in zip(*table, strict=True)])


def document(value: Any) -> str:
    """Write JSON for people and programs: two spaces, keys in the order given, one line end at its end."""
    pieces: list[str] = []
    _write(value, "\n", pieces.append)
    pieces.append("\n")
    return "".join(pieces)


class Repeated(dict[str, Any]):
    """A mapping that stands in many places of a document: it is written out once, and must not change after that."""

    def members(self, line: str) -> str:
        """Give its members as JSON, without brackets, where a line begins so."""
        if not hasattr(self, "_written"):
            self._written: dict[str, str] = {}
        if line not in self._written:
            pieces: list[str] = []
            _write_members([dict(self)], line, pieces.append)
            self._written[line] = "".join(pieces)
        return self._written[line]


class Together(tuple[Mapping[str, Any], ...]):
    """Mappings whose members stand in one object of a document, one after the other; no name is in two of them."""

    __slots__ = ()


def _write(value: Any, line: str, add: Callable[[str], object]) -> None:
    """Write a value as json.dumps does with an indent of 2, in a third of the time; ``line`` begins a line."""
    kind = type(value)
    if isinstance(value, str):
        add(_string(value))
    elif kind in _SCALARS:
        add(_SCALARS[kind](value))
    elif hasattr(value, "keys"):
        _write_object((value,), line, add)
    elif kind is Together:
        _write_object(value, line, add)
    else:
        _write_list(value, line, add)


def _write_list(values: Iterable[Any], line: str, add: Callable[[str], object]) -> None:
    deeper = f"{line}  "
    before = ""
    for value in values:
        add(f"{before or '['}{deeper}")
        _write(value, deeper, add)
        before = ","
    add(f"{line}]" if before else "[]")


def _write_object(parts: Iterable[Mapping[str, Any]], line: str, add: Callable[[str], object]) -> None:
    deeper = f"{line}  "
    if not any(parts):
        add("{}")
        return
    add(f"{{{deeper}")
    _write_members(parts, deeper, add)
    add(f"{line}}}")


def _write_members(parts: Iterable[Mapping[str, Any]], line: str, add: Callable[[str], object]) -> None:
    between = ""
    for part in filter(None, parts):
        if type(part) is Repeated:
            add(between + part.members(line))
            between = f",{line}"
            continue
        for key in part:
            add(between + _name(key))
            _write(part[key], line, add)
            between = f",{line}"


@lru_cache(maxsize=1000)
def _name(key: str) -> str:
    return f"{_quoted_safely(key)}: "


def _string(value: str) -> str:
    return _quoted_safely(redacted(value))


def _quoted_safely(value: str) -> str:
    """Write a string; what steers a terminal is never printable."""
    written = _quoted(value)
    return written if written.isprintable() else _STEERING.sub(_escape, written)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _finite(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"JSON has no {value}")
    return repr(value)


_SCALARS: dict[type, Callable[[Any], str]] = {
    int: repr,
    float: _finite,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}
