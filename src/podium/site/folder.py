"""
The folder that a site is built into: what podium wrote there is known, and nothing else is touched.

The state file says for each group of pages what it was made from (its key) and what was written; a group whose key is
as before is not made again. While a build runs, a journal names each file before it is written, so that a build that
was killed leaves nothing of which podium does not know that it is its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from podium.errors import Denied, Unavailable

STATE = ".podium-site.json"
JOURNAL = ".podium-site.journal"
_UNFINISHED = re.compile(r"\.podium-[0-9]+")

Mark = tuple[int, str]
"""What is remembered of a file that was written: its size in bytes, and the beginning of its hash."""


@dataclass(frozen=True)
class Group:
    """Pages that are made from the same things: the key of these, and what was written."""

    key: str
    files: Mapping[str, Mark]


@dataclass
class Folder:
    """A folder during a build."""

    root: Path
    before: Mapping[str, Group]
    journal: IO[str]
    dirty: frozenset[str]
    sizes: dict[str, int]
    folders: set[str]
    after: dict[str, Group] = field(default_factory=dict)
    written: int = 0
    left: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._old = {path: mark for group in self.before.values() for path, mark in group.files.items()}

    def is_current(self, name: str, key: str) -> bool:
        """Tell whether a group is there as its key asks for; then it stays."""
        group = self.before.get(name)
        if group is None or group.key != key or not all(map(self._is_there, group.files)):
            return False
        self.after[name] = group
        return True

    def put(self, name: str, key: str, pages: Mapping[str, bytes]) -> None:
        """Write a group's pages where they differ; raises Denied where something else is in the way."""
        marks = {path: (len(page), hashlib.sha256(page).hexdigest()[:20]) for path, page in pages.items()}
        for path, page in pages.items():
            if self._old.get(path) != marks[path] or not self._is_there(path):
                self._write(path, page)
        self.after[name] = Group(key, marks)

    def finish(self) -> None:
        """Remove the pages that are no more, and remember what is there."""
        kept = {path for group in self.after.values() for path in group.files}
        for path in sorted({*self._old, *self.dirty} - kept):
            if path in self.sizes:
                self._remove(path)
        groups = {name: {"key": group.key, "files": group.files} for name, group in self.after.items()}
        state = json.dumps({"format": 1, "groups": groups}, separators=(",", ":"), sort_keys=True)
        _write_whole(self.root / STATE, state.encode())

    def _is_there(self, path: str) -> bool:
        return path not in self.dirty and path in self._old and self.sizes.get(path) == self._old[path][0]

    def _write(self, path: str, page: bytes) -> None:
        if path in self.sizes and path not in self._old and path not in self.dirty:
            raise Denied(f"{self.root / path} is there, and podium did not write it", "move it, or name another folder")
        self._make(path.rpartition("/")[0])
        self.journal.write(f"{path}\n")
        self.journal.flush()
        _write_whole(self.root / path, page)
        self.written += 1

    def _make(self, folder: str) -> None:
        if not folder or folder in self.folders:
            return
        self._make(folder.rpartition("/")[0])
        try:
            (self.root / folder).mkdir()
        except FileExistsError:
            raise Denied(f"{self.root / folder} is there and is no folder", "move it, or name another one") from None
        self.folders.add(folder)

    def _remove(self, path: str) -> None:
        place, mark = self.root / path, self._old.get(path)
        if path not in self.dirty and mark is not None and _mark(place) != tuple(mark):
            self.left.append(path)
            return
        place.unlink(missing_ok=True)
        for folder in place.relative_to(self.root).parents:
            if folder != Path():
                with suppress(OSError):  # something else is in it
                    (self.root / folder).rmdir()


@contextmanager
def opened(root: Path) -> Iterator[Folder]:
    """
    Open a folder for a build, made if need be.

    Raises Denied where it holds files and no site of podium's, Unavailable where another build is at work in it, or
    where the disk does not take it.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        state = _state(root)
        with (root / JOURNAL).open("a+", encoding="utf-8") as journal:
            _lock(journal, root)
            journal.seek(0)
            dirty = frozenset(journal.read().splitlines())
            sizes, folders = _inside(root)
            _sweep(root, sizes)
            yield Folder(root, state, journal, dirty, sizes, folders)
            (root / JOURNAL).unlink()
    except (NotADirectoryError, FileExistsError, IsADirectoryError) as error:
        raise Denied(f"{error.filename or root} cannot be written: {error.strerror}", "name another folder") from None
    except OSError as error:
        where = f"{error.filename or root} cannot be written: {error.strerror}"
        raise Unavailable(where, "see to the disk and its permissions, or name another folder") from None


def _state(root: Path) -> Mapping[str, Group]:
    """Read what was written before; raises Denied for a folder of somebody else's."""
    if not (root / STATE).is_file():
        others = [path.name for path in root.iterdir() if path.name != JOURNAL]
        if others and not (root / JOURNAL).is_file():
            raise Denied(f"{root} holds files, and no site that podium built", "name a new or empty folder")
        return {}
    try:
        data: dict[str, Any] = json.loads((root / STATE).read_bytes())
        return {
            name: Group(group["key"], {path: (mark[0], mark[1]) for path, mark in group["files"].items()})
            for name, group in data["groups"].items()
        }
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise Denied(f"{root / STATE} cannot be read", "name a new folder") from None


def _lock(journal: IO[str], root: Path) -> None:
    try:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Unavailable(f"another build is writing to {root}", "wait for it to end") from None


def _inside(root: Path) -> tuple[dict[str, int], set[str]]:
    """Give what is in a folder: files with their sizes, and folders; links are files, so that none is followed."""
    sizes: dict[str, int] = {}
    folders: set[str] = set()
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        with os.scandir(root / inside) as entries:
            for entry in entries:
                if entry.name.lower() == ".git":  # of a branch for pages: not a page, whatever a journal may say
                    continue
                path = f"{inside}/{entry.name}" if inside else entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.add(path)
                    waiting.append(path)
                else:
                    sizes[path] = -1 if entry.is_symlink() else entry.stat(follow_symlinks=False).st_size
    return sizes, folders


def _sweep(root: Path, sizes: dict[str, int]) -> None:
    """Take away what a build that was killed had under its hands: the folder is ours alone."""
    for path in [path for path in sizes if _UNFINISHED.fullmatch(path.rpartition("/")[2])]:
        (root / path).unlink(missing_ok=True)
        del sizes[path]


def _mark(path: Path) -> Mark | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return len(content), hashlib.sha256(content).hexdigest()[:20]


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file, all of it or none, with the permissions that the umask gives it: a server is to read it."""
    new = path.with_name(f".podium-{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
