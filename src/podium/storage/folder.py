"""A DVC remote that is a folder: of this machine, or of a share. Used directly (DVC's own check may delete)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from podium.errors import Unavailable
from podium.storage import arrivals, copying, hashing, proofs, space, stored
from podium.storage.arrivals import Arrivals
from podium.storage.progress import Meter, crew
from podium.storage.stored import Absent, Contents, Stored, Unfinished


class FolderRemote:
    """A folder of this machine or of a share."""

    small = 64 << 10
    """Bytes up to which an object is best handed over as a whole: sharing so few blocks gains nothing."""
    jobs = 2
    """Objects sent or fetched at a time: here that costs processor time, not waiting."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._objects = f"{folder}/files/md5/"
        self._arrivals = Arrivals(self._make)
        self._swept: set[str] = set()

    def probe(self) -> None:
        """See that the folder is there; raises Unavailable. It is never made anew: it may be an unmounted share."""
        if not self._folder.is_dir():
            raise Unavailable(
                f"the folder of the DVC remote {self.name!r} is gone: {self._folder}",
                "mount or restore it, or make it where it is new; `dvc remote list` shows where the remotes are",
            )

    def crew(self, total: int, count: int) -> int:
        """Give how many threads to send or fetch so many bytes in so many objects with."""
        return crew(self.jobs, total, count)

    def check_room(self, needed: int, source: Path) -> None:
        """Make sure that so many bytes from the cache ``source`` fit; raises Unavailable."""
        if not copying.shares_blocks(source, self._folder):
            what = f"uploading to the DVC remote {self.name!r}"
            space.check(self._folder, needed, what, "free some there; what has arrived is not sent again")

    def sizes(self, objects: Iterable[str]) -> dict[str, int | None]:
        """Give the size of each object in bytes, ``None`` where it is missing."""
        self.probe()
        with self._told():
            there = self._there()
            return {md5: self._size(md5) if there(md5) else None for md5 in objects}

    def _there(self) -> Callable[[str], bool]:
        """Give what tells whether an object can be there, by its folder: a new store has few, or none."""
        try:
            folders = set(os.listdir(self._objects))
        except (FileNotFoundError, NotADirectoryError):
            return lambda _: False
        except OSError:
            return lambda _: True
        return lambda md5: md5[:2] in folders

    def seen(self, objects: Iterable[str]) -> dict[str, Stored | None]:
        """Give each object as it lies there, ``None`` where it is missing."""
        self.probe()
        with self._told():
            there = self._there()
            return {md5: self._seen(md5) if there(md5) else None for md5 in objects}

    def chunks(self, md5: str, start: int = 0) -> Iterator[bytes]:
        """Read an object from a byte on; raises Absent, also where its name is that of something else than a file."""
        with self._told():
            descriptor, status = arrivals.opened(self._place(md5))
            try:
                size = status.st_size
                if size < hashing.CHUNK and not start:  # room for a chunk costs more than reading a small file
                    yield arrivals.rest_of(descriptor, size)
                    return
                os.lseek(descriptor, start, os.SEEK_SET)
                while chunk := os.read(descriptor, hashing.CHUNK):
                    yield chunk
            finally:
                os.close(descriptor)

    def content(self, md5: str) -> bytes | None:
        """Read an object that is no larger than a chunk, else ``None``; raises Absent."""
        try:
            descriptor, status = arrivals.opened(self._place(md5))
            try:
                return arrivals.rest_of(descriptor, status.st_size) if status.st_size < hashing.CHUNK else None
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._why(error) from None

    def send(self, md5: str, source: Path, meter: Meter) -> None:
        """Write an object: under a temporary name, then renamed."""
        place = self._place(md5)
        with self._told():
            self._sweep(place)
            descriptor = arrivals.plain(str(source))
            try:
                with self._arrivals.opened(place) as arrival:
                    copying.fill(descriptor, arrival.descriptor, meter.add)
            finally:
                os.close(descriptor)

    def write(self, md5: str, content: bytes) -> None:
        """Write a small object."""
        place = self._place(md5)
        try:
            self._sweep(place)
            self._arrivals.whole(place, content)
        except OSError as error:
            raise self._why(error) from None

    def renew(self, md5: str) -> bool:
        """Let an object count as written now; False where that is not for this user. Raises Absent, Unavailable."""
        with self._told():
            try:
                os.utime(self._place(md5))
            except OSError as error:
                if error.errno in {errno.EPERM, errno.EACCES, errno.EROFS}:
                    return False
                raise
        return True

    def contents(self) -> Contents:
        """List what is there; raises Unavailable."""
        self.probe()
        with self._told():
            return stored.in_folder(self._folder)

    def remove(self, listed: Stored) -> bool:
        """Take an object away, if it still is as it was listed; tells whether it is gone. Raises Unavailable."""
        with self._told():
            now = self._seen(listed.md5)
            if now is not None and not stored.is_same(listed, now):
                return False
            Path(self._place(listed.md5)).unlink(missing_ok=True)
        return True

    def discard(self, left: Unfinished) -> None:
        """Take away what was left unfinished; raises Unavailable."""
        with self._told():
            (self._folder / left.name).unlink(missing_ok=True)

    def _place(self, md5: str) -> str:
        return self._objects + hashing.name(md5)

    def _size(self, md5: str) -> int | None:
        status = self._status(md5)
        return status.st_size if status is not None else None

    def _seen(self, md5: str) -> Stored | None:
        status = self._status(md5)
        return Stored(md5, status.st_size, stored.written(status)) if status is not None else None

    def _status(self, md5: str) -> os.stat_result | None:
        try:
            status = os.stat(self._place(md5))
        except OSError as error:
            if error.errno in arrivals.NO_FILE:
                return None
            raise
        return status if stat.S_ISREG(status.st_mode) else None

    def _sweep(self, place: str) -> None:
        folder = place.rpartition("/")[0]
        if folder not in self._swept:
            self._swept.add(folder)
            proofs.sweep(Path(folder))

    def _make(self, folder: str) -> None:
        self.probe()
        os.makedirs(folder, exist_ok=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._why(error) from None

    def _why(self, error: OSError) -> Absent | Unavailable:
        if isinstance(error, FileNotFoundError):
            self.probe()
            return Absent()
        return self._unavailable(error)

    def _unavailable(self, error: OSError) -> Unavailable:
        if space.is_full(error):
            return Unavailable(
                f"the disk of the DVC remote {self.name!r} is full: {error.strerror}",
                "free some there and run it again; what has arrived is not sent again",
            )
        return Unavailable(
            f"the DVC remote {self.name!r} cannot be used: {error.strerror}",
            f"look after {error.filename2 or error.filename or self._folder}",
        )
