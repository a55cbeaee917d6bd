"""What edits have in common: a document is written into a registry, or refused where the rules would find it wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from podium import codec, layout, refs, schemas
from podium.errors import Denied
from podium.layout import Document
from podium.model import About, Registry
from podium.tree import overlay


def created(registry: Registry, kind: refs.Kind, name: str, about: About) -> Registry:
    """Make a registered model or an artifact without versions; raises BadName, and Denied for a taken name or tag."""
    siblings = registry.entities(kind)
    (refs.checked_model if kind == "model" else refs.checked_artifact)(name)
    refuse_twin(name, siblings, f"there is a {'registered model' if kind == 'model' else 'model artifact'}")
    if kind == "artifact":
        projects = {other.partition("/")[0] for other in siblings}
        refuse_twin(name.partition("/")[0], projects, "there is a project")
    check_tags(registry, about.tags)
    return written(registry, layout.about(kind, name), kind, codec.write.about(about))


def check_tags(registry: Registry, tags: Iterable[str]) -> None:
    """Refuse what may be no tag, or is not in the registry's vocabulary; raises BadName, Denied."""
    vocabulary = registry.settings.tags
    for tag in tags:
        refs.checked_tag(tag)
        if vocabulary is not None and tag not in vocabulary:
            raise Denied(
                f"the tag {tag!r} is not in the registry's vocabulary: {', '.join(vocabulary) or 'it is empty'}",
                "use one of these, or add it under `tags` in registry.yaml in a pull request of its own",
            )


def refuse_twin(name: str, siblings: Iterable[str], there_is: str) -> None:
    """Refuse a name that differs from another only in case: one file system in two takes them for the same."""
    twin = next((other for other in siblings if other != name and other.lower() == name.lower()), None)
    if twin is not None:
        raise Denied(f"{there_is} {twin!r}, which differs from {name!r} only in case", f"use {twin!r}, or another name")


def described(registry: Registry, kind: refs.Kind, name: str, **values: codec.Value) -> Registry:
    """Change what an entity's own file says; what became empty is left out."""
    path = layout.about(kind, name)
    data = dict(codec.decode(registry.tree.read(path)))
    for key, value in values.items():
        plain = dict(value) if isinstance(value, Mapping) else list(value)
        if plain:
            data[key] = plain
        else:
            data.pop(key, None)
    return written(registry, path, kind, data)


def written(registry: Registry, path: str, document: Document, data: dict[str, codec.Value]) -> Registry:
    """Write one document, keeping what a person wrote in it; raises Denied for what the schema does not allow."""
    refuse_unsound(document, data)
    try:
        raw = codec.encode(document, data)
        if registry.tree.entry(path) is not None:
            raw = codec.rewrite(document, registry.tree.read(path), data)
        codec.decode(raw)
    except codec.Malformed as problem:
        raise no_file(path, problem) from None
    return codec.read(overlay(registry.tree, {path: raw}))


def refuse_unsound(document: Document, data: dict[str, codec.Value]) -> None:
    """Refuse what the schema does not allow; raises Denied."""
    problems = schemas.problems(document, data) if not schemas.is_valid(document, data) else []
    if problems:
        where = ".".join(str(part) for part in problems[0].pointer)
        raise Denied(
            f"{where}: {problems[0].message}" if where else problems[0].message,
            "say it as the format has it: `podium rules schema` tells more",
        )


def no_file(path: str, problem: codec.Malformed) -> Denied:
    """Say why a document cannot be a file of the format."""
    return Denied(
        f"{path} would not be a file of the format: {problem.problem}",
        "say it in printable characters, and keep it short: `podium rules yaml-strict` tells more",
    )
