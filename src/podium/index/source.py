"""A registry read from a static index: the same values as from Git, each made of one file that says all of it."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from podium import refs
from podium.errors import Denied, NewerFormat, NoSuchArtifact, NoSuchModel, Unavailable
from podium.freshness import Freshness
from podium.index import documents, places
from podium.index.documents import Member, NotAsAgreed, Root, Shown
from podium.index.kept import Kept
from podium.model import Artifact, Lazily, Record, RegisteredModel, Registry
from podium.tree import Entry

_URL = re.compile(r"(?i)https?://[^\s/?#]+(?:/[^\s?#]*)?")
_READERS = 8
"""Files asked for at a time where all are wanted."""
_PAUSE = 0.3
"""Seconds to wait for a file that another one names: who publishes may be in the midst of it."""

T = TypeVar("T")


def find(where: str, cache: Path, freshness: Freshness) -> Published | None:
    """
    Give the static index at an address; ``None`` where the address is no index's.

    What ends in ``.git`` never is one; of any other web address it is asked once whether it has an ``index.json`` of
    podium's. Raises Unavailable where that cannot be told.
    """
    if not _URL.fullmatch(where) or where.rstrip("/").lower().endswith(".git"):
        return None
    published = Published.at(where, cache, freshness)
    return published if published.is_kept or (not freshness.offline and published.answers()) else None


@dataclass(frozen=True)
class Published:
    """A registry that is published as a static index."""

    label: str
    home: Path
    kept: Kept

    @classmethod
    def at(cls, url: str, cache: Path, freshness: Freshness) -> Published:
        """Give the index at an address; ``cache`` is podium's cache folder."""
        parts = urlsplit(url.rstrip("/"))
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        label = bare if "@" not in parts.netloc else bare.replace("://", "://***@", 1)
        host = re.sub(r"[^A-Za-z0-9]+", "-", parts.hostname or "")[:40]
        folder = cache / "indexes" / f"{host}-{hashlib.sha256(bare.encode()).hexdigest()[:20]}"
        return cls(label, folder.with_suffix(".files"), Kept(url.rstrip("/"), label, folder, freshness))

    @property
    def is_kept(self) -> bool:
        """Tell whether it was read before."""
        return self.age is not None

    @property
    def age(self) -> float | None:
        """Seconds since what is kept of it was made sure of; ``None`` where nothing is."""
        return self.kept.age(places.ROOT)

    @property
    def freshness(self) -> Freshness:
        """How old what is kept may be."""
        return self.kept.freshness

    def answers(self) -> bool:
        """Ask whether there is an index; raises Unavailable where there is no telling."""
        from podium.index.web import Foreign

        try:
            return self._found is not None
        except NotAsAgreed as problem:
            self.kept.forget(places.ROOT)
            if problem.ours:
                raise odd(self.label, places.ROOT, problem.why) from None
        except Foreign:
            pass
        return False

    @cached_property
    def _found(self) -> Root | None:
        raw = self.kept.changing(places.ROOT)
        return documents.read_root(raw) if raw is not None else None

    @cached_property
    def root(self) -> Root:
        """What ``index.json`` says; raises Unavailable."""
        found = self.agreed(places.ROOT, lambda: self._found)
        if found is None:
            raise Unavailable(
                f"{self.label} has no {places.ROOT} any more",
                f"if it is a Git URL now, remove {self.kept.folder}",
            )
        return found

    @cached_property
    def value(self) -> Registry:
        """The registry as a value; what of it is asked for is fetched then, once."""
        return _Reader(self).registry

    def configuration(self) -> bytes:
        """Give the ``.dvc/config`` that says where the bytes are; raises Unavailable."""
        from podium.storage import public

        made = public.configuration(self.root.remotes)
        if made is None:
            raise odd(self.label, places.ROOT, "names DVC remotes in a way that podium does not follow")
        return made

    def agreed(self, path: str, read: Callable[[], T]) -> T:
        """Read a document, or say what's wrong with the file, and drop it; raises Unavailable, NewerFormat."""
        try:
            return read()
        except NewerFormat:
            self.kept.forget(path)
            raise
        except NotAsAgreed as problem:
            self.kept.forget(path)
            raise odd(self.label, path, problem.why) from None

    def refusal(self, what: str) -> Denied:
        """Make the error for what an index does not hold."""
        return Denied(
            f"{self.label} is a static index of a registry, and has no {what}",
            "name the registry itself with -R: by its Git URL, or a checkout",
        )


@dataclass(frozen=True)
class _NoTree:
    """In the place of a registry's files, which an index does not have."""

    source: Published
    told: Callable[[], str | None]

    @property
    def commit(self) -> str | None:
        """The commit of which the index says it is."""
        return self.told()

    def list(self, folder: str) -> Sequence[Entry]:
        """Give no entries; raises Denied."""
        raise self.source.refusal(f"folder {folder or '/'}")

    def entry(self, path: str) -> Entry | None:
        """Give no entry; raises Denied."""
        raise self.source.refusal(f"file {path}")

    def read(self, path: str) -> bytes:
        """Give no content; raises Denied."""
        raise self.source.refusal(f"file {path}")


@dataclass(frozen=True, eq=False)
class _Reader:
    """
    What one open registry has read of an index: each file once, so that it does not change under whoever reads.

    A model's versions, what holds its aliases and what was withdrawn come from the model's own file, never from two
    files that may be of different commits.
    """

    source: Published
    _shown: dict[tuple[refs.Kind, str], Shown | None] = field(default_factory=dict)

    @cached_property
    def registry(self) -> Registry:
        """The registry, of which nothing was read yet."""
        return self._registry(
            lambda: self.source.root.commit,
            lambda _: Lazily(partial(self._names, "model"), self._model, partial(self._has, "model"), NoSuchModel),
            lambda _: Lazily(
                partial(self._names, "artifact"), self._artifact, partial(self._has, "artifact"), NoSuchArtifact
            ),
        )

    def _registry(
        self,
        commit: Callable[[], str | None],
        models: Callable[[Registry], Mapping[str, RegisteredModel]],
        artifacts: Callable[[Registry], Mapping[str, Artifact]],
    ) -> Registry:
        tree = _NoTree(self.source, commit)
        return Registry(tree, lambda: self.source.root.settings, models, artifacts, self._card)

    # --- one model or artifact

    def _model(self, name: str) -> RegisteredModel:
        shown = self._needed("model", name)
        wanted: dict[str, dict[str, Member]] = {}
        for member in shown.members.values():
            assert member.link is not None
            wanted.setdefault(member.link.artifact, {})[member.link.version] = member
        view = self._registry(
            lambda: None,  # of which commit one file is, nobody can tell
            lambda _: self.registry.models,
            lambda registry: {one: self._linked(one, members, name, registry) for one, members in wanted.items()},
        )
        links = {number: member.link for number, member in shown.members.items() if member.link is not None}
        return RegisteredModel(
            name, view, shown.aliases, lambda: shown.about, lambda: shown.about.withdrawn, links
        )  # fmt: skip

    def _linked(self, name: str, members: Mapping[str, Member], model: str, registry: Registry) -> Artifact:
        """Give as much of an artifact as the file of a model says that links to it."""
        from podium.model import Alias

        numbers = refs.in_order(members)
        aliases = {alias: Alias(number, 1) for number in numbers for alias in members[number].aliases}
        withdrawn = {number: reason for number in numbers if (reason := members[number].withdrawn) is not None}
        return Artifact(
            name,
            registry,
            dict(sorted(aliases.items())),
            lambda: self._artifact(name).about,
            lambda: withdrawn,
            Lazily(lambda: numbers, lambda number: self._record("model", model, members[number], number)),
        )

    def _artifact(self, name: str) -> Artifact:
        shown = self._needed("artifact", name)
        view = self._registry(lambda: None, lambda _: self.registry.models, lambda _: self.registry.artifacts)
        members = shown.members
        return Artifact(
            name,
            view,
            shown.aliases,
            lambda: shown.about,
            lambda: shown.about.withdrawn,
            Lazily(lambda: members, lambda number: self._record("artifact", name, members[number], number)),
        )

    def _record(self, kind: refs.Kind, name: str, member: Member, number: str) -> Record:
        path = places.record(member.record)
        raw = self._lasting(path, member.record, places.entity(kind, name))
        return self.source.agreed(path, lambda: documents.read_record(raw, number))

    def _card(self, model: str) -> str | None:
        sha256 = self._needed("model", model).card
        if sha256 is None:
            return None
        return self._lasting(places.card(sha256), sha256, places.entity("model", model)).decode(errors="replace")

    def _lasting(self, path: str, sha256: str, named_in: str) -> bytes:
        """Give a file that another one names; where it is not there yet, or no longer, once more a moment later."""
        found = self.source.kept.lasting(path, sha256)
        if found is None:
            time.sleep(_PAUSE)
            found = self.source.kept.lasting(path, sha256)
        if found is None:
            self.source.kept.forget(named_in)  # it may be old: the next reader is to ask for it anew
            raise odd(self.source.label, path, f"is not there, though {named_in} names it")
        return found

    # --- which there are

    def _has(self, kind: refs.Kind, name: str) -> bool:
        return documents.is_name(kind, name) and self._look(kind, name) is not None

    def _needed(self, kind: refs.Kind, name: str) -> Shown:
        shown = self._look(kind, name)
        if shown is None:
            raise (NoSuchModel if kind == "model" else NoSuchArtifact)(name)
        return shown

    def _look(self, kind: refs.Kind, name: str) -> Shown | None:
        if (kind, name) not in self._shown:
            self._shown[kind, name] = self._read(kind, name)
        return self._shown[kind, name]

    def _read(self, kind: refs.Kind, name: str) -> Shown | None:
        path, entity = places.entity(kind, name), self.source.root.settings.entity
        raw = self.source.kept.changing(path)
        if raw is None and name in self._all[kind]:
            time.sleep(_PAUSE)  # it is named, so it is to come, or whoever serves the files lacks it
            raw = self.source.kept.changing(path, anew=True)  # a cache on the way may go on saying that it is not there
            if raw is None:
                raise odd(self.source.label, path, f"is not there, though {places.NAMES} names it")
        return (
            self.source.agreed(path, lambda: documents.read_entity(raw, kind, name, entity))
            if raw is not None
            else None
        )

    def _names(self, kind: refs.Kind) -> list[str]:
        """Give all names; who asks for them reads on, so the files are fetched side by side."""
        from concurrent.futures import ThreadPoolExecutor

        names = self._all[kind]
        with ThreadPoolExecutor(_READERS, thread_name_prefix="podium-index") as readers:
            found = list(readers.map(partial(self._look, kind), names))
        return [name for name, shown in zip(names, found, strict=True) if shown is not None]

    @cached_property
    def _all(self) -> dict[refs.Kind, list[str]]:
        raw = self.source.kept.changing(places.NAMES)
        if raw is None:
            raise odd(self.source.label, places.NAMES, "is not there")
        return self.source.agreed(places.NAMES, lambda: documents.read_names(raw))


def odd(label: str, path: str, why: str) -> Unavailable:
    """Make the error for a file that is not as it should be."""
    return Unavailable(f"{label}/{path} {why}", "try again; if it stays so, publish the index again")
