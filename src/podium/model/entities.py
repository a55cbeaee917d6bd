"""Registered models, model artifacts, and the registry that has them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from podium import handed, refs
from podium.errors import NoSuchAlias, NoSuchArtifact, NoSuchModel, NoSuchVersion, NoVersions
from podium.model.fixed import Fixed
from podium.model.lazily import Lazily
from podium.model.values import About, Alias, ArtifactVersion, Link, Record, Row, Settings, Version
from podium.tree import Tree


@dataclass(frozen=True, eq=False)
class Entity:
    """What a registered model and a model artifact have in common: a name, a description, versions and aliases."""

    name: str
    registry: Registry = field(repr=False)
    assignments: Mapping[str, Alias] = field(repr=False)
    load_about: Callable[[], About] = field(repr=False)
    load_withdrawn: Callable[[], Mapping[str, str]] = field(repr=False)

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

    @cached_property
    def withdrawn(self) -> Mapping[str, str]:
        """Its own withdrawn versions, with the reasons."""
        return Fixed(self.load_withdrawn())

    @cached_property
    def versions(self) -> Mapping[str, Version]:
        """Its versions by number, in order."""
        return Lazily(
            lambda: self.numbers,
            self.version,
            lambda number: number in self.numbers,
            partial(NoSuchVersion, self.name),
        )

    @cached_property
    def aliases(self) -> Mapping[str, Version]:
        """What each of its aliases names."""
        return Lazily(
            lambda: self.held,
            lambda alias: replace(self.version(self.held[alias]), reference=f"{self.name}:{alias}", alias=alias),
            missing=partial(NoSuchAlias, self.name),
        )

    @cached_property
    def held(self) -> Mapping[str, str]:
        """The version that each alias names, for the aliases that name one."""
        every = self.assignments.items()
        return Fixed({alias: assignment.version for alias, assignment in every if assignment.version is not None})

    def aliases_of(self, number: str) -> tuple[str, ...]:
        """Give the aliases that name a version."""
        return tuple(alias for alias, version in self.held.items() if version == number)

    @property
    def latest(self) -> str | None:
        """The highest version that is not withdrawn."""
        return next((number for number in reversed(list(self.numbers)) if self.why_withdrawn(number) is None), None)

    @property
    def row(self) -> Row:
        """What a list says of it."""
        return Row(self.kind, self.name, self.about, self.latest, self.held, len(self.numbers))

    def select(self, reference: refs.Reference) -> Version:
        """Give the version that a reference to this entity means; raises NoSuchVersion, NoSuchAlias or NoVersions."""
        selector = handed.a(refs.Reference, reference, "a reference: registry.resolve takes text").selector
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
            raise NoSuchVersion(self.name, refs.as_text(number))
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
        try:
            link = self.links[number]
        except KeyError:
            raise NoSuchVersion(self.name, refs.as_text(number)) from None
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
            raise NoSuchVersion(self.name, refs.as_text(number))
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

    def entities(self, kind: refs.Kind) -> Mapping[str, RegisteredModel | Artifact]:
        """Give the registered models, or the model artifacts."""
        return self.models if kind == "model" else self.artifacts

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
