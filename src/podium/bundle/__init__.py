"""A bundle: a registry's history and the bytes of its versions in one archive, for sites without a network."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from podium import codec, custody, folders, git, layout, manifest
from podium.bundle import archive
from podium.bundle.archive import Archive, Index
from podium.errors import Denied, Unavailable
from podium.git import bundling
from podium.manifest import UNKNOWN
from podium.model import File, Record
from podium.progress import Progress, silent
from podium.storage import Storage, hashing, proofs, prove_whole, space
from podium.storage.progress import Meter
from podium.storage.remote import FolderRemote

if TYPE_CHECKING:
    from pygit2 import Repository

    from podium.storage.hashing import Sums
    from podium.storage.remote import Remote

_CHECK = "`podium check` finds the record"
BRANCHES = "bundle"
"""What the remote beside a new clone is called; an import into a clone leaves branches in ``refs/remotes/bundle/…``."""


@dataclass(frozen=True)
class Bundled:
    """What a bundle holds, and where it was imported to; ``sent`` counts the objects that were not there yet."""

    refs: tuple[str, ...]
    versions: int
    objects: int
    size: int
    folder: Path | None = None
    sent: int = 0


# --- making one -----------------------------------------------------------------------------------------------------


def create(
    source: git.Source, storage: Storage, file: Path, names: Sequence[str] = (), progress: Progress = silent
) -> Bundled:
    """
    Write a bundle of some branches and tags (default: the current or default branch) with the bytes of all their
    versions.

    The bytes are fetched and proven first; the file appears when it is whole. Raises Denied where a name is no branch
    or tag, where the file is there already, or where bytes are not those recorded; Unavailable where something is out
    of reach.
    """
    if os.path.lexists(file):
        raise Denied(f"{str(file)!r} is there already", "name another file, or remove it")
    repository = source.repository
    chosen = [bundling.ref_named(repository, name) for name in names or (None,)]
    refs = {ref: _id(repository, ref) for ref in chosen}
    head = next((ref for ref in refs if ref.startswith("refs/heads/")), None)
    records = _records(repository, refs)
    objects = _brought(storage, records.values(), progress)
    with _scratch(file.absolute().parent) as scratch:
        history = scratch / archive.HISTORY
        bundling.packed(repository, list(refs), history)
        with history.open("rb") as stream:
            index = Index(refs, head, hashing.of_chunks(hashing.chunks_of(stream)), objects)
        unfinished = scratch / "unfinished"
        with unfinished.open("wb") as stream:
            archive.write(stream, index, _contents(history, storage, objects, progress))
            stream.flush()
            os.fsync(stream.fileno())
        _show(unfinished, file)
    return _said(index, len(records))


def _show(unfinished: Path, file: Path) -> None:
    """Give an archive its name; never over a file that somebody may have made meanwhile."""
    try:
        os.link(unfinished, file)
    except OSError:  # it is there, or the file system has no hard links
        if os.path.lexists(file):
            raise Denied(f"{str(file)!r} appeared meanwhile", "name another file, or remove it") from None
        unfinished.replace(file)


def _id(repository: Repository, ref: str) -> str:
    return str(repository.references[ref].target)


def _records(repository: Repository, refs: Iterable[str]) -> dict[str, Record]:
    """Give the records of all versions of refs, by name and hash: one number may mean two things on two of them."""
    found: dict[str, Record] = {}
    for ref in refs:
        commit = git.commit_named(repository, ref)
        if commit is None:
            raise Denied(
                f"{ref!r} names no commit that can be read", "`git fsck` says more; take the name away, or mend it"
            )
        tree = git.commit_tree(repository, commit)
        git.check_registry(tree, ref)
        for name, record in custody.named(codec.read(tree), None).items():
            found[f"{name} {record.md5} {record.sha256}"] = record
    return found


def _brought(storage: Storage, records: Iterable[Record], progress: Progress) -> dict[str, Sums]:
    """Have the bytes of versions in the cache, proven; gives each object's sums: folders first, then files."""
    folders: dict[str, Sums] = {}
    files: dict[str, Sums] = {}
    for record in records:
        listed = storage.manifest(record)
        if manifest.directory_hash(listed) != record.md5:
            raise Denied(f"the manifest of {record.md5} is not what its hash says", _CHECK)
        for file in storage.fetch(record, listed, progress=progress):
            sums = storage.cache.proven(file.md5)
            if sums is None or not hashing.fits(file, sums):
                raise Denied(f"{file.path!r} has not the MD5 {file.md5} that its record says", _CHECK)
            files[file.md5] = sums
        content = manifest.dir_object(listed)
        storage.cache.add_bytes(content, record.md5)
        folders[record.md5] = hashing.of_bytes(content)
    return {**dict(sorted(folders.items())), **dict(sorted(files.items()))}


def _contents(
    history: Path, storage: Storage, objects: Iterable[str], progress: Progress
) -> Iterator[tuple[str, Iterator[bytes]]]:
    meter = Meter(progress, "bundling", 0)
    yield "the history", _chunks(history, meter)
    for md5 in objects:
        yield f"the object {md5}", _chunks(storage.cache.path(md5), meter)


def _chunks(path: Path, meter: Meter) -> Iterator[bytes]:
    with path.open("rb") as stream:
        for chunk in hashing.chunks_of(stream):
            meter.add(len(chunk))
            yield chunk


def _said(index: Index, versions: int) -> Bundled:
    return Bundled(tuple(index.refs), versions, len(index.objects), sum(sums.size for sums in index.objects.values()))


# --- proving one ----------------------------------------------------------------------------------------------------


def verify(file: Path, progress: Progress = silent) -> Bundled:
    """
    Prove a bundle: history and objects are whole, and these are exactly what the versions in the history need.

    Raises Denied where it is not so, Unavailable where the file cannot be read.
    """
    with archive.opened(file) as opened, space.told(), tempfile.TemporaryDirectory(prefix="podium-") as scratch:
        proven = _Proven.of(opened, Path(scratch))
        meter = Meter(progress, "verifying", sum(sums.size for sums in opened.index.objects.values()))
        for md5 in opened.index.objects:
            for chunk in opened.object(md5):
                meter.add(len(chunk))
        return proven.said


@dataclass(frozen=True)
class _Proven:
    """An archive whose history was taken out and checked, and whose index fits it; the objects are yet to be read."""

    opened: Archive
    history: Path
    said: Bundled
    contents: Mapping[str, bytes]
    elsewhere: frozenset[str]
    """The folders of versions that name a remote of their own, which the site may not reach."""

    @classmethod
    def of(cls, opened: Archive, scratch: Path) -> _Proven:
        """Take the history out of an archive and compare what its versions need with the objects that there are."""
        history = scratch / archive.HISTORY
        with history.open("xb") as stream:
            for chunk in opened.history():
                stream.write(chunk)
        refs = bundling.unpacked(history, scratch / "history.git")
        if refs != dict(opened.index.refs):
            raise archive.damaged(opened.where, "its refs are not those of its history")
        records = _records(git.open_repository(scratch / "history.git"), refs)
        contents = {}
        for record in records.values():
            contents[record.md5] = _fitting(opened, record)
        elsewhere = frozenset(record.md5 for record in records.values() if record.remote)
        needed = {*contents, *(file.md5 for content in contents.values() for file in _files(content))}
        if needed != set(opened.index.objects):
            raise archive.damaged(opened.where, "its objects are not those that its versions need")
        return cls(opened, history, _said(opened.index, len(records)), contents, elsewhere)


def _files(content: bytes) -> tuple[File, ...]:
    return manifest.listed(f"{manifest.md5_of(content)}.dir", content) or ()


def _fitting(opened: Archive, record: Record) -> bytes:
    """Compare a record with the index; gives the list of its files."""
    objects = opened.index.objects
    lacking = archive.damaged(opened.where, f"it lacks bytes of the version {record.md5}")
    if record.md5 not in objects:
        raise lacking
    content = b"".join(opened.object(record.md5))
    listed = manifest.listed(record.md5, content)
    if listed is None:
        raise archive.damaged(opened.where, f"the list of files {record.md5} cannot be read")
    known: list[File] = []
    for file in record.files or listed:
        sums = objects.get(file.md5)
        if sums is None:
            raise lacking
        if file.size not in {UNKNOWN, sums.size} or file.sha256 not in {"", sums.sha256}:
            raise archive.damaged(opened.where, f"{file.md5} is not what the record of its version says")
        known.append(replace(file, size=sums.size, sha256=sums.sha256))
    if manifest.directory_hash(known) != record.md5:
        raise archive.damaged(opened.where, f"the manifest of {record.md5} is not what its hash says")
    prove_whole(record, known)
    return content


# --- taking one in --------------------------------------------------------------------------------------------------


def take(file: Path, folder: Path, progress: Progress = silent) -> Bundled:
    """
    Import a bundle into a new folder, or into a registry's checkout that is there.

    New: a clone, with a folder beside it (``FOLDER-objects``) as its DVC remote. There already: the objects go to its
    own default remote, the branches to ``refs/remotes/bundle/``; nothing that is checked out changes. Each object is
    proven before it can be seen, and history appears last. Raises Denied where the bundle is not sound, Unavailable
    where the disk or the remote does not take it.
    """
    folder = folders.whole(folder)
    if (folder / layout.REGISTRY).is_file():
        return _into_clone(file, folder, progress)
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise Denied(f"{str(folder)!r} is there, and is no registry", "name a new folder, or a clone of the registry")
    if folder.is_dir() and folder.samefile(Path.cwd()):
        raise Denied("a new clone takes the place of the folder that you are in", "name a folder that is not there yet")
    store = folder.with_name(f"{folder.name}-objects")
    if os.path.lexists(store):
        raise Denied(f"{str(store)!r} is there already", "name another folder: the bytes go beside it")
    return _into_new(file, folder, store, progress)


def _into_clone(file: Path, folder: Path, progress: Progress) -> Bundled:
    checkout = git.Checkout(folder)
    git.refuse_planted(checkout)
    assert checkout.git_dir
    storage = Storage.at(folder)
    with archive.opened(file) as opened, _scratch(storage.scratch) as scratch:
        proven = _Proven.of(opened, scratch)
        sent = _sent(proven, storage.remote(), scratch, progress)
        _keep(proven, storage)
        bundling.taken_over(proven.history, folder, BRANCHES)
        return replace(proven.said, folder=folder, sent=sent)


def _into_new(file: Path, folder: Path, store: Path, progress: Progress) -> Bundled:
    with archive.opened(file) as opened, _scratch(folder.parent) as scratch:
        proven = _Proven.of(opened, scratch)
        if opened.index.head is None:
            raise Denied(f"{opened.where} holds no branch", "import it into a clone, or bundle a branch")
        (scratch / "clone").mkdir()
        (scratch / "store").mkdir()
        sent = _sent(proven, FolderRemote(BRANCHES, scratch / "store"), scratch, progress)
        bundling.checked_out(proven.history, scratch / "clone", opened.index.head.removeprefix("refs/heads/"))
        _point(scratch / "clone", f"../../{store.name}")
        _keep(proven, Storage.at(scratch / "clone"))
        with suppress(FileNotFoundError):
            folder.rmdir()
        (scratch / "store").rename(store)
        try:
            (scratch / "clone").rename(folder)
        except BaseException:
            shutil.rmtree(store, ignore_errors=True)
            raise
        return replace(proven.said, folder=folder, sent=sent)


def _point(clone: Path, url: str) -> None:
    """
    Make a folder the clone's remote, for this machine only, and the cache its own.

    The registry in a bundle may name folders that mean something where it comes from: here, nothing is written to them.
    """
    git.refuse_planted(git.Checkout(clone))
    place = clone / ".dvc"
    if not place.is_dir() and os.path.lexists(place):
        raise Denied(
            "the registry in the bundle has a file in the place of .dvc", "see `podium check` where it comes from"
        )
    place.mkdir(exist_ok=True)
    (place / "config.local").write_text(
        f"[core]\n    remote = {BRANCHES}\n[cache]\n    dir = cache\n['remote \"{BRANCHES}\"']\n    url = {url}\n"
    )


def _sent(proven: _Proven, target: Remote, scratch: Path, progress: Progress) -> int:
    """Send what a remote lacks, each object proven before: files first, then the folders that list them."""
    opened, objects = proven.opened, proven.opened.index.objects
    there = target.sizes(objects)
    lacking = [md5 for md5, sums in objects.items() if there[md5] != sums.size]
    meter = Meter(progress, "importing", sum(objects[md5].size for md5 in lacking))
    for md5 in lacking:
        if not md5.endswith(".dir"):
            place = scratch / "object"
            with place.open("wb") as stream:
                for chunk in opened.object(md5):
                    stream.write(chunk)
            target.send(md5, place, meter)
            place.unlink()
    for md5 in lacking:
        if md5.endswith(".dir"):
            target.write(md5, proven.contents[md5])
    arrived = target.sizes(lacking)
    if any(arrived[md5] != objects[md5].size for md5 in lacking):
        raise Unavailable(f"the remote {target.name!r} did not keep all that was sent", "see to its disk, try again")
    return len(lacking)


def _keep(proven: _Proven, storage: Storage) -> None:
    """Put versions that name their own remote into the cache: ``use`` would look for them there and nowhere else."""
    for folder in sorted(proven.elsewhere):
        content = proven.contents[folder]
        for file in _files(content):
            sums = proven.opened.index.objects[file.md5]
            if storage.cache.proven(file.md5) != sums:
                whole = File(file.path, sums.size, sums.md5, sums.sha256)
                storage.cache.receive(whole, proven.opened.object(file.md5))
        storage.cache.add_bytes(content, folder)
        storage.cache.keep(folder, [folder, *(file.md5 for file in _files(content))])


@contextmanager
def _scratch(above: Path) -> Iterator[Path]:
    """Give a folder for unfinished things, on the disk where they will be."""
    with space.told():
        above.mkdir(parents=True, exist_ok=True)
        proofs.sweep(above)
        place = proofs.temporary_in(above)
        place.mkdir()
        try:
            yield place
        finally:
            proofs.remove(place)
