"""
A DVC remote: where the bytes are for everybody else.

There are two kinds, with the same verbs: folders, and servers, which are here; how those are asked is in ``servers``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from podium.errors import Denied, Unavailable
from podium.progress import silent
from podium.storage import stored
from podium.storage.folder import FolderRemote
from podium.storage.progress import Meter, each
from podium.storage.servers import copies, multipart, sftp
from podium.storage.servers.downloads import Downloads
from podium.storage.servers.failures import Broken
from podium.storage.servers.server import Server
from podium.storage.servers.uploads import Uploads
from podium.storage.servers.watching import LISTING
from podium.storage.stored import Absent, Contents, Stored, Unfinished

__all__ = ["Absent", "FolderRemote", "Remote", "ServerRemote"]

_FEW = 256
"""Objects that are asked for one by one; of more, the server is asked to list what it has."""
_WORTH = 50
"""Objects listed in vain for each that was asked for, up to which listing costs less than asking."""


class ServerRemote:
    """A remote on a server: S3, GCS, Azure, SSH, WebDAV, HTTP, or whatever DVC has a plugin for."""

    small = -1
    """Bytes up to which an object is best handed over as a whole: none, not even an empty one."""
    jobs = 6
    """Objects sent or fetched at a time: with S3's client each takes about 25 MB of memory while it is large."""

    def __init__(self, name: str, filesystem: Any, path: str, aside: Callable[[], Path] | None = None) -> None:
        """Take a file system of DVC's, and the folder here for notes of what is sent; without one none are kept."""
        self.name = name
        self._server = Server(name, filesystem, path)
        self._files = self._server.filesystem
        self._downloads = Downloads(self._server)
        self._uploads = Uploads(self._server, aside, self.sizes)

    def probe(self) -> None:
        """
        Make sure that the server answers; raises Unavailable.

        A WebDAV server that is down, or an S3 bucket that does not exist, looks as if each object were missing.
        """
        if self._server.is_http or self._is_s3_with_bucket():
            return
        places = [self._server.path]
        if self._server.shows_only_whole_objects:  # no folders: an empty one is "not found", too, so ask for the bucket
            places.append(self._server.path.split("/")[0])
        for place in places:
            with suppress(Absent):
                self._listing(place)
                return
        what = "bucket" if self._server.shows_only_whole_objects else "folder"
        raise Unavailable(f"the {what} of the DVC remote {self.name!r} is not there", self._server.remedy())

    def _is_s3_with_bucket(self) -> bool:
        """Ask S3 for one object: a list may have no end, and its client takes what is no list for an empty one."""
        if self._files.protocol != "s3":
            return False
        bucket, key, _ = self._files.fs.split_path(self._server.path)
        with suppress(Absent):
            prefix = f"{key}/" if key else ""
            found = self._server.ask_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=1)
            return found["IsTruncated"] in {True, False}
        return False

    def crew(self, total: int, count: int) -> int:  # noqa: ARG002 - a folder asks for them
        """Give how many threads to send or fetch so many bytes in so many objects with."""
        return self.jobs

    def check_room(self, needed: int, source: Path) -> None:
        """Take it that there is room: no server says how much."""

    def sizes(self, objects: Iterable[str]) -> dict[str, int | None]:
        """Give the size of each object in bytes, ``None`` where it is missing; one batch."""
        return {md5: found.size if found is not None else None for md5, found in self.seen(objects).items()}

    def seen(self, objects: Iterable[str]) -> dict[str, Stored | None]:
        """Give each object as it lies there, ``None`` where it is missing; one batch."""
        names = list(objects)
        with suppress(AttributeError):
            self._files.fs.invalidate_cache()
        found: dict[str, Stored | None] = {}
        if len(names) > _FEW and not self._server.is_http:
            found = self._listed(names)
        left = [md5 for md5 in names if md5 not in found]
        if left:
            found |= each(lambda md5: (md5, self._seen(md5)), left, 4 * self.jobs, Meter(silent, "", 0))
        if any(one is None for one in found.values()):
            self.probe()
        return found

    def _listed(self, names: Iterable[str]) -> dict[str, Stored | None]:
        """Give what is in those of the remote's folders that are cheaper to list than to be asked for each object."""
        folders: dict[str, list[str]] = {}
        for md5 in names:
            folders.setdefault(self._files.parent(self._server.place(md5)), []).append(md5)
        first, *rest = sorted(folders, key=lambda folder: -len(folders[folder]))
        there = self._seen_in(first)
        found = {md5: there.get(md5) for md5 in folders[first]}
        if len(there) > _WORTH * len(folders[first]):
            return found
        for folder, there in each(
            lambda folder: (folder, self._seen_in(folder)), rest, self.jobs, Meter(silent, "", 0)
        ):
            found |= {md5: there.get(md5) for md5 in folders[folder]}
        return found

    def _seen_in(self, folder: str) -> dict[str, Stored]:
        try:
            entries = self._listing(folder)
        except Absent:
            return {}
        start = folder.rstrip("/").rpartition("/")[2]
        names = [(start + str(entry["name"]).rstrip("/").rpartition("/")[2], entry) for entry in entries]
        return {md5: self._stored(md5, entry) for md5, entry in names}

    def _listing(self, folder: str) -> list[dict[str, Any]]:
        def ask() -> list[dict[str, Any]]:
            with self._server.told():
                return self._server.watch.call(lambda: list(self._files.ls(folder, detail=True)))

        return self._server.patience.until_done(ask)

    def chunks(self, md5: str, start: int = 0) -> Iterator[bytes]:
        """
        Read an object from a byte on; raises Absent.

        Where the connection breaks off it is read on from there: whoever takes the bytes proves the whole of them.
        """
        try:
            yield from self._downloads.chunks(md5, start)
        except Absent:
            self.probe()
            raise

    def send(self, md5: str, source: Path, meter: Meter) -> None:
        """Write an object; raises Denied where a server is only read."""
        self._refuse_http()
        self._uploads.send(md5, source, meter)

    def content(self, md5: str) -> bytes | None:  # noqa: ARG002 - a folder asks for it
        """Give nothing: what a server sends comes in chunks."""
        return None

    def write(self, md5: str, content: bytes) -> None:
        """Write a small object."""
        import tempfile

        with tempfile.TemporaryDirectory(prefix="podium-") as folder:
            source = Path(folder) / "object"
            source.write_bytes(content)
            self.send(md5, source, Meter(silent, "", 0))

    def renew(self, md5: str) -> bool:
        """Let an object count as written now; False where that takes sending it. Raises Absent, Unavailable."""
        place = self._server.place(md5)
        if self._files.protocol == "ssh":
            with self._server.told():
                return self._server.watch.call(lambda: sftp.touch(self._files.fs, place))
        if self._files.protocol != "s3":
            return False
        bucket, key, _ = self._files.fs.split_path(place)
        try:
            copies.onto_itself(self._server.ask_s3, bucket, key)
        except Broken:
            raise
        except Unavailable:  # not everybody who may write may read what others wrote
            return False
        return True

    def contents(self) -> Contents:
        """List what is there; raises Unavailable, and Denied where a server cannot list."""
        if self._server.is_http:
            raise Denied(f"the DVC remote {self.name!r} is plain HTTP, which cannot list what it has", "name another")
        self.probe()
        with suppress(AttributeError):
            self._files.fs.invalidate_cache()
        top = self._files.join(self._server.path, "files", "md5")
        found: dict[str, Any] = {}
        with suppress(Absent), self._server.told():  # a remote on which nothing was put yet has no such folder
            found = self._server.watch.call(lambda: self._files.fs.find(top, detail=True), LISTING)
        contents = stored.on_server(found)
        if self._files.protocol == "s3":
            bucket, key, _ = self._files.fs.split_path(top)
            contents.unfinished.extend(multipart.unfinished(self._server.ask_s3, bucket, key))
        return contents

    def remove(self, listed: Stored) -> bool:
        """Take an object away, if it still is as it was listed; tells whether it is gone. Raises Unavailable."""
        self._refuse_http()
        now = self._seen(listed.md5)
        if now is None:
            return True
        if not stored.is_same(listed, now):
            return False
        with suppress(Absent), self._server.told():
            self._server.watch.call(lambda: self._files.remove(self._server.place(listed.md5)))
        return True

    def discard(self, left: Unfinished) -> None:
        """Take away what was left unfinished; raises Unavailable."""
        place = self._files.join(self._server.path, *left.name.split("/"))
        with suppress(Absent), self._server.told():
            if left.upload:
                bucket, key, _ = self._files.fs.split_path(place)
                self._server.ask_s3("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=left.upload)
            else:
                self._server.watch.call(lambda: self._files.remove(place))

    def _seen(self, md5: str) -> Stored | None:
        def ask() -> dict[str, Any]:
            with self._server.told():
                return self._server.watch.call(lambda: dict(self._files.info(self._server.place(md5))))

        try:
            return self._stored(md5, self._server.patience.until_done(ask))
        except Absent:
            return None

    def _stored(self, md5: str, entry: Mapping[str, Any]) -> Stored:
        if entry.get("size") is None:
            raise Unavailable(
                f"the DVC remote {self.name!r} does not tell the sizes of its objects", "ask whoever runs it"
            )
        return Stored(md5, int(entry["size"]), stored.time_of(entry))

    def _refuse_http(self) -> None:
        if self._server.is_http:
            raise Denied(f"the DVC remote {self.name!r} is plain HTTP, which podium only reads", "name another remote")


Remote = FolderRemote | ServerRemote
