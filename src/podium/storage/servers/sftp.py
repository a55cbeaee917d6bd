"""What ssh's file system of DVC's does otherwise than podium needs it, or not at all."""

from __future__ import annotations

import errno
from typing import Any


def touch(filesystem: Any, place: str) -> bool:
    """Let a file count as written now, by this machine's clock; False where the server does not let this user."""
    from asyncssh import SFTPFailure, SFTPNoSuchFile, SFTPOpUnsupported, SFTPPermissionDenied
    from fsspec.asyn import sync

    async def touched() -> None:
        async with filesystem._pool.get() as channel:  # noqa: SLF001
            await channel.utime(place)

    try:
        sync(filesystem.loop, touched)
    except SFTPNoSuchFile:
        raise FileNotFoundError(errno.ENOENT, "it is gone", place) from None
    except (SFTPFailure, SFTPOpUnsupported, SFTPPermissionDenied):
        return False
    return True


def abandon(stream: Any) -> None:
    """
    Let a file go that its server says nothing of.

    It would close itself with its last reference, and wait for the server: when the program ends, for an answer that
    nobody takes any more.
    """
    if type(stream).__module__ == "sshfs.file":
        stream._closed = True  # noqa: SLF001


def is_connected(filesystem: Any) -> bool:
    """Tell whether a connection is still there."""
    return not filesystem.client.is_closed()
