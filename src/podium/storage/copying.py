"""One file's bytes in another: blocks that both share if the disk can do that, a link, or a copy inside the kernel."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from podium.storage import arrivals

_PIECE = 16 << 20
"""Bytes copied by the kernel between two words about how far it is."""
_SMALL = 1 << 20
"""Bytes up to which reading and writing is quicker than asking the kernel to."""
_FICLONE = 0x40049409
"""Linux: let two files share their blocks until one of them changes."""
_CANNOT_CLONE: set[int] = set()
"""Devices where files could not share blocks: asking again for each file would cost more than it gives."""
_NOT_HERE = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM}


def fill(source: int, target: int, told: Callable[[int], object]) -> None:
    """Copy a file (both given by descriptor) to its end; says how many bytes, every now and then. Raises OSError."""
    size = os.fstat(source).st_size
    if clone(source, target):
        told(size)
    elif size <= _SMALL:
        arrivals.write(target, arrivals.rest_of(source, size))
        told(size)
    else:
        _by_the_kernel(source, target, told)


def copied(source: str, target: str) -> None:
    """Make a new file, for its owner to write to, with the bytes of another; raises OSError."""
    original = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        copy = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            fill(original, copy, bool)
        finally:
            os.close(copy)
    finally:
        os.close(original)


def linked(source: str, target: str) -> bool:
    """Make a hard link; False where the file system has none, or no more, or the file lies on another one."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def cloned(source: str, target: str, device: int) -> bool:
    """Make a new file that shares its blocks with another, on this device; False, and no file, where that can't be."""
    if device in _CANNOT_CLONE:
        return False
    with open(source, "rb") as original, open(target, "xb") as copy:
        shared = clone(original.fileno(), copy.fileno())
    if not shared:
        os.unlink(target)
    return shared


def shares_blocks(source: Path, target: Path) -> bool:
    """Tell whether files in one folder could share their blocks with files in another: then copies need no room."""
    try:
        if os.stat(source).st_dev != os.stat(target).st_dev:
            return False
        with tempfile.TemporaryFile(dir=source) as one, tempfile.TemporaryFile(dir=target) as other:
            return clone(one.fileno(), other.fileno())
    except OSError:
        return False


def _by_the_kernel(source: int, target: int, told: Callable[[int], object]) -> None:
    try:
        while hasattr(os, "copy_file_range") and (copied := os.copy_file_range(source, target, _PIECE)):
            told(copied)
    except OSError as error:  # not between all file systems
        if error.errno not in _NOT_HERE:
            raise
    while chunk := os.read(source, _SMALL):
        arrivals.write(target, chunk)
        told(len(chunk))


def clone(source: int, target: int) -> bool:
    """Let an empty file share the blocks of another (btrfs, XFS, bcachefs); False where that can't be."""
    device = os.fstat(target).st_dev
    if device in _CANNOT_CLONE or not sys.platform.startswith("linux"):
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        _CANNOT_CLONE.add(device)
        return False
    return True
