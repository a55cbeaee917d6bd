"""An object sent to a server: it is there whole or not at all, and what is large goes on where it broke off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from podium.errors import Unavailable
from podium.storage import partial
from podium.storage.progress import Counted, Meter
from podium.storage.servers import begun, by_ssh, by_webdav, multipart
from podium.storage.servers.begun import Note
from podium.storage.servers.failures import Broken
from podium.storage.servers.server import SLOWEST, Server
from podium.storage.servers.under_way import Upload
from podium.storage.stored import Absent


class Uploads:
    """What is sent to a server; ``aside`` is the folder on this machine for notes of it; without one none are kept."""

    def __init__(
        self,
        server: Server,
        aside: Callable[[], Path] | None,
        sizes: Callable[[Sequence[str]], Mapping[str, int | None]],
    ) -> None:
        self._server = server
        self._files = server.filesystem
        self._aside = aside
        self._sizes = sizes
        self._takes_parts = server.is_webdav

    def send(self, md5: str, source: Path, meter: Meter) -> None:
        """
        Write an object: in one request or in parts, or under a temporary name and renamed where the server would show a
        part.

        What broke off is sent anew from its beginning, but for the parts that S3 has, and what went before over ssh, or
        to a WebDAV server that takes parts: in an earlier run too.
        """
        place = self._server.place(md5)
        size = source.stat().st_size
        if self._files.protocol == "s3" and multipart.is_large(size):
            bucket, key, _ = self._files.fs.split_path(place)
            multipart.Sending(self._server.ask_s3, bucket, key, source).send(meter.add)
            return
        goes_on = (self._files.protocol == "ssh" or self._takes_parts) and size >= partial.LEAST
        with begun.noted(self._aside if goes_on else None, md5, self._server.address) as note:
            self._send_as(note, md5, source, meter)
            note.keep(0)

    def _send_as(self, note: Note, md5: str, source: Path, meter: Meter) -> None:
        """Send an object under its note's name, until it has its own; what isn't worth it isn't left there."""
        size = source.stat().st_size
        temporary = self._files.join(self._files.parent(self._server.place(md5)), note.name)

        def arrived(so_far: int) -> None:
            note.keep(so_far)
            self._server.patience.answered()

        upload = Upload(source, temporary, min(note.arrived, size), arrived)

        def attempt() -> None:
            self._attempt(upload, md5, size, meter)

        try:
            self._server.patience.until_done(attempt, lambda: upload.arrived, costly=size >= partial.LEAST)
        except BaseException as error:
            self._given_up(note, temporary, error)
            raise

    def _attempt(self, upload: Upload, md5: str, size: int, meter: Meter) -> None:
        """Send an object once, from where it has come to; raises Unavailable, and takes back what was counted of it."""
        place, counted = self._server.place(md5), Counted(meter)
        try:
            with self._server.told():
                self._server.watch.call(
                    lambda: self._put(upload, place, counted), self._server.watch.silence + size / SLOWEST
                )
        except Unavailable:
            meter.take_back(counted.size)
            raise
        except Absent:  # a try that was given up came to life, and gave it its name; or somebody took it away
            if self._sizes([md5])[md5] != size:
                gone = f"what is sent to the DVC remote {self._server.name!r} disappears there before it is whole"
                raise Unavailable(gone, "see who takes it away, then run it again") from None

    def _given_up(self, note: Note, temporary: str, error: BaseException) -> None:
        """Leave nothing on the server with which no later run would go on."""
        refused = isinstance(error, Unavailable) and not isinstance(error, Broken)
        if refused:  # for good, or because a disk there is full
            note.keep(0)
        if not note.is_worth_it and not self._server.shows_only_whole_objects:
            with suppress(Exception):
                self._server.watch.call(lambda: self._files.remove(temporary))

    def _put(self, upload: Upload, place: str, counted: Counted) -> None:
        source = str(upload.source)
        if self._server.shows_only_whole_objects:
            parts = {"chunksize": multipart.LEAST} if self._files.protocol in {"s3", "gs"} else {}
            self._files.put_file(source, place, callback=counted.callback(), **parts)
            return
        self._files.makedirs(self._files.parent(place), exist_ok=True)
        if self._files.protocol == "ssh":
            by_ssh.put(upload, self._files.fs, counted.callback())
        elif not self._put_parts(upload, counted):
            self._files.put_file(source, upload.target, callback=counted.callback())
        self._rename(upload.target, place)

    def _put_parts(self, upload: Upload, counted: Counted) -> bool:
        """Send a large file in parts, where the server takes such; tells whether it does."""
        if not self._takes_parts or upload.source.stat().st_size < partial.LEAST:
            return False
        try:
            by_webdav.put(upload, self._files.fs.client, counted.callback())
        except by_webdav.NoParts:
            self._takes_parts = False
            upload.note(0)
        return self._takes_parts

    def _rename(self, temporary: str, place: str) -> None:
        """Give what has arrived its name, at one stroke; the WebDAV client's own way is to copy it, then delete it."""
        if self._server.is_webdav:
            self._files.fs.client.move(temporary, place, overwrite=True)
        else:
            self._files.move(temporary, place)
