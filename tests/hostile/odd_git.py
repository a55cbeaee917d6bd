"""A Git server that speaks Git's own protocol on a port, in odd ways: `git://HOST/WAY` chooses which."""

from __future__ import annotations

import os
import socketserver
import threading
import zlib
from contextlib import contextmanager, suppress

ID = b"1234567890123456789012345678901234567890"
ABLE = b"\0multi_ack_detailed side-band-64k ofs-delta symref=HEAD:refs/heads/main agent=odd\n"
TREE, BLOB = 2, 3


def packet(content: bytes) -> bytes:
    return b"%04x" % (len(content) + 4) + content


def size(kind: int, length: int) -> bytes:
    """Give the head of an object in a pack."""
    first, length = (kind << 4) | (length & 15), length >> 4
    found = bytearray()
    while length:
        found.append(first | 128)
        first, length = length & 127, length >> 7
    return bytes([*found, first])


class Handler(socketserver.StreamRequestHandler):
    """Answers one request in the way that the path names."""

    def handle(self) -> None:
        with suppress(OSError, ValueError):
            request = self.heard()
            way = request.split(b"\0")[0].split(b"/")[-1].decode()
            self.server.asked.append(way)
            getattr(self, f"way_{way.replace('-', '_')}")()

    def heard(self) -> bytes:
        length = int(self.rfile.read(4), 16)
        return self.rfile.read(length - 4) if length else b""

    def say(self, content: bytes) -> None:
        self.wfile.write(content)

    def for_ever(self, content: bytes, pause: float = 0.0) -> None:
        while not self.server.ended.wait(pause) if pause else True:
            self.wfile.write(content)

    def refs(self) -> None:
        self.say(packet(ID + b" HEAD" + ABLE) + packet(ID + b" refs/heads/main\n") + b"0000")

    def asked_for_a_pack(self) -> None:
        """Answer as any server would, up to the pack."""
        self.refs()
        if not self.heard():  # who only lists refs says good-bye
            raise ValueError
        while self.heard() != b"done\n":
            pass
        self.say(packet(b"NAK\n"))

    def send(self, content: bytes, band: int = 1) -> None:
        for start in range(0, len(content), 65000):
            self.say(packet(bytes([band]) + content[start : start + 65000]))

    # --- what it has

    def way_hangs(self) -> None:
        self.server.ended.wait(600)

    def way_drips(self) -> None:
        for byte in packet(ID + b" HEAD" + ABLE) * 1000:
            self.say(bytes([byte]))
            self.server.ended.wait(0.05)

    def way_endless_refs(self) -> None:
        self.say(packet(ID + b" HEAD" + ABLE))
        number = 0
        while True:
            lot = b"".join(packet(ID + b" refs/heads/%012d\n" % (number + one)) for one in range(1000))
            self.say(lot)
            number += 1000

    def way_floods(self) -> None:
        self.for_ever(os.urandom(1 << 16))

    def way_lies(self) -> None:
        self.say(packet(b"ERR come in, hunter2 \x1b]0;owned\x07\n"))

    # --- what it sends

    def way_then_hangs(self) -> None:
        self.asked_for_a_pack()
        self.server.ended.wait(600)

    def way_then_drips(self) -> None:
        self.asked_for_a_pack()
        self.for_ever(packet(b"\2x"), 0.05)

    def way_endless_words(self) -> None:
        self.asked_for_a_pack()
        words = packet(b"\2" + b"word " * 12000 + b"\n")
        self.for_ever(words)

    def way_endless_pack(self) -> None:
        self.asked_for_a_pack()
        self.send(b"PACK\0\0\0\2\0\x0f\xff\xff")
        while True:
            content = os.urandom(1 << 20)
            self.send(size(BLOB, len(content)) + zlib.compress(content, 0))

    def way_bomb(self) -> None:
        """A tree of 3 GB, which packs to a thousandth."""
        self.asked_for_a_pack()
        self.send(b"PACK\0\0\0\2\0\0\0\1" + size(TREE, 3 << 30))
        packer, blanks = zlib.compressobj(9), bytes(1 << 20)
        for _ in range(3 << 10):
            self.send(packer.compress(blanks))
        self.send(packer.flush())


class Server(socketserver.ThreadingTCPServer):
    """What it was asked is in `asked`."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.ended = threading.Event()

    def url(self, way: str) -> str:
        return f"git://127.0.0.1:{self.server_address[1]}/{way}"

    def handle_error(self, *_: object) -> None:
        """Say nothing of who has gone away."""


@contextmanager
def serving():
    """Serve until the end of the block."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.ended.set()
        server.shutdown()
        thread.join()
