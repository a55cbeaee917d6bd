"""
What passes by itself is tried again, a few times and a little later each time; what is an answer is believed.

A connection that broke off and a server that is busy or starting pass; wrong credentials, a name without an address, a
certificate nobody signed and "not found" do not.
"""

from __future__ import annotations

import errno
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from podium.errors import Unavailable

T = TypeVar("T")

FIRST = 2
"""How often the first contact is tried again: a server that never answered may be a wrong address."""
LATER = 8
"""How often anything is tried again, without a byte between, once the server has answered: half a minute and more."""
SILENCE = 100.0
"""Seconds without a sign of life after which nothing is tried again: each try may wait long for an answer."""
_SHORTEST, _LONGEST = 0.4, 8.0
"""Seconds between two tries: each time twice as long, and a part of it by chance, so that many do not come back at once."""
_QUIET = 1.0
"""Seconds between two words about it: many threads lose one server together."""

_BUSY = {408, 425, 429}
_ERRNOS = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.ENETRESET, errno.EPIPE, errno.ENOTCONN}
_KINDS = frozenset({
    "ClientConnectionError", "ClientPayloadError",  # aiohttp: HTTP, Google, and below botocore
    "HTTPClientError", "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError",
    "IncompleteReadError", "ResponseStreamingError", "ResponseParserError",  # botocore
    "ConnectionLost", "SFTPConnectionLost", "SFTPNoConnection", "ChannelOpenError",  # asyncssh
    "TransportError",  # httpx: WebDAV
    "ServiceRequestError", "ServiceResponseError",  # Azure
    "FSTimeoutError",
})  # fmt: skip
"""How the client libraries call it; they are as many as there are servers, and not all installed."""
_NEVER = frozenset({"SSLCertVerificationError", "CertificateError", "HostKeyNotVerifiable", "PermissionDenied"})


class Broken(Unavailable):
    """A connection broke off, or a server was busy: it may work when it is tried again."""


class Mute(Broken):
    """A server said nothing, or next to nothing, for as long as it may: that is waited for once more only."""


def passes(error: BaseException) -> bool:
    """Tell whether what went wrong may pass by itself."""
    chain = list(_chain(error))
    if any(_kinds(link) & _NEVER or _has_no_address(link) for link in chain):
        return False
    statuses = [status for link in chain if (status := status_of(link)) is not None]
    if statuses:
        return any(status in _BUSY or status >= 500 for status in statuses)
    return any(
        isinstance(link, ConnectionError | TimeoutError)
        or _kinds(link) & _KINDS
        or (isinstance(link, OSError) and link.errno in _ERRNOS)
        for link in chain
    )


def status_of(error: BaseException | None) -> int | None:
    """Give the HTTP status that an error stands for, where it does."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        own = getattr(error, "status", None) or getattr(error, "status_code", None)
        status = own or getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _has_no_address(error: BaseException) -> bool:
    return isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN


class Patience:
    """How long one remote is put up with, by all threads; ``between`` is called before anything is tried again."""

    def __init__(self, name: str, between: Callable[[], object]) -> None:
        self._name = name
        self._between = between
        self._lock = threading.Lock()
        self._answered = False
        self._heard = 0.0
        self._said = 0.0

    def until_done(self, attempt: Callable[[], T]) -> T:
        """Do something that can be done again, until it is done; raises what it raises, if that stays so."""
        began, failures = time.monotonic(), 0
        while True:
            try:
                result = attempt()
            except Broken as broken:
                failures += 1
                self.wait(broken, failures, began)
            else:
                self.answered()
                return result

    def answered(self) -> None:
        """Take note that the server answered."""
        self._answered = True
        self._heard = time.monotonic()

    def wait(self, broken: Broken, failures: int, began: float) -> None:
        """
        Wait before something is tried again, and say so.

        Raises ``broken`` where it was tried often enough, Unavailable where the server was silent for too long since then.
        """
        limit = LATER if self._answered else FIRST
        silent = time.monotonic() - max(self._heard, began)
        if silent > SILENCE:
            raise Broken(  # so that what S3 has of it stays
                f"the DVC remote {self._name!r} has not answered for {silent:.0f} seconds",
                "see whether the server is well, then run it again; what has arrived is not sent or fetched again",
            )
        if failures > limit:
            raise broken
        pause = min(_LONGEST, _SHORTEST * 2 ** (failures - 1)) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        self._say(f"{broken.sentence}; trying again in {pause:.1f} s ({failures} of {limit})")
        time.sleep(pause)
        self._between()

    def _say(self, text: str) -> None:
        with self._lock:
            if time.monotonic() - self._said < _QUIET:
                return
            self._said = time.monotonic()
        import logging  # a program that sets nothing up finds a warning on stderr

        logging.getLogger("podium.storage").warning("%s", text)
