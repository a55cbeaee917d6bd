"""
A team's own schema, applied on top of podium's: read with suspicion, run where it can do no harm.

Nothing is fetched, no pattern and no circle of references can take long, and no schema crashes the run: what could is
a flaw of the file, with its place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote

from podium.schemas import burden
from podium.schemas.ambiguity import MOST_STEPS, Steps
from podium.schemas.burden import MOST_WORK, Burden
from podium.schemas.explain import (
    MOST,
    Fault,
    Pointer,
    Problem,
    explained,
    from_rust,
    is_unicode,
    plain,
    sentences,
    shown,
)
from podium.schemas.graph import components
from podium.schemas.patterns import linear, why_exponential
from podium.schemas.strict_json import Doubled, NoJsonError, index_of, line_and_column, parsed

LARGEST = 256 * 1024
"""Bytes of a team's schema."""

DEEPEST_SCHEMA = 48
"""How deep a schema may be nested, and how many subschemas in a row may look at one value."""

MOST_SUBSCHEMAS = 4_000
"""Subschemas in one schema."""

MOST_PATTERNS = 500
"""Patterns in one schema; judging all of them takes a second at most."""

MOST_FLAWS = 50
"""So many flaws of one schema are reported."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_ONE = ("additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then",
        "unevaluatedItems", "unevaluatedProperties")  # fmt: skip
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a team's schema, and where: line and column count from 1, at the value of ``pointer``."""

    message: str
    line: int
    column: int
    pointer: Pointer = ()


_TOO_HEAVY = "takes too long to be judged by it: make the file smaller, or the schema simpler"

TOO_LARGE = Flaw(f"is larger than {LARGEST // 1024} KiB", 1, 1)
"""What is wrong with a schema that is not read for its size."""


@dataclass(frozen=True)
class TeamSchema:
    """A team's schema that can be run."""

    document: Any
    validator: Any = field(repr=False, compare=False)
    burden: Burden = field(default=Burden(), compare=False)

    def problems(self, data: Any) -> list[Problem]:
        """
        Give what the schema finds wrong with a document, a sentence for each place; never raises.

        Of a document so large that its errors could fill the memory, only the first one is told.
        """
        clean, odd = plain(data)
        size = burden.extent(clean)
        if self.burden.is_too_heavy(size):
            return [*odd, Problem((), _TOO_HEAVY)]
        if not odd and self.validator.is_valid(clean):
            return []
        if self.burden.can_be_told(size):
            return explained(odd, (from_rust(error, self.document) for error in self.validator.iter_errors(clean)))
        if self.burden.branches:
            return [*odd[:MOST], Problem((), "is not as it asks; the file is too large to say where")]
        return explained(odd, self._first(clean))

    def _first(self, clean: Any) -> Iterator[Fault]:
        import jsonschema_rs

        try:
            self.validator.validate(clean)
        except jsonschema_rs.ValidationError as error:
            yield from_rust(error, self.document)


@lru_cache(maxsize=32)
def load(raw: bytes) -> TeamSchema | list[Flaw]:
    """Read a team's schema; what cannot be run safely gives its flaws instead."""
    if len(raw) > LARGEST:
        return [TOO_LARGE]
    try:
        text = raw.decode()
        document = parsed(text)
    except NoJsonError as error:
        return [Flaw(error.message, *line_and_column(error.text, error.index))]
    except UnicodeDecodeError as error:
        return [Flaw("is no UTF-8", *line_and_column(raw[: error.start].decode(), error.start))]
    found = _read(document)
    return found if isinstance(found, TeamSchema) else [_flaw(text, problem) for problem in found[:MOST_FLAWS]]


def _read(document: Any) -> TeamSchema | list[Problem]:
    strange = _strange(document)
    if strange:
        return strange
    reading = _Reading(document)
    problems = reading.problems()
    if problems:
        return problems
    built = _built(_runnable(document, reading.schemas), reading.burden())
    return built if isinstance(built, TeamSchema) else [built]


def _strange(document: Any) -> list[Problem]:
    """Give what JSON allows and a schema must not hold."""
    if not isinstance(document, dict | bool):
        return [Problem((), "is no JSON Schema: it must be a mapping, true or false")]
    _, odd = plain(document)
    for pointer, value in _everything(document, ()):
        texts = [value] if isinstance(value, str) else value if isinstance(value, dict) else ()
        if not all(map(is_unicode, texts)):
            odd.append(Problem(pointer, "holds text that is no Unicode"))
        if isinstance(value, Doubled):
            odd.append(Problem((*pointer, value.key), f"the key {shown(value.key)} is there twice"))
        if isinstance(value, dict | list) and len(pointer) == DEEPEST_SCHEMA:
            odd.append(Problem(pointer, "is nested too deeply"))
    return odd


def _everything(value: Any, pointer: Pointer) -> Iterator[tuple[Pointer, Any]]:
    yield pointer, value
    if len(pointer) < DEEPEST_SCHEMA and isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _everything(member, (*pointer, key))


def _flaw(text: str, problem: Problem) -> Flaw:
    return Flaw(problem.message, *line_and_column(text, index_of(text, problem.pointer)), problem.pointer)


# --- what a schema would do -----------------------------------------------------------------------------------------


class _Reading:
    """One look at every subschema of a document, those that references lead to among them."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._found: list[Problem] = []
        self.schemas: dict[Pointer, Any] = {}
        self._steps: dict[Pointer, dict[str, list[Pointer]]] = {}
        self._looks: Mapping[Pointer, int] = {}
        self._patterns = 0
        self._left = Steps(MOST_STEPS)
        self._anchors = {
            value[key]: pointer
            for pointer, value in _everything(document, ())
            if isinstance(value, dict)
            for key in ("$anchor", "$dynamicAnchor")
            if isinstance(value.get(key), str)
        }

    def problems(self) -> list[Problem]:
        """Give what makes the schema unfit to be run."""
        waiting: deque[tuple[Pointer, Any]] = deque([((), self._document)])
        while waiting:
            pointer, schema = waiting.popleft()
            if pointer not in self.schemas:
                self.schemas[pointer] = schema
                self._steps[pointer] = {}
                if isinstance(schema, dict):
                    self._look(pointer, schema)
                    waiting += self._enter(pointer, schema)
            if len(self.schemas) > MOST_SUBSCHEMAS:
                return [Problem((), f"holds more than {MOST_SUBSCHEMAS} schemas, one in another")]
        return self._found or self._endless() or self._too_much()

    def _look(self, pointer: Pointer, schema: dict[str, Any]) -> None:
        draft = schema.get("$schema", DRAFT)
        if not isinstance(draft, str) or draft.rstrip("#") != DRAFT:
            self._say((*pointer, "$schema"), f"must be {DRAFT}: other drafts are not read")
        if pointer and "$id" in schema:
            self._say((*pointer, "$id"), "is only allowed at the top: inside, it changes what references mean")
        elif not isinstance(schema.get("$id", ""), str) or "#" in schema.get("$id", ""):
            self._say((*pointer, "$id"), "must be an address without a #")
        if isinstance(schema.get("pattern"), str):
            self._look_at_pattern((*pointer, "pattern"), schema["pattern"])
        stated = schema.get("patternProperties")
        patterns: dict[str, Any] = stated if isinstance(stated, dict) else {}
        for pattern in patterns:
            self._look_at_pattern((*pointer, "patternProperties", pattern), pattern)
            if linear(pattern) != pattern and linear(pattern) in patterns:
                self._say((*pointer, "patternProperties", pattern), "is there in another spelling already")

    def _look_at_pattern(self, pointer: Pointer, pattern: str) -> None:
        self._patterns += 1
        if self._patterns > MOST_PATTERNS:
            why: str | None = f"is one too many: a schema may have {MOST_PATTERNS}"
        else:
            why = why_exponential(pattern, self._left) or _why_not_linear(pattern)
        if why is not None:
            self._say(pointer, f"the pattern {shown(pattern)} {why}")

    def _enter(self, pointer: Pointer, schema: dict[str, Any]) -> Iterator[tuple[Pointer, Any]]:
        for keyword, path, inner in _subschemas(schema):
            yield self._step(pointer, keyword, (*pointer, *path)), inner
        for keyword in ("$ref", "$dynamicRef"):
            if keyword in schema:
                target = self._target((*pointer, keyword), schema[keyword])
                if target is not None:
                    yield self._step(pointer, keyword, target[0]), target[1]

    def _step(self, pointer: Pointer, keyword: str, target: Pointer) -> Pointer:
        self._steps[pointer].setdefault(keyword, []).append(target)
        return target

    def _target(self, pointer: Pointer, reference: Any) -> tuple[Pointer, Any] | None:
        if not isinstance(reference, str) or not reference.startswith("#"):
            self._say(pointer, f"{shown(reference)} leads out of this file, and nothing is fetched: write #/$defs/...")
            return None
        target = self._pointer(unquote(reference[1:]))
        if target is None:
            self._say(pointer, f"{shown(reference)} leads nowhere in this file")
        return target

    def _pointer(self, fragment: str) -> tuple[Pointer, Any] | None:
        if fragment and not fragment.startswith("/"):
            fragment_pointer = self._anchors.get(fragment)
            return None if fragment_pointer is None else (fragment_pointer, _at(self._document, fragment_pointer))
        pointer: list[str | int] = []
        value = self._document
        for part in fragment.split("/")[1:]:
            step: str | int = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list) and part.isascii() and part.isdigit():
                step = int(part[:9])
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
            pointer.append(step)
        return (tuple(pointer), value) if isinstance(value, dict | bool) else None

    def _say(self, pointer: Pointer, message: str) -> None:
        self._found.append(Problem(pointer, message))

    def _beside(self, pointer: Pointer) -> list[Pointer]:
        """Give the subschemas that look at the same value as this one."""
        return list(burden.beside(self._steps[pointer]))

    def _endless(self) -> list[Problem]:
        """Find references that come back to where they were without having looked any deeper into the data."""
        return [
            Problem(
                min(members, key=lambda pointer: (len(pointer), str(pointer))),
                "refers to itself for the same value: that never ends",
            )
            for members in components(self.schemas, self._beside)
            if len(members) > 1 or members[0] in self._beside(members[0])
        ]

    def _too_much(self) -> list[Problem]:
        """Count how many subschemas would look at one value: references to references may double at every step."""
        order = [members[0] for members in components(self.schemas, self._beside)]
        rows: dict[Pointer, int] = {}
        for pointer in order:
            rows[pointer] = 1 + max((rows[other] for other in self._beside(pointer)), default=0)
            if rows[pointer] > DEEPEST_SCHEMA:
                return [Problem(pointer, f"has more than {DEEPEST_SCHEMA} references or conditions in a row")]
        self._looks = self._totals(burden.own_looks)
        heaviest = max(order, key=lambda pointer: self._looks[pointer])
        if self._looks[heaviest] > MOST_WORK:
            return [Problem(heaviest, f"looks at one value more than {MOST_WORK} times")]
        return []

    def _totals(self, own: Callable[[Any], int]) -> dict[Pointer, int]:
        order = [members[0] for members in components(self.schemas, self._beside)]
        return burden.totals(order, self._steps, {pointer: own(schema) for pointer, schema in self.schemas.items()})

    def burden(self) -> Burden:
        """Give what the schema costs; it is one that can be run."""
        return Burden(
            self._looks[()],
            self._totals(burden.own_patterns)[()],
            burden.widest(self.schemas.values()),
            any(
                isinstance(schema, dict) and not {"anyOf", "oneOf"}.isdisjoint(schema)
                for schema in self.schemas.values()
            ),
        )


def _subschemas(schema: dict[str, Any]) -> Iterator[tuple[str, Pointer, Any]]:
    for keyword in _ONE:
        if keyword in schema:
            yield keyword, (keyword,), schema[keyword]
    for keyword in _LISTS:
        if isinstance(schema.get(keyword), list):
            for index, inner in enumerate(schema[keyword]):
                yield keyword, (keyword, index), inner
    for keyword in _MAPS:
        if isinstance(schema.get(keyword), dict):
            for name, inner in schema[keyword].items():
                yield keyword, (keyword, name), inner


def _at(document: Any, pointer: Pointer) -> Any:
    for step in pointer:
        document = document[step]
    return document


# --- running --------------------------------------------------------------------------------------------------------


@cache
def _why_not_linear(pattern: str) -> str | None:
    import jsonschema_rs

    try:
        _validator({"pattern": linear(pattern)})
    except (ValueError, jsonschema_rs.ReferencingError):
        return "is not understood by the engine that podium runs it on (Rust's regex)"
    return None


def _built(runnable: Any, cost: Burden) -> TeamSchema | Problem:
    import jsonschema_rs

    try:
        return TeamSchema(runnable, _validator(runnable), cost)
    except jsonschema_rs.ValidationError as error:
        problem = sentences(from_rust(error, {}))[0]
        return Problem(problem.pointer, f"is no valid JSON Schema (draft 2020-12): {problem.message}")
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        return Problem((), f"cannot be used as a JSON Schema: {shown(str(error))}")


def _runnable(document: Any, schemas: Iterable[Pointer]) -> Any:
    """Give the schema as it is run: without a name of its own, its patterns as the linear engine takes them."""
    runnable = deepcopy(document)
    for pointer in sorted(schemas, key=len, reverse=True):  # keys are renamed from the inside out
        schema = _at(runnable, pointer)
        if isinstance(schema, dict):
            _make_linear(schema)
    if isinstance(runnable, dict):
        runnable.pop("$id", None)
    return runnable


def _make_linear(schema: dict[str, Any]) -> None:
    if isinstance(schema.get("pattern"), str):
        schema["pattern"] = linear(schema["pattern"])
    if isinstance(schema.get("patternProperties"), dict):
        patterns = schema["patternProperties"]
        schema["patternProperties"] = {linear(pattern): inner for pattern, inner in patterns.items()}


def _validator(schema: Any) -> Any:
    import jsonschema_rs

    options = jsonschema_rs.RegexOptions(size_limit=1 << 22, dfa_size_limit=1 << 22)
    return jsonschema_rs.Draft202012Validator(schema, retriever=_fetch_nothing, pattern_options=options)


def _fetch_nothing(uri: str) -> Any:
    raise LookupError(f"schemas are never fetched: {uri}")
