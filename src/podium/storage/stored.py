"""
What a store holds, as it lists it: each object of DVC's with its size and its age, and what podium left there
unfinished.

Other files that lie there are passed over.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from podium.storage import proofs

RENEWAL = 3 * 86400.0
"""
Seconds after which an object that is needed anew is given a new time, so that ``gc`` elsewhere takes it for as young as
that.

A fraction of the two weeks for which ``gc`` lets garbage lie, and no less: on S3 it is a copy, on WebDAV a transfer.
"""
_TICK = 2.0
"""Seconds by which a server's times of one object may differ: some list them more finely than they tell them."""
_FOLDER = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(r"[0-9a-f]{30}(?:\.dir)?")
_ADDRESS = re.compile(r"(?:^|/)files/md5/([0-9a-f]{2})/([^/]+)$")
_TIMES = ("LastModified", "mtime", "modified", "last_modified", "updated", "created")
"""Where the file systems of DVC's plugins say when a file was written; each its own way."""


class Absent(Exception):  # an answer, not an error: the store is there, the object is not
    """The store has no such object."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of a store: its size in bytes, and when it was written (seconds since 1970; ``None``: not told)."""

    md5: str
    size: int
    modified: float | None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """
    What an upload or a download left that never came to its end: its path in the store, its size, when it was last
    written to.

    ``upload`` is what S3 calls parts that did not become an object.
    """

    name: str
    size: int
    modified: float | None
    upload: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds: objects, and what was left unfinished."""

    objects: list[Stored] = field(default_factory=list)
    unfinished: list[Unfinished] = field(default_factory=list)

    def add(self, first: str, rest: str, size: int, modified: float | None) -> None:
        """Add a file ``files/md5/<first>/<rest>``, if it is either of the two."""
        if _NAME.fullmatch(rest):
            self.objects.append(Stored(first + rest, size, modified))
        elif proofs.UNFINISHED.fullmatch(f".{rest.removeprefix('.')}"):  # on servers they are called so without the dot
            self.unfinished.append(Unfinished(f"files/md5/{first}/{rest}", size, modified))


def is_same(listed: Stored, now: Stored) -> bool:
    """Tell whether nobody has written an object, or given it a new time, since it was listed."""
    return listed.modified is not None and now.modified is not None and now.modified <= listed.modified + _TICK


def written(status: os.stat_result) -> float:
    """Give when a file came to its place: one moved or linked there keeps the time it was written at elsewhere."""
    return max(status.st_mtime, status.st_ctime)


def in_folder(store: Path) -> Contents:
    """Give what a store holds that is a folder, in order."""
    top, found = store / "files" / "md5", Contents()
    for first in _names(top):
        if _FOLDER.fullmatch(first):
            for rest, status in _files(top / first):
                found.add(first, rest, status.st_size, written(status))
    return found


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    for name in _names(folder):
        with suppress(FileNotFoundError):  # somebody else was faster
            status = (folder / name).lstat()
            if stat.S_ISREG(status.st_mode):
                yield name, status


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def object_at(path: str) -> str | None:
    """Give the path in its store of the object that a path on a server is one of; ``None`` where it is none."""
    found = _ADDRESS.search(path)
    return found[0].lstrip("/") if found is not None and _NAME.fullmatch(found[2]) else None


def on_server(listing: Mapping[str, Mapping[str, Any]]) -> Contents:
    """Give what a store holds, of the files that a server listed, by path."""
    contents = Contents()
    for path, info in sorted(listing.items()):
        found = _ADDRESS.search(path)
        if found is not None and info.get("type", "file") == "file":
            contents.add(found[1], found[2], int(info.get("size") or 0), time_of(info))
    return contents


def time_of(info: Mapping[str, Any]) -> float | None:
    """Read when a file was written; ``None`` where the server does not say, or not so that it can be understood."""
    for key in _TIMES:
        value = info.get(key)
        if isinstance(value, str):
            with suppress(ValueError):
                value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None
