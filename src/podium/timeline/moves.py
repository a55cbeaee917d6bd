"""
Moves of one alias, told without a registry for each commit.

Most of an alias's history is commits that move it and touch nothing else of what the move means: the versions stay what
they are. As long as that is so, they are read once, and of each commit only the alias's own file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from podium import codec, diff, git, layout, refs
from podium.errors import Refused
from podium.model import Alias, ArtifactVersion, Entity, Registry, Version

T = TypeVar("T")


class AliasFiles:
    """
    What an alias's file said along a line, newest first.

    A move counts up by one, and comes from the version before, or from where a move to that version came from the last
    time: then the file need not be read. Git's id of its content proves it.
    """

    def __init__(self, path: str, read: Callable[[str], bytes]) -> None:
        self._path = path
        self._read = read
        self._last: tuple[str, Alias | None] = "", None
        self._came_from: dict[str | None, str | None] = {}

    def at(self, id_: str, newer: Alias | None = None) -> Alias | None:
        """Give what a file of this id says, given what it said after the next move; ``None`` for what is no alias."""
        if self._last[0] == id_:
            return self._last[1]
        found = self._guessed(id_, newer) if newer is not None else None
        if found is None:
            found = self._of(self._read(id_))
        if found is not None and newer is not None:
            self._came_from[newer.version] = found.version
        self._last = id_, found
        return found

    def _guessed(self, id_: str, newer: Alias) -> Alias | None:
        usual = self._came_from.get(newer.version)
        return _proven(id_, usual, newer.generation - 1) or _proven(id_, _one_less(newer.version), newer.generation - 1)

    def _of(self, content: bytes) -> Alias | None:
        usual = _USUAL.fullmatch(content)
        if usual is not None:
            return Alias(usual[2].decode(), int(usual[1]))
        with suppress(Refused):
            return codec.alias_of(codec.Source(self._path, content).valid("alias"))
        return None


_USUAL = re.compile(rb"generation: ([1-9][0-9]{0,8})\nversion: (v(?:0|[1-9][0-9]{0,8}))\n")
"""An alias file as podium writes it: nothing in it is left to be judged."""


def _proven(id_: str, version: str | None, generation: int) -> Alias | None:
    """Give an alias if a file of this id, as podium writes it, says that it is."""
    if version is None or not 0 < generation < _MOST_USUAL:
        return None
    content = f"generation: {generation}\nversion: {version}\n".encode()
    return Alias(version, generation) if git.of_file(content) == id_ else None


_MOST_USUAL = 10**9


def _one_less(version: str | None) -> str | None:
    return f"v{refs.number(version) - 1}" if version is not None else None


class _NotFollowed(Exception):
    """A version's artifact may be another one at each commit."""


@dataclass
class Moves:
    """
    The moves of one alias between commits that differ in nothing else that is looked at.

    ``registry`` is that of one of these commits; ``follows`` tells of which paths it is known that they do not differ.
    What it cannot tell it leaves to ``diff.changes``, and says so by ``None``.
    """

    path: str
    place: layout.Place
    registry: Registry
    follows: Callable[[str], bool]
    _pairs: dict[tuple[str | None, str | None], diff.Change | None] = field(default_factory=dict)
    _last: tuple[str | None, Version | None] = None, None

    def told(self, before: tuple[Alias, str | None], after: tuple[Alias, str]) -> diff.Change | None:
        """Say that the alias went from what it was at one commit to what it is at another."""
        between = before[0].version, after[0].version
        if between not in self._pairs:
            self._pairs[between] = self._pair(*between) if between[0] != between[1] else None
        pair = self._pairs[between]
        if pair is None or pair.comparison is None:
            return None
        now, then = self._at(after[1], pair.comparison.after), self._at(before[1], pair.comparison.before)
        compared = _like(pair.comparison, before=then, after=now)
        return _like(pair, generation=after[0].generation, comparison=compared)

    def _at(self, commit: str | None, version: Version | None) -> Version | None:
        """
        Give a version as it was at a commit.

        What a move came from is what the one before it came to, which is asked for next.
        """
        if version is None:
            return None
        known_at, known = self._last
        if known is None or known_at != commit or known.version != version.version:
            known = _like(version, commit=commit)
            self._last = commit, known
        return known

    def _pair(self, was: str | None, now: str | None) -> diff.Change | None:
        """Find out once what the moves between two versions have in common; ``None`` where that cannot be told here."""
        try:
            compared = diff.compare(self._version(was), self._version(now))
        except (Refused, _NotFollowed):
            return None
        return diff.moved(self.path, self.place, was, now, generation=None, compared=compared)

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


def _like(value: T, **others: object) -> T:
    """Give a value with some other facts, as ``dataclasses.replace`` does, in a tenth of the time."""
    made = object.__new__(type(value))
    object.__setattr__(made, "__dict__", vars(value) | others)
    return made
