"""
The frozen values: Registry, RegisteredModel, Artifact, Version, Alias, Policy.

A registry is read lazily: ``Lazily`` is a mapping whose names are known before its values are. Asking for a value that
the file on disk does not hold raises Unreadable; asking whether a name is there does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from podium import refs
from podium.errors import NoSuchAlias, NoSuchArtifact, NoSuchModel, NoSuchVersion, NoVersions
from podium.tree import Tree

T = TypeVar("T")

Scalar = str | int | float | bool
Fact = Scalar | Sequence[Scalar]
"""What ``params`` and ``metadata`` hold: a string, a number, a truth value, or a list of these."""


class Lazily(Mapping[str, T]):
    """A mapping whose names are listed at the first need, and whose values are loaded one by one and kept."""

    def __init__(
        self,
        names: Callable[[], Collection[str]],
        load: Callable[[str], T],
        has: Callable[[str], bool] | None = None,
    ) -> None:
        self._list = names
        self._load = load
        self._has = has
        self._loaded: dict[str, T] = {}

    @cached_property
    def _names(self) -> dict[str, None]:
        return dict.fromkeys(self._list())

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            if name not in self:
                raise KeyError(name)
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        if self._has is not None and "_names" not in self.__dict__:
            return isinstance(name, str) and self._has(name)
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"Lazily({list(self._names)!r})"


# --- what the files hold --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model version: its path inside the version, its size in bytes, and its hashes in hex."""

    path: str
    size: int
    md5: str
    sha256: str


@dataclass(frozen=True)
class Record:
    """
    What is known of a model version: DVC's hash of the directory, and podium's facts.

    ``files`` is the manifest; ``None`` where it is too long for the record and lies on the remote, as the ``.dir`` object:
    then ``sha256`` is the hash over its sorted lines ``sha256  path``.
    """

    md5: str
    size: int
    nfiles: int
    created: str
    author: str
    files: tuple[File, ...] | None
    sha256: str | None = None
    desc: str = ""
    metrics: Mapping[str, int | float] = field(default_factory=dict)
    params: Mapping[str, Fact] = field(default_factory=dict)
    metadata: Mapping[str, Fact] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A bookmark in a registered model: which version of which artifact it points to."""

    artifact: str
    version: str


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias as its file has it: ``version`` is ``None`` where it was removed; the generation counts its moves."""

    version: str | None
    generation: int


@dataclass(frozen=True)
class About:
    """What ``model.yaml`` or ``artifact.yaml`` says; ``withdrawn`` gives the reason by version."""

    description: str = ""
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    type: str = "model"
    withdrawn: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bound:
    """What a policy asks of one metric; with every field ``None`` only that it is there."""

    min: int | float | None = None
    max: int | float | None = None
    max_drop: int | float | None = None
    max_rise: int | float | None = None


@dataclass(frozen=True)
class Policy:
    """
    What an alias asks of the version that it is to name.

    ``allow`` and ``deny`` are patterns for the version's files (``allow`` ``None``: any), ``max_size`` is in bytes and for
    each file.
    """

    description: str = ""
    approvers: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    metrics: Mapping[str, Bound] = field(default_factory=dict)
    metadata: tuple[str, ...] = ()
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    max_size: int | None = None
    card: bool = False


@dataclass(frozen=True)
class Settings:
    """What ``registry.yaml`` says; ``tags`` is the vocabulary, ``None`` where any tag is allowed."""

    entity: str
    description: str = ""
    tags: Mapping[str, str] | None = None
    policies: Mapping[str, Policy] = field(default_factory=dict)
    owners_in_codeowners: bool = False


# --- what people work with ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ArtifactVersion:
    """Where a model version belongs: its artifact, its number there, and the artifact's aliases for it."""

    name: str
    version: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Version:
    """
    One model version, as a reference found it. The attributes are the keys of ``podium resolve --format json``.

    ``model`` is ``None`` and ``version`` the artifact's own number where the reference named an artifact. ``files`` is
    ``None`` where the manifest is on the remote. ``size`` is in bytes. ``withdrawn`` is the reason, or ``None``. ``commit``
    is the commit that was read, ``None`` for a working tree.
    """

    reference: str
    model: str | None
    version: str
    alias: str | None
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    artifact: ArtifactVersion
    record: Record = field(repr=False)
    withdrawn: str | None
    commit: str | None

    @property
    def name(self) -> str:
        """The registered model, or the artifact, through which the version was reached."""
        return self.model or self.artifact.name

    @property
    def md5(self) -> str:
        """DVC's hash of the directory, with ``.dir`` at its end."""
        return self.record.md5

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return self.record.size

    @property
    def files(self) -> tuple[File, ...] | None:
        """The manifest; ``None`` where it lies on the remote."""
        return self.record.files

    @property
    def sha256(self) -> str | None:
        """The hash of a manifest that lies on the remote."""
        return self.record.sha256

    @property
    def desc(self) -> str:
        """What the one who logged it said of it."""
        return self.record.desc

    @property
    def created(self) -> str:
        """When it was logged: RFC 3339, UTC."""
        return self.record.created

    @property
    def author(self) -> str:
        """Who logged it: ``Name <mail>``."""
        return self.record.author

    @property
    def metrics(self) -> Mapping[str, int | float]:
        """The metrics it was logged with."""
        return self.record.metrics

    @property
    def params(self) -> Mapping[str, Fact]:
        """The parameters it was trained with."""
        return self.record.params

    @property
    def metadata(self) -> Mapping[str, Fact]:
        """Free facts."""
        return self.record.metadata

    @property
    def source(self) -> Mapping[str, str]:
        """Where it was made: ``repository``, ``commit``, ``run``."""
        return self.record.source


@dataclass(frozen=True, eq=False)
class Entity:
    """What a registered model and a model artifact have in common: a name, a description, versions and aliases."""

    name: str
    registry: Registry = field(repr=False)
    assignments: Mapping[str, Alias] = field(repr=False)
    load_about: Callable[[], About] = field(repr=False)

    @property
    def kind(self) -> refs.Kind:
        """Which of the two it is."""
        raise NotImplementedError

    @property
    def numbers(self) -> Collection[str]:
        """The versions it has, in order."""
        raise NotImplementedError

    def version(self, number: str) -> Version:
        """Give one of its versions; raises NoSuchVersion."""
        raise NotImplementedError

    def why_withdrawn(self, number: str) -> str | None:
        """Give the reason for which a version was withdrawn; ``None`` where it was not."""
        raise NotImplementedError

    @cached_property
    def about(self) -> About:
        """What its own file says."""
        return self.load_about()

    @property
    def description(self) -> str:
        """What it is for."""
        return self.about.description

    @property
    def withdrawn(self) -> Mapping[str, str]:
        """Its own withdrawn versions, with the reasons."""
        return self.about.withdrawn

    @cached_property
    def versions(self) -> Mapping[str, Version]:
        """Its versions by number, in order."""
        return Lazily(lambda: self.numbers, self.version, lambda number: number in self.numbers)

    @cached_property
    def aliases(self) -> Mapping[str, Version]:
        """What each of its aliases names."""
        return {
            alias: replace(self.version(version), reference=f"{self.name}:{alias}", alias=alias)
            for alias, version in self.held.items()
        }

    @cached_property
    def held(self) -> Mapping[str, str]:
        """The version that each alias names, for the aliases that name one."""
        return {
            alias: assignment.version
            for alias, assignment in self.assignments.items()
            if assignment.version is not None
        }

    def aliases_of(self, number: str) -> tuple[str, ...]:
        """Give the aliases that name a version."""
        return tuple(alias for alias, version in self.held.items() if version == number)

    @property
    def latest(self) -> str | None:
        """The highest version that is not withdrawn."""
        return next((number for number in reversed(list(self.numbers)) if self.why_withdrawn(number) is None), None)

    def select(self, reference: refs.Reference) -> Version:
        """Give the version that a reference to this entity means; raises NoSuchVersion, NoSuchAlias or NoVersions."""
        selector = reference.selector
        if reference.wants_latest:
            if self.latest is None:
                raise NoVersions(self.name)
            return replace(self.version(self.latest), reference=str(reference))
        assert selector is not None
        if refs.is_version(selector):
            return replace(self.version(selector), reference=str(reference))
        if selector not in self.assignments or self.assignments[selector].version is None:
            raise NoSuchAlias(self.name, selector)
        held = self.assignments[selector].version
        assert held is not None
        return replace(self.version(held), reference=str(reference), alias=selector)


@dataclass(frozen=True, eq=False)
class RegisteredModel(Entity):
    """A folder of bookmarks: links to model versions, for one task."""

    links: Mapping[str, Link] = field(repr=False)

    @property
    def kind(self) -> refs.Kind:
        """Which kind of entity it is."""
        return "model"

    @property
    def numbers(self) -> Collection[str]:
        """The links it has, in order."""
        return self.links.keys()

    @property
    def owners(self) -> tuple[str, ...]:
        """Who answers for it: ``@user``, ``@org/team`` or e-mail addresses."""
        return self.about.owners

    @property
    def tags(self) -> tuple[str, ...]:
        """Its labels."""
        return self.about.tags

    @property
    def card(self) -> str | None:
        """Its model card, Markdown; ``None`` where there is none."""
        return self.registry.card(self.name)

    def version(self, number: str) -> Version:
        """Give the version that a link points to; raises NoSuchVersion."""
        if number not in self.links:
            raise NoSuchVersion(self.name, number)
        link = self.links[number]
        target = self.registry.artifact(link.artifact).version(link.version)
        return replace(
            target,
            reference=f"{self.name}:{number}",
            model=self.name,
            version=number,
            aliases=self.aliases_of(number),
            tags=self.tags,
            withdrawn=self.withdrawn.get(number) or target.withdrawn,
        )

    def why_withdrawn(self, number: str) -> str | None:
        """Give the reason for which a link was withdrawn, here or in its artifact; ``None`` where it was not."""
        if number in self.withdrawn:
            return self.withdrawn[number]
        link = self.links[number]
        artifact = self.registry.artifacts.get(link.artifact)
        return artifact.why_withdrawn(link.version) if artifact is not None else None


@dataclass(frozen=True, eq=False)
class Artifact(Entity):
    """The versions of one training line, in the order logged; may be empty."""

    records: Mapping[str, Record] = field(repr=False)

    @property
    def kind(self) -> refs.Kind:
        """Which kind of entity it is."""
        return "artifact"

    @property
    def numbers(self) -> Collection[str]:
        """The versions it has, in order."""
        return self.records.keys()

    @property
    def type(self) -> str:
        """What its versions are; ``model`` where nothing else was said."""
        return self.about.type

    def version(self, number: str) -> Version:
        """Give one of its versions; raises NoSuchVersion."""
        if number not in self.records:
            raise NoSuchVersion(self.name, number)
        aliases = self.aliases_of(number)
        return Version(
            reference=f"{self.name}:{number}",
            model=None,
            version=number,
            alias=None,
            aliases=aliases,
            tags=(),
            artifact=ArtifactVersion(self.name, number, aliases),
            record=self.records[number],
            withdrawn=self.why_withdrawn(number),
            commit=self.registry.commit,
        )

    def why_withdrawn(self, number: str) -> str | None:
        """Give the reason for which a version was withdrawn; ``None`` where it was not."""
        return self.withdrawn.get(number)


@dataclass(frozen=True, eq=False)
class Registry:
    """
    A registry at a commit, or as it lies in a checkout: one immutable value.

    ``models`` and ``artifacts`` (by ``project/name``) are read when they are asked for.
    """

    tree: Tree = field(repr=False)
    load_settings: Callable[[], Settings] = field(repr=False)
    load_models: Callable[[Registry], Mapping[str, RegisteredModel]] = field(repr=False)
    load_artifacts: Callable[[Registry], Mapping[str, Artifact]] = field(repr=False)
    load_card: Callable[[str], str | None] = field(repr=False)

    @property
    def commit(self) -> str | None:
        """The commit that is read; ``None`` for a working tree."""
        return self.tree.commit

    @cached_property
    def settings(self) -> Settings:
        """What ``registry.yaml`` says."""
        return self.load_settings()

    @property
    def entity(self) -> str:
        """The registry's entity."""
        return self.settings.entity

    @cached_property
    def models(self) -> Mapping[str, RegisteredModel]:
        """The registered models, by name."""
        return self.load_models(self)

    @cached_property
    def artifacts(self) -> Mapping[str, Artifact]:
        """The model artifacts, by ``project/name``."""
        return self.load_artifacts(self)

    def card(self, model: str) -> str | None:
        """Give the model card of a registered model; ``None`` where there is none."""
        return self.load_card(model)

    def model(self, name: str) -> RegisteredModel:
        """Give a registered model; raises NoSuchModel."""
        if name not in self.models:
            raise NoSuchModel(name)
        return self.models[name]

    def artifact(self, name: str) -> Artifact:
        """Give a model artifact; raises NoSuchArtifact."""
        if name not in self.artifacts:
            raise NoSuchArtifact(name)
        return self.artifacts[name]

    def named(self, reference: refs.Reference) -> RegisteredModel | Artifact:
        """Give what a reference names; raises NoSuchModel or NoSuchArtifact."""
        return self.model(reference.name) if reference.kind == "model" else self.artifact(reference.name)

    def reference(self, text: str) -> refs.Reference:
        """Read a reference against this registry's entity; raises BadReference, BadName or OtherEntity."""
        return refs.parse(text, self.entity)

    def resolve(self, text: str) -> Version:
        """
        Give the version that a reference means: ``model:alias``, ``project/artifact:v3``, ``entity/…``.

        Raises BadReference, BadName or OtherEntity where it cannot be read, NoSuchModel, NoSuchArtifact, NoSuchVersion,
        NoSuchAlias or NoVersions where it names nothing.
        """
        reference = self.reference(text)
        return replace(self.named(reference).select(reference), reference=text)
