"""What every rendering shares: JSON is what Python's own encoder writes, but for characters that steer."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.render import plain

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_a_document_is_what_pythons_own_encoder_writes_without_steering_characters(value):
    text = plain.document(value)
    assert json.loads(text) == value
    plainly = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    assert text == plain._STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", plainly)


@given(st.dictionaries(st.text(), VALUES, max_size=3))
@settings(max_examples=40, deadline=None)
def test_what_is_repeated_is_written_as_if_it_were_not(value):
    once = plain.Repeated(value)
    assert plain.document([once, {"a": once, "b": [once]}, once]) == plain.document(
        [value, {"a": value, "b": [value]}, value]
    )


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=3))
@settings(max_examples=40, deadline=None)
def test_mappings_that_stand_together_are_written_as_one(parts):
    apart = [{f"{number} {key}": value for key, value in part.items()} for number, part in enumerate(parts)]
    whole = {key: value for part in apart for key, value in part.items()}
    assert plain.document([plain.Together(apart), plain.Together(map(plain.Repeated, apart))]) == plain.document(
        [whole, whole]
    )


def test_tuples_are_lists_and_mappings_of_any_kind_are_objects():
    assert plain.document({"a": (1, True), "b": MappingProxyType({"c": ()})}) == (
        '{\n  "a": [\n    1,\n    true\n  ],\n  "b": {\n    "c": []\n  }\n}\n'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(ValueError, match="JSON has no"):
        plain.document([value])
