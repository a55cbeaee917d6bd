"""
Files that appear in a store whole, or not at all: written under a name nobody takes for an object, then renamed.

Many versions are many small files, so a small one costs as few calls to the system as it can.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count

READ_ONLY = 0o444
MOST = 256 << 20
"""Bytes of a file that is read whole: the longest list of files there may be. What is larger is none of podium's."""
_PIECE = 1 << 20
NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENODEV}
"""What the system says where nothing is, of a name below a file, a link to itself, a socket, a device that is gone."""
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(slots=True)
class Arrival:
    """A file under way: where to write, and where it will be shown."""

    descriptor: int
    place: str | None


class Arrivals:
    """
    Makes the files of one store; safe to use from many threads, and after a fork.

    ``make`` makes a folder that is missing, ``clear`` takes away what is in the way of a file, where that may be done.
    Temporary files lie in ``folder``, or each beside its place.
    """

    def __init__(
        self, make: Callable[[str], None], folder: str | None = None, clear: Callable[[str], None] | None = None
    ) -> None:
        self._make = make
        self._clear = clear
        self._folder = folder
        self._token = secrets.token_hex(8)
        self._lets_through = ""
        self._numbers = count()

    def whole(self, place: str, content: bytes) -> None:
        """
        Write a small file; raises OSError, and leaves nothing then.

        What ``opened`` does, written out: a context manager costs as much as the calls to the system.
        """
        temporary = self._temporary(place)
        descriptor = self._new(temporary)
        try:
            try:
                write(descriptor, content)
                self._protect(descriptor, temporary)
            finally:
                os.close(descriptor)
            self._reveal(temporary, place)
        except BaseException:
            _remove(temporary)
            raise

    @contextmanager
    def opened(self, place: str | None = None) -> Iterator[Arrival]:
        """Show a file, read-only, at the end of the block; nothing is left if it raises, or if no place is named."""
        temporary = self._temporary(place)
        arrival = Arrival(self._new(temporary), place)
        try:
            try:
                yield arrival
                self._protect(arrival.descriptor, temporary)
            finally:
                os.close(arrival.descriptor)
            if arrival.place is not None:
                self._reveal(temporary, arrival.place)
                return
        except BaseException:
            _remove(temporary)
            raise
        _remove(temporary)

    def _temporary(self, place: str | None) -> str:
        """Give a name that nobody else uses, which everybody knows to be unfinished."""
        folder = self._folder or (place or "").rpartition("/")[0]
        return f"{folder}/.podium-{os.getpid():x}-{self._token}-{next(self._numbers):x}.tmp"

    def _protect(self, descriptor: int, temporary: str) -> None:
        """Let all read a new file; looked at once a folder is whether the umask, or an access list, takes that away."""
        folder = temporary.rpartition("/")[0]
        if folder == self._lets_through:
            return
        if os.fstat(descriptor).st_mode & 0o777 != READ_ONLY:
            os.fchmod(descriptor, READ_ONLY)
        else:
            self._lets_through = folder

    def _reveal(self, temporary: str, place: str) -> None:
        """Rename a file into its place, whose folder is made where it is missing."""
        try:
            os.rename(temporary, place)
        except FileNotFoundError:
            self._make(os.path.dirname(place))
            os.rename(temporary, place)
        except (IsADirectoryError, NotADirectoryError):
            if self._clear is None:
                raise
            self._clear(place)
            self._make(os.path.dirname(place))
            os.rename(temporary, place)

    def _new(self, temporary: str) -> int:
        try:
            return os.open(temporary, _NEW, READ_ONLY)
        except FileNotFoundError:
            self._make(os.path.dirname(temporary))
            return os.open(temporary, _NEW, READ_ONLY)


def _remove(temporary: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(temporary)


def write(descriptor: int, content: bytes | memoryview) -> None:
    """Write all of it: a disk that fills up takes a part, and says why with the next call."""
    written = os.write(descriptor, content)
    if written < len(content):
        rest = memoryview(content)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def plain(path: str, flags: int = 0) -> int:
    """
    Open a plain file to read; raises OSError: FileNotFoundError also where something lies there that is none.

    A pipe would be waited for, a device might never end, and neither is what a store keeps.
    """
    return opened(path, flags)[0]


def opened(path: str, flags: int = 0) -> tuple[int, os.stat_result]:
    """Open a plain file to read, as ``plain`` does, and say how it looks."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    except OSError as error:
        if error.errno in NO_FILE:
            raise FileNotFoundError(errno.ENOENT, "it is no plain file", path) from None
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "it is no plain file", path)
    return descriptor, status


def read(path: str) -> bytes:
    """Read a plain file of ``MOST`` bytes at most; raises OSError."""
    descriptor, status = opened(path)
    try:
        if status.st_size > MOST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
        return rest_of(descriptor, status.st_size)
    finally:
        os.close(descriptor)


def rest_of(descriptor: int, size: int) -> bytes:
    """Read from a file to its end, which should be ``size`` bytes away."""
    content = os.read(descriptor, size + 1)
    if len(content) == size:  # fewer than asked for: that was the end
        return content
    pieces = [content]
    while more := os.read(descriptor, _PIECE):
        pieces.append(more)
    return b"".join(pieces)
