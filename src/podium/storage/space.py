"""Room on a disk: asked for before bytes are brought, and told of where it ran out."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from podium.errors import Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT}
MAKE_ROOM = "free some (`podium gc`), or give the cache another disk (`dvc cache dir --local FOLDER`)"
THE_CACHE = "the cache"
_RESERVE = 1 << 20
"""Bytes left over for names, folders and records."""


def check(folder: Path, needed: int, what: str, hint: str) -> None:
    """Make sure that so many bytes fit below a folder, which need not be there yet; raises Unavailable."""
    free = free_below(folder)
    if free is not None and needed + _RESERVE > free:
        raise Unavailable(f"{what} needs {_shown(needed)}, and there are {_shown(free)} free in {folder}", hint)


def free_below(folder: Path) -> int | None:
    """Give the bytes that may be written below a folder; ``None`` where the system does not say."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def is_full(error: OSError) -> bool:
    """Tell whether a disk, or what one may have of it, was full."""
    return error.errno in _FULL


@contextmanager
def told(what: str = "this machine's disk") -> Iterator[None]:
    """Say in words where a disk does not take or give something; raises Unavailable."""
    try:
        yield
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        reason = error.strerror or error
        if is_full(error):
            room = MAKE_ROOM if what == THE_CACHE else "make room there, then run it again"
            raise Unavailable(f"{what}{where} is full: {reason}", room) from None
        raise Unavailable(f"{what}{where} cannot be used: {reason}", "mend it, then run it again") from None


def _shown(size: int) -> str:
    for unit, digits in (("GB", 9), ("MB", 6), ("kB", 3)):
        if size >= 10**digits:
            return f"{size / 10**digits:.1f} {unit}"
    return f"{size} bytes"
