"""The way back: to the version that an alias held before the present one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from podium import layout, refs
from podium.errors import Denied, NoSuchAlias, NoSuchVersion, Refused, Unavailable, Usage
from podium.model import Alias, Entity, Registry, Version
from podium.timeline.holders import Line, held


@dataclass(frozen=True)
class WayBack:
    """
    Where a rollback goes: ``version``, given that the alias is still as it was seen.

    ``further`` is the version to name with ``--to`` where that one will not do; ``note`` is what the person should
    know.
    """

    version: Version
    seen: Alias
    further: str | None = None
    note: str = ""


def way_back(line: Line, registry: Registry, reference: refs.Reference, alias: str, to: str | None = None) -> WayBack:
    """
    Find the version that an alias held before the present one, or take the one that is named.

    Raises NoSuchAlias, NoSuchVersion; Denied where it held no other, or where that one was withdrawn or is gone;
    Unavailable where a shallow clone hides it.
    """
    entity = registry.named(reference)
    seen = entity.assignments.get(alias)
    if seen is None:
        raise NoSuchAlias(entity.name, alias)
    if to is not None:
        if not refs.is_version(to):
            raise Usage(f"{to!r} is no version", "name it by its number: --to vN")
        return WayBack(_usable(entity, alias, to, seen, None), seen)
    path = layout.alias(reference.kind, reference.name, alias)
    holders = _others(line, path, seen.version)
    previous = next(holders, None)
    if previous is None:
        raise Denied(
            f"{entity.name} {alias} has held no version but {seen.version or 'none'}",
            f"name one with --to vN, or take the alias away: {command('unalias', entity.name, alias)}",
        )
    further, left = _further(entity, holders, {previous, seen.version}), _was_left(line, path, seen.version)
    note = _left_before(alias, previous, seen.version, further) if left else ""
    return WayBack(_usable(entity, alias, previous, seen, further), seen, further, note)


def _others(line: Line, path: str, present: str | None) -> Iterator[str]:
    """Give the versions held before the present one; what is on disk may be newer than any commit."""
    holders = held(line, path)
    for version in holders:
        if version != present:
            yield version
            break
    yield from holders


def _was_left(line: Line, path: str, present: str | None) -> bool:
    """Tell whether the present version was held before as well: then the one between was left by going back."""
    with suppress(Unavailable):
        return list(held(line, path)).count(present or "") > 1
    return False


def _left_before(alias: str, previous: str, present: str | None, further: str | None) -> str:
    more = f"; to go further back: --to {further}" if further is not None else ""
    return f"{alias} went back from {previous} to {present} before, and now goes to {previous} again{more}"


def _further(entity: Entity, holders: Iterator[str], passed: set[str | None]) -> str | None:
    """Give the next version back that an alias could go to."""
    with suppress(Unavailable):
        return next(
            (version for version in holders if version not in passed and _why_not(entity, version) is None), None
        )
    return None


def _why_not(entity: Entity, version: str) -> str | None:
    """Say why an alias cannot name a version; ``None`` where it can."""
    if version not in entity.numbers:
        return "is not there any more"
    try:
        reason = entity.version(version).withdrawn
    except Refused as problem:
        return f"cannot be read: {problem.sentence}"
    return f"was withdrawn: {reason}" if reason is not None else None


def _usable(entity: Entity, alias: str, version: str, seen: Alias, further: str | None) -> Version:
    why = _why_not(entity, version)
    if why is None:
        return entity.version(version)
    if version not in entity.numbers and further is None:
        raise NoSuchVersion(entity.name, version)
    raise Denied(
        f"{entity.name}:{version} {why}{_held_before(alias, version, seen)}", go_on(entity.name, alias, further)
    )


def _held_before(alias: str, version: str, seen: Alias) -> str:
    return f" ({alias} is at {seen.version or 'none'} now)" if version != seen.version else ""


def go_on(name: str, alias: str, further: str | None) -> str:
    """Say how to go back all the same."""
    if further is None:
        return f"name another version: {command('rollback', name, alias)[:-1]} --to vN`"
    return f"go further back: {command('rollback', name, alias, '--to', further)}"


def command(*words: str) -> str:
    """Give a command to type."""
    return f"`podium {shlex.join(words)}`"
