"""What a folder holds that is to be logged, and what podium refuses to log."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from pathlib import Path

from podium import manifest
from podium.errors import Denied
from podium.model import File
from podium.storage import hashing, looks
from podium.storage.hashing import Sums
from podium.storage.progress import Meter

_PLAIN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PASSED_OVER = {".git", ".hg", ".dvc"}
"""What DVC leaves out of a folder without a word."""


@dataclass(frozen=True)
class Content:
    """
    What a folder holds: everything a record says of the bytes.

    ``md5`` is DVC's hash of the folder, ``size`` the bytes of all files, ``files`` is sorted by path.
    ``manifest_sha256`` stands for all the files' sha256, for records whose manifest is too long to be kept in them.
    """

    md5: str
    size: int
    files: tuple[File, ...]

    @property
    def nfiles(self) -> int:
        """The number of files."""
        return len(self.files)

    @cached_property
    def manifest_sha256(self) -> str:
        """The hash over the sorted lines ``sha256  path``."""
        return manifest.manifest_sha256(self.files)


def of(files: list[File]) -> Content:
    """Give the content that these files make together."""
    return Content(
        manifest.directory_hash(files),
        sum(file.size for file in files),
        tuple(sorted(files, key=lambda file: file.path)),
    )


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be logged: its path in the version, where it lies (no link), and its size in bytes."""

    path: str
    location: str
    size: int


def listing(source: Path) -> list[Source]:
    """
    List the files of a folder, or the one file, as a model version would hold them.

    Links to files inside the folder count as files, as for DVC. Raises Denied for what would be lost, would not be safe
    to write elsewhere, or is no plain file.
    """
    try:
        root = os.path.realpath(source, strict=True)
        found = list(_inside(root)) if Path(root).is_dir() else [_file(root, source.name)]
    except OSError as error:
        raise Denied(
            f"{_shown(error.filename or source)} cannot be read: {error.strerror}",
            "name a file or folder that is there, and may be read",
        ) from None
    if not found:
        raise Denied(f"{_shown(source)} holds no file", "a model version has at least one file")
    for path, reason in manifest.unsafe(file.path for file in found):
        raise Denied(f"{_shown(path)} cannot be part of a model version: {reason}", "rename it")
    return found


def taken(source: Source, take: Callable[[int, int], Sums]) -> File:
    """
    Give a file with the sums that ``take`` makes of it; it is handed the open file, and its size.

    Raises Denied where the file cannot be read, or changes meanwhile.
    """
    try:
        descriptor = os.open(source.location, _PLAIN_FILE)
    except PermissionError as error:
        raise Denied(f"{error.filename} cannot be read: {error.strerror}", "see to its permissions") from None
    try:
        before = os.fstat(descriptor)
        sums = take(descriptor, before.st_size)
        unchanged = looks.of(before) == looks.of(os.fstat(descriptor))
    finally:
        os.close(descriptor)
    if not unchanged or sums.size != source.size:
        raise Denied(f"{source.path!r} changed while it was read", "log it again when it is written")
    return File(source.path, sums.size, sums.md5, sums.sha256)


def chunks(descriptor: int, meter: Meter) -> Iterator[bytes]:
    """Give the rest of an open file, piece by piece, and count it."""
    while chunk := os.read(descriptor, hashing.CHUNK):
        meter.add(len(chunk))
        yield chunk


def _inside(root: str) -> Iterator[Source]:
    folders = [(root, "")]
    while folders:
        folder, prefix = folders.pop()
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=attrgetter("name")):
                path = prefix + entry.name
                _check_name(entry.name, path)
                if entry.is_file(follow_symlinks=False):
                    yield Source(path, entry.path, entry.stat(follow_symlinks=False).st_size)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, f"{path}/"))
                elif entry.is_symlink():
                    yield _file(_linked(root, entry.path, path), path)
                else:
                    yield _file(entry.path, path)


def _check_name(name: str, path: str) -> None:
    if name.lower() in _PASSED_OVER:
        raise Denied(f"{_shown(path)} is not part of a model, and DVC leaves it out", "log a folder without it")
    if name == ".dvcignore":
        raise Denied(f"{_shown(path)} would make DVC leave files out", "log a folder without it")


def _linked(root: str, link: str, path: str) -> str:
    """Give where a link leads; raises Denied where that is outside, nowhere, or a folder, which DVC leaves out."""
    try:
        target = os.path.realpath(link, strict=True)
    except OSError as error:
        where = "in a circle" if error.errno == errno.ELOOP else "nowhere"
        raise Denied(f"{_shown(path)} is a link that leads {where}", "remove it") from None
    if os.path.commonpath([root, target]) != root:
        raise Denied(f"{_shown(path)} is a link that leads outside", "copy the file into the folder")
    if Path(target).is_dir():
        raise Denied(f"{_shown(path)} is a link to a folder, which DVC leaves out", "copy the folder")
    return target


def _file(location: str, path: str) -> Source:
    status = os.lstat(location)
    if not stat.S_ISREG(status.st_mode):
        raise Denied(f"{_shown(path)} is neither a file nor a folder", "log a folder of plain files")
    return Source(path, location, status.st_size)


def _shown(path: str | os.PathLike[str]) -> str:
    """Give a name as it can be printed: escaped, also where it is no UTF-8."""
    return ascii(os.fspath(path)) if not os.fspath(path).isprintable() else repr(os.fspath(path))
