"""
How many ways an automaton can read the same text: what a backtracking engine tries one after the other.

The criteria are those of Weber and Seidl, "On the degree of ambiguity of finite automata" (1991), as used on regular
expressions since Weideman et al., "Analyzing matching time behavior of backtracking regular expression matchers"
(2016). Both are decided on pairs of states that the same text leads to:

- exponential: a state in a loop from which one text leads back to a loop in two ways;
- polynomial: chained loops that one text can leave, stay in, and be in already. The three walks are judged two by two,
  which finds every such chain, and may find one that is not there.

And, where nothing loops but the pattern is written out (``a?a?a?…``): *detours* in a row, each of which doubles the
ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from podium.schemas.graph import components

MOST_STEPS = 250_000
"""An automaton that takes more steps to judge (a fraction of a second) is refused unjudged."""

Pair = tuple[int, int]


class TooLargeError(Exception):
    """The automaton is too large to be judged in reasonable time."""


@dataclass(frozen=True)
class Automaton:
    """
    States ``0, 1, …`` (0 is the start): a state is entered by reading one of its characters.

    ``letters`` is a set of bits for each state: what is read on entering it. ``follow`` gives for each state the states
    after it, and in how many ways each is reached without reading (1, or 2 for more than one).
    """

    letters: Sequence[int]
    follow: Sequence[Mapping[int, int]]


@dataclass(frozen=True)
class Ambiguity:
    """
    How ambiguous an automaton is.

    ``exponential``: the ways double with each round of a loop. ``degree``: else they grow with this power of the
    length. ``detours``: so many times in a row are there two ways from one state to another.
    """

    exponential: bool
    degree: int
    detours: int


@dataclass
class Steps:
    """A budget that judging uses up: a step takes about a microsecond."""

    left: int = field(default=MOST_STEPS)

    def take(self, count: int = 1) -> None:
        """Use up some steps; raises TooLargeError when none are left."""
        self.left -= count
        if self.left < 0:
            raise TooLargeError


def judge(automaton: Automaton, steps: Steps) -> Ambiguity:
    """Give how ambiguous an automaton is; raises TooLargeError."""
    count = len(automaton.follow)
    parts = list(components(range(count), lambda state: automaton.follow[state]))
    component = {state: number for number, members in enumerate(parts) for state in members}
    pairs = _Pairs.of(automaton, steps)
    detours = {state: pairs.detours(state) for state in range(count)}
    looped = _looped(automaton, parts)
    if any(looped[component[a]] and component[a] == component[b] for a, ends in detours.items() for b in _bits(ends)):
        return Ambiguity(exponential=True, degree=0, detours=0)
    leaves = [{component[b] for a in members for b in automaton.follow[a]} for members in parts]
    doubling = [{component[b] for a in members for b in _bits(detours[a])} for members in parts]
    chains = pairs.chains(parts, component, looped, steps)
    return Ambiguity(exponential=False, degree=_longest(leaves, chains), detours=_longest(leaves, doubling))


def _looped(automaton: Automaton, parts: list[list[int]]) -> list[bool]:
    return [len(members) > 1 or members[0] in automaton.follow[members[0]] for members in parts]


def _longest(leaves: list[set[int]], marked: list[set[int]]) -> int:
    """Give the most marked steps on one way through components, which stand in reverse order of the ways."""
    most = [0] * len(leaves)
    for number, after in enumerate(leaves):
        plain = [most[other] for other in after if other != number]
        counted = [most[other] + 1 for other in marked[number] if other != number]
        most[number] = max([0, *plain, *counted])
    return max(most, default=0)


@dataclass(frozen=True)
class _Pairs:
    """
    The pairs of different states that one text can lead to from one state.

    ``ends`` and ``begins`` give for each pair, as a set of bits, in which single states its two walks can meet again
    and from which they can have parted, being apart in between. ``parting`` and ``doubled`` say it for the very first
    step.
    """

    ends: Mapping[Pair, int]
    begins: Mapping[Pair, int]
    parting: Mapping[int, set[Pair]]
    doubled: Mapping[int, int]

    @classmethod
    def of(cls, automaton: Automaton, steps: Steps) -> _Pairs:
        """Walk all pairs; raises TooLargeError."""
        parting: dict[int, set[Pair]] = {}
        doubled: dict[int, int] = {}
        for state, follow in enumerate(automaton.follow):
            parting[state] = {pair for pair in _step(automaton, (state, state), steps) if pair[0] != pair[1]}
            doubled[state] = _set(after for after, ways in follow.items() if ways > 1)
        after = _reached(automaton, parting, steps)
        order = list(components(after, lambda pair: [other for other in after[pair] if other[0] != other[1]]))
        steps.take(sum(len(others) for others in after.values()))
        return cls(_ends(order, after), _begins(order, after, parting), parting, doubled)

    def detours(self, state: int) -> int:
        """Give the states, as bits, to which one text leads from a state in two ways."""
        found = self.doubled[state]
        for pair in self.parting[state]:
            found |= self.ends[pair]
        return found

    def chains(
        self, parts: list[list[int]], component: Mapping[int, int], looped: list[bool], steps: Steps
    ) -> list[set[int]]:
        """Give for each loop the loops that a text can go on to while it can also stay: each adds a degree."""
        members = [_set(states) for states in parts]
        found: list[set[int]] = [set() for _ in parts]
        for pair in self.ends:
            steps.take()
            for one, other in (pair, pair[::-1]):
                a, b = component[one], component[other]
                if (
                    a != b
                    and looped[a]
                    and looped[b]
                    and self.begins[pair] & members[a]
                    and self.ends[pair] & members[b]
                ):
                    found[a].add(b)
        return found


def _step(automaton: Automaton, pair: Pair, steps: Steps) -> set[Pair]:
    one, other = pair
    found = set()
    for a in automaton.follow[one]:
        letters = automaton.letters[a]
        steps.take(len(automaton.follow[other]))
        found |= {(a, b) if a < b else (b, a) for b in automaton.follow[other] if letters & automaton.letters[b]}
    return found


def _reached(automaton: Automaton, parting: Mapping[int, set[Pair]], steps: Steps) -> dict[Pair, set[Pair]]:
    """Give the steps from every pair that can be reached, those where the walks meet again among them."""
    waiting = [pair for pairs in parting.values() for pair in pairs]
    after: dict[Pair, set[Pair]] = {}
    while waiting:
        pair = waiting.pop()
        if pair not in after:
            after[pair] = _step(automaton, pair, steps)
            waiting += [other for other in after[pair] if other[0] != other[1]]
    return after


def _ends(order: list[list[Pair]], after: Mapping[Pair, set[Pair]]) -> dict[Pair, int]:
    ends: dict[Pair, int] = {}
    for members in order:  # what can be reached stands before what reaches it
        found = 0
        for pair in members:
            for other in after[pair]:
                found |= 1 << other[0] if other[0] == other[1] else ends.get(other, 0)
        ends.update(dict.fromkeys(members, found))
    return ends


def _begins(
    order: list[list[Pair]], after: Mapping[Pair, set[Pair]], parting: Mapping[int, set[Pair]]
) -> dict[Pair, int]:
    begins = dict.fromkeys(after, 0)
    for state, pairs in parting.items():
        for pair in pairs:
            begins[pair] |= 1 << state
    for members in reversed(order):
        found = 0
        for pair in members:
            found |= begins[pair]
        for pair in members:
            begins[pair] = found
            for other in after[pair]:
                if other[0] != other[1]:
                    begins[other] |= found
    return begins


def _set(states: Iterable[int]) -> int:
    found = 0
    for state in states:
        found |= 1 << state
    return found


def _bits(states: int) -> Iterator[int]:
    while states:
        lowest = states & -states
        yield lowest.bit_length() - 1
        states ^= lowest
