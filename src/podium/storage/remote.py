"""
A DVC remote: where the bytes are for everybody else.

There are two kinds, with the same verbs: folders, and servers, which are here: through the file systems that DVC configures.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from podium.errors import Denied, Unavailable
from podium.progress import silent
from podium.storage import hashing, proofs, stored
from podium.storage.folder import FolderRemote
from podium.storage.progress import Meter, Stopped, each
from podium.storage.stored import Absent, Stored

__all__ = ["Absent", "FolderRemote", "Remote", "ServerRemote"]

_BLOCK = 8 * hashing.CHUNK
"""Bytes asked of a server at a time."""


class ServerRemote:
    """A remote on a server: S3, GCS, Azure, SSH, WebDAV, HTTP, or whatever DVC has a plugin for."""

    jobs = 8
    """Objects sent or fetched at a time."""

    def __init__(self, name: str, filesystem: Any, path: str) -> None:
        self.name = name
        self._filesystem = filesystem
        self._path = path

    def probe(self) -> None:
        """
        Make sure that the server answers; raises Unavailable.

        A WebDAV server that is down, or an S3 bucket that does not exist, looks as if each object were missing.
        """
        if self._is_http:
            return
        places = [self._path]
        if self._shows_only_whole_objects:  # where no folders are, an empty one is "not found", too: ask for the bucket
            places.append(self._path.split("/")[0])
        for place in places:
            with suppress(Absent), self._told():
                self._filesystem.ls(place, detail=False)
                return
        raise Unavailable(
            f"the bucket or folder of the DVC remote {self.name!r} is gone",
            "make or restore it; `dvc remote list` shows where the remotes are",
        )

    def sizes(self, objects: Iterable[str]) -> dict[str, int | None]:
        """Give the size of each object in bytes, ``None`` where it is missing; one batch."""
        names = list(objects)
        with suppress(AttributeError):
            self._filesystem.fs.invalidate_cache()
        meter = Meter(silent, "", 0)
        found = dict(each(lambda md5: (md5, self._size(md5)), names, 4 * self.jobs, meter)) if names else {}
        if any(size is None for size in found.values()):
            self.probe()
        return found

    def chunks(self, md5: str) -> Iterator[bytes]:
        """Read an object; raises Absent."""
        try:
            with self._told(), self._opened(md5) as stream:
                yield from hashing.chunks_of(stream)
        except Absent:
            self.probe()
            raise

    def send(self, md5: str, source: Path, meter: Meter) -> None:
        """Write an object: in one request, or under a temporary name and renamed where the server would show a part."""
        self._refuse_http()
        place = self._place(md5)
        with self._told():
            if self._shows_only_whole_objects:
                self._filesystem.put_file(str(source), place, callback=_callback(meter))
                return
            temporary = self._filesystem.join(self._filesystem.parent(place), proofs.temporary_in(Path()).name)
            self._filesystem.makedirs(self._filesystem.parent(place), exist_ok=True)
            try:
                self._filesystem.put_file(str(source), temporary, callback=_callback(meter))
                self._filesystem.move(temporary, place)
            except BaseException:
                with suppress(Exception):
                    self._filesystem.remove(temporary)
                raise

    def write(self, md5: str, content: bytes) -> None:
        """Write a small object."""
        import tempfile

        with tempfile.TemporaryDirectory(prefix="podium-") as folder:
            source = Path(folder) / "object"
            source.write_bytes(content)
            self.send(md5, source, Meter(silent, "", 0))

    def objects(self) -> list[Stored]:
        """List what is there; raises Unavailable, and Denied where a server cannot list."""
        if self._is_http:
            raise Denied(f"the DVC remote {self.name!r} is plain HTTP, which cannot list what it has", "name another")
        self.probe()
        with suppress(AttributeError):
            self._filesystem.fs.invalidate_cache()
        found: dict[str, Any] = {}
        with suppress(Absent), self._told():  # a remote on which nothing was put yet has no such folder
            found = self._filesystem.fs.find(self._filesystem.join(self._path, "files", "md5"), detail=True)
        return list(stored.on_server(found))

    def remove(self, md5: str) -> None:
        """Take an object away, if it is there; raises Unavailable."""
        self._refuse_http()
        with suppress(Absent), self._told():
            self._filesystem.remove(self._place(md5))

    @property
    def _is_http(self) -> bool:
        return self._filesystem.protocol in {"http", "https"}

    @property
    def _shows_only_whole_objects(self) -> bool:
        from dvc_objects.fs.base import ObjectFileSystem

        return isinstance(self._filesystem, ObjectFileSystem)

    def _place(self, md5: str) -> str:
        return str(self._filesystem.join(self._path, *hashing.address(md5)))

    def _size(self, md5: str) -> int | None:
        try:
            with self._told():
                info = self._filesystem.info(self._place(md5))
        except Absent:
            return None
        size = info.get("size")
        if size is None:
            raise Unavailable(f"the DVC remote {self.name!r} does not tell the sizes of its objects")
        return int(size)

    @contextmanager
    def _opened(self, md5: str) -> Iterator[Any]:
        options = {"block_size": 0 if self._is_http else _BLOCK}
        with self._filesystem.open(self._place(md5), "rb", **options) as stream:
            yield stream

    def _refuse_http(self) -> None:
        if self._is_http:
            raise Denied(f"the DVC remote {self.name!r} is plain HTTP, which podium only reads", "name another remote")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Translate whatever a client library raises: there are as many kinds as there are servers."""
        try:
            yield
        except (Absent, Stopped, Denied, Unavailable):
            raise
        except FileNotFoundError as error:
            if _is_answer(error):
                raise Absent from None
            raise self._unavailable(error.__cause__ or error) from None
        except Exception as error:  # noqa: BLE001
            raise self._unavailable(error) from None

    def _unavailable(self, error: BaseException) -> Unavailable:
        return unreachable(self.name, error)


Remote = FolderRemote | ServerRemote


def unreachable(name: str, error: BaseException) -> Unavailable:
    """Say that a server cannot be used, and why, without its address and without credentials."""
    return Unavailable(
        f"the DVC remote {name!r} cannot be used: {_reason(error)}",
        "check the address, the credentials and the network; `dvc remote list` shows where the remotes are",
    )


def _is_answer(error: FileNotFoundError) -> bool:
    """Tell "not found" as a server's answer from what a client library makes of any other failure."""
    cause = error.__cause__
    status = getattr(cause, "status", None) or getattr(cause, "status_code", None)
    response = getattr(cause, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if status is not None:
        return status in {404, 410}
    return not isinstance(cause, OSError) or isinstance(cause, FileNotFoundError)


def _reason(error: BaseException) -> str:
    """Say what kind of error it was, in words that hold no address and no credential."""
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    if isinstance(error, PermissionError):
        return "it denies access"
    code = error.errno if isinstance(error, OSError) else None
    return f"{kind} ({os.strerror(code)})" if code else kind


def _callback(meter: Meter) -> Any:
    from fsspec.callbacks import Callback

    class Counted(Callback):  # type: ignore[misc]  # fsspec has no types
        def relative_update(self, inc: int = 1) -> None:
            meter.add(inc)

    return Counted()
