"""What there is to make pages of: every registered model and artifact in a few words, and what links to what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from podium import layout, refs
from podium.errors import Refused
from podium.model import Artifact, Entity, RegisteredModel, Registry
from podium.tree import Tree

T = TypeVar("T")


@dataclass(frozen=True)
class Outline:
    """
    A registered model or an artifact in a few words, and the ids of what was read for them.

    ``links`` gives artifact and version by the version of a model. ``problem`` says what could not be read; ``page`` is
    whether it has a page: not where its name is none, or differs from another one's only by case.
    """

    kind: refs.Kind
    name: str
    ids: Sequence[str | None]
    description: str = ""
    owners: Sequence[str] = ()
    tags: Sequence[str] = ()
    type: str = ""
    latest: str | None = None
    versions: int = 0
    aliases: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problem: str = ""
    page: bool = True

    @property
    def href(self) -> str:
        """Give its page, from the top of the site."""
        return f"{layout.folder(self.kind, self.name)}/index.html"


@dataclass(frozen=True)
class Survey:
    """Every registered model and artifact of a registry, by name."""

    models: Mapping[str, Outline]
    artifacts: Mapping[str, Outline]

    @cached_property
    def linking(self) -> Mapping[str, Sequence[tuple[str, str, str]]]:
        """Who links an artifact's versions: model, its version, and the artifact's, by artifact."""
        found: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        for model in self.models.values():
            for number, (artifact, version) in model.links.items():
                found[artifact].append((model.name, number, version))
        return found

    def outline(self, kind: str | None, name: str) -> Outline | None:
        """Give one of them; ``None`` where there is none of that name."""
        if kind not in ("model", "artifact"):
            return None
        return (self.models if kind == "model" else self.artifacts).get(name)


def survey(registry: Registry, known: Mapping[str, Any]) -> Survey:
    """Look at everything; ``known`` is what an earlier build kept (``kept``), good for what has the same ids."""
    artifacts = dict(_outlines(registry, registry.artifacts, known.get("artifacts", {})))
    models = dict(_outlines(registry, registry.models, known.get("models", {})))
    return Survey(_without_doubles(models), _without_doubles(artifacts))


def kept(found: Survey) -> dict[str, Any]:
    """Give it as JSON values."""
    return {
        "artifacts": {name: asdict(outline) for name, outline in found.artifacts.items()},
        "models": {name: asdict(outline) for name, outline in found.models.items()},
    }


def _outlines(
    registry: Registry, entities: Mapping[str, Entity], known: Mapping[str, Any]
) -> Iterator[tuple[str, Outline]]:
    for name in entities:
        old = known.get(name)
        if old is not None and old["page"] and list(old["ids"]) == _ids(registry.tree, old["kind"], name, old["links"]):
            yield name, Outline(**old)
        else:
            yield name, _outline(registry, entities[name])


def _ids(tree: Tree, kind: refs.Kind, name: str, links: Mapping[str, Sequence[str]]) -> list[str | None]:
    """Give the ids of an entity's folder and of the artifacts that it links: what its outline follows from."""
    artifacts = sorted({artifact for artifact, _ in links.values()})
    return [id_of(tree, layout.folder(kind, name)), *(id_of(tree, layout.artifact_folder(each)) for each in artifacts)]


def id_of(tree: Tree, path: str) -> str | None:
    """Give Git's id of what lies at a path."""
    entry = tree.entry(path)
    return entry.id if entry is not None else None


def _outline(registry: Registry, entity: Entity) -> Outline:
    links = _links(entity) if isinstance(entity, RegisteredModel) else {}
    ids = _ids(registry.tree, entity.kind, entity.name, links)
    aliases = {alias: held for alias in entity.assignments if (held := _held(entity, alias)) is not None}
    try:
        about, latest, problem = entity.about, entity.latest, ""
    except Refused as unreadable:
        return Outline(
            entity.kind, entity.name, ids, versions=len(entity.numbers), aliases=aliases, links=links,
            problem=unreadable.sentence, page=_is_name(entity),
        )  # fmt: skip
    return Outline(
        entity.kind, entity.name, ids, about.description, about.owners, about.tags,
        entity.type if isinstance(entity, Artifact) else "", latest, len(entity.numbers), aliases, links,
        problem, _is_name(entity),
    )  # fmt: skip


def _links(model: RegisteredModel) -> dict[str, tuple[str, str]]:
    found = {}
    for number in model.links:
        try:
            link = model.links[number]
        except Refused:
            continue
        found[number] = (link.artifact, link.version)
    return found


def _held(entity: Entity, alias: str) -> str | None:
    try:
        return entity.assignments[alias].version
    except Refused:
        return None


def _is_name(entity: Entity) -> bool:
    if entity.kind == "model":
        return refs.why_not_name(entity.name) is None
    return all(refs.why_not_name(part) is None for part in entity.name.split("/"))


def _without_doubles(outlines: dict[str, Outline]) -> dict[str, Outline]:
    """Give a page to the first of those whose names differ by case only: on some disks they would be one."""
    taken: dict[str, str] = {}
    found = {}
    for name, outline in outlines.items():
        first = taken.setdefault(name.casefold(), name)
        if first != name:
            said = f"its name differs from {first} by case only, so it has no page"
            found[name] = replace(outline, problem=said, page=False)
        else:
            found[name] = outline
    return found
