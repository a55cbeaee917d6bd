"""What is typed: refused in words where it means nothing, and taken for nothing else than it says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.hostile.typed import typed

LONG = "m" * 5000
SECRET = "https://ada:hunter2@127.0.0.1:1/x?token=hunter2"
BYTES = os.fsdecode(b"a=\xff")

# What is typed, the exit code, and words that are said. OUT stands for a folder of files, NEW for one that is not
# there.
REFUSED = [
    ("log a/b OUT --metric", [BYTES], 2, "NAME=NUMBER"),
    ("log a/b OUT --metric", ["a=nan"], 2, "NAME=NUMBER"),
    ("log a/b OUT --metric", [SECRET], 2, "NAME=NUMBER"),
    ("log a/b OUT --metric", ["a"], 2, "KEY=VALUE"),
    ("log a/b OUT --param", [BYTES], 2, "no printable character"),
    ("log a/b OUT --metadata", [BYTES], 2, "no printable character"),
    ("log a/b OUT --metadata", [os.fsdecode(b"\xff=1")], 2, "no printable character"),
    ("log a/b OUT --metadata-file", [""], 2, "empty"),
    ("log a/b OUT --desc", ["\x1b[2J"], 2, "no printable character"),
    ("log a/b OUT --desc", ["\u202e"], 2, "no printable character"),
    ("log a/b OUT --desc", ["\udcff"], 2, "no printable character"),
    ("log a/b OUT --source-commit", ["\x9b"], 2, "no printable character"),
    ("log a/b OUT --source-commit", [""], 1, "must not be empty"),
    ("log a/b OUT --source-run", ["javascript:alert(1)"], 1, "URL"),
    ("log a/b OUT --alias", ["latest"], 2, "computed"),
    ("log a/b OUT --link", ["../m"], 2, "no valid model name"),
    ("log a/b OUT -m", ["\x1b[2J"], 2, "no printable character"),
    ("log a/b", ["nope"], 1, "No such file"),
    ("log a/b", ["s3://models/x"], 2, "is an address"),
    ("log a/b", [""], 2, "empty"),
    ("log", ["a", "OUT"], 2, "PROJECT/ARTIFACT"),
    ("use ImageClassifier --to", ["s3://models/x"], 2, "is an address"),
    ("use ImageClassifier --to", [""], 2, "empty"),
    ("site build", [SECRET], 2, "is an address"),
    ("bundle create", ["file:///x"], 2, "is an address"),
    ("withdraw ImageClassifier:v0 --reason", ["\x1b"], 2, "no printable character"),
    ("withdraw ImageClassifier:v0 --reason", [" "], 1, "needs a reason"),
    ("withdraw --reason x", ["ImageClassifier:production"], 1, "by its number"),
    ("rollback ImageClassifier production --reason", ["\x1b"], 2, "no printable character"),
    ("rollback ImageClassifier production --to", [SECRET], 2, "no version"),
    ("unalias ImageClassifier", [LONG], 2, "no valid alias"),
    ("unalias ImageClassifier", [SECRET], 2, "no valid alias"),
    ("unalias ImageClassifier", ["nope"], 1, "no alias"),
    ("tag remove ImageClassifier", ["../x"], 2, "no valid tag"),
    ("tag add ImageClassifier", [LONG], 2, "no valid tag"),
    ("create N --desc", ["\x1b"], 2, "no printable character"),
    ("create N --owner", [SECRET], 1, "owner"),
    ("create x/y --remote", ["a b"], 1, "remote"),
    ("create", ["con"], 2, "Windows"),
    ("create x/y --remote", [""], 2, "empty"),
    ("copy store", [""], 2, "empty"),
    ("copy", ["", "store"], 2, "empty"),
    ("verify", [""], 2, "no valid model name"),
    ("upload", [""], 2, "no valid model name"),
    ("history", [""], 2, "no valid model name"),
    ("rollback ImageClassifier production --to", [""], 2, "no version"),
    ("list --alias", [""], 2, "no valid alias"),
    ("list --tag", [""], 2, "no valid tag"),
    ("list --rev", [""], 2, "no revision"),
    ("list --rev", [LONG], 1, "no commit, branch, tag or date"),
    ("list --rev", ["2026-99-99"], 2, "no date"),
    ("list --max-age", ["inf"], 2, "no age"),
    ("check --base main --head", [""], 2, "no revision"),
    ("check --base", [""], 2, "no revision"),
    ("plan main", [""], 2, "no revision"),
    ("plan", [""], 2, "no revision"),
    ("gc --remote", [""], 2, "empty"),
    ("gc --delete --remote", [""], 2, "empty"),
    ("gc --remote", [SECRET], 1, "no DVC remote"),
    ("history ImageClassifier", [LONG], 2, "no valid alias"),
    ("history --since", ["\u0661"], 2, "takes a day"),
    ("show", [LONG], 2, "no valid model name"),
    ("show", [SECRET], 2, "no reference"),
    ("show --format json", ["\x1b[2J"], 2, "no valid model name"),
    ("init NEW --entity", [""], 2, "no valid entity"),
    ("init NEW --remote", [BYTES], 2, "DVC's configuration"),
    ("init NEW --remote", ["a,b"], 2, "DVC's configuration"),
    ("init NEW --remote", ["a#b"], 2, "DVC's configuration"),
    ("init NEW --remote", ["s3://x\n    bearer_token_command = touch escaped"], 2, "DVC's configuration"),
    ("init NEW --remote", [SECRET], 1, "everybody"),
    ("init NEW --remote", ["/dev/null"], 3, "cannot be made"),
    ("rules", [LONG], 1, "no rule"),
    ("nope", [], 2, "No such command"),
    ("ci pre-receive", [LONG], 3, "File name too long"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case[0]} {ascii(case[1])[:30]}")
def test_what_means_nothing_is_refused_in_words(place, tmp_path, monkeypatch, case):
    line, last, code, words = case
    monkeypatch.chdir(place.root)
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))
    stands = {"OUT": str(place.root.parent / "out"), "NEW": str(tmp_path / "new")}
    said = typed(*(stands.get(word, word) for word in (*line.split(), *last)), codes={code})
    assert words in said.err
    assert "\nhint: " in said.err
    assert "hunter2" not in said.out + said.err
    assert len(said.err) < 4000
    assert said.out == ""
    assert place.git("status", "--porcelain") == ""
    assert not (tmp_path / "new").exists()


ELSEWHERE = ["nope", "../nope", "../out", "..", "../../registry", "models/Nope", "registry.yaml.bak", "./--push"]


@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_mistyped_registry_is_never_the_one_of_the_working_folder(place, monkeypatch, where):
    monkeypatch.chdir(place.root)
    for command in (("list",), ("promote", "ImageClassifier:v0", "canary"), ("check",)):
        assert "there is no registry.yaml" in typed("-R", where, *command, codes={2}).err
    assert place.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    "where", [".", "models", "models/ImageClassifier", "../registry", "registry.yaml", "../out/../registry"]
)
def test_a_registry_is_found_from_below(place, monkeypatch, where):
    monkeypatch.chdir(place.root)
    assert "ImageClassifier" in typed("-R", where, "list", codes={0}).out


def test_an_output_of_another_encoding_is_no_bug(place):
    ran = subprocess.run(
        [sys.executable, "-m", "podium", "promote", "ImageClassifier:v0", "canary", "--dry-run"],
        cwd=place.root,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, b"ImageClassifier canary: none \\u2192 v0\n"), ran.stderr
