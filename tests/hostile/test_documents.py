"""YAML and JSON that nobody in their right mind would write: read or refused, at their place, in bounded work."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys

import pytest

from podium import codec, manifest, schemas
from podium.rules import attributes
from podium.schemas import strict_json
from podium.visible import redacted
from tests.hostile import documents
from tests.hostile.conftest import some
from tests.hostile.typed import typed

MODEL, ALIAS = "models/m/model.yaml", "models/m/aliases/production.yaml"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Give a folder with a registry that has one model, and be in it."""
    monkeypatch.chdir(tmp_path)
    for path, text in {
        "registry.yaml": "apiVersion: podium/v1\nentity: acme\n",
        MODEL: documents.FINE.decode(),
        ALIAS: "generation: 1\nversion: null\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def found(checkout, path, raw):
    """Write a file, try what reads it, and give the errors that a check finds in it, with their places."""
    (checkout / path).write_bytes(raw)
    said = typed("check", path, "--format", "json")
    for command in (("list",), ("show", "m", "--format", "json"), ("fmt", path)):
        typed(*command)
    errors = [one for one in said.json["findings"] if one["severity"] == "error"]
    assert said.code == (1 if errors else 0)
    lines = len(raw.decode(errors="replace").splitlines()) + 1
    assert all(one["path"] == path and 1 <= one["line"] <= lines and one["column"] >= 1 for one in errors)
    return errors


@pytest.mark.parametrize("name", some([*documents.REFUSED, *documents.LARGE], 24))
def test_what_is_no_file_of_ours_is_refused_at_its_place(checkout, name):
    assert found(checkout, MODEL, {**documents.REFUSED, **documents.LARGE}[name])


@pytest.mark.parametrize("name", some(documents.READ, 10))
def test_what_is_only_odd_is_read(checkout, name):
    assert found(checkout, MODEL, documents.READ[name]) == []


@pytest.mark.parametrize("number", some(documents.NUMBERS, 10), ids=lambda number: ascii(number[:12].decode()))
def test_what_is_no_whole_number_is_no_generation(checkout, number):
    assert found(checkout, ALIAS, b"generation: " + number + b"\nversion: null\n")


# --- bounded work -----------------------------------------------------------------------------------------------------


def calls(function, *arguments):
    """Count the calls of Python functions that a function makes: the same on every machine, unlike seconds."""
    count = 0

    def counted(_frame, event, _argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", some(documents.LARGE, 12))
def test_a_file_says_at_most_so_much_before_it_is_refused(name):
    raw = documents.LARGE[name]
    with contextlib.suppress(codec.Malformed):
        _assert_explained_in_bounded_work(raw, codec.decode(raw))


def _assert_explained_in_bounded_work(raw, data):
    values = raw.count(b",") + raw.count(b"\n") * 2
    schemas.problems("model", data)  # what is imported and compiled once is not counted
    assert calls(schemas.problems, "model", data) < 60_000 + 10 * values


def test_keys_and_values_are_counted_however_they_are_written():
    keys = codec.strict.MAX_VALUES // 2
    assert len(codec.decode(b"".join(b"k%d: 1\n" % number for number in range(keys)))) == keys
    many = [b"k%d" % number for number in range(keys + 1)]
    for raw in (
        b": 1\n".join([*many, b""]),
        b"{" + b": 1, ".join(many) + b": 1}",
        b"a: [" + b", ".join(2 * many) + b"]\n",
    ):
        with pytest.raises(codec.Malformed, match="more than 65536"):
            codec.decode(raw)


def test_a_manifest_of_as_many_files_as_a_record_may_have_is_read():
    entry = "  - {{path: f{}, size: 1, md5: 4588ff3797b78d819d858fa3bdd82b09, sha256: " + "5" * 63 + "a}}\n"
    raw = "outs: []\nmeta:\n  files:\n" + "".join(map(entry.format, range(5000)))
    assert len(codec.decode(raw.encode())["meta"]["files"]) == 5000


TEXTS = {
    "an address at each step": (redacted, "a" * 30 + "://b:", 4000),
    "an address with a port": (redacted, "https://a:80", 4000),
    "queries": (redacted, "?token=", 4000),
    "open brackets in a policy": (lambda text: manifest.matches("a.bin", text), "[", 20_000),
    "a file in folders without end": (lambda text: list(manifest.unsafe([text, text + "b"])), "a/", 4000),
    "stars in a policy": (lambda text: manifest.matches("a" * 200, text), "*a", 2000),
    "macros of macros": (lambda text: list(attributes.foreign(f"[attr]a {text}\n*.yaml a\n")), "a ", 50_000),
    "open brackets in attributes": (lambda text: list(attributes.foreign(f"{text} merge=x\n")), "[", 20_000),
}


@pytest.fixture
def half_a_minute():
    """Stop a test that goes on for half a minute of this process's own time: it would go on for hours."""

    def stop(_signal, _frame):
        raise AssertionError("there seems to be no end to it")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 30)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("case", TEXTS)
@pytest.mark.usefixtures("half_a_minute")
def test_a_long_text_comes_to_an_end(case):
    look, step, count = TEXTS[case]
    look(step * 4 * count)


# --- JSON -------------------------------------------------------------------------------------------------------------

NO_JSON = {
    "nothing": "",
    "a byte order mark": "\ufeff{}",
    "NaN": '{"a": NaN}',
    "Infinity": "[Infinity]",
    "minus Infinity": "[-Infinity]",
    "a number of 5,000 digits": "9" * 5000,
    "too large a float": "1e999",
    "a float of 5,000 digits": "9" * 5000 + ".0",
    "a leading zero": "01",
    "a plus": "+1",
    "hexadecimal": "0x10",
    "deep lists": "[" * 200_000,
    "deep mappings": '{"a":' * 200_000,
    "single quotes": "{'a': 1}",
    "a comma at the end": "[1,]",
    "a comment": "// x\n{}",
    "two values": "{} {}",
    "a control character": '"\x01"',
    "an escape that is none": '"\\x41"',
    "half an escape": '"\\u12"',
    "a nul": "\0",
    "an open text": '"' + "x" * 100_000,
}


@pytest.mark.parametrize("name", NO_JSON)
def test_json_that_readers_take_otherwise_is_refused_at_its_place(name):
    text = NO_JSON[name]
    with pytest.raises(strict_json.NoJsonError) as caught:
        strict_json.parsed(text)
    line, column = strict_json.line_and_column(text, caught.value.index)
    assert 1 <= line <= text.count("\n") + 1
    assert 1 <= column <= len(text) + 1


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[[]]", b"[" * 100_000, b'[{"relpath": 1}]', b'{"a": 1}', b"[1]", b"\xff", b"[NaN]", b'"a"'],
)
def test_a_list_of_files_that_is_none_gives_none(content):
    assert manifest.listed(manifest.md5_of(content) + ".dir", content) is None
