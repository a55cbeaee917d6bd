"""A web server that hands out a folder by HTTP, WebDAV or S3, each in an odd way: `http://HOST/WAY/…` chooses which."""

from __future__ import annotations

import gzip
import http.server
import socketserver
import threading
import zlib
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

FOUND = "<D:propstat><D:prop>{}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
ITEM = f"<D:response><D:href>{{}}</D:href>{FOUND}</D:response>"
LIST = '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">{}</D:multistatus>'
BOMB = '<!DOCTYPE l [<!ENTITY a "{}">{}]>'.format(
    "x" * 100, "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
)


@cache
def packed(size: int) -> bytes:
    """Give so many MB of blanks, as a thousandth of it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b" " * (1 << 20)) for _ in range(size)) + packer.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers in the way that the first part of the path names."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        with suppress(OSError):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            _, way, *rest = unquote(urlsplit(self.path).path).split("/")
            self.server.asked.append((self.command, self.path, str(self.headers)))
            self.place = self.server.folder.joinpath(*rest)
            self.whole = self.place.read_bytes() if self.place.is_file() else b""
            status, _, _ = way.partition("-")
            if status.isdigit():
                self.say(int(status), b"no", **{"Retry-After": way.partition("-")[2]})
            else:
                getattr(self, f"way_{way.replace('-', '_')}")()

    def __getattr__(self, name: str):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        pass

    def say(self, status: int, body: bytes = b"", length: int | str | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def raw(self, content: bytes) -> None:
        self.wfile.write(content)
        self.close_connection = True

    def for_ever(self, content: bytes, pause: float = 0.0) -> None:
        while not self.server.ended.wait(pause) if pause else True:
            self.wfile.write(content)
            self.wfile.flush()

    def way_plain(self) -> None:
        if self.command == "OPTIONS":
            self.say(200, DAV="1")
        elif not self.place.exists():
            self.say(404)
        elif self.command == "PROPFIND":
            length = f"<D:resourcetype/><D:getcontentlength>{len(self.whole)}</D:getcontentlength>"
            own = length if self.place.is_file() else "<D:resourcetype><D:collection/></D:resourcetype>"
            self.say(207, LIST.format(ITEM.format(urlsplit(self.path).path, own)).encode())
        else:
            self.say(200, self.whole)

    # --- too little

    def way_hangs(self) -> None:
        self.server.ended.wait(60)

    def way_hangs_later(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        self.wfile.flush()
        self.server.ended.wait(60)

    def way_drips(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(self.whole) or 5000))
        for byte in self.whole or b" " * 5000 if self.command != "HEAD" else b"":
            self.wfile.write(bytes([byte]))
            self.server.ended.wait(0.1)

    def way_drips_headers(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nX-")
        self.for_ever(b"x", 0.1)

    def way_half(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.whole)))
        self.end_headers()
        self.raw(self.whole[: len(self.whole) // 2] if self.command != "HEAD" else b"")

    def way_empty(self) -> None:
        self.say(200)

    # --- too much

    def way_endless(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/xml\r\n\r\n")
        self.for_ever(b" " * 65536)

    def way_headers(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\n")
        self.for_ever(b"X-Y: " + b"a" * 65000 + b"\r\n")

    def way_one_header(self) -> None:
        self.raw(b"HTTP/1.1 200 OK\r\nX-Y: ")
        self.for_ever(b"a" * 65536)

    def way_packed(self) -> None:
        self.say(207 if self.command == "PROPFIND" else 200, self.server.bomb, **{"Content-Encoding": "gzip"})

    def way_packed_well(self) -> None:
        self.say(200, gzip.compress(self.whole), **{"Content-Encoding": "gzip"})

    def way_longer(self) -> None:
        self.say(200, self.whole + b"x")

    def way_length_lies(self) -> None:
        self.say(200, self.whole, 10**30)
        self.close_connection = True

    def way_length_odd(self) -> None:
        self.say(200, self.whole, "abc")
        self.close_connection = True

    # --- something else

    def way_login(self) -> None:
        self.say(200, b"<html><form>Please log in</form></html>", **{"Content-Type": "text/html"})

    def way_flipped(self) -> None:
        self.say(200, bytes([self.whole[0] ^ 1]) + self.whole[1:] if self.whole else b"")

    def way_garbage(self) -> None:
        self.raw(b"\0\xff no HTTP at all" * 100)

    def way_part(self) -> None:
        self.say(206, self.whole[:5], **{"Content-Range": f"bytes 0-4/{len(self.whole)}"})

    def way_moves_on(self) -> None:
        self.say(307, Location=f"http://localhost:{self.server.other}/plain/" + self.path.split("/", 2)[2])

    def way_circle(self) -> None:
        self.say(302, Location=self.path)

    def way_to_file(self) -> None:
        self.say(302, Location="file:///etc/passwd")

    def way_to_gopher(self) -> None:
        self.say(302, Location="gopher://127.0.0.1/x")

    # --- lists

    def listed(self, text: str) -> None:
        self.say(
            207, text.encode(), **{"Content-Type": "application/xml"}
        ) if self.command == "PROPFIND" else self.way_plain()

    def way_bomb(self) -> None:
        self.listed(f'<?xml version="1.0"?>{BOMB}' + LIST.format("<D:response><D:href>&m;</D:href></D:response>")[21:])

    def way_entity(self) -> None:
        head = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        self.listed(head + LIST.format("<D:response><D:href>&a;</D:href></D:response>")[21:])

    def way_deep(self) -> None:
        self.listed(LIST.format("<a>" * 2_000_000))

    def way_no_xml(self) -> None:
        self.listed("hello")

    def way_no_address(self) -> None:
        self.listed(LIST.format("<D:response/>"))

    def way_other_address(self) -> None:
        self.listed(LIST.format(ITEM.format("/etc/passwd", "")))


class Server(socketserver.ThreadingTCPServer):
    """What it was asked is in `asked`; `other` is the port of the server to which one way leads."""

    daemon_threads = True
    request_queue_size = 100
    bomb = b""

    def __init__(self, folder: Path, other: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.other = folder, other
        self.asked: list[tuple[str, str, str]] = []
        self.ended = threading.Event()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def handle_error(self, *_: object) -> None:
        """Say nothing of who has gone away."""


@contextmanager
def serving(folder: Path, other: int = 0):
    """Serve a folder until the end of the block."""
    with Server(folder, other) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.ended.set()
        server.shutdown()
        thread.join()
