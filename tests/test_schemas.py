"""The schemas and their loader: both validators agree, and what they refuse is said in words."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium import layout, refs, schemas
from podium.schemas import Problem, explain, team
from podium.schemas.patterns import why_exponential

MD5, SHA = "4f" * 16, "9f" * 32
GOOD: dict[str, Any] = {
    "registry": {
        "apiVersion": "podium/v1",
        "entity": "acme",
        "description": "Models of the Acme ML platform",
        "tags": {"image-classification": "Assigns one label to an image"},
        "aliases": {
            "staging": {"description": "In shadow traffic"},
            "production": {
                "approvers": ["@acme/ml-leads"],
                "after": ["staging"],
                "requires": {
                    "metrics": {"accuracy": {"min": 0.9, "max_drop": 0.01}, "loss": {}},
                    "metadata": ["license", "dataset"],
                    "files": {"allow": ["*.safetensors"], "deny": ["*.pkl"], "max_size": 2000},
                    "card": True,
                },
            },
        },
        "codeowners": {"owners": True},
    },
    "model": {
        "description": "Labels product photographs",
        "owners": ["@acme/vision", "@ada", "ada@acme.dev"],
        "tags": ["image-classification", "team: vision"],
        "withdrawn": {"v1": "trained on a dataset whose licence ended"},
    },
    "link": {"artifact": "vision/resnet50", "version": "v12"},
    "alias": {"generation": 18, "version": "v4"},
    "artifact": {"description": "", "type": "model", "withdrawn": {"v0": "broken"}},
    "version": {
        "outs": [{"md5": f"{MD5}.dir", "size": 812, "nfiles": 1, "hash": "md5", "path": "v12"}],
        "desc": "ResNet-50 after 90 epochs",
        "meta": {
            "created": "2026-11-21T20:45:00Z",
            "author": "Ada Lovelace <ada@acme.dev>",
            "files": [{"path": "config.json", "size": 812, "md5": MD5, "sha256": SHA}],
            "metrics": {"accuracy": 0.934, "eval/mAP@0.5": 1},
            "params": {"lr": 0.001, "epochs": 90, "layers": [1, 2.5, "x", True]},
            "metadata": {"license": "apache-2.0"},
            "source": {
                "repository": "git@github.com:acme/train.git",
                "commit": "8d7f-dirty",
                "run": "https://runs.acme.dev/4711?x=[1]",
            },
        },
    },
}
SMALLEST: dict[str, Any] = {
    "registry": {"apiVersion": "podium/v1", "entity": "a"},
    "model": {},
    "link": GOOD["link"],
    "alias": {"generation": 1, "version": None},
    "artifact": {},
    "version": {
        "outs": GOOD["version"]["outs"],
        "meta": {"created": "2024-02-29T00:00:00.5+00:00", "author": "a", "manifest": "remote", "sha256": SHA},
    },
}


def changed(kind: str, *pointer: str | int, to: Any) -> Any:
    document = copy.deepcopy(GOOD[kind])
    place = document
    for step in pointer[:-1]:
        place = place[step]
    place[pointer[-1]] = to
    return document


def said(kind: str, document: Any) -> dict[tuple[str | int, ...], str]:
    return {problem.pointer: problem.message for problem in schemas.problems(kind, document)}


# --- the schemas themselves -------------------------------------------------------------------------------------------


def subschemas(schema: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = [(path, schema)]
    for keyword in ("properties", "$defs"):
        for name, inner in schema.get(keyword, {}).items():
            found += subschemas(inner, f"{path}/{keyword}/{name}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            found += subschemas(schema[keyword], f"{path}/{keyword}")
    return found


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_every_schema_is_closed_described_and_named(kind):
    schema = schemas.document(kind)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"https://podium-registry.dev/schemas/v1/{kind}.schema.json"
    for path, inner in subschemas(schema):
        if inner.get("type") == "object":
            assert inner.get("additionalProperties") is False or "propertyNames" in inner, path
        if path == "" or path.split("/")[-2] == "properties":
            assert len(inner["description"]) > 10, path
        assert "title" in inner or "/properties/" in path or path.endswith(("/items", "/additionalProperties")), path


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_every_schema_is_valid_and_every_example_is_too(kind):
    from jsonschema import Draft202012Validator
    from referencing import Registry

    schema = schemas.document(kind)
    Draft202012Validator.check_schema(schema)
    for path, inner in subschemas(schema):
        whole = {**inner, "$defs": schema.get("$defs", {})}
        for example in inner.get("examples", ()):
            assert Draft202012Validator(whole, registry=Registry()).is_valid(example), (path, example)


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_every_pattern_is_safe_and_ends_where_the_text_ends(kind):
    text = json.dumps(schemas.document(kind))
    assert "\\\\d" not in text
    assert "\\\\w" not in text
    for _, inner in subschemas(schemas.document(kind)):
        for stated in (inner, inner.get("not", {})):
            if "pattern" in stated:
                assert why_exponential(stated["pattern"]) is None
                assert stated["pattern"].endswith(r"$(?!\n)") or not stated["pattern"].startswith("^")


def test_what_has_one_name_in_two_schemas_is_the_same_in_both():
    seen: dict[str, Any] = {}
    for kind in schemas.KINDS:
        for name, schema in schemas.document(kind).get("$defs", {}).items():
            assert seen.setdefault(name, schema) == schema


def test_the_kinds_are_those_of_the_layout():
    assert schemas.KINDS == layout.DOCUMENTS


def test_what_is_shipped_is_formatted_json():
    for kind in schemas.KINDS:
        assert schemas.text(kind) == (json.dumps(schemas.document(kind), indent=2, ensure_ascii=False) + "\n").encode()


def test_a_schema_that_was_handed_out_can_be_changed():
    schemas.document("link").clear()
    assert schemas.document("link")["title"] == "Link"


NAMES = st.one_of(
    st.from_regex(r"[A-Za-z0-9._/ -]{0,12}"),
    st.sampled_from(
        ["a", "1", "con", "COM1.txt", "nul.", "a..b", "a.", "latest", "v3", "V3", "a" * 128, "a" * 129, "é"]
    ),
    st.text(max_size=5),
)


@settings(max_examples=300, deadline=None)
@given(NAMES)
def test_names_are_refused_in_files_as_in_references(name):
    windows = refs.reserved_by_windows(name)
    assert schemas.is_valid("registry", {**SMALLEST["registry"], "entity": name}) == (refs.why_not_name(name) is None)
    assert schemas.is_valid("registry", changed("registry", "aliases", name, to={})) == (
        refs.why_not_alias(name) is None or (name in GOOD["registry"]["aliases"] and not windows)
    )
    assert schemas.is_valid("model", {"tags": [name]}) == (refs.why_not_tag(name) is None)
    assert schemas.is_valid("link", {"artifact": "a/b", "version": name}) == refs.is_version(name)
    whole = refs.why_not_name(name) is None
    assert schemas.is_valid("link", {"artifact": f"p/{name}", "version": "v1"}) == whole
    assert schemas.is_valid("link", {"artifact": f"{name}/a", "version": "v1"}) == (refs.why_not_project(name) is None)


# --- yes and no -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("documents", [GOOD, SMALLEST])
@pytest.mark.parametrize("kind", schemas.KINDS)
def test_good_documents_are_valid(kind, documents):
    assert schemas.is_valid(kind, documents[kind])
    assert schemas.problems(kind, documents[kind]) == []


BAD = [
    ("alias", {"generation": 1}, (), "version is missing"),
    ("alias", {"generation": 1, "version": None, "verison": 1}, ("verison",), "'verison' is no key here; allowed: "),
    ("alias", {"generation": True, "version": "v1"}, ("generation",), "must be a whole number, is true"),
    ("alias", {"generation": 7.0, "version": "v1"}, ("generation",), "must be a whole number without a point, is 7.0"),
    ("alias", {"generation": 1.5, "version": "v1"}, ("generation",), "must be a whole number, is 1.5"),
    ("alias", {"generation": 0, "version": "v1"}, ("generation",), "must be at least 1, is 0"),
    ("alias", {"generation": 1, "version": "v01"}, ("version",), "'v01' is refused: a version is v0, v1"),
    ("alias", {"generation": 1, "version": "v1\n"}, ("version",), "'v1\\n' is refused"),
    ("alias", {"generation": 1, "version": 3}, ("version",), "must be text or null, is a number"),
    ("alias", [], (), "must be a mapping, is a list"),
    ("alias", None, (), "must be a mapping, is null"),
    ("link", {"artifact": "resnet50", "version": "v1"}, ("artifact",), "written project/artifact"),
    ("link", {"artifact": "Model-Registry/a", "version": "v1"}, ("artifact",), "no project is called model-registry"),
    ("link", {"artifact": "a/con", "version": "v1"}, ("artifact",), "reserved by Windows"),
    ("link", {"artifact": "a/b", "version": None}, ("version",), "must be text, is null"),
    ("model", {"owners": ["@a", "@a"]}, ("owners",), "'@a' is there twice"),
    ("model", {"owners": ["@a @b"]}, ("owners", 0), "an owner is @user, @org/team or an e-mail address"),
    ("model", {"owners": "@a"}, ("owners",), "must be a list, is text"),
    ("model", {"owners": None}, ("owners",), "must be a list, is null"),
    ("model", {"description": None}, ("description",), "must be text, is null"),
    ("model", {"tags": ["a", True]}, ("tags", 1), "must be text, is true"),
    ("model", {"withdrawn": {"v1": " "}}, ("withdrawn", "v1"), "a reason is needed"),
    ("model", {"withdrawn": {"1": "x"}}, ("withdrawn", "1"), "as a key, '1' is refused"),
    ("artifact", {"owners": []}, ("owners",), "'owners' is no key here"),
    ("registry", {"entity": "a"}, (), "apiVersion is missing"),
    ("registry", {"apiVersion": "podium/v2", "entity": "a"}, ("apiVersion",), "must be 'podium/v1', is 'podium/v2'"),
    ("registry", {"apiVersion": "podium/v1", "entity": "12"}, ("entity",), "not made of digits only"),
    ("registry", changed("registry", "aliases", "latest", to={}), ("aliases", "latest"), "an alias is not latest"),
    ("registry", changed("registry", "aliases", "x", to=None), ("aliases", "x"), "must be a mapping, is null"),
    ("registry", changed("registry", "aliases", "x", to={"needs": 1}), ("aliases", "x", "needs"), "is no key here"),
    (
        "registry",
        changed("registry", "aliases", "production", "requires", "metrics", "accuracy", "max_drop", to=-1),
        ("aliases", "production", "requires", "metrics", "accuracy", "max_drop"),
        "must be at least 0, is -1",
    ),
    ("version", changed("version", "outs", to=[]), ("outs",), "must not be empty"),
    (
        "version",
        changed("version", "outs", to=GOOD["version"]["outs"] * 2),
        ("outs",),
        "must have at most 1 entries, has 2",
    ),
    ("version", changed("version", "outs", 0, "cloud", to="x"), ("outs", 0, "cloud"), "'cloud' is no key here"),
    (
        "version",
        changed("version", "outs", 0, "remote", to="Archive"),
        ("outs", 0, "remote"),
        "a remote's name is 1 to 64",
    ),
    ("version", changed("version", "outs", 0, "md5", to=MD5), ("outs", 0, "md5"), "32 of 0-9 a-f and .dir"),
    ("version", changed("version", "outs", 0, "nfiles", to=0), ("outs", 0, "nfiles"), "must be at least 1, is 0"),
    (
        "version",
        changed("version", "meta", "files", 0, "size", to=8.0),
        ("meta", "files", 0, "size"),
        "without a point",
    ),
    (
        "version",
        changed("version", "meta", to={**GOOD["version"]["meta"], "manifest": "remote", "sha256": SHA}),
        ("meta", "files"),
        "never both",
    ),
    ("version", changed("version", "meta", "sha256", to=SHA), ("meta", "sha256"), "each file has its own"),
    ("version", changed("version", "meta", "author", to="a\nb"), ("meta", "author"), "an author is one line"),
    (
        "version",
        changed("version", "meta", "metrics", "a", to=True),
        ("meta", "metrics", "a"),
        "must be a number, is true",
    ),
    (
        "version",
        changed("version", "meta", "metrics", "a", to=float("nan")),
        ("meta", "metrics", "a"),
        "is not a finite number",
    ),
    (
        "version",
        changed("version", "meta", "metrics", "", to=1),
        ("meta", "metrics", ""),
        "as a key, must not be empty",
    ),
    ("version", changed("version", "meta", "params", "a", to=[[1]]), ("meta", "params", "a", 0), "is a list"),
    ("version", changed("version", "meta", "metadata", "a", to=None), ("meta", "metadata", "a"), "is null"),
    (
        "version",
        changed("version", "meta", "source", "run", to="javascript:alert(1)"),
        ("meta", "source", "run"),
        "https, http, ssh or git URL",
    ),
]


@pytest.mark.parametrize(("kind", "document", "pointer", "message"), BAD)
def test_a_problem_is_said_at_its_place_and_alone(kind, document, pointer, message):
    found = schemas.problems(kind, document)
    assert not schemas.is_valid(kind, document)
    assert [problem.pointer for problem in found] == [pointer]
    assert message in found[0].message


@pytest.mark.parametrize(
    "created",
    ["2026-11-21", "2026-11-21 20:45:00Z", "2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z", "2025-02-29T00:00:00Z",
     "1900-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T20:45:60Z", "2026-11-21T20:45:00+01:00",
     "2026-11-21T20:45:00", "\uff12026-11-21T20:45:00Z", "2026-11-21T20:45:00Z\n"],
)  # fmt: skip
def test_a_time_that_is_none_is_refused(created):
    document = changed("version", "meta", "created", to=created)
    assert not schemas.is_valid("version", document)
    assert list(said("version", document)) == [("meta", "created")]


def test_aliases_that_wait_for_each_other_are_refused():
    policies = {"a": {"after": ["b", "x", "a"]}, "b": {"after": ["c"]}, "c": {"after": ["b"]}, "d": {"after": ["c"]}}
    document = {"apiVersion": "podium/v1", "entity": "acme", "aliases": policies}
    assert not schemas.is_valid("registry", document)
    assert said("registry", document) == {
        ("aliases", "a", "after", 1): "'x' is no alias with a policy here",
        ("aliases", "a", "after", 2): "'a' cannot come after itself",
        ("aliases", "b", "after"): "the aliases wait for each other: 'b' after 'c' after 'b'",
    }


def test_a_very_long_row_of_aliases_is_no_circle():
    names = [f"a{number}" for number in range(5000)]
    policies = {name: {"after": [after]} for name, after in pairwise(names)} | {names[-1]: {}}
    document = {"apiVersion": "podium/v1", "entity": "acme", "aliases": policies}
    assert schemas.is_valid("registry", document)
    document["aliases"][names[-1]] = {"after": names[:1]}
    assert len(schemas.problems("registry", document)) == 1


ODD = [
    object(),
    b"bytes",
    {1},
    {1: 2},
    "\ud800",
    {"\ud800": 1},
    float("inf"),
    10**5000,
    (1, 2),
    {"a": {"b": float("nan")}},
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
@pytest.mark.parametrize("kind", schemas.KINDS)
def test_data_that_no_file_can_hold_is_refused_and_nothing_is_raised(kind, odd):
    for document in (odd, {**GOOD[kind], "description": odd}, changed("version", "meta", "metadata", "a", to=odd)):
        assert schemas.is_valid(kind, document) == (schemas.problems(kind, document) == [])


def test_deep_and_huge_data_is_refused_quickly():
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for document in (deep, changed("version", "meta", "params", "a", to=deep)):
        assert not schemas.is_valid("version", document)
        assert schemas.problems("version", document)
    mixed = [number if number % 2 else f"t{number}" for number in range(50_000)]
    assert len(schemas.problems("model", {"tags": mixed})) <= explain.MOST + 1


def test_messages_are_short_and_printable():
    hostile = "\x1b[31m\u202e" * 1000
    document = {hostile: 1, "owners": [hostile], "tags": {hostile: hostile}, "withdrawn": {hostile: hostile}}
    for problem in schemas.problems("model", document):
        assert problem.message.isprintable()
        assert len(problem.message) < 300


# --- both validators agree --------------------------------------------------------------------------------------------

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 3), st.sampled_from([1.0, 0.0, -0.0, 1.5, 2**70, 1e308]),
    st.floats(), st.text(max_size=4),
    st.sampled_from(["v1", "v1\n", "v٣", "V1", "a/b", "@a", "@a/b", "podium/v1", "remote", "md5", MD5, SHA, "latest",
                     "a", "2026-02-29T00:00:00Z", "https://a/b", "a@b:c", "x\ud800"]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
)
KEYS = [
    "version",
    "generation",
    "meta",
    "outs",
    "files",
    "manifest",
    "sha256",
    "after",
    "owners",
    "v1",
    "v1\n",
    "size",
    "",
]


def places(value: Any, pointer: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [pointer, *(place for key, member in members for place in places(member, (*pointer, key)))]


@st.composite
def mutated(draw: Any) -> tuple[str, Any]:
    kind = draw(st.sampled_from(schemas.KINDS))
    box = {"": copy.deepcopy(draw(st.sampled_from([GOOD, SMALLEST]))[kind])}
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from(places(box)[1:] or [("",)]))
        parent: Any = box
        for step in way:
            parent = parent[step]
        how = draw(st.sampled_from(["replace", "replace", "remove", "add", "double"]))
        if how == "remove" and way:
            del parent[last]
        elif how == "double" and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[last]))
        elif how == "add" and isinstance(parent, dict) and way:
            parent[draw(st.sampled_from(KEYS) | st.text(max_size=3))] = draw(values)
        else:
            parent[last] = draw(values)
    return kind, box[""]


@settings(max_examples=500, deadline=None)
@given(mutated())
def test_the_fast_validator_says_no_exactly_where_the_other_explains(case):
    kind, document = case
    found = schemas.problems(kind, document)
    assert schemas.is_valid(kind, document) == (found == [])
    assert len(set(found)) == len(found)
    assert all(problem.message.isprintable() for problem in found)


@settings(max_examples=100, deadline=None)
@given(mutated())
def test_podiums_own_schema_run_as_a_teams_refuses_the_same(case):
    kind, document = case
    own = team.load(schemas.text(kind))
    assert isinstance(own, team.TeamSchema)
    if own.problems(document):
        assert schemas.problems(kind, document)
    else:
        assert all(
            "without a point" in problem.message or "29th" in problem.message or problem.pointer[:1] == ("aliases",)
            for problem in schemas.problems(kind, document)
        )


# --- a team's own schema ----------------------------------------------------------------------------------------------


def load(schema: Any) -> Any:
    return team.load(schema if isinstance(schema, bytes) else json.dumps(schema, indent=1).encode())


def doubling(count: int) -> dict[str, Any]:
    steps = {f"a{number}": {"allOf": [{"$ref": f"#/$defs/a{number + 1}"}] * 2} for number in range(count)}
    return {"$ref": "#/$defs/a0", "$defs": {**steps, f"a{count}": {"type": "string"}}}


FLAWED = [
    (b"", 1, 1, "no JSON"),
    (b'{"a": 1,\n "b" 2}', 2, 6, "no JSON"),
    (b'{"a": 1,\n "a": 2}', 2, 7, "the key 'a' is there twice"),
    (b'{"x":\n [{"a": 1, "a": 2}]}', 2, 17, "twice"),
    (b"[]", 1, 1, "must be a mapping"),
    (b"\xff", 1, 1, "no UTF-8"),
    (b"\xef\xbb\xbf{}", 1, 1, "byte order mark"),
    (b'{"maximum": NaN}', 1, 1, "NaN is no number"),
    (b'{"maximum": 1e999}', 1, 1, "too large a number"),
    (b'{"maximum": ' + b"9" * 5000 + b"}", 1, 1, "too large a number"),
    (b'{"title": "\\ud800"}', 1, 11, "no Unicode"),
    (b"[" * 100_000, 1, 1, "nested too deeply"),
    (b'{"not":' * 60 + b"{}" + b"}" * 60, 1, 337, "nested too deeply"),
    (b" " * 300_000, 1, 1, "larger than 256 KiB"),
    (b'{"$schema":\n"http://json-schema.org/draft-07/schema#"}', 2, 1, "other drafts"),
    (b'{"$ref": "http://127.0.0.1:9/x"}', 1, 10, "leads out of this file"),
    (b'{"$dynamicRef": "file:///etc/passwd"}', 1, 17, "leads out of this file"),
    (b'{"$ref": "other.json#/x"}', 1, 10, "leads out of this file"),
    (b'{"$ref": "#/$defs/nope"}', 1, 10, "leads nowhere"),
    (b'{"properties": {"a": {"$id": "https://a/b"}}}', 1, 30, "only allowed at the top"),
    (b'{"$ref": "#"}', 1, 1, "never ends"),
    (b'{"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"$ref": "#/$defs/a"}}}', 1, 17, "never ends"),
    (b'{"type": "strin"}', 1, 10, "no valid JSON Schema"),
    (b'{"properties": {"a": {"minLength": -1}}}', 1, 36, "must be at least 0, is -1"),
    (b'{"properties":\n{"a": {"pattern": "(a+)+$"}}}', 2, 19, "exponential"),
    (b'{"patternProperties": {"^(a|a)*$": true}}', 1, 36, "exponential"),
    (b'{"propertyNames": {"pattern": "("}}', 1, 31, "no regular expression"),
    (b'{"pattern": "a{,3}"}', 1, 13, "not understood"),
    (b'{"x": {"y": {"pattern": "(a+)+"}}, "$ref": "#/x/y"}', 1, 25, "exponential"),
    (b'{"patternProperties": {"^a$": true, "^a$(?!\\\\n)": true}}', 1, 51, "another spelling"),
    (b'{"items": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}', 1, 11, "looks at one value more than"),
]


@pytest.mark.parametrize(("raw", "line", "column", "message"), FLAWED)
def test_a_team_schema_that_cannot_be_run_safely_is_a_flaw_at_its_place(raw, line, column, message):
    (flaw,) = load(raw)
    assert (flaw.line, flaw.column) == (line, column)
    assert message in flaw.message
    assert flaw.message.isprintable()


@pytest.mark.parametrize("count", [15, 40, 1000])
def test_references_that_double_the_work_at_each_step_are_refused(count):
    assert all("row" in flaw.message or "times" in flaw.message for flaw in load(doubling(count)))


def test_many_costly_patterns_are_refused_in_bounded_time():
    patterns = [f"^[a-z0-9]{{1,127}}x[a-z0-9]{{1,120}}{number}$" for number in range(200)]
    assert load({"anyOf": [{"pattern": pattern} for pattern in patterns]})
    assert load({"anyOf": [{"pattern": f"^a{number}$"} for number in range(600)]})


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://acme.dev/x"},
        {
            "$id": "https://json-schema.org/draft/2020-12/schema",
            "$ref": "#/$defs/x",
            "$defs": {"x": {"type": "object"}},
        },
        {"items": {"$ref": "#"}, "additionalProperties": {"$ref": "#"}},
        {"$dynamicRef": "#x", "$defs": {"a": {"$dynamicAnchor": "x", "type": "object"}}},
        {"properties": {"a~b/c": {"type": "string"}, "d": {"$ref": "#/properties/a~0b~1c"}}},
        {"const": {"pattern": "(a+)+", "$ref": "http://example.org"}},
    ],
)
def test_harmless_team_schemas_are_run(schema):
    assert load(schema).problems({}) is not None


def test_a_team_schema_says_what_it_misses():
    facts = {
        "required": ["license"],
        "properties": {"license": {"enum": ["mit", "apache-2.0"]}, "team": {"pattern": r"^team-[a-z]+$(?!\n)"}},
        "propertyNames": {"pattern": "^[a-z_]+$"},
    }
    meta = {
        "metadata": facts,
        "metrics": {"minProperties": 1},
        "params": {"anyOf": [{"required": ["lr"]}, {"required": ["epochs"]}]},
        "author": False,
    }
    schema = load({"properties": {"meta": {"properties": meta, "required": ["source"]}}})
    data = {"metadata": {"license": "x", "team": "team-a\n", "Bad": 1}, "metrics": {}, "params": {}, "author": "a"}
    assert set(schema.problems({"meta": data})) == {
        Problem(("meta",), "source is missing"),
        Problem(("meta", "author"), "is not allowed here"),
        Problem(("meta", "metadata", "license"), "must be one of 'mit', 'apache-2.0', is 'x'"),
        Problem(("meta", "metadata", "team"), "'team-a\\n' is refused: it does not match '^team-[a-z]+$'"),
        Problem(("meta", "metadata", "Bad"), "as a key, 'Bad' is refused: it does not match '^[a-z_]+$'"),
        Problem(("meta", "metrics"), "must not be empty"),
        Problem(("meta", "params"), "lr is missing, or epochs is missing"),
    }


def test_a_recursive_team_schema_survives_data_of_any_depth():
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert "nested too deeply" in load({"items": {"$ref": "#"}}).problems(deep)[0].message


@settings(max_examples=200, deadline=None)
@given(st.recursive(
    st.sampled_from([True, False, {"$ref": "#"}, {"$ref": "#/$defs/a"}, {"type": "string"}, {"pattern": "^a+$"},
                     {"type": 1}]),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["not", "items", "if", "then", "additionalProperties", "$id"]), inner,
                        max_size=3),
        st.fixed_dictionaries({"$defs": st.fixed_dictionaries({"a": inner}), "allOf": st.lists(inner, max_size=2)}),
        st.fixed_dictionaries({"properties": st.fixed_dictionaries({"a": inner, "b": inner})}),
    ),
    max_leaves=8,
), values)  # fmt: skip
def test_no_team_schema_crashes_or_hangs(schema, data):
    found = load(schema)
    if isinstance(found, team.TeamSchema):
        assert all(problem.message.isprintable() for problem in found.problems(data))
    else:
        assert all(flaw.line >= 1 for flaw in found)


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_importing_the_schemas_loads_no_validator():
    code = "import sys, podium.schemas as s; "
    code += "print([m for m in sys.modules if m.startswith(('jsonschema', 'referencing'))]);"
    code += "s.is_valid('link', {}); print('jsonschema' in sys.modules, 'jsonschema_rs' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nFalse True\n"


def test_the_reference_names_every_key_of_every_document():
    page = schemas.reference()
    for kind in schemas.KINDS:
        assert f"## {schemas.document(kind)['title']}" in page
    for key in (
        "generation",
        "aliases.<alias>.requires.metrics.<key>.max_drop",
        "meta.files[].sha256",
        "outs[].nfiles",
    ):
        assert f"| `{key}` |" in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)
