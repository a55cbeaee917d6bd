"""What a store holds, as it lists it: each object with its size and its age, and nothing that is no object of DVC's."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_FOLDER = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(r"[0-9a-f]{30}(?:\.dir)?")
_ADDRESS = re.compile(r"(?:^|/)files/md5/([0-9a-f]{2})/([0-9a-f]{30}(?:\.dir)?)$")
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


def in_folder(store: Path) -> Iterator[Stored]:
    """Give the objects of a store that is a folder, in order; other files that lie there are passed over."""
    top = store / "files" / "md5"
    for first in _names(top):
        if _FOLDER.fullmatch(first):
            yield from _listed(top / first, first)


def _listed(folder: Path, first: str) -> Iterator[Stored]:
    for rest in _names(folder):
        if not _NAME.fullmatch(rest):
            continue
        with suppress(FileNotFoundError):  # somebody else was faster
            status = (folder / rest).lstat()
            if stat.S_ISREG(status.st_mode):
                # a file that was moved or linked here keeps the time at which it was written elsewhere
                yield Stored(first + rest, status.st_size, max(status.st_mtime, status.st_ctime))


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def on_server(listing: Mapping[str, Mapping[str, Any]]) -> Iterator[Stored]:
    """Give the objects among the files that a server listed, by path."""
    for path, info in sorted(listing.items()):
        found = _ADDRESS.search(path)
        if found is not None and info.get("type", "file") == "file":
            yield Stored(found[1] + found[2], int(info.get("size") or 0), _time(info))


def _time(info: Mapping[str, Any]) -> float | None:
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
