"""
Proofs: which files on disk were hashed, and how they looked when they were.

A file whose inode, size and times are those of the proof has the content that was hashed; any other is hashed again. So
proofs can be lost, outdated or overwritten by another process without harm. Knows neither DVC nor fsspec.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from podium.storage import arrivals, hashing, looks
from podium.storage.hashing import Sums
from podium.storage.looks import Looks

Proofs = dict[str, tuple[Looks, Sums]]
"""By path or hash: how the file looked, and what its content was."""

STALE = 24 * 3600
"""Seconds after which a temporary file was left by a process that is gone."""
UNFINISHED = re.compile(r"\.podium-(?:[0-9a-f]+-)?[0-9a-f]{16}(?:-[0-9a-f]+)?\.tmp")
"""What temporary files of podium's are called, wherever they lie."""
_TICK_NS = 10_000_000
"""File systems stamp changes by the kernel's tick; within one, a second change leaves the same time."""


def settle(newest_ctime_ns: int) -> None:
    """Wait (10 ms at most) until a change of the file would show in its times."""
    wait = newest_ctime_ns + _TICK_NS - time.time_ns()
    if 0 < wait <= _TICK_NS:
        time.sleep(wait / 1e9)


def look(path: str | Path, *, named: bool = True) -> tuple[Looks, Sums] | None:
    """
    Hash a plain file; ``None`` where there is none, where it is a link, or where it changed meanwhile.

    ``named`` is with its MD5.
    """
    try:
        descriptor = arrivals.plain(str(path), os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        before = os.fstat(descriptor)
        settle(before.st_ctime_ns)
        try:
            sums = hashing.of_chunks(hashing.chunks_of(stream), named=named)
        except OSError:  # a bad sector is no proof
            return None
        return (looks.of(before), sums) if looks.of(os.fstat(descriptor)) == looks.of(before) else None


def sums(path: str) -> Sums | None:
    """Give the sums of a plain file, without its MD5; ``None`` as ``look``."""
    found = look(path, named=False)
    return found[1] if found is not None else None


def read(path: Path) -> Proofs:
    """Read proofs; none where there are none or where they are damaged."""
    try:
        return {
            name: (_checked_looks(seen), Sums(int(seen[1]), str(md5), str(sha256)))
            for name, (seen, md5, sha256) in json.loads(arrivals.read(str(path))).items()
        }
    except (OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError):
        return {}


def _checked_looks(seen: Iterable[int]) -> Looks:
    inode, size, modified, changed = seen
    return inode, size, modified, changed


def write(path: Path, proofs: Mapping[str, tuple[Looks, Sums]]) -> None:
    """Write proofs, whole or not at all; that they can't be kept is no error."""
    content = {name: [seen, sums.md5, sums.sha256] for name, (seen, sums) in proofs.items()}
    write_bytes(path, json.dumps(content).encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that can be made again, whole or not at all; that it can't be kept is no error."""
    with suppress(OSError):
        replace(path, content)


def replace(path: Path, content: bytes) -> None:
    """Write a file, as the umask has it, whole or not at all; raises OSError."""
    temporary = temporary_in(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException:
        remove(temporary)
        raise


def temporary_in(folder: Path) -> Path:
    """Give a name nobody else uses, which everybody knows to be unfinished."""
    return folder / f".podium-{secrets.token_hex(8)}.tmp"


def sweep(folder: Path) -> None:
    """Remove what dead processes left half done in a folder, once it is a day old."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if UNFINISHED.fullmatch(entry.name)]:
            if time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE:
                remove(Path(entry.path))


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds, if it is there; links are removed, not followed."""
    import shutil

    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
