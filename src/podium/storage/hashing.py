"""MD5 (DVC's name for bytes) and SHA-256 (podium's proof) of a stream, in one reading."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import RawIOBase
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from podium.errors import Denied

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

CHUNK = 1 << 20
"""Bytes read, hashed and written at a time; what one transfer holds in memory is a few of these."""


_OBJECT = re.compile(r"[0-9a-f]{32}(?:\.dir)?")


def name(md5: str) -> str:
    """Give where DVC keeps an object below ``files/md5``; raises Denied for what is no MD5."""
    if not _OBJECT.fullmatch(md5):
        raise Denied(f"{md5!a} is no MD5", "`podium check` finds the record")
    return f"{md5[:2]}/{md5[2:]}"


def address(md5: str) -> tuple[str, str, str, str]:
    """Give the parts of where DVC keeps an object, in a cache as on a remote; raises Denied for what is no MD5."""
    return "files", "md5", *name(md5).split("/")  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Sums:
    """What some bytes are: their number and their two hashes in hex."""

    size: int
    md5: str
    sha256: str


def of_bytes(content: bytes) -> Sums:
    """Give the sums of bytes in memory."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Sums(len(content), md5, hashlib.sha256(content).hexdigest())


def of_chunks(chunks: Iterable[bytes]) -> Sums:
    """Give the sums of a stream."""
    with Hasher() as hasher:
        for chunk in chunks:
            hasher.update(chunk)
        return hasher.sums()


def chunks_of(stream: BinaryIO | RawIOBase) -> Iterator[bytes]:
    """Give the rest of a stream, piece by piece."""
    while chunk := stream.read(CHUNK):
        yield chunk


class Hasher:
    """
    Hashes chunks in two threads of its own, while the caller writes this chunk and reads the next.

    The threads begin with the first full chunk: most files are smaller.
    """

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size = 0
        self._threads: ThreadPoolExecutor | None = None
        self._pending: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._threads is not None:
            self._threads.shutdown()

    def update(self, chunk: bytes) -> None:
        """Take the next chunk; it is hashed by the time of the next call."""
        self._size += len(chunk)
        self._wait()
        if len(chunk) < CHUNK:
            self._md5.update(chunk)
            self._sha256.update(chunk)
            return
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor  # a warm use, which hashes nothing, is quicker without

            self._threads = ThreadPoolExecutor(2, "podium-hash")
        self._pending = [self._threads.submit(hash_.update, chunk) for hash_ in (self._md5, self._sha256)]

    def sums(self) -> Sums:
        """Give the sums of everything taken so far."""
        self._wait()
        return Sums(self._size, self._md5.hexdigest(), self._sha256.hexdigest())

    def _wait(self) -> None:
        for pending in self._pending:
            pending.result()
        self._pending = []
