"""
A registry at a commit → the files of its static index.

What lies under its hash is written first, then what names it, ``index.json`` last. Files that are as they should be are
not touched. A file beside them tells the next run which of Git's objects each was made of, so that it reads only what
changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from podium import layout, refs
from podium.errors import Denied, Unavailable
from podium.index import documents, places
from podium.model import Artifact, Link, RegisteredModel, Registry
from podium.storage import public
from podium.visible import redacted

_UNFINISHED = re.compile(r"\.new-[0-9a-f]{16}")
STATE = "index/.state.json"
"""What the next run need not read again: it may be removed, and need not be published."""


@dataclass(frozen=True)
class Written:
    """What a run did: files written, entities whose files were as they should be, files of entities taken away."""

    written: int
    kept: int
    removed: int


def write(registry: Registry, folder: Path, *, bytes_url: str | None = None) -> Written:
    """
    Write the static index of a registry into a folder, which may hold other files.

    ``bytes_url`` is the public address of the default DVC remote, where readers take another way to the bytes than
    writers. What lies under its hash is never removed: somebody may just be reading what named it. Raises what reading
    the registry raises, Denied for what is too large for an index, Unavailable where the folder cannot be written.
    """
    run = _Run(registry, _Folder(folder), _State.read(folder))
    try:
        return run.done(bytes_url)
    except OSError as error:
        where = error.filename or folder
        raise Unavailable(
            f"{where} cannot be written: {error.strerror or error}", "mend it, then run it again"
        ) from None


# --- what the last run knew -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _State:
    """
    What was made of which of Git's objects.

    ``entities``: by path, how the file looked, the id of the entity's folder, and the ids of the folders of the
    artifacts that it links to. ``records`` and ``cards``: by blob, the hash under which its content lies.
    """

    entities: dict[str, tuple[Any, str, dict[str, str]]] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    cards: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> _State:
        """Read it; one that is not there, or not of what lies there, is as good as none."""
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            found = json.loads((folder / STATE).read_bytes())
            if found["format"] == places.FORMAT:
                entities = {
                    path: (looks, own, dict(linked)) for path, (looks, own, linked) in found["entities"].items()
                }
                known = cls(entities, dict(found["records"]), dict(found["cards"]))
                if known._is_whole(folder):
                    return known
        return cls()

    def _is_whole(self, folder: Path) -> bool:
        places_of = ((places.RECORDS, ".json", self.records), (places.CARDS, ".md", self.cards))
        return all(
            {f"{sha256}{suffix}" for sha256 in known.values()} <= _listed(folder / below)
            for below, suffix, known in places_of
        )

    def encoded(self) -> bytes:
        """Give its bytes."""
        document = {"format": places.FORMAT, "entities": self.entities, "records": self.records, "cards": self.cards}
        return json.dumps(document, separators=(",", ":")).encode()


def _listed(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208 - names only, for ten thousand files
    except FileNotFoundError:
        return set()


# --- the folder -------------------------------------------------------------------------------------------------------


class _Folder:
    """The folder that is written: each file under another name first, then renamed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written = 0
        self._plain: set[Path] = set()
        self._lasting = {below: _listed(root / below) for below in (places.RECORDS, places.CARDS)}

    def lasting(self, content: bytes, place: Callable[[str], str]) -> str:
        """Write what lies under its hash, unless it does; gives the hash."""
        sha256 = hashlib.sha256(content).hexdigest()
        below, _, name = place(sha256).rpartition("/")
        if name not in self._lasting[below]:
            _refuse_large(place(sha256), content)
            self._renamed(self.root / below / name, content, None)
            self._lasting[below].add(name)
        return sha256

    def changing(self, path: str, content: bytes) -> None:
        """
        Write a file that may change, unless it is so already.

        Web servers make what they call a file (its ETag) of its size and of the second in which it was written: the new
        file gets a later one, or who has the old one would be told that nothing changed.
        """
        _refuse_large(path, content)
        place = self.root / path
        try:
            there = place.read_bytes()
            if there == content:
                return
            if not documents.is_ours(there):
                raise Denied(f"{place} is there, and podium did not write it", "move it, or name another folder")
            later = int(place.stat().st_mtime) + 1
        except FileNotFoundError:
            later = None
        self._renamed(place, content, later)

    def put(self, path: str, content: bytes) -> None:
        """Write a file whatever is there."""
        self._renamed(self.root / path, content, None)

    def _renamed(self, place: Path, content: bytes, not_before: int | None) -> None:
        """Write a file whole, as the umask has it: servers are to read it; folders are made where one is missing."""
        self._refuse_links(place.parent)
        temporary = place.with_name(f".new-{secrets.token_hex(8)}")
        try:
            try:
                temporary.write_bytes(content)
            except FileNotFoundError:
                place.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(content)
            if not_before is not None and temporary.stat().st_mtime < not_before:
                os.utime(temporary, (not_before, not_before))
            temporary.replace(place)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self.written += 1

    def _refuse_links(self, folder: Path) -> None:
        """Make sure that a folder below the root is reached through no link: what that leads to is somebody else's."""
        while folder != self.root and folder not in self._plain:
            if folder.is_symlink():
                raise Denied(f"{folder} is a link, which podium does not follow", "move it, or name another folder")
            self._plain.add(folder)
            folder = folder.parent

    def looks(self, path: str) -> list[int] | None:
        """Give what tells whether somebody else wrote a file; ``None`` where there is none."""
        try:
            status = (self.root / path).stat()
        except OSError:
            return None
        return [status.st_size, status.st_mtime_ns]

    def remove_others(self, below: str, wanted: set[str]) -> int:
        """Remove the files of an index below a folder that are not wanted, and no other ones; gives how many."""
        self._refuse_links(self.root / below)
        others = [path for path in self._below(below) if path not in wanted and _is_ours(self.root / path)]
        for path in others:
            (self.root / path).unlink()
        return len(others)

    def sweep(self) -> None:
        """Take away what a run that was killed had under its hands."""
        for top in (self.root, *_folders(self.root / "index")):
            for name in _listed(top):
                if _UNFINISHED.fullmatch(name):
                    (top / name).unlink(missing_ok=True)

    def _below(self, folder: str) -> Iterator[str]:
        """Give the plain files below a folder that end as those of an index do; no link is followed."""
        for top, _, names in os.walk(self.root / folder):
            paths = (Path(top, name) for name in names if name.endswith(".json"))
            yield from (path.relative_to(self.root).as_posix() for path in paths if not path.is_symlink())


def _without_credentials(text: bytes) -> bytes:
    return redacted(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _folders(top: Path) -> Iterator[Path]:
    """Give a folder, and all below it; no link is followed."""
    return (Path(folder) for folder, _, _ in os.walk(top))


def _is_ours(path: Path) -> bool:
    return path.stat().st_size <= places.LARGEST and documents.is_ours(path.read_bytes())


def _refuse_large(path: str, content: bytes) -> None:
    if len(content) > places.LARGEST:
        raise Denied(
            f"{path} would have {len(content)} bytes, and a file of an index has at most {places.LARGEST}",
            "let who needs it read the registry by its Git URL",
        )


# --- a run ------------------------------------------------------------------------------------------------------------


class _Run:
    """One run: what the last one knew, what this one does."""

    def __init__(self, registry: Registry, folder: _Folder, before: _State) -> None:
        self.registry = registry
        self.folder = folder
        self.before = before
        self.now = _State(records=dict(before.records), cards=dict(before.cards))
        self.kept = 0

    def done(self, bytes_url: str | None) -> Written:
        """Write everything."""
        models, artifacts = sorted(self.registry.models), sorted(self.registry.artifacts)
        for name in models:
            self._entity("model", name, partial(self._model, name))
        for name in artifacts:
            self._entity("artifact", name, partial(self._artifact, name))
        self._put(places.NAMES, documents.names(models, artifacts))
        remotes = public.remotes(self._read(layout.DVC_CONFIG), bytes_url)
        self._put(places.ROOT, documents.root(self.registry.settings, self.registry.commit, remotes))
        wanted = {places.entity("model", name) for name in models} | {
            places.entity("artifact", name) for name in artifacts
        }
        self.folder.sweep()
        removed = self.folder.remove_others("index/models", wanted) + self.folder.remove_others(
            "index/artifacts", wanted
        )
        written = self.folder.written
        self.folder.put(STATE, self.now.encoded())
        return Written(written, self.kept, removed)

    def _put(self, path: str, document: documents.Document) -> None:
        self.folder.changing(path, documents.summed(document))

    def _read(self, path: str) -> bytes:
        entry = self.registry.tree.entry(path)
        return self.registry.tree.read(path) if entry is not None and entry.is_file else b""

    def _id(self, path: str) -> str | None:
        entry = self.registry.tree.entry(path)
        return entry.id if entry is not None else None

    def _entity(self, kind: refs.Kind, name: str, made: Callable[[], tuple[documents.Document, set[str]]]) -> None:
        """Write the file of a model or an artifact, unless it was made of the same objects."""
        path, own = places.entity(kind, name), self._id(layout.folder(kind, name))
        looks, before, linked = self.before.entities.get(path, (None, None, {}))
        if own is not None and own == before and self._are(linked) and looks == self.folder.looks(path):
            self.now.entities[path] = (looks, own, linked)
            self.kept += 1
            return
        document, artifacts = made()
        self._put(path, document)
        ids = {artifact: self._id(layout.folder("artifact", artifact)) for artifact in artifacts}
        if own is not None and all(ids.values()):
            self.now.entities[path] = (self.folder.looks(path), own, {one: str(id_) for one, id_ in ids.items()})

    def _are(self, linked: dict[str, str]) -> bool:
        return all(self._id(layout.folder("artifact", artifact)) == id_ for artifact, id_ in linked.items())

    def _model(self, name: str) -> tuple[documents.Document, set[str]]:
        model: RegisteredModel = self.registry.models[name]

        def record(link: Link) -> str:
            return self._record(self.registry.artifact(link.artifact), link.version)

        return documents.model(model, record, self._card(model)), {link.artifact for link in model.links.values()}

    def _artifact(self, name: str) -> tuple[documents.Document, set[str]]:
        artifact: Artifact = self.registry.artifacts[name]
        return documents.artifact(artifact, partial(self._record, artifact)), set()

    def _record(self, artifact: Artifact, number: str) -> str:
        def content() -> bytes:
            return documents.encode(documents.record(artifact.records[number], number))

        path = layout.version("artifact", artifact.name, number)
        return self._known(path, self.now.records, content, places.record)

    def _card(self, model: RegisteredModel) -> str | None:
        path = layout.card(model.name)
        entry = self.registry.tree.entry(path)
        if entry is None or not entry.is_file:
            return None
        return self._known(path, self.now.cards, lambda: _without_credentials(self._read(path)), places.card)

    def _known(
        self, path: str, known: dict[str, str], content: Callable[[], bytes], place: Callable[[str], str]
    ) -> str:
        """Give the hash under which something lies that is made of a file; it is read only where that is not known."""
        blob = self._id(path)
        if blob is not None and blob in known:
            return known[blob]
        sha256 = self.folder.lasting(content(), place)
        if blob is not None:
            known[blob] = sha256
        return sha256
