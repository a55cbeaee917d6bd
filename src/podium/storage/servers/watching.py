"""
Calls to a server that end: by themselves, or because nothing came of them for too long.

The time limits of client libraries are for one packet: who sends a byte now and then keeps them waiting for ever. So
each call is made in a thread beside the one that wants it, which goes on after a while, whatever the client does.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, TypeVar

T = TypeVar("T")

SILENT_CALL = 20.0
"""Seconds for which a call may bring nothing, or next to nothing, unless its remote's own settings allow it more."""
_LEAST = 1000
"""Bytes a second that are next to nothing."""
LISTING = 600.0
"""Seconds in which a server has to have listed all that it keeps."""


class Silent(Exception):
    """A server says nothing, or next to nothing."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class _Line:
    """What one thread asks another to do, and what comes of it."""

    asked: SimpleQueue[Callable[[], Any] | None] = field(default_factory=SimpleQueue)
    told: SimpleQueue[tuple[Any, BaseException | None]] = field(default_factory=SimpleQueue)


class Watch:
    """Makes calls that end within ``silence`` seconds; safe to use from many threads."""

    def __init__(self, silence: float = SILENT_CALL) -> None:
        self.silence = max(silence, SILENT_CALL)
        self._own = threading.local()

    def call(self, function: Callable[[], T], within: float | None = None) -> T:
        """Call something; raises what it raises, and Silent where that takes longer: it is then left to itself."""
        line = self._line()
        line.asked.put(function)
        try:
            result, error = line.told.get(timeout=max(within or 0.0, self.silence))
        except Empty:
            del self._own.line
            raise Silent from None
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def _line(self) -> _Line:
        """Give this thread's line to its helper, who ends when nobody holds the line any more."""
        found: _Line | None = getattr(self._own, "line", None)
        if found is None:
            found = self._own.line = _Line()
            weakref.finalize(found, found.asked.put, None)
            threading.Thread(target=_help, args=(found.asked, found.told), name="podium-watched", daemon=True).start()
        return found

    def pieces(self, stream: BinaryIO, step: int, size: int) -> Iterator[bytes]:
        """
        Read a stream to its end, ``step`` bytes at a time, and give it in pieces of ``size``.

        Raises what reading raises, after what came before, and Silent where next to nothing comes.
        """
        parts: list[bytes] = []
        pace = _Pace(self.silence)
        while True:
            try:
                part = pace.timed(lambda: self.call(lambda: stream.read(step)))
            except Silent:
                raise
            except BaseException:
                if parts:
                    yield b"".join(parts)
                raise
            parts.append(part)
            if not part or sum(map(len, parts)) >= size:
                if whole := b"".join(parts):
                    yield whole
                parts = []
            if not part:
                return


class _Pace:
    """How many bytes come in the time that is spent on waiting for them."""

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self._seconds = 0.0
        self._size = 0

    def timed(self, read: Callable[[], bytes]) -> bytes:
        began = time.monotonic()
        part = read()
        self._seconds += time.monotonic() - began
        self._size += len(part)
        if part and self._seconds > self._silence:
            if self._size < _LEAST * self._seconds:
                raise Silent
            self._seconds, self._size = 0.0, 0
        return part


def _help(asked: SimpleQueue[Callable[[], Any] | None], told: SimpleQueue[tuple[Any, BaseException | None]]) -> None:
    while (function := asked.get()) is not None:
        result: tuple[Any, BaseException | None]
        try:
            result = function(), None
        except BaseException as error:  # noqa: BLE001 - raised again where the result is waited for
            result = None, error
        told.put(result)
        del function, result
