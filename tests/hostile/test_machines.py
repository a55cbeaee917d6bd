"""Machines on which something isn't as it should be: said in words, with an exit code of ours, nothing half done."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from podium import git
from podium.errors import Denied
from tests.hostile.typed import typed

PROMOTE = ("promote", "ImageClassifier:v0", "canary")


@pytest.fixture
def clone(history, tmp_path):
    """A clone of a registry, with an author."""
    subprocess.run(["git", "clone", "-q", str(history.path), str(tmp_path / "clone")], check=True)
    return tmp_path / "clone"


def hook(clone: Path, name: str, text: str) -> None:
    (clone / ".git/hooks").mkdir(exist_ok=True)
    place = clone / ".git/hooks" / name
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)


def test_a_head_that_a_power_cut_emptied_is_said_in_words(clone):
    (clone / ".git/HEAD").write_text("")
    for words in (["history"], [*PROMOTE, "--push"], [*PROMOTE, "--commit"], ["check", "--base", "main"]):
        assert "error: " in typed("-R", clone, *words, codes={1, 3}).err


@pytest.mark.parametrize("content", [b"\xff\0\xfe", b"", b"gitdir: /nowhere\0"])
def test_a_git_file_that_names_no_folder_is_said_in_words(clone, content):
    (clone / ".git").rename(clone / "away")
    (clone / ".git").write_bytes(content)
    for words in (["history"], [*PROMOTE], [*PROMOTE, "--commit"]):
        assert "repository" in typed("-R", clone, *words, codes={1, 3}).err


def test_a_hook_that_keeps_a_push_back_is_a_refusal_in_its_own_words(clone, history):
    hook(clone, "pre-push", "echo not on a Friday >&2; exit 1")
    before = history.repository.references["refs/heads/main"].target
    said = typed("-R", clone, *PROMOTE, "--push", codes={1})
    assert "not on a Friday" in said.err
    assert history.repository.references["refs/heads/main"].target == before


def test_a_signature_that_cannot_be_made_is_a_refusal(clone):
    for setting in (("commit.gpgsign", "true"), ("gpg.format", "ssh"), ("user.signingkey", "/nowhere")):
        subprocess.run(["git", "config", *setting], cwd=clone, check=True)
    assert "could not sign the commit" in typed("-R", clone, *PROMOTE, "--push", codes={1}).err
    assert subprocess.check_output(["git", "status", "--porcelain"], cwd=clone) == b""


def test_a_home_that_is_a_file_is_named(clone, tmp_path, monkeypatch):
    (tmp_path / "home").write_text("")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "home/.config/dvc"))
    assert str(tmp_path / "home") in typed("-R", clone, "verify", codes={3}).err


def test_a_sparse_checkout_that_lacks_versions_is_not_taken_for_a_registry_without_them(clone):
    subprocess.run(["git", "sparse-checkout", "set", "models", "schemas", ".dvc"], cwd=clone, check=True)
    for words in (["check"], ["create", "vision/resnet50", "--commit"]):
        assert "sparse checkout" in typed("-R", clone, *words, codes={3}).err
    typed("-R", clone, "check", "--rev", "HEAD", codes={0})
    subprocess.run(["git", "sparse-checkout", "disable"], cwd=clone, check=True)
    typed("-R", clone, "check", codes={0})


def test_commits_that_another_repository_took_with_it_are_not_said_to_have_never_been(history, clone, tmp_path):
    borrowing = tmp_path / "borrowing"
    options = ("--quiet", "--reference", str(clone), f"file://{history.path}", str(borrowing))
    subprocess.run(["git", "clone", *options], check=True)
    clone.rename(tmp_path / "elsewhere")
    for words in (["history"], ["check", "--base", "HEAD~1"], ["plan", "main"], ["check", "--rev", "origin/main"]):
        typed("-R", borrowing, *words, codes={3})
    typed("-R", borrowing, "check", "--rev", "never", codes={1})


GARBLED = {
    "commit-tree": [*PROMOTE, "--push"],
    "ls-remote": [*PROMOTE, "--push"],
    "rev-parse": [*PROMOTE, "--commit"],
    "merge-tree": ["plan", "main", "side"],
    "log": ["history"],
    "rev-list": ["rollback", "ImageClassifier", "production"],
    **{verb: ["gc", "--cache"] for verb in ("for-each-ref", "cat-file", "reflog", "diff-tree")},
}
SAYS_ANYTHING = """\
#!/bin/sh
for word; do
  case $word in VERB) printf 'warning: it is Friday\\n\\0\\377\\0'; exit 0;; esac
done
exec GIT "$@"
"""


@pytest.mark.parametrize("verb", GARBLED)
def test_what_is_called_git_and_answers_otherwise_is_not_believed(clone, verb, tmp_path, monkeypatch):
    if verb == "merge-tree":
        for words in ("switch -qc side", "commit -qm a --allow-empty", "switch -q main", "commit -qm b --allow-empty"):
            subprocess.run(["git", *words.split()], cwd=clone, check=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(SAYS_ANYTHING.replace("VERB", verb).replace("GIT", shutil.which("git") or ""))
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    said = typed("-R", clone, *GARBLED[verb], codes={3})
    assert f"`git {verb}` answers as git does not" in said.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_settings_that_another_user_left_are_not_obeyed_where_no_git_says_whose_they_are(clone):
    (clone / ".git").rename(clone.parent / "away")
    (clone / ".dvc/config.local").write_text("[core]\n    remote = store\n")
    git.refuse_planted(git.Checkout(clone))
    os.chown(clone / ".dvc/config.local", 12345, 12345)
    with pytest.raises(Denied, match="another user's"):
        git.refuse_planted(git.Checkout(clone))
