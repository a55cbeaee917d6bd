"""promote, rollback and unalias: an alias moves, and its generation counts on."""

from __future__ import annotations

from podium import codec, layout, refs
from podium.edits.edited import Edited
from podium.edits.writing import refuse_twin, written
from podium.errors import Denied, NoSuchAlias
from podium.model import Alias, Registry


def promote(registry: Registry, reference: refs.Reference, alias: str, base: Registry | None = None) -> Edited:
    """
    Point an alias at the version a reference means.

    ``base`` is the registry that the change will be judged against, where that is not this one: the generation is one
    more than there, however often a branch moves the alias. Raises Denied where the version was withdrawn.
    """
    refs.checked_alias(alias)
    entity = registry.named(reference)
    version = entity.select(reference)
    if version.withdrawn is not None:
        raise Denied(f"{entity.name}:{version.version} was withdrawn: {version.withdrawn}", "promote another version")
    refuse_twin(alias, entity.assignments, f"{entity.name} has an alias")
    old = entity.assignments.get(alias)
    before = old.version if old is not None else None
    if before == version.version:
        return Edited(
            registry, f"{entity.name} {alias}: {before}", changed=False, notes=("the alias is there already",)
        )
    moved = _pointed(registry, reference, alias, version.version, base)
    return Edited(moved, f"{entity.name} {alias}: {before or 'none'} → {version.version}")


def rollback(
    registry: Registry, reference: refs.Reference, alias: str, seen: Alias, base: Registry | None = None
) -> Edited:
    """
    Point an alias back at the version a reference means, as a move forward: the generation goes on counting.

    ``seen`` is how the alias stood when the way back was looked up; raises Denied where somebody moved it elsewhere
    since, and what ``promote`` raises.
    """
    entity = registry.named(reference)
    now = entity.assignments.get(alias)
    if now != seen and (now is None or now.version != entity.select(reference).version):
        there = now.version if now is not None else None
        raise Denied(
            f"{reference.name} {alias} was moved by somebody else meanwhile: "
            f"{seen.version or 'none'} → {there or 'none'}",
            f"look at `podium history {reference.name} {alias}`, then say again where it is to go",
        )
    return promote(registry, reference, alias, base)


def unalias(registry: Registry, reference: refs.Reference, alias: str, base: Registry | None = None) -> Edited:
    """Take an alias away; its file stays and keeps the count of its moves. Raises NoSuchAlias."""
    entity = registry.named(reference)
    old = entity.assignments.get(alias)
    if old is None:
        raise NoSuchAlias(entity.name, alias)
    if old.version is None:
        return Edited(registry, f"{entity.name} {alias}: none", changed=False, notes=("the alias is removed already",))
    return Edited(_pointed(registry, reference, alias, None, base), f"{entity.name} {alias}: {old.version} → none")


def _pointed(
    registry: Registry, reference: refs.Reference, alias: str, version: str | None, base: Registry | None
) -> Registry:
    """Write an alias file that is one move away from what ``base`` has, or no move where it is back there."""
    origin = _assignment(base or registry, reference, alias)
    if origin is not None and origin.version == version:
        assignment = origin
    else:
        assignment = Alias(version, origin.generation + 1 if origin is not None else 1)
    path = layout.alias(reference.kind, reference.name, alias)
    return written(registry, path, "alias", codec.write.alias(assignment))


def _assignment(registry: Registry, reference: refs.Reference, alias: str) -> Alias | None:
    entity = registry.entities(reference.kind).get(reference.name)
    return entity.assignments.get(alias) if entity is not None else None
