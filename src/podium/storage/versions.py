"""The verbs of the storage, on whole versions: add, push, problems, fetch, place."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import manifest as manifests
from podium.errors import Denied
from podium.model import File, Record
from podium.progress import Progress, silent
from podium.storage import config, content, hashing, looks, partial, presence, proofs, space
from podium.storage.cache import Cache
from podium.storage.content import Content, Source
from podium.storage.hashing import Sums, fits, needs_md5
from podium.storage.looks import Looks
from podium.storage.presence import CHECK, Problem
from podium.storage.progress import Meter, crew, each
from podium.storage.remote import Absent, Remote

if TYPE_CHECKING:
    from podium.storage.pushing import Push, Sent

_READERS = 2
"""Files hashed at a time: hashing keeps a core busy, small files wait for the disk."""


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
        with space.told(space.THE_CACHE):
            cache.check_room(sum(file.size for file in found), "logging it")
            logged = _taken(found, cache.add, progress)
            cache.add_bytes(manifests.dir_object(logged.files), logged.md5)
            cache.keep(logged.md5, [logged.md5, *(file.md5 for file in logged.files)])
        return logged

    @staticmethod
    def look(source: Path, progress: Progress = silent) -> Content:
        """
        Say what a folder, or one file, holds, as ``add`` does; nothing of it is kept.

        Raises Denied for what cannot be part of a version.
        """

        def look(file: Source, meter: Meter) -> File:
            return content.taken(file, lambda descriptor, _: hashing.of_chunks(content.chunks(descriptor, meter)))

        return _taken(content.listing(source), look, progress)

    def push(
        self,
        records: Iterable[Record],
        remote: str | None = None,
        *,
        again: Collection[str] = (),
        settled: Collection[str] = (),
        progress: Progress = silent,
    ) -> Sent:
        """
        Send what the remote lacks of these versions: first the files, then the ``.dir`` objects.

        What is there already and old gets a new time (see ``renewal``), but for what the versions ``settled`` have, by
        their hash: everybody can see that those are needed. ``again``: objects to send though the remote has them (what
        ``problems`` found wrong). Raises Denied where neither side has a file, or where the remote has it in another
        size; Unavailable where the remote is out of reach.
        """
        from podium.storage.pushing import Sent

        sent = [
            self._push_to(self._remote(remote, name), progress).send(group, again, settled)
            for name, group in _by_remote(records, remote).items()
        ]
        return Sent.of(sent)

    def _push_to(self, target: Remote, progress: Progress) -> Push:
        from podium.storage.pushing import Push

        return Push(self._cache, target, lambda record: self._listed(record, lambda: target), progress)

    def problems(
        self,
        records: Iterable[Record],
        remote: str | None = None,
        *,
        lists: bool = False,
        deep: bool = False,
        progress: Progress = silent,
    ) -> list[Problem]:
        """
        Find what the remote lacks of these versions, file by file, in one batch.

        Sizes are compared; ``lists`` also reads every ``.dir`` object, ``deep`` reads and hashes every file as well.
        Raises Unavailable where the remote is out of reach: that is never taken for missing.
        """
        return [
            problem
            for name, group in _by_remote(records, remote).items()
            for problem in presence.problems(
                group, self._remote(remote, name), self._cache.read, lists=lists, deep=deep, progress=progress
            )
        ]

    def manifest(self, record: Record, remote: str | None = None) -> tuple[File, ...]:
        """
        Give the manifest of a version: its record's, else what the ``.dir`` object in the cache or on the remote lists.

        Files of a ``.dir`` object have the size ``UNKNOWN`` and no sha256 until ``fetch`` has seen them. Raises Denied
        where the object is missing or not what the record says, Unavailable where the remote is out of reach.
        """
        return self._listed(record, lambda: self._remote(remote, record.remote))

    def _listed(self, record: Record, target: Callable[[], Remote]) -> tuple[File, ...]:
        files = record.files
        if files is None:
            files = manifests.listed(record.md5, self._cache.read(record.md5))
        return files if files is not None else self._fetched_listing(record, target())

    def _fetched_listing(self, record: Record, target: Remote) -> tuple[File, ...]:
        try:
            found = presence.list_of_files(target, record.md5, record.nfiles)
        except Absent:
            raise _missing(target, "the list of files", record.md5) from None
        files = manifests.listed(record.md5, found)
        if files is None:
            raise _corrupt(target, "the list of files", record.md5)
        with space.told(space.THE_CACHE):
            self._cache.add_bytes(found, record.md5)
        return files

    def fetch(
        self,
        record: Record,
        wanted: Iterable[File],
        remote: str | None = None,
        progress: Progress = silent,
    ) -> tuple[File, ...]:
        """
        Bring files of a version into the cache, proven, and give them with the size and sha256 they have.

        What the cache has is proven by its hash, or by a proof that it is unchanged; what does not fit the record is
        fetched anew. The MD5 of a file whose SHA-256 is known is not looked at (``Cache.proven`` does that, for who
        hands objects on by that name). Raises Denied where the remote has not what the record says (and leaves nothing
        behind), or where the record says two things of one object; Unavailable where the remote is out of reach.
        """
        cache = self._cache
        cache.recall(record.md5)
        files = tuple(wanted)
        distinct = list({file.md5: file for file in files}.values())
        meter = Meter(progress, "fetching", sum(max(file.size, 0) for file in distinct) or record.size)

        def bring(file: File) -> tuple[str, Sums]:
            sums = cache.proven(file.md5, named=needs_md5(file)) if file.md5 not in absent else None
            if sums is None or not fits(file, sums):
                source = self._remote(remote, record.remote)
                return file.md5, self._received(file, manifests.most(record, file), source, meter)
            meter.add(sums.size)
            return file.md5, sums

        lacking = [file for file in distinct if not cache.has(file.md5, file.size, manifests.most(record, file))]
        absent = {file.md5 for file in lacking}
        threads = crew(_READERS, record.size, record.nfiles)
        if lacking:
            self._check_room(record, lacking)
            threads = self._remote(remote, record.remote).crew(record.size, record.nfiles)
        with space.told(space.THE_CACHE):
            ordered = _largest_first(distinct) if threads > 1 else sorted(distinct, key=lambda file: file.md5)
            sums = dict(each(bring, ordered, threads, meter, in_order=threads == 1))
            cache.keep(record.md5, [record.md5, *sums])
        known = tuple(_known(file, sums[file.md5]) for file in files)
        prove_whole(record, known)
        return known

    def _check_room(self, record: Record, lacking: Sequence[File]) -> None:
        """See that there is room for files of a version, but for what was received before; raises Unavailable."""
        begun = sum(min(self._cache.begun(file.md5), file.size) for file in lacking if file.size >= partial.LEAST)
        self._cache.check_room(_bytes_of(record, lacking) - begun, "fetching it")

    def _received(self, file: File, most: int, source: Remote, meter: Meter) -> Sums:
        def counted(start: int) -> Iterator[bytes]:
            size = start
            meter.add(start)
            for chunk in source.chunks(file.md5, start):
                size += len(chunk)
                if size > most:
                    break
                meter.add(len(chunk))
                yield chunk

        try:
            content = source.content(file.md5) if file.size < partial.LEAST else None
            if content is not None:
                meter.add(len(content))
                sums = self._cache.take(file, content)
            else:
                sums = self._cache.fetch(file, counted)
        except Absent:
            raise _missing(source, repr(file.path), file.md5) from None
        if sums is None:
            raise _corrupt(source, repr(file.path), file.md5)
        return sums

    def place(self, record: Record, files: Iterable[tuple[File, str]]) -> dict[str, Looks]:
        """
        Make new files, at paths where nothing is, of what ``fetch`` has proven; gives how they look, by their paths
        there.

        They are read-only, and share the cache's bytes where the disk can do that.
        """
        placed = list(files)
        with space.told(space.THE_CACHE):
            seen = {target: self._cache.place(file.md5, target) for file, target in placed}
            times = Counter(file.md5 for file, _ in placed)
            again = (target for file, target in placed if times[file.md5] > 1)  # each link changed how the others look
            seen.update((target, looks.of(os.lstat(target))) for target in again)
            self._cache.keep(record.md5, [record.md5, *times])
        return seen

    @property
    def cache(self) -> Cache:
        """The cache on this machine."""
        return self._cache

    @property
    def scratch(self) -> Path:
        """A folder for unfinished files, beside DVC's configuration; it may have to be made."""
        return self._config.folder / "tmp"

    def remote(self, name: str | None = None, recorded: str = "") -> Remote:
        """
        Give a remote by its name in DVC's configuration, else the one that a record names, else the default one.

        Raises Denied where there is none such. What a record names is the registry's own: nobody's record makes podium
        talk to a remote that the user has for something else.
        """
        return self._remote(name, recorded)

    @cached_property
    def _config(self) -> config.Config:
        return self.load()

    @cached_property
    def _cache(self) -> Cache:
        return self._config.cache()

    @cached_property
    def _remotes(self) -> dict[str, Remote]:
        return {}

    def _remote(self, remote: str | None, recorded: str = "") -> Remote:
        name = self._config.name(remote) if remote or not recorded else self._config.own_name(recorded)
        if name not in self._remotes:
            self._remotes[name] = self._config.remote(name)
        return self._remotes[name]


def _by_remote(records: Iterable[Record], remote: str | None) -> dict[str, list[Record]]:
    """Sort versions by where their bytes are: the remote given, else each one's own; empty is the default one."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(remote or record.remote, []).append(record)
    return found or {remote or "": []}


def _detached(home: Path, configuration: bytes) -> config.Config:
    folder = home / ".dvc"
    place = folder / "config"
    with space.told(space.THE_CACHE):
        if not place.is_file() or place.read_bytes() != configuration:
            proofs.replace(place, configuration)
    return config.load(folder, detached=True)


def _known(file: File, sums: Sums) -> File:
    """Give a file as known after its bytes were seen; raises Denied if these are another one's of the same MD5."""
    if not fits(file, sums):
        raise Denied(f"the record says two things of {file.md5}: {file.path!r} has other bytes", CHECK)
    return File(file.path, sums.size, file.md5, sums.sha256)


def _bytes_of(record: Record, files: Sequence[File]) -> int:
    """Give the bytes that some of a version's files have; at least so many, where only the whole is known."""
    if len(files) == record.nfiles:
        return record.size
    return sum(max(file.size, 0) for file in files)


def _taken(found: Sequence[Source], take: Callable[[Source, Meter], File], progress: Progress) -> Content:
    """Give what the files make together when each was taken, a few at a time."""
    total = sum(file.size for file in found)
    meter = Meter(progress, "hashing", total)
    readers = crew(_READERS, total, len(found))
    return content.of(list(each(lambda file: take(file, meter), _largest_first(found), readers, meter)))


def _largest_first(files: Iterable[Any]) -> list[Any]:
    return sorted(files, key=lambda file: -file.size)


def prove_whole(record: Record, files: Sequence[File]) -> None:
    """
    Compare all files of a version with the one hash that stands for their sha256, where the record has that only.

    Nothing is said before all of them are known. Raises Denied.
    """
    if record.files is not None or len(files) != record.nfiles:
        return
    if manifests.manifest_sha256(files) != record.sha256 or sum(file.size for file in files) != record.size:
        raise Denied(
            f"the files of {record.md5} are not those that were logged: their sha256 differ",
            "ask whoever logged them: `podium verify --deep`",
        )


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
