"""
A file on its way to an ssh server: written under a name of its own, and gone on with where a connection or a run broke off.

Only what the server said that it wrote counts, and the last of that is read back and compared before more is added: a server
that went down itself may have lost it. Nothing is ever cut off, so that a try that was given up and comes to life again can
only write the same bytes to the same places. At the end the server is asked whether it has all of it, and no more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from podium.storage.failures import Broken

_PIECE = 1 << 20
_AT_ONCE = 8
"""Pieces under way at a time: as much as a quick line takes while the server's word comes back."""
TAIL = 4 << 20
"""Bytes that are read back."""


@dataclass
class Upload:
    """
    A file, the name under which it arrives, and the bytes from its beginning that the server has said it wrote.

    ``keep`` is told of these whenever they change.
    """

    source: Path
    target: str
    arrived: int = 0
    keep: Callable[[int], object] = int

    def put(self, filesystem: Any, callback: Any) -> None:
        """Send what has not arrived; tells ``callback`` of all, what had arrived included."""
        from fsspec.asyn import sync
        from sshfs.utils import wrap_exceptions

        sync(filesystem.loop, wrap_exceptions(self._put), filesystem, callback)

    async def _put(self, filesystem: Any, callback: Any) -> None:
        from asyncssh import FXF_CREAT, FXF_READ, FXF_WRITE
        from sshfs.utils import WRITE_BLOCK_SIZE

        how = FXF_CREAT | FXF_READ | FXF_WRITE
        async with (
            filesystem._pool.get() as channel,  # noqa: SLF001 - DVC's client has no other way to one
            channel.open(self.target, how, encoding=None, block_size=WRITE_BLOCK_SIZE) as far,
        ):
            with self.source.open("rb") as near:
                if self.arrived and not await self._is_there(near, far):
                    self.note(0)
                callback.relative_update(self.arrived)
                await self._send(near, far, callback)
            if self.arrived >= _PIECE:
                self.compare((await far.stat()).size, "an ssh server")

    def compare(self, found: int, who: str) -> None:
        """Make sure that a server has as many bytes as there are; raises Broken, and begins anew the next time."""
        if found != self.source.stat().st_size:
            self.note(0)
            raise Broken(f"{who} has {found} bytes of a file, not those that were sent", "see who writes there")

    def note(self, arrived: int) -> None:
        """Take note of how much the server has."""
        self.arrived = arrived
        self.keep(arrived)

    async def _is_there(self, near: BinaryIO, far: Any) -> bool:
        """Tell whether the end of what arrived is what was sent."""
        start = max(0, self.arrived - TAIL)
        near.seek(start)
        return bool(await far.read(self.arrived - start, start) == near.read(self.arrived - start))

    async def _send(self, near: BinaryIO, far: Any, callback: Any) -> None:
        near.seek(self.arrived)
        under_way: deque[tuple[int, int, asyncio.Task[int]]] = deque()
        place = self.arrived
        try:
            while (piece := near.read(_PIECE)) or under_way:
                if piece:
                    task = asyncio.ensure_future(far.write(piece, place))
                    place += len(piece)
                    under_way.append((len(piece), place, task))
                if len(under_way) >= _AT_ONCE or not piece:
                    length, end, task = under_way.popleft()
                    await task
                    self.note(max(self.arrived, end))  # a try that was given up may have come further
                    callback.relative_update(length)
        finally:
            for *_, task in under_way:
                task.cancel()
            await asyncio.gather(*(task for *_, task in under_way), return_exceptions=True)
