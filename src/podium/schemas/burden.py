"""
What a team's schema costs: how often it looks at one value, and so what it takes to judge a document, and to explain.

The validator takes some 30 ns for a look, 4 ns for a pattern and a character. Its errors it makes all at once, each
with a copy of the value and of what the schema asks for: without a bound, a small schema and a file of 1 MiB fill any
memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podium.schemas.explain import Pointer

MOST_WORK = 20_000
"""So many looks may a schema take at one value."""

DEEPEST_DATA = 33
"""So many levels may a document have: the loader stops there."""

MOST_LOOKS = 10_000_000
"""So many looks may be taken at all values of a document together."""

MOST_MATCHING = 100_000_000
"""Patterns times characters of a document."""

MOST_TOLD = 20_000_000
"""Bytes, roughly, of all the errors that a document could give: beyond that, only the first one is asked for."""

_FEW = 100
"""Bytes of an error beside what it copies."""

SAME_VALUE = {"$dynamicRef", "$ref", "allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then"}
"""Keywords whose subschemas look at the value itself, not at what it holds."""

_COMPARED = ("const", "enum", "required", "dependentRequired", "type")
_WALKED = ("properties", "patternProperties", "dependentSchemas")

Steps = Mapping[str, Sequence[Pointer]]


@dataclass(frozen=True)
class Extent:
    """How large a document is: the values in it, and the characters of its text and keys."""

    values: int
    letters: int


@dataclass(frozen=True)
class Burden:
    """
    What a schema costs at one value.

    ``looks`` and ``patterns`` are how many of them it meets at most, ``widest`` the characters of the longest thing
    that it compares with, ``branches`` whether its errors hold those of alternatives.
    """

    looks: int = 1
    patterns: int = 0
    widest: int = 0
    branches: bool = False

    def is_too_heavy(self, document: Extent) -> bool:
        """Tell whether judging a document could take more than a fraction of a second."""
        return self.looks * document.values > MOST_LOOKS or self.patterns * document.letters > MOST_MATCHING

    def can_be_told(self, document: Extent) -> bool:
        """Tell whether all errors that a document could give fit in a little memory."""
        copied = document.values * (_FEW + self.widest) + document.letters * 8
        return self.looks * copied <= MOST_TOLD


def extent(data: Any) -> Extent:
    """Measure a document."""
    values = letters = 0
    waiting = [data]
    while waiting:
        value = waiting.pop()
        values += 1
        if isinstance(value, dict):
            letters += sum(map(len, value))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            letters += len(value)
    return Extent(values, letters)


def own_looks(schema: Any) -> int:
    """Give how many looks a schema takes by itself, without its subschemas: a long list is many."""
    if not isinstance(schema, dict):
        return 1
    compared = sum(_size(schema[keyword]) for keyword in _COMPARED if keyword in schema)
    return 1 + compared + sum(len(schema[keyword]) for keyword in _WALKED if isinstance(schema.get(keyword), dict))


def _size(value: Any) -> int:
    """Count what a value is compared with; a list of text only is a table, in which one look is enough."""
    if not isinstance(value, dict | list):
        return 0
    members = list(value.values()) if isinstance(value, dict) else value
    return 1 if all(isinstance(member, str) for member in members) else sum(1 + _size(member) for member in members)


def own_patterns(schema: Any) -> int:
    """Give how many patterns a schema has by itself."""
    if not isinstance(schema, dict):
        return 0
    named = schema.get("patternProperties")
    return ("pattern" in schema) + (len(named) if isinstance(named, dict) else 0)


def widest(schemas: Iterable[Any]) -> int:
    """Give the characters of the longest thing that one of some schemas compares with."""
    stated = (schema for schema in schemas if isinstance(schema, dict))
    return max(
        (len(str(schema[keyword])) for schema in stated for keyword in ("const", "enum") if keyword in schema),
        default=0,
    )


@dataclass(frozen=True)
class _Led:
    """Where a subschema leads, by number: what looks at the same value, and what at a member of a mapping or list."""

    number: int
    again: int
    here: Sequence[int]
    properties: Sequence[int]
    patterns: Sequence[int]
    others: Sequence[int]
    every_key: Sequence[int]
    prefix: Sequence[int]
    items: Sequence[int]
    every_item: Sequence[int]

    @classmethod
    def of(cls, number: int, steps: Steps, numbers: Mapping[Pointer, int]) -> _Led:
        def led(*keywords: str) -> list[int]:
            return [numbers[pointer] for keyword in keywords for pointer in steps.get(keyword, ())]

        return cls(
            number,
            2 if "unevaluatedProperties" in steps or "unevaluatedItems" in steps else 1,
            led(*sorted(SAME_VALUE)),
            led("properties"),
            led("patternProperties"),
            led("additionalProperties"),
            led("unevaluatedProperties", "propertyNames"),
            led("prefixItems"),
            led("items"),
            led("contains", "unevaluatedItems"),
        )

    def work(self, here: Sequence[int], deeper: Sequence[int]) -> int:
        """
        Sum up, given what each subschema costs at this value and at one a level deeper.

        One key is looked at by one of the properties, by all patterns that fit, or else by what is for the others.
        """
        return self.again * _all(self.here, here) + max(
            max(_most(self.properties, deeper) + _all(self.patterns, deeper), _all(self.others, deeper))
            + _all(self.every_key, deeper),
            max(_most(self.prefix, deeper), _all(self.items, deeper)) + _all(self.every_item, deeper),
        )


def _all(numbers: Sequence[int], work: Sequence[int]) -> int:
    return sum([work[number] for number in numbers]) if numbers else 0


def _most(numbers: Sequence[int], work: Sequence[int]) -> int:
    return max([work[number] for number in numbers]) if numbers else 0


def totals(order: Sequence[Pointer], steps: Mapping[Pointer, Steps], own: Mapping[Pointer, int]) -> dict[Pointer, int]:
    """
    Give for each subschema what it and all that it leads to make of one value, at most.

    ``order`` has what looks at the same value before what leads there. Sums end a little above MOST_WORK.
    """
    numbers = {pointer: number for number, pointer in enumerate(order)}
    leading = [_Led.of(number, steps[pointer], numbers) for pointer, number in numbers.items() if steps[pointer]]
    least = [own[pointer] for pointer in order]
    found = least
    for _ in range(DEEPEST_DATA if any(least) else 0):
        deeper = found
        found = deeper.copy()
        for led in leading:
            found[led.number] = min(MOST_WORK + 1, least[led.number] + led.work(found, deeper))
        if found == deeper or max(found) > MOST_WORK:
            break
    return dict(zip(order, found, strict=True))


def beside(steps: Steps) -> Iterator[Pointer]:
    """Give the subschemas that look at the same value."""
    return (other for keyword, others in steps.items() if keyword in SAME_VALUE for other in others)
