"""
A DVC remote: where the bytes are for everybody else.

There are two kinds, with the same verbs: folders, and servers, which are here: through the file systems that DVC configures.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from podium.errors import Denied, Unavailable
from podium.progress import silent
from podium.storage import begun, by_webdav, clients, hashing, limits, multipart, partial, renewal, sftp, stored
from podium.storage.begun import Note
from podium.storage.by_ssh import Upload
from podium.storage.failures import Broken, is_answer, unreachable
from podium.storage.folder import FolderRemote
from podium.storage.patience import Patience
from podium.storage.progress import Counted, Meter, Stopped, each
from podium.storage.reasons import status_of
from podium.storage.stored import Absent, Contents, Stored, Unfinished
from podium.storage.watching import LISTING, Silent, Watch

__all__ = ["Absent", "FolderRemote", "Remote", "ServerRemote"]

_BLOCK = 2 * hashing.CHUNK
"""Bytes asked of a server at a time."""
_SMALL_BLOCK = 64 << 10
"""Bytes asked for at a time where a server streams, or did not give a whole block in good time."""
_SLOWEST = 10_000
"""Bytes a second at which an upload has to arrive."""
_ANSWER = 90.0
"""Seconds in which S3 has to answer where it may have to put many parts together; its client's own limit comes first."""
_PARTIAL, _NOTHING_THERE = 206, 416
"""What an HTTP server answers that gives the part which was asked for, or has none from there on."""
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
        """Take a file system of DVC's, and the folder on this machine for notes of what is sent; none are kept without one."""
        self.name = name
        self._aside = aside
        self._filesystem = filesystem
        clients.steer(filesystem, path)
        limits.ask_once(filesystem)
        self._path = path
        self._patience = Patience(name, self._connect_anew)
        self._watch = Watch(_own_limit(filesystem.config))
        self._step = _SMALL_BLOCK if self._is_webdav else hashing.CHUNK
        self._connecting = threading.Lock()
        self._takes_parts = self._is_webdav

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
            with suppress(Absent):
                self._listing(place)
                return
        what = "bucket" if self._shows_only_whole_objects else "folder"
        raise Unavailable(f"the {what} of the DVC remote {self.name!r} is not there", self._remedy())

    def _remedy(self) -> str:
        """Say how the place of a remote is made: nobody makes it unasked, since it may have been there and be lost."""
        make = {"ssh": "`ssh HOST mkdir -p PATH`", "webdav": "`curl -u USER -X MKCOL URL`"}
        how = make.get(str(self._filesystem.protocol).removesuffix("s"), "")
        return f"make it{f': {how},' if how else ''} or restore it; `dvc remote list` shows where the remotes are"

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
            self._filesystem.fs.invalidate_cache()
        found: dict[str, Stored | None] = {}
        if len(names) > _FEW and not self._is_http:
            found = self._listed(names)
        left = [md5 for md5 in names if md5 not in found]
        if left:
            found |= each(lambda md5: (md5, self._seen(md5)), left, 4 * self.jobs, Meter(silent, "", 0))
        if any(one is None for one in found.values()):
            self.probe()
        return found

    def _listed(self, names: Iterable[str]) -> dict[str, Stored | None]:
        """Give what is in those folders of the remote that it is cheaper to list than to ask for each object in them."""
        folders: dict[str, list[str]] = {}
        for md5 in names:
            folders.setdefault(self._filesystem.parent(self._place(md5)), []).append(md5)
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
            with self._told():
                return self._watch.call(lambda: list(self._filesystem.ls(folder, detail=True)))

        return self._patience.until_done(ask)

    def chunks(self, md5: str, start: int = 0) -> Iterator[bytes]:
        """
        Read an object from a byte on; raises Absent.

        Where the connection breaks off it is read on from there: whoever takes the bytes proves the whole of them.
        """
        began, done, failures = time.monotonic(), start, 0
        while True:
            try:
                for chunk in self._read(md5, done):
                    done += len(chunk)
                    failures = 0
                    self._patience.answered()
                    yield chunk
            except Broken as broken:
                failures += 1
                self._patience.wait(broken, failures, began)
            except Absent:
                self.probe()
                raise
            else:
                return

    def _read(self, md5: str, start: int) -> Iterator[bytes]:
        with self._told(), self._opened(md5, start) as stream:
            if stream is None:
                return
            skipped = 0 if self._begins_at(stream, start) else start
            if start and not self._is_http:
                self._watch.call(lambda: stream.seek(start))
            for chunk in self._watch.pieces(stream, self._step, hashing.CHUNK):
                if skipped < len(chunk):
                    yield chunk[skipped:] if skipped else chunk
                skipped = max(0, skipped - len(chunk))

    def _begins_at(self, stream: Any, start: int) -> bool:
        """Tell whether what is read begins where it was asked to: not every HTTP server knows parts."""
        return not self._is_http or start == 0 or getattr(getattr(stream, "r", None), "status", None) == _PARTIAL

    @contextmanager
    def _opened(self, md5: str, start: int) -> Iterator[Any]:
        """
        Open an object; gives ``None`` where a web server says that it has no byte from there on.

        What says nothing is not closed, since that would wait for it, and asked in smaller steps next.
        """
        stream = None
        try:
            stream = self._watch.call(lambda: self._open(md5, start))
            if stream is None:
                yield None
                return
            try:
                yield stream
            except Silent:
                raise
            except BaseException:
                self._watch.call(stream.close)
                raise
            self._watch.call(stream.close)
        except Silent:
            sftp.abandon(stream)
            self._step = _SMALL_BLOCK
            raise

    def _open(self, md5: str, start: int) -> Any:
        block = _BLOCK if self._step == hashing.CHUNK else _SMALL_BLOCK
        options: dict[str, Any] = {"block_size": 0 if self._is_http else block}
        if start and self._is_http:
            options["headers"] = {"Range": f"bytes={start}-"}
        try:
            return self._filesystem.open(self._place(md5), "rb", **options)
        except Exception as error:
            if start and status_of(error) == _NOTHING_THERE:
                return None
            raise

    def send(self, md5: str, source: Path, meter: Meter) -> None:
        """
        Write an object: in one request or in parts, or under a temporary name and renamed where the server would show a part.

        What broke off is sent anew from its beginning, but for the parts that S3 has, and what went over ssh before, in an
        earlier run too.
        """
        self._refuse_http()
        place = self._place(md5)
        size = source.stat().st_size
        if self._filesystem.protocol == "s3" and multipart.is_large(size):
            bucket, key, _ = self._filesystem.fs.split_path(place)
            multipart.Sending(self._ask_s3, bucket, key, source).send(meter.add)
            return
        goes_on = (self._filesystem.protocol == "ssh" or self._takes_parts) and size >= partial.LEAST
        with begun.noted(self._aside if goes_on else None, md5, self._address) as note:
            self._send_as(note, md5, source, meter)
            note.keep(0)

    def _send_as(self, note: Note, md5: str, source: Path, meter: Meter) -> None:
        """Send an object under the name that its note has, until it has its own; what is not worth it is not left there."""
        place = self._place(md5)
        size = source.stat().st_size
        temporary = self._filesystem.join(self._filesystem.parent(place), note.name)

        def arrived(so_far: int) -> None:
            note.keep(so_far)
            self._patience.answered()

        upload = Upload(source, temporary, min(note.arrived, size), arrived)

        def attempt() -> None:
            counted = Counted(meter)
            try:
                with self._told():
                    self._watch.call(lambda: self._put(upload, place, counted), self._watch.silence + size / _SLOWEST)
            except Unavailable:
                meter.take_back(counted.size)
                raise
            except Absent:  # a try that was given up came to life, and gave it its name; or somebody took it away
                if self.sizes([md5])[md5] != size:
                    gone = f"what is sent to the DVC remote {self.name!r} disappears there before it is whole"
                    raise Unavailable(gone, "see who takes it away, then run it again") from None

        try:
            self._patience.until_done(attempt, lambda: upload.arrived, costly=size >= partial.LEAST)
        except BaseException as error:
            if isinstance(error, Unavailable) and not isinstance(
                error, Broken
            ):  # the server refused, or its disk is full
                note.keep(0)
            if not note.is_worth_it and not self._shows_only_whole_objects:
                with suppress(Exception):
                    self._watch.call(lambda: self._filesystem.remove(temporary))
            raise

    @property
    def _address(self) -> str:
        """What tells this remote from others; without credentials."""
        where = [str(self._filesystem.fs_args.get(option, "")) for option in ("base_url", "host", "port", "username")]
        return " ".join([self._filesystem.protocol, *where, self._path])

    def _ask_s3(self, request: str, *, body: Callable[[], Any] | None = None, **arguments: Any) -> dict[str, Any]:
        limit = _ANSWER + (multipart.LEAST / _SLOWEST if body is not None else 0)

        def ask() -> dict[str, Any]:
            content = {} if body is None else {"Body": body()}
            with self._told():
                return dict(
                    self._watch.call(lambda: self._filesystem.fs.call_s3(request, **arguments, **content), limit)
                )

        return self._patience.until_done(ask)

    def _put(self, upload: Upload, place: str, counted: Counted) -> None:
        source = str(upload.source)
        if self._shows_only_whole_objects:
            parts = {"chunksize": multipart.LEAST} if self._filesystem.protocol in {"s3", "gs"} else {}
            self._filesystem.put_file(source, place, callback=counted.callback(), **parts)
            return
        self._filesystem.makedirs(self._filesystem.parent(place), exist_ok=True)
        if self._filesystem.protocol == "ssh":
            upload.put(self._filesystem.fs, counted.callback())
        elif not self._put_parts(upload, counted):
            self._filesystem.put_file(source, upload.target, callback=counted.callback())
        self._rename(upload.target, place)

    def _put_parts(self, upload: Upload, counted: Counted) -> bool:
        """Send a large file in parts, where the server takes such; tells whether it does."""
        if not self._takes_parts or upload.source.stat().st_size < partial.LEAST:
            return False
        try:
            by_webdav.put(upload, self._filesystem.fs.client, counted.callback())
        except by_webdav.NoParts:
            self._takes_parts = False
            upload.note(0)
        return self._takes_parts

    def _rename(self, temporary: str, place: str) -> None:
        """Give what has arrived its name, at one stroke; the WebDAV client's own way is to copy it, then delete it."""
        if self._is_webdav:
            self._filesystem.fs.client.move(temporary, place, overwrite=True)
        else:
            self._filesystem.move(temporary, place)

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
        place = self._place(md5)
        if self._filesystem.protocol == "ssh":
            with self._told():
                return self._watch.call(lambda: sftp.touch(self._filesystem.fs, place))
        if self._filesystem.protocol != "s3":
            return False
        bucket, key, _ = self._filesystem.fs.split_path(place)
        try:
            renewal.copy_onto_itself(self._ask_s3, bucket, key)
        except Broken:
            raise
        except Unavailable:  # not everybody who may write may read what others wrote
            return False
        return True

    def contents(self) -> Contents:
        """List what is there; raises Unavailable, and Denied where a server cannot list."""
        if self._is_http:
            raise Denied(f"the DVC remote {self.name!r} is plain HTTP, which cannot list what it has", "name another")
        self.probe()
        with suppress(AttributeError):
            self._filesystem.fs.invalidate_cache()
        top = self._filesystem.join(self._path, "files", "md5")
        found: dict[str, Any] = {}
        with suppress(Absent), self._told():  # a remote on which nothing was put yet has no such folder
            found = self._watch.call(lambda: self._filesystem.fs.find(top, detail=True), LISTING)
        contents = stored.on_server(found)
        if self._filesystem.protocol == "s3":
            bucket, key, _ = self._filesystem.fs.split_path(top)
            contents.unfinished.extend(multipart.unfinished(self._ask_s3, bucket, key))
        return contents

    def remove(self, listed: Stored) -> bool:
        """Take an object away, if it still is as it was listed; tells whether it is gone. Raises Unavailable."""
        self._refuse_http()
        now = self._seen(listed.md5)
        if now is None:
            return True
        if not stored.is_same(listed, now):
            return False
        with suppress(Absent), self._told():
            self._watch.call(lambda: self._filesystem.remove(self._place(listed.md5)))
        return True

    def discard(self, left: Unfinished) -> None:
        """Take away what was left unfinished; raises Unavailable."""
        place = self._filesystem.join(self._path, *left.name.split("/"))
        with suppress(Absent), self._told():
            if left.upload:
                bucket, key, _ = self._filesystem.fs.split_path(place)
                self._ask_s3("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=left.upload)
            else:
                self._watch.call(lambda: self._filesystem.remove(place))

    @property
    def _is_http(self) -> bool:
        return self._filesystem.protocol in {"http", "https"}

    @property
    def _is_webdav(self) -> bool:
        return self._filesystem.protocol in {"webdav", "webdavs"}

    @property
    def _shows_only_whole_objects(self) -> bool:
        from dvc_objects.fs.base import ObjectFileSystem

        return isinstance(self._filesystem, ObjectFileSystem)

    def _place(self, md5: str) -> str:
        return str(self._filesystem.join(self._path, *hashing.address(md5)))

    def _seen(self, md5: str) -> Stored | None:
        def ask() -> dict[str, Any]:
            with self._told():
                return self._watch.call(lambda: dict(self._filesystem.info(self._place(md5))))

        try:
            return self._stored(md5, self._patience.until_done(ask))
        except Absent:
            return None

    def _stored(self, md5: str, entry: Mapping[str, Any]) -> Stored:
        if entry.get("size") is None:
            raise Unavailable(
                f"the DVC remote {self.name!r} does not tell the sizes of its objects", "ask whoever runs it"
            )
        return Stored(md5, int(entry["size"]), stored.time_of(entry))

    def _connect_anew(self) -> None:
        """Forget an ssh connection, which does not come back by itself; every other client makes new ones as it needs."""
        if self._filesystem.protocol != "ssh":
            return
        with self._connecting:
            broken = self._filesystem.__dict__.get("fs")
            if broken is not None and not sftp.is_connected(broken):
                type(broken).clear_instance_cache()
                self._filesystem.__dict__.pop("fs", None)

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
        except Silent:
            seconds = f"{self._watch.silence:.0f} seconds"
            what = f"the DVC remote {self.name!r} says nothing, or next to nothing, for {seconds}"
            option = _LONGER.get(self._filesystem.protocol)
            more = f"; `dvc remote modify --local {self.name} {option} SECONDS` gives it longer" if option else ""
            raise Broken(what, f"try again later{more}") from None
        except FileNotFoundError as error:
            if is_answer(error, of_http=self._is_http):
                raise Absent from None
            raise unreachable(self.name, error.__cause__ or error) from None
        except Exception as error:  # noqa: BLE001 - each client library has errors of its own, with no base in common
            raise unreachable(self.name, error) from None


Remote = FolderRemote | ServerRemote

_LONGER = {
    **dict.fromkeys(("s3", "http", "https", "azure"), "read_timeout"),
    **dict.fromkeys(("ssh", "webdav", "webdavs"), "timeout"),
}
"""What DVC calls the seconds that a server may take; Google's have no such setting."""


def _own_limit(settings: Mapping[str, Any]) -> float:
    """Give the seconds that a remote's settings let its server say nothing; 0 where they don't say."""
    try:
        return max(0.0, float(settings.get("read_timeout") or settings.get("timeout") or 0))
    except (TypeError, ValueError):
        return 0.0
