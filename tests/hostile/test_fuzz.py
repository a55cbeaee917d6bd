"""Bytes and texts that nobody wrote: read or refused in words, never anything else. PODIUM_FUZZ says how many."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from podium import codec, manifest, refs
from podium.errors import Error
from podium.visible import redacted, visible

MANY = settings(max_examples=int(os.environ.get("PODIUM_FUZZ", "500")), deadline=None)
YAMLISH = st.lists(
    st.sampled_from(
        ["a", ": ", "\n", "- ", "  ", "[", "]", "{", "}", "#", "'", '"', "|\n", "&a", "*a", "!!", "1", ",", "é"]
    )
)


@MANY
@given(st.one_of(st.binary(max_size=200), YAMLISH.map(lambda parts: "".join(parts).encode())))
def test_the_loader_reads_or_says_where_it_cannot(raw):
    try:
        assert isinstance(codec.decode(raw), dict)
    except codec.Malformed as problem:
        where = min(problem.line, problem.column)
    else:
        where = 1
    assert where >= 1


@MANY
@given(st.text(alphabet="aA0v/:.-_\x00\u202e ", max_size=30))
def test_a_reference_is_read_or_refused(text):
    try:
        parsed = refs.parse(text, "acme")
    except Error:
        return
    assert refs.parse(str(parsed), "acme") == parsed


@MANY
@given(st.lists(st.text(alphabet="aA./\\: \u0301é\x00", min_size=1, max_size=12)))
def test_a_path_that_is_let_through_stays_inside(paths):
    bad = {path for path, _ in manifest.unsafe(paths)}
    for path in set(paths) - bad:
        assert os.path.normpath(f"/t/{path}") == f"/t/{path}"


@MANY
@given(st.text(max_size=80))
def test_what_is_shown_is_visible(text):
    assert visible(redacted(text)).isprintable() or not text.isascii()
