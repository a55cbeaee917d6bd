"""What is wrong with versions on a remote: each member by itself, and all of them in one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from podium import manifest as manifests
from podium.manifest import UNKNOWN
from podium.model import File, Record
from podium.progress import Progress
from podium.storage import arrivals, hashing
from podium.storage.hashing import Sums, fits
from podium.storage.progress import Meter, each
from podium.storage.remote import Absent, Remote

Kind = Literal["missing", "size", "hash"]

CHECK = "`podium check` finds the record"
"""What to do where a record contradicts itself."""
_LONGEST_ENTRY = 4096
"""Bytes that the list of files may take for each file, on an average."""
_LONGEST_LIST = arrivals.MOST
"""Bytes of the longest list of files there may be: two million files."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong on a remote: ``path`` is the file in the version, or the version's own ``….dir`` object."""

    version: str
    path: str
    md5: str
    problem: Kind


def problems(
    records: Iterable[Record],
    target: Remote,
    cached: Callable[[str], bytes | None],
    *,
    lists: bool,
    deep: bool,
    progress: Progress,
) -> list[Problem]:
    """
    Find what the remote lacks of these versions, or has in another size.

    ``lists`` reads each version's list of files, ``deep`` reads and hashes everything.
    ``cached`` gives the lists of files that this machine has. Raises Unavailable.
    """
    target.probe()
    versions = [_version(record, cached) for record in records]
    own = _lists_on(target, [version for version in versions if version.files is None or lists or deep], progress)
    versions = [version.with_list(own.get(version.md5)) for version in versions]
    members = {file.md5 for version in versions for file in version.files or ()}
    there = target.sizes(members | {version.md5 for version in versions if version.md5 not in own})
    actual = _read_all(target, _worth_reading(versions, there), there, progress) if deep else None
    found: list[Problem] = []
    for version in versions:
        problem = own[version.md5][0] if version.md5 in own else _judged_by_size(version.size, there[version.md5])
        if problem is not None:
            found.append(Problem(version.md5, version.md5, version.md5, problem))
        of_files = list(_judged(version, there, actual))
        found.extend(of_files)
        if problem is None and not of_files:
            found.extend(_judged_as_whole(version, there, actual))
    return found


@dataclass(frozen=True, slots=True)
class _Version:
    """What is known here of a version: its files, where they are known, and the size of its list of them."""

    md5: str
    nfiles: int
    files: tuple[File, ...] | None
    size: int
    record: Record

    def with_list(self, read: tuple[Kind | None, tuple[File, ...]] | None) -> _Version:
        """Take the files from what was read on the remote, where nothing here knew them."""
        return self if self.files is not None or read is None else replace(self, files=read[1])


def _version(record: Record, cached: Callable[[str], bytes | None]) -> _Version:
    files = record.files
    if files is None:
        files = manifests.listed(record.md5, cached(record.md5))
    size = len(manifests.dir_object(files)) if files is not None else UNKNOWN
    return _Version(record.md5, record.nfiles, files, size, record)


def _lists_on(
    target: Remote, versions: Sequence[_Version], progress: Progress
) -> dict[str, tuple[Kind | None, tuple[File, ...]]]:
    """Read the lists of files on the remote: what is wrong with each, and what it holds."""

    def read(version: _Version) -> tuple[str, tuple[Kind | None, tuple[File, ...]]]:
        try:
            found = list_of_files(target, version.md5, version.nfiles)
        except Absent:
            return version.md5, ("missing", ())
        files = manifests.listed(version.md5, found)
        return version.md5, (None if files is not None else "hash", files or ())

    distinct = list({version.md5: version for version in versions}.values())
    return dict(each(read, distinct, target.jobs, Meter(progress, "looking", 0)))


def list_of_files(target: Remote, md5: str, nfiles: int) -> bytes:
    """
    Read a version's list of files, as far as it can be one of so many files; raises Absent.

    A remote is not trusted: what goes on for longer is cut off, and is then not what its hash says.
    """
    limit = min(_LONGEST_LIST, max(nfiles, 1) * _LONGEST_ENTRY)
    found = bytearray()
    for chunk in target.chunks(md5):
        found += chunk
        if len(found) > limit:
            break
    return bytes(found)


def _worth_reading(versions: Iterable[_Version], there: dict[str, int | None]) -> list[str]:
    """Give the objects that have a file's size: of any other there is nothing more to find out, however long it is."""
    found = {
        file.md5
        for version in versions
        for file in version.files or ()
        if _judged_by_size(file.size, there[file.md5], manifests.most(version.record, file)) is None
    }
    return list(found)


def _read_all(
    target: Remote, objects: Sequence[str], sizes: dict[str, int | None], progress: Progress
) -> dict[str, Sums | None]:
    meter = Meter(progress, "verifying", sum(sizes[md5] or 0 for md5 in objects))

    def read(md5: str) -> tuple[str, Sums | None]:
        def counted() -> Iterator[bytes]:
            size = 0
            for chunk in target.chunks(md5):
                size += len(chunk)
                meter.add(len(chunk))
                yield chunk
                if size > (sizes[md5] or 0):  # more than it was said to have a moment ago: it may never end
                    return

        try:
            return md5, hashing.of_chunks(counted())
        except Absent:
            return md5, None

    return dict(each(read, objects, target.jobs, meter))


def _judged_by_size(wanted: int, there: int | None, most: int | None = None) -> Kind | None:
    if there is None:
        return "missing"
    if wanted == UNKNOWN:
        return None if most is None or there <= most else "size"
    return None if wanted == there else "size"


def _judged(
    version: _Version, there: dict[str, int | None], actual: dict[str, Sums | None] | None
) -> Iterator[Problem]:
    for file in version.files or ():
        problem = _judged_by_size(file.size, there[file.md5], manifests.most(version.record, file))
        if problem is None and actual is not None:
            sums = actual[file.md5]
            problem = ("hash" if sums else "missing") if sums is None or not fits(file, sums) else None
        if problem is not None:
            yield Problem(version.md5, file.path, file.md5, problem)


def _judged_as_whole(
    version: _Version, there: dict[str, int | None], actual: dict[str, Sums | None] | None
) -> Iterator[Problem]:
    """Compare a list of files that the record leaves to the remote with what the record says of them together."""
    record, files, md5 = version.record, version.files, version.md5
    if record.files is not None or files is None:
        return
    unsafe = [Problem(md5, path, md5, "hash") for path, _ in manifests.unsafe(file.path for file in files)]
    yield from unsafe
    if unsafe:
        return
    if len(files) != record.nfiles or sum(there[file.md5] or 0 for file in files) != record.size:
        yield Problem(md5, md5, md5, "size")
    elif actual is not None and manifests.manifest_sha256(list(_with_sums(files, actual))) != record.sha256:
        yield Problem(md5, md5, md5, "hash")


def _with_sums(files: Iterable[File], actual: dict[str, Sums | None]) -> Iterator[File]:
    for file in files:
        sums = actual[file.md5]
        yield replace(file, sha256=sums.sha256 if sums is not None else "")
