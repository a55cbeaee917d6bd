"""
What a server has of a large object that is not whole yet: noted on this machine, so that the next run goes on with it.

It lies there under a name that says what it is to become, and whose it is: each machine's cache has one of its own, and
so has each process that finds another one at it. So what two of them send never mixes.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from podium.storage import partial

_NOTE = re.compile(rb"([0-9a-f]{16}) ([0-9]{20})\n")


class Note:
    """How an object is called on its way, and the bytes from its beginning that the server has said it wrote."""

    def __init__(self, md5: str, descriptor: int | None = None) -> None:
        self._md5 = md5.removesuffix(".dir")
        self._descriptor = descriptor
        self._lock = threading.Lock()
        found = _NOTE.fullmatch(os.pread(descriptor, 64, 0)) if descriptor is not None else None
        self._token = found[1].decode() if found else secrets.token_hex(8)
        self.arrived = int(found[2]) if found else 0

    @property
    def name(self) -> str:
        """
        Give the name; ``gc`` knows it for one of what is unfinished.

        A dot at its beginning would hide it: some WebDAV servers do not list such, and nobody would find what a killed
        run leaves.
        """
        return f"podium-{self._md5}-{self._token}.tmp"

    @property
    def is_worth_it(self) -> bool:
        """Tell whether a later run would find enough to go on with."""
        return self._descriptor is not None and self.arrived >= partial.LEAST

    def keep(self, arrived: int) -> None:
        """Note how much has arrived; that it cannot be noted is no error."""
        with self._lock:  # a try that was given up may come to life when the file is closed
            self.arrived = arrived
            if self._descriptor is not None:
                with suppress(OSError):
                    os.pwrite(self._descriptor, f"{self._token} {arrived:020d}\n".encode(), 0)

    def close(self) -> None:
        """Let other processes have it."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


@contextmanager
def noted(aside: Callable[[], Path] | None, md5: str, remote: str) -> Iterator[Note]:
    """
    Give the note of an object that goes to a remote; one that is kept nowhere where another process has it, or none can
    be.

    It is kept while the object is worth to be gone on with: whoever takes that away on the server says so with
    ``keep(0)``.
    """
    place = descriptor = None
    with suppress(OSError):
        if aside is not None:
            place = aside() / partial.note_name(md5, hashlib.sha256(remote.encode()).hexdigest()[:16])
            descriptor = partial.locked(place)
    note = Note(md5, descriptor)
    try:
        yield note
    finally:
        if place is not None and descriptor is not None and not note.is_worth_it:
            with suppress(OSError):
                place.unlink(missing_ok=True)
        note.close()
