"""
How long the client libraries of servers put up with silence: each has ways of its own, and some would wait for ever.

A client here tries once; whether it is tried again is for ``patience`` to say, aloud. What the user set in DVC's
configuration holds.
"""

from __future__ import annotations

import socket
from typing import Any

SILENT_CONNECTION = 60
"""Seconds without a word after which a connection counts as broken."""
_CONTACT = 20
"""Seconds in which a server takes a connection, or does not."""
_CHECKS = 3
"""How often an ssh server is asked whether it is still there."""


def ask_once(filesystem: Any) -> None:
    """Let S3's file system of DVC's try nothing again by itself, once its options are set."""
    if filesystem.protocol == "s3":
        filesystem.fs.retries = 1


def bound(filesystem: Any) -> None:
    """Bound how long a file system of DVC's waits, before it connects."""
    kinds = {"s3": _s3, "ssh": _ssh, "http": _http, "https": _http}
    if filesystem.protocol in kinds:
        kinds[filesystem.protocol](filesystem)


def _s3(filesystem: Any) -> None:
    """Its client would send into silence for ever."""
    options = filesystem.fs_args.setdefault("config_kwargs", {})
    options.setdefault("read_timeout", SILENT_CONNECTION)
    options.setdefault("connect_timeout", _CONTACT)
    if _takes_sockets():
        options["connector_args"] = {"socket_factory": _impatient}


def _takes_sockets() -> bool:
    from aiobotocore.config import AioConfig
    from botocore.exceptions import ParamValidationError

    try:
        AioConfig(connector_args={"socket_factory": _impatient})
    except ParamValidationError:  # an older one
        return False
    return True


def _impatient(address: tuple[Any, ...]) -> socket.socket:
    """Make a socket that gives up where nothing that was sent is taken any more."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_CONNECTION * 1000)
    return made


def _ssh(filesystem: Any) -> None:
    """A session is asked for a word every now and then: without that, one whose server hangs would wait for ever."""
    filesystem.fs_args.setdefault("keepalive_interval", SILENT_CONNECTION / _CHECKS)
    filesystem.fs_args.setdefault("keepalive_count_max", _CHECKS)
    filesystem.fs_args.setdefault("login_timeout", SILENT_CONNECTION)


def _http(filesystem: Any) -> None:
    """Its client would try five times without a word."""
    filesystem.SESSION_RETRIES = 1
