"""
What podium steers the clients of HTTP, WebDAV and S3 by, so that a hostile server gets nothing it should not have.

No server fills this machine's memory: what is not an object's own bytes is small, and nothing is unpacked on the way.
No redirect carries credentials to another place.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

LARGEST = 16 << 20
"""Bytes that an answer may have which is no object's, or a block of one: a list of some 20,000 objects in a folder."""
_LARGEST_OF_ONE = 64 << 10
"""Bytes that an answer may have which is about one object."""
_MOST_TAGS = 400_000
"""Tags in a list as XML, each of which takes fifty times its own bytes as long as it is read."""
_LISTS = {"list-type", "uploads", "uploadId"}
"""What S3 is asked for that answers with XML."""
_OBJECT = re.compile(r"/[0-9a-f]{30}(?:\.dir)?/?\Z")
_UNPACKED = {"Accept-Encoding": "identity"}
_CREDENTIALS = ("authorization", "cookie")


class TooLong(Exception):
    """An answer is longer than any that was asked for, or packed."""


def steer(filesystem: Any, path: str) -> None:
    """Set the options of a file system of DVC's, before its client is made; ``path`` is where the remote is on it."""
    kind = str(filesystem.protocol)
    if kind in {"http", "https"}:
        _steer_http(filesystem, path)
    elif kind in {"webdav", "webdavs"}:
        _steer_webdav(filesystem)
    elif kind == "s3":
        _steer_s3(filesystem)


def _is_elsewhere(own: str, other: str) -> bool:
    """Tell whether an address is of another server, or of the same one by other means."""
    one, two = urlsplit(own), urlsplit(other)
    return (one.scheme, one.hostname, one.port) != (two.scheme, two.hostname, two.port)


def _own_headers(filesystem: Any) -> tuple[str, ...]:
    """Give the names of headers that hold credentials."""
    custom = filesystem.config.get("custom_auth_header")
    return (*_CREDENTIALS, str(custom).lower()) if custom else _CREDENTIALS


# --- HTTP


def _steer_http(filesystem: Any, url: str) -> None:
    import aiohttp

    async def redirected(_session: Any, _context: Any, told: Any) -> None:
        target = urljoin(str(told.url), told.response.headers.get("Location", ""))
        if _is_elsewhere(str(told.url), target):
            for name in own:
                told.headers.popall(name, None)

    own = _own_headers(filesystem)
    at = urlsplit(url)
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(redirected)
    options = filesystem.fs_args.setdefault("client_kwargs", {})
    options["headers"] = {**options.get("headers", {}), **_UNPACKED}
    options["auto_decompress"] = False
    options["trace_configs"] = [trace]
    if at.scheme and at.netloc:
        options["base_url"] = f"{at.scheme}://{at.netloc.rpartition('@')[2]}"  # a password is for this server only


# --- WebDAV


def _steer_webdav(filesystem: Any) -> None:
    own, at = _own_headers(filesystem), str(filesystem.config.get("url") or "")

    def asking(request: Any) -> None:
        if _is_elsewhere(at, str(request.url)):
            for name in own:
                request.headers.pop(name, None)

    def answered(response: Any) -> None:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise TooLong
        lists = response.request.method == "PROPFIND" and not _OBJECT.search(response.request.url.path)
        if response.request.method != "GET" or response.status_code >= 300:
            response.stream = _bounded(response.stream, LARGEST if lists else _LARGEST_OF_ONE)

    options = filesystem.fs_args
    options["headers"] = {**(options.get("headers") or {}), **_UNPACKED}
    options["event_hooks"] = {"request": [asking], "response": [answered]}


def _bounded(stream: Any, most: int) -> Any:
    import httpx

    class Bounded(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            size = tags = 0
            for chunk in stream:
                size += len(chunk)
                tags += chunk.count(b"<")
                if size > most or tags > _MOST_TAGS:
                    raise TooLong
                yield chunk

        def close(self) -> None:
            stream.close()

    return Bounded()


# --- S3


def _steer_s3(filesystem: Any) -> None:
    """Ask once (S3's client would try five times, and five times again, unsaid), and take no more than is asked."""
    from aiobotocore.config import AioConfig

    options = filesystem.fs_args.setdefault("config_kwargs", {})
    options["retries"] = {"total_max_attempts": 1}
    if "http_session_cls" in inspect.signature(AioConfig.__init__).parameters:
        options["http_session_cls"] = _bounded_session()


def _bounded_session() -> type:
    from aiobotocore.httpsession import AIOHTTPSession

    answer = _bounded_answer()

    class Session(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore has no types
        async def _get_session(self, proxy_url: str | None) -> Any:
            session = await super()._get_session(proxy_url)
            session._response_class = answer  # noqa: SLF001
            return session

        async def send(self, request: Any) -> Any:
            request.headers.pop("Expect", None)  # a server that never says "continue" would be waited for without end
            return await super().send(request)

    return Session


def _bounded_answer() -> type:
    import aiohttp
    from multidict import CIMultiDict, CIMultiDictProxy

    class Response(aiohttp.ClientResponse):
        async def start(self, connection: Any) -> Any:
            started = await super().start(connection)
            is_list = bool(_LISTS & self.url.query.keys())
            self.content = _Content(self.content, is_list=is_list)  # type: ignore[assignment]
            return started

        @property
        def headers(self) -> Any:
            stays = ((key, value) for key, value in self._headers.items() if key.lower() not in {"location", "uri"})
            return CIMultiDictProxy(CIMultiDict(stays))  # S3's own clients follow nobody

    return Response


class _Content:
    """What comes of an answer, up to a limit."""

    def __init__(self, content: Any, *, is_list: bool) -> None:
        self._content = content
        self._left = LARGEST
        self._tags = _MOST_TAGS if is_list else LARGEST

    async def read(self, size: int = -1) -> bytes:
        """Give the next bytes, or all of them; raises aiohttp's ClientPayloadError beyond the limit."""
        parts = []
        while part := await self._content.read(size if size >= 0 else 1 << 16):
            parts.append(part)
            self._take(part)
            if size >= 0:
                break
        return b"".join(parts)

    def _take(self, part: bytes) -> None:
        self._left -= len(part)
        self._tags -= part.count(b"<")
        if self._left < 0 or self._tags < 0:
            from aiohttp import ClientPayloadError

            raise ClientPayloadError(TooLong.__doc__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)
