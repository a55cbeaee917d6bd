"""DVC's cache on this machine: objects named by their MD5, read-only, proven before they are used."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from podium import manifest
from podium.errors import Denied, Unavailable
from podium.model import File
from podium.storage import hashing, proofs, stored
from podium.storage.content import Source
from podium.storage.hashing import Hasher, Sums
from podium.storage.progress import Meter
from podium.storage.proofs import Proofs
from podium.storage.stored import Stored

SMALL = hashing.CHUNK
"""Bytes up to which a file is read whole, so that nothing is written where the cache has it already."""
READ_ONLY = 0o444
_CANNOT_CLONE: set[Path] = set()
"""Folders where one file could not share another's blocks: asking again for each file would cost more than it gives."""
_FICLONE = 0x40049409
"""Linux: let two files share their blocks until one of them changes."""


class Cache:
    """
    The cache of one DVC folder; safe to use from many threads and processes.

    Everything appears by a rename. Which objects were proven is kept beside DVC's files, one small file a version.
    """

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self._folder = folder
        self._proof_folder = folder / "podium-proofs"
        self._unfinished = folder / "podium-tmp"
        self._folder_mode = 0o2775 if shared else None
        self._proven: Proofs = {}
        self._swept = False

    def path(self, md5: str) -> Path:
        """Give where an object is or would be."""
        return self._folder.joinpath(*hashing.address(md5))

    def add(self, source: Source, meter: Meter) -> File:
        """Copy a file into the cache, hashing it on the way; raises Denied where it changes meanwhile."""
        try:
            with open(source.location, "rb", opener=_no_link) as stream:
                before = os.fstat(stream.fileno())
                sums = self._add_small(stream, meter) if before.st_size < SMALL else self._add_large(stream, meter)
                unchanged = proofs.looks(before) == proofs.looks(os.fstat(stream.fileno()))
        except PermissionError as error:
            raise Denied(f"{error.filename} cannot be read: {error.strerror}") from None
        if not unchanged or sums.size != source.size:
            raise Denied(f"{source.path!r} changed while it was read", "log it again when it is written")
        return File(source.path, sums.size, sums.md5, sums.sha256)

    def add_bytes(self, content: bytes, name: str | None = None) -> Sums:
        """Put bytes into the cache, under another name than their MD5 where one is given."""
        sums = hashing.of_bytes(content)
        md5 = name or sums.md5
        if not _holds(self.path(md5), content):
            with self._temporary() as (temporary, stream):
                stream.write(content)
                self._reveal(temporary, stream, md5)
        self._remember(md5, sums)
        return sums

    def receive(self, md5: str, chunks: Iterable[bytes], fits: Callable[[Sums], bool]) -> Sums | None:
        """
        Take an object from a stream, if its sums fit; nothing is left behind otherwise.

        Gives the sums, or ``None`` where they don't fit.
        """
        with Hasher() as hasher, self._temporary() as (temporary, stream):
            for chunk in chunks:
                hasher.update(chunk)
                stream.write(chunk)
            sums = hasher.sums()
            if not fits(sums):
                temporary.unlink()
                return None
            self._reveal(temporary, stream, md5)
        self._remember(md5, sums)
        return sums

    def proven(self, md5: str) -> Sums | None:
        """
        Give the sums of an object: from the proof where it is unchanged since, else by hashing it.

        ``None`` where the cache has no such file.
        """
        place = self.path(md5)
        if md5 in self._proven:
            seen, sums = self._proven[md5]
            with suppress(OSError):
                if proofs.looks(place.lstat()) == seen:
                    return sums
        found = proofs.look(place)
        if found is None:
            return None
        self._proven[md5] = found
        return found[1]

    def read(self, md5: str) -> bytes | None:
        """Give the content of a small object; ``None`` where it is missing or not what its name says."""
        try:
            content = self.path(md5).read_bytes()
        except OSError:
            return None
        return content if manifest.md5_of(content) == md5.removesuffix(".dir") else None

    def place(self, md5: str, target: Path, *, writable: bool) -> None:
        """
        Make a new file with a proven object's content: shared blocks where the disk can, else a link or a copy.

        A read-only file may be a hard link; a writable one never is.
        """
        source = self.path(md5)
        if clone(source, target):
            if not writable:
                target.chmod(READ_ONLY)
        elif writable or source.stat().st_size == 0 or not _linked(source, target):
            shutil.copyfile(source, target)
            if not writable:
                target.chmod(READ_ONLY)
        self._still(md5)

    def _still(self, md5: str) -> None:
        """Go on trusting an object after it was linked, which changes its ctime, if nothing else changed."""
        if md5 not in self._proven:
            return
        (inode, size, modified, _), sums = self._proven[md5]
        now = proofs.looks(self.path(md5).lstat())
        if now[:3] != (inode, size, modified):
            del self._proven[md5]
            raise Unavailable(f"{self.path(md5)} changed while it was copied", "run it again")
        self._proven[md5] = (now, sums)

    def objects(self) -> list[Stored]:
        """List what is there; raises OSError."""
        return list(stored.in_folder(self._folder))

    def remove(self, md5: str) -> None:
        """Take an object away, with what is proven of it; raises OSError."""
        self.path(md5).unlink(missing_ok=True)
        self._proven.pop(md5, None)
        if md5.endswith(".dir"):
            proofs.remove(self._proof_file(md5))

    def recall(self, version: str) -> None:
        """Load what is proven of a version's objects."""
        for md5, proof in proofs.read(self._proof_file(version)).items():
            self._proven.setdefault(md5, proof)

    def keep(self, version: str, objects: Iterable[str]) -> None:
        """Keep what is proven of a version's objects for other processes."""
        known = {md5: self._proven[md5] for md5 in objects if md5 in self._proven}
        before = proofs.read(self._proof_file(version))
        if before | known != before:
            proofs.write(self._proof_file(version), before | known)

    def _proof_file(self, version: str) -> Path:
        return self._proof_folder / f"{version.removesuffix('.dir')}.json"

    def _remember(self, md5: str, sums: Sums) -> None:
        with suppress(OSError):
            self._proven[md5] = (proofs.looks(self.path(md5).lstat()), sums)

    def _add_small(self, stream: BinaryIO, meter: Meter) -> Sums:
        content = stream.read(SMALL + 1)
        meter.add(len(content))
        return self.add_bytes(content)

    def _add_large(self, stream: BinaryIO, meter: Meter) -> Sums:
        with Hasher() as hasher, self._temporary() as (temporary, copy):
            for chunk in hashing.chunks_of(stream):
                hasher.update(chunk)
                copy.write(chunk)
                meter.add(len(chunk))
            sums = hasher.sums()
            self._reveal(temporary, copy, sums.md5)
        self._remember(sums.md5, sums)
        return sums

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, BinaryIO]]:
        self._make(self._unfinished)
        if not self._swept:
            self._swept = True
            proofs.sweep(self._unfinished)
        temporary = proofs.temporary_in(self._unfinished)
        try:
            with temporary.open("xb") as stream:
                yield temporary, stream
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _reveal(self, temporary: Path, stream: BinaryIO, md5: str) -> None:
        stream.flush()
        os.fchmod(stream.fileno(), READ_ONLY)
        place = self.path(md5)
        try:
            temporary.replace(place)
        except FileNotFoundError:
            self._make(place.parent)
            temporary.replace(place)

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        if self._folder_mode is not None:
            self._make(folder.parent)
        folder.mkdir(parents=True, exist_ok=True)
        if self._folder_mode is not None:
            folder.chmod(self._folder_mode)


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _holds(place: Path, content: bytes) -> bool:
    try:
        status = place.lstat()
        same = stat.S_ISREG(status.st_mode) and status.st_size == len(content) and place.read_bytes() == content
    except OSError:
        return False
    return same and stat.S_IMODE(status.st_mode) == READ_ONLY


def _linked(source: Path, target: Path) -> bool:
    """Make a hard link; False where the file system has none, or no more, or the file lies on another one."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def clone(source: Path, target: Path) -> bool:
    """Make a copy that shares its blocks with the source (btrfs, XFS, bcachefs); False where that can't be."""
    if not sys.platform.startswith("linux") or target.parent in _CANNOT_CLONE:
        return False
    import fcntl

    try:
        with source.open("rb") as original, target.open("xb") as copy:
            fcntl.ioctl(copy.fileno(), _FICLONE, original.fileno())
    except OSError:
        _CANNOT_CLONE.add(target.parent)
        target.unlink(missing_ok=True)
        return False
    return True
