"""
Two lines of work → one: what a branch did, laid over what another one did, the later one's versions re-numbered.

A version is known by its content (an artifact and a hash; a registered model and the artifact's version), a number is
only what it is called. Where two branches took the same number, the first keeps it, and everything in the later one
that refers to its own version follows that version to its new number. Two moves of one alias are for people to settle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from podium import codec, edits, layout, refs
from podium.codec import Malformed, Source, Value
from podium.errors import Denied, Unreadable
from podium.layout import Place
from podium.model import Alias, Artifact, Link, RegisteredModel, Registry
from podium.tree import Tree, walk

Changes = Mapping[str, "bytes | None"]


@dataclass(frozen=True)
class Renumbered:
    """
    A version of the later side that has another number in the merge.

    ``known``: the first side has the same content, so that the later side's record of it is left out.
    """

    kind: refs.Kind
    name: str
    before: str
    after: str
    known: bool

    @property
    def sentence(self) -> str:
        """Say what it is called now."""
        why = ", which has the same content" if self.known and self.kind == "artifact" else ""
        return f"{self.name}:{self.before} is now {self.name}:{self.after}{why}"


@dataclass(frozen=True)
class Clash:
    """
    A file that both sides changed, and that only people can merge.

    For an alias: the version it named before, and the one to which each side moves it, by the merge's numbers.
    """

    path: str
    place: Place
    before: str | None = None
    first: str | None = None
    later: str | None = None


@dataclass(frozen=True)
class Merged:
    """What laying the later side over the first gives: the files that differ from the first side's."""

    changes: Changes
    renumbered: tuple[Renumbered, ...] = ()
    clashes: tuple[Clash, ...] = ()


def merge(base: Registry, first: Registry, later: Registry, paths: Iterable[str] | None = None) -> Merged:
    """
    Lay what the later side did since ``base`` over the first side, whose numbers stay.

    ``paths`` are those at which ``base`` and ``later`` differ; without them all are compared. Of files that are no
    entity's document (``registry.yaml``, cards, schemas) nothing is said: Git merges text. Raises Unreadable or Denied
    for a changed file of either side that is not what the format says.
    """
    touched = changed(base.tree, later.tree) if paths is None else paths
    return _Merging(base, first, later, _places(touched)).merged


def changed(before: Tree, after: Tree) -> list[str]:
    """Give the paths below ``models/`` and ``artifacts/`` at which two trees differ, comparing every file."""
    paths = sorted(
        {path for tree in (before, after) for top in (layout.MODELS, layout.ARTIFACTS) for path, _ in walk(tree, top)}
    )
    return [path for path in paths if _read(before, path) != _read(after, path)]


def _places(paths: Iterable[str]) -> dict[str, Place]:
    found = ((path, layout.place(path)) for path in paths)
    return {path: place for path, place in found if place is not None and is_merged(place)}


def is_merged(place: Place) -> bool:
    """Tell whether a document is one that is merged here, and not by Git alone."""
    return place.document != "registry" and (place.document != "alias" or refs.why_not_alias(place.member) is None)


@dataclass
class _Merging:
    """One merge under way; the properties depend on each other in the order in which they stand here."""

    base: Registry
    first: Registry
    later: Registry
    places: Mapping[str, Place]
    changes: dict[str, bytes | None] = field(default_factory=dict)
    clashes: list[Clash] = field(default_factory=list)

    @property
    def merged(self) -> Merged:
        """Merge file by file, once the numbers are settled."""
        renumbered = [*self._renumbered("artifact", self.artifacts), *self._renumbered("model", self.models)]
        for path, place in self.places.items():
            if place.document in ("version", "link") and path in self._new:
                self._add_version(path, place)
            elif place.document in ("version", "link"):
                self._merge_whole(path, place)
            elif place.document == "alias":
                self._merge_alias(path, place)
            else:
                self._merge_about(path, place)
        return Merged(self.changes, tuple(renumbered), tuple(self.clashes))

    # --- numbers ---

    @cached_property
    def _new(self) -> dict[str, Place]:
        """The versions and links that the later side made, by path, in the order of their numbers."""
        found = [
            (path, place)
            for path, place in self.places.items()
            if place.document in ("version", "link")
            and _read(self.base.tree, path) is None
            and _read(self.later.tree, path) is not None
        ]
        return dict(sorted(found, key=lambda pair: refs.number(pair[1].member)))

    @cached_property
    def artifacts(self) -> dict[str, dict[str, str]]:
        """By artifact: the number in the merge of each version that the later side made."""
        return self._numbered("artifact")

    @cached_property
    def models(self) -> dict[str, dict[str, str]]:
        """By registered model: the number in the merge of each link that the later side made."""
        return self._numbered("model")

    def _numbered(self, kind: refs.Kind) -> dict[str, dict[str, str]]:
        numbers: dict[str, dict[str, str]] = {}
        known: dict[tuple[str, str | Link], str] = {}
        for place in self._new.values():
            if place.kind != kind:
                continue
            own = numbers.setdefault(place.name, {})
            there = (self.first.artifacts if kind == "artifact" else self.first.models).get(place.name)
            what = place.name, self._content(kind, place.name, place.member)
            if what not in known:
                known[what] = self._same(kind, place.name, place.member) or _following(there, own.values())
            own[place.member] = known[what]
        return numbers

    def _content(self, kind: refs.Kind, name: str, version: str) -> str | Link:
        """Give what a version of the later side is known by."""
        return self._md5(name, version) if kind == "artifact" else self._bookmark(name, version)

    def _md5(self, artifact: str, version: str) -> str:
        return self.later.artifact(artifact).records[version].md5

    def _bookmark(self, model: str, version: str) -> Link:
        return self._target(self.later.model(model).links[version])

    def _same(self, kind: refs.Kind, name: str, version: str) -> str | None:
        """Give the number under which the first side has what a version of the later side holds."""
        if kind == "artifact":
            artifact = self.first.artifacts.get(name)
            return edits.find(artifact, self._md5(name, version)) if artifact is not None else None
        model = self.first.models.get(name)
        return edits.linked(model, self._bookmark(name, version)) if model is not None else None

    def _renumbered(self, kind: refs.Kind, numbers: Mapping[str, Mapping[str, str]]) -> Iterator[Renumbered]:
        for name, own in numbers.items():
            for before, after in own.items():
                if before != after:
                    known = _read(self.first.tree, layout.version(kind, name, after)) is not None
                    yield Renumbered(kind, name, before, after, known)

    def _target(self, bookmark: Link) -> Link:
        return replace(bookmark, version=self._number("artifact", bookmark.artifact, bookmark.version))

    def _number(self, kind: refs.Kind, name: str, version: str) -> str:
        """Give the number that a later side's version has in the merge; one made elsewhere is known by its content."""
        own = (self.artifacts if kind == "artifact" else self.models).get(name, {})
        if version in own:
            return own[version]
        path = layout.version(kind, name, version)
        content = _read(self.later.tree, path)
        if content is None or content == _read(self.first.tree, path):
            return version
        return self._same(kind, name, version) or version

    # --- files ---

    def _add_version(self, path: str, place: Place) -> None:
        assert place.kind is not None
        number = self._number(place.kind, place.name, place.member)
        new = layout.version(place.kind, place.name, number)
        if new in self.changes or _read(self.first.tree, new) is not None:
            return  # the first side has it
        data = _data(self.later.tree, path, place)
        if place.kind == "artifact":
            renamed = {**data, "outs": [{**data["outs"][0], "path": number}]}
        else:
            target = self._target(Link(data["artifact"], data["version"]))
            renamed = {**data, "version": target.version}
        self.changes[new] = self._rewritten(path, place, renamed)

    def _merge_whole(self, path: str, place: Place) -> None:
        """Merge a file of which there is nothing to take apart."""
        old, ours, theirs = (_read(side.tree, path) for side in (self.base, self.first, self.later))
        if ours == old:
            self.changes[path] = theirs
        elif ours != theirs:
            self.clashes.append(Clash(path, place))

    def _merge_alias(self, path: str, place: Place) -> None:
        old, ours, theirs = (_alias(side, path, place) for side in (self.base, self.first, self.later))
        if theirs is not None and theirs.version is not None:
            assert place.kind is not None
            theirs = theirs._replace(version=self._number(place.kind, place.name, theirs.version))
        if theirs == old and _read(self.first.tree, path) != _read(self.base.tree, path):
            return  # nothing but its layout changed, and the first side has changed it too
        if ours == old:
            data = codec.write.alias(theirs) if theirs is not None else None
            self.changes[path] = self._rewritten(path, place, data) if data is not None else None
        elif ours is None or theirs is None or ours.version != theirs.version:
            self.clashes.append(Clash(path, place, *(side.version if side else None for side in (old, ours, theirs))))

    def _merge_about(self, path: str, place: Place) -> None:
        assert place.kind is not None
        if _read(self.later.tree, path) is None or (
            _read(self.first.tree, path) is None and _read(self.base.tree, path) is not None
        ):
            return self._merge_whole(path, place)
        old, ours, theirs = (_described(side.tree, path, place) for side in (self.base, self.first, self.later))
        if "withdrawn" in theirs:
            moved = {self._number(place.kind, place.name, key): why for key, why in theirs["withdrawn"].items()}
            theirs = {**theirs, "withdrawn": moved}
        if _read(self.first.tree, path) in (None, _read(self.base.tree, path)):
            self.changes[path] = self._rewritten(path, place, theirs)
            return None
        merged = merge_about(old, ours, theirs)
        if merged is None:
            self.clashes.append(Clash(path, place))
        elif merged != ours:
            self.changes[path] = _rewritten(self.first.tree, path, place, merged)
        return None

    def _rewritten(self, path: str, place: Place, data: dict[str, Value]) -> bytes:
        return _rewritten(self.later.tree, path, place, data)


def _following(entity: RegisteredModel | Artifact | None, taken: Iterable[str]) -> str:
    numbers = [*(entity.numbers if entity is not None else ()), *taken]
    return refs.version(max(map(refs.number, numbers), default=-1) + 1)


# --- what describes an entity: key by key -----------------------------------------------------------------------------

_LISTS = frozenset({"owners", "tags"})
_LEFT_OUT: Mapping[str, Value] = {"description": "", "type": "model", "remote": ""}


def merge_about(
    base: Mapping[str, Value], first: Mapping[str, Value], later: Mapping[str, Value]
) -> dict[str, Value] | None:
    """Merge what three versions of ``model.yaml`` or ``artifact.yaml`` say; ``None`` where only people can."""
    merged: dict[str, Value] = dict(first)
    for key in dict.fromkeys([*first, *later, *base]):
        old, ours, theirs = (side.get(key, _empty(key)) for side in (base, first, later))
        if key in _LISTS:
            value: Value = [item for item in ours if item in theirs or item not in old]
            value += [item for item in theirs if item not in ours and item not in old]
        elif key == "withdrawn":
            value = _merge_reasons(old, ours, theirs)
        else:
            value = ours if theirs in (old, ours) else theirs if ours == old else None
        if value is None:
            return None
        merged[key] = value
        if value == _empty(key) and key not in first:
            del merged[key]
        elif value in ([], {}) or (key == "remote" and not value):
            merged.pop(key)
    return merged


def _empty(key: str) -> Value:
    return [] if key in _LISTS else {} if key == "withdrawn" else _LEFT_OUT.get(key)


def _merge_reasons(base: Value, first: Value, later: Value) -> Value:
    """Merge the withdrawals: what one side withdrew or restored holds; two reasons for one version are for people."""
    merged = {}
    for version in refs.in_order({*base, *first, *later}):
        old, ours, theirs = (side.get(version) for side in (base, first, later))
        value = ours if theirs in (old, ours) else theirs
        if ours not in (old, value):
            return None
        if value is not None:
            merged[version] = value
    return merged


# --- reading and writing one file -------------------------------------------------------------------------------------


def _read(tree: Tree, path: str) -> bytes | None:
    entry = tree.entry(path)
    if entry is None or entry.is_folder:
        return None
    if not entry.is_file:
        raise Denied(f"{path} is no plain file", "see `podium check`")
    return tree.read(path)


def _data(tree: Tree, path: str, place: Place) -> dict[str, Value]:
    """Give what a file holds that podium's schema accepts; raises Unreadable."""
    return Source(path, tree.read(path)).valid(place.document)


def _described(tree: Tree, path: str, place: Place) -> dict[str, Value]:
    return _data(tree, path, place) if _read(tree, path) is not None else {}


def _alias(registry: Registry, path: str, place: Place) -> Alias | None:
    if _read(registry.tree, path) is None:
        return None
    entity = registry.model(place.name) if place.kind == "model" else registry.artifact(place.name)
    return entity.assignments[place.member]


def _rewritten(tree: Tree, path: str, place: Place, data: dict[str, Value]) -> bytes:
    try:
        return codec.rewrite(place.document, tree.read(path), data)
    except Malformed as problem:
        raise Unreadable(path, problem.line, problem.column, problem.problem) from None
