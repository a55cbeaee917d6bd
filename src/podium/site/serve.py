"""The site at an address of this machine, built anew when the registry has moved on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from podium.errors import Unavailable

HOST = "127.0.0.1"


class Server(ThreadingHTTPServer):
    """Serves a folder to this machine's own browsers; ``refresh`` is called before each page."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int, refresh: Callable[[], None]) -> None:
        self._refresh = refresh
        self._lock = threading.Lock()
        try:
            super().__init__((HOST, port), partial(_Handler, directory=str(folder)))
        except OSError as error:
            raise Unavailable(
                f"port {port} cannot be had: {error.strerror}", "name another: --port 0 takes any"
            ) from None

    @property
    def url(self) -> str:
        """The address."""
        return f"http://{HOST}:{self.server_address[1]}/"

    def refresh(self) -> None:
        """Bring the folder up to date, one request at a time."""
        with self._lock:
            self._refresh()


class _Handler(SimpleHTTPRequestHandler):
    """Gives files; lists no folder, and answers to no other name than this machine's own."""

    def do_GET(self) -> None:
        if self._is_ours() and self._is_fresh():
            super().do_GET()

    def do_HEAD(self) -> None:
        if self._is_ours():
            super().do_HEAD()

    def _is_ours(self) -> bool:
        # a page elsewhere whose name was made to mean this machine must not read the registry
        name = self.headers.get("Host", "").rpartition(":")[0]
        if name in (HOST, "localhost"):
            return True
        self.send_error(HTTPStatus.FORBIDDEN)
        return False

    def _is_fresh(self) -> bool:
        if not self.path.partition("?")[0].endswith(("/", ".html")):
            return True
        assert isinstance(self.server, Server)
        try:
            self.server.refresh()
        except Exception as problem:  # noqa: BLE001 - whatever it is, the browser is told, and the server goes on
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, explain=str(problem))
            return False
        return True

    def list_directory(self, path: Any) -> None:  # noqa: ARG002
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: who looks at pages needs no log."""
