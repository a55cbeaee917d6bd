"""Git's look at many files sees whatever an ``lstat`` of each would show."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from podium import git
from podium.git import worktree

NAMES = (
    "weights.bin",
    "deep/er/config",
    "deep/empty",
    "deep/\n\t",
    "of latin-\udce9",
    ".git/HEAD",
    "x" * 200,
    "y/z" * 300,
)


def filled(folder):
    for name in NAMES:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"" if "empty" in name else name.encode(errors="surrogateescape"))
        file.chmod(0o444)
    return folder


def nothing(_file):
    pass


def other_bytes(file):
    before = file.stat()
    file.chmod(0o644)
    file.write_bytes(b"W" + file.read_bytes()[1:])
    file.chmod(0o444)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def longer(file):
    file.chmod(0o644)
    with file.open("ab") as stream:
        stream.write(b"more")


def gone(file):
    file.unlink()


def another(file):
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)


def a_link(file):
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def a_pipe(file):
    file.unlink()
    os.mkfifo(file)


def a_folder(file):
    file.unlink()
    file.mkdir()


def executable(file):
    file.chmod(0o555)


def one_more_name(file):
    file.with_name("more").hardlink_to(file)


def folder_behind_a_link(file):
    file.parent.rename(file.parent.with_name("moved"))
    file.parent.symlink_to("moved")


def times(file):
    file.touch()


CHANGES = (
    nothing, times, other_bytes, longer, gone, another, a_link, a_pipe, a_folder, executable, one_more_name,
    folder_behind_a_link,
)  # fmt: skip


SETTINGS = "settings"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Give a folder for each change, all of them left alone for longer than the seconds that Git compares."""
    home = tmp_path_factory.mktemp("looking")
    made = {change: filled(home / str(number)) for number, change in enumerate((*CHANGES, SETTINGS))}
    time.sleep(worktree.RACY_NS / 1e9 + 0.1)
    return made


def noted(folder, names=NAMES):
    return git.index(str(folder), names, time.time_ns())


def same(index, folder, tmp_path):
    place = tmp_path / "index"
    place.write_bytes(index)
    return git.Look(str(tmp_path / "none.git"), str(place), str(folder)).same()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_one_file_is_seen(folders, change, tmp_path):
    folder = folders[change]
    index = noted(folder)
    assert same(index, folder, tmp_path)
    change(folder / "deep/er/config")
    assert same(index, folder, tmp_path) is (change is nothing)


def test_a_change_of_any_file_is_seen(folders, tmp_path):
    index = noted(folders[nothing])
    for name in NAMES:
        copy = tmp_path / "copy"
        shutil.copytree(folders[nothing], copy)
        assert not same(index, copy, tmp_path)  # all are others
        shutil.rmtree(copy)
        alone = noted(folders[nothing], [name])
        assert same(alone, folders[nothing], tmp_path)
        assert not same(alone, tmp_path, tmp_path)


def test_what_changed_just_now_is_in_no_index(folders, tmp_path):
    folder = filled(tmp_path / "new")
    assert noted(folder) is None
    (folder / "link").symlink_to(folders[nothing] / "weights.bin")
    assert noted(folder, ["link"]) is None
    with pytest.raises(FileNotFoundError):
        noted(folders[nothing], [*NAMES, "absent"])


def test_what_changed_since_it_was_asked_about_is_in_no_index(folders):
    """It may have changed after Python looked at it, where the disk is slow."""
    changed = (folders[nothing] / "weights.bin").stat().st_ctime_ns
    assert git.index(str(folders[nothing]), NAMES, changed + 10**9) is None


@pytest.mark.parametrize("says", ["", "echo same", "printf '\\1\\0'; exit 1", "kill $$"])
def test_a_git_that_has_not_looked_proves_nothing(folders, says, tmp_path, monkeypatch):
    index = noted(folders[nothing])
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    assert not same(index, folders[nothing], tmp_path)


@pytest.mark.parametrize("name", ["config", "HEAD"])
def test_a_repository_with_more_in_it_is_not_looked_with(folders, name, tmp_path):
    """Its settings would make Git see less, or run a program."""
    index = noted(folders[nothing])
    assert same(index, folders[nothing], tmp_path)
    (tmp_path / "none.git" / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / "none.git" / name)  # Git would wait for somebody to write into it
    with pytest.raises(OSError, match=r"none\.git"):
        same(index, folders[nothing], tmp_path)


def test_a_repository_that_was_left_half_made_is_made(folders, tmp_path):
    (tmp_path / "none.git" / "refs").mkdir(parents=True)
    (tmp_path / "none.git" / "HEAD").touch()
    assert same(noted(folders[nothing]), folders[nothing], tmp_path)


@pytest.mark.parametrize("end", [0, 11, 60, -400])
def test_an_index_that_was_cut_is_no_proof(folders, end, tmp_path):
    index = noted(folders[nothing])
    assert not same(index[:end], folders[nothing], tmp_path)


def test_no_setting_of_anybody_s_has_a_say(folders, tmp_path, monkeypatch):
    folder, ran = folders[SETTINGS], tmp_path / "ran"
    settings = tmp_path / "settings"
    settings.write_text(f'[core]\n\tfsmonitor = "touch {ran}; false"\n\ttrustctime = false\n\tcheckStat = minimal\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.trustctime")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "false")
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other"))
    index = noted(folder)
    assert same(index, folder, tmp_path)
    before = (folder / "weights.bin").stat()
    os.utime(folder / "weights.bin", ns=(before.st_atime_ns, before.st_mtime_ns))  # which changes its ctime alone
    assert not same(index, folder, tmp_path)
    assert not ran.exists()
