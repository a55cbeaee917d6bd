"""Rule, Finding, Severity: what a rule looks at, and what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from podium import codec, layout, refs, schemas
from podium.codec import Malformed, Pointer, Value
from podium.errors import Refused
from podium.history import Step
from podium.layout import DOCUMENTS, Document, Place
from podium.model import Alias, Artifact, Link, Record, Registry, Settings
from podium.refs import VERSION
from podium.tree import FILE, Entry, Tree
from podium.visible import visible

if TYPE_CHECKING:
    from podium.schemas import team as teams

T = TypeVar("T")

Severity = Literal["error", "warning"]
Needs = Literal["bytes", "yaml", "sound"]
"""What a rule can look at in a file: its bytes, what they say as YAML, or only what podium's schema accepts."""

_LONGEST = 2000
"""Characters of a message that are shown; a name in a registry can have thousands."""


@dataclass(frozen=True)
class Finding:
    """A problem in a registry: which rule does not hold, where (line and column from 1), and how to mend it."""

    rule: str
    severity: Severity
    path: str
    line: int
    column: int
    message: str
    fix: str = ""


@dataclass(frozen=True)
class Flaw:
    """
    What a rule yields: a finding before its position is known.

    ``pointer`` leads to the value in a YAML or JSON file; ``line`` says it for other files. ``severity`` is given where
    it is not the rule's own.
    """

    path: str
    message: str
    pointer: Pointer | None = None
    fix: str = ""
    line: int = 1
    column: int = 1
    severity: Severity | None = None


_OF_VERSIONS = {(3, layout.MODELS, "versions"): ".yaml", (4, layout.ARTIFACTS, "versions"): ".dvc"}
"""How the files end that are versions, by the folder they lie in: how deep, below what, and its name."""


@dataclass(frozen=True)
class Folder:
    """One folder that the format knows, and what lies in it."""

    path: str
    entries: Sequence[Entry]
    tree: Tree = field(repr=False)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The parts of its path; none for the top."""
        return tuple(self.path.split("/")) if self.path else ()

    @cached_property
    def names(self) -> frozenset[str]:
        """The names in it."""
        return frozenset(entry.name for entry in self.entries)

    @cached_property
    def versions(self) -> frozenset[str]:
        """Names of plain files in it that are called as versions are here: no rule on names says anything of them."""
        suffix = _OF_VERSIONS.get((len(self.parts), self.parts[0], self.parts[-1])) if self.parts else None
        if suffix is None:
            return frozenset()
        is_one = re.compile(VERSION.pattern + re.escape(suffix)).fullmatch
        return frozenset([name for name, mode, _ in self.entries if mode == FILE and is_one(name)])

    @cached_property
    def others(self) -> Sequence[Entry]:
        """The entries that are none of these."""
        versions = self.versions
        if not versions:
            return self.entries
        return [entry for entry in self.entries if entry.mode != FILE or entry.name not in versions]

    def at(self, name: str) -> str:
        """Give the path of a name in it."""
        return f"{self.path}/{name}" if self.path else name


@dataclass(frozen=True)
class File:
    """One document of the registry, decoded once."""

    path: str
    place: Place
    around: Around = field(repr=False)
    raw: bytes = field(repr=False)
    decoded: dict[str, Value] | Malformed = field(repr=False)

    @property
    def data(self) -> dict[str, Value]:
        """What a file that is YAML holds."""
        assert not isinstance(self.decoded, Malformed)
        return self.decoded

    @cached_property
    def sound(self) -> bool:
        """Whether podium's schema accepts what it holds."""
        return not isinstance(self.decoded, Malformed) and schemas.is_valid(self.place.document, self.decoded)


@dataclass(frozen=True)
class Around:
    """
    What every unit is judged by: the tree, the settings, the team's schemas.

    ``settings`` is ``None`` where ``registry.yaml`` cannot be read; ``team_flaws`` says by path what is wrong with a
    team's schema that is therefore not applied.
    """

    tree: Tree = field(repr=False)
    settings: Settings | None
    team: Mapping[Document, teams.TeamSchema] = field(default_factory=dict)
    team_flaws: Mapping[str, Sequence[teams.Flaw]] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """
    A registered model or a model artifact as a check sees it: what its sound files say, and nothing of the others.

    ``numbers`` are the versions that have a file, in order, sound or not; ``contents`` gives the hash by version.
    """

    kind: refs.Kind
    name: str
    around: Around = field(repr=False)
    numbers: tuple[str, ...] = ()
    about: Mapping[str, Value] = field(default_factory=dict)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def registry(self) -> Registry:
        """The registry around it, of which nothing is kept when the next unit is judged."""
        return codec.read(self.around.tree)

    @property
    def withdrawn(self) -> Mapping[str, str]:
        """Its own withdrawn versions, with the reasons."""
        found: Mapping[str, str] = self.about.get("withdrawn", {})
        return found

    def path(self, version: str) -> str:
        """Give the file of one of its versions."""
        return layout.version(self.kind, self.name, version)

    def alias_path(self, alias: str) -> str:
        """Give the file of one of its aliases."""
        return layout.alias(self.kind, self.name, alias)

    def held(self) -> Iterator[tuple[str, str]]:
        """Give each alias that names a version which is there, with that version."""
        for alias, assignment in self.aliases.items():
            if assignment.version in self.numbers:
                yield alias, assignment.version

    def target(self, link: Link) -> Artifact | None:
        """Give the artifact that a link names; ``None`` where there is none."""
        return self.registry.artifacts.get(link.artifact)

    def why_withdrawn(self, version: str) -> str | None:
        """Give the reason for which a version was withdrawn, here or in the artifact it links."""
        link = self.links.get(version)
        if version in self.withdrawn or link is None:
            return self.withdrawn.get(version)
        artifact = self.target(link)
        return if_readable(partial(artifact.why_withdrawn, link.version)) if artifact is not None else None

    def record(self, version: str) -> Record | None:
        """Give what is known of the version that a link points to; ``None`` where that cannot be read."""
        link = self.links.get(version)
        artifact = self.target(link) if link is not None else None
        if link is None or artifact is None or link.version not in artifact.records:
            return None
        return if_readable(partial(artifact.records.__getitem__, link.version))


def if_readable(read: Callable[[], T]) -> T | None:
    """Give nothing for a file that is broken: that is found at the file itself."""
    try:
        return read()
    except Refused:
        return None


Example = Mapping[str, "str | tuple[str, int] | None"]
"""Files laid over a small registry: text, text and mode, or ``None`` where the file is taken away."""


class Rule:
    """
    A sentence that holds in every good registry; the docstring is its manual page.

    A rule overrides those of the four methods that fit what it looks at. It touches no disk, no Git and no network.
    """

    id: ClassVar[str]
    severity: ClassVar[Severity] = "error"
    needs: ClassVar[Needs] = "sound"
    documents: ClassVar[Sequence[Document]] = DOCUMENTS
    good: ClassVar[Example]
    bad: ClassVar[Example]

    def in_folder(self, folder: Folder) -> Iterable[Flaw]:  # noqa: ARG002
        """Look at the names in one folder."""
        return ()

    def in_file(self, file: File) -> Iterable[Flaw]:  # noqa: ARG002
        """Look at one file."""
        return ()

    def of_entity(self, subject: Subject) -> Iterable[Flaw]:  # noqa: ARG002
        """Look at one registered model or model artifact as a whole."""
        return ()

    def of_registry(self, around: Around) -> Iterable[Flaw]:  # noqa: ARG002
        """Look at what belongs to the registry as a whole."""
        return ()

    def in_step(self, step: Step) -> Iterable[Flaw]:  # noqa: ARG002
        """Look at a step from one registry to the next."""
        return ()

    def finding(self, flaw: Flaw, raw: bytes | None = None) -> Finding:
        """Give the finding of a flaw; ``raw`` are the bytes of its file, for the position."""
        line, column = flaw.line, flaw.column
        if flaw.pointer is not None and raw is not None:
            line, column = codec.locate(raw, flaw.pointer)
        severity = flaw.severity or self.severity
        return Finding(self.id, severity, visible(flaw.path), line, column, _short(flaw.message), _short(flaw.fix))


def _short(message: str) -> str:
    text = visible(message)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def quoted(text: str) -> str:
    """Give a name from a registry as part of a message: in quotes, and not longer than a line."""
    return f"'{text if len(text) <= 80 else f'{text[:80]}…'}'"


def command(*words: str) -> str:
    """Give a command that can be pasted into a shell, whatever the names in it."""
    return f"`podium {shlex.join(words)}`"
