"""A tree of files → a Registry, read lazily: a name resolves by reading the few files it goes through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from podium import layout, refs, schemas
from podium.codec.strict import Malformed, Value, decode, locate
from podium.errors import NewerFormat, NoSuchArtifact, NoSuchModel, Unreadable
from podium.layout import Document
from podium.model import (
    About,
    Alias,
    Artifact,
    Bound,
    File,
    Fixed,
    Lazily,
    Link,
    Policy,
    Record,
    RegisteredModel,
    Registry,
    Settings,
)
from podium.tree import Tree, stems

API_VERSION = "podium/v1"

T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """One file as it lies in the tree, decoded at the first need."""

    path: str
    raw: bytes

    @cached_property
    def decoded(self) -> dict[str, Value] | Malformed:
        """What the file holds, or why it cannot be read."""
        try:
            return decode(self.raw)
        except Malformed as problem:
            return problem

    @property
    def data(self) -> dict[str, Value]:
        """What the file holds; raises Unreadable."""
        if isinstance(self.decoded, Malformed):
            raise Unreadable(self.path, self.decoded.line, self.decoded.column, self.decoded.problem)
        return self.decoded

    def valid(self, document: Document) -> dict[str, Value]:
        """Give what the file holds if podium's schema of that document accepts it; raises Unreadable."""
        if not schemas.is_valid(document, self.data):
            problem = schemas.problems(document, self.data)[0]
            raise Unreadable(self.path, *locate(self.raw, problem.pointer), problem.message)
        return self.data


class Sources:
    """The files of a tree, each read and decoded once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._read: dict[str, Source] = {}

    def __getitem__(self, path: str) -> Source:
        """Give a file; raises KeyError where there is none."""
        if path not in self._read:
            self._read[path] = Source(path, self.tree.read(path))
        return self._read[path]

    def valid(self, path: str, document: Document) -> dict[str, Value]:
        """Give what a file holds; raises Unreadable, also where it is missing or no plain file."""
        try:
            source = self[path]
        except KeyError:
            raise Unreadable(path, 1, 1, "the file is missing, or is no plain file") from None
        return source.valid(document)

    def part(self, path: str, what: str, make: Callable[[], T]) -> T:  # noqa: ARG002
        """Make what follows from a file, or from a folder's content, alone; who reads many commits may have kept it."""
        return make()


def read(tree: Tree, sources: Sources | None = None) -> Registry:
    """Give the registry that a tree holds; nothing is read before it is asked for."""
    files = sources or Sources(tree)
    return Registry(
        tree=tree,
        load_settings=lambda: files.part(layout.REGISTRY, "settings", lambda: _settings(files)),
        load_models=lambda registry: _models(registry, files),
        load_artifacts=lambda registry: _artifacts(registry, files),
        load_card=lambda model: _card(tree, model),
    )


def _models(registry: Registry, files: Sources) -> Mapping[str, RegisteredModel]:
    return Lazily(
        lambda: _folders(files.tree, layout.MODELS),
        lambda name: RegisteredModel(
            name,
            registry,
            _aliases(files, "model", name),
            lambda: _about(files, "model", name),
            lambda: _withdrawn(files, "model", name),
            _members(files, "model", name, lambda path: link_of(files.valid(path, "link"))),
        ),
        lambda name: "/" not in name and _is_there(files, layout.model_folder(name)),
        NoSuchModel,
    )


def _artifacts(registry: Registry, files: Sources) -> Mapping[str, Artifact]:
    def names() -> list[str]:
        projects = _folders(files.tree, layout.ARTIFACTS)
        return [f"{project}/{name}" for project in projects for name in _folders(files.tree, f"artifacts/{project}")]

    return Lazily(
        names,
        lambda name: Artifact(
            name,
            registry,
            _aliases(files, "artifact", name),
            lambda: _about(files, "artifact", name),
            lambda: _withdrawn(files, "artifact", name),
            _members(files, "artifact", name, lambda path: record_of(files.valid(path, "version"))),
        ),
        lambda name: name.count("/") == 1 and _is_there(files, layout.artifact_folder(name)),
        NoSuchArtifact,
    )


def _members(files: Sources, kind: refs.Kind, name: str, load: Callable[[str], T]) -> Mapping[str, T]:
    """Give what lies in ``versions/``, by version and in order."""
    suffix = ".yaml" if kind == "model" else ".dvc"
    folder = f"{layout.folder(kind, name)}/versions"

    def one(version: str) -> T:
        path = layout.version(kind, name, version)
        return files.part(path, "version", lambda: load(path))

    def every() -> Mapping[str, T]:
        return Lazily(
            lambda: refs.in_order(filter(refs.VERSION.fullmatch, stems(files.tree, folder, suffix))),
            one,
            lambda version: refs.is_version(version) and _is_file(files.tree, layout.version(kind, name, version)),
        )

    return files.part(folder, "versions", every)


def _aliases(files: Sources, kind: refs.Kind, name: str) -> Mapping[str, Alias]:
    folder = f"{layout.folder(kind, name)}/aliases"

    def one(alias: str) -> Alias:
        path = layout.alias(kind, name, alias)
        return files.part(path, "alias", lambda: alias_of(files.valid(path, "alias")))

    def every() -> Mapping[str, Alias]:
        return Lazily(
            lambda: [stem for stem in stems(files.tree, folder, ".yaml") if refs.why_not_alias(stem) is None],
            one,
            lambda alias: refs.why_not_alias(alias) is None and _is_file(files.tree, layout.alias(kind, name, alias)),
        )

    return files.part(folder, "aliases", every)


def _folders(tree: Tree, folder: str) -> list[str]:
    return [entry.name for entry in tree.list(folder) if entry.is_folder]


def _is_there(files: Sources, folder: str) -> bool:
    entry = files.tree.entry(folder)
    return entry is not None and entry.is_folder


def _is_file(tree: Tree, path: str) -> bool:
    entry = tree.entry(path)
    return entry is not None and entry.is_file


def _card(tree: Tree, model: str) -> str | None:
    path = layout.card(model)
    return tree.read(path).decode(errors="replace") if _is_file(tree, path) else None


# --- one function for each document, from what the schema has accepted ----------------------------------------------


def _settings(files: Sources) -> Settings:
    source = files[layout.REGISTRY] if _is_file(files.tree, layout.REGISTRY) else None
    if source is not None:
        refuse_newer(source.data)
    data = files.valid(layout.REGISTRY, "registry")
    return Settings(
        entity=data["entity"],
        description=data.get("description", ""),
        tags=data.get("tags"),
        policies={alias: policy(rules) for alias, rules in data.get("aliases", {}).items()},
        owners_in_codeowners=data.get("codeowners", {}).get("owners", False),
    )


def refuse_newer(data: Mapping[str, Value]) -> None:
    """Raise NewerFormat where ``registry.yaml`` was written for a podium to come."""
    found = data.get("apiVersion")
    if not isinstance(found, str) or found == API_VERSION:
        return
    name, _, number = found.partition("/v")
    if name == "podium" and number.isascii() and number.isdecimal() and not number.startswith("0"):
        raise NewerFormat(found, API_VERSION)


def policy(data: Mapping[str, Value]) -> Policy:
    """Give the policy that one entry under ``aliases`` of ``registry.yaml`` sets."""
    requires = data.get("requires", {})
    files = requires.get("files", {})
    return Policy(
        description=data.get("description", ""),
        approvers=tuple(data.get("approvers", ())),
        after=tuple(data.get("after", ())),
        metrics={name: Bound(**bound) for name, bound in requires.get("metrics", {}).items()},
        metadata=tuple(requires.get("metadata", ())),
        allow=tuple(files["allow"]) if "allow" in files else None,
        deny=tuple(files.get("deny", ())),
        max_size=files.get("max_size"),
        card=requires.get("card", False),
    )


def _about(files: Sources, kind: refs.Kind, name: str) -> About:
    path = layout.about(kind, name)
    return files.part(path, "about", lambda: about_of(files.valid(path, kind)))


def about_of(data: Mapping[str, Value]) -> About:
    """Give what a document of a registered model or an artifact says, which its schema has accepted."""
    return About(
        description=data.get("description", ""),
        owners=tuple(data.get("owners", ())),
        tags=tuple(data.get("tags", ())),
        type=data.get("type", "model"),
        remote=data.get("remote", ""),
        withdrawn=data.get("withdrawn", {}),
    )


def _withdrawn(files: Sources, kind: refs.Kind, name: str) -> Mapping[str, str]:
    """Give what was withdrawn; most files are told from their bytes to withdraw nothing, at a tenth of the cost."""
    path = layout.about(kind, name)

    def found() -> Mapping[str, str]:
        if _is_file(files.tree, path):
            raw = files[path].raw
            if b"withdrawn" not in raw and b"\\" not in raw:
                return {}
        return _about(files, kind, name).withdrawn

    return files.part(path, "withdrawn", found)


def link_of(data: Mapping[str, Value]) -> Link:
    """Give the link of a document that its schema has accepted."""
    return Link(data["artifact"], data["version"])


def alias_of(data: Mapping[str, Value]) -> Alias:
    """Give the alias of a document that its schema has accepted."""
    return Alias(data["version"], data["generation"])


def _facts(meta: Mapping[str, Value], what: str) -> Fixed[str, Value]:
    """Give facts as nobody can change them: a list among them is a tuple."""
    facts = meta.get(what, {})
    return Fixed({key: tuple(fact) if isinstance(fact, list) else fact for key, fact in facts.items()})


def record_of(data: Mapping[str, Value]) -> Record:
    """Give the record of a ``.dvc`` file that its schema has accepted."""
    out, meta = data["outs"][0], data["meta"]
    files = meta.get("files")
    return Record(
        md5=out["md5"],
        size=out["size"],
        nfiles=out["nfiles"],
        remote=out.get("remote", ""),
        created=meta["created"],
        author=meta["author"],
        files=None if files is None else tuple(File(**entry) for entry in files),
        sha256=meta.get("sha256"),
        desc=data.get("desc", ""),
        metrics=_facts(meta, "metrics"),
        params=_facts(meta, "params"),
        metadata=_facts(meta, "metadata"),
        source=_facts(meta, "source"),
    )
