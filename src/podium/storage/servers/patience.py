"""What passes by itself is tried again, a few times and a little later each time; what is an answer is believed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from podium.storage.servers.failures import Broken, Busy, Failed

T = TypeVar("T")

FIRST = 2
"""How often the first contact is tried again: a server that never answered may be a wrong address."""
LATER = 8
"""How often anything is tried again, without a byte between, once the server has answered: half a minute and more."""
SILENT_REMOTE = 100.0
"""Seconds without a remote's sign of life after which nothing is tried again: each try may wait long for an answer."""
_SHORTEST, _LONGEST = 0.4, 8.0
"""Seconds between two tries: each time twice as long, in part by chance, so that many do not come back at once."""
_QUIET = 1.0
"""Seconds between two words about it: many threads lose one server together."""


class Patience:
    """How long one remote is put up with, by all threads; ``between`` is called before anything is tried again."""

    def __init__(self, name: str, between: Callable[[], object]) -> None:
        self._name = name
        self._between = between
        self._lock = threading.Lock()
        self._answered = False
        self._heard = 0.0
        self._said = 0.0

    def until_done(
        self, attempt: Callable[[], T], progress: Callable[[], int] = lambda: 0, *, costly: bool = False
    ) -> T:
        """
        Do something that can be done again, until it is done; raises what it raises, if that stays so.

        ``progress`` tells how far it has come: what comes further each time is not given up. ``costly``: each try sends
        much before the server says that it cannot do it, as some say of a full disk.
        """
        began, failures, before = time.monotonic(), 0, 0
        while True:
            try:
                result = attempt()
            except Broken as broken:
                if (now := progress()) > before:
                    failures, before, self._answered = 0, now, True  # when it was heard, whoever heard it says
                failures += 1
                self.wait(broken, failures, began, FIRST if costly and isinstance(broken, Failed) else LATER)
            else:
                self.answered()
                return result

    def answered(self) -> None:
        """Take note that the server answered."""
        self._answered = True
        self._heard = time.monotonic()

    def wait(self, broken: Broken, failures: int, began: float, most: int | None = None) -> None:
        """
        Wait before something is tried again, ``most`` times, and say so.

        Raises ``broken`` where it was tried often enough, another Broken where the server was silent for too long since
        ``began``.
        """
        if isinstance(broken, Busy):
            self.answered()
        limit = (LATER if most is None else most) if self._answered else FIRST
        silent = time.monotonic() - max(self._heard, began)
        if silent > SILENT_REMOTE:
            raise Broken(  # so that what S3 has of it stays
                f"the DVC remote {self._name!r} has not answered for {silent:.0f} seconds",
                "see whether the server is well, then run it again; what has arrived is not sent or fetched again",
            )
        if failures > limit:
            raise broken
        pause = min(_LONGEST, _SHORTEST * 2 ** (failures - 1)) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        self._say(f"{broken.sentence}; trying again in {pause:.1f} s ({failures} of {limit})")
        time.sleep(pause)
        self._between()

    def _say(self, text: str) -> None:
        with self._lock:
            if time.monotonic() - self._said < _QUIET:
                return
            self._said = time.monotonic()
        import logging  # a program that sets nothing up finds a warning on stderr

        logging.getLogger("podium.storage").warning("%s", text)
