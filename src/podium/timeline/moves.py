"""
Moves of one alias, told without a registry for each commit.

Most of an alias's history is commits that move it and touch nothing else of what the move means: the versions stay what they
are. As long as that is so, they are read once, and of each commit only the alias's own file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import partial

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
    _versions: dict[tuple[str, bool], Callable[[str | None], Version] | None] = field(default_factory=dict)
    _compared: dict[tuple[str | None, str | None], diff.Comparison] = field(default_factory=dict)

    def told(self, before: tuple[Alias, str | None], after: tuple[Alias, str]) -> diff.Change | None:
        """Say that the alias went from what it was at one commit to what it is at another."""
        was, now = before[0].version, after[0].version
        if was == now:
            return None
        try:
            sides = self._at(was, *before), self._at(now, *after)
        except (Refused, _NotFollowed):
            return None
        known = self._compared.get((was, now))
        if known is None:
            known = self._compared[was, now] = diff.compare(*sides)
        compared = diff.Comparison(*sides, known.metrics, known.params, known.metadata, known.files)
        return diff.moved(self.path, self.place, was, now, generation=after[0].generation, compared=compared)

    def _at(self, number: str | None, alias: Alias, commit: str | None) -> Version | None:
        """Give a version as it was at a commit, where the alias stood so."""
        if number is None:
            return None
        held = alias.version == number
        if (number, held) not in self._versions:
            self._versions[number, held] = self._made(number, alias)
        made = self._versions[number, held]
        return made(commit) if made is not None else None

    def _made(self, number: str, alias: Alias) -> Callable[[str | None], Version] | None:
        """Find a version out but for the commit; ``None`` where it is not there."""
        entities = self.registry.models if self.place.kind == "model" else self.registry.artifacts
        entity: Entity = entities[self.place.name]
        found = entity.versions.get(number)
        if found is None:
            return None
        if not self.follows(layout.artifact_folder(found.artifact.name)):
            raise _NotFollowed
        held = {name: one.version for name, one in entity.assignments.items()} | {self.place.member: alias.version}
        aliases = tuple(name for name, version in held.items() if version == number)
        own = ArtifactVersion(entity.name, number, aliases) if self.place.kind == "artifact" else found.artifact
        # as dataclasses.replace(…, commit=…) does it, which looks at every field each time
        facts = [getattr(replace(found, aliases=aliases, artifact=own), name) for name in _FACTS]
        return partial(Version, *facts)


_FACTS = [fact.name for fact in fields(Version)][:-1]
