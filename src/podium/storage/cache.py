"""DVC's cache on this machine: objects named by their MD5, read-only, proven before they are used."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import chain
from pathlib import Path

from podium import manifest
from podium.errors import Unavailable
from podium.model import File
from podium.storage import arrivals, copying, hashing, looks, partial, proofs, space, stored
from podium.storage.arrivals import READ_ONLY, Arrivals
from podium.storage.content import Source, chunks, taken
from podium.storage.hashing import Hasher, Sums, fits, needs_md5
from podium.storage.looks import Looks
from podium.storage.progress import Meter
from podium.storage.proofs import Proofs
from podium.storage.stored import Contents, Stored, Unfinished

SMALL = hashing.CHUNK
"""Bytes up to which a file is read whole, so that nothing is written where the cache has it already."""
_TRIES = 20
"""How often an object is looked at that others use at the same time, before it is said to change."""
_UNFINISHED = "podium-tmp"


class Cache:
    """
    The cache of one DVC folder; safe to use from many threads and processes.

    Everything appears by a rename. Which objects were proven is kept beside DVC's files, one small file a version.
    """

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self.folder = folder
        self._objects = f"{folder}/files/md5/"
        self._proof_folder = folder / "podium-proofs"
        self._unfinished = folder / _UNFINISHED
        self._folder_mode = 0o2775 if shared else None
        self._proven: Proofs = {}
        self._kept: dict[str, Proofs] = {}
        self._arrivals = Arrivals(self._make, str(self._unfinished), _clear)
        self._swept = False

    def check_room(self, needed: int, what: str) -> None:
        """Make sure that so many bytes fit; raises Unavailable."""
        space.check(self.folder, needed, what, space.MAKE_ROOM)

    def has(self, md5: str, size: int, most: int | None = None) -> bool:
        """Tell whether there is a file of this name and size, proven or not; ``UNKNOWN`` is any size up to ``most``."""
        place = self._place(md5)
        try:
            there = os.lstat(place).st_size if os.access(place, os.F_OK) else None
        except OSError:
            return False
        if there is None or size != manifest.UNKNOWN:
            return there == size
        return most is None or there <= most

    def path(self, md5: str) -> Path:
        """Give where an object is or would be."""
        return Path(self._place(md5))

    def _place(self, md5: str) -> str:
        return self._objects + hashing.name(md5)

    def add(self, source: Source, meter: Meter) -> File:
        """Copy a file into the cache, hashing it on the way; raises Denied where it changes meanwhile."""

        def take(descriptor: int, size: int) -> Sums:
            if size < SMALL:
                whole = arrivals.rest_of(descriptor, size)
                meter.add(len(whole))
                return self.add_bytes(whole)
            sums = self._streamed(chunks(descriptor, meter), lambda sums: sums.md5, named=True)
            assert sums is not None, "it was given a name"
            return sums

        return taken(source, take)

    def add_bytes(self, content: bytes, name: str | None = None) -> Sums:
        """Put bytes into the cache, under another name than their MD5 where one is given."""
        sums = hashing.of_bytes(content)
        md5 = name or sums.md5
        place = self._place(name) if name is not None else f"{self._objects}{md5[:2]}/{md5[2:]}"
        if not _holds(place, content):
            self._sweep()
            self._arrivals.whole(place, content)
        self._remember(md5, sums, place)
        return sums

    def receive(self, file: File, chunks: Iterator[bytes]) -> Sums | None:
        """
        Take an object from a stream, if it is the file's bytes; nothing is left behind otherwise.

        Gives the sums, or ``None`` where they don't fit.
        """
        named = needs_md5(file)
        head, there = [], 0
        for chunk in chunks:
            head.append(chunk)
            there += len(chunk)
            if there >= SMALL:
                return self._streamed(
                    chain(head, chunks), lambda sums: file.md5 if fits(file, sums) else None, named=named
                )
        return self.take(file, b"".join(head))

    def take(self, file: File, content: bytes) -> Sums | None:
        """Take a small object, if it is the file's bytes; gives its sums, or ``None`` where they don't fit."""
        sums = hashing.of_bytes(content, named=needs_md5(file))
        if not fits(file, sums):
            return None
        self._sweep()
        place = self._place(file.md5)
        self._arrivals.whole(place, content)
        self._remember(file.md5, sums, place)
        return sums

    def fetch(self, file: File, source: Callable[[int], Iterator[bytes]]) -> Sums | None:
        """
        Take an object from where it is, if it is the file's bytes, as ``receive`` does; ``source`` gives it from a byte
        on.

        A large one that breaks off is kept, and gone on with by the next run; where that was not right, it begins anew.
        """
        if file.size < partial.LEAST:
            return self.receive(file, source(0))
        self._sweep()
        self._make(str(self._unfinished))
        named = needs_md5(file)
        with partial.taken(self._unfinished, file.md5) as part:
            if part is None:  # another process is at it: whoever is first will do
                return self.receive(file, source(0))
            sums = part.fill(source, file.size, named=named)
            if not fits(file, sums) and part.begun:
                part.clear()
                sums = part.fill(source, file.size, named=named)
            if not fits(file, sums):
                part.clear()
                return None
            part.reveal(self.path(file.md5), self._make)
        self._remember(file.md5, sums)
        return sums

    def aside(self) -> Path:
        """Give the folder for what is unfinished, which is made where it is missing; raises OSError."""
        self._make(str(self._unfinished))
        return self._unfinished

    def begun(self, md5: str) -> int:
        """Give how many bytes an earlier run left of an object that it did not get whole."""
        return partial.size(self._unfinished, md5)

    def _streamed(self, chunks: Iterable[bytes], called: Callable[[Sums], str | None], *, named: bool) -> Sums | None:
        """Write a stream while it is hashed; what it is called shows at its end, ``None`` for not at all."""
        self._sweep()
        with Hasher(named=named) as hasher, self._arrivals.opened() as arrival:
            for chunk in chunks:
                hasher.update(chunk)
                arrivals.write(arrival.descriptor, chunk)
            sums = hasher.sums()
            md5 = called(sums)
            arrival.place = self._place(md5) if md5 is not None else None
        if md5 is None:
            return None
        self._remember(md5, sums)
        return sums

    def proven(self, md5: str, *, named: bool = True) -> Sums | None:
        """
        Give the sums of an object: from the proof where it is unchanged since, else by hashing it.

        ``named`` is with its MD5: that it has its name rightly may be unknown otherwise. ``None`` where the cache has
        no such file.
        """
        place = self._place(md5)
        known = self._proven.get(md5)
        if known is not None and (known[1].md5 or not named) and looks.seen(place) == known[0]:
            return known[1]
        found = proofs.look(place, named=named)
        if found is None:
            return None
        self._proven[md5] = found
        return found[1]

    def bytes_of(self, md5: str, most: int) -> bytes | None:
        """
        Give an object of ``most`` bytes at most that was proven, by its MD5 too, to be what its name says.

        ``None`` where it is larger, or does not look as it did then.
        """
        known = self._proven.get(md5)
        if known is None or known[1].size > most or not known[1].md5:
            return None
        try:
            descriptor, status = arrivals.opened(self._place(md5), os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            return arrivals.rest_of(descriptor, status.st_size) if looks.of(status) == known[0] else None
        finally:
            os.close(descriptor)

    def sums(self, md5: str) -> Sums:
        """Give the sums of an object that was proven."""
        return self._proven[md5][1]

    def read(self, md5: str) -> bytes | None:
        """Give the content of a small object; ``None`` where it is missing or not what its name says."""
        try:
            content = arrivals.read(self._place(md5))
        except OSError:
            return None
        return content if manifest.md5_of(content) == md5.removesuffix(".dir") else None

    def place(self, md5: str, target: str) -> Looks:
        """
        Make a new read-only file with a proven object's content: shared blocks where the disk can, else a link or a
        copy.

        Gives how it looks; who links the object once more changes that.
        """
        source = self._place(md5)
        linked = False
        if copying.cloned(source, target, self._device):
            os.chmod(target, READ_ONLY)
        elif not (linked := self._linked(md5, source, target)):
            copying.copied(source, target)
            os.chmod(target, READ_ONLY)
        object_now = self._still(md5, source, lambda: proofs.sums(target))
        return object_now if linked and object_now is not None else looks.of(os.lstat(target))

    def _linked(self, md5: str, source: str, target: str) -> bool:
        """Make a file that is an object; False where that can't be, or where an empty one is no gain."""
        empty = self._proven[md5][1].size == 0 if md5 in self._proven else os.stat(source).st_size == 0
        return not empty and copying.linked(source, target)

    @cached_property
    def _device(self) -> int:
        """The disk that the objects are on."""
        return os.stat(self._objects).st_dev

    def copy(self, md5: str, descriptor: int) -> None:
        """Write a proven object's content into a new file, which is open; raises OSError."""
        source = self._place(md5)
        original = arrivals.plain(source)
        try:
            copying.fill(original, descriptor, bool)
        finally:
            os.close(original)
        self._still(md5, source, lambda: hashing.of_file(descriptor))

    def _still(self, md5: str, place: str, made: Callable[[], Sums | None]) -> Looks | None:
        """
        Go on trusting an object after it was linked, which changes its ctime, if nothing else changed.

        Gives how it looks now; ``None`` where it may be another file than the one that was linked. Then ``made`` says
        what the copy is: others may have brought other bytes under this name, and again these, while it was made.
        """
        known = self._proven.get(md5)
        if known is None:
            return None
        seen, sums = known
        now = looks.of(os.lstat(place))
        if now[:3] != seen[:3]:
            self._proven.pop(md5, None)
            # Somebody else may have brought the same object meanwhile; each who links it changes its ctime while it is
            # hashed.
            for _ in range(_TRIES):
                found = self.proven(md5, named=False), made()
                if all(one is not None and one.sha256 == sums.sha256 for one in found):
                    return None
            raise Unavailable(f"{place} changed while it was copied", "run it again")
        self._proven[md5] = (now, sums)
        return now

    def contents(self) -> Contents:
        """List what is there, and what earlier runs left unfinished; raises OSError."""
        contents = stored.in_folder(self.folder)
        for name, status in partial.unfinished(self._unfinished):
            contents.unfinished.append(Unfinished(f"{_UNFINISHED}/{name}", status.st_size, stored.written(status)))
        return contents

    def remove(self, listed: Stored) -> bool:
        """
        Take an object away, with what is proven of it, if it still is as it was listed; tells whether it is gone.
        Raises OSError.
        """
        place = self.path(listed.md5)
        with suppress(FileNotFoundError):
            status = place.lstat()
            if not stored.is_same(listed, Stored(listed.md5, status.st_size, stored.written(status))):
                return False
        place.unlink(missing_ok=True)
        self._proven.pop(listed.md5, None)
        if listed.md5.endswith(".dir"):
            proofs.remove(self._proof_file(listed.md5))
        return True

    def discard(self, left: Unfinished) -> None:
        """Take away what was left unfinished, unless another process is at it; raises OSError."""
        partial.discard(self.folder / left.name)

    def recall(self, version: str) -> None:
        """Load what is proven of a version's objects, if that was not done before."""
        if version in self._kept:
            return
        self._kept[version] = proofs.read(self._proof_file(version))
        for md5, proof in self._kept[version].items():
            self._proven.setdefault(md5, proof)

    def keep(self, version: str, objects: Iterable[str]) -> None:
        """Keep what is proven of a version's objects for other processes."""
        known = {md5: self._proven[md5] for md5 in objects if md5 in self._proven}
        before = self._kept.get(version)
        if before is None:
            before = proofs.read(self._proof_file(version))
        if before | known != before:
            self._kept[version] = before | known
            proofs.write(self._proof_file(version), self._kept[version])

    def _proof_file(self, version: str) -> Path:
        return self._proof_folder / f"{version.removesuffix('.dir')}.json"

    def _remember(self, md5: str, sums: Sums, place: str | None = None) -> None:
        seen = looks.seen(place or self._place(md5))
        if seen is not None:
            self._proven[md5] = (seen, sums)

    def _sweep(self) -> None:
        if not self._swept:
            self._swept = True
            proofs.sweep(self._unfinished)

    def _make(self, folder: str) -> None:
        if os.path.isdir(folder):
            return
        if self._folder_mode is not None:
            self._make(os.path.dirname(folder))
        os.makedirs(folder, exist_ok=True)
        if self._folder_mode is not None:
            os.chmod(folder, self._folder_mode)


def _clear(place: str) -> None:
    """Take away what is in an object's way: a folder of its name, or a file in the place of its folder."""
    folder = Path(place).parent
    proofs.remove(Path(place) if folder.is_dir() else folder)


def _holds(place: str, content: bytes) -> bool:
    if not os.access(place, os.F_OK):
        return False
    try:
        status = os.lstat(place)
        same = stat.S_ISREG(status.st_mode) and status.st_size == len(content) and arrivals.read(place) == content
        if not same or stat.S_IMODE(status.st_mode) != READ_ONLY:
            return False
        if time.time() - stored.written(status) > stored.RENEWAL:
            os.utime(place)  # else `gc` might take it before its version is recorded
    except OSError:
        return False
    return True
