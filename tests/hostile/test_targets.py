"""Folders that `use --to` is pointed at: nothing in them is lost, nothing outside of them is written."""

import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from podium import resolve, target
from podium.bundle import archive
from podium.errors import Denied, Unavailable
from podium.model import File
from podium.storage import Storage
from podium.storage.hashing import of_bytes
from tests.storage_helpers import at, member, record, registry, version, write

FILES = {"config.json": b"{}", "sub/vocab.txt": b"a b c", "weights.bin": b"w" * 3000}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "store").mkdir()
    return registry(tmp_path / "registry", tmp_path / "store")


@pytest.fixture
def content(tmp_path, root):
    return Storage.at(root).add(write(tmp_path / "out", FILES))


@pytest.fixture
def use(root, content, tmp_path):
    def used(to, **options):
        return resolve.use(version(record(content)), lambda: Storage.at(root), tmp_path / "home", to=to, **options)

    return used


def seen(folder):
    """Give all that is in a folder, or in its place, without following links."""
    places = [folder, *(folder.rglob("*") if folder.is_dir() and not folder.is_symlink() else [])]
    return {
        str(place): (stat.S_IFMT(place.lstat().st_mode), place.read_bytes() if place.is_file() else b"")
        for place in places
        if os.path.lexists(place)
    }


def text(place, content=b"mine"):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def link(place, leads):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(leads)


def special(place, kind):
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind == "a pipe":
        os.mkfifo(place)
    else:
        before = Path.cwd()
        os.chdir(place.parent)  # the name of a socket has to be short
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(place.name)
        os.chdir(before)


IN_THE_WAY = {
    "a file": text, "a link to nothing": lambda place: link(place, "/nowhere/at/all"),
    "a link to itself": lambda place: link(place, place),
    "a link to a device": lambda place: link(place, "/dev/zero"), "a pipe": lambda place: special(place, "a pipe"),
    "a socket": lambda place: special(place, "a socket"),
}  # fmt: skip


@pytest.mark.parametrize("where", ["", "config.json", "sub"])
@pytest.mark.parametrize("what", IN_THE_WAY)
def test_what_is_in_the_way_stays_as_it_is(what, where, use, tmp_path):
    folder = tmp_path / "target"
    IN_THE_WAY[what](folder / where)
    before = seen(folder)
    with pytest.raises(Denied, match=str(folder / where)):
        use(folder)
    assert seen(folder) == before


def test_a_folder_in_the_place_of_a_file_is_not_removed_by_force_either(use, tmp_path):
    text(tmp_path / "target/config.json/mine")
    with pytest.raises(Denied, match=r"config\.json is a folder"):
        use(tmp_path / "target", force=True)
    assert (tmp_path / "target/config.json/mine").read_bytes() == b"mine"


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_by_force_a_file_is_put_in_the_place_of_a_link_and_not_where_it_leads(what, use, tmp_path):
    IN_THE_WAY[what](tmp_path / "target/config.json")
    link(tmp_path / "target/weights.bin", tmp_path / "secret")
    text(tmp_path / "secret")
    use(tmp_path / "target", force=True)
    assert {path: (tmp_path / "target" / path).read_bytes() for path in FILES} == FILES
    assert not (tmp_path / "target/weights.bin").is_symlink()
    assert (tmp_path / "secret").read_bytes() == b"mine"


def test_other_files_stay_old_ones_with_names_like_ours_too(use, tmp_path):
    others = [
        tmp_path / "target" / name
        for name in ("mine", "sub/mine", ".podium-notes.tmp", ".podium-00112233445566778.tmp")
    ]
    for place in others:
        text(place)
        os.utime(place, (0, 0))
    use(tmp_path / "target")
    assert [place.read_bytes() for place in others] == [b"mine"] * 4


def test_a_hard_link_to_the_cache_with_other_content_is_not_taken_for_the_file(use, root, content, tmp_path):
    cached = at(root / ".dvc/cache", member(content, "config.json").md5)
    (tmp_path / "target").mkdir()
    (tmp_path / "target/config.json").hardlink_to(cached)
    cached.chmod(0o644)
    cached.write_bytes(b"evil")
    with pytest.raises(Denied, match="other content"):
        use(tmp_path / "target")


@pytest.mark.parametrize("place", [".git", ".git/hooks", "a/.GIT/b"])
def test_nothing_is_copied_into_what_is_gits(place, use, tmp_path):
    with pytest.raises(Denied, match="Git's own"):
        use(tmp_path / place)
    assert not (tmp_path / place).exists()


def test_a_link_that_is_put_in_the_place_of_a_folder_meanwhile_is_not_followed(tmp_path):
    folder, elsewhere = tmp_path / "target", tmp_path / "elsewhere"
    elsewhere.mkdir()
    sums = of_bytes(b"bytes")
    files = [File(path, sums.size, sums.md5, sums.sha256) for path in ("sub/deep/a", "sub/deep/b", "z")]

    def swapped(file, descriptor):
        os.write(descriptor, b"bytes")
        if file.path == "z":
            shutil.move(folder / "sub/deep", tmp_path / "moved")
            (folder / "sub/deep").symlink_to(elsewhere)

    with pytest.raises(Denied, match=str(folder / "sub/deep")):
        target.copied(folder, files, lambda wanted: wanted, swapped, force=True)
    assert list(elsewhere.iterdir()) == []
    assert not (folder / "z").exists()


def test_a_folder_that_is_swapped_as_a_whole_meanwhile_is_still_the_one_that_was_opened(tmp_path):
    folder, elsewhere = tmp_path / "target", tmp_path / "elsewhere"
    elsewhere.mkdir()
    sums = of_bytes(b"bytes")

    def swapped(_file, descriptor):
        os.write(descriptor, b"bytes")
        folder.rename(tmp_path / "moved")
        folder.symlink_to(elsewhere)

    target.copied(folder, [File("a", sums.size, sums.md5, sums.sha256)], lambda files: files, swapped, force=False)
    assert list(elsewhere.iterdir()) == []
    assert (tmp_path / "moved/a").read_bytes() == b"bytes"


# --- what is logged


def deep(folder):
    """Make a file in more folders than a path can name."""
    above = os.open(folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("dd", dir_fd=above)
        below = os.open("dd", os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = below
    os.close(above)


def undo(folder):
    """Take such folders away, from below: what walks them from above gives up."""
    subprocess.run(["rm", "-rf", str(folder)], check=True)


SOURCES = {
    "a pipe": lambda folder: os.mkfifo(folder / "p"), "a socket": lambda folder: special(folder / "s", "a socket"),
    "no UTF-8": lambda folder: os.close(os.open(os.fsencode(folder) + b"/\xff", os.O_CREAT)),
    "a circle": lambda folder: link(folder / "l", "l"),
    "a link to itself": lambda folder: link(folder / "l", folder),
    "a link outside": lambda folder: link(folder / "l", "/etc/passwd"),
    "a link to nothing": lambda folder: link(folder / "l", "/nowhere"),
    "a line break": lambda folder: text(folder / "a\nb"),
    "case": lambda folder: (text(folder / "a"), text(folder / "A")), "git": lambda folder: text(folder / ".git/config"),
    "our own name": lambda folder: text(folder / ".podium-0123456789abcdef.tmp"), "too deep": deep,
}  # fmt: skip


@pytest.mark.parametrize("what", SOURCES)
def test_a_folder_that_cannot_be_a_version_is_refused_before_anything_is_kept(what, root, tmp_path):
    (tmp_path / "odd").mkdir()
    SOURCES[what](tmp_path / "odd")
    with pytest.raises(Denied):
        Storage.at(root).add(tmp_path / "odd")
    assert not (root / ".dvc/cache").exists()
    undo(tmp_path / "odd")


def test_a_bundle_that_is_a_pipe_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unavailable, match="no plain file"), archive.opened(tmp_path / "pipe"):
        pass
