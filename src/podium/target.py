"""
A folder of somebody's, into which a version's files are copied: nothing in it is lost, nothing outside of it is
written.

Each folder in it is opened from the one above, and no link is followed: whoever puts a link in the place of one
meanwhile finds nothing written where it leads.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from podium.errors import Denied
from podium.manifest import UNKNOWN
from podium.model import File
from podium.storage import proofs
from podium.storage.hashing import fits, needs_md5

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_UNFINISHED = re.compile(r"\.podium-[0-9a-f]{16}\.tmp")


def copied(
    folder: Path,
    wanted: Sequence[File],
    bring: Callable[[Sequence[File]], Sequence[File]],
    copy: Callable[[File, int], object],
    *,
    force: bool,
) -> tuple[File, ...]:
    """
    Copy files into a folder; every refusal comes before the first of them is written.

    ``bring`` has them at hand, proven; ``copy`` writes one into a file that is open. Raises Denied where something is
    in the way: with ``force``, what is no folder gives way to a file.
    """
    _check(folder)
    targets = {file.path: _target(folder, file.path) for file in wanted}
    lacking = [file for file in wanted if not _already(file, targets[file.path], force=force)]
    if lacking:
        _write(folder, bring(lacking), copy)
    return tuple(wanted)


def _check(folder: Path) -> None:
    if ".git" in {part.lower() for part in folder.parts}:
        raise Denied(f"{folder} is Git's own", "name another folder")
    if os.path.lexists(folder) and not folder.is_dir():
        raise Denied(f"{folder} is no folder", "name another one")


def _target(folder: Path, path: str) -> Path:
    """Give where a file goes; raises Denied where a link or a file is in the way of its folder."""
    place = folder
    for part in path.split("/")[:-1]:
        place /= part
        if place.is_symlink():
            raise _in_the_way(place, "a link, which podium does not follow")
        if place.exists() and not place.is_dir():
            raise _in_the_way(place, "a file where the version has a folder")
    return place / path.rpartition("/")[2]


def _in_the_way(place: Path, what: str) -> Denied:
    return Denied(f"{place} is {what}", "move it, or name another folder")


def _already(file: File, target: Path, *, force: bool) -> bool:
    """Tell whether a file is there as it should be; raises Denied where another may not be replaced."""
    if not os.path.lexists(target):
        return False
    status = target.lstat()
    if stat.S_ISDIR(status.st_mode):
        raise _in_the_way(target, "a folder where the version has a file")
    found = proofs.look(target, named=needs_md5(file)) if file.size in {UNKNOWN, status.st_size} else None
    if found is not None and fits(file, found[1]):
        return True
    if not force:
        raise Denied(f"{target} is there already with other content", "move it, or replace it with --force")
    return False


def _write(folder: Path, files: Sequence[File], copy: Callable[[File, int], object]) -> None:
    """Copy all files beside their places, then rename each into it."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished: dict[str, str] = {}
    with _Inside(folder) as inside:
        try:
            for file in files:
                unfinished[file.path] = name = f".podium-{secrets.token_hex(8)}.tmp"
                with _named(folder / file.path):
                    _fill(inside.at(file.path)[0], name, partial(copy, file))
            for file in files:
                with _named(folder / file.path):
                    parent, name = inside.at(file.path)
                    os.replace(unfinished[file.path], name, src_dir_fd=parent, dst_dir_fd=parent)
                del unfinished[file.path]
        finally:
            for path, name in unfinished.items():
                with suppress(OSError, Denied):
                    os.unlink(name, dir_fd=inside.at(path)[0])


def _fill(parent: int, name: str, copy: Callable[[int], object]) -> None:
    descriptor = os.open(name, _NEW, 0o666, dir_fd=parent)
    try:
        copy(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _named(place: Path) -> Iterator[None]:
    """Let an error say which file could not be written: the system knows it by a name within an open folder."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(place)) from None


class _Inside:
    """A folder that is open, and the one of those in it that was asked for last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._top = os.open(folder, _FOLDER)
        self._parts: tuple[str, ...] = ()
        self._parent = os.dup(self._top)
        _sweep(self._parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._parent)
        os.close(self._top)

    def at(self, path: str) -> tuple[int, str]:
        """Give the folder of a file, open, and its name there; folders that are missing are made. Raises Denied."""
        *parts, name = path.split("/")
        if tuple(parts) != self._parts:
            above = os.dup(self._top)
            try:
                for count, part in enumerate(parts, 1):
                    below = self._opened(above, part, self._folder.joinpath(*parts[:count]))
                    os.close(above)
                    above = below
            except BaseException:
                os.close(above)
                raise
            os.close(self._parent)
            self._parent, self._parts = above, tuple(parts)
            _sweep(above)
        return self._parent, name

    def _opened(self, above: int, part: str, place: Path) -> int:
        with suppress(FileExistsError):
            os.mkdir(part, dir_fd=above)
        try:
            return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
        except NotADirectoryError:  # what Linux says of a link, too
            raise _in_the_way(place, "no folder any more") from None


def _sweep(folder: int) -> None:
    """Remove what dead processes left half done in a folder, once it is a day old."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if _UNFINISHED.fullmatch(entry.name)]:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > proofs.STALE:
                os.unlink(entry.name, dir_fd=folder)
