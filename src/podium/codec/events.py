"""
The strict loader's parser: libyaml's events, with the position of each problem. Loaded for files that need one.

The loop is flat on purpose: it may run once for every file of a registry, and a call per node would double its time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import yaml
from yaml.cyaml import CParser

from podium.codec.strict import (
    FORBIDDEN,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    NUMBER_START,
    TOO_LARGE,
    TOO_MANY,
    WORDS,
    Malformed,
    Pointer,
    Value,
    number,
)

_FORBIDDEN = re.compile(f"[{FORBIDDEN}]")
_FORBIDDEN_INSIDE = re.compile(f"[{FORBIDDEN}\r]")
_FORBIDDEN_ASCII = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def parsed(raw: bytes) -> dict[str, Value]:
    """Read a file with the parser, whatever it is; raises Malformed at its first problem."""
    suspicious = _look_at_bytes(raw)
    try:
        return _build(CParser(raw), suspicious)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Malformed(line, column, _sentence(error)) from None
    except yaml.YAMLError as error:
        raise Malformed(1, 1, str(error).splitlines()[0]) from None


def locate(raw: bytes, pointer: Pointer) -> tuple[int, int]:
    """Give line and column, from 1, of the value a pointer leads to, or of the nearest one around it that exists."""
    found = _all_positions(raw)
    while pointer and pointer not in found:
        pointer = pointer[:-1]
    return found.get(pointer, (1, 1))


@lru_cache(maxsize=1)
def _all_positions(raw: bytes) -> dict[Pointer, tuple[int, int]]:
    """Give the position of every value of a file; kept, since a file with one problem often has a hundred."""
    try:
        return _positions(CParser(raw))
    except yaml.YAMLError:
        return {}


def has_comments(raw: bytes) -> bool:
    """Tell whether a person's comments are in a file that decodes."""
    if b"#" not in raw:
        return False
    text = raw.decode()
    end = 0
    for event in _events(CParser(raw)):
        if isinstance(event, yaml.ScalarEvent):
            if "#" in text[end : event.start_mark.index]:
                return True
            end = event.end_mark.index
    return "#" in text[end:]


def _look_at_bytes(raw: bytes) -> bool:
    """Refuse what no YAML file of ours may hold; tell whether its texts must be looked at for escaped characters."""
    if len(raw) > MAX_BYTES:
        raise Malformed(1, 1, TOO_LARGE.problem)
    if raw.isascii():
        bad_byte = _FORBIDDEN_ASCII.search(raw)
        if bad_byte:
            raise _at(raw[: bad_byte.start()].decode(), f"control character 0x{bad_byte[0][0]:02x}")
        return b"\\" in raw
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _at(raw[: error.start].decode(), "the file is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise Malformed(1, 1, "the file begins with a byte order mark")
    bad = _FORBIDDEN.search(text)
    if bad:
        raise _at(text[: bad.start()], f"control or formatting character U+{ord(bad[0]):04X}")
    return b"\\" in raw


def _at(before: str, problem: str) -> Malformed:
    lines = re.split("\r\n|\n|\r", before)
    return Malformed(len(lines), len(lines[-1]) + 1, problem)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return ", ".join(parts) or "this is no YAML"


def _events(parser: CParser) -> Any:
    while True:
        event = parser.get_event()
        if event is None or type(event) is yaml.StreamEndEvent:
            return
        yield event


class _NoKey:
    """Stands where a mapping waits for its next key; a class, so that no value can be equal to it."""


def _build(parser: CParser, suspicious: bool) -> dict[str, Value]:
    next_event = parser.get_event
    _start(next_event)
    top: dict[str, Value] = {}
    _fill(top, next_event, suspicious)
    _end(next_event)
    return top


def _fill(top: Any, next_event: Any, suspicious: bool) -> None:  # noqa: C901, PLR0912 - one flat loop, see above
    scalar, mapping, ends = yaml.ScalarEvent, yaml.MappingStartEvent, (yaml.MappingEndEvent, yaml.SequenceEndEvent)
    no_key: Any = _NoKey
    into, key, left = top, no_key, MAX_VALUES
    above: list[Any] = []
    while True:
        event = next_event()
        kind = type(event)
        if kind in ends:
            if not above:
                return
            into = above.pop()
            continue
        left -= 1
        if left < 0:
            raise _problem(event, TOO_MANY)
        if event.anchor is not None or event.tag is not None:
            raise _not_plain(event)
        if kind is scalar:
            value: Value = event.value
            if event.style == "":
                if value in WORDS:
                    value = WORDS[value]
                elif value[0] in NUMBER_START:
                    value = _number(event)
            elif suspicious and _FORBIDDEN_INSIDE.search(value):
                raise _problem(event, "an escaped control or formatting character in a text")
        else:
            value = {} if kind is mapping else []
        if type(into) is list:
            into.append(value)
        elif key is no_key:
            if type(value) is not str or value in into or (value == "<<" and event.style == ""):
                raise _no_such_key(event, value)
            key = value
        else:
            into[key] = value
            key = no_key
        if kind is not scalar:
            if len(above) + 2 > MAX_DEPTH:
                raise _problem(event, f"nested deeper than {MAX_DEPTH} levels")
            above.append(into)
            into = value


def _number(event: Any) -> Value:
    try:
        return number(event.value)
    except OverflowError as error:
        raise _problem(event, str(error)) from None


def _no_such_key(event: Any, value: Value) -> Malformed:
    if type(event) is not yaml.ScalarEvent:
        return _problem(event, "a key must be text")
    if type(value) is not str:
        return _problem(event, f'a key must be text; quote it: "{event.value}"')
    if value == "<<" and event.style == "":
        return _problem(event, "merge keys are not allowed")
    return _problem(event, f"the key {_short(value)} is there twice")


def _start(next_event: Any) -> None:
    next_event()
    event = next_event()
    if type(event) is yaml.StreamEndEvent:
        raise Malformed(1, 1, "the file is empty; the top of a file is a mapping")
    if event.version is not None or event.tags:
        raise _problem(event, "YAML directives are not allowed")
    event = next_event()
    if type(event) is not yaml.MappingStartEvent:
        raise _problem(event, "the top of the file is not a mapping")
    if event.anchor is not None or event.tag is not None:
        raise _not_plain(event)


def _end(next_event: Any) -> None:
    next_event()
    event = next_event()
    if type(event) is not yaml.StreamEndEvent:
        raise _problem(event, "a second document begins here; a file holds one")


def _not_plain(event: Any) -> Malformed:
    if type(event) is yaml.AliasEvent:
        return _problem(event, "YAML aliases are not allowed")
    return _problem(event, f"YAML {'anchors' if event.anchor is not None else 'tags'} are not allowed")


def _problem(event: Any, problem: str) -> Malformed:
    return Malformed(event.start_mark.line + 1, event.start_mark.column + 1, problem)


def _short(text: str) -> str:
    return ascii(text if len(text) <= 60 else f"{text[:60]}…")


def _positions(parser: CParser) -> dict[Pointer, tuple[int, int]]:
    """Give the position of every value, by pointer; of what comes before the first syntax error where there is one."""
    found: dict[Pointer, tuple[int, int]] = {}
    stack: list[list[Any]] = []  # [pointer, next position in a list or None, waiting key or None]
    for event in _events(parser):
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            pointer = _pointer(stack, event)
            if pointer is None:
                continue
            found.setdefault(pointer, (event.start_mark.line + 1, event.start_mark.column + 1))
            if isinstance(event, yaml.SequenceStartEvent):
                stack.append([pointer, 0, None])
            elif isinstance(event, yaml.MappingStartEvent):
                stack.append([pointer, None, None])
    return found


def _pointer(stack: list[list[Any]], event: Any) -> Pointer | None:
    """Give the pointer of the value that this event begins; ``None`` where it is a key."""
    if not stack:
        return ()
    level = stack[-1]
    base: Pointer = level[0]
    if level[1] is not None:
        level[1] += 1
        return (*base, level[1] - 1)
    if level[2] is None:
        level[2] = getattr(event, "value", "")
        return None
    key, level[2] = level[2], None
    return (*base, key)
