"""
MD5 (DVC's name for bytes) and SHA-256 (podium's proof) of a stream, in one reading; and whether it is a file's.

MD5 takes more than twice as long as SHA-256 where the processor has instructions for the latter, and proves nothing
more. So it is left out where a record says the SHA-256 that bytes must have: such sums are *nameless*.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import RawIOBase
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self

from podium.errors import Denied
from podium.manifest import UNKNOWN

if TYPE_CHECKING:
    from queue import Queue

    from podium.model import File

CHUNK = 1 << 20
"""Bytes read, hashed and written at a time; what one transfer holds in memory is a few of these."""
_AHEAD = 4
"""Chunks that may wait to be hashed."""


_OBJECT = re.compile(r"[0-9a-f]{32}(?:\.dir)?")


def name(md5: str) -> str:
    """Give where DVC keeps an object below ``files/md5``; raises Denied for what is no MD5."""
    if not _OBJECT.fullmatch(md5):
        raise Denied(f"{md5!a} is no MD5", "`podium check` finds the record")
    return f"{md5[:2]}/{md5[2:]}"


@dataclass(frozen=True, slots=True)
class Sums:
    """What some bytes are: their number and their two hashes in hex; ``md5`` is empty where nobody asked for it."""

    size: int
    md5: str
    sha256: str


def wrong(file: File, sums: Sums) -> Literal["size", "hash"] | None:
    """
    Say what keeps bytes from being a file's: their size, or their hash; ``None`` where they are.

    All that is known on both sides is compared; what a ``.dir`` object leaves open is open. A file without SHA-256 is
    proven by its MD5 alone, so nameless sums are never those of one.
    """
    if file.size not in {UNKNOWN, sums.size}:
        return "size"
    if not sums.md5:
        return None if file.sha256 == sums.sha256 else "hash"
    return None if file.md5 == sums.md5 and file.sha256 in {"", sums.sha256} else "hash"


def fits(file: File, sums: Sums) -> bool:
    """Tell whether bytes are those of a file, by everything that is known of it."""
    return wrong(file, sums) is None


def needs_md5(file: File) -> bool:
    """Tell whether only its MD5 can prove a file's bytes."""
    return not file.sha256


def of_bytes(content: bytes, *, named: bool = True) -> Sums:
    """Give the sums of bytes in memory; ``named`` is with their MD5."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest() if named else ""
    return Sums(len(content), md5, hashlib.sha256(content).hexdigest())


def of_chunks(chunks: Iterable[bytes], *, named: bool = True) -> Sums:
    """Give the sums of a stream; ``named`` is with its MD5."""
    with Hasher(named=named) as hasher:
        for chunk in chunks:
            hasher.update(chunk)
        return hasher.sums()


def of_file(descriptor: int) -> Sums:
    """Give the sums of a file that is open, from its beginning and without its MD5; raises OSError."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    return of_chunks(iter(lambda: os.read(descriptor, CHUNK), b""), named=False)


def chunks_of(stream: BinaryIO | RawIOBase) -> Iterator[bytes]:
    """Give the rest of a stream, piece by piece."""
    while chunk := stream.read(CHUNK):
        yield chunk


class Hasher:
    """
    Hashes chunks in a thread for each hash, while the caller writes this chunk and reads the next ones.

    The threads begin with the first full chunk: most files are smaller. They may lag a few chunks behind, since to meet
    after each chunk takes longer than the hashing itself where cores are shared. ``named`` is with the MD5.
    """

    def __init__(self, *, named: bool = True) -> None:
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if named else None
        self._here: list[Any] = [self._sha256] if self._md5 is None else [self._md5, self._sha256]
        self._waiting: list[Queue[bytes | None]] = []
        self._alone = True
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for waiting in self._waiting:
            waiting.put(None)
            waiting.join()

    def update(self, chunk: bytes) -> None:
        """Take the next chunk; it must stay as it is."""
        self._size += len(chunk)
        if self._alone and len(chunk) >= CHUNK:
            self._begin()
        for waiting in self._waiting:
            waiting.put(chunk)
        for hash_ in self._here:
            hash_.update(chunk)

    def sums(self) -> Sums:
        """Give the sums of everything taken so far."""
        for waiting in self._waiting:
            waiting.join()
        return Sums(self._size, self._md5.hexdigest() if self._md5 is not None else "", self._sha256.hexdigest())

    def _begin(self) -> None:
        from queue import Queue  # a warm use, which hashes nothing, is quicker without
        from threading import Thread

        self._alone = False
        here, self._here = self._here, []
        for hash_ in here:
            waiting: Queue[bytes | None] = Queue(_AHEAD)
            try:
                Thread(target=_hash, args=(hash_, waiting), name="podium-hash", daemon=True).start()
            except RuntimeError:  # this machine's limits
                self._here.append(hash_)
            else:
                self._waiting.append(waiting)


def _hash(hash_: Any, waiting: Queue[bytes | None]) -> None:
    while (chunk := waiting.get()) is not None:
        hash_.update(chunk)
        waiting.task_done()
    waiting.task_done()
