"""
Turns between the processes of one machine: first come, first served, by tickets that end with the process, however that
ends.

A ticket is a file with a number, locked by whoever drew it. Who waits looks at the next lower one only: as soon as
nobody holds that any more, at the one below it. So nobody is overtaken, and one process wakes up for each turn.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PAUSE = 0.02
"""Seconds between two looks at the ticket before one's own."""
_LOOK = 1.0
"""Seconds between two looks at whether the line moves."""


@contextmanager
def turn(folder: Path, patience: float) -> Iterator[None]:
    """
    Take a turn; where the file system has no locks, at once.

    Where the line has not moved for ``patience`` seconds, one goes ahead: whoever has the turn may hang.
    """
    ticket: tuple[int, Path] | None = None
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        ticket = _draw(folder)
    try:
        if ticket is not None:
            _wait(ticket[1], patience)
        yield
    finally:
        if ticket is not None:
            ticket[1].unlink(missing_ok=True)
            os.close(ticket[0])


def _draw(folder: Path) -> tuple[int, Path]:
    """Draw the next ticket, as an open file with a lock on it; raises OSError."""
    with (folder / "lock").open("ab") as door:
        fcntl.flock(door, fcntl.LOCK_EX)  # for as long as a file is made: no ticket is seen before it is locked
        place = folder / f"{max(_numbers(folder), default=0) + 1:016d}"
        ticket = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(ticket, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(ticket)
            place.unlink()
            raise
    return ticket, place


def _wait(ticket: Path, patience: float) -> None:
    """Wait until every lower ticket is given back, or none of them has been for so many seconds."""
    own = int(ticket.name)
    moved, before = time.monotonic(), _before(ticket.parent, own)
    while time.monotonic() - moved < patience:
        while before and not _is_held(ticket.parent / f"{before[-1]:016d}"):
            before.pop()
        if not before:
            return
        looked = time.monotonic()
        while time.monotonic() - looked < _LOOK and _is_held(ticket.parent / f"{before[-1]:016d}"):
            time.sleep(_PAUSE)
        left = _before(ticket.parent, own)
        if left != before:
            moved, before = time.monotonic(), left


def _is_held(ticket: Path) -> bool:
    """Tell whether somebody holds a ticket; one that a killed process left is taken away."""
    try:
        handle = os.open(ticket, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    ticket.unlink(missing_ok=True)  # its number is not drawn again while a higher one, ours, is there
    return False


def _before(folder: Path, own: int) -> list[int]:
    """Give the tickets below one's own, in order."""
    return sorted(number for number in _numbers(folder) if number < own)


def _numbers(folder: Path) -> Iterator[int]:
    return (int(place.name) for place in folder.iterdir() if place.name.isdecimal())
