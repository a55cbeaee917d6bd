"""
Moves of one alias, told without a registry for each commit.

Most of an alias's history is commits that move it and touch nothing else of what the move means: the versions stay what they
are. As long as that is so, they are read once, and of each commit only the alias's own file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from podium import diff, layout
from podium.errors import Refused
from podium.model import Alias, ArtifactVersion, Entity, Registry, Version


class _NotFollowed(Exception):
    """A version's artifact may be another one at each commit."""


@dataclass
class Moves:
    """
    The moves of one alias between commits that differ in nothing else that is looked at.

    ``registry`` is that of one of these commits; ``follows`` tells of which paths it is known that they do not differ. What it
    cannot tell it leaves to ``diff.changes``, and says so by ``None``.
    """

    path: str
    place: layout.Place
    registry: Registry
    follows: Callable[[str], bool]
    _pairs: dict[tuple[str | None, str | None], _Pair | None] = field(default_factory=dict)

    def told(self, before: tuple[Alias, str | None], after: tuple[Alias, str]) -> diff.Change | None:
        """Say that the alias went from what it was at one commit to what it is at another."""
        was, now = before[0].version, after[0].version
        if (was, now) not in self._pairs:
            self._pairs[was, now] = self._pair(was, now) if was != now else None
        pair = self._pairs[was, now]
        if pair is None:
            return None
        known = pair.compared
        compared = diff.Comparison(
            _at(pair.old, before[1]),
            _at(pair.new, after[1]),
            known.metrics,
            known.params,
            known.metadata,
            known.files,
        )
        return diff.moved(self.path, self.place, was, now, generation=after[0].generation, compared=compared)

    def _pair(self, was: str | None, now: str | None) -> _Pair | None:
        """Find out once what the moves between two versions have in common; ``None`` where that cannot be told here."""
        try:
            old, new = self._version(was), self._version(now)
        except (Refused, _NotFollowed):
            return None
        return _Pair(_facts(old), _facts(new), diff.compare(old, new))

    def _version(self, number: str | None) -> Version | None:
        """Give a version as it was when the alias named it; ``None`` where it is not there."""
        entities = self.registry.models if self.place.kind == "model" else self.registry.artifacts
        entity: Entity = entities[self.place.name]
        found = entity.versions.get(number) if number is not None else None
        if found is None:
            return None
        if not self.follows(layout.artifact_folder(found.artifact.name)):
            raise _NotFollowed
        held = {name: one.version for name, one in entity.assignments.items()} | {self.place.member: number}
        aliases = tuple(name for name, version in held.items() if version == number)
        own = ArtifactVersion(entity.name, found.version, aliases) if self.place.kind == "artifact" else found.artifact
        return replace(found, aliases=aliases, artifact=own)


@dataclass(frozen=True)
class _Pair:
    """Two versions side by side: of each the facts that are the same at every commit, ``None`` where it is not there."""

    old: Sequence[Any] | None
    new: Sequence[Any] | None
    compared: diff.Comparison


def _facts(version: Version | None) -> Sequence[Any] | None:
    return [getattr(version, name) for name in _FACTS] if version is not None else None


def _at(facts: Sequence[Any] | None, commit: str | None) -> Version | None:
    return Version(*[*facts, commit]) if facts is not None else None


_FACTS = [fact.name for fact in fields(Version)][:-1]
