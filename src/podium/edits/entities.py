"""create, tag, withdraw and restore: what the file of a registered model or model artifact says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from podium import refs
from podium.edits.edited import Edited
from podium.edits.writing import check_tags, created, described
from podium.errors import Denied, NoSuchVersion
from podium.model import About, Link, RegisteredModel, Registry


def create(registry: Registry, reference: refs.Reference, about: About) -> Edited:
    """Make a registered model or an artifact that has no versions yet; one that is there stays as it is."""
    present = registry.entities(reference.kind).get(reference.name)
    if present is None:
        return Edited(created(registry, reference.kind, reference.name, about), reference.name)
    notes = [f"{reference.name} is there already"]
    differing = [
        what
        for what in ("description", "owners", "tags", "remote")
        if getattr(about, what) not in ("", (), getattr(present.about, what))
    ]
    if differing:
        notes.append(f"the {', '.join(differing)} given differ from what its file says, which stays as it is")
    return Edited(registry, reference.name, changed=False, notes=tuple(notes))


def tag(registry: Registry, model: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Edited:
    """Add and remove tags of a registered model; raises Denied for a tag that the vocabulary does not have."""
    entity = registry.model(refs.checked_model(model))
    gone = set(remove)
    for none in gone.difference(entity.tags):
        refs.checked_tag(none)
    kept = [tag for tag in entity.tags if tag not in gone]
    new = [tag for tag in dict.fromkeys(add) if tag not in kept]
    check_tags(registry, new)
    tags = [*kept, *new]
    result = f"{model} tags: {', '.join(tags) or 'none'}"
    if tags == list(entity.tags):
        return Edited(registry, result, changed=False, notes=("the tags are so already",))
    return Edited(described(registry, "model", model, tags=tags), result)


def withdraw(registry: Registry, reference: refs.Reference, reason: str) -> Edited:
    """
    Withdraw a version: it stays, and can be fetched by number, but nothing may name it any more.

    Raises Denied while an alias holds it, also through a link of a registered model.
    """
    version = _by_number(registry, reference)
    if not reason.strip():
        raise Denied("a withdrawal needs a reason", "say why with --reason")
    holders = _holders(registry, reference, version)
    if holders:
        name = f"{reference.name}:{version}"
        raise Denied(
            f"{name} is held by {', '.join(holders)}",
            "move the alias first: `podium promote NAME:VERSION ALIAS`, or remove it: `podium unalias NAME ALIAS`",
        )
    entity = registry.named(reference)
    withdrawn = {**entity.withdrawn, version: reason}
    return _withdrawals(registry, reference, withdrawn, f"{reference.name}:{version} withdrawn")


def restore(registry: Registry, reference: refs.Reference) -> Edited:
    """Bring a withdrawn version back."""
    version = _by_number(registry, reference)
    entity = registry.named(reference)
    if version not in entity.withdrawn:
        if entity.why_withdrawn(version) is not None and isinstance(entity, RegisteredModel):
            target = entity.links[version]
            raise Denied(
                f"{reference.name}:{version} was withdrawn in its artifact, as {target.artifact}:{target.version}",
                f"bring it back there: `podium restore {target.artifact}:{target.version}`",
            )
        note = f"{reference.name}:{version} is not withdrawn"
        return Edited(registry, f"{reference.name}:{version}", changed=False, notes=(note,))
    withdrawn = {number: reason for number, reason in entity.withdrawn.items() if number != version}
    return _withdrawals(registry, reference, withdrawn, f"{reference.name}:{version} restored")


def _by_number(registry: Registry, reference: refs.Reference) -> str:
    version = reference.selector
    if version is None or not refs.is_version(version):
        raise Denied(f"{reference} does not say which version", f"name it by its number: {reference.name}:vN")
    if version not in registry.named(reference).numbers:
        raise NoSuchVersion(reference.name, version)
    return version


def _withdrawals(registry: Registry, reference: refs.Reference, withdrawn: Mapping[str, str], result: str) -> Edited:
    entity = registry.named(reference)
    if withdrawn == entity.withdrawn:
        return Edited(registry, result, changed=False, notes=("that is so already",))
    return Edited(described(registry, reference.kind, reference.name, withdrawn=withdrawn), result)


def _holders(registry: Registry, reference: refs.Reference, version: str) -> list[str]:
    """Name the aliases that reach a version: its own, and for an artifact those of the models that link it."""
    entity = registry.named(reference)
    own = [f"{entity.name}:{alias}" for alias in entity.aliases_of(version)]
    if isinstance(entity, RegisteredModel):
        return own
    return own + [
        f"{model.name}:{alias}"
        for model in registry.models.values()
        for alias, number in model.held.items()
        if number in model.links and model.links[number] == Link(entity.name, version)
    ]
