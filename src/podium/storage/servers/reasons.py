"""
Why a server could not be used, in words: what is the case, and what to do.

Client libraries say it in errors of their own, whose texts hold addresses and what a server wrote: of these nothing is
shown.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

_ANYTHING = "check the address, the credentials and the network; `dvc remote list` shows where the remotes are"
_BUSY = "see whether the server is well, and its disk not full, then try again"
_LATER = "see whether the server is well, then try again; what has arrived is not sent or fetched again"
_ADDRESS = "compare its address with where the server is; `dvc remote list` shows it"
_LOGIN = "see what it takes as a login: DVC's `config.local`, the environment, or your own configuration has yours"

_NOT_TLS = frozenset({
    "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG",
})  # fmt: skip
_OTHER_TLS = frozenset({
    "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_SHARED_CIPHER",
    "DH_KEY_TOO_SMALL", "SSLV3_ALERT_HANDSHAKE_FAILURE",
})  # fmt: skip
_EXPIRED, _NOT_YET, _OTHER_NAMES = 10, 9, {62, 64}
"""What OpenSSL calls what is wrong with a certificate."""
_LATE = frozenset({"TimeoutException", "ConnectTimeoutError", "ReadTimeoutError", "FSTimeoutError"})
_CUT = frozenset({
    "ServerDisconnectedError", "ClientPayloadError",  # aiohttp
    "ConnectionClosedError", "IncompleteReadError", "ResponseStreamingError",  # botocore
    "ConnectionLost", "SFTPConnectionLost", "SFTPNoConnection",  # asyncssh
    "RemoteProtocolError", "ReadError", "WriteError",  # httpx
})  # fmt: skip
"""How the client libraries call what the system has no error for."""
_FULL = 507
"""What WebDAV says of a full disk."""
_FULL_DISK = frozenset({"SFTPNoSpaceOnFilesystem", "SFTPQuotaExceeded", "InsufficientStorage"})
"""How asyncssh and WebDAV's client call it."""


@dataclass(frozen=True)
class Reason:
    """What is the case, as the end of a sentence, and what to do."""

    what: str
    do: str = _ANYTHING


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error, what it came of, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def kinds(error: BaseException) -> set[str]:
    """Give the names of an error's classes: the libraries they come from need not be installed."""
    return {kind.__name__ for kind in type(error).__mro__}


def status_of(error: BaseException | None) -> int | None:
    """Give the HTTP status that an error stands for, where it does."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        own = getattr(error, "status", None) or getattr(error, "status_code", None)
        status = own or getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def speaks_other(error: BaseException) -> bool:
    """Tell whether a server speaks no TLS, or none that is spoken here: an answer, however often it is asked."""
    return _tls_reason(error) in _NOT_TLS | _OTHER_TLS


def _tls_reason(error: BaseException) -> str:
    """Give OpenSSL's name of what went wrong; errors of aiohttp's are of its class, and know nothing."""
    return str(getattr(error, "reason", "")) if isinstance(error, ssl.SSLError) else ""


def reason(name: str, error: BaseException) -> Reason:
    """Say why a remote cannot be used; what is known best is said, wherever in the chain of errors it stands."""
    links = list(chain(error))
    for look in (_of_tls, _of_access, _of_ssh, _of_disk, _of_status, _of_network):
        for link in links:
            found = look(name, link)
            if found is not None:
                return found
    return Reason(_kind(links[0]))


def _of_tls(name: str, error: BaseException) -> Reason | None:
    code = getattr(error, "verify_code", None)
    if isinstance(code, int):
        return _of_certificate(name, code)
    if not speaks_other(error):
        return None
    if _tls_reason(error) in _NOT_TLS:
        plain = "is it http rather than https (webdav rather than webdavs), or another port?"
        return Reason("it does not speak TLS there", f"{plain} {_ADDRESS}")
    return Reason("it speaks no TLS that this machine takes", "ask who runs it: what it speaks is out of date")


def _of_certificate(name: str, code: int) -> Reason:
    if code == _EXPIRED:
        return Reason("its certificate has expired", "ask who runs it to renew it, and look at this machine's clock")
    if code == _NOT_YET:
        return Reason("its certificate is not valid yet", "look at this machine's clock")
    if code in _OTHER_NAMES:
        return Reason("its certificate is that of another server", f"{_ADDRESS}; somebody may be in between")
    trust = f"`dvc remote modify --local {name} ssl_verify AUTHORITY.pem`"
    return Reason(
        "its certificate is signed by nobody whom this machine trusts",
        f"ask who runs it for the certificate of their authority, then {trust}",
    )


def _of_access(_name: str, error: BaseException) -> Reason | None:
    denied = isinstance(error, PermissionError) or "PermissionDenied" in kinds(error)
    return Reason("it denies access", _LOGIN) if denied else None


def _of_status(_name: str, error: BaseException) -> Reason | None:
    status = status_of(error)
    if status is None or status < 400:
        return None
    if status in {401, 403, 407}:
        return Reason(f"it denies access (HTTP {status})", _LOGIN)
    if status >= 500 or status == 429:
        return Reason(f"it is there, and cannot do it now (HTTP {status})", _BUSY)
    return Reason(f"it answers with HTTP {status}")


def _of_disk(_name: str, error: BaseException) -> Reason | None:
    """What a server's disk says: sftp's, in the version that all speak, has one word for all that is wrong."""
    full = status_of(error) == _FULL or kinds(error) & _FULL_DISK
    if full:
        return Reason("its disk is full", "make room there, then run it again")
    if "SFTPFailure" in kinds(error):
        return Reason("its sftp server cannot do it, and does not say why", "see whether its disk is full, or fails")
    return None


def _of_ssh(_name: str, error: BaseException) -> Reason | None:
    if kinds(error) >= {"ProtocolError", "DisconnectError"} or "SFTPBadMessage" in kinds(error):  # httpx has the first
        return Reason("what it says is no ssh", f"is it an ssh server, and that port? {_ADDRESS}")
    if isinstance(error, ValueError) and "SFTP connections" in str(error):
        return Reason("it lets one in, and has no sftp", "ask who runs it for sftp (`Subsystem sftp internal-sftp`)")
    return None


def _of_network(_name: str, error: BaseException) -> Reason | None:
    if isinstance(error, socket.gaierror):
        return Reason("its name has no address", f"{_ADDRESS}; and see to this machine's network")
    if isinstance(error, ConnectionRefusedError):
        return Reason("nothing listens at its address", f"see whether the server runs; {_ADDRESS}")
    if isinstance(error, OSError) and error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}:
        return Reason("there is no way to it", f"see to this machine's network; {_ADDRESS}")
    if isinstance(error, TimeoutError) or kinds(error) & _LATE:
        return Reason("it does not answer", _LATER)
    if isinstance(error, ConnectionError) or kinds(error) & _CUT:
        return Reason("the connection broke off", _LATER)
    return None


def _kind(error: BaseException) -> str:
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    code = error.errno if isinstance(error, OSError) else None
    return f"{kind} ({os.strerror(code)})" if code else kind
