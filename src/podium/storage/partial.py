"""
A large file that did not come whole: kept aside under the name of what it is to become, and gone on with by the next
run.

Whoever fills it holds a lock on it, which ends with the process. What is in it counts for nothing by itself: the whole
is hashed from its first byte before it becomes an object.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from podium.storage import arrivals, hashing, proofs
from podium.storage.hashing import Hasher, Sums

LEAST = 8 << 20
"""Bytes from which a file is worth going on with."""
_PART = re.compile(r"\.podium-(?:part-[0-9a-f]{32}(?:\.dir)?|sent-[0-9a-f]{32}-[0-9a-f]{16})\.tmp")


def size(folder: Path, md5: str) -> int:
    """Give the bytes that are there of an object."""
    try:
        return _place(folder, md5).lstat().st_size
    except OSError:
        return 0


def unfinished(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Give what is there of objects, and other temporary files, by name."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if _PART.fullmatch(entry.name) or proofs.UNFINISHED.fullmatch(entry.name):
                with suppress(FileNotFoundError):
                    yield entry.name, entry.stat(follow_symlinks=False)


def discard(place: Path) -> None:
    """Take away what is there of an object, unless another process has it; raises OSError."""
    if not _PART.fullmatch(place.name):
        place.unlink(missing_ok=True)
        return
    descriptor = locked(place, 0)
    if descriptor is not None:
        try:
            place.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _place(folder: Path, md5: str) -> Path:
    return folder / f".podium-part-{md5}.tmp"


@contextmanager
def taken(folder: Path, md5: str) -> Iterator[Part | None]:
    """
    Take what is there of an object, or begin it; ``None`` where another process has it.

    What is too little to be kept is removed at the end, and so is what did not fit on the disk.
    """
    place = _place(folder, md5)
    descriptor = locked(place)
    if descriptor is None:
        yield None
        return
    part = Part(descriptor, place)
    try:
        yield part
    except OSError:  # the disk does not take more: what is there only makes that worse
        part.clear()
        raise
    finally:
        part.end()


def note_name(md5: str, remote: str) -> str:
    """Give what a note is called of what a remote has of an object (see ``begun``)."""
    return f".podium-sent-{md5.removesuffix('.dir')}-{remote}.tmp"


def locked(place: Path, flags: int = os.O_CREAT) -> int | None:
    """Open a file, and hold it against other processes; ``None`` where one has it, or it cannot be had."""
    try:
        descriptor = os.open(place, os.O_RDWR | flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:  # a link, or somebody else's
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), place.lstat()):  # it may have become an object meanwhile
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


class Part:
    """A file under way that is this process's alone; ``begun``: some of it was there before."""

    def __init__(self, descriptor: int, place: Path) -> None:
        self._descriptor = descriptor
        self._place: Path | None = place
        self.begun = False

    def fill(self, source: Callable[[int], Iterator[bytes]], size: int, *, named: bool) -> Sums:
        """
        Hash what is there, add what ``source`` gives from there on, and give the sums of all; raises OSError.

        ``named`` is with the MD5.
        """
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        with Hasher(named=named) as hasher:
            there = 0
            while chunk := os.read(self._descriptor, hashing.CHUNK):
                hasher.update(chunk)
                there += len(chunk)
            self.begun = there > 0
            if there < size:
                for chunk in source(there):
                    hasher.update(chunk)
                    arrivals.write(self._descriptor, chunk)
            return hasher.sums()

    def clear(self) -> None:
        """Throw away what is there."""
        os.ftruncate(self._descriptor, 0)

    def reveal(self, place: Path, make: Callable[[str], None]) -> None:
        """Give the file, which is whole, its name, read-only; raises OSError."""
        assert self._place is not None, "it has one already"
        os.fchmod(self._descriptor, arrivals.READ_ONLY)
        make(str(place.parent))
        self._place.rename(place)
        self._place = None

    def end(self) -> None:
        """Keep what is worth it, and let others have it."""
        try:
            if self._place is not None and os.fstat(self._descriptor).st_size < LEAST:
                with suppress(OSError):
                    self._place.unlink()
        finally:
            os.close(self._descriptor)
