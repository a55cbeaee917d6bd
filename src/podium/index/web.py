"""
A web server, asked for small files with suspicion: bounded in size, time and redirects, and every failure in words.

Only the standard library: what else DVC brings takes half a second to import, as long as a service may take to start.
"""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http import client
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from podium.errors import Unavailable

if TYPE_CHECKING:
    from ssl import SSLContext

TIMEOUT = 15.0
"""Seconds for which a server may keep silent."""
LONGEST = 60.0
"""Seconds that one file may take, with all redirects, however small the pieces in which it comes."""
_REDIRECTS = 5
_CHUNK = 1 << 16
_MOVED = frozenset({301, 302, 303, 307, 308})
_AGAIN = "check the network and the address, then try again"


@dataclass(frozen=True)
class Answer:
    """
    What a server said: ``status`` is 200 (``body`` is all of it), 304 (it is as it was), or one that says it is not
    there.

    ``tag`` and ``modified`` are to be sent with the next question for the same file.
    """

    status: int
    body: bytes = b""
    tag: str = ""
    modified: str = ""


class Foreign(Unavailable):
    """There is an answer, and it is none that a static index gives."""


class Broken(Exception):
    """An answer is not to be used, the next may be; the message completes "it …"."""


class Unusable(Exception):
    """An answer is not to be used, and neither will the next; the message completes "it …"."""


_Origin = tuple[str, str | None, int | None]


class _Connections:
    """The connections of one thread to one server; they end with whoever used them."""

    def __init__(self) -> None:
        self.by_origin: dict[_Origin, client.HTTPConnection] = {}
        weakref.finalize(self, _end, self.by_origin)


def _end(connections: dict[_Origin, client.HTTPConnection]) -> None:
    for connection in connections.values():
        connection.close()
    connections.clear()


@dataclass(frozen=True)
class Server:
    """An address below which files lie; asked from any number of threads, each over connections of its own."""

    url: str
    label: str
    _own: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def get(self, path: str, most: int, *, tag: str = "", modified: str = "", anew: bool = False) -> Answer:
        """
        Ask for a file of at most so many bytes, or, with what the last answer said of it, whether it changed.

        ``anew`` asks caches on the way to look again. Raises Unavailable where there is no answer that can be used.
        """
        headers = {"If-None-Match": tag} if tag else {"If-Modified-Since": modified} if modified else {}
        if anew:
            headers["Cache-Control"] = "no-cache"
        address = f"{self.url}/{path}"
        with self._told(path), self._in_time() as expired:
            try:
                return self._followed(address, headers, most)
            except (client.IncompleteRead, Broken, ConnectionError, client.BadStatusLine):
                if expired.is_set():
                    raise
                self._forget()  # a kept connection that ended meanwhile, or half a body: once more, over a new one
                return self._followed(address, headers, most)

    def _followed(self, address: str, headers: Mapping[str, str], most: int) -> Answer:
        at = urlsplit(address)
        for _ in range(_REDIRECTS):
            answer, target = self._asked(at, headers, most)
            if target is None:
                return answer
            to = urlsplit(urljoin(at.geturl(), target))
            if to.scheme != "https" and _origin(to) != _origin(at):
                raise Unusable("redirects to an address that is neither its own nor https")
            at = to
        raise Unusable("redirects in a circle")

    def _asked(self, at: SplitResult, headers: Mapping[str, str], most: int) -> tuple[Answer, str | None]:
        connection, target = self._connection(at)
        connection.request("GET", target, headers={"User-Agent": "podium", **headers, **self._credentials(at)})
        response = connection.getresponse()
        if response.status in _MOVED:
            response.read(_CHUNK)
            self._forget()
            return Answer(response.status), response.headers.get("Location", "")
        body = _body(response, most) if response.status == 200 else self._skipped(response)
        tag, modified = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
        status = _judged(response.status, conditional=len(headers) > 0)
        return Answer(status, body, _plain(tag), _plain(modified)), None

    def _skipped(self, response: client.HTTPResponse) -> bytes:
        """Drop the body of an answer that is none, with its connection where that is more than a page."""
        response.read(_CHUNK)
        if not response.isclosed():
            self._forget()
        return b""

    def _credentials(self, at: SplitResult) -> dict[str, str]:
        """Give the user and password of the address that was named, to that server only."""
        own = urlsplit(self.url)
        if own.username is None or _origin(own) != _origin(at):
            return {}
        pair = f"{unquote(own.username)}:{unquote(own.password or '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def _connection(self, at: SplitResult) -> tuple[client.HTTPConnection, str]:
        """Give the connection to a server, or to the proxy before it, and what to ask there."""
        kept = self._kept
        target = (at.path or "/") + (f"?{at.query}" if at.query else "")
        proxy = _proxy(at)
        if proxy is not None and at.scheme == "http":
            target = f"http://{at.hostname}{f':{at.port}' if at.port else ''}{target}"
        if _origin(at) not in kept:
            kept[_origin(at)] = self._opened(at, proxy)
        return kept[_origin(at)], target

    def _opened(self, at: SplitResult, proxy: SplitResult | None) -> client.HTTPConnection:
        to = proxy or at
        if not at.hostname or not to.hostname:
            raise Unusable("names no host")
        if at.scheme != "https":
            return client.HTTPConnection(to.hostname, to.port, timeout=TIMEOUT)
        connection = client.HTTPSConnection(to.hostname, to.port, timeout=TIMEOUT, context=self._tls)
        if proxy is not None:
            connection.set_tunnel(at.hostname, at.port)
        return connection

    @cached_property
    def _tls(self) -> SSLContext:
        import ssl

        return ssl.create_default_context()

    @property
    def _kept(self) -> dict[_Origin, client.HTTPConnection]:
        if not hasattr(self._own, "connections"):
            self._own.connections = _Connections()
        connections: _Connections = self._own.connections
        return connections.by_origin

    @contextmanager
    def _in_time(self) -> Iterator[threading.Event]:
        """End whatever is asked in this thread after a while: a server may send a byte of a header now and then."""
        kept, expired = self._kept, threading.Event()

        def expire() -> None:
            expired.set()
            for connection in list(kept.values()):
                with suppress(OSError, AttributeError):  # none is open yet, or it has ended
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

        timer = threading.Timer(LONGEST, expire)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        except (OSError, client.HTTPException, ValueError, Broken):
            if expired.is_set():
                raise Broken(f"takes more than {LONGEST:.0f} seconds") from None
            raise
        finally:
            timer.cancel()

    def _forget(self) -> None:
        """Close this thread's connections."""
        _end(self._kept)

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        try:
            yield
        except (Broken, Unusable) as problem:
            self._forget()
            kind = Unavailable if isinstance(problem, Broken) else Foreign
            raise kind(f"{self.label} cannot be read: {path} {problem}", _AGAIN) from None
        except (OSError, client.HTTPException, ValueError) as problem:  # ValueError: a host or a header that cannot be
            self._forget()
            raise Unavailable(f"{self.label} cannot be read: {_reason(problem)}", _AGAIN) from None


def _origin(at: SplitResult) -> _Origin:
    return at.scheme, at.hostname, at.port


def _body(response: client.HTTPResponse, most: int) -> bytes:
    """Read a whole body; raises Broken where it is too large, too slow, packed, or cut short."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Unusable("comes packed, which was not asked for")
    end = time.monotonic() + LONGEST
    announced = response.length
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > most:
            raise Unusable(f"has more than {most} bytes")
        if time.monotonic() > end:
            raise Broken(f"takes more than {LONGEST:.0f} seconds")
    if announced is not None and size != announced:
        raise Broken(f"was cut short, after {size} of {announced} bytes")
    response.close()  # the connection stays, for the next question
    return b"".join(parts)


def _judged(status: int, *, conditional: bool) -> int:
    """Give a status that is an answer to what was asked; raises Broken for the others."""
    if status in {200, 404, 410} or (status == 304 and conditional):
        return status
    if status in {401, 403, 407}:
        raise Unusable(f"is refused (status {status}): give the address with user and password, or ask for access")
    raise (Unusable if status < 500 and status not in {408, 429} else Broken)(f"is answered with status {status}")


def _plain(header: str) -> str:
    """Give a header that may be sent back; an odd one is dropped."""
    return header if len(header) <= 200 and header.isascii() and header.isprintable() else ""


def _proxy(at: SplitResult) -> SplitResult | None:
    if not any(name.lower() in {f"{at.scheme}_proxy", "all_proxy"} for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    found = getproxies()
    address = found.get(at.scheme) or found.get("all")
    if not address or proxy_bypass(at.hostname or ""):
        return None
    return urlsplit(address if "://" in address else f"http://{address}")


def _reason(problem: Exception) -> str:
    if isinstance(problem, socket.gaierror):
        return "its host is not known"
    if isinstance(problem, TimeoutError):
        return f"no answer within {TIMEOUT:.0f} seconds"
    if isinstance(problem, client.HTTPException):
        return "its answer is no HTTP, or was cut short"
    verify = getattr(problem, "verify_message", "")
    return f"its certificate is not trusted: {verify}" if verify else str(getattr(problem, "strerror", None) or problem)
