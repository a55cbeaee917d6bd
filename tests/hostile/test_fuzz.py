"""Bytes and texts that nobody wrote: read or refused in words, never anything else. PODIUM_FUZZ says how many."""

from __future__ import annotations

import atexit
import contextlib
import fnmatch
import json
import os
import pathlib
import shutil
import tempfile
from html.parser import HTMLParser

import pygit2
from hypothesis import given, settings
from hypothesis import strategies as st

from podium import codec, kept, manifest, patterns, refs
from podium.codec import strict, swift
from podium.errors import Error
from podium.git import differing, objects
from podium.index import documents
from podium.render import comment, markdown
from podium.schemas import strict_json
from podium.site import html
from podium.visible import redacted, visible
from tests import example
from tests.hostile.trees import NAMES
from tests.test_codec import FORMS, PIECES
from tests.test_markdown import assert_inert, hostile, worst

COUNT = int(os.environ.get("PODIUM_FUZZ", "300"))
MANY = settings(max_examples=COUNT, deadline=None)
FEW = settings(max_examples=COUNT // 25, deadline=None)
"""For what takes twenty-five times as long."""
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


JSONISH = st.lists(
    st.sampled_from(
        [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            '"',
            '"a"',
            "1",
            "-",
            ".5",
            "e9",
            "NaN",
            "null",
            "\\u",
            "\\ud800",
            " ",
            "\n",
            "\x00",
        ]
    )
)


@MANY
@given(st.one_of(st.text(max_size=60), JSONISH.map("".join)))
def test_the_reader_of_json_reads_what_json_is_or_says_where_it_is_not(text):
    try:
        read = strict_json.parsed(text)
    except strict_json.NoJsonError as problem:
        where = strict_json.line_and_column(text, problem.index)
    else:
        where = strict_json.line_and_column(text, strict_json.index_of(text, ()))
        assert read == json.loads(text)
    assert min(where) >= 1


@MANY
@given(hostile)
def test_what_is_put_into_a_comment_stays_text(text):
    safe = f"{markdown.inert(text)} {markdown.code(text)} {markdown.prose(text)}"
    assert_inert(f"It says {safe} here.\n\n- x {safe}", {"p", "ul", "li", "code"})


class _Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(name for name, _ in attrs)}


@MANY
@given(hostile)
def test_what_is_put_into_a_page_stays_text(text):
    assert _Tags(html.effect(text, text, "models/m.html")).found <= {"a", "href", "b"}
    script = html.script(text, [text, {text: text}]).decode()
    assert script.isascii()
    assert not {"<", ">", "&", "\n"} & set(script[:-1])


@FEW
@given(hostile, st.sampled_from([1, 2]))
def test_what_a_plan_may_hold_stays_text_in_its_comment(text, count):
    assert_inert(comment.markdown(worst(text, count)))


# --- what is read of a registry, a store, an index, a cache -----------------------------------------------------------


def _answer(read, *arguments):
    try:
        return repr(read(*arguments))
    except codec.Malformed as problem:
        return str(problem)


@MANY
@given(
    st.sampled_from([*FORMS, *(content.decode() for content in example.files().values())]),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 9), st.one_of(st.sampled_from(PIECES), st.text(max_size=3))),
        max_size=3,
    ),
)
def test_what_is_read_swiftly_is_what_the_parser_reads(text, damages):
    for place, length, piece in damages:
        start = int(place * len(text))
        text = text[:start] + piece + text[start + length :]
    raw = text.encode("utf-8", "surrogatepass")
    assert _answer(codec.decode, raw) == _answer(strict.parsed, raw)
    with contextlib.suppress(OverflowError):
        found = swift.read(text, strict.plain)
        assert found is None or repr(found) == repr(strict.parsed(raw))


REGISTRY = example.registry()


@MANY
@given(
    st.lists(
        st.sampled_from(
            [
                *"acme/vision/resnet50",
                "ImageClassifier",
                "acme",
                "model-registry",
                "/",
                ":",
                "v",
                "production",
                "latest",
            ]
        )
        | st.text(max_size=2)
    ).map("".join)
)
def test_a_registry_resolves_a_text_or_says_why_not(text):
    try:
        found = REGISTRY.resolve(text)
    except Error as refusal:
        said = str(refusal)
    else:
        said = found.version
        assert found.record in REGISTRY.artifacts["vision/resnet50"].records.values()
    assert visible(said).isprintable() or not said.isascii()


ENTRY = st.fixed_dictionaries(
    {
        "md5": st.one_of(
            st.sampled_from(["0" * 32, "f" * 32, "0" * 31, "F" * 32, "0" * 32 + "\n"]), st.none(), st.text()
        ),
        "relpath": st.one_of(
            st.text(alphabet="aA./\\\u0301é\ud800", max_size=8), st.sampled_from([None, 1, [], {}, "../a", "a/b"])
        ),
    }
)


@MANY
@given(
    st.one_of(
        st.lists(ENTRY, max_size=4).map(json.dumps),
        st.recursive(st.none() | st.floats() | st.text(max_size=4), st.lists, max_leaves=8).map(json.dumps),
        JSONISH.map("".join),
    ).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_a_list_of_files_from_a_store_is_read_or_is_none(content):
    name = manifest.md5_of(content) + ".dir"
    found = manifest.listed(name, content)
    if found is None:
        return
    bad = {path for path, _ in manifest.unsafe([file.path for file in found])}
    for path in {file.path for file in found} - bad:
        assert os.path.normpath(f"/t/{path}") == f"/t/{path}"
        path.encode()
    assert manifest.directory_hash(found).endswith(".dir")


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.just("v0"), st.just("a/b")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=4,
)
MODEL, ARTIFACT = REGISTRY.models["ImageClassifier"], REGISTRY.artifacts["vision/resnet50"]
INDEX = {
    "root": (documents.root(REGISTRY.settings, None, {}), documents.read_root),
    "names": (documents.names(["ImageClassifier"], ["vision/resnet50"]), documents.read_names),
    "model": (
        documents.model(MODEL, lambda _: "0" * 64, None),
        lambda raw: documents.read_entity(raw, "model", "ImageClassifier", "acme"),
    ),
    "artifact": (
        documents.artifact(ARTIFACT, lambda _: "0" * 64),
        lambda raw: documents.read_entity(raw, "artifact", "vision/resnet50", "acme"),
    ),
    "record": (documents.record(ARTIFACT.version("v0").record, "v0"), lambda raw: documents.read_record(raw, "v0")),
}


def _damaged(value, way, new):
    """Give a document with another value at the end of a way through it."""
    if not way or not isinstance(value, dict | list) or not value:
        return new
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = keys[way[0] % len(keys)]
    changed = value.copy()
    changed[key] = _damaged(value[key], way[1:], new)
    return changed


@MANY
@given(st.sampled_from([*INDEX]), st.lists(st.integers(0, 9), min_size=1, max_size=5), ANYTHING)
def test_a_file_of_an_index_is_as_agreed_or_refused(name, way, new):
    document, read = INDEX[name]
    try:
        raw = documents.summed(_damaged(document, way, new))
    except ValueError:  # no JSON: NaN
        return
    with contextlib.suppress(documents.NotAsAgreed, Error):
        read(raw)


KEPT = pathlib.Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, KEPT, ignore_errors=True)


@FEW
@given(st.one_of(st.binary(max_size=60), ANYTHING.map(lambda value: json.dumps(value).encode())))
def test_what_is_kept_is_read_as_it_was_written_or_not_at_all(body):
    place = KEPT / "kept.json"
    place.write_bytes(kept.digest(body).encode() + b"\n" + body)
    assert kept.read(place, "form") is None
    assert kept.read_bytes(place, "form") is None


@MANY
@given(st.text(alphabet="ab[]!*?^-\\", max_size=12), st.text(alphabet="ab]-", max_size=6))
def test_a_pattern_of_files_ends_and_says_what_fnmatch_says(pattern, text):
    assert patterns.matches(text, pattern) == fnmatch.fnmatchcase(text, pattern)


# --- trees ------------------------------------------------------------------------------------------------------------


class _Memory(pygit2.OdbBackend):
    """Objects in memory, so that a million trees need no disk."""

    def __init__(self):
        super().__init__()
        self.kept = {}

    def write_cb(self, id_, data, kind):
        self.kept[id_] = (kind, data)

    def read_cb(self, id_):
        return self.kept[id_]

    def read_prefix_cb(self, start):
        id_ = next(id_ for id_ in self.kept if str(id_).startswith(str(start)))
        return (*self.kept[id_], id_)

    def read_header_cb(self, id_):
        kind, data = self.kept[id_]
        return kind, len(data)

    def exists_cb(self, id_):
        return id_ in self.kept

    def refresh_cb(self):
        """There is nothing to look for anew."""


def _repository():
    store = pygit2.Odb()
    store.add_backend(_Memory(), 1)
    made = pygit2.Repository()
    made.set_odb(store)
    return made


MODES = st.sampled_from([b"100644", b"100755", b"120000", b"160000", b"100664", b"0"])
NAME = st.one_of(st.sampled_from([*NAMES.values(), b"a", b"b"]), st.binary(min_size=1, max_size=6)).map(
    lambda name: name.replace(b"\0", b"0")
)
TREE = st.recursive(
    st.lists(st.tuples(MODES, NAME, st.just(None)), max_size=3),
    lambda inner: st.lists(st.tuples(st.just(b"40000"), NAME, inner), max_size=3),
    max_leaves=8,
)


def _written(repository, rows):
    """Write a tree as it is; gives its id."""
    data = b""
    for mode, name, inner in rows:
        id_ = b"1" * 20 if inner is None else bytes.fromhex(_written(repository, inner))
        data += mode + b" " + name + b"\0" + id_
    return str(repository.write(pygit2.enums.ObjectType.TREE, data))


def _paths(rows, before=""):
    """Give every path of a tree with its mode, the slow way: a file's as often as it is there."""
    for mode, name, inner in rows:
        path = before + name.decode("utf-8", "surrogateescape")
        if inner is None:
            yield path, int(mode, 8)
        else:
            yield from _paths(inner, f"{path}/")


def _has_doubles(rows):
    names = [name for _, name, _ in rows]
    return len(set(names)) < len(names) or any(_has_doubles(inner) for _, _, inner in rows if inner is not None)


@MANY
@given(TREE)
def test_what_differs_from_nothing_is_all_that_a_tree_holds(rows):
    repository = _repository()
    id_ = _written(repository, rows)
    try:
        found = [(one.path, one.after.mode) for one in differing.differences(repository, None, id_)]
    except Error:
        assert _has_doubles(rows)
        return
    assert sorted(found) == sorted(_paths(rows))
    assert list(differing.differences(repository, id_, id_)) == []


@MANY
@given(st.binary(max_size=80))
def test_bytes_that_claim_to_be_a_tree_are_read_whole_or_refused(raw):
    repository = _repository()
    id_ = str(repository.write(pygit2.enums.ObjectType.TREE, raw))
    try:
        found = objects.ObjectTree(repository, id_).list("")
    except Error:
        return
    assert sum(len(f"{entry.mode:o} ") + len(os.fsencode(entry.name)) + 21 for entry in found) <= len(raw)
