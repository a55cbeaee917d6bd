"""(before, after) → what changed, as values that text, JSON and Markdown are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from podium import layout, refs
from podium.errors import Refused
from podium.model import About, Alias, Artifact, RegisteredModel, Registry, Version

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """One fact on both sides; ``None`` where a side does not have it. ``delta`` is there for two numbers."""

    before: Any
    after: Any

    @property
    def differs(self) -> bool:
        """Tell whether the two sides say different things."""
        return type(self.before) is not type(self.after) or bool(self.before != self.after)

    @property
    def delta(self) -> float | int | None:
        """The difference in decimal arithmetic, as people would write it down: 0.934 - 0.931 is 0.003."""
        if not (_is_number(self.before) and _is_number(self.after)):
            return None
        difference = Decimal(repr(self.after)) - Decimal(repr(self.before))
        exact = isinstance(self.before, int) and isinstance(self.after, int)
        return int(difference) if exact else float(difference)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@dataclass(frozen=True)
class Files:
    """Which files are only in the later version, only in the earlier one, or in both with other content."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """
    Two versions side by side; either may be missing where something begins or ends.

    ``files`` is ``None`` where a manifest lies on the remote and the contents differ.
    """

    before: Version | None
    after: Version | None
    metrics: Mapping[str, Pair]
    params: Mapping[str, Pair]
    metadata: Mapping[str, Pair]
    files: Files | None


def compare(before: Version | None, after: Version | None) -> Comparison:
    """Lay two versions side by side."""
    return Comparison(
        before,
        after,
        facts(before.metrics if before else {}, after.metrics if after else {}),
        facts(before.params if before else {}, after.params if after else {}),
        facts(before.metadata if before else {}, after.metadata if after else {}),
        files(before, after),
    )


def facts(before: Facts, after: Facts) -> dict[str, Pair]:
    """Pair the facts of two sides by name, those of the earlier side first."""
    return {name: Pair(before.get(name), after.get(name)) for name in (*before, *(n for n in after if n not in before))}


def files(before: Version | None, after: Version | None) -> Files | None:
    """Tell which files differ, by content; ``None`` where a manifest lies on the remote and the contents differ."""
    if before is not None and after is not None and before.md5 == after.md5:
        return Files((), (), ())
    old, new = _by_path(before), _by_path(after)
    if old is None or new is None:
        return None
    return Files(
        tuple(path for path in new if path not in old),
        tuple(path for path in old if path not in new),
        tuple(path for path in new if path in old and new[path] != old[path]),
    )


def _by_path(version: Version | None) -> dict[str, str] | None:
    if version is None:
        return {}
    return None if version.files is None else {file.path: file.sha256 for file in version.files}


# --- what a change means --------------------------------------------------------------------------------------------

Kind = Literal[
    "model-created",
    "artifact-created",
    "version-logged",
    "version-linked",
    "version-withdrawn",
    "version-restored",
    "alias-created",
    "alias-moved",
    "alias-removed",
    "tags-changed",
    "description-changed",
    "owners-changed",
    "card-changed",
    "policy-changed",
    "other",
]
ALIAS_KINDS: tuple[Kind, ...] = ("alias-created", "alias-moved", "alias-removed")


@dataclass(frozen=True)
class Change:
    """
    One thing that a step does.

    ``name`` is the registered model, the artifact, or for ``other`` the path; ``entity`` says which of these.
    ``before`` and ``after`` are the versions of an alias, or the two sides of a text, a list or a policy. ``version``
    is what was logged, linked, withdrawn or restored, ``artifact`` what a link points to (name, version), ``reason``
    that of a withdrawal.
    """

    kind: Kind
    name: str
    path: str
    entity: refs.Kind | None = None
    alias: str | None = None
    version: str | None = None
    before: Any = None
    after: Any = None
    generation: int | None = None
    artifact: tuple[str, str] | None = None
    reason: str | None = None
    comparison: Comparison | None = None


def changes(before: Registry, after: Registry, paths: Iterable[str]) -> tuple[Change, ...]:
    """
    Say what it means that two registries differ at these paths.

    A file that cannot be read on one side is ``other``: what is wrong with it is for the rules to say. A created entity
    has no ``…-changed`` beside it.
    """
    found = [change for path in paths for change in _at(before, after, path)]
    created = {(change.entity, change.name) for change in found if change.kind in ("model-created", "artifact-created")}
    kept = (c for c in found if not (c.kind in _OF_ABOUT and (c.entity, c.name) in created))
    return tuple(sorted(kept, key=_order))


_OF_ABOUT = ("tags-changed", "description-changed", "owners-changed")
_EFFECT_FIRST: tuple[Kind, ...] = (
    "alias-moved",
    "alias-created",
    "alias-removed",
    "version-withdrawn",
    "version-restored",
    "policy-changed",
    "model-created",
    "artifact-created",
    "version-linked",
    "version-logged",
)


def _order(change: Change) -> tuple[int, str, int, str]:
    rank = _EFFECT_FIRST.index(change.kind) if change.kind in _EFFECT_FIRST else len(_EFFECT_FIRST)
    number = refs.number(change.version) if change.version is not None else 0
    return rank, change.name, number, change.path


def _at(before: Registry, after: Registry, path: str) -> Iterator[Change]:
    place = layout.place(path)
    if place is None:
        yield _elsewhere(path)
        return
    try:
        yield from _DOCUMENTS[place.document](before, after, path, place)
    except Refused:
        yield Change("other", path, path)


def _elsewhere(path: str) -> Change:
    parts = path.split("/")
    if len(parts) == 3 and parts[0] == layout.MODELS and path == layout.card(parts[1]):
        return Change("card-changed", parts[1], path, "model")
    if path.startswith(f"{layout.TEAM_SCHEMAS}/"):
        return Change("policy-changed", path, path)
    return Change("other", path, path)


def _registry(before: Registry, after: Registry, path: str, _: layout.Place) -> Iterator[Change]:
    old, new = before.settings, after.settings
    for alias in (*old.policies, *(alias for alias in new.policies if alias not in old.policies)):
        pair = old.policies.get(alias), new.policies.get(alias)
        if pair[0] != pair[1]:
            yield Change("policy-changed", alias, path, alias=alias, before=pair[0], after=pair[1])
    if old.description != new.description:
        yield Change("description-changed", new.entity, path, before=old.description, after=new.description)
    rest = (old.entity, old.tags, old.owners_in_codeowners) != (new.entity, new.tags, new.owners_in_codeowners)
    if rest or (old == new):
        yield Change("other", path, path)


def _about(before: Registry, after: Registry, path: str, place: layout.Place) -> Iterator[Change]:
    kind = place.kind
    assert kind is not None
    old, new = _entity(before, place), _entity(after, place)
    if new is None:
        yield Change("other", path, path)
        return
    if old is None:
        yield Change(f"{kind}-created", place.name, path, kind, after=new.description)  # type: ignore[arg-type]
    was, now = old.about if old is not None else About(), new.about
    for number in (*was.withdrawn, *(n for n in now.withdrawn if n not in was.withdrawn)):
        if was.withdrawn.get(number) != now.withdrawn.get(number):
            what: Kind = "version-withdrawn" if number in now.withdrawn else "version-restored"
            reason = now.withdrawn.get(number, was.withdrawn.get(number))
            yield Change(what, place.name, path, kind, version=number, reason=reason)
    if was.tags != now.tags:
        yield Change("tags-changed", place.name, path, kind, before=list(was.tags), after=list(now.tags))
    if was.owners != now.owners:
        yield Change("owners-changed", place.name, path, kind, before=list(was.owners), after=list(now.owners))
    if was.description != now.description:
        yield Change("description-changed", place.name, path, kind, before=was.description, after=now.description)
    if old is not None and (was == now or (was.type, was.remote) != (now.type, now.remote)):
        yield Change("other", path, path)


def _alias(before: Registry, after: Registry, path: str, place: layout.Place) -> Iterator[Change]:
    new = _assignment(after, place)
    try:
        old = _assignment(before, place)
    except Refused:  # nothing is known of it, so what it names now is judged like what a new alias names
        old = None
    was = old.version if old is not None else None
    now = new.version if new is not None else None
    if was == now:
        yield Change("other", path, path)
        return
    compared = compare(_version(before, place, was), _version(after, place, now))
    generation = new.generation if new is not None else None
    yield moved(path, place, was, now, generation=generation, compared=compared)


def moved(
    path: str, place: layout.Place, was: str | None, now: str | None, *, generation: int | None, compared: Comparison
) -> Change:
    """Say that an alias went from a version to another one; ``None`` where it begins or ends."""
    kind: Kind = "alias-created" if was is None else "alias-removed" if now is None else "alias-moved"
    return Change(
        kind,
        place.name,
        path,
        place.kind,
        alias=place.member,
        before=was,
        after=now,
        generation=generation,
        comparison=compared,
    )


def _version(registry: Registry, place: layout.Place, number: str | None) -> Version | None:
    """Give a version of an entity; ``None`` where it has none, or none that can be read."""
    entity = _entity(registry, place)
    if entity is None or number is None:
        return None
    try:
        return entity.versions.get(number)
    except Refused:
        return None


def _link(before: Registry, after: Registry, path: str, place: layout.Place) -> Iterator[Change]:
    model = after.models.get(place.name)
    if model is None or place.member not in model.links or path_is_in(before, path):
        yield Change("other", path, path)
        return
    link = model.links[place.member]
    target = (link.artifact, link.version)
    yield Change("version-linked", place.name, path, "model", version=place.member, artifact=target)


def _logged(before: Registry, after: Registry, path: str, place: layout.Place) -> Iterator[Change]:
    version = _version(after, place, place.member)
    if version is None or path_is_in(before, path):
        yield Change("other", path, path)
        return
    yield Change(
        "version-logged", place.name, path, "artifact", version=place.member, comparison=compare(None, version)
    )


def path_is_in(registry: Registry, path: str) -> bool:
    """Tell whether a registry has something at a path."""
    return registry.tree.entry(path) is not None


def _entity(registry: Registry, place: layout.Place) -> RegisteredModel | Artifact | None:
    found: Mapping[str, RegisteredModel | Artifact] = registry.models if place.kind == "model" else registry.artifacts
    return found.get(place.name)


def _assignment(registry: Registry, place: layout.Place) -> Alias | None:
    entity = _entity(registry, place)
    return entity.assignments.get(place.member) if entity is not None else None


_DOCUMENTS = {
    "registry": _registry,
    "model": _about,
    "artifact": _about,
    "alias": _alias,
    "link": _link,
    "version": _logged,
}
