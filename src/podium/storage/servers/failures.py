"""
What the errors of client libraries mean: whether a server answered, and whether it may pass by itself.

A connection that broke off and a server that is busy or starting pass; wrong credentials, a name without an address, a
certificate nobody signed and "not found" do not.
"""

from __future__ import annotations

import errno
import socket

from podium.errors import Unavailable
from podium.storage.servers.reasons import chain, kinds, reason, speaks_other, status_of

_BUSY = {408, 425, 429}
_FAILED = 500
_FINAL = {501, 505, 507, 508}
"""What a server says that cannot do it at all, or whose disk is full."""
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


class Busy(Broken):
    """A server answered that it cannot do it now: it is there, so its address is right."""


class Failed(Busy):
    """A server answered that it failed at it, and not why: it may do so each time, as one whose disk is full."""


def passes(error: BaseException) -> bool:
    """Tell whether what went wrong may pass by itself."""
    links = list(chain(error))
    if any(kinds(link) & _NEVER or _has_no_address(link) or speaks_other(link) for link in links):
        return False
    statuses = [status for link in links if (status := status_of(link)) is not None]
    if statuses:
        return any(status in _BUSY or (status >= 500 and status not in _FINAL) for status in statuses)
    return any(
        isinstance(link, ConnectionError | TimeoutError)
        or kinds(link) & _KINDS
        or (isinstance(link, OSError) and link.errno in _ERRNOS)
        for link in links
    )


def _has_no_address(error: BaseException) -> bool:
    return isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN


def unreachable(name: str, error: BaseException) -> Unavailable:
    """Say that a server cannot be used, and why, without its address and without credentials."""
    why = reason(name, error)
    return _kind(error)(f"the DVC remote {name!r} cannot be used: {why.what}", why.do)


def _kind(error: BaseException) -> type[Unavailable]:
    if not passes(error):
        return Unavailable
    statuses = {status_of(link) for link in chain(error)} - {None}
    return (Failed if statuses == {_FAILED} else Busy) if statuses else Broken


def is_answer(error: FileNotFoundError, *, of_http: bool) -> bool:
    """Tell "not found" as a server's answer from what a client library makes of any other failure."""
    cause = error.__cause__
    status = status_of(cause)
    if status is not None:
        return status in {404, 410}
    if of_http:  # whose client says so of whatever it does not understand
        return cause is None
    return not isinstance(cause, OSError) or isinstance(cause, FileNotFoundError)
