"""Git asked about a history before libgit2 is loaded: once, about the same, and never where it should not be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from podium import git, refs, timeline
from podium.errors import Unavailable
from podium.git import batch
from tests.acceptance.histories import MODEL, PRODUCTION, START

NAME = "ImageClassifier"


def run(folder: Path, *words: str) -> str:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A registry in a Git repository, in which production of a model was moved three times."""
    root = tmp_path_factory.mktemp("early") / "registry"
    run(root.parent, "git", "init", "-q", "-b", "main", root.name)
    for path, content in START.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    for n in range(4):
        (root / PRODUCTION).write_text(f"generation: {n + 1}\nversion: v{n % 3}\n")
        run(root, "git", "add", "-A")
        run(root, "git", "commit", "-qm", f"Move {n}")
    return root


@pytest.fixture
def place(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "registry"))


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Give what Git is asked for by commands: each call's words, from the verb on."""
    spy = tmp_path / "bin" / "git"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nexec {shutil.which("git")} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", str(spy.parent), prepend=os.pathsep)
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))

    def said() -> list[str]:
        file = tmp_path / "asked"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line.partition("--git-dir=. ")[2].partition(" ")[0] for line in lines if "--git-dir=. " in line]

    return said


def typed(folder: Path, *words: str) -> str:
    """Type a command in a process that has nothing loaded, and with nothing kept."""
    shutil.rmtree(os.environ["PODIUM_CACHE_DIR"], ignore_errors=True)
    return run(folder, sys.executable, "-m", "podium", *words)


def checkout(place: Path) -> Path:
    return place


def through_a_link(place: Path) -> Path:
    (place.parent / "link").symlink_to(place)
    return place.parent / "link"


def work_tree(place: Path) -> Path:
    run(place, "git", "worktree", "add", "-q", "../other", "-b", "other", "HEAD~1")
    return place.parent / "other"


def bare(place: Path) -> Path:
    run(place.parent, "git", "clone", "-q", "--bare", place.name, "bare.git")
    return place.parent / "bare.git"


def bare_clone_of_another_branch(place: Path) -> Path:
    there = bare(place)
    run(there, "git", "update-ref", "refs/remotes/origin/old", "HEAD~2")
    run(there, "git", "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/old")
    return there


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (checkout, [NAME]),
        (through_a_link, [NAME, "production"]),
        (work_tree, [NAME, "production"]),
        (bare, ["vision/resnet50"]),
        (bare_clone_of_another_branch, [NAME, "production"]),
    ],
)
def test_git_is_asked_once_and_says_what_it_says_later(place, asked, kind, words):
    where = kind(place)
    early = typed(where, "history", *words)
    questions = asked()
    assert (questions.count("log"), questions[0]) == (1, "cat-file")
    tip = "old" if kind is bare_clone_of_another_branch else "HEAD"
    assert early == typed(where, "history", *words, "--rev", tip)
    assert asked() == ["log"]
    assert run(where, sys.executable, "-m", "podium", "history", *words) == early
    assert asked() == []


def test_what_is_known_or_has_no_name_is_not_asked_early(place, asked):
    typed(place, "history", "--limit", "1")
    typed(place, "history", NAME, "--since", "2020-01-01")
    assert asked() == ["log", "log"]


def test_what_git_left_to_a_server_is_not_fetched(place, tmp_path, asked):
    run(place, "git", "config", "uploadpack.allowFilter", "true")
    run(tmp_path, "git", "clone", "-q", "--bare", "--filter=tree:0", f"file://{place}", "partial.git")
    asked()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        typed(tmp_path / "partial.git", "history", NAME)
    assert "lacks an object" in refused.value.stderr
    assert asked() == []


def begin(place: Path, monkeypatch) -> git.Begun | None:
    """Ask as a process does that has not loaded libgit2."""
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "pygit2", raising=False)
        return timeline.asked(git.Checkout(place), refs.Reference("model", NAME), "production", None)


def test_a_repository_of_somebody_else_is_not_asked_before_libgit2_has_looked_at_it(place, monkeypatch):
    assert begin(place, monkeypatch) is not None
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert begin(place, monkeypatch) is None


def test_what_nobody_wants_any_more_is_stopped(place, monkeypatch):
    begun = begin(place, monkeypatch)
    process = begun._process
    del begun
    assert process.returncode is not None


def test_another_question_is_asked_anew(place, monkeypatch):
    begun = begin(place, monkeypatch)
    run(place, "git", "commit", "-q", "--allow-empty", "-m", "Something meanwhile")
    (place / PRODUCTION).write_text("generation: 5\nversion: v2\n")
    run(place, "git", "commit", "-qam", "A move meanwhile")
    repository, tip = git.open_repository(place), run(place, "git", "rev-parse", "HEAD").strip()
    turns = git.turns(repository, tip, [MODEL], begun=begun)
    assert next(turns).commit == tip
    assert begun._process.returncode is not None
    assert len([*turns]) == 4


def test_objects_by_name_are_those_that_git_has(place):
    folder = place / ".git"
    commit, nothing, tree, content = batch.by_name(folder, ["HEAD", "HEAD:nope", f"HEAD:{MODEL}", f"HEAD:{PRODUCTION}"])
    assert commit[0] == run(place, "git", "rev-parse", "HEAD").strip()
    assert nothing is None
    assert content == (git.of_file(content[1]), b"generation: 4\nversion: v0\n")
    ids = run(place, "git", "ls-tree", "HEAD", f"{MODEL}/").splitlines()
    assert git.plain_files(tree[1]) == [line.split()[2] for line in ids if line.split()[1] == "blob"]


@pytest.mark.parametrize("answer", ["", "HEAD", "nonsense", "0" * 40 + " blob 9", "0" * 40 + " blob 3\nabcd"])
def test_an_answer_that_is_none_is_refused(place, tmp_path, monkeypatch, answer):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(f"#!/bin/sh\ncat >/dev/null\nprintf '{answer}\\n'\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    with pytest.raises(Unavailable, match="answers as git does not"):
        batch.by_name(place / ".git", ["HEAD"])
