"""The strict loader, canonical writing, edits that keep what a person wrote, and reading a registry."""

import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium import codec
from podium.codec import Malformed, canonical, decode, encode, locate, rewrite, strict, swift
from podium.codec.strict import parsed
from podium.errors import NewerFormat, Unreadable
from podium.tree import MemoryTree
from tests import example

BAD = {
    "doubled key": (b"a: 1\nb: 2\na: 3\n", 3, 1),
    "doubled key written two ways": (b'a: 1\n"a": 2\n', 2, 1),
    "anchor": (b"a: &x 1\n", 1, 4),
    "alias": (b"a: 1\nb: *x\n", 2, 4),
    "tag": (b"a: !!str 1\n", 1, 4),
    "local tag": (b"a: !x 1\n", 1, 4),
    "tag on a mapping": (b"a: !!map {}\n", 1, 4),
    "merge key": (b"a:\n  <<: {b: 1}\n", 2, 3),
    "second document": (b"a: 1\n---\nb: 2\n", 2, 1),
    "yaml directive": (b"%YAML 1.1\n---\na: 1\n", 1, 1),
    "tag directive": (b"%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1),
    "empty": (b"", 1, 1),
    "only a comment": (b"# nothing\n", 1, 1),
    "list at the top": (b"- a\n", 1, 1),
    "text at the top": (b"hello\n", 1, 1),
    "number key": (b"1: a\n", 1, 1),
    "null key": (b"~: a\n", 1, 1),
    "truth key": (b"true: a\n", 1, 1),
    "collection as key": (b"? [a]\n: b\n", 1, 3),
    "control character": (b"a: 1\nb: x\x07y\n", 2, 5),
    "escaped control character": (b'a: "x\\x07y"\n', 1, 4),
    "escaped bidi": (b'a: "\\u202e"\n', 1, 4),
    "bidi": ("a: x\u202ey\n".encode(), 1, 5),
    "c1": ("a: x\u0085y\n".encode(), 1, 5),
    "delete": (b"a: \x7f\n", 1, 4),
    "nul": (b"a: \x00\n", 1, 4),
    "escaped return": (b'a: "x\\ry"\n', 1, 4),
    "byte order mark": (b"\xef\xbb\xbfa: 1\n", 1, 1),
    "utf-16": ("a: 1\n".encode("utf-16"), 1, 1),
    "latin-1": (b"a: 1\nb: \xe9\n", 2, 4),
    "65 bits": (b"a: 9223372036854775808\n", 1, 4),
    "5000 digits": (b"a: " + b"9" * 5000 + b"\n", 1, 4),
    "tab as indentation": (b"a:\n\tb: 1\n", 2, 1),
    "unclosed": (b"a: [1, 2\n", 2, 1),
    "too deep": (b"a: " + b"[" * 40 + b"]" * 40 + b"\n", 1, 35),
    "too large": (b"a: " + b"x" * 1024 * 1024 + b"\n", 1, 1),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_of_the_subset_is_refused_with_its_position(case):
    raw, line, column = BAD[case]
    with pytest.raises(Malformed) as caught:
        decode(raw)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_only_the_core_words_of_yaml_1_2_mean_something():
    words = b"[no, on, yes, off, y, 2026-11-21, True, NULL, 0x10, 012, +3, 1_000, 12:30, =, .5, -0.5, 1e3, true, "
    words += b"false, null, ~]"
    assert decode(b"a: " + words)["a"] == [
        "no", "on", "yes", "off", "y", "2026-11-21", "True", "NULL", "0x10", "012", "+3", "1_000", "12:30", "=",
        0.5, -0.5, 1000.0, True, False, None, None,
    ]  # fmt: skip


def test_numbers_that_are_not_finite_are_left_to_the_schema():
    values = decode(b"a: [.inf, -.inf, .nan, 1e999]")["a"]
    assert values[:2] == [math.inf, -math.inf]
    assert math.isnan(values[2])
    assert values[3] == math.inf


def test_depth_32_is_read():
    assert decode(b"a: " + b"[" * 31 + b"]" * 31)


def test_positions_are_those_of_the_values():
    raw = b"a: 1\nb:\n  - {c: x, d: y}\n  - z\n"
    assert locate(raw, ("b", 0, "d")) == (3, 15)
    assert locate(raw, ("b", 1)) == (4, 5)
    assert locate(raw, ("b", 0, "missing")) == (3, 5)
    assert locate(raw, ("nothing",)) == (1, 1)


texts = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"], exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False) | texts
    | st.sampled_from(["yes", "no", "1e5", "0x1f", "12:30", "2026-11-21", "", " a", "a ", "a: b", "a #b", "~", "null",
                       "1_0", "a\nb", "\n", "'", '"', "- a", "? a", "@x", "0o7", "+1", ".5", "<<", "="])
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(texts, values, max_size=5), st.sampled_from(["registry", "model", "version"]))
def test_what_was_written_reads_back_the_same_and_is_written_the_same(data, document):
    raw = encode(document, data)
    assert decode(raw) == data
    assert encode(document, decode(raw)) == raw
    assert canonical(document, raw) == raw


@given(st.binary(max_size=200))
def test_no_bytes_make_the_loader_fail_otherwise(raw):
    with contextlib.suppress(Malformed):
        assert isinstance(decode(raw), dict)


@given(st.dictionaries(texts, values, max_size=5))
def test_an_independent_loader_reads_what_podium_writes(data):
    from ruamel.yaml import YAML

    assert YAML(typ="safe", pure=True).load(encode("model", data).decode()) == data


@given(
    st.sampled_from(["generation: 3\nversion: v4\n", "generation: 1\nversion: null\n", "artifact: a/b\nversion: v0\n"]),
    st.data(),
)
def test_what_needs_no_parser_reads_as_the_parser_reads_it(text, data):
    cut = data.draw(st.integers(0, len(text)))
    raw = (
        text[:cut]
        + data.draw(st.sampled_from(["", "0", "1", ".", " ", "#", "\n", "'", "e", "-", "_", "/", ":"]))
        + text[cut:]
    ).encode()

    def answer(read):
        try:
            return read(raw)
        except Malformed as problem:
            return str(problem)

    assert answer(decode) == answer(parsed)


FORMS = (
    example.version_file(
        "v12", b"w", desc="After 90 epochs, on new data", metrics={"accuracy": 0.934, "loss": 1}, params={"lr": 1e-05},
        metadata={"license": "apache-2.0", "seen": ["a, b", "é", 7, True]}, source={"run": "https://runs.acme.dev/1"},
    ).decode(),
    'description: Labels photographs\nowners: ["@acme/vision", Zoë]\ntags: [image-classification, team-vision]\n',
    "description: A\ntype: dense, small\n",
)  # fmt: skip
PIECES = (
    *("0", "1", ".", " ", "  ", "#", " #", "\n", "'", '"', "e", "-", "_", "/", ":", ": ", ",", ", ", "{", "}", "["),
    *("]", "&", "*", "!", "%", "@", "|", ">", "?", "~", "null", "true", "é", "\xa0", "\u2028", "\u0301", "日"),
    *("\u202e", "\x85", "\x7f", "\t", "\\", "1e5", "0x1", ".inf", ".nan", "- ", "---", "<<", "a: "),
    *("99999999999999999999", "\r", "-0", "+3", "010", "null: ", "", "$"),
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_usual_forms_are_read_without_a_parser(form):
    found = swift.read(form, strict.plain)
    assert found is not None
    assert repr(found) == repr(parsed(form.encode()))


@settings(max_examples=400)
@given(
    st.sampled_from(FORMS), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.sampled_from(PIECES)), max_size=3)
)
def test_what_is_read_without_a_parser_is_what_the_parser_reads(text, damages):
    for place, length, piece in damages:
        start = int(place * len(text))
        text = text[:start] + piece + text[start + length :]
    try:
        read = repr(swift.read(text, strict.plain))
    except OverflowError:
        return
    if read != "None":
        assert read == repr(parsed(text.encode()))


@pytest.mark.parametrize(
    "odd",
    [
        "a: 1\na: 2\n", "null: 1\n", "a: [x]: y\n", "a: b: c\n", "a: - b\n", "a: 12345678901234567890\n", "a: [b, ]\n",
        "a: b #c\n", "a:  b\n", "a: b\n  c\n", "<<: b\n", "a: @b\n", "a: b", 'a: "\\x07"\n', "a: \u202eb\n", "- a: b\n",
    ],
)  # fmt: skip
def test_what_a_pattern_does_not_know_is_left_to_the_parser(odd):
    with contextlib.suppress(OverflowError):
        assert swift.read(odd, strict.plain) is None


def test_a_record_is_written_as_the_format_shows_it():
    raw = example.version_file(
        "v12", b"w", metrics={"accuracy": 0.934}, source={"repository": "https://github.com/acme/train"}
    )
    assert raw.decode().splitlines()[:8] == [
        "outs:",
        "- md5: " + example.record(b"w").md5,
        "  size: 3",
        "  nfiles: 2",
        "  hash: md5",
        "  path: v12",
        "meta:",
        '  created: "2026-11-21T20:45:00Z"',
    ]
    assert raw.decode().splitlines()[-2:] == [
        "  metrics: {accuracy: 0.934}",
        '  source: {repository: "https://github.com/acme/train"}',
    ]


REGISTRY = b"""\
apiVersion: podium/v1
entity: acme
tags:                                    # optional
  team-vision: Owned by the vision team
aliases:
  staging: {description: In shadow traffic}   # first
"""


def test_a_file_with_comments_keeps_them_and_its_order():
    assert canonical("registry", REGISTRY) == REGISTRY


def test_an_edit_keeps_comments_order_and_quotes():
    raw = b"# ours\ntags: [a, 'b']   # labels\ndescription: x  # what\nowners:\n- '@acme/vision' # who\n"
    data = decode(raw)
    data["tags"] = ["a", "b", "c"]
    data["withdrawn"] = {"v1": "bad data"}
    written = rewrite("model", raw, data).decode()
    assert written == (
        "# ours\ntags: [a, 'b', c] # labels\ndescription: x  # what\nowners:\n- '@acme/vision' # who\n"
        "withdrawn:\n  v1: bad data\n"
    )


def test_an_edit_that_changes_nothing_changes_no_byte():
    raw = b"description:   odd   spacing\n\n\nowners: []\n"
    assert rewrite("model", raw, decode(raw)) == raw


@given(st.dictionaries(texts, values, max_size=4), st.dictionaries(texts, values, max_size=4))
def test_an_edit_never_says_something_else(before, after):
    raw = b"# a comment\n" + encode("model", before) + b"# at the end\n"
    with contextlib.suppress(Malformed):  # refused in words, and nothing written
        assert decode(rewrite("model", raw, after)) == after


def test_a_registry_is_read_file_by_file(acme):
    version = acme.resolve("acme/model-registry/ImageClassifier:production")
    assert (version.model, version.version, version.alias, version.artifact.name) == (
        "ImageClassifier", "v0", "production", "vision/resnet50",
    )  # fmt: skip
    assert version.tags == ("vision",)
    assert version.metrics == {"accuracy": 0.9}
    assert acme.models["ImageClassifier"].aliases["production"].md5 == version.md5
    assert acme.resolve("vision/resnet50").version == "v2"
    assert acme.resolve("ImageClassifier:v1").artifact.aliases == ("best",)


def test_a_broken_file_stops_only_what_needs_it():
    files = example.files() | {"artifacts/vision/resnet50/versions/v1.dvc": b"outs: []\n"}
    registry = codec.read(MemoryTree(files))
    assert registry.resolve("ImageClassifier:production").version == "v0"
    with pytest.raises(Unreadable, match=r"v1\.dvc:1:"):
        registry.resolve("vision/resnet50:v1")


def test_a_newer_format_is_not_guessed_at():
    registry = codec.read(MemoryTree({"registry.yaml": b"apiVersion: podium/v2\nentity: acme\nnews: 1\n"}))
    with pytest.raises(NewerFormat):
        _ = registry.entity


def test_what_was_said_of_a_large_file_is_said_of_no_other():
    canonical = b"description: " + b"x" * 60_000 + b"\n"
    files = {canonical: True, canonical.replace(b": ", b":  "): False, canonical[:-2] + b"y\n": True}
    for _ in range(2):
        for raw, right in files.items():
            assert codec.is_canonical("model", raw, codec.decode(raw)) is right
