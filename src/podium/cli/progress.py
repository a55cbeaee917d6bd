"""A progress bar with rate and time left, for whatever takes longer than a second, on a terminal only."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0
"""Seconds before a bar appears."""
_PAUSE = 0.1
"""Seconds between two looks at it: many small files say how far they are far more often."""


class Bar:
    """Draws what a piece of work reports; called from any of its threads."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._shown = sys.stderr.isatty()
        self._next = self._began + PATIENCE
        self._drawn: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn is not None:
            self._drawn.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Draw how far the work is."""
        if not self._shown or (time.monotonic() < self._next and not (self._drawn and done == total)):
            return
        with self._lock:
            self._next = time.monotonic() + _PAUSE
            drawn = self._drawn or self._start()
            if what not in self._tasks:
                self._tasks[what] = drawn.add_task(what, total=total or None)
            drawn.update(self._tasks[what], completed=done, total=total or None)

    def _start(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

        columns = (
            "{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
        )  # fmt: skip
        self._drawn = Progress(*columns, console=Console(stderr=True), transient=True)
        self._drawn.start()
        return self._drawn
