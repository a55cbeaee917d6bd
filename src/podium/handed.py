"""What Python code hands in: of the right type, and a copy that the caller can't change later; else Usage says so."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from podium.errors import Usage
from podium.visible import steers

T = TypeVar("T")


def a(kind: type[T], value: object, what: str) -> T:
    """Give a value of a type; ``what`` it is to be, with an example, is what an error says. Raises Usage."""
    if isinstance(value, kind):
        return value
    raise _no(value, what)


def text(value: object, what: str) -> str:
    """Give a text; raises Usage."""
    return a(str, value, what)


def prose(value: object, what: str) -> str:
    """Give a text that people will read: printable, with line ends and tabs at most; raises Usage."""
    found = text(value, what)
    if steers(found):
        raise Usage(f"{found!r} holds what is no printable character", f"write {what} as plain text, in UTF-8")
    return found


def texts(value: object, what: str) -> tuple[str, ...]:
    """Give several texts, of a list or anything that is gone through once; raises Usage, also for a single text."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise _no(value, f"a list of {what}")
    return tuple(text(one, f"a list of {what}") for one in value)


def facts(value: object, what: str) -> dict[str, Any]:
    """Give a mapping with keys of text; what is below them is for the schema to judge. Raises Usage."""
    if not isinstance(value, Mapping):
        raise _no(value, f"a mapping of {what}")
    return {prose(key, f"the names of {what}"): _still(one, what) for key, one in value.items()}


def _still(value: object, what: str) -> object:
    if isinstance(value, str):
        return prose(value, what)
    if isinstance(value, bytes | bytearray | memoryview):  # each byte would be taken for a number
        raise _no(value, "text, numbers, truth values, or lists of these")
    return tuple(_still(one, what) for one in value) if isinstance(value, list | tuple) else value


def place(value: object) -> str:
    """Give a path, or an address, as text; raises Usage."""
    try:
        found = os.fspath(value)  # type: ignore[call-overload]
    except TypeError:
        raise _no(value, "a path or an address") from None
    return text(found, "a path or an address")


def moment(value: object) -> float:
    """Give a moment as seconds since 1970; raises Usage."""
    found = a(datetime, value, "a datetime")
    try:
        return found.timestamp()
    except (OverflowError, ValueError, OSError):
        raise Usage(f"{found} lies outside of what this machine's clock counts", "leave it out") from None


def _no(value: object, what: str) -> Usage:
    return Usage(f"<{type(value).__name__}> is not what is asked for here", f"hand in {what}")
