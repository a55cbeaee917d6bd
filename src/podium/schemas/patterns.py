"""
Whether a pattern in a team's schema is safe to run anywhere: understood alike by all engines, and never slow.

Podium itself runs patterns on an engine that takes linear time. Editors, forges and other validators run the same
schema on engines that backtrack, and some patterns take these longer than the universe lasts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from podium.schemas.ambiguity import Ambiguity, Automaton, Steps, TooLargeError, judge

LONGEST = 2_000
"""Characters of a pattern."""

MOST_STATES = 400
"""Places in a pattern that read a character, with repetitions written out."""

MOST_REPEATS = 130
"""A repetition of more than so many times is judged as one without an end."""

HIGHEST_DEGREE = 2
MOST_DETOURS = 6

_TAIL = r"(?!\n)"
_LAST = 0x10FFFF
_WORD = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_DIGIT = ((0x30, 0x39),)
_SPACE = (
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
_CHARACTER = re.compile(r"\\.|\[\^?\]?|[^\\\[]", re.DOTALL)

Ranges = tuple[tuple[int, int], ...]


def why_exponential(pattern: str, steps: Steps | None = None) -> str | None:
    """
    Say why a pattern is refused, or give ``None``: it is no pattern, says what engines disagree on, or takes too long.

    Too long is: exponential in the length of the text, or worse than its cube, or too large to be judged in the steps
    that are left, which are used up.
    """
    steps = Steps() if steps is None else steps
    try:
        why = _why_foreign(pattern)
        return why if why is not None else _why_slow(judge(_automaton(_parsed(pattern), steps), steps))
    except (re.error, OverflowError) as error:
        return f"is no regular expression: {error}"
    except _UnsupportedError as error:
        return str(error)
    except (TooLargeError, RecursionError):
        return "is too large to be judged: write fewer and smaller repetitions"


def linear(pattern: str) -> str:
    """
    Give a pattern as the linear engine takes it.

    That engine has no ``(?!…)`` and needs none at the end: its ``$`` never stands before a last line break.
    """
    return pattern.removesuffix(_TAIL)


class _UnsupportedError(Exception):
    """The pattern uses what is not judged, or what engines disagree on."""


def _why_slow(found: Ambiguity) -> str | None:
    if found.exponential:
        return "can take exponential time: a loop in it can read the same text in more than one way"
    if found.degree > HIGHEST_DEGREE:
        return f"can take very long: {found.degree + 1} loops in a row can read the same text"
    if found.detours > MOST_DETOURS:
        return f"can take very long: it can read the same text in more than one way, {found.detours} times in a row"
    return None


# --- reading --------------------------------------------------------------------------------------------------------


def _why_foreign(pattern: str) -> str | None:
    if len(pattern) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if "(?!" in pattern.removesuffix(_TAIL):
        return r"looks ahead or behind, which not all engines can; only (?!\n) at the very end is understood"
    if any(inside and character.startswith("[") for inside, character in _characters(pattern)):
        return r"has a bare [ inside [...], which engines read differently: write \["
    return None


def _parsed(pattern: str) -> Any:
    # The parser of the standard library is private but has been there, unchanged in what it answers, since Python 1.6.
    parser = import_module("re._parser")
    body = pattern.removesuffix(_TAIL)
    if (doubled := _doubled_in_set(body)) is not None:
        raise _UnsupportedError(rf"has {doubled} inside [...], which engines read differently: write a \ before it")
    re.compile(body)
    parsed = parser.parse(_apart(body))
    if parsed.state.flags & ~re.UNICODE:
        raise _UnsupportedError("has flags such as (?i), which not all engines understand")
    return parsed


def _characters(pattern: str) -> Iterable[tuple[bool, str]]:
    """Give a pattern's characters, escapes and beginnings of sets whole, and whether each stands inside ``[...]``."""
    inside = False
    for character in _CHARACTER.findall(pattern):
        yield inside, character
        inside = character.startswith("[") or (inside and character != "]")


def _doubled_in_set(pattern: str) -> str | None:
    before = ""
    for inside, character in _characters(pattern):
        if inside and character == before and character in {"&", "-", "~", "|"}:
            return character * 2
        before = character if inside else ""
    return None


def _apart(pattern: str) -> str:
    """
    Put an empty group before each alternative.

    The parser makes one set of ``(a|a)`` and takes out common beginnings; other engines don't, and try both.
    """
    return "".join(
        "|()" if character == "|" and not inside else character for inside, character in _characters(pattern)
    )


# --- to an automaton ------------------------------------------------------------------------------------------------


@dataclass
class _Graph:
    """
    An automaton in the making: nodes with steps that read nothing, and places that read one character.

    ``reads`` has the characters of a node that reads, ``after`` the nodes to which it leads.
    """

    reads: dict[int, Ranges | None] = field(default_factory=dict)
    after: list[list[int]] = field(default_factory=list)

    def node(self) -> int:
        self.after.append([])
        return len(self.after) - 1

    def read(self, start: int, ranges: Ranges | None) -> int:
        place = self.node()
        self.reads[place] = ranges
        self.after[start].append(place)
        if len(self.reads) > MOST_STATES or len(self.after) > 20 * MOST_STATES:
            raise TooLargeError
        return place


def _automaton(parsed: Any, steps: Steps) -> Automaton:
    graph = _Graph()
    start = graph.node()
    graph.read(_sequence(graph, start, parsed), None)  # the end of the text, so that two ways to the end are two ways
    places = [start, *graph.reads]
    number = {place: index for index, place in enumerate(places)}
    follow = [{number[other]: ways for other, ways in _ways(graph, place, steps).items()} for place in places]
    return Automaton([0, *_letters(list(graph.reads.values()))], follow)


def _ways(graph: _Graph, place: int, steps: Steps) -> dict[int, int]:
    """
    Count the ways from a place to those that read next, without taking one step twice.

    Engines stop a loop that reads nothing; but ``(a*)*`` goes on to the next ``a`` in the inner loop or in the outer
    one.
    """
    found: dict[int, int] = {}
    taken: set[tuple[int, int]] = set()
    trail = [(place, iter(graph.after[place]))]
    while trail:
        steps.take()
        node, rest = trail[-1]
        following = next(rest, None)
        if following is None:
            trail.pop()
            if trail:
                taken.discard((trail[-1][0], node))
        elif following in graph.reads:
            found[following] = min(2, found.get(following, 0) + 1)
        elif (node, following) not in taken:
            taken.add((node, following))
            trail.append((following, iter(graph.after[following])))
    return found


def _letters(reads: Sequence[Ranges | None]) -> list[int]:
    """Give each place its characters as bits, one for each class of characters that no place tells apart."""
    ranges = [place or () for place in reads]
    cuts = sorted({cut for place in ranges for low, high in place for cut in (low, high + 1)})
    bit = {cut: 1 << index for index, cut in enumerate(cuts)}
    end = 1 << len(cuts)
    known: dict[Ranges, int] = {}
    for place in ranges:
        if place not in known:
            known[place] = sum(bit[cut] for cut in cuts if any(low <= cut <= high for low, high in place))
    return [end if place is None else known[place] for place in reads]


def _sequence(graph: _Graph, start: int, items: Iterable[Any]) -> int:
    for op, argument in items:
        build = _BUILDERS.get(str(op))
        if build is None:
            raise _UnsupportedError(_FOREIGN.get(str(op), "uses what not all engines understand"))
        start = build(graph, start, argument)
        if len(graph.after) > 20 * MOST_STATES:
            raise TooLargeError
    return start


def _branch(graph: _Graph, start: int, argument: Any) -> int:
    end = graph.node()
    for alternative in argument[1]:
        begin = graph.node()
        graph.after[start].append(begin)
        graph.after[_sequence(graph, begin, alternative)].append(end)
    return end


def _group(graph: _Graph, start: int, argument: Any) -> int:
    _, added, removed, items = argument
    if added or removed:
        raise _UnsupportedError("has flags such as (?i:...), which not all engines understand")
    return _sequence(graph, start, items)


def _repeat(graph: _Graph, start: int, argument: Any) -> int:
    least, most, items = argument
    least = min(least, MOST_REPEATS)
    for _ in range(least):
        start = _sequence(graph, start, items)
    if most > MOST_REPEATS:
        return _loop(graph, start, items)
    end = graph.node()
    graph.after[start].append(end)
    for _ in range(most - least):
        start = _sequence(graph, start, items)
        graph.after[start].append(end)
    return end


def _loop(graph: _Graph, start: int, items: Any) -> int:
    again, end = graph.node(), graph.node()
    graph.after[start].append(again)
    graph.after[again].append(end)
    begin = graph.node()
    graph.after[again].append(begin)
    graph.after[_sequence(graph, begin, items)].append(again)
    return end


def _at(_: _Graph, start: int, __: Any) -> int:
    return start  # an anchor reads nothing; without it there are more ways, never fewer


def _in(graph: _Graph, start: int, argument: Any) -> int:
    negated = bool(argument) and str(argument[0][0]) == "NEGATE"
    ranges = _union(part for op, value in argument[negated:] for part in _part(str(op), value))
    return graph.read(start, _rest(ranges) if negated else ranges)


def _part(op: str, value: Any) -> Ranges:
    if op == "LITERAL":
        return ((value, value),)
    return (value,) if op == "RANGE" else _category(str(value))


def _category(name: str) -> Ranges:
    kind = name.removeprefix("CATEGORY_").removeprefix("NOT_")
    ranges = {"DIGIT": _DIGIT, "SPACE": _SPACE, "WORD": _WORD}[kind]
    return _rest(ranges) if "NOT_" in name else ranges


def _union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _rest(ranges: Ranges) -> Ranges:
    lows = [0, *(high + 1 for _, high in ranges)]
    highs = [*(low - 1 for low, _ in ranges), _LAST]
    return tuple((low, high) for low, high in zip(lows, highs, strict=True) if low <= high)


_BUILDERS: dict[str, Callable[[_Graph, int, Any], int]] = {
    "ANY": lambda graph, start, _: graph.read(start, _rest(((0x0A, 0x0A),))),
    "AT": _at,
    "BRANCH": _branch,
    "IN": _in,
    "LITERAL": lambda graph, start, value: graph.read(start, ((value, value),)),
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "NOT_LITERAL": lambda graph, start, value: graph.read(start, _rest(((value, value),))),
    "SUBPATTERN": _group,
}
_FOREIGN = {
    "ASSERT": "looks ahead or behind, which not all engines can",
    "ASSERT_NOT": r"looks ahead or behind, which not all engines can; only (?!\n) at the very end is understood",
    "GROUPREF": "refers back to a group, which not all engines can, and which can take exponential time",
    "GROUPREF_EXISTS": "depends on whether a group was there, which not all engines can",
    "ATOMIC_GROUP": "has (?>...), which not all engines understand",
    "POSSESSIVE_REPEAT": "has a possessive repetition such as a++, which not all engines understand",
}
