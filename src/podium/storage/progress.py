"""Work on many files at a time: told to whoever draws a bar, stopped as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from podium.progress import Progress

T = TypeVar("T")
R = TypeVar("R")

_LOT = 64
"""Items handed to a thread at a time, at most."""


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

    def stop(self) -> None:
        """Let every thread that counts here end at its next chunk."""
        self._stopped = True


def each(function: Callable[[T], R], items: Sequence[T], jobs: int, meter: Meter) -> Iterator[R]:
    """Give what the function makes of each item, in any order; the first that fails, or Ctrl-C, stops the others."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    def work(lot: Sequence[T]) -> list[R]:
        return [function(item) for item in lot]

    with ThreadPoolExecutor(jobs, "podium") as pool:
        futures = [pool.submit(work, lot) for lot in _lots(items, jobs)]
        try:
            for future in as_completed(futures):
                yield from future.result()
        except BaseException:
            meter.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _lots(items: Sequence[T], jobs: int) -> list[Sequence[T]]:
    """Share many small items out, so that handing them over costs little; neighbours (the largest) go to different lots."""
    count = -(-len(items) // max(1, min(_LOT, len(items) // (8 * jobs))))
    return [items[first::count] for first in range(count)]
