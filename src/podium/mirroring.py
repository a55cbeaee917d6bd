"""The bytes of versions from one remote to another: proven on the way, what is there already left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from podium import codec, git, layout, manifest, needs
from podium.custody import Lack
from podium.errors import Denied, Refused, Unavailable, Usage
from podium.manifest import UNKNOWN
from podium.model import File, Record
from podium.progress import Progress, silent
from podium.storage import hashing, proofs, space
from podium.storage.hashing import fits, wrong
from podium.storage.progress import Meter, each
from podium.storage.remote import Absent
from podium.storage.renewal import Renewal
from podium.tree import MemoryTree

if TYPE_CHECKING:
    from podium.storage import Storage
    from podium.storage.remote import Remote


@dataclass(frozen=True)
class Copied:
    """What was sent (in a dry run: would be), in objects and bytes; how many were there; what the source has not."""

    objects: int
    size: int
    there: int
    problems: tuple[Lack, ...] = ()


def records_everywhere(source: git.Source) -> dict[str, Record]:
    """
    Give the records of every version that any ref has or had, by name and hash; those that cannot be read are left out.

    Raises what ``git.view`` raises.
    """
    view = git.view(source, needs.wanted)
    contents = {(path, view.read(id_)) for path, id_ in view.files(needs.wanted)} | view.loose
    found: dict[str, Record] = {}
    for path, content in contents:
        place = layout.place(path)
        if place is not None and place.document == "version":
            with suppress(Refused):
                artifact = codec.read(MemoryTree({path: content})).artifacts[place.name]
                record = artifact.records[place.member]
                found[f"{place.name}:{place.member} ({record.md5})"] = record
    return found


def concerned(records: Mapping[str, Record], *remotes: str) -> dict[str, Record]:
    """Leave out the versions that name a remote of their own which is none of these."""
    names = {"", *(remote.lower() for remote in remotes)}
    return {name: record for name, record in records.items() if record.remote.lower() in names}


def copy(
    storage: Storage,
    records: Mapping[str, Record],
    source: str,
    target: str,
    *,
    settled: Collection[str] = (),
    dry_run: bool = False,
    progress: Progress = silent,
) -> Copied:
    """
    Send what one remote of DVC's lacks of some versions from another one, each file proven by size, MD5 and SHA-256.

    Folders are written last, and only where all of their files arrived. What is there and old gets a new time, but for
    what the versions ``settled`` have. Raises Usage where both are the same, Unavailable where one is out of reach.
    """
    if storage.remote(source).name == storage.remote(target).name:
        raise Usage(f"{source!r} is one and the same remote", "name two: `dvc remote list` shows them")
    job = _Job(storage, storage.remote(source), storage.remote(target))
    job.source.probe()
    job.target.probe()
    return job.done(records, settled, dry_run=dry_run, progress=progress)


@dataclass(frozen=True)
class _Parcel:
    """One version: its name, its hash, and its files."""

    name: str
    md5: str
    files: tuple[File, ...]

    @property
    def objects(self) -> set[str]:
        """The objects that it is made of."""
        return {self.md5, *(file.md5 for file in self.files)}


@dataclass(frozen=True)
class _Job:
    storage: Storage
    source: Remote
    target: Remote
    bad: dict[str, str] = field(default_factory=dict)
    """What is wrong with objects of the source: missing, size or hash."""

    def done(
        self, records: Mapping[str, Record], settled: Collection[str], *, dry_run: bool, progress: Progress
    ) -> Copied:
        parcels, problems = self._parcels(records)
        files = self._files(parcels)
        sizes = {md5: file.size for md5, file in files.items()}
        sizes |= {parcel.md5: len(manifest.dir_object(parcel.files)) for parcel in parcels}
        seen = self.target.seen(sizes)
        there = {md5: one for md5, one in seen.items() if one is not None and one.size == sizes[md5]}
        lacking = [file for md5, file in files.items() if md5 not in there]
        folders = [parcel for parcel in parcels if parcel.md5 not in there]
        if not dry_run:
            safe = {md5 for parcel in parcels if parcel.md5 in settled for md5 in parcel.objects}
            renewal = self._renewal(parcels, files, progress)
            renewed = renewal.renew([one for md5, one in there.items() if md5 not in safe], progress)
            self._send(lacking, progress)
        lacking = [file for file in lacking if file.md5 not in self.bad]
        whole = [parcel for parcel in folders if not self._lacks(parcel)]
        if not dry_run:
            self._write(whole, progress)
            renewal.look(renewed)
        problems += [Lack(parcel.name, path, what) for parcel in parcels for path, what in self._lacks(parcel)]
        sent = [*(file.md5 for file in lacking), *(parcel.md5 for parcel in whole)]
        return Copied(len(sent), sum(sizes[md5] for md5 in sent), len(there), tuple(problems))

    def _renewal(self, parcels: Sequence[_Parcel], files: Mapping[str, File], progress: Progress) -> Renewal:
        """Give what renews old objects on the target: those that have to be sent for it come from the source again."""

        def has(md5: str) -> bool:
            file = files.get(md5)
            return file is None or self.source.sizes([md5])[md5] == file.size

        def send(objects: Sequence[str]) -> None:
            self._send([files[md5] for md5 in objects if md5 in files], progress)
            folders = [parcel for parcel in parcels if parcel.md5 in objects]
            self._write([parcel for parcel in folders if not self._lacks(parcel)], progress)

        return Renewal(self.target, has, send)

    def _parcels(self, records: Mapping[str, Record]) -> tuple[list[_Parcel], list[Lack]]:
        """Give what each version consists of; the same content once."""
        parcels: dict[str, _Parcel] = {}
        problems: list[Lack] = []
        for name, record in records.items():
            if record.md5 in parcels:
                continue
            try:
                files = self.storage.manifest(record, self.source.name)
            except Denied:
                problems.append(Lack(name, record.md5, "missing"))
                continue
            if manifest.directory_hash(files) != record.md5:
                raise Denied(f"the manifest of {name} is not what its hash says", "`podium check` finds the record")
            parcels[record.md5] = _Parcel(name, record.md5, tuple(files))
        return list(parcels.values()), problems

    def _files(self, parcels: Iterable[_Parcel]) -> dict[str, File]:
        """Give each file once, with the size that the source has where nothing else tells it."""
        files: dict[str, File] = {}
        for parcel in parcels:
            for file in parcel.files:
                if file.md5 not in files or files[file.md5].size == UNKNOWN:
                    files[file.md5] = file
        unknown = [md5 for md5, file in files.items() if file.size == UNKNOWN]
        for md5, size in (self.source.sizes(unknown) if unknown else {}).items():
            if size is None:
                self.bad[md5] = "missing"
            else:
                files[md5] = replace(files[md5], size=size)
        return {md5: file for md5, file in files.items() if md5 not in self.bad}

    def _lacks(self, parcel: _Parcel) -> list[tuple[str, str]]:
        return [(file.path, self.bad[file.md5]) for file in parcel.files if file.md5 in self.bad]

    def _send(self, files: Sequence[File], progress: Progress) -> None:
        meter = Meter(progress, "copying", sum(file.size for file in files))

        def send(file: File) -> None:
            with self._proven(file, meter) as place:
                if place is not None:
                    self.target.send(file.md5, place, meter)

        ordered = sorted(files, key=lambda file: -file.size)
        list(each(send, ordered, max(self.source.jobs, self.target.jobs), meter))
        arrived = self.target.sizes([file.md5 for file in files if file.md5 not in self.bad])
        for file in files:
            if file.md5 in arrived and arrived[file.md5] != file.size:
                raise Unavailable(
                    f"the remote {self.target.name!r} did not keep {file.path!r} ({file.md5})",
                    "see to its disk, try again",
                )

    @contextmanager
    def _proven(self, file: File, meter: Meter) -> Iterator[Path | None]:
        """Give a file on this machine that has the bytes, as recorded; ``None`` where the source has others."""
        cache = self.storage.cache
        sums = cache.proven(file.md5) if cache.path(file.md5).exists() else None
        if sums is not None and fits(file, sums):
            yield cache.path(file.md5)
            return
        with space.told():
            self.storage.scratch.mkdir(parents=True, exist_ok=True)
            proofs.sweep(self.storage.scratch)
        temporary = proofs.temporary_in(self.storage.scratch)
        try:
            problem = self._received(file, temporary, meter)
            if problem is not None:
                self.bad[file.md5] = problem
            yield temporary if problem is None else None
        finally:
            temporary.unlink(missing_ok=True)

    def _received(self, file: File, place: Path, meter: Meter) -> str | None:
        """Read a file from the source; gives what is wrong with it."""
        size = 0
        try:
            with hashing.Hasher() as hasher, space.told(), place.open("xb") as stream:
                for chunk in self.source.chunks(file.md5):
                    meter.add(0)  # ends here when others failed
                    size += len(chunk)
                    if size > file.size:
                        return "size"
                    hasher.update(chunk)
                    stream.write(chunk)
                return wrong(file, hasher.sums())
        except Absent:
            return "missing"

    def _write(self, parcels: Iterable[_Parcel], progress: Progress) -> None:
        def write(parcel: _Parcel) -> None:
            self.target.write(parcel.md5, manifest.dir_object(parcel.files))

        list(each(write, list(parcels), self.target.jobs, Meter(progress, "copying", 0)))
