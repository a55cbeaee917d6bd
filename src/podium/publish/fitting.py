"""A branch → one that fits the base it will be merged into: its versions' numbers, its aliases' generations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from podium import codec, layout, merging
from podium.layout import Place
from podium.merging import Changes, Merged
from podium.model import Alias, Registry
from podium.publish.outcome import content
from podium.rules.history import due
from podium.tree import overlay


def fitting(base: Registry, ancestor: Registry, head: Registry, paths: Sequence[str]) -> Changes | Merged:
    """
    Give the files by which a branch fits its base; ``paths`` are those at which ``ancestor`` and ``head`` differ.

    No version is chosen for anybody. Where the base has something that the branch has to follow and does not have yet,
    the merge is given instead: that is to be made first. Raises Unreadable or Denied for a changed file that is not
    what the format says.
    """
    merged = merging.merge(ancestor, base, head, paths)
    if merged.clashes or (merged.renumbered and ancestor.commit != base.commit):
        return merged
    changes = dict(_renumbered(base, head, merged, paths)) if merged.renumbered else {}
    after = codec.read(overlay(head.tree, changes))
    for path in {*paths, *changes}:
        place = layout.place(path)
        if place is not None and place.document == "alias" and changes.get(path, b"") is not None:
            changes |= _counted(base, after, path, place)
    return changes


def _renumbered(
    base: Registry, head: Registry, merged: Merged, paths: Sequence[str]
) -> Iterator[tuple[str, bytes | None]]:
    """Give what turns a branch that has all of its base into the merge."""
    after = overlay(base.tree, merged.changes)
    for path in {*paths, *merged.changes}:
        place = layout.place(path)
        if place is not None and place.document != "registry" and content(after, path) != content(head.tree, path):
            yield path, content(after, path)


def _counted(base: Registry, head: Registry, path: str, place: Place) -> Changes:
    """Give the alias file with the generation that its move from the base asks for."""
    old, new = _assignment(base, place), _assignment(head, place)
    if new is None or new.generation == due(old, new):
        return {}
    counted = codec.write.alias(Alias(new.version, due(old, new)))
    return {path: codec.rewrite("alias", head.tree.read(path), counted)}


def _assignment(registry: Registry, place: Place) -> Alias | None:
    entities = registry.models if place.kind == "model" else registry.artifacts
    entity = entities.get(place.name)
    return entity.assignments.get(place.member) if entity is not None else None
