"""A server and how it is asked: each call within limits, again if it breaks off, each failure in podium's words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from podium.errors import Denied, Unavailable
from podium.storage import hashing
from podium.storage.progress import Stopped
from podium.storage.servers import clients, limits, multipart, sftp
from podium.storage.servers.failures import Broken, is_answer, unreachable
from podium.storage.servers.patience import Patience
from podium.storage.servers.watching import Silent, Watch
from podium.storage.stored import Absent

SLOWEST = 10_000
"""Bytes a second at which an upload has to arrive."""
_ANSWER = 90.0
"""Seconds in which S3 has to answer if it may have to put many parts together; its client's own limit comes first."""
_LONGER = {
    **dict.fromkeys(("s3", "http", "https", "azure"), "read_timeout"),
    **dict.fromkeys(("ssh", "webdav", "webdavs"), "timeout"),
}
"""What DVC calls the seconds that a server may take; Google's have no such setting."""


class Server:
    """A server on which a DVC remote is, through the file system that DVC configures."""

    def __init__(self, name: str, filesystem: Any, path: str) -> None:
        self.name = name
        self.filesystem = filesystem
        clients.steer(filesystem, path)
        limits.ask_once(filesystem)
        self.path = path
        self.patience = Patience(name, self._connect_anew)
        self.watch = Watch(_own_limit(filesystem.config))
        self._connecting = threading.Lock()

    @property
    def is_http(self) -> bool:
        """Tell whether it is a plain web server, which is only read."""
        return self.filesystem.protocol in {"http", "https"}

    @property
    def is_webdav(self) -> bool:
        """Tell whether it speaks WebDAV."""
        return self.filesystem.protocol in {"webdav", "webdavs"}

    @property
    def shows_only_whole_objects(self) -> bool:
        """Tell whether nobody sees of an object what has arrived so far: then it needs no temporary name."""
        from dvc_objects.fs.base import ObjectFileSystem

        return isinstance(self.filesystem, ObjectFileSystem)

    def place(self, md5: str) -> str:
        """Give where an object is."""
        return str(self.filesystem.join(self.path, "files", "md5", *hashing.name(md5).split("/")))

    @property
    def address(self) -> str:
        """What tells this remote from others; without credentials."""
        where = [str(self.filesystem.fs_args.get(option, "")) for option in ("base_url", "host", "port", "username")]
        return " ".join([self.filesystem.protocol, *where, self.path])

    def remedy(self) -> str:
        """Say how the place of a remote is made: nobody makes it unasked, since it may have been there and be lost."""
        make = {"ssh": "`ssh HOST mkdir -p PATH`", "webdav": "`curl -u USER -X MKCOL URL`"}
        how = make.get(str(self.filesystem.protocol).removesuffix("s"), "")
        return f"make it{f': {how},' if how else ''} or restore it; `dvc remote list` shows where the remotes are"

    @contextmanager
    def told(self) -> Iterator[None]:
        """Translate whatever a client library raises: there are as many kinds as there are servers."""
        try:
            yield
        except (Absent, Stopped, Denied, Unavailable):
            raise
        except Silent:
            seconds = f"{self.watch.silence:.0f} seconds"
            what = f"the DVC remote {self.name!r} says nothing, or next to nothing, for {seconds}"
            option = _LONGER.get(self.filesystem.protocol)
            more = f"; `dvc remote modify --local {self.name} {option} SECONDS` gives it longer" if option else ""
            raise Broken(what, f"try again later{more}") from None
        except FileNotFoundError as error:
            if is_answer(error, of_http=self.is_http):
                raise Absent from None
            raise unreachable(self.name, error.__cause__ or error) from None
        except Exception as error:  # noqa: BLE001 - each client library has errors of its own, with no base in common
            raise unreachable(self.name, error) from None

    def ask_s3(self, request: str, *, body: Callable[[], Any] | None = None, **arguments: Any) -> multipart.Answer:
        """Make one of S3's requests, again where it breaks off; ``body`` gives its content anew each time."""
        limit = _ANSWER + (multipart.LEAST / SLOWEST if body is not None else 0)

        def ask() -> multipart.Answer:
            content = {} if body is None else {"Body": body()}
            with self.told():
                said = self.watch.call(lambda: self.filesystem.fs.call_s3(request, **arguments, **content), limit)
                return multipart.answer_of(said)

        return self.patience.until_done(ask)

    def _connect_anew(self) -> None:
        """Forget an ssh connection, which does not come back by itself; other clients make new ones as they need."""
        if self.filesystem.protocol != "ssh":
            return
        with self._connecting:
            broken = self.filesystem.__dict__.get("fs")
            if broken is not None and not sftp.is_connected(broken):
                type(broken).clear_instance_cache()
                self.filesystem.__dict__.pop("fs", None)


def _own_limit(settings: Mapping[str, Any]) -> float:
    """Give the seconds that a remote's settings let its server say nothing; 0 where they don't say."""
    try:
        return max(0.0, float(settings.get("read_timeout") or settings.get("timeout") or 0))
    except (TypeError, ValueError):
        return 0.0
