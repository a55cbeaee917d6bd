import os
import shutil
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from podium import manifest, resolve
from podium.errors import Denied, Unavailable
from podium.model import File
from podium.storage import Storage
from tests.storage_helpers import at, files_below, forget_cache, record, registry, spoil, version, write

FILES = {"config.json": b"{}", "deep/er/weights.bin": b"w" * 2_000_000, "deep/vocab.txt": b"a b c", "empty": b""}


@pytest.fixture
def remote(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


@pytest.fixture
def root(tmp_path, remote):
    return registry(tmp_path / "registry", remote)


@pytest.fixture
def home(root):
    return root / ".dvc/cache/podium"


@pytest.fixture
def content(tmp_path, root):
    storage = Storage.at(root)
    content = storage.add(write(tmp_path / "out", FILES))
    storage.push([record(content)])
    return content


@pytest.fixture
def used(root, home, content):
    def use(**options):
        return resolve.use(version(record(content)), lambda: Storage.at(root), home, **options)

    return use


@pytest.fixture(params=["listed", "on the remote"])
def any_used(request, root, home, content):
    which = version(record(content, listed=request.param == "listed"))

    def use(**options):
        return resolve.use(which, lambda: Storage.at(root), home, **options)

    return use


def holds(folder, files):
    return {str(path.relative_to(folder)): path.read_bytes() for path in files_below(folder)} == files


def never():
    raise AssertionError("the storage was asked for")


def test_the_files_are_there_read_only_and_nothing_else(any_used, home, content):
    used = any_used()
    assert used.path == used.folder == home / content.md5.removesuffix(".dir")
    assert sorted(used.files) == sorted(used.folder / path for path in FILES)
    assert holds(used.folder, FILES)
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in used.files)


@pytest.mark.parametrize("listed", [True, False])
def test_a_second_use_only_looks(root, home, content, listed):
    which = version(record(content, listed=listed))
    first = resolve.use(which, lambda: Storage.at(root), home)
    warm = resolve.use(which, never, home)
    assert (warm.path, warm.files) == (first.path, first.files)


def test_a_warm_use_imports_no_dvc(used, content, home):
    used()
    program = (
        "import sys, pathlib; from podium import resolve; from podium.model import *\n"
        f"resolve.use({construct(content)}, None, pathlib.Path({str(home)!r}))\n"
        "print([m for m in sys.modules if m.startswith(('dvc', 'fsspec'))])"
    )
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout == "[]\n"


def construct(content):
    """Write a version as Python: its own repr leaves the record out."""
    return f"Version('a/b:v0', None, 'v0', None, (), (), ArtifactVersion('a/b', 'v0'), {record(content)!r}, None, None)"


def test_what_lies_in_dvcs_cache_is_not_stored_twice(used, root, content):
    used_file = used(patterns=["weights.bin"]).path
    original = at(root / ".dvc/cache", next(file.md5 for file in content.files if file.path.endswith("weights.bin")))
    assert used_file.stat().st_ino == original.stat().st_ino


def test_one_wanted_file_is_the_path(used):
    used = used(patterns=["*.json"])
    assert used.path == used.folder / "config.json"
    assert used.files == (used.path,)


def test_a_part_first_and_the_rest_later(any_used, root):
    part = any_used(patterns=["deep/*", "vocab.txt"])
    assert holds(part.folder, {path: FILES[path] for path in FILES if path.startswith("deep")})
    inode = (part.folder / "deep/vocab.txt").stat().st_ino
    assert holds(any_used().folder, FILES)
    assert (part.folder / "deep/vocab.txt").stat().st_ino == inode


def test_only_what_is_wanted_is_fetched(used, root, content):
    forget_cache(root)
    used(patterns=["config.json"])
    assert len(files_below(root / ".dvc/cache/files")) == 1


def test_a_pattern_that_matches_nothing_lists_what_there_is(used):
    with pytest.raises(Denied, match=r"'\*\.pkl'") as refused:
        used(patterns=["*.pkl"])
    assert "config.json, deep/er/weights.bin" in refused.value.hint


def appended(path):
    with path.open("ab") as stream:
        stream.write(b"!")


def same_size_and_mtime(path):
    before = path.stat()
    path.write_bytes(b"[]"[: before.st_size])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def another_file(path):
    path.unlink()
    path.write_bytes(b"??")


def link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


HARM = {
    "removed": lambda path: path.unlink(),
    "appended": appended,
    "truncated": lambda path: os.truncate(path, 0),
    "same size and mtime": same_size_and_mtime,
    "another file": another_file,
    "a link": link,
    "a folder": lambda path: (path.unlink(), path.mkdir(), (path / "x").touch()),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_file_that_was_changed_is_never_handed_out(any_used, harm):
    used = any_used()
    time.sleep(0.02)
    target = used.folder / "config.json"
    target.chmod(0o644)
    HARM[harm](target)
    assert holds(any_used().folder, FILES)
    assert stat.S_ISREG(target.lstat().st_mode)


@pytest.mark.parametrize("harm", HARM)
def test_what_changed_and_cannot_be_mended_is_not_handed_out(used, harm, remote, root):
    folder = used().folder
    time.sleep(0.02)
    shutil.rmtree(remote)
    shutil.rmtree(root / ".dvc/cache/files")
    (folder / "config.json").chmod(0o644)
    HARM[harm](folder / "config.json")
    with pytest.raises(Unavailable, match="gone"):
        used()


def test_a_stranger_in_the_folder_is_removed(used):
    folder = used().folder
    (folder / "deep/evil.py").write_text("x")
    shutil.rmtree(folder / "deep/er")
    (folder / "deep/er").symlink_to("/")
    assert holds(used().folder, FILES)


def test_a_touched_file_is_read_again_and_kept(used, content, home):
    used = used()
    inode = (used.folder / "config.json").stat().st_ino
    os.utime(used.folder / "config.json")
    resolve.use(version(record(content)), Offline, home)
    assert (used.folder / "config.json").stat().st_ino == inode
    resolve.use(version(record(content)), never, home)


class Offline:
    """Nothing may be asked of this storage."""


def test_proven_bytes_serve_while_the_remote_is_away(used, remote, root):
    used(patterns=["config.json"])
    shutil.rmtree(remote)
    assert holds(used().folder, FILES)
    forget_cache(root)
    with pytest.raises(Unavailable, match="gone"):
        used()


@pytest.mark.parametrize("proof", [b"", b"{}", b"[1, 2]", b'{"config.json": 1}', b"\xff", b"[" * 10_000])
def test_a_damaged_proof_is_no_proof(used, home, proof):
    folder = used().folder
    spoil(folder.with_name(folder.name + ".json"), proof)
    time.sleep(0.02)
    spoil(folder / "config.json", b"[]")
    assert holds(used().folder, FILES)


@pytest.mark.parametrize("seal", [b"", b"0" * 64, b"\xff" * 64])
def test_a_damaged_seal_is_no_seal(used, seal):
    folder = used().folder
    spoil(folder.with_name(folder.name + ".seal"), seal)
    spoil(folder / "config.json", b"[]")
    assert holds(used().folder, FILES)


def test_a_sealed_folder_needs_no_proof_of_each_file(used, content, home):
    folder = used().folder
    proof = folder.with_name(folder.name + ".json")
    proof.unlink()
    assert used(patterns=["*.json"]).names == ("config.json",)
    assert not proof.exists()


def test_a_record_that_lies_about_a_sha256_gets_nothing_from_the_same_folder(used, content, root, home):
    used()
    files = (replace(content.files[0], sha256="0" * 64), *content.files[1:])
    lie = version(replace(record(content), files=files))
    with pytest.raises(Denied, match="damaged"):
        resolve.use(lie, lambda: Storage.at(root), home)
    assert holds(used().folder, FILES)


def test_a_long_manifest_that_lies_about_the_sha256_gets_nothing(used, content, root, home):
    lie = version(replace(record(content, listed=False), sha256="0" * 64))
    for _ in range(2):
        with pytest.raises(Denied, match="sha256"):
            resolve.use(lie, lambda: Storage.at(root), home)
    used()
    with pytest.raises(Denied, match="sha256"):
        resolve.use(lie, lambda: Storage.at(root), home)


@pytest.mark.parametrize("path", ["../evil", "/etc/evil", "a/../../evil", ".git/hooks/x", "a\\..\\evil", "nul"])
def test_a_path_that_leaves_the_folder_is_refused(root, home, tmp_path, content, path):
    files = (File(path, 2, content.files[0].md5, content.files[0].sha256),)
    hostile = replace(record(content), md5=manifest.directory_hash(files), files=files, size=2, nfiles=1)
    for to in (None, tmp_path / "to"):
        with pytest.raises(Denied, match="not safe"):
            resolve.use(version(hostile), lambda: Storage.at(root), home, to=to)
    assert not (tmp_path / "to").exists()


def test_a_damaged_remote_is_named_and_nothing_is_left(used, root, remote, home, content):
    forget_cache(root)
    spoil(at(remote, content.files[0].md5), b"[]")
    with pytest.raises(Denied, match=r"config\.json"):
        used()
    assert [path for path in files_below(home) if path.suffix not in {".lock", ".json"}] == []


# --- into somebody's folder ------------------------------------------------------------------------------------------


def test_copies_are_writable_and_their_own(any_used, tmp_path):
    used = any_used(to=tmp_path / "to")
    assert used.path == tmp_path / "to"
    assert holds(used.folder, FILES)
    for path in used.files:
        path.write_bytes(b"edited")
    assert holds(any_used(to=tmp_path / "other").folder, FILES)
    assert holds(any_used().folder, FILES)


def test_other_files_are_left_alone_and_equal_ones_as_they_are(used, tmp_path):
    to = write(tmp_path / "to", {"mine.txt": b"mine", "deep/mine": b"m", "config.json": b"{}"})
    inode = (to / "config.json").stat().st_ino
    used(to=to)
    assert holds(to, FILES | {"mine.txt": b"mine", "deep/mine": b"m"})
    assert (to / "config.json").stat().st_ino == inode


def test_a_file_with_other_content_is_refused_before_anything_is_written(used, tmp_path):
    to = write(tmp_path / "to", {"empty": b"mine"})
    with pytest.raises(Denied, match=r"to/empty is there already"):
        used(to=to)
    assert holds(to, {"empty": b"mine"})
    used(to=to, force=True)
    assert holds(to, FILES)


@pytest.mark.parametrize("force", [False, True])
def test_links_are_not_followed_out_of_the_folder(used, tmp_path, force):
    (tmp_path / "outside").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to/deep").symlink_to(tmp_path / "outside")
    with pytest.raises(Denied, match="link"):
        used(to=tmp_path / "to", force=force)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_in_a_files_place_is_replaced_only_by_force(used, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"{}")
    (tmp_path / "to").mkdir()
    (tmp_path / "to/config.json").symlink_to(outside)
    with pytest.raises(Denied, match=r"config\.json"):
        used(to=tmp_path / "to")
    used(to=tmp_path / "to", force=True)
    assert holds(tmp_path / "to", FILES)
    assert not (tmp_path / "to/config.json").is_symlink()
    assert outside.read_bytes() == b"{}"


@pytest.mark.parametrize("force", [False, True])
def test_folders_and_files_in_each_others_place_are_refused(used, tmp_path, force):
    with pytest.raises(Denied, match="is a folder"):
        used(to=write(tmp_path / "one", {"config.json/x": b""}), force=force)
    with pytest.raises(Denied, match="is a file"):
        used(to=write(tmp_path / "two", {"deep": b""}), force=force)


def test_a_folder_that_cannot_be_written_is_said(used, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises((Unavailable, Denied)):
        used(to=tmp_path / "file")


# --- interruptions and many at once ----------------------------------------------------------------------------------


def script(content, root, home, before=""):
    return (
        "import os, signal, sys, pathlib; from podium import resolve; from podium.model import *\n"
        "from podium.storage import Storage\n"
        f"{before}\n"
        f"used = resolve.use({construct(content)}, lambda: Storage.at(pathlib.Path({str(root)!r})), "
        f"pathlib.Path({str(home)!r}))\nprint(used.path)"
    )


@pytest.mark.parametrize("moment", ["os.link", "os.rename", "os.replace", "os.unlink", "os.chmod"])
@pytest.mark.parametrize("call", [1, 4])
def test_a_process_killed_at_any_moment_leaves_nothing_that_is_handed_out(used, home, content, moment, call):
    root = home.parents[2]
    forget_cache(root)
    before = (
        "class Killed:\n"
        "    calls = 0\n"
        "    def __call__(self, *args, **options):\n"
        "        Killed.calls += 1\n"
        f"        if Killed.calls == {call}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return real(*args, **options)\n"
        f"real, {moment} = {moment}, Killed()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script(content, root, home, before)], check=False, capture_output=True
    )
    assert ended.returncode in {0, -9}
    folder = home / content.md5.removesuffix(".dir")
    assert not folder.exists() or holds(folder, FILES)
    assert holds(used().folder, FILES)


def test_many_processes_get_the_same_whole_folder(used, root, home, content):
    forget_cache(root)
    running = [
        subprocess.Popen([sys.executable, "-c", script(content, root, home)], stdout=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    printed = {process.communicate()[0].strip() for process in running}
    assert printed == {str(home / content.md5.removesuffix(".dir"))}
    assert holds(Path(printed.pop()), FILES)
    assert [path.name for path in home.iterdir() if path.name.startswith(".podium")] == []
