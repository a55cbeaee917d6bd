"""
What the errors of client libraries mean: whether a server answered, whether it may pass by itself, and how it is said.

A connection that broke off and a server that is busy or starting pass; wrong credentials, a name without an address, a
certificate nobody signed and "not found" do not.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Iterator

from podium.errors import Unavailable

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


def unreachable(name: str, error: BaseException) -> Unavailable:
    """Say that a server cannot be used, and why, without its address and without credentials."""
    kind = Broken if passes(error) else Unavailable
    return kind(
        f"the DVC remote {name!r} cannot be used: {_reason(error)}",
        "check the address, the credentials and the network; `dvc remote list` shows where the remotes are",
    )


def is_answer(error: FileNotFoundError, *, of_http: bool) -> bool:
    """Tell "not found" as a server's answer from what a client library makes of any other failure."""
    cause = error.__cause__
    status = status_of(cause)
    if status is not None:
        return status in {404, 410}
    if of_http:  # whose client says so of whatever it does not understand
        return cause is None
    return not isinstance(cause, OSError) or isinstance(cause, FileNotFoundError)


def _reason(error: BaseException) -> str:
    """Say what kind of error it was, in words that hold no address and no credential."""
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    if isinstance(error, PermissionError):
        return "it denies access"
    code = error.errno if isinstance(error, OSError) else None
    return f"{kind} ({os.strerror(code)})" if code else kind
