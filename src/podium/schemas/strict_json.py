"""JSON read with suspicion: no doubled keys, no numbers without bounds, and the place of every value."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from podium.schemas.explain import Pointer, shown

_LONGEST_NUMBER = 100


@dataclass(eq=False)
class NoJsonError(Exception):
    """A text is no JSON that podium takes: why, and at which character."""

    message: str
    text: str
    index: int


class Doubled(dict[str, Any]):
    """A mapping that has a key twice."""

    key = ""


def parsed(text: str) -> Any:
    """Read a text; a mapping with a key twice comes as Doubled. Raises NoJsonError."""
    if text.startswith("\ufeff"):
        raise NoJsonError("begins with a byte order mark", text, 0)
    try:
        return json.loads(
            text, object_pairs_hook=_mapping, parse_constant=_refused, parse_int=_whole, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        raise NoJsonError(f"is no JSON: {error.msg}", text, error.pos) from None
    except RecursionError:
        raise NoJsonError("is nested too deeply", text, 0) from None
    except ValueError as error:
        raise NoJsonError(f"is no JSON: {error}", text, 0) from None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) == len(pairs):
        return mapping
    seen: set[str] = set()
    doubled = Doubled(mapping)
    doubled.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return doubled


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"{shown(digits)} is too large a number")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{shown(digits)} is too large a number")
    return number


def line_and_column(text: str, index: int) -> tuple[int, int]:
    """Give the place of a character, from 1."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def index_of(text: str, pointer: Pointer) -> int:
    """Find where a value begins in a text that is JSON; where it is no longer found, its innermost parent."""
    index = _past(text, 0)
    for step in pointer:
        found = None
        for name, start in _members(text, index):
            found = start if name == step else found
        if found is None:
            break
        index = found
    return index


def _members(text: str, index: int) -> Iterator[tuple[str | int, int]]:
    """Give the keys or indexes of the mapping or list at an index, each with where its value begins."""
    decoder = json.JSONDecoder(parse_int=float)
    is_mapping = text[index] == "{"
    if text[index] not in "{[":
        return
    number = 0
    index = _past(text, index + 1)
    while text[index] not in "}]":
        name: str | int = number
        if is_mapping:
            name, index = decoder.raw_decode(text, index)
            index = _past(text, _past(text, index) + 1)
        yield name, index
        index = _past(text, decoder.raw_decode(text, index)[1])
        index = _past(text, index + 1) if text[index] == "," else index
        number += 1


def _past(text: str, index: int) -> int:
    while index < len(text) and text[index] in " \t\r\n":
        index += 1
    return index
