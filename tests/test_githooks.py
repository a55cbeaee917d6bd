"""What a push does to which branch, before anything is judged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pygit2
import pytest

from podium import git, githooks
from podium.errors import Unavailable, Usage
from podium.githooks import Update
from tests import example
from tests.hostile.typed import typed

ONE, TWO = "1" * 40, "2" * 40
NONE = "0" * 40
PRODUCTION = "models/ImageClassifier/aliases/production.yaml"


@pytest.fixture
def bare(tmp_path):
    """Give an empty bare repository whose HEAD names main."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "bare.git"], check=True)
    return git.open_repository(tmp_path / "bare.git")


def commit(repository, parent=None, **changes: bytes) -> str:
    return git.commit_objects(repository, parent, {**({} if parent else example.files()), **changes}, "A change")


def line(update: Update) -> bytes:
    return f"{update.before or NONE} {update.after or NONE} {update.ref}\n".encode()


def judged(repository, *updates: Update, **environment) -> list[tuple[str, list[str]]]:
    verdicts = githooks.judge(repository, map(line, updates), environment)
    return [(verdict.update.branch, [finding.rule for finding in verdict.findings]) for verdict in verdicts]


def test_lines_are_read_as_git_writes_them():
    lines = [f"{NONE} {TWO} refs/heads/main\n".encode(), f"{ONE} {NONE} refs/heads/a-b\n".encode()]
    assert githooks.updates(lines) == [Update(None, TWO, "refs/heads/main"), Update(ONE, None, "refs/heads/a-b")]


NOT_GITS = (
    *(b"\n", b"main\n", b"a b\n", b"   \n", b"\0\n", "é é é\n".encode()),
    f"{ONE} HEAD refs/heads/main\n".encode(),
    f"{ONE} --help refs/heads/main\n".encode(),
    f"{ONE} {TWO} refs/heads/main\r\n".encode(),
    f"{ONE} {TWO} refs/heads/main x\n".encode(),
    f"{ONE}  {TWO} refs/heads/main\n".encode(),
    f"{ONE} {TWO} refs/heads/\x1b[31m\n".encode(),
    f"{ONE[:10]} {TWO[:10]} refs/heads/main\n".encode(),
)


@pytest.mark.parametrize("line", NOT_GITS)
def test_anything_else_is_not_from_git(line):
    with pytest.raises(Usage):
        githooks.updates([line])


def test_only_the_default_branch_is_guarded(bare):
    bare.references.create("refs/heads/main", commit(bare))
    moved = [Update(ONE, TWO, f"refs/{ref}") for ref in ("heads/main", "heads/maine", "heads/a/main", "tags/main")]
    assert githooks.guarded(bare, moved) == moved[:1]


def test_a_default_branch_that_is_made_by_this_push_is_the_guarded_one(bare):
    moved = [Update(None, TWO, "refs/heads/wip"), Update(None, TWO, "refs/heads/main")]
    assert githooks.guarded(bare, moved) == moved[1:]


def test_where_head_names_nothing_every_branch_is_guarded(bare):
    bare.references.create("refs/heads/trunk", commit(bare))
    moved = [
        Update(ONE, TWO, "refs/heads/trunk"),
        Update(None, TWO, "refs/heads/wip"),
        Update(None, TWO, "refs/tags/x"),
    ]
    assert githooks.guarded(bare, moved) == moved[:2]


def test_a_ref_that_stands_for_the_default_branch_is_that_branch(bare):
    bare.references.create("refs/heads/main", commit(bare))
    bare.references.create("refs/heads/one", "refs/heads/main")
    bare.references.create("refs/heads/two", "refs/heads/one")
    (found,) = githooks.guarded(bare, [Update(ONE, TWO, "refs/heads/two")])
    assert found.ref == "refs/heads/main"


def test_refs_that_stand_for_each_other_end_nowhere(bare):
    bare.references.create("refs/heads/main", commit(bare))
    bare.references.create("refs/heads/a", "refs/heads/b")
    bare.references.create("refs/heads/b", "refs/heads/a")
    assert githooks.guarded(bare, [Update(ONE, TWO, "refs/heads/a")]) == []


def test_each_first_parent_commit_is_a_step(bare):
    first = commit(bare)
    bad = git.commit_objects(bare, first, {PRODUCTION: b"generation: 40\nversion: v1\n"}, "Jump")
    back = git.commit_objects(bare, bad, {PRODUCTION: example.files()[PRODUCTION]}, "Back")
    rules = ["alias-generation-next", "alias-generation-next"]
    assert judged(bare, Update(first, back, "refs/heads/main")) == [("main", rules)]
    assert judged(bare, Update(None, back, "refs/heads/main")) == [("main", [])]


def test_a_push_that_takes_history_away_is_history_kept_and_nothing_else(bare):
    first = commit(bare)
    second = commit(bare, first, notes=b"x")
    assert judged(bare, Update(second, first, "refs/heads/main")) == [("main", ["history-kept"])]
    assert judged(bare, Update(second, None, "refs/heads/main")) == [("main", ["history-kept"])]


def test_an_unrelated_history_is_history_kept(bare):
    first = commit(bare)
    other = commit(bare, None, notes=b"other")
    assert judged(bare, Update(first, other, "refs/heads/main")) == [("main", ["history-kept"])]


def test_a_commit_that_is_not_there_cannot_be_judged(bare):
    with pytest.raises(Unavailable):
        judged(bare, Update(commit(bare), TWO, "refs/heads/main"))


def test_namespaces_cannot_be_guarded(bare):
    with pytest.raises(Unavailable, match="GIT_NAMESPACE"):
        judged(bare, Update(None, commit(bare), "refs/tags/x"), GIT_NAMESPACE="x")


def test_objects_are_read_where_git_sets_them_apart(bare, tmp_path):
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "apart.git"], check=True)
    apart = git.open_repository(tmp_path / "apart.git")
    first = commit(apart)
    with pytest.raises(Unavailable):
        judged(bare, Update(None, first, "refs/heads/main"))
    assert judged(bare, Update(None, first, "refs/heads/main"), GIT_QUARANTINE_PATH=str(tmp_path / "apart.git/objects"))
    assert first not in bare


@pytest.mark.parametrize("parent", ["missing", "blob", "tree"])
def test_a_commit_whose_parent_is_none_does_not_land(bare, parent):
    base = commit(bare)
    bare.references.create("refs/heads/main", base)
    tree = str(bare[base].tree_id)
    other = {"missing": TWO, "blob": str(bare.create_blob(b"x")), "tree": tree}[parent]
    who = "Ada <ada@acme.dev> 1790000000 +0000"
    text = f"tree {tree}\nparent {base}\nparent {other}\nauthor {who}\ncommitter {who}\n\nx\n"
    pushed = str(bare.odb.write(pygit2.enums.ObjectType.COMMIT, text.encode()))
    with pytest.raises(Unavailable):
        judged(bare, Update(base, pushed, "refs/heads/main"))


def test_a_tag_or_a_blob_does_not_land_on_the_branch(bare):
    base = commit(bare)
    bare.references.create("refs/heads/main", base)
    blob = str(bare.create_blob(b"x"))
    with pytest.raises(Unavailable):
        judged(bare, Update(base, blob, "refs/heads/main"))


@pytest.mark.parametrize("head", ["what is no ref\n", "\0\n"])
def test_where_head_cannot_be_read_nothing_lands(bare, head):
    base = commit(bare)
    Path(bare.path, "HEAD").write_text(head)
    with pytest.raises(Unavailable):
        judged(bare, Update(None, base, "refs/heads/main"))


def test_what_stands_for_an_object_by_git_replace_is_not_judged_in_its_place(bare):
    base = commit(bare)
    bare.references.create("refs/heads/main", base)
    bad = commit(bare, base, **{PRODUCTION: b"generation: 99\nversion: v1\n"})
    bare.references.create(f"refs/replace/{bad}", commit(bare, base, **{"README.md": b"harmless\n"}))
    assert judged(bare, Update(base, bad, "refs/heads/main"))[0][1]
    said = typed("-R", bare.path, "check", "--base", "main", "--head", bad, "--format", "json")
    assert said.code == 1
    assert said.json["findings"]
