"""
``use_model``: a name → verified files on disk.

A version's files lie together in a folder of podium's own, read-only, with a proof beside it. Whatever is in that
folder is compared with the proof at each use, and hashed where it does not look as it did; what does not fit is
replaced.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from podium import manifest, target
from podium.errors import Denied
from podium.model import File, Record, Version
from podium.progress import Progress, silent
from podium.storage import Storage, arrivals, looks, proofs, prove_whole, seals, space
from podium.storage.hashing import Sums, fits, needs_md5
from podium.storage.proofs import Proofs

_SHOWN = 20
"""How many names a refusal lists."""


@dataclass(frozen=True)
class Used:
    """Where a version's files are: those that were wanted; ``names`` are their paths in the folder."""

    folder: Path
    names: tuple[str, ...]
    version: Version

    @property
    def path(self) -> Path:
        """The one file where only one was wanted, else the folder."""
        return self.folder / self.names[0] if len(self.names) == 1 else self.folder

    @property
    def files(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(self.folder / name for name in self.names)


def use(
    version: Version,
    storage: Callable[[], Storage],
    home: Path,
    *,
    to: Path | None = None,
    patterns: Sequence[str] = (),
    force: bool = False,
    progress: Progress = silent,
) -> Used:
    """
    Bring a version's files to disk, proven to be those that were logged, and say where they are.

    Without ``to``: read-only, in a folder below ``home`` that is podium's. With it: writable copies in that folder,
    where other files are left alone, and files of the version's names with other content only replaced with ``force``.
    ``storage`` is asked for only where bytes are needed. Raises Denied where no file matches, where a file would be
    overwritten, or where neither cache nor remote has the bytes; Unavailable where the remote would be needed and is
    out of reach.
    """
    if not _ROOM.fullmatch(version.md5.removesuffix(".dir")):
        raise Denied(f"{version.md5!r} is no hash of a version", "`podium check` finds the record")
    bytes_of = _Bytes(version.record, storage, progress)
    with space.told():
        if to is not None:
            folder = to.absolute()
            wanted = _wanted(bytes_of.files, patterns)
            names = _names(target.copied(folder, wanted, bytes_of.bring, bytes_of.copy, force=force))
        else:
            folder = home.absolute() / version.md5.removesuffix(".dir")
            names = _Room(folder, bytes_of).filled(patterns)
    return Used(folder, names, version)


@dataclass(frozen=True)
class _Bytes:
    """Where the bytes of a record come from, when they are needed."""

    record: Record
    storage: Callable[[], Storage]
    progress: Progress

    @cached_property
    def files(self) -> tuple[File, ...]:
        """The manifest; raises Denied where it is not what the version's hash says, or not safe."""
        files = self.record.files
        return _checked(self.record, files if files is not None else self.storage().manifest(self.record))

    def bring(self, files: Sequence[File]) -> tuple[File, ...]:
        """Have the files in the cache, proven; gives them with all that is known of them then."""
        return self.storage().fetch(self.record, files, progress=self.progress)

    def place(self, files: Iterable[tuple[File, str]]) -> dict[str, looks.Looks]:
        """Make new files, read-only, of what was brought; gives how they look."""
        return self.storage().place(self.record, files)

    def copy(self, file: File, descriptor: int) -> None:
        """Write a file that was brought into a new one, which is open."""
        self.storage().cache.copy(file.md5, descriptor)


def _checked(record: Record, files: Sequence[File]) -> tuple[File, ...]:
    if manifest.directory_hash(files) != record.md5:
        raise Denied(f"the manifest of {record.md5} is not what its hash says", "`podium check` finds the record")
    for path, reason in manifest.unsafe(file.path for file in files):
        finds = "`podium check` finds it" if record.files is not None else "`podium verify` finds it"
        raise Denied(f"the version holds a path that is not safe: {path!a}: {reason}", finds)
    if record.files is None and len(files) != record.nfiles:
        what = f"the record of {record.md5} speaks of {record.nfiles} files, and there are {len(files)}"
        raise Denied(what, "`podium verify` finds the record")
    return tuple(files)


def _wanted(files: Sequence[File], patterns: Sequence[str]) -> tuple[File, ...]:
    if not patterns:
        return tuple(files)
    names = set(_matching(_names(files), patterns))
    return tuple(file for file in files if file.path in names)


def _names(files: Iterable[File]) -> tuple[str, ...]:
    return tuple(file.path for file in files)


def _matching(names: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    if not patterns:
        return tuple(names)
    found = tuple(name for name in names if any(manifest.matches(name, pattern) for pattern in patterns))
    if not found:
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        raise Denied(f"no file of the version matches {' or '.join(map(repr, patterns))}", f"there is: {shown}")
    return found


# --- what was handed out ---------------------------------------------------------------------------------------------


def handed_out(home: Path) -> dict[str, float]:
    """Give the versions whose files lie below a home, by the MD5 of their folder, with when that last changed."""
    found: dict[str, float] = {}
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(home) as entries:
        for entry in entries:
            if _ROOM.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                found[f"{entry.name}.dir"] = entry.stat(follow_symlinks=False).st_ctime
    return found


def take_back(home: Path, md5: str) -> None:
    """Remove the files of a version that lie below a home, and what was noted of them."""
    folder = home / md5.removesuffix(".dir")
    if not _ROOM.fullmatch(folder.name) or folder.parent != home:
        raise Denied(f"{md5!r} is no hash of a version", "see `podium check`")
    with _alone(folder.with_name(f"{folder.name}.lock")):
        for suffix in ("", ".json", ".seal", ".dir", ".lock"):
            proofs.remove(folder.with_name(folder.name + suffix))


_ROOM = re.compile(r"[0-9a-f]{32}")


# --- podium's own folder, read-only ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """What is in a version's own folder: which files are wanted, which are proven, and what has no place there."""

    files: dict[str, File]
    wanted: tuple[File, ...]
    good: Proofs
    bad: tuple[str, ...]
    strangers: tuple[str, ...]

    @property
    def lacking(self) -> tuple[File, ...]:
        """The files that have to be brought."""
        return tuple(file for file in self.wanted if file.path not in self.good)

    def with_sums(self, good: Proofs) -> list[File]:
        """Give what is known of all files that are proven."""
        return [File(path, sums.size, sums.md5, sums.sha256) for path, (_, sums) in good.items()]


@dataclass(frozen=True)
class _Room:
    """
    A version's own folder, and beside it the proof of how its files looked when they were hashed.

    Where all is as proven, nothing is written, locked or imported. Else one process mends while others wait. A seal on
    the whole spares reading what was proven of each file.
    """

    folder: Path
    bytes_of: _Bytes

    def filled(self, patterns: Sequence[str]) -> tuple[str, ...]:
        """Make sure that the wanted files are there, and nothing else that is not proven; gives their names."""
        sealed = seals.unbroken(self.folder, self.bytes_of.record)
        if sealed:
            return _matching(tuple(sorted(sealed)), patterns)
        known = proofs.read(self._beside(".json"))
        found = self._look(patterns, known, read=False)
        if found.lacking or found.bad or found.strangers:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self._beside(".lock")):
                found = self._mended(self._look(patterns, proofs.read(self._beside(".json")), read=True))
        return _names(found.wanted)

    def _seal(self, good: Proofs) -> None:
        """Note how all files of the version look that are proven."""
        seal = seals.over(self.bytes_of.record, {path: looks for path, (looks, _) in good.items()})
        proofs.write_bytes(seals.beside(self.folder), seal.encode())

    def _beside(self, suffix: str) -> Path:
        return self.folder.with_name(self.folder.name + suffix)

    def _look(self, patterns: Sequence[str], known: Proofs, *, read: bool) -> _Found:
        """See what is there; with ``read``, what does not look as proven is hashed."""
        files = {file.path: file for file in self._files}
        good: Proofs = {}
        bad: list[str] = []
        strangers: list[str] = []
        for path, entry in _entries(self.folder, ""):
            file = files.get(path)
            if file is None:
                strangers.append(path)
                continue
            longest = manifest.most(self.bytes_of.record, file) if read else -1
            proof = _proof(entry, known.get(path), file, longest)
            if proof is not None and fits(file, proof[1]):
                good[path] = proof
            else:
                bad.append(path)
        found = _Found(files, _wanted(tuple(files.values()), patterns), good, tuple(bad), tuple(strangers))
        if not found.lacking:
            prove_whole(self.bytes_of.record, found.with_sums(good))
        return found

    @cached_property
    def _files(self) -> tuple[File, ...]:
        """The manifest; one that is on the remote is kept beside the folder."""
        record = self.bytes_of.record
        if record.files is not None:
            return self.bytes_of.files
        with suppress(OSError):
            files = manifest.listed(record.md5, arrivals.read(str(self._beside(".dir"))))
            if files is not None:
                return _checked(record, files)
        files = self.bytes_of.files
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        proofs.write_bytes(self._beside(".dir"), manifest.dir_object(files))
        return files

    def _mended(self, found: _Found) -> _Found:
        proofs.sweep(self.folder.parent)
        for path in found.strangers:
            proofs.remove(self._place(path))
        placed = self._brought(found) if found.lacking else {}
        for path in set(found.bad) - placed.keys():
            proofs.remove(self._place(path))
        good = found.good | placed
        proofs.write(self._beside(".json"), good)
        if good.keys() == found.files.keys():
            self._seal(good)
        return found

    def _brought(self, found: _Found) -> Proofs:
        known = self.bytes_of.bring(found.lacking)
        prove_whole(self.bytes_of.record, [*found.with_sums(found.good), *known])
        temporary = proofs.temporary_in(self.folder.parent)
        try:
            placed = self._placed(known, temporary)
            self._reveal(known, temporary)
        finally:
            proofs.remove(temporary)
        return placed

    def _placed(self, files: Sequence[File], temporary: Path) -> Proofs:
        places = [(file, f"{temporary}/{file.path}") for file in files]
        for parent in {place.rpartition("/")[0] for _, place in places}:
            Path(parent).mkdir(parents=True, exist_ok=True)
        seen = self.bytes_of.place(places)
        by_md5 = self.bytes_of.record.files is None  # else nobody has looked at it
        placed = {
            file.path: (seen[place], Sums(file.size, file.md5 if by_md5 else "", file.sha256)) for file, place in places
        }
        proofs.settle(max(changed for (_, _, _, changed), _ in placed.values()))
        return placed

    def _reveal(self, files: Sequence[File], temporary: Path) -> None:
        """Show the new files: all at once where there was no folder, else each by itself."""
        if self.folder.is_symlink() or not self.folder.is_dir():
            proofs.remove(self.folder)
            temporary.rename(self.folder)
            return
        for file in files:
            place = self._place(file.path)
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                proofs.remove(place)
            temporary.joinpath(*file.path.split("/")).replace(place)

    def _place(self, path: str) -> Path:
        return self.folder.joinpath(*path.split("/"))


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one process at a time mend a folder; all may try if the file system has no locks: renames keep it whole."""
    import fcntl

    with open(lock, "ab", opener=_no_link) as stream:
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _entries(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Give all that is in a folder but folders, without following links."""
    if folder.is_symlink():
        return
    try:
        with os.scandir(folder) as listing:
            entries = list(listing)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        path = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path), f"{path}/")
        else:
            yield path, entry


def _proof(
    entry: os.DirEntry[str], known: tuple[looks.Looks, Sums] | None, file: File, longest: int
) -> tuple[looks.Looks, Sums] | None:
    """Give how a file looks and what is in it: as known, if it looks the same, else by reading, if it is there."""
    status = entry.stat(follow_symlinks=False)
    if known is not None and looks.of(status) == known[0]:
        return known
    if not stat.S_ISREG(status.st_mode) or status.st_size > longest:
        return None
    if status.st_mode & 0o222:
        Path(entry.path).chmod(0o444)
    return proofs.look(entry.path, named=needs_md5(file))
