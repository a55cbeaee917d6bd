"""Versions → a remote: first the files it lacks, then the lists of them, so that what a list names is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from podium import manifest as manifests
from podium.errors import Denied
from podium.manifest import UNKNOWN
from podium.model import File, Record
from podium.progress import Progress
from podium.storage import space
from podium.storage.cache import Cache
from podium.storage.hashing import Sums, fits
from podium.storage.presence import CHECK
from podium.storage.progress import Meter, each
from podium.storage.remote import Remote
from podium.storage.renewal import Renewal
from podium.storage.stored import Stored


@dataclass(frozen=True, slots=True)
class Sent:
    """What a push sent: objects, and bytes."""

    objects: int = 0
    size: int = 0

    @classmethod
    def of(cls, parts: Sequence[Sent]) -> Sent:
        """Count some together."""
        return cls(sum(part.objects for part in parts), sum(part.size for part in parts))


@dataclass(frozen=True)
class Push:
    """What is sent from a cache to one remote; ``listed`` gives the files of a version."""

    cache: Cache
    target: Remote
    listed: Callable[[Record], Sequence[File]]
    progress: Progress

    def send(self, records: Sequence[Record], again: Collection[str], settled: Collection[str]) -> Sent:
        """Send what the remote lacks of these versions; see ``Storage.push``."""
        needed, safe = _Objects(), set[str]()
        for record in records:
            files = self.listed(record)
            needed.add(record, files)
            if record.md5 in settled:
                safe |= {record.md5, *(file.md5 for file in files)}
        there = self.target.seen(needed.sizes)
        missing = {md5: None for md5, found in there.items() if found is None or md5 in again}
        rest = {md5: found for md5, found in there.items() if found is not None and md5 not in missing}
        needed.refuse_other_sizes(rest, self.target.name)
        sent: list[Sent] = []

        def send(objects: Sequence[str]) -> None:
            sent.append(self._send(needed, objects))

        renewal = Renewal(self.target, lambda md5: md5.endswith(".dir") or self.cache.proven(md5) is not None, send)
        with space.told(space.THE_CACHE):
            renewed = renewal.renew([one for md5, one in rest.items() if md5 not in safe], self.progress)
            send(list(missing))
            renewal.look(renewed)
        return Sent.of(sent)

    def _send(self, needed: _Objects, missing: Sequence[str]) -> Sent:
        if not missing:
            return Sent()
        files = sorted(md5 for md5 in missing if not md5.endswith(".dir"))  # folder by folder: less for a disk to do
        total = sum(max(needed.sizes[md5], 0) for md5 in files)
        self.target.check_room(total, self.cache.folder)
        meter = Meter(self.progress, "uploading", total)
        for version in needed.contents:
            self.cache.recall(version)

        def send(md5: str) -> int:
            wanted = needed.files[md5]
            content = self.cache.bytes_of(md5, self.target.small)
            sums = self.cache.sums(md5) if content is not None else self._cached(md5, wanted.size)
            if sums is None or not fits(wanted, sums):
                raise Denied(
                    f"neither the cache nor the remote {self.target.name!r} "
                    f"has {wanted.path!r} as it was logged ({md5})",
                    "upload from the machine that logged it, or log it again",
                )
            if content is not None:
                self.target.write(md5, content)
                meter.add(sums.size)
            else:
                self.target.send(md5, self.cache.path(md5), meter)
            return sums.size

        sizes = list(each(send, files, self.target.crew(total, len(files)), meter, in_order=True))
        lists = [md5 for md5 in missing if md5.endswith(".dir")]
        list(each(lambda md5: self.target.write(md5, needed.contents[md5]), lists, self.target.crew(0, 1), meter))
        return Sent(len(missing), sum(sizes) + sum(needed.sizes[md5] for md5 in lists))

    def _cached(self, md5: str, size: int) -> Sums | None:
        """Give the sums of an object in the cache, if it is there in this size; of another one it is not read."""
        return self.cache.proven(md5) if self.cache.has(md5, size) else None


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
            raise Denied(f"the manifest of {record.md5} is not what its hash says", CHECK)
        self.contents[record.md5] = listing
        self.sizes[record.md5] = len(listing)

    def refuse_other_sizes(self, there: Mapping[str, Stored], remote: str) -> None:
        for md5, found in there.items():
            if self.sizes[md5] not in {UNKNOWN, found.size}:
                path = self.files[md5].path if md5 in self.files else "the list of files"
                raise Denied(
                    f"the remote {remote!r} has {path!r} with {found.size} bytes instead of {self.sizes[md5]} ({md5})",
                    "`podium upload --repair` replaces it",
                )
