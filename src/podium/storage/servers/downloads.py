"""An object of a server, read from a byte on; and on from where it was, where the connection breaks off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from podium.storage import hashing
from podium.storage.servers import sftp
from podium.storage.servers.failures import Broken
from podium.storage.servers.reasons import status_of
from podium.storage.servers.server import Server
from podium.storage.servers.watching import Silent

_BLOCK = 2 * hashing.CHUNK
"""Bytes asked of a server at a time."""
_SMALL_BLOCK = 64 << 10
"""Bytes asked for at a time where a server streams, or did not give a whole block in good time."""
_PARTIAL, _NOTHING_THERE = 206, 416
"""What an HTTP server answers that gives the part which was asked for, or has none from there on."""


class Downloads:
    """What is read of a server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._step = _SMALL_BLOCK if server.is_webdav else hashing.CHUNK

    def chunks(self, md5: str, start: int = 0) -> Iterator[bytes]:
        """
        Read an object from a byte on; raises Absent.

        Where the connection breaks off it is read on from there: whoever takes the bytes proves the whole of them.
        """
        began, done, failures = time.monotonic(), start, 0
        while True:
            try:
                for chunk in self._read(md5, done):
                    done += len(chunk)
                    failures = 0
                    self._server.patience.answered()
                    yield chunk
            except Broken as broken:
                failures += 1
                self._server.patience.wait(broken, failures, began)
            else:
                return

    def _read(self, md5: str, start: int) -> Iterator[bytes]:
        with self._server.told(), self._opened(md5, start) as stream:
            if stream is None:
                return
            skipped = 0 if self._begins_at(stream, start) else start
            if start and not self._server.is_http:
                self._server.watch.call(lambda: stream.seek(start))
            for chunk in self._server.watch.pieces(stream, self._step, hashing.CHUNK):
                if skipped < len(chunk):
                    yield chunk[skipped:] if skipped else chunk
                skipped = max(0, skipped - len(chunk))

    def _begins_at(self, stream: Any, start: int) -> bool:
        """Tell whether what is read begins where it was asked to: not every HTTP server knows parts."""
        return not self._server.is_http or start == 0 or getattr(getattr(stream, "r", None), "status", None) == _PARTIAL

    @contextmanager
    def _opened(self, md5: str, start: int) -> Iterator[Any]:
        """
        Open an object; gives ``None`` where a web server says that it has no byte from there on.

        What says nothing is not closed, since that would wait for it, and asked in smaller steps next.
        """
        stream = None
        try:
            stream = self._server.watch.call(lambda: self._open(md5, start))
            if stream is None:
                yield None
                return
            try:
                yield stream
            except Silent:
                raise
            except BaseException:
                self._server.watch.call(stream.close)
                raise
            self._server.watch.call(stream.close)
        except Silent:
            sftp.abandon(stream)
            self._step = _SMALL_BLOCK
            raise

    def _open(self, md5: str, start: int) -> Any:
        block = _BLOCK if self._step == hashing.CHUNK else _SMALL_BLOCK
        options: dict[str, Any] = {"block_size": 0 if self._server.is_http else block}
        if start and self._server.is_http:
            options["headers"] = {"Range": f"bytes={start}-"}
        try:
            return self._server.filesystem.open(self._server.place(md5), "rb", **options)
        except Exception as error:
            if start and status_of(error) == _NOTHING_THERE:
                return None
            raise
