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


def is_connected(filesystem: Any) -> bool:
    """Tell whether a connection is still there."""
    return not filesystem.client.is_closed()
