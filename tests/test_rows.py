"""What a list says of each model, kept between runs: never something else than the files say."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podium import codec, git, kept, rows
from podium.errors import Error
from podium.git import WorkingTree
from podium.tree import MemoryTree
from tests import example

LATER = 10 * 10**9
"""Nanoseconds after which nothing is new any more."""


def outcome(function):
    """Give what a function gives, or how it fails."""
    try:
        return function()
    except Error as error:
        return type(error), str(error)


def write(root, path, content):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content) if isinstance(content, str) else file.write_bytes(content)


@pytest.fixture
def place(tmp_path):
    """Give a checkout with three models; one links an artifact that another one links too."""
    root = tmp_path / "registry"
    for path, content in example.files().items():
        write(root, path, content)
    write(root, "artifacts/p/a/artifact.yaml", "description: a\n")
    write(root, "artifacts/p/a/versions/v0.dvc", example.version_file("v0", b"x"))
    for model in ("A", "B"):
        write(root, f"models/{model}/model.yaml", f"description: {model}\ntags: [vision]\n")
        write(root, f"models/{model}/versions/v0.yaml", "artifact: p/a\nversion: v0\n")
        write(root, f"models/{model}/versions/v1.yaml", "artifact: vision/resnet50\nversion: v1\n")
        write(root, f"models/{model}/aliases/production.yaml", "generation: 1\nversion: v0\n")
    subprocess.run(["git", "init", "--quiet", "-b", "main", root], check=True)
    return root


def listed(root, keep, kind="model", only=None, *, age=LATER):
    """List a checkout's models, as if its last change was so long ago."""
    tree = WorkingTree(root, _born=time.time_ns() + age)
    return rows.of(codec.read(tree), kind, keep, only, worth_keeping=0)


def read_anew(root, kind="model"):
    registry = codec.read(WorkingTree(root))
    return [entity.row for entity in (registry.models if kind == "model" else registry.artifacts).values()]


def nothing_is_read(monkeypatch):
    def refuse(_self, path):
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(WorkingTree, "read", refuse)


# --- what is kept is used, and not longer than it may be --------------------------------------------------------------


def test_a_second_list_reads_no_file_of_the_registry(place, tmp_path, monkeypatch):
    first = listed(place, tmp_path / "rows")
    nothing_is_read(monkeypatch)
    assert listed(place, tmp_path / "rows") == first
    assert [row.name for row in first] == ["A", "B", "ImageClassifier"]


def test_what_changed_a_moment_ago_is_not_kept(place, tmp_path):
    listed(place, tmp_path / "rows", age=0)
    assert not (tmp_path / "rows").exists()


def test_a_change_that_keeps_size_and_time_of_a_file_is_seen(place, tmp_path):
    write_with_an_old_time(place, "models/A/model.yaml", "description: x\n")
    listed(place, tmp_path / "rows")
    time.sleep(0.01)
    write_with_an_old_time(place, "models/A/model.yaml", "description: y\n")
    assert listed(place, tmp_path / "rows")[0].about.description == "y"


def test_an_artifact_that_went_behind_a_link_withdraws_nothing_any_more(place, tmp_path):
    write(place, "artifacts/vision/resnet50/artifact.yaml", "description: x\nwithdrawn: {v1: old}\n")
    assert listed(place, tmp_path / "rows")[0].latest == "v0"
    move_behind_a_link(place, "artifacts/vision")
    assert listed(place, tmp_path / "rows") == read_anew(place)
    assert read_anew(place)[0].latest == "v1"


def test_models_that_are_not_wanted_are_kept_too(place, tmp_path, monkeypatch):
    assert [row.name for row in listed(place, tmp_path / "rows", only=lambda name, _about: name == "A")] == ["A"]
    nothing_is_read(monkeypatch)
    assert len(listed(place, tmp_path / "rows")) == 3


def test_a_broken_model_that_is_not_wanted_breaks_no_list(place, tmp_path):
    write(place, "models/B/aliases/production.yaml", "version: [\n")
    wanted = listed(place, tmp_path / "rows", only=lambda name, _about: name != "B")
    assert [row.name for row in wanted] == ["A", "ImageClassifier"]
    assert outcome(lambda: listed(place, tmp_path / "rows")) == outcome(lambda: read_anew(place))


def test_a_commit_is_kept_by_the_ids_of_its_folders(place, tmp_path):
    commit(place)
    tree = git.Checkout(place).tree("HEAD")
    first = rows.of(codec.read(tree), "model", tmp_path / "rows", worth_keeping=0)
    write(place, "models/A/aliases/production.yaml", "generation: 2\nversion: v1\n")
    commit(place)
    changed = rows.of(codec.read(git.Checkout(place).tree("HEAD")), "model", tmp_path / "rows", worth_keeping=0)
    assert [row.aliases for row in first] == [{"production": "v0"}] * 3
    assert [row.aliases for row in changed] == [{"production": "v1"}, {"production": "v0"}, {"production": "v0"}]


def commit(root):
    for arguments in (("add", "--all"), ("commit", "--quiet", "--allow-empty", "-m", "x")):
        subprocess.run(["git", *arguments], cwd=root, check=True)


def test_a_tree_in_memory_is_listed_without_keeping(tmp_path):
    registry = codec.read(MemoryTree(example.files()))
    assert [row.latest for row in rows.of(registry, "model", tmp_path / "rows", worth_keeping=0)] == ["v1"]
    assert not (tmp_path / "rows").exists()


def test_a_few_new_rows_among_many_are_not_written(place, tmp_path, monkeypatch):
    listed(place, tmp_path / "rows")
    (file,) = (tmp_path / "rows").iterdir()
    before = file.read_bytes()
    monkeypatch.setattr(rows, "WORTH_WRITING", 3)
    write(place, "models/A/aliases/production.yaml", "generation: 2\nversion: v1\n")
    assert listed(place, tmp_path / "rows") == read_anew(place)
    assert file.read_bytes() == before
    write(place, "models/B/aliases/production.yaml", "generation: 2\nversion: v1\n")
    assert listed(place, tmp_path / "rows") == read_anew(place)
    assert file.read_bytes() != before


# --- with what is kept, and without: the same -------------------------------------------------------------------------

FILES = [
    "models/A/model.yaml",
    "models/A/aliases/production.yaml",
    "models/A/aliases/best.yaml",
    "models/A/versions/v1.yaml",
    "models/A/versions/v2.yaml",
    "artifacts/p/a/artifact.yaml",
    "artifacts/vision/resnet50/artifact.yaml",
    "artifacts/q/b/artifact.yaml",
    "models/C/model.yaml",
    "models/con/model.yaml",
]
CONTENTS = [
    "description: x\n",
    "description: y\n",
    "description: x\nwithdrawn: {v1: old}\n",
    "description: x\nwithdrawn: {v0: bad, v1: old}\n",
    "generation: 2\nversion: v1\n",
    "generation: 3\nversion: null\n",
    "artifact: p/a\nversion: v0\n",
    "artifact: q/b\nversion: v0\n",
    "artifact: vision/resnet50\nversion: v1\n",
    "version: [\n",
]
FOLDERS = [
    "models/A",
    "models/A/aliases",
    "models/A/versions",
    "artifacts/p",
    "artifacts/p/a",
    "artifacts/q/b",
    "models",
]


def write_with_an_old_time(root, path, content):
    write(root, path, content)
    os.utime(root / path, (1, 1))


def remove(root, path):
    if (root / path).is_symlink() or (root / path).is_file():
        (root / path).unlink()
    elif (root / path).is_dir():
        shutil.rmtree(root / path)


def move_behind_a_link(root, path):
    if (root / path).exists() and not (root / path).is_symlink():
        target = root.parent / f"moved-{time.monotonic_ns()}"
        (root / path).rename(target)
        (root / path).symlink_to(target)


def make_executable(root, path):
    if (root / path).is_file():
        (root / path).chmod(0o755)


def begin_a_repository(root, path):
    if (root / path).is_dir():
        (root / path / ".git").mkdir(exist_ok=True)


EDITS = st.one_of(
    st.tuples(st.just(write), st.sampled_from(FILES), st.sampled_from(CONTENTS)),
    st.tuples(st.just(write_with_an_old_time), st.sampled_from(FILES), st.sampled_from(CONTENTS)),
    st.tuples(st.sampled_from([remove, move_behind_a_link]), st.sampled_from(FILES + FOLDERS[:-1])),
    st.tuples(st.just(make_executable), st.sampled_from(FILES)),
    st.tuples(st.just(begin_a_repository), st.sampled_from(FOLDERS)),
)


@given(
    edits=st.lists(st.lists(EDITS, min_size=1, max_size=2), min_size=1, max_size=5),
    kind=st.sampled_from(["model", "artifact"]),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_list_with_kept_rows_says_what_a_list_without_says(place, tmp_path, edits, kind):
    copy, keep = tmp_path / f"copy-{time.monotonic_ns()}", tmp_path / f"rows-{time.monotonic_ns()}"
    shutil.copytree(place, copy)
    time.sleep(0.01)
    listed(copy, keep, kind)
    for step in edits:
        for edit, *arguments in step:
            try:
                edit(copy, *arguments)
            except OSError:
                continue  # a file where a folder is meant to be, or the other way round
        time.sleep(0.01)  # longer than the file system's clock needs for its next tick
        assert outcome(lambda: listed(copy, keep, kind)) == outcome(lambda: read_anew(copy, kind))


# --- files that anybody may have written ------------------------------------------------------------------------------

BROKEN = {
    "empty": b"",
    "cut off": b'{"podium":',
    "no JSON": b"\x80\x04\x95pickle",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "a huge number": b"1" * 10_000,
    "not text": b'{"podium": "\xff"}',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_dropped_and_written_anew(place, tmp_path, content, monkeypatch):
    expected = listed(place, tmp_path / "rows")
    (file,) = (tmp_path / "rows").iterdir()
    file.write_bytes(content)
    assert listed(place, tmp_path / "rows") == expected
    nothing_is_read(monkeypatch)
    assert listed(place, tmp_path / "rows") == expected


WRONG = [None, 1, "x", [], {}, [1], {"a": 1}, [["x"]], -1, True, [None], "\udcff\0"]


AROUND = {"nothing": lambda wrong: wrong, "a list": lambda wrong: [wrong], "a mapping": lambda wrong: {"a": wrong}}


@given(position=st.integers(0, 11), around=st.sampled_from(list(AROUND)), wrong=st.sampled_from(WRONG))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_row_of_another_shape_is_never_a_traceback(place, tmp_path, position, around, wrong):
    listed(place, tmp_path / "rows")
    (file,) = (tmp_path / "rows").iterdir()
    found = kept.read(file, rows.FORM)
    found["A"][position] = AROUND[around](wrong)
    kept.write(file, rows.FORM, found)
    for row in listed(place, tmp_path / "rows"):
        texts = [row.name, row.about.description, *row.about.owners, *row.about.tags, *row.aliases.values()]
        assert all(type(text) is str for text in texts)
        assert type(row.versions) is int
    file.unlink()


def test_what_another_podium_kept_is_dropped(tmp_path, monkeypatch):
    file = tmp_path / "one.json"
    kept.write(file, "form 1", [1])
    assert (kept.read(file, "form 1"), kept.read(file, "form 2")) == ([1], None)
    monkeypatch.setattr(kept, "VERSION", "99")
    assert kept.read(file, "form 1") is None


def test_what_others_may_write_is_not_read(tmp_path):
    file = tmp_path / "one.json"
    kept.write(file, "form", [1])
    file.chmod(0o666)
    assert kept.read(file, "form") is None


def test_writers_at_once_leave_what_one_of_them_wrote(tmp_path):
    file, values = tmp_path / "one.json", [["a" * 50_000], ["b" * 50_000]]
    kept.write(file, "form", values[0])
    writers = [threading.Thread(target=lambda v=v: [kept.write(file, "form", v) for _ in range(40)]) for v in values]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert kept.read(file, "form") in values
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


def test_only_so_many_files_are_kept_none_that_is_too_large_and_nobody_elses_is_taken_away(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "MOST_FILES", 3)
    monkeypatch.setattr(kept, "MOST_BYTES", 200)
    others = {"mine.json", "script.py", f"{7:024x}.py", ".new-notes"}
    for name in others:
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (0, 0))
    for n in range(5):
        kept.write(tmp_path / f"{n:024x}.json", "form", n)
        os.utime(tmp_path / f"{n:024x}.json", (n, n))
    kept.write(tmp_path / f"{5:024x}.json", "form", "x" * 200)
    assert {path.name for path in tmp_path.iterdir()} == others | {f"{n:024x}.json" for n in (2, 3, 4)}
    last = tmp_path / f"{4:024x}.json"
    last.write_bytes(b'{"podium":' + b" " * 200)
    assert kept.read(last, "form") is None


def test_a_cache_that_cannot_be_written_changes_nothing(place, tmp_path):
    (tmp_path / "rows").write_text("a file where the folder should be")
    assert listed(place, tmp_path / "rows") == read_anew(place)
    assert kept.read(Path("/dev/null/x"), "form") is None
