"""
A validator's complaint in words for people: one sentence for each place, printable whatever the data holds.

Both validators' errors become a ``Fault`` first, so that a document and a team's schema are explained alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema_rs import ValidationError as FastError

Pointer = tuple[str | int, ...]

DEEPEST = 64
"""Data nested deeper than this is refused unread: the loader stops at 32, and validators recurse."""

MOST = 500
"""So many complaints about one document are put into words; nobody reads on, and each takes a while."""

_WIDEST = 80
_HUGE = 10**300  # larger whole numbers are taken for this one: beyond 4300 digits Python does not print them
_WORDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


@dataclass(frozen=True)
class Problem:
    """What is wrong with a document, and where: the keys and indexes that lead to the value."""

    pointer: Pointer
    message: str


@dataclass(frozen=True)
class Fault:
    """
    A keyword of a schema that a value breaks.

    ``argument`` is what the schema says under the keyword, ``schema`` the mapping it stands in, ``names`` the keys it
    is about, ``of_key`` tells that the value is a key of the mapping at ``pointer``, ``branches`` are the faults in
    each alternative.
    """

    keyword: str
    argument: Any
    schema: dict[str, Any]
    value: Any
    pointer: Pointer
    names: tuple[str, ...] = ()
    of_key: bool = False
    branches: tuple[tuple[Fault, ...], ...] = ()


# --- from data and from the validators ------------------------------------------------------------------------------


def plain(data: Any) -> tuple[Any, list[Problem]]:
    """Give the data with ``None`` in place of all that JSON cannot hold, and a problem for each of these."""
    odd: list[Problem] = []
    return _plain(data, (), odd), odd


def _plain(data: Any, pointer: Pointer, odd: list[Problem]) -> Any:
    why = _why_odd(data, pointer)
    if why is not None:
        odd.append(Problem(pointer, why))
        return None
    if isinstance(data, dict):
        return {key: _plain(value, (*pointer, key), odd) for key, value in _textual(data, pointer, odd)}
    if isinstance(data, list | tuple):
        return [_plain(value, (*pointer, index), odd) for index, value in enumerate(data)]
    if isinstance(data, str):
        return _encodable(data)
    is_huge = isinstance(data, int) and abs(data) > _HUGE
    return data if not is_huge else _HUGE if data > 0 else -_HUGE


def _why_odd(data: Any, pointer: Pointer) -> str | None:
    if isinstance(data, float):
        return None if math.isfinite(data) else "is not a finite number"
    if isinstance(data, dict | list | tuple):
        return "is nested too deeply" if len(pointer) >= DEEPEST else None
    return None if data is None or isinstance(data, str | int) else "is nothing that a file can hold"


def _textual(data: dict[Any, Any], pointer: Pointer, odd: list[Problem]) -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(key, str):
            yield _encodable(key), value
        else:
            odd.append(Problem(pointer, f"the key {shown(key)} is no text"))


def _encodable(text: str) -> str:
    """Replace surrogates, on which validators stumble: whether text is Unicode was for the loader to see."""
    return text if is_unicode(text) else text.encode(errors="replace").decode()


def is_unicode(text: str) -> bool:
    """Tell whether text has no lone surrogates, which no file can hold."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def from_python(error: ValidationError) -> Fault:
    """Make a fault of an error of jsonschema."""
    keyword = error.validator if isinstance(error.validator, str) else "false"
    schema = error.schema if isinstance(error.schema, dict) else {}
    return Fault(
        keyword,
        error.validator_value,
        schema,
        error.instance,
        tuple(error.absolute_path),
        _names(keyword, error.validator_value, schema, error.instance),
        "propertyNames" in error.absolute_schema_path,
        (tuple(from_python(inner) for inner in error.context or ()),),
    )


def _names(keyword: str, argument: Any, schema: dict[str, Any], value: Any) -> tuple[str, ...]:
    if keyword == "required":
        return tuple(name for name in argument if name not in value)
    if keyword == "additionalProperties":
        return tuple(name for name in value if name not in schema.get("properties", {}))
    return ()


def from_rust(error: FastError, document: Any, value: Any = None, *, of_key: bool = False) -> Fault:
    """Make a fault of a jsonschema-rs error that a schema document gave; ``value`` is the key where it is of one."""
    kind = error.kind
    facts = kind.as_dict()
    pointer = tuple(error.instance_path)
    if kind.name == "propertyNames":
        key = facts["error"].instance
        return from_rust(facts["error"], document, key, of_key=True) if isinstance(key, str) else _bare(error, document)
    schema, argument = _stated(document, error.schema_path)
    names = facts.get("unexpected") or ([facts["property"]] if "property" in facts else [])
    return Fault(
        "false" if kind.name == "falseSchema" else kind.name,
        argument if argument is not None else next(iter(facts.values()), None),
        schema,
        value if of_key else error.instance,
        pointer,
        tuple(name for name in names if isinstance(name, str)),
        of_key,
        tuple(tuple(from_rust(inner, document) for inner in branch) for branch in facts.get("context") or ()),
    )


def _bare(error: FastError, document: Any) -> Fault:
    schema, argument = _stated(document, error.schema_path)
    return Fault(error.kind.name, argument, schema, error.instance, tuple(error.instance_path))


def _stated(document: Any, path: Iterable[str | int]) -> tuple[dict[str, Any], Any]:
    """Give the mapping in which a keyword stands, and what it says; nothing where the path leads elsewhere."""
    schema: Any = {}
    here = document
    for step in path:
        schema = here
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            return {}, None
    return (schema, here) if isinstance(schema, dict) else ({}, here)


def doubled(items: list[Any]) -> int | None:
    """Give the index of the first item that was there before."""
    seen = set()
    for index, item in enumerate(items):
        mark = _mark(item)
        if mark in seen:
            return index
        seen.add(mark)
    return None


def _mark(value: Any) -> Any:
    """Give what is equal where JSON Schema calls values equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, dict):
        return "object", frozenset((key, _mark(member)) for key, member in value.items())
    if isinstance(value, list):
        return "array", tuple(_mark(member) for member in value)
    return isinstance(value, bool), value


# --- to sentences ---------------------------------------------------------------------------------------------------

_OF_KEYS = {"required", "additionalProperties", "unevaluatedProperties"}
_FIRST = ("false", "type", "const", "enum", "minLength", "pattern", "not")


def explained(odd: list[Problem], faults: Iterable[Fault]) -> list[Problem]:
    """Give the odd values and the faults as problems: the most telling one for each place, none twice."""
    places: dict[tuple[Pointer, bool], list[Fault]] = {}
    for fault in islice(faults, MOST):
        places.setdefault((fault.pointer, fault.of_key), []).append(fault)
    strange = {problem.pointer for problem in odd}
    told = [fault for place, found in places.items() if place[0] not in strange for fault in _telling(found)]
    said = islice((problem for fault in told for problem in sentences(fault)), MOST)
    return list(dict.fromkeys([*odd[:MOST], *said]))


def _telling(faults: list[Fault]) -> list[Fault]:
    """Keep what is said of keys, and of the value itself only what matters most."""
    of_keys = [fault for fault in faults if fault.keyword in _OF_KEYS]
    of_value = [fault for fault in faults if fault.keyword not in _OF_KEYS]
    return of_keys + ([min(of_value, key=_rank)] if of_value else [])


def _rank(fault: Fault) -> int:
    return _FIRST.index(fault.keyword) if fault.keyword in _FIRST else len(_FIRST)


def sentences(fault: Fault) -> list[Problem]:
    """Give the problems that a fault is: one, or one for each key that is missing or too many."""
    if fault.keyword == "required":
        return [Problem(fault.pointer, f"{_bare_name(name)} is missing") for name in fault.names]
    if fault.keyword in {"additionalProperties", "unevaluatedProperties"} and fault.names:
        return [Problem((*fault.pointer, name), _no_key(name, fault.schema)) for name in fault.names[:MOST]]
    if fault.of_key:
        return [Problem((*fault.pointer, fault.value), f"as a key, {_about(fault)}")]
    return [Problem(fault.pointer, _about(fault))]


def _no_key(name: str, schema: dict[str, Any]) -> str:
    allowed = ", ".join(_bare_name(other) for other in list(schema.get("properties", {}))[:12])
    return f"{shown(name)} is no key here" + (f"; allowed: {allowed}" if allowed else "")


def _about(fault: Fault) -> str:
    if fault.branches and fault.keyword in {"anyOf", "oneOf"}:
        return _alternatives(fault)
    say = _SENTENCES.get(fault.keyword)
    return say(fault) if say else f"breaks {fault.keyword} of the schema"


def _alternatives(fault: Fault) -> str:
    """Speak of the alternative that came furthest; of all where none got past the value itself."""
    if fault.keyword == "oneOf" and any(not branch for branch in fault.branches):
        return f"{shown(fault.value)} fits more than one of the forms allowed here"
    depth = len(fault.pointer)
    best = max(fault.branches, key=lambda branch: min((len(inner.pointer) for inner in branch), default=0))
    if best and all(len(inner.pointer) > depth for inner in best):
        problem = sentences(best[0])[0]
        return f"at {'.'.join(_bare_name(str(step)) for step in problem.pointer[depth:])}: {problem.message}"
    said = dict.fromkeys(
        problem.message for branch in fault.branches for inner in branch for problem in sentences(inner)
    )
    return ", or ".join(list(said)[:4]) or "fits none of the forms allowed here"


def _wrong_type(fault: Fault) -> str:
    wanted = [fault.argument] if isinstance(fault.argument, str) else list(fault.argument or ())
    words = " or ".join(_WORDS.get(str(name), "something else") for name in wanted)
    is_float = isinstance(fault.value, float) and "integer" in wanted
    return f"must be {words}, is {shown(fault.value) if is_float else _kind(fault.value)}"


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return shown(value)
    return "text" if isinstance(value, str) else "a number" if isinstance(value, int | float) else shown(value)


def _wrong_text(fault: Fault) -> str:
    meaning = fault.schema.get("patternErrorMessage")
    why = meaning if isinstance(meaning, str) else f"it does not match {shown(fault.argument)}"
    return f"{shown(fault.value)} is refused: {why}"


def _forbidden(fault: Fault) -> str:
    meaning = fault.argument.get("description") if isinstance(fault.argument, dict) else None
    what = f"{shown(fault.value)} is refused"
    return f"{what}: {meaning}" if isinstance(meaning, str) else f"{what}: the schema forbids it"


def _doubles(fault: Fault) -> str:
    index = doubled(fault.value) if isinstance(fault.value, list) else None
    return "has doubles" if index is None else f"{shown(fault.value[index])} is there twice"


def _one_of(fault: Fault) -> str:
    options = fault.argument if isinstance(fault.argument, list) else [fault.argument]
    more = " …" if len(options) > 12 else ""
    return f"must be one of {', '.join(shown(option) for option in options[:12])}{more}, is {shown(fault.value)}"


def _compared(words: str) -> Callable[[Fault], str]:
    return lambda fault: f"must be {words} {shown(fault.argument)}, is {shown(fault.value)}"


def _counted(words: str, unit: str) -> Callable[[Fault], str]:
    def say(fault: Fault) -> str:
        if isinstance(fault.value, str | list | dict) and not fault.value:
            return "must not be empty"
        count = len(fault.value) if isinstance(fault.value, str | list | dict) else "some"
        return f"must have {words} {shown(fault.argument)} {unit}, has {count}"

    return say


_SENTENCES: dict[str, Callable[[Fault], str]] = {
    "additionalProperties": lambda fault: f"{shown(fault.value)} has keys that are not allowed",
    "const": lambda fault: f"must be {shown(fault.argument)}, is {shown(fault.value)}",
    "contains": lambda _: "lacks an entry that the schema asks for",
    "enum": _one_of,
    "exclusiveMaximum": _compared("less than"),
    "exclusiveMinimum": _compared("more than"),
    "false": lambda _: "is not allowed here",
    "maxItems": _counted("at most", "entries"),
    "maxLength": _counted("at most", "characters"),
    "maxProperties": _counted("at most", "keys"),
    "maximum": _compared("at most"),
    "minItems": _counted("at least", "entries"),
    "minLength": _counted("at least", "characters"),
    "minProperties": _counted("at least", "keys"),
    "minimum": _compared("at least"),
    "multipleOf": _compared("a multiple of"),
    "not": _forbidden,
    "pattern": _wrong_text,
    "type": _wrong_type,
    "unevaluatedItems": lambda _: "has entries that the schema does not allow",
    "uniqueItems": _doubles,
}


def shown(value: Any, widest: int = _WIDEST) -> str:
    """Give a value in words or in quotes, printable, at most about 80 characters long."""
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) and abs(value) >= 10**widest:
        return "a huge number"
    said = repr(value[: widest + 1] if isinstance(value, str) else value)
    return said if len(said) <= widest + 2 else f"{said[:widest]}…"


def _bare_name(name: str) -> str:
    return (
        name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() and len(name) < 40 else shown(name)
    )
