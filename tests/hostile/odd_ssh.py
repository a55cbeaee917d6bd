"""An ssh server that says hello, lets nobody in, or floods who came in, in odd ways."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import asyncssh


class Login(asyncssh.SSHServer):
    """Lets everybody in, after a word if one is given; ``never``: it thinks about it without end."""

    def __init__(self, never: bool = False, word: str = "", says: bytes | None = None) -> None:
        self._never, self._word, self._says = never, word, says
        self._line = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._line = conn

    async def begin_auth(self, username: str) -> bool:
        for _ in range(200 if self._word else 0):
            self._line.send_auth_banner(self._word)
        if self._never:
            await asyncio.sleep(600)
        return False

    def session_requested(self):
        return False if self._says is None else Session(self._says)


class Session(asyncssh.SSHServerSession):
    """Grants whatever is asked for, and says something, again and again; nothing at all if that is empty."""

    def __init__(self, says: bytes) -> None:
        self._says, self._line, self._full = says, None, False

    def connection_made(self, chan: asyncssh.SSHServerChannel) -> None:
        self._line = chan

    def subsystem_requested(self, subsystem: str) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        return True

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self.session_started()

    def session_started(self) -> None:
        with contextlib.suppress(OSError, asyncssh.Error):
            while self._says and not self._full:
                self._line.write(self._says)


def raw(way: str):
    """Give who talks to a connection before there is any ssh."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError), contextlib.closing(writer):
            while way != "silent":
                writer.write({"drips": b"x", "one-line": b"x" * 65536, "lines": b"hello\r\n" * 9000}[way])
                await writer.drain()
                await asyncio.sleep(0.1 if way == "drips" else 0)
            await asyncio.sleep(600)

    return talk


LOGINS = {
    "thinks": lambda: Login(never=True),
    "words": lambda: Login(never=True, word="hunter2 \x1b]0;owned\x07" * 1000),
    "refuses": Login,
    "quiet": lambda: Login(says=b""),
    "floods": lambda: Login(says=os.urandom(1 << 16)),
    "packets": lambda: Login(says=b"\xff\xff\xff\xf0" + bytes(1 << 16)),
}


@contextlib.contextmanager
def serving(way: str, key: Path) -> Iterator[int]:
    """Serve in a thread until the end of the block; gives the port."""
    ready: SimpleQueue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = SimpleQueue()

    async def serve() -> None:
        if way in LOGINS:
            server = await asyncssh.create_server(
                LOGINS[way], "127.0.0.1", 0, server_host_keys=[str(key)], encoding=None
            )
            port = server.get_port()
        else:
            server = await asyncio.start_server(raw(way), "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
        ended = asyncio.Event()
        ready.put((port, asyncio.get_running_loop(), ended))
        await ended.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    port, loop, ended = ready.get(timeout=30)
    yield port
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
