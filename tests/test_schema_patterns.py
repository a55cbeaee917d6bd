"""Patterns of team schemas: what backtracking engines would choke on is refused, what people write is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.schemas.patterns import linear, why_exponential

EXPONENTIAL = [
    r"(a+)+$",
    r"(a|a)*",
    r"(a|aa)+",
    r"(a|a?)+",
    r"(a*)*",
    r"(a*b*)*$",
    r"(a?b?)*c",
    r"([a-z]+)*",
    r"(\s*\w+)*:",
    r"(\w|\d)*",
    r"^(\d+|\w+)*$",
    r"(a|b|ab)*c",
    r"(|a|a)*b",
    r"(x+x+)+y",
    r"(.*,)*.*,",
    r"(a{2}|a{3})*",
    r"(?:(?:a|b)|[ab])+",
    r"(\n|[\s\S])*",
    r"(a{1,32}){3,}",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$",
    r"^(([^<>()\[\]\\.,;:\s@]+(\.[^<>()\[\]\\.,;:\s@]+)*)+)$",
    r"(?:[a-z]+\s?)+$",
    r"^(?:(?:[^,]*),?)*$",
]
VERY_LONG = [
    r"(.*a){20}",
    r".*.*.*.*=.*",
    r"^(a?){25}a{25}$",
    "a?" * 25 + "a" * 25,
    "(a|a)" * 20,
    r"((a|a){8}){8}",
    r"\s*\s*\s*\s*x",
]
SAFE = [
    "",
    r"^[a-z0-9]+(-[a-z0-9]+)*$",
    r"^[a-z]+$(?!\n)",
    r"^v(0|[1-9][0-9]*)$",
    r"^https?://[^\s/]+(/[^\s/]*)*$",
    r"^\d{4}-\d{2}-\d{2}$",
    r".*foo.*",
    r"^(apache-2\.0|mit|bsd-[23]-clause)$",
    r"^[A-Za-z][A-Za-z0-9_-]{0,127}$",
    r"^[a-z]{1,63}(\.[a-z]{1,63})*$",
    r"^[^@]+@[^@]+\.[^@]+$",
    r"(a|b)*",
    r"(ab|ac)*",
    r"([ab]c)*",
    r"(a{2})*",
    r"(.|\n)*",
    r"(a?)*",
    r"^\s*\S+\s*$",
    r"[\]a\-]+",
    r"^(?P<x>a)$",
    r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$",
    r"(\.[0-9]+){2}",
    r"^.{1,1000}$",
    r"^[^\x00-\x1f]{1,128}$",
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$",
]
FOREIGN = [
    (r"(a)\1", "refers back"),
    (r"(?=a)b", "looks ahead"),
    (r"(?<=a)b", "looks ahead or behind"),
    (r"(?!\n)a", "looks ahead"),
    (r"(?!a)", "looks ahead"),
    (r"(a)?(?(1)b|c)", "depends on"),
    (r"(?i)a", "flags"),
    (r"(?i:a)", "flags"),
    (r"[[a]]", "bare ["),
    (r"[a[b]", "bare ["),
    (r"[a&&b]", "&&"),
    (r"[a--b]", "--"),
    (r"(?>a)", "(?>"),
    (r"a++", "possessive"),
    (r"(", "no regular expression"),
    (r"a{5,2}", "no regular expression"),
    (r"[b-a]", "no regular expression"),
    (r"a{99999999999999999999}", "no regular expression"),
    ("(" * 900 + ")" * 900, "too large"),
    ("a" * 3000, "longer than"),
    (r"((((a{50}){50}){50}){50})", "too large"),
    ("(|)" * 60 + "a", "too large"),
]


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_exponential_patterns_are_refused(pattern):
    assert "exponential" in (why_exponential(pattern) or "")


@pytest.mark.parametrize("pattern", VERY_LONG)
def test_patterns_that_are_not_exponential_but_hopeless_are_refused(pattern):
    assert "very long" in (why_exponential(pattern) or "")


@pytest.mark.parametrize("pattern", SAFE)
def test_what_people_write_is_accepted(pattern):
    assert why_exponential(pattern) is None


@pytest.mark.parametrize(("pattern", "why"), FOREIGN)
def test_what_engines_read_differently_or_cannot_is_refused(pattern, why):
    assert why in (why_exponential(pattern) or "")


def test_the_end_is_rewritten_for_the_linear_engine():
    assert linear(r"^a$(?!\n)") == "^a$"
    assert linear(r"^a$") == "^a$"


# --- against a backtracking engine that counts its steps --------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A small pattern that can be written and, step by step, matched."""

    kind: str
    parts: tuple[Node, ...] = ()
    letters: str = ""

    def __str__(self) -> str:
        inner = [str(part) for part in self.parts]
        return {
            "set": lambda: f"[{self.letters}]",
            "then": lambda: "".join(inner),
            "or": lambda: f"(?:{'|'.join(inner)})",
            "star": lambda: f"(?:{inner[0]})*",
            "maybe": lambda: f"(?:{inner[0]})?",
            "twice": lambda: f"(?:{inner[0]}){{2}}",
        }[self.kind]()


class TooManyStepsError(Exception):
    pass


class Engine:
    """The textbook backtracking matcher, which goes through every way to read a text."""

    def __init__(self, text: str, most: int) -> None:
        self.text = text
        self.left = most

    def ends(self, node: Node, at: int) -> Iterator[int]:
        self.left -= 1
        if self.left < 0:
            raise TooManyStepsError
        if node.kind == "set":
            if at < len(self.text) and self.text[at] in node.letters:
                yield at + 1
        elif node.kind == "then":
            yield from self.row(node.parts, at)
        elif node.kind == "or":
            for part in node.parts:
                yield from self.ends(part, at)
        elif node.kind == "twice":
            yield from self.row(node.parts * 2, at)
        elif node.kind == "maybe":
            yield from self.ends(node.parts[0], at)
            yield at
        else:
            yield from self.again(node.parts[0], at)

    def row(self, parts: tuple[Node, ...], at: int) -> Iterator[int]:
        if not parts:
            yield at
            return
        for end in self.ends(parts[0], at):
            yield from self.row(parts[1:], end)

    def again(self, part: Node, at: int) -> Iterator[int]:
        for end in self.ends(part, at):
            if end > at:
                yield from self.again(part, end)
        yield at


def steps(node: Node, text: str, most: int) -> int:
    engine = Engine(text, most)
    for _ in engine.ends(node, 0):
        pass
    return most - engine.left


letters = st.sampled_from(["a", "b", "ab", "abc", "c"]).map(lambda chosen: Node("set", letters=chosen))
nodes = st.recursive(
    letters,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["star", "star", "maybe", "twice"]), st.tuples(inner)),
        st.tuples(st.sampled_from(["then", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ).map(lambda made: Node(*made)),
    max_leaves=6,
)
WORDS = ["a", "b", "c", "ab", "ba", "abc", "aab", "abb"]
MOST = 1_500_000


@settings(max_examples=150, deadline=None)
@given(nodes)
def test_what_is_accepted_takes_polynomial_time(node):
    if why_exponential(str(node)) is None:
        for word in WORDS:
            text = (word * 24)[:24]
            assert steps(node, text, MOST) < MOST, (str(node), text)


@settings(max_examples=100, deadline=None)
@given(nodes)
def test_what_is_accepted_is_a_pattern_of_both_engines(node):
    import jsonschema_rs

    assert re.compile(str(node))
    schema = {"pattern": f"^(?:{node})$"}
    fast = jsonschema_rs.Draft202012Validator(schema, pattern_options=jsonschema_rs.RegexOptions())
    for word in WORDS:
        assert fast.is_valid(word) == bool(re.search(schema["pattern"], word))


def test_the_law_would_notice_an_exponential_pattern():
    node = Node("star", (Node("or", (Node("set", letters="a"), Node("set", letters="ab"))),))
    assert why_exponential(str(node)) is not None
    with pytest.raises(TooManyStepsError):
        steps(node, "a" * 24, MOST)
