"""Work on many files at a time: told to whoever draws a bar, stopped as one."""

from __future__ import annotations

import errno
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from podium.progress import Progress

T = TypeVar("T")
R = TypeVar("R")

_LOT = 64
"""Items handed to a thread at a time, at most."""
_TINY = 32 << 10
"""Bytes up to which, on an average, files keep Python busy and not the disk: threads would only wait for each other."""
_GRACE = 3.0
"""Seconds that threads are given to end once the work has failed: one may wait for a server that says nothing."""


class Stopped(Exception):  # not an error: another thread failed, or somebody pressed Ctrl-C
    """The work this thread is part of has ended."""


class Meter:
    """Counts the bytes of one piece of work over all its threads, and stops them."""

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self._progress = progress
        self._what = what
        self._total = total
        self._done = 0
        self._lock = threading.Lock()
        self._stopped = False
        progress(what, 0, total)

    def add(self, size: int) -> None:
        """Count bytes; raises Stopped when the work has ended."""
        if self._stopped:
            raise Stopped
        with self._lock:
            self._done += size
            self._progress(self._what, self._done, self._total)

    def go_on(self) -> None:
        """Raise Stopped when the work has ended."""
        if self._stopped:
            raise Stopped

    def take_back(self, size: int) -> None:
        """Count bytes no longer: they go over the wire again."""
        with self._lock:
            self._done -= size

    def stop(self) -> None:
        """Let every thread that counts here end at its next chunk."""
        self._stopped = True


def crew(jobs: int, total: int, count: int) -> int:
    """Give how many threads are best for so many bytes in so many files of this machine, ``jobs`` at most."""
    return jobs if total >= count * _TINY else 1


def each(
    function: Callable[[T], R], items: Sequence[T], jobs: int, meter: Meter, *, in_order: bool = False
) -> Iterator[R]:
    """
    Give what the function makes of each item; the first that fails, or Ctrl-C, stops the others.

    Items are taken so that neighbours (the largest) go to different threads, or ``in_order``.
    """
    crew = _Crew(function, _lots(items, jobs, in_order=in_order), meter)
    crew.start(jobs)
    try:
        yield from crew.results()
    except BaseException:
        crew.stop()
        raise


class _Crew(Generic[T, R]):
    """
    Threads that work through lots.

    They are daemons: one that waits for a server must not keep a program from ending that was told to stop.
    """

    def __init__(self, function: Callable[[T], R], lots: Sequence[Sequence[T]], meter: Meter) -> None:
        self._function = function
        self._lots = deque(lots)
        self._expected = len(lots)
        self._meter = meter
        self._done: SimpleQueue[list[R] | BaseException] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, jobs: int) -> None:
        for number in range(min(jobs, self._expected)):
            thread = threading.Thread(target=self._work, name=f"podium-{number}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # this machine's limits: those that run do the work
                if self._threads:
                    return
                raise OSError(errno.EAGAIN, "no thread can be started") from None
            self._threads.append(thread)

    def results(self) -> Iterator[R]:
        for _ in range(self._expected):
            done = self._done.get()
            if isinstance(done, BaseException):
                raise done
            yield from done

    def stop(self) -> None:
        self._lots.clear()
        self._meter.stop()
        end = time.monotonic() + _GRACE
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        try:
            while (lot := self._next()) is not None:
                self._done.put([self._one(item) for item in lot])
        except BaseException as error:  # noqa: BLE001 - raised again where the results are waited for
            self._done.put(error)

    def _one(self, item: T) -> R:
        self._meter.go_on()
        return self._function(item)

    def _next(self) -> Sequence[T] | None:
        try:
            return self._lots.popleft()
        except IndexError:
            return None


def _lots(items: Sequence[T], jobs: int, *, in_order: bool) -> list[Sequence[T]]:
    """Share many small items out, so that handing them over costs little."""
    size = max(1, min(_LOT, len(items) // (8 * jobs)))
    if in_order:
        return [items[first : first + size] for first in range(0, len(items), size)]
    count = -(-len(items) // size)
    return [items[first::count] for first in range(count)]


class Counted:
    """Counts what one try to send an object has sent."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.size = 0

    def add(self, size: int) -> None:
        """Count bytes; raises Stopped when the work has ended."""
        self.size += size
        self._meter.add(size)

    def callback(self) -> Any:
        """Give what fsspec tells of each part."""
        from fsspec.callbacks import Callback

        counted = self

        class Told(Callback):  # type: ignore[misc]  # fsspec has no types
            def relative_update(self, inc: int = 1) -> None:
                counted.add(inc)

            def absolute_update(self, value: int) -> None:
                counted.add(value - counted.size)

        return Told()
