"""
log, link, promote, tag, withdraw …: Registry → Registry.

An edit is a function of a registry, so that one which lost a race is simply applied again to what the winner left: the
numbers are taken anew. Each refuses, with Denied, what the rules would find afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from podium import codec, layout, refs, schemas
from podium.errors import Denied, NoSuchAlias, NoSuchVersion
from podium.layout import Document
from podium.model import About, Alias, Artifact, Link, Record, RegisteredModel, Registry, Version
from podium.tree import overlay

LONGEST_MANIFEST = 5000
"""A manifest of more files is left on the remote, so that a record stays something people can read."""


@dataclass(frozen=True)
class Edited:
    """
    What an edit made: the registry after it, and what to say.

    ``registry.tree`` is an overlay whose ``changes`` are the files to write. ``result`` is the line a command prints;
    ``changed`` is false where there was nothing to do; ``notes`` are words for stderr.
    """

    registry: Registry
    result: str
    changed: bool = True
    notes: tuple[str, ...] = ()


Edit = Callable[[Registry], Edited]
"""What ``publish`` applies: to a checkout, or to the tip of a branch, again and again until it lands."""


def in_turn(edits: Iterable[Edit]) -> Edit:
    """Make one edit of several: each sees what those before it made; the result is the first one's."""

    def edit(registry: Registry) -> Edited:
        done: list[Edited] = []
        for step in edits:
            done.append(step(done[-1].registry if done else registry))
        return Edited(
            done[-1].registry,
            done[0].result,
            any(step.changed for step in done),
            tuple(note for step in done for note in step.notes),
        )

    return edit


# --- log and link ---------------------------------------------------------------------------------------------------


def log(registry: Registry, artifact: str, record: Record, about: About | None = None) -> Edited:
    """
    Record the next version of an artifact, which is made where it is not there yet.

    ``record`` has both the manifest and its hash; which of the two is kept depends on the manifest's length. Content that a
    version of the artifact has already makes no new one; raises Denied where that version was withdrawn.
    """
    refs.checked_artifact(artifact)
    present = registry.artifacts.get(artifact)
    known = find(present, record.md5) if present is not None else None
    if present is not None and known is not None:
        return _logged_before(registry, present, known, record)
    made = registry if present is not None else _created(registry, "artifact", artifact, about or About())
    version = refs.version(_next(present.numbers if present is not None else ()))
    path = layout.version("artifact", artifact, version)
    try:
        raw = _file(_Same(record), version)
    except codec.Malformed as problem:
        raise _no_file(path, problem) from None
    if made.tree.entry(path) is not None:
        return Edited(_written(made, path, "version", codec.decode(raw)), f"{artifact}:{version}")
    return Edited(codec.read(overlay(made.tree, {path: raw})), f"{artifact}:{version}")


@dataclass(frozen=True)
class _Same:
    """A record that is the same as itself only."""

    record: Record

    def __hash__(self) -> int:
        return id(self.record)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.record is self.record


@lru_cache(maxsize=4)
def _file(same: _Same, version: str) -> bytes:
    """
    Give the file of a version; raises Denied for what the schema does not allow, Malformed for what is no file of the format.

    It may name 5,000 files, and an edit that logs it is made several times: to look, to show, to write. It is made once.
    """
    data, raw = _document(same.record, version)
    _refuse_unsound("version", data)
    codec.decode(raw)
    return raw


def _document(record: Record, version: str) -> tuple[dict[str, codec.Value], bytes]:
    if record.files is not None and len(record.files) <= LONGEST_MANIFEST:
        full = codec.write.record(replace(record, sha256=None), version)
        raw = codec.encode("version", full)
        if len(raw) <= codec.MAX_BYTES:
            return full, raw
    short = codec.write.record(replace(record, files=None), version)
    return short, codec.encode("version", short)


def _logged_before(registry: Registry, artifact: Artifact, version: str, record: Record) -> Edited:
    name = f"{artifact.name}:{version}"
    reason = artifact.why_withdrawn(version)
    if reason is not None:
        raise Denied(
            f"{name} has the same content and was withdrawn: {reason}",
            f"bring it back with `podium restore {name}`",
        )
    notes = [f"{name} has the same content already; no new version was made"]
    old = artifact.records[version]
    differing = [
        what
        for what in ("metrics", "params", "metadata", "desc")
        if getattr(record, what) not in ({}, "", getattr(old, what))
    ]
    if differing:
        notes.append(f"the {', '.join(differing)} given differ from those recorded; the record stays as it is")
    return Edited(registry, name, changed=False, notes=tuple(notes))


def find(artifact: Artifact, md5: str) -> str | None:
    """Give the version of an artifact that has this content; the newest are looked at first."""
    needle = md5.encode()
    for version in reversed(list(artifact.numbers)):
        # most records are told apart by their bytes alone, at a tenth of the cost of decoding them
        if needle not in artifact.registry.tree.read(layout.version("artifact", artifact.name, version)):
            continue
        if artifact.records[version].md5 == md5:
            return version
    return None


def link(registry: Registry, target: Version, model: str, about: About | None = None) -> Edited:
    """
    Bookmark a model version in a registered model, which is made where it is not there yet.

    A version that is linked already is not linked again. Raises Denied where the version was withdrawn.
    """
    refs.checked_model(model)
    bookmark = Link(target.artifact.name, target.artifact.version)
    present = registry.models.get(model)
    known = linked(present, bookmark) if present is not None else None
    if known is not None:
        note = f"{bookmark.artifact}:{bookmark.version} is linked already"
        return Edited(registry, f"{model}:{known}", changed=False, notes=(note,))
    if target.withdrawn is not None:
        raise Denied(
            f"{bookmark.artifact}:{bookmark.version} was withdrawn: {target.withdrawn}",
            f"link another version, or bring it back with `podium restore {target.reference}`",
        )
    made = registry if present is not None else _created(registry, "model", model, about or About())
    version = refs.version(_next(present.numbers if present is not None else ()))
    after = _written(made, layout.version("model", model, version), "link", codec.write.link(bookmark))
    return Edited(after, f"{model}:{version}")


def linked(model: RegisteredModel, bookmark: Link) -> str | None:
    """Give the link of a registered model that points to this version; ``None`` where none does."""
    return next((version for version in reversed(list(model.numbers)) if model.links[version] == bookmark), None)


def _next(numbers: Iterable[str]) -> int:
    return max((refs.number(version) for version in numbers), default=-1) + 1


# --- aliases --------------------------------------------------------------------------------------------------------


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
    _refuse_twin(alias, entity.assignments, f"{entity.name} has an alias")
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

    ``seen`` is how the alias stood when the way back was looked up; raises Denied where somebody moved it elsewhere since, and
    what ``promote`` raises.
    """
    entity = registry.named(reference)
    now = entity.assignments.get(alias)
    if now != seen and (now is None or now.version != entity.select(reference).version):
        there = now.version if now is not None else None
        raise Denied(
            f"{reference.name} {alias} was moved by somebody else meanwhile: {seen.version or 'none'} → {there or 'none'}",
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
    return _written(registry, path, "alias", codec.write.alias(assignment))


def _assignment(registry: Registry, reference: refs.Reference, alias: str) -> Alias | None:
    entities: Mapping[str, RegisteredModel | Artifact] = (
        registry.models if reference.kind == "model" else registry.artifacts
    )
    entity = entities.get(reference.name)
    return entity.assignments.get(alias) if entity is not None else None


# --- withdrawal -----------------------------------------------------------------------------------------------------


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
    return Edited(_described(registry, reference.kind, reference.name, withdrawn=withdrawn), result)


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


# --- what describes an entity ---------------------------------------------------------------------------------------


def create(registry: Registry, reference: refs.Reference, about: About) -> Edited:
    """Make a registered model or an artifact that has no versions yet; one that is there stays as it is."""
    present = reference.name in (registry.models if reference.kind == "model" else registry.artifacts)
    if present:
        return Edited(registry, reference.name, changed=False, notes=(f"{reference.name} is there already",))
    return Edited(_created(registry, reference.kind, reference.name, about), reference.name)


def tag(registry: Registry, model: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Edited:
    """Add and remove tags of a registered model; raises Denied for a tag that the vocabulary does not have."""
    entity = registry.model(refs.checked_model(model))
    gone = set(remove)
    for none in gone.difference(entity.tags):
        refs.checked_tag(none)
    kept = [tag for tag in entity.tags if tag not in gone]
    tags = [*kept, *(tag for tag in dict.fromkeys(add) if tag not in kept)]
    _check_tags(registry, tags)
    result = f"{model} tags: {', '.join(tags) or 'none'}"
    if tags == list(entity.tags):
        return Edited(registry, result, changed=False, notes=("the tags are so already",))
    return Edited(_described(registry, "model", model, tags=tags), result)


def _check_tags(registry: Registry, tags: Iterable[str]) -> None:
    vocabulary = registry.settings.tags
    for tag in tags:
        refs.checked_tag(tag)
        if vocabulary is not None and tag not in vocabulary:
            raise Denied(
                f"the tag {tag!r} is not in the registry's vocabulary: {', '.join(vocabulary) or 'it is empty'}",
                "use one of these, or add it under `tags` in registry.yaml in a pull request of its own",
            )


def _created(registry: Registry, kind: refs.Kind, name: str, about: About) -> Registry:
    siblings = registry.models if kind == "model" else registry.artifacts
    (refs.checked_model if kind == "model" else refs.checked_artifact)(name)
    _refuse_twin(name, siblings, f"there is a {'registered model' if kind == 'model' else 'model artifact'}")
    if kind == "artifact":
        projects = {other.partition("/")[0] for other in siblings}
        _refuse_twin(name.partition("/")[0], projects, "there is a project")
    _check_tags(registry, about.tags)
    return _written(registry, layout.about(kind, name), kind, codec.write.about(about))


def _refuse_twin(name: str, siblings: Iterable[str], there_is: str) -> None:
    """Refuse a name that differs from another only in case: one file system in two takes them for the same."""
    twin = next((other for other in siblings if other != name and other.lower() == name.lower()), None)
    if twin is not None:
        raise Denied(f"{there_is} {twin!r}, which differs from {name!r} only in case", f"use {twin!r}, or another name")


def _described(registry: Registry, kind: refs.Kind, name: str, **values: codec.Value) -> Registry:
    """Change what an entity's own file says; what became empty is left out."""
    path = layout.about(kind, name)
    data = dict(codec.decode(registry.tree.read(path)))
    for key, value in values.items():
        plain = dict(value) if isinstance(value, Mapping) else list(value)
        if plain:
            data[key] = plain
        else:
            data.pop(key, None)
    return _written(registry, path, kind, data)


def _written(registry: Registry, path: str, document: Document, data: dict[str, codec.Value]) -> Registry:
    """Write one document, keeping what a person wrote in it; raises Denied for what the schema does not allow."""
    _refuse_unsound(document, data)
    try:
        raw = codec.encode(document, data)
        if registry.tree.entry(path) is not None:
            raw = codec.rewrite(document, registry.tree.read(path), data)
        codec.decode(raw)
    except codec.Malformed as problem:
        raise _no_file(path, problem) from None
    return codec.read(overlay(registry.tree, {path: raw}))


def _refuse_unsound(document: Document, data: dict[str, codec.Value]) -> None:
    problems = schemas.problems(document, data) if not schemas.is_valid(document, data) else []
    if problems:
        where = ".".join(str(part) for part in problems[0].pointer)
        raise Denied(
            f"{where}: {problems[0].message}" if where else problems[0].message,
            "say it as the format has it: `podium rules schema` tells more",
        )


def _no_file(path: str, problem: codec.Malformed) -> Denied:
    return Denied(
        f"{path} would not be a file of the format: {problem.problem}",
        "say it in printable characters, and keep it short: `podium rules yaml-strict` tells more",
    )
