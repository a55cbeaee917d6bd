"""What every rendering shares: text made harmless for a terminal, columns, sizes, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from podium.visible import STEERING

_STEERING = re.compile(f"(?!\n)[{STEERING}]")  # json escapes those below U+0020 itself
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


def number(value: float) -> str:
    """Write a metric."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def columns(rows: Iterable[Sequence[str]], head: Sequence[str]) -> str:
    """Lay rows out in columns under a head, two spaces apart."""
    table = [list(head), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in table) for n in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def document(value: Any) -> str:
    """Write JSON for people and programs: two spaces, keys in the order given, one line end at its end."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def _plain(value: Any) -> Any:
    if hasattr(value, "keys"):
        return {key: value[key] for key in value}
    return list(value)
