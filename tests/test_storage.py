import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from podium import bundle, manifest
from podium.errors import Denied, Unavailable
from podium.progress import silent
from podium.storage import Problem, Sent, Storage, arrivals, copying
from tests.storage_helpers import at, files_below, forget_cache, member, record, registry, spoil, write


@pytest.fixture
def remote(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


@pytest.fixture
def root(tmp_path, remote):
    return registry(tmp_path / "registry", remote)


@pytest.fixture
def storage(root):
    return Storage.at(root)


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "out", {"config.json": b"{}", "deep/er/weights.bin": b"w" * 3_000_000, "empty": b""})


# --- add -------------------------------------------------------------------------------------------------------------


def test_adding_puts_each_file_read_only_under_its_hash(storage, source, root):
    content = storage.add(source)
    assert [(file.path, file.size) for file in content.files] == [
        ("config.json", 2),
        ("deep/er/weights.bin", 3_000_000),
        ("empty", 0),
    ]
    assert (content.size, content.nfiles) == (3_000_002, 3)
    assert content.md5 == manifest.directory_hash(content.files)
    for file in content.files:
        place = at(root / ".dvc/cache", file.md5)
        assert place.read_bytes() == (source / file.path).read_bytes()
        assert place.stat().st_mode & 0o777 == 0o444
    assert at(root / ".dvc/cache", content.md5).read_bytes() == manifest.dir_object(content.files)


def test_adding_again_changes_nothing(storage, source, root):
    first = storage.add(source)
    before = {path: path.stat().st_ino for path in files_below(root / ".dvc/cache/files") if path.stat().st_size < 1000}
    assert storage.add(source) == first
    assert Storage.at(root).add(source) == first
    assert {path: path.stat().st_ino for path in before} == before


def test_adding_mends_an_object_that_was_damaged(storage, source, root):
    content = storage.add(source)
    for file in content.files:
        spoil(at(root / ".dvc/cache", file.md5), b"x" * file.size + b"y")
    storage.add(source)
    for file in content.files:
        assert at(root / ".dvc/cache", file.md5).read_bytes() == (source / file.path).read_bytes()


def test_one_file_is_a_folder_with_one_file(storage, tmp_path):
    folder = write(tmp_path / "one", {"model.bin": b"bytes"})
    assert storage.add(folder / "model.bin") == storage.add(folder)


def test_progress_counts_every_byte(storage, source):
    told = []
    storage.add(source, lambda what, done, total: told.append((what, done, total)))
    assert told[0] == ("hashing", 0, 3_000_002)
    assert told[-1] == ("hashing", 3_000_002, 3_000_002)


REFUSED = {
    "empty": lambda folder: folder.mkdir(),
    "only empty folders": lambda folder: (folder / "a/b").mkdir(parents=True),
    "git": lambda folder: write(folder, {"a": b"", "sub/.git/config": b""}),
    "dvcignore": lambda folder: write(folder, {"a": b"", "sub/.dvcignore": b""}),
    "dvc's folder": lambda folder: write(folder, {"a": b"", ".dvc/config": b""}),
    "link outside": lambda folder: (folder.mkdir(), (folder / "a").symlink_to("/etc/passwd")),
    "relative link outside": lambda folder: (folder.mkdir(), (folder / "a").symlink_to("../secret")),
    "link nowhere": lambda folder: (folder.mkdir(), (folder / "a").symlink_to("b")),
    "link loop": lambda folder: (folder.mkdir(), (folder / "a").symlink_to("b"), (folder / "b").symlink_to("a")),
    "link to a folder": lambda folder: (write(folder, {"d/x": b""}), (folder / "a").symlink_to("d")),
    "link to a folder above": lambda folder: (write(folder, {"d/x": b""}), (folder / "d/a").symlink_to("..")),
    "pipe": lambda folder: (folder.mkdir(), os.mkfifo(folder / "a")),
    "socket": lambda folder: (folder.mkdir(), bind(folder / "a")),
    "no utf-8": lambda folder: write(folder, {os.fsdecode(b"a\xff"): b""}),
    "backslash": lambda folder: write(folder, {"a\\b": b""}),
    "windows": lambda folder: write(folder, {"nul.bin": b""}),
    "newline": lambda folder: write(folder, {"a\nb": b""}),
    "twins": lambda folder: write(folder, {"A": b"", "a": b""}),
    "not there": lambda folder: None,
}


def bind(place):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_part_of_a_version_is_refused_by_name(storage, tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("secret").touch()
    REFUSED[kind](Path("f"))  # a short path: that of a socket has a limit
    with pytest.raises(Denied) as refused:
        storage.add(Path("f"))
    assert str(refused.value).isprintable()


def test_a_link_to_a_file_inside_counts_as_the_file(storage, tmp_path):
    folder = write(tmp_path / "f", {"a": b"same", "d/b": b"b"})
    (folder / "d/link").symlink_to("../a")
    content = storage.add(folder)
    assert member(content, "d/link").md5 == member(content, "a").md5


def test_adding_needs_a_dvc_folder(tmp_path):
    with pytest.raises(Denied, match="no DVC folder"):
        Storage.at(tmp_path).add(write(tmp_path / "f", {"a": b""}))


def test_memory_is_bounded(root, tmp_path):
    big = tmp_path / "big"
    with big.open("wb") as stream:
        for number in range(60):
            stream.write(bytes([number]) * (1 << 20))
    program = (
        "import resource, sys, pathlib; from podium.storage import Storage\n"
        "s = Storage.at(pathlib.Path(sys.argv[1])); s._cache\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "c = s.add(pathlib.Path(sys.argv[2]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    grown = subprocess.run(
        [sys.executable, "-c", program, str(root), str(big)], check=True, capture_output=True, text=True
    ).stdout
    assert int(grown) < 30_000  # kB


# --- push and problems -----------------------------------------------------------------------------------------------


def test_pushing_sends_only_what_is_missing(storage, source, remote):
    content = storage.add(source)
    sent = storage.push([record(content), record(content)])
    assert sent == Sent(4, content.size + len(manifest.dir_object(content.files)))
    assert storage.push([record(content)]) == Sent(0, 0)
    at(remote, member(content, "empty").md5).unlink()
    assert storage.push([record(content)]) == Sent(1, 0)
    assert storage.problems([record(content)], deep=True) == []
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in files_below(remote))


def test_what_is_damaged_in_the_cache_is_not_sent(storage, source, root, remote):
    content = storage.add(source)
    spoil(at(root / ".dvc/cache", member(content, "config.json").md5), b"[]")
    with pytest.raises(Denied, match=r"config\.json"):
        Storage.at(root).push([record(content)])
    assert not at(remote, content.md5).exists()


def test_a_remote_folder_that_is_gone_is_not_made_anew(storage, source, remote):
    content = storage.add(source)
    storage.push([record(content)])
    shutil.rmtree(remote)
    for ask in (storage.push, storage.problems):
        with pytest.raises(Unavailable, match="gone"):
            ask([record(content)])
    assert not remote.exists()


@pytest.mark.parametrize("deep", [False, True])
def test_each_missing_or_damaged_object_is_found_and_can_be_sent_again(storage, source, remote, deep):
    content = storage.add(source)
    storage.push([record(content)])
    at(remote, member(content, "empty").md5).unlink()
    spoil(at(remote, member(content, "deep/er/weights.bin").md5), b"w" * 2_999_999)
    spoil(at(remote, member(content, "config.json").md5), b"[]")
    expected = [
        Problem(content.md5, "deep/er/weights.bin", member(content, "deep/er/weights.bin").md5, "size"),
        Problem(content.md5, "empty", member(content, "empty").md5, "missing"),
    ]
    if deep:
        expected.insert(0, Problem(content.md5, "config.json", member(content, "config.json").md5, "hash"))
    found = storage.problems([record(content)], deep=deep)
    assert found == expected
    with pytest.raises(Denied, match=r"weights\.bin.*2999999 bytes"):
        storage.push([record(content)])
    storage.push([record(content)], again={problem.md5 for problem in found})
    assert storage.problems([record(content)], deep=deep) == []


DISAGREES = {
    "missing": (lambda place: place.unlink(), "missing", "missing"),
    "shorter": (lambda place: spoil(place, b"[]"), "size", "hash"),
    "flipped": (lambda place: spoil(place, place.read_bytes().swapcase()), None, "hash"),
}


@pytest.mark.parametrize("kind", DISAGREES)
def test_a_dir_object_that_disagrees_is_found(storage, source, remote, kind):
    change, plain, deep = DISAGREES[kind]
    content = storage.add(source)
    storage.push([record(content)])
    change(at(remote, content.md5))
    for listed in (True, False):
        for problem, reading in ((plain, False), (deep, True)):
            found = storage.problems([record(content, listed=listed)], deep=reading)
            expected = [Problem(content.md5, content.md5, content.md5, problem)]
            assert found == (expected if problem is not None else [])
    storage.push([record(content)], again={content.md5})
    assert storage.problems([record(content)], deep=True) == []


def test_two_versions_that_share_a_file_both_name_it(storage, tmp_path, remote):
    one = storage.add(write(tmp_path / "one", {"a": b"same", "b": b"1"}))
    two = storage.add(write(tmp_path / "two", {"c": b"same", "b": b"2"}))
    storage.push([record(one), record(two)])
    at(remote, member(one, "a").md5).unlink()
    assert [(problem.version, problem.path) for problem in storage.problems([record(one), record(two)])] == [
        (one.md5, "a"),
        (two.md5, "c"),
    ]


def test_a_manifest_that_is_not_what_its_hash_says_is_not_sent(storage, source):
    content = storage.add(source)
    lie = replace(record(content), files=content.files[1:])
    with pytest.raises(Denied, match="manifest"):
        storage.push([lie])


# --- fetch -----------------------------------------------------------------------------------------------------------


def test_fetching_brings_only_what_is_wanted(storage, source, root):
    content = storage.add(source)
    storage.push([record(content)])
    fresh = forget_cache(root)
    wanted = member(content, "config.json")
    assert fresh.fetch(record(content), [wanted]) == (wanted,)
    assert [path.parent.name + path.name for path in files_below(root / ".dvc/cache/files")] == [wanted.md5]


def test_what_the_cache_has_serves_while_the_remote_is_away(storage, source, remote):
    content = storage.add(source)
    shutil.rmtree(remote)
    assert storage.fetch(record(content), content.files) == content.files


def test_what_is_damaged_in_the_cache_is_replaced_from_the_remote(storage, source, root):
    content = storage.add(source)
    storage.push([record(content)])
    for fresh in (storage, Storage.at(root)):
        for file in content.files:
            spoil(at(root / ".dvc/cache", file.md5), b"?" * max(file.size, 1))
        fresh.fetch(record(content), content.files)
        for file in content.files:
            assert at(root / ".dvc/cache", file.md5).read_bytes() == (source / file.path).read_bytes()


def test_an_edit_that_keeps_size_and_mtime_is_seen(storage, source, root):
    content = storage.add(source)
    storage.push([record(content)])
    place = at(root / ".dvc/cache", member(content, "config.json").md5)
    before = place.stat()
    time.sleep(0.02)
    spoil(place, b"[]")
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    Storage.at(root).fetch(record(content), content.files)
    assert place.read_bytes() == b"{}"


@pytest.mark.parametrize("bad", [b"[]", b"{", b"{}x" * 1_000_000])
def test_what_is_damaged_on_the_remote_is_named_and_leaves_nothing(storage, source, root, remote, bad):
    content = storage.add(source)
    storage.push([record(content)])
    spoil(at(remote, member(content, "config.json").md5), bad)
    fresh = forget_cache(root)
    with pytest.raises(Denied, match=r"'config\.json' damaged"):
        fresh.fetch(record(content), [member(content, "config.json")])
    assert files_below(root / ".dvc/cache") == []


def test_what_the_remote_lacks_is_named(storage, source, root, remote):
    content = storage.add(source)
    storage.push([record(content)])
    at(remote, member(content, "empty").md5).unlink()
    with pytest.raises(Denied, match="does not have 'empty'"):
        forget_cache(root).fetch(record(content), content.files)


def test_a_sha256_that_is_not_the_records_is_refused_though_the_md5_fits(storage, source, root):
    content = storage.add(source)
    storage.push([record(content)])
    wanted = replace(member(content, "config.json"), sha256="0" * 64)
    for fresh in (storage, Storage.at(root), forget_cache(root)):
        with pytest.raises(Denied, match="damaged"):
            fresh.fetch(record(content), [wanted])


@pytest.fixture
def misnamed(storage, tmp_path, remote):
    """Give a record whose SHA-256 are right, but whose files lie under names that are not their MD5."""
    content = storage.add(write(tmp_path / "bytes", {"small": b"s" * 10, "large": b"l" * 9_000_000}))
    storage.push([record(content)])
    files = tuple(replace(file, md5=file.md5[::-1]) for file in content.files)
    for file, named in zip(content.files, files, strict=True):
        place = at(remote, named.md5)
        place.parent.mkdir(parents=True, exist_ok=True)
        at(remote, file.md5).rename(place)
    lie = replace(content, files=files, md5=manifest.directory_hash(files))
    listing = at(remote, lie.md5)
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_bytes(manifest.dir_object(files))
    return lie


def test_what_only_sha256_proved_proves_no_name(misnamed, root):
    fresh = forget_cache(root)
    assert fresh.fetch(record(misnamed), misnamed.files) == misnamed.files
    short = record(misnamed, listed=False)
    for again in (fresh, Storage.at(root)):
        assert again.fetch(record(misnamed), misnamed.files) == misnamed.files, "what it did is kept"
        with pytest.raises(Denied, match="damaged"):
            again.fetch(short, again.manifest(short))
        assert {problem.problem for problem in again.problems([record(misnamed)], deep=True)} == {"hash"}


def test_a_bundle_takes_no_bytes_under_a_wrong_name(misnamed, root):
    fresh = forget_cache(root)
    fresh.fetch(record(misnamed), misnamed.files)
    with pytest.raises(Denied, match="has not the MD5"):
        bundle._brought(fresh, [record(misnamed)], silent)


def test_nobody_sends_bytes_under_a_name_that_is_not_theirs(misnamed, root, remote):
    fresh = forget_cache(root)
    fresh.fetch(record(misnamed), misnamed.files)
    for file in misnamed.files:
        at(remote, file.md5).unlink()
    with pytest.raises(Denied, match="neither the cache nor the remote"):
        fresh.push([record(misnamed)])
    assert not any(at(remote, file.md5).exists() for file in misnamed.files)


@pytest.mark.parametrize("copies", [False, True], ids=["placed", "copied"])
def test_bytes_that_were_another_records_for_a_moment_are_not_handed_out(
    copies, storage, source, tmp_path, monkeypatch
):
    """Two records give one name to different bytes, and three processes use them."""
    content = storage.add(source)
    file = member(content, "config.json")
    place, evil = at(storage.cache.folder, file.md5), b"E" * file.size
    storage.fetch(record(content), [file])

    def brought(content):
        place.unlink()
        place.write_bytes(content)

    def between(make):
        def made(*arguments):
            honest = place.read_bytes()
            brought(evil)
            done = make(*arguments)
            brought(honest)
            return done

        return made

    for module, name in [(arrivals, "plain")] if copies else [(copying, "linked"), (copying, "cloned")]:
        monkeypatch.setattr(module, name, between(getattr(module, name)))
    with (tmp_path / "copy").open("x+b") as stream, pytest.raises(Unavailable, match="changed while it was copied"):
        storage.cache.copy(file.md5, stream.fileno()) if copies else storage.place(
            record(content), [(file, str(tmp_path / "placed"))]
        )


def test_a_record_that_says_two_things_of_one_object_gets_nothing(storage, source):
    content = storage.add(source)
    one = member(content, "config.json")
    other = replace(one, path="b", sha256="0" * 64)
    with pytest.raises(Denied, match="two things"):
        storage.fetch(record(content), [other, one])
    with pytest.raises(Denied, match="does not have 'b'"):
        storage.fetch(record(content), [one, other])


def test_a_long_manifest_is_read_from_the_remote_and_proven_when_fetched(storage, source, root):
    content = storage.add(source)
    short = record(content, listed=False)
    storage.push([short])
    fresh = forget_cache(root)
    listed = fresh.manifest(short)
    assert [(file.path, file.md5) for file in listed] == [(file.path, file.md5) for file in content.files]
    assert fresh.fetch(short, listed) == content.files
    assert fresh.problems([short], deep=True) == []
    with pytest.raises(Denied, match="sha256"):
        fresh.fetch(replace(short, sha256="0" * 64), listed)


def test_a_damaged_list_of_files_is_refused(storage, source, root, remote):
    content = storage.add(source)
    storage.push([record(content)])
    spoil(at(remote, content.md5), b"[]")
    with pytest.raises(Denied, match="list of files"):
        forget_cache(root).manifest(record(content, listed=False))


def test_what_is_no_hash_is_never_made_a_path(storage, source):
    content = storage.add(source)
    for md5 in ("../../../etc/passwd", "A" * 32, "1" * 32 + "\n", ""):
        with pytest.raises(Denied, match="no MD5"):
            storage.fetch(record(content), [replace(content.files[0], md5=md5)])


# --- interruptions and many at once ----------------------------------------------------------------------------------


def test_many_threads_and_processes_fill_one_cache(root, source, tmp_path):
    expected = Storage.at(root).add(source).md5
    shutil.rmtree(root / ".dvc/cache")
    program = "import sys, pathlib; from podium.storage import Storage\n"
    program += "print(Storage.at(pathlib.Path(sys.argv[1])).add(pathlib.Path(sys.argv[2])).md5)"
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(root), str(source)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    shared = Storage.at(root)
    with ThreadPoolExecutor(8) as pool:
        assert {content.md5 for content in pool.map(shared.add, [source] * 16)} == {expected}
    assert {process.communicate()[0].strip() for process in running} == {expected}
    assert files_below(root / ".dvc/cache/podium-tmp") == []


@pytest.mark.parametrize("verb", ["add", "fetch"])
def test_a_process_killed_in_the_middle_leaves_nothing_that_counts(storage, root, tmp_path, verb):
    big = write(tmp_path / "big", {"a.bin": os.urandom(48 << 20)})
    content = storage.add(big)
    storage.push([record(content)])
    shutil.rmtree(root / ".dvc/cache")
    program = (
        "import os, sys, pathlib, signal; from podium.storage import Storage; from podium.model import *\n"
        "def killed(what, done, total):\n"
        "    if done > total / 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "s = Storage.at(pathlib.Path(sys.argv[1]))\n"
        f"record = {record(content)!r}\n"
        + (
            "s.add(pathlib.Path(sys.argv[2]), killed)"
            if verb == "add"
            else "s.fetch(record, record.files, None, killed)"
        )
    )
    ended = subprocess.run([sys.executable, "-c", program, str(root), str(big)], check=False)
    assert ended.returncode == -9
    left = files_below(root / ".dvc/cache")
    assert [path.parent.name for path in left] == ["podium-tmp"]
    os.utime(left[0], (0, 0))
    fresh = Storage.at(root)
    assert (fresh.add(big) if verb == "add" else fresh.fetch(record(content), content.files)) in (
        content,
        content.files,
    )
    assert not left[0].exists()


def test_ctrl_c_stops_all_threads_and_leaves_nothing(storage, source, root):
    def pressed(what, done, total):
        if done > 0 and threading.current_thread() is not threading.main_thread():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.add(source, pressed)
    assert files_below(root / ".dvc/cache/podium-tmp") == []


# --- configuration ---------------------------------------------------------------------------------------------------


def test_another_remote_can_be_named(tmp_path, remote, source):
    (tmp_path / "second").mkdir()
    root = registry(tmp_path / "r", remote, f"['remote \"second\"']\n    url = {tmp_path / 'second'}\n")
    storage = Storage.at(root)
    content = storage.add(source)
    storage.push([record(content)], "second")
    assert files_below(remote) == []
    assert storage.problems([record(content)], "Second") == []
    with pytest.raises(Denied, match="no DVC remote 'third'"):
        storage.push([record(content)], "third")


@pytest.mark.parametrize("option", ["version_aware", "worktree"])
def test_remotes_that_would_rewrite_records_are_refused(tmp_path, remote, source, option):
    storage = Storage.at(registry(tmp_path / "r", remote, f"    {option} = true\n"))
    content = storage.add(source)
    with pytest.raises(Denied, match=option):
        storage.push([record(content)])


def test_a_missing_plugin_names_the_package(tmp_path, source):
    storage = Storage.at(registry(tmp_path / "r", "gdrive://folder/x"))
    with pytest.raises(Unavailable) as told:
        storage.push([record(storage.add(source))])
    assert "pip install 'dvc-gdrive'" in told.value.hint


def test_a_command_in_the_registrys_configuration_never_runs(tmp_path, source):
    more = f"    bearer_token_command = touch {tmp_path / 'ran'}\n"
    storage = Storage.at(registry(tmp_path / "r", "webdavs://example.invalid/x", more))
    with pytest.raises(Denied, match="bearer_token_command"):
        storage.push([record(storage.add(source))])
    assert not (tmp_path / "ran").exists()


def test_no_default_remote_is_said(tmp_path, source):
    (tmp_path / "r/.dvc").mkdir(parents=True)
    storage = Storage.at(tmp_path / "r")
    with pytest.raises(Denied, match="no default DVC remote"):
        storage.push([record(storage.add(source))])


def test_a_configuration_that_cannot_be_read_is_refused_without_its_secrets(tmp_path, source):
    (tmp_path / "r/.dvc").mkdir(parents=True)
    (tmp_path / "r/.dvc/config").write_text("[core\npassword = hunter2")
    with pytest.raises(Denied) as refused:
        Storage.at(tmp_path / "r").add(source)
    assert "hunter2" not in str(refused.value)


def test_a_registry_without_a_checkout_has_its_own_cache(tmp_path, root, storage, source):
    content = storage.add(source)
    storage.push([record(content)])
    config = (root / ".dvc/config").read_bytes() + b"[cache]\n    dir = /nonexistent/elsewhere\n"
    for _ in range(2):
        detached = Storage.detached(tmp_path / "home", config)
        assert detached.fetch(record(content), content.files) == content.files
    assert at(tmp_path / "home/.dvc/cache", content.files[0].md5).exists()


def test_a_remote_relative_to_a_checkout_is_out_of_reach_without_one(tmp_path, root, storage, source):
    content = storage.add(source)
    config = b"[core]\n    remote = store\n['remote \"store\"']\n    url = ../../store\n"
    with pytest.raises(Unavailable, match="relative"):
        Storage.detached(tmp_path / "home", config).fetch(record(content), content.files)


def test_a_server_that_is_down_is_not_taken_for_missing(tmp_path, source):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    storage = Storage.at(registry(tmp_path / "r", f"http://user:hunter2@127.0.0.1:{port}/x", "    read_timeout = 1\n"))
    content = storage.add(source)
    with pytest.raises(Unavailable) as told:
        storage.problems([record(content)])
    assert "hunter2" not in str(told.value) + told.value.hint


def test_importing_the_storage_does_not_import_dvc():
    program = (
        "import sys, podium.storage, podium.resolve; print([m for m in sys.modules if m.startswith(('dvc', 'fsspec'))])"
    )
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout == "[]\n"
