"""The verbs of the storage, on whole versions: add, push, problems, fetch, place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from podium import manifest as manifests
from podium.errors import Denied, Unavailable
from podium.manifest import UNKNOWN
from podium.model import File, Record
from podium.progress import Progress, silent
from podium.storage import config, content, hashing, proofs
from podium.storage.cache import Cache
from podium.storage.content import Content, Source
from podium.storage.hashing import Sums
from podium.storage.progress import Meter, each
from podium.storage.remote import Absent, Remote

_FETCHERS = 6
"""Files fetched at a time, or proven where they are in the cache."""
_READERS = 2
"""Files hashed at a time: hashing keeps a core busy, small files wait for the disk."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong on a remote: ``path`` is the file in the version, or the version's own ``….dir`` object."""

    version: str
    path: str
    md5: str
    problem: Literal["missing", "size", "hash"]


@dataclass(frozen=True, slots=True)
class Sent:
    """What a push sent: objects, and bytes."""

    objects: int = 0
    size: int = 0


@dataclass(frozen=True)
class Storage:
    """The bytes of one registry: a cache on this machine, and the DVC remotes of its configuration."""

    load: Callable[[], config.Config]

    @classmethod
    def at(cls, root: Path, configuration: bytes | None = None) -> Storage:
        """
        Give the storage of a registry's checkout; its ``.dvc`` is read at the first need.

        ``configuration`` stands in the place of its ``.dvc/config``: the user's own settings are laid over that.
        """
        return cls(lambda: config.load(root / ".dvc", configuration=configuration))

    @classmethod
    def detached(cls, home: Path, configuration: bytes) -> Storage:
        """
        Give the storage of a registry without a checkout.

        ``home`` is a private folder in the user's cache; ``configuration`` is the registry's ``.dvc/config``.
        """
        return cls(lambda: _detached(home, configuration))

    def add(self, source: Path, progress: Progress = silent) -> Content:
        """
        Copy a folder, or one file, into the cache, as ``dvc add`` does, and say what it holds.

        Raises Denied for what cannot be part of a version, Unavailable where the cache cannot be written.
        """
        found = content.listing(source)
        cache = self._cache
        meter = Meter(progress, "hashing", sum(file.size for file in found))

        def add(file: Source) -> File:
            return cache.add(file, meter)

        with _written():
            logged = content.of(list(each(add, _largest_first(found), _READERS, meter)))
            cache.add_bytes(manifests.dir_object(logged.files), logged.md5)
            cache.keep(logged.md5, [logged.md5, *(file.md5 for file in logged.files)])
        return logged

    def push(
        self,
        records: Iterable[Record],
        remote: str | None = None,
        *,
        again: Collection[str] = (),
        progress: Progress = silent,
    ) -> Sent:
        """
        Send what the remote lacks of these versions: first the files, then the ``.dir`` objects.

        ``again``: objects to send though the remote has them (what ``problems`` found wrong). Raises Denied where neither
        side has a file, or where the remote has it in another size; Unavailable where the remote is out of reach.
        """
        sent = [
            self._push(group, self._remote(name), again, progress)
            for name, group in _by_remote(records, remote).items()
        ]
        return Sent(sum(one.objects for one in sent), sum(one.size for one in sent))

    def _push(self, records: Sequence[Record], target: Remote, again: Collection[str], progress: Progress) -> Sent:
        needed = _Objects()
        for record in records:
            needed.add(record, self._listed(record, target))
        there = target.sizes(needed.sizes)
        missing = {md5: None for md5, size in there.items() if size is None or md5 in again}
        needed.refuse_other_sizes({md5: size for md5, size in there.items() if md5 not in missing}, target.name)
        with _written():
            return self._send(needed, list(missing), target, progress)

    def _send(self, needed: _Objects, missing: Sequence[str], target: Remote, progress: Progress) -> Sent:
        files = [md5 for md5 in missing if not md5.endswith(".dir")]
        meter = Meter(progress, "uploading", sum(max(needed.sizes[md5], 0) for md5 in files))
        for version in needed.contents:
            self._cache.recall(version)

        def send(md5: str) -> int:
            wanted = needed.files[md5]
            sums = self._cache.proven(md5)
            if sums is None or not _fits(wanted, sums):
                raise Denied(
                    f"neither the cache nor the remote {target.name!r} has {wanted.path!r} as it was logged ({md5})",
                    "upload from the machine that logged it, or log it again",
                )
            target.send(md5, self._cache.path(md5), meter)
            return sums.size

        sizes = list(each(send, files, target.jobs, meter))
        for md5 in missing:
            if md5.endswith(".dir"):
                target.write(md5, needed.contents[md5])
        return Sent(len(missing), sum(sizes) + sum(needed.sizes[md5] for md5 in missing if md5.endswith(".dir")))

    def problems(
        self, records: Iterable[Record], remote: str | None = None, *, deep: bool = False, progress: Progress = silent
    ) -> list[Problem]:
        """
        Find what the remote lacks of these versions, file by file, in one batch.

        Sizes are compared, and the ``.dir`` objects read; ``deep`` reads and hashes every file. Raises Unavailable where
        the remote is out of reach: that is never taken for missing.
        """
        return [
            problem
            for name, group in _by_remote(records, remote).items()
            for problem in self._problems(group, self._remote(name), progress, deep=deep)
        ]

    def _problems(self, chosen: Sequence[Record], target: Remote, progress: Progress, *, deep: bool) -> list[Problem]:
        target.probe()
        listings = self._read_listings(chosen, target, progress)
        members = {file.md5 for _, files in listings.values() for file in files}
        for record in chosen:
            members.update(file.md5 for file in record.files or ())
        there = target.sizes(members)
        actual: dict[str, Sums | None] = {}
        if deep:
            actual = _read_all(target, [md5 for md5, size in there.items() if size is not None], there, progress)
        found: list[Problem] = []
        for record in chosen:
            own, files = listings[record.md5]
            if own is not None:
                found.append(Problem(record.md5, record.md5, record.md5, own))
            found.extend(_judged(record.md5, record.files or files, there, actual if deep else None))
        return found

    def _read_listings(
        self, records: Sequence[Record], target: Remote, progress: Progress
    ) -> dict[str, tuple[Literal["missing", "size", "hash"] | None, tuple[File, ...]]]:
        """Read each version's ``.dir`` object on the remote: what is wrong with it, and which files it lists."""
        meter = Meter(progress, "looking", 0)

        def read(md5: str) -> tuple[str, tuple[Literal["missing", "size", "hash"] | None, tuple[File, ...]]]:
            try:
                found = b"".join(target.chunks(md5))
            except Absent:
                return md5, ("missing", manifests.listed(md5, self._cache.read(md5)) or ())
            files = manifests.listed(md5, found)
            return md5, ((None, files) if files is not None else ("hash", ()))

        return dict(each(read, list({record.md5 for record in records}), target.jobs, meter))

    def manifest(self, record: Record, remote: str | None = None) -> tuple[File, ...]:
        """
        Give the manifest of a version: its record's, else what the ``.dir`` object in the cache or on the remote lists.

        Files of a ``.dir`` object have the size ``UNKNOWN`` and no sha256 until ``fetch`` has seen them. Raises Denied
        where the object is missing or not what the record says, Unavailable where the remote is out of reach.
        """
        if record.files is not None:
            return record.files
        files = manifests.listed(record.md5, self._cache.read(record.md5))
        return files if files is not None else self._fetched_listing(record, self._remote(remote or record.remote))

    def _listed(self, record: Record, target: Remote) -> tuple[File, ...]:
        files = record.files
        if files is None:
            files = manifests.listed(record.md5, self._cache.read(record.md5))
        return files if files is not None else self._fetched_listing(record, target)

    def _fetched_listing(self, record: Record, target: Remote) -> tuple[File, ...]:
        try:
            found = b"".join(target.chunks(record.md5))
        except Absent:
            raise _missing(target, "the list of files", record.md5) from None
        files = manifests.listed(record.md5, found)
        if files is None:
            raise _corrupt(target, "the list of files", record.md5)
        with _written():
            self._cache.add_bytes(found, record.md5)
        return files

    def fetch(
        self, record: Record, wanted: Iterable[File], remote: str | None = None, progress: Progress = silent
    ) -> tuple[File, ...]:
        """
        Bring files of a version into the cache, proven, and give them with the size and sha256 they have.

        What the cache has is proven by its hash, or by a proof that it is unchanged; what does not fit the record is
        fetched anew. Raises Denied where the remote has not what the record says (and leaves nothing behind),
        Unavailable where the remote is out of reach.
        """
        cache = self._cache
        cache.recall(record.md5)
        files = tuple(wanted)
        distinct = list({file.md5: file for file in files}.values())
        meter = Meter(progress, "fetching", sum(max(file.size, 0) for file in distinct) or record.size)

        def bring(file: File) -> tuple[str, Sums]:
            sums = cache.proven(file.md5)
            if sums is None or not _fits(file, sums):
                return file.md5, self._received(file, self._remote(remote or record.remote), meter)
            meter.add(sums.size)
            return file.md5, sums

        with _written():
            sums = dict(each(bring, _largest_first(distinct), _FETCHERS, meter))
            cache.keep(record.md5, [record.md5, *sums])
        known = tuple(replace(file, size=sums[file.md5].size, sha256=sums[file.md5].sha256) for file in files)
        prove_whole(record, known)
        return known

    def _received(self, file: File, source: Remote, meter: Meter) -> Sums:
        def counted() -> Iterator[bytes]:
            size = 0
            for chunk in source.chunks(file.md5):
                size += len(chunk)
                if UNKNOWN != file.size < size:
                    break
                meter.add(len(chunk))
                yield chunk

        try:
            sums = self._cache.receive(file.md5, counted(), lambda sums: _fits(file, sums))
        except Absent:
            raise _missing(source, repr(file.path), file.md5) from None
        if sums is None:
            raise _corrupt(source, repr(file.path), file.md5)
        return sums

    def place(self, record: Record, files: Iterable[tuple[File, Path]], *, writable: bool = False) -> None:
        """
        Make new files, at paths where nothing is, of what ``fetch`` has proven.

        Read-only ones share the cache's bytes where the disk can do that; writable ones are the caller's own.
        """
        placed = list(files)
        with _written():
            for file, target in placed:
                self._cache.place(file.md5, str(target), writable=writable)
            self._cache.keep(record.md5, [record.md5, *(file.md5 for file, _ in placed)])

    @property
    def cache(self) -> Cache:
        """The cache on this machine."""
        return self._cache

    @property
    def scratch(self) -> Path:
        """A folder for unfinished files, beside DVC's configuration; it may have to be made."""
        return self._config.folder / "tmp"

    def remote(self, name: str | None = None) -> Remote:
        """Give a remote by its name in DVC's configuration, or the default one; raises Denied where there is none such."""
        return self._remote(name)

    @cached_property
    def _config(self) -> config.Config:
        return self.load()

    @cached_property
    def _cache(self) -> Cache:
        return self._config.cache()

    @cached_property
    def _remotes(self) -> dict[str, Remote]:
        return {}

    def _remote(self, remote: str | None) -> Remote:
        name = self._config.name(remote)
        if name not in self._remotes:
            self._remotes[name] = self._config.remote(name)
        return self._remotes[name]


class _Objects:
    """The objects that some versions need, each once."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.sizes: dict[str, int] = {}
        self.contents: dict[str, bytes] = {}

    def add(self, record: Record, files: Sequence[File]) -> None:
        for file in files:
            self.files.setdefault(file.md5, file)
            self.sizes[file.md5] = file.size
        listing = manifests.dir_object(files)
        if manifests.md5_of(listing) + ".dir" != record.md5:
            raise Denied(f"the manifest of {record.md5} is not what its hash says", "`podium check` finds the record")
        self.contents[record.md5] = listing
        self.sizes[record.md5] = len(listing)

    def refuse_other_sizes(self, there: dict[str, int | None], remote: str) -> None:
        for md5, size in there.items():
            if self.sizes[md5] not in {UNKNOWN, size}:
                path = self.files[md5].path if md5 in self.files else "the list of files"
                raise Denied(
                    f"the remote {remote!r} has {path!r} with {size} bytes instead of {self.sizes[md5]} ({md5})",
                    "`podium upload --repair` replaces it",
                )


def _by_remote(records: Iterable[Record], remote: str | None) -> dict[str, list[Record]]:
    """Sort versions by where their bytes are: the remote that is given, else each one's own; empty is the default one."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(remote or record.remote, []).append(record)
    return found or {remote or "": []}


def _detached(home: Path, configuration: bytes) -> config.Config:
    folder = home / ".dvc"
    place = folder / "config"
    with _written():
        folder.mkdir(parents=True, exist_ok=True)
        if not place.is_file() or place.read_bytes() != configuration:
            temporary = proofs.temporary_in(folder)
            temporary.write_bytes(configuration)
            temporary.replace(place)
    return config.load(folder, detached=True)


def _largest_first(files: Iterable[Any]) -> list[Any]:
    return sorted(files, key=lambda file: -file.size)


def _fits(file: File, sums: Sums) -> bool:
    """Tell whether bytes are those of a file, by everything that is known of it."""
    return (
        file.md5 == sums.md5 and file.size in {UNKNOWN, sums.size} and (not file.sha256 or file.sha256 == sums.sha256)
    )


def prove_whole(record: Record, files: Sequence[File]) -> None:
    """
    Compare all files of a version with the one hash that stands for their sha256, where the record has that only.

    Nothing is said before all of them are known. Raises Denied.
    """
    if record.files is not None or len(files) != record.nfiles:
        return
    if manifests.manifest_sha256(files) != record.sha256 or sum(file.size for file in files) != record.size:
        raise Denied(f"the files of {record.md5} are not those that were logged: their sha256 differ")


def _read_all(
    target: Remote, objects: Sequence[str], sizes: dict[str, int | None], progress: Progress
) -> dict[str, Sums | None]:
    meter = Meter(progress, "verifying", sum(sizes[md5] or 0 for md5 in objects))

    def read(md5: str) -> tuple[str, Sums | None]:
        def counted() -> Iterator[bytes]:
            for chunk in target.chunks(md5):
                meter.add(len(chunk))
                yield chunk

        try:
            return md5, hashing.of_chunks(counted())
        except Absent:
            return md5, None

    return dict(each(read, objects, target.jobs, meter))


def _judged(
    version: str, files: Sequence[File], there: dict[str, int | None], actual: dict[str, Sums | None] | None
) -> Iterator[Problem]:
    for file in files:
        size = there[file.md5]
        if size is None:
            yield Problem(version, file.path, file.md5, "missing")
        elif file.size not in {UNKNOWN, size}:
            yield Problem(version, file.path, file.md5, "size")
        elif actual is not None:
            sums = actual[file.md5]
            if sums is None or not _fits(file, sums):
                yield Problem(version, file.path, file.md5, "hash" if sums else "missing")


def _missing(source: Remote, what: str, md5: str) -> Denied:
    return Denied(
        f"the remote {source.name!r} does not have {what} ({md5})",
        "`podium upload` on the machine that logged it sends what is missing",
    )


def _corrupt(source: Remote, what: str, md5: str) -> Denied:
    return Denied(
        f"the remote {source.name!r} has {what} damaged: its bytes are not those that were logged ({md5})",
        "`podium upload --repair` on a machine that has it replaces it; nothing was left here",
    )


@contextmanager
def _written() -> Iterator[None]:
    """Say where this machine's disk would not take something."""
    try:
        yield
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        raise Unavailable(
            f"the cache{where} cannot be used: {error.strerror or error}", "mend it, then run it again"
        ) from None
