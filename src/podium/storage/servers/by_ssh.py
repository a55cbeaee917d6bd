"""
A file on its way to an ssh server: written under a name of its own, and gone on with where a connection or a run broke
off.

Only what the server said that it wrote counts, and the last of that is read back and compared before more is added: a
server that went down itself may have lost it. Nothing is ever cut off, so that a try that was given up and comes to
life again can only write the same bytes to the same places. At the end the server is asked whether it has all of it,
and no more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, BinaryIO

from podium.storage.servers.under_way import TAIL, Upload

_PIECE = 1 << 20
_AT_ONCE = 8
"""Pieces under way at a time: as much as a quick line takes while the server's word comes back."""


def put(upload: Upload, filesystem: Any, callback: Any) -> None:
    """Send what has not arrived; tells ``callback`` of all, what had arrived included."""
    from fsspec.asyn import sync
    from sshfs.utils import wrap_exceptions

    sync(filesystem.loop, wrap_exceptions(_put), upload, filesystem, callback)


async def _put(upload: Upload, filesystem: Any, callback: Any) -> None:
    from asyncssh import FXF_CREAT, FXF_READ, FXF_WRITE
    from sshfs.utils import WRITE_BLOCK_SIZE

    how = FXF_CREAT | FXF_READ | FXF_WRITE
    async with (
        filesystem._pool.get() as channel,  # noqa: SLF001 - DVC's client has no other way to one
        channel.open(upload.target, how, encoding=None, block_size=WRITE_BLOCK_SIZE) as far,
    ):
        with upload.source.open("rb") as near:
            if upload.arrived and not await _is_there(upload, near, far):
                upload.note(0)
            callback.relative_update(upload.arrived)
            await _send(upload, near, far, callback)
        if upload.arrived >= _PIECE:
            upload.compare((await far.stat()).size, "an ssh server")


async def _is_there(upload: Upload, near: BinaryIO, far: Any) -> bool:
    """Tell whether the end of what arrived is what was sent."""
    start = max(0, upload.arrived - TAIL)
    near.seek(start)
    return bool(await far.read(upload.arrived - start, start) == near.read(upload.arrived - start))


async def _send(upload: Upload, near: BinaryIO, far: Any, callback: Any) -> None:
    near.seek(upload.arrived)
    under_way: deque[tuple[int, int, asyncio.Task[int]]] = deque()
    place = upload.arrived
    try:
        while (piece := near.read(_PIECE)) or under_way:
            if piece:
                task = asyncio.ensure_future(far.write(piece, place))
                place += len(piece)
                under_way.append((len(piece), place, task))
            if len(under_way) >= _AT_ONCE or not piece:
                length, end, task = under_way.popleft()
                await task
                upload.note(max(upload.arrived, end))  # a try that was given up may have come further
                callback.relative_update(length)
    finally:
        for *_, task in under_way:
            task.cancel()
        await asyncio.gather(*(task for *_, task in under_way), return_exceptions=True)
