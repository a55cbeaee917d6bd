"""A pull request whose trees were made by hand: judged and shown, never written, and no path outside is formed."""

from __future__ import annotations

from itertools import product

import pygit2
import pytest

from podium.tree import EXECUTABLE, FILE, FOLDER, LINK, SUBMODULE
from tests.acceptance.histories import ARTIFACT, MODEL, START, laid
from tests.hostile import trees
from tests.hostile.conftest import some
from tests.hostile.typed import typed

CHECK = ("check", "--base", "main", "--head", "topic", "--format", "json")
READING = (
    ("check", "--rev", "topic", "--format", "github"),
    ("plan", "main", "topic"),
    ("plan", "main", "topic", "--format", "json"),
    ("plan", "main", "topic", "--format", "markdown"),
    ("list", "--rev", "topic"),
    ("list", "--artifacts", "--rev", "topic", "--format", "json"),
    ("show", "ImageClassifier", "--rev", "topic"),
    ("show", "vision/resnet50", "--rev", "topic", "--format", "json"),
    ("resolve", "ImageClassifier:production", "--rev", "topic"),
    ("history", "--rev", "topic"),
)
CASES = list(product(trees.PLACES, trees.KINDS, trees.NAMES))


def proposed(history, tree):
    """Make a branch whose one commit has a tree."""
    return history.commit_tree(tree, str(history.repository.references["refs/heads/main"].target), ref="topic")


def snapshot(folder):
    return {path for path in folder.rglob("*") if "objects" not in path.parts and "cache" not in path.parts}


def tried(history, label, tree, *, reading=READING):
    """Type every reading command on a tree; gives what the check of the pull request said."""
    proposed(history, tree)
    before = snapshot(history.path.parent)
    for command in reading:
        typed("-R", history.path, *command)
    said = typed("-R", history.path, *CHECK, codes={0, 1, 3})
    assert snapshot(history.path.parent) == before, f"{label} left something behind"
    return said


@pytest.mark.parametrize("lot", range(4))
def test_whatever_a_name_is_it_is_judged_and_shown_without_harm(history, lot):
    own = ("models", "artifacts")
    for place, kind, name in some(CASES, 40)[lot::4]:
        tree = trees.put(history, place, [trees.KINDS[kind](history, trees.NAMES[name])])
        said = tried(history, (place, kind, name), tree)
        if place.split("/")[0] in own:
            assert said.code != 0, f"{kind} {name} in {place} passes"


ENTITIES = ["models", "artifacts", MODEL, f"{MODEL}/versions", f"{MODEL}/aliases", "artifacts/vision", ARTIFACT]
FILES = ["registry.yaml", ".dvc/config", ".gitattributes", ".github/CODEOWNERS", "schemas/team/model.schema.json"]


@pytest.mark.parametrize("kind", trees.KINDS)
def test_something_else_in_the_place_of_podiums_own(history, kind):
    for path in some([*ENTITIES, *FILES], 6):
        rest = {other: text for other, text in START.items() if other != path and not other.startswith(f"{path}/")}
        folder, _, name = path.rpartition("/")
        tree = trees.put(history, folder, [trees.KINDS[kind](history, name.encode())], rest)
        said = tried(history, (path, kind), tree)
        assert said.code != 0 or path in FILES[1:], f"{kind} at {path} passes"


@pytest.mark.parametrize("kind", trees.KINDS)
@pytest.mark.parametrize("path", ["models", MODEL, f"{MODEL}/aliases/staging.yaml", f"{ARTIFACT}/versions/v0.dvc"])
def test_a_name_that_is_there_twice_is_no_clean_registry(history, path, kind):
    folder, _, name = path.rpartition("/")
    tree = trees.put(history, folder, [trees.KINDS[kind](history, name.encode())])
    assert tried(history, path, tree, reading=READING[:3]).code != 0


MODES = [b"0", b"100666", b"100000", b"100600", b"40755", b"040000", b"777777", b"1", b"7" * 300, b"10000"]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode[:10].decode())
def test_a_mode_that_git_does_not_write_is_no_clean_registry(history, mode):
    tree = trees.put(history, f"{MODEL}/aliases", [trees.row(history, b"new.yaml", mode)])
    assert tried(history, mode, tree, reading=READING[:4]).code != 0


@pytest.mark.parametrize("mode", [FILE, FOLDER, LINK, EXECUTABLE, SUBMODULE])
def test_an_object_that_is_missing_or_of_another_kind_is_never_clean(history, mode):
    commit = str(history.repository.references["refs/heads/main"].target)
    for id_ in (trees.OTHER_COMMIT, commit, history.tree(START), str(history.repository.create_blob(b"a blob"))):
        tree = trees.put(history, f"{MODEL}/aliases", [trees.row(history, b"new.yaml", mode, id_)])
        assert tried(history, (mode, id_), tree, reading=READING[1:4]).code != 0


@pytest.mark.parametrize("place", ["", "models", f"{MODEL}/versions", "schemas"])
def test_a_folder_nested_without_end_is_refused_in_words(history, place):
    tree = trees.put(history, place, [trees.row(history, b"deep", FOLDER, trees.deep(history, 3000))])
    said = tried(history, place, tree)
    assert said.code == 1
    assert "nested deeper" in said.err


@pytest.mark.parametrize("place", ["", "models", f"{MODEL}/aliases"])
def test_a_tree_that_stands_for_ten_thousand_million_files_is_refused_in_words(history, monkeypatch, place):
    monkeypatch.setattr("podium.git.differing.MOST", 5000)  # the same at a fiftieth of the time
    tree = trees.put(history, place, [trees.row(history, b"many", FOLDER, trees.bomb(history))])
    said = tried(history, place, tree, reading=[("plan", "main", "topic"), ("check", "--rev", "topic")])
    assert said.code == 1
    assert "holds more than" in said.err


def test_a_merge_with_such_a_tree_is_refused_before_git_goes_through_it(history, monkeypatch):
    monkeypatch.setattr("podium.git.differing.MOST", 5000)
    start = str(history.repository.references["refs/heads/main"].target)
    proposed(history, trees.put(history, "models", [trees.row(history, b"many", FOLDER, trees.bomb(history))]))
    history.commit(laid(START, {"notes.txt": b"main went on\n"}), start, ref="main")
    assert "holds more than" in typed("-R", history.path, *CHECK, codes={1}).err


@pytest.mark.parametrize(
    "path", ["registry.yaml", f"{MODEL}/model.yaml", f"{ARTIFACT}/versions/v3.dvc", "schemas/team/link.schema.json"]
)
def test_a_file_of_any_number_of_bytes_is_not_read(history, path):
    said = tried(history, path, history.tree(laid(START, {path: b"\0" * 40_000_000})), reading=READING[:3])
    assert said.code in {1, 3}
    assert "larger than" in said.out + said.err or "more than any file" in said.out + said.err


@pytest.mark.parametrize("place", ["models", "models/more", "schemas/team"])
def test_a_tree_of_any_number_of_bytes_is_not_read(history, place):
    folder, _, name = place.rpartition("/")
    large = str(history.repository.write(pygit2.enums.ObjectType.TREE, b"\0" * 40_000_000))
    tree = trees.put(history, folder, [trees.row(history, name.encode(), FOLDER, large)])
    assert tried(history, place, tree, reading=READING[:3]).code in {1, 3}


ONE = b"100644 a\0" + b"1" * 20
BROKEN = {
    "text": b"garbage",
    "a mode": b"100644",
    "no id": b"100644 a\0",
    "half an id": ONE[:-10],
    "more than an id": ONE + b"1",
    "no mode": b" a\0" + b"1" * 20,
    "no name": b"100644 \0" + b"1" * 20,
    "a mode that is none": b"xyz a\0" + b"1" * 20,
    "a sign": b"-100644 a\0" + b"1" * 20,
    "22 bytes too many": ONE + b"1" * 22,
    "nuls": b"\0" * 50,
    "a megabyte of digits": b"1" * 1_000_000,
    "a megabyte of digits and blanks": b"1 " * 500_000,
    "a megabyte of digits after an entry": ONE + b"1" * 1_000_000,
}


@pytest.mark.parametrize("case", BROKEN)
def test_bytes_that_are_no_tree_are_never_clean(history, case):
    broken = str(history.repository.write(pygit2.enums.ObjectType.TREE, BROKEN[case]))
    tree = trees.put(history, f"{MODEL}/aliases", [trees.row(history, b"new", FOLDER, broken)])
    assert tried(history, case, tree, reading=READING[:1]).code == 3


PEOPLE = {
    "after the year 9999": (b"A <a@b> 253402300800 +0000", b"", b"x"),
    "a number of 20 digits": (b"A <a@b> 99999999999999999999 +0000", b"", b"x"),
    "before all time": (b"A <a@b> -99999999999999 +0000", b"", b"x"),
    "an offset of days": (b"A <a@b> 1700000000 +9999", b"", b"x"),
    "nobody": (b"<> 0 +0000", b"", b""),
    "bytes": (b"\xff\xfe <\x80> 1700000000 +0000", b"", b"\xff\xfe\x80"),
    "an encoding of Python's": (b"A <a@b> 1700000000 +0000", b"encoding idna\n", b"\xe9" * 200),
    "an encoding that knows nothing": (b"A <a@b> 1700000000 +0000", b"encoding undefined\n", b"\xe9"),
    "an encoding with escapes": (b"A <a@b> 1700000000 +0000", b"encoding unicode_escape\n", b"\\u202e\\x1b\\ud800"),
    "no encoding": (b"A <a@b> 1700000000 +0000", b"encoding a\x1b[31m b\n", b"x"),
    "steering": ("A\u202e\x1b[2J <a\x9b@b> 1700000000 +0000".encode(), b"", "x\x1b]0;owned\x07\u2066".encode()),
    "markup": (b"<img src=x> [x](http://evil) <a@b> 1700000000 +0000", b"", b"# x\n::error::x\n<img src=x>"),
    "a message of two megabytes": (b"A <a@b> 1700000000 +0000", b"", b"x" * 2_000_000),
}


@pytest.mark.parametrize("case", PEOPLE)
def test_whoever_made_a_commit_and_whenever_its_history_is_told(history, case):
    who, more, message = PEOPLE[case]
    repository = history.repository
    parent = str(repository.references["refs/heads/main"].target).encode()
    tree = history.tree(laid(START, {f"{MODEL}/aliases/staging.yaml": b"generation: 4\nversion: v1\n"})).encode()
    body = b"tree %b\nparent %b\nauthor %b\ncommitter %b\n%b\n%b" % (tree, parent, who, who, more, message)
    made = repository.write(pygit2.enums.ObjectType.COMMIT, body)
    (history.path / "refs/heads/topic").write_text(f"{made}\n")
    for command in (
        ("history", "--rev", "topic"),
        ("history", "ImageClassifier", "staging", "--rev", "topic", "--format", "json"),
        ("plan", "main", "topic", "--format", "markdown"),
        ("list", "--rev", "topic"),
    ):
        typed("-R", history.path, *command)
