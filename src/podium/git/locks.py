"""Locks between processes, each in a file: they end with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from podium.errors import Unavailable


@contextmanager
def lock(path: Path, what: str, patience: float) -> Iterator[int]:
    """
    Hold a lock that ends with the process, however that ends; give the open file.

    Raises Unavailable where it cannot be had within ``patience`` seconds.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise Unavailable(
            f"the lock {path} cannot be made: {error.strerror}", "see to its permissions and the disk"
        ) from None
    try:
        _wait(handle, what, patience)
        yield handle
    finally:
        os.close(handle)


def _wait(handle: int, what: str, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise Unavailable(
                    f"another podium has {what} for itself since {patience:.0f} seconds", "let it end"
                ) from None
            time.sleep(0.02)
        else:
            return
