"""
Rule, Finding, Severity; runs the rules on a state or a step.

The registry is judged unit by unit: its settings and top folders, each model artifact, each registered model. What is
found in a unit follows from the unit's own files, from what ``Around`` holds (settings, the team's schemas) and, for a
model, from the artifacts it links; so a verdict can be kept as long as none of these changed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import ClassVar, Literal, TypeVar

from podium import codec, layout, refs, schemas
from podium.codec import Malformed, Pointer, Value
from podium.errors import Refused, Unavailable
from podium.history import Step
from podium.layout import DOCUMENTS, Document, Place
from podium.model import Alias, Artifact, Link, Record, Registry, Settings
from podium.schemas import team as teams
from podium.tree import Entry, Tree
from podium.visible import visible

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

    ``pointer`` leads to the value in a YAML or JSON file; ``line`` says it for other files. ``severity`` is given where it
    is not the rule's own.
    """

    path: str
    message: str
    pointer: Pointer | None = None
    fix: str = ""
    line: int = 1
    column: int = 1
    severity: Severity | None = None


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
        return _if_readable(partial(artifact.why_withdrawn, link.version)) if artifact is not None else None

    def record(self, version: str) -> Record | None:
        """Give what is known of the version that a link points to; ``None`` where that cannot be read."""
        link = self.links.get(version)
        artifact = self.target(link) if link is not None else None
        if link is None or artifact is None or link.version not in artifact.records:
            return None
        return _if_readable(partial(artifact.records.__getitem__, link.version))


def _if_readable(read: Callable[[], T]) -> T | None:
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


@dataclass(frozen=True)
class Unit:
    """What is judged in one go: the registry's own files, a registered model, or a model artifact."""

    kind: refs.Kind | None
    name: str = ""

    @property
    def folder(self) -> str:
        """Where its files are; the top for the registry's own."""
        return "" if self.kind is None else layout.folder(self.kind, self.name)


@dataclass(frozen=True)
class Verdict:
    """What was found in a unit, and how many files were read for it."""

    findings: tuple[Finding, ...]
    files: int


@dataclass(frozen=True)
class Report:
    """
    What a check found, sorted by path and position.

    ``files`` counts the documents that were judged, ``skipped`` those whose verdict was taken over from before.
    """

    findings: tuple[Finding, ...]
    files: int
    skipped: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing but warnings was found."""
        return all(finding.severity != "error" for finding in self.findings)


def check(tree: Tree, rules: Sequence[Rule], paths: Iterable[str] | None = None) -> Report:
    """
    Judge a registry as it stands, or only what touches these paths.

    Raises NewerFormat for a registry of a podium to come; CannotTell where the tree cannot be read.
    """
    around = look_around(tree)
    sorted_rules = chosen(rules)
    if paths is None:
        return report(judge(unit, around, sorted_rules) for unit in units(tree))
    wanted = [path.strip("/") for path in paths]
    touched = (unit for unit in units(tree) if _touches(unit, wanted))
    return report(_narrowed(judge(unit, around, sorted_rules), wanted) for unit in touched)


def check_files(tree: Tree, rules: Sequence[Rule], paths: Iterable[str]) -> tuple[Finding, ...]:
    """Judge single files by themselves, without the models and artifacts they are of; raises NewerFormat."""
    around, sorted_rules = look_around(tree), chosen(rules)
    findings: list[Finding] = []
    for path in paths:
        place = layout.place(path)
        if place is not None and _is_file(tree, path):
            _judge_file(path, place, around, sorted_rules, findings)
    return tuple(findings)


def report(verdicts: Iterable[Verdict], skipped: int = 0) -> Report:
    """Put verdicts together."""
    findings: list[Finding] = []
    files = 0
    for verdict in verdicts:
        findings += verdict.findings
        files += verdict.files
    findings.sort(key=lambda found: (found.path, found.line, found.column, found.rule, found.message))
    return Report(tuple(findings), files, skipped)


def units(tree: Tree) -> Iterator[Unit]:
    """Give what a registry is judged by, in order."""
    yield Unit(None)
    for project in _folders(tree, layout.ARTIFACTS):
        for artifact in _folders(tree, f"{layout.ARTIFACTS}/{project}"):
            yield Unit("artifact", f"{project}/{artifact}")
    for model in _folders(tree, layout.MODELS):
        yield Unit("model", model)


def look_around(tree: Tree) -> Around:
    """Read what every unit is judged by; raises NewerFormat."""
    sound: dict[Document, teams.TeamSchema] = {}
    flaws: dict[str, Sequence[teams.Flaw]] = {}
    for document in DOCUMENTS:
        path = layout.team_schema(document)
        if _is_file(tree, path):
            loaded = teams.load(_read(tree, path))
            if isinstance(loaded, teams.TeamSchema):
                sound[document] = loaded
            else:
                flaws[path] = loaded
    settings = _if_readable(lambda: codec.read(tree).settings)
    return Around(tree, settings, sound, flaws)


@dataclass(frozen=True)
class Chosen:
    """Rules, sorted by what they look at, so that none is asked for nothing."""

    folder: tuple[Rule, ...]
    file: Mapping[tuple[Needs, Document], tuple[Rule, ...]]
    entity: tuple[Rule, ...]
    registry: tuple[Rule, ...]


def chosen(rules: Sequence[Rule]) -> Chosen:
    """Sort rules by what they look at."""
    files = [rule for rule in rules if type(rule).in_file is not Rule.in_file]
    stages: tuple[Needs, ...] = ("bytes", "yaml", "sound")
    return Chosen(
        tuple(rule for rule in rules if type(rule).in_folder is not Rule.in_folder),
        {
            (needs, document): tuple(rule for rule in files if rule.needs == needs and document in rule.documents)
            for needs in stages
            for document in DOCUMENTS
        },
        tuple(rule for rule in rules if type(rule).of_entity is not Rule.of_entity),
        tuple(rule for rule in rules if type(rule).of_registry is not Rule.of_registry),
    )


def judge(unit: Unit, around: Around, rules: Chosen) -> Verdict:
    """Give everything that is found in one unit."""
    findings: list[Finding] = []
    folders = _registry_folders(around.tree) if unit.kind is None else _entity_folders(unit.folder, around.tree)
    for folder in folders:
        for rule in rules.folder:
            findings += map(rule.finding, rule.in_folder(folder))
    if unit.kind is None:
        found = _judge_file(layout.REGISTRY, Place("registry"), around, rules, findings)
        findings += _of_registry(around, rules)
        return Verdict(tuple(findings), 0 if found is None else 1)
    subject, files = _judge_files(unit, around, rules, folders, findings)
    for rule in rules.entity:
        findings += (rule.finding(flaw, _bytes_of(flaw, around.tree)) for flaw in rule.of_entity(subject))
    return Verdict(tuple(findings), files)


def _of_registry(around: Around, rules: Chosen) -> Iterator[Finding]:
    for rule in rules.registry:
        for flaw in rule.of_registry(around):
            yield rule.finding(flaw, _bytes_of(flaw, around.tree))


def _judge_files(
    unit: Unit, around: Around, rules: Chosen, folders: Sequence[Folder], findings: list[Finding]
) -> tuple[Subject, int]:
    """Judge each file of a model or artifact by itself, keeping of its content only what the rules on the whole need."""
    about: dict[str, Value] = {}
    aliases: dict[str, Alias] = {}
    links: dict[str, Link] = {}
    contents: dict[str, str] = {}
    numbers, files = [], 0
    for path, place, entry in _places(folders):
        if place.document in ("link", "version"):
            numbers.append(place.member)
        file = _judge_file(path, place, around, rules, findings) if entry.is_file else None
        files += file is not None
        if file is None or not file.sound:
            continue
        data = file.data
        if place.document == "version":
            contents[place.member] = data["outs"][0]["md5"]
        elif place.document == "link":
            links[place.member] = Link(data["artifact"], data["version"])
        elif place.document == "alias":
            aliases[place.member] = Alias(data["version"], data["generation"])
        else:
            about = data
    ordered = tuple(sorted(numbers, key=refs.number))
    assert unit.kind is not None
    return Subject(unit.kind, unit.name, around, ordered, about, aliases, links, contents), files


def _places(folders: Sequence[Folder]) -> Iterator[tuple[str, Place, Entry]]:
    for folder in folders:
        for entry in folder.entries:
            if not entry.is_folder:
                path = f"{folder.path}/{entry.name}"
                place = layout.place(path)
                if place is not None:
                    yield path, place, entry


def _judge_file(path: str, place: Place, around: Around, rules: Chosen, findings: list[Finding]) -> File | None:
    """Judge one file: first its bytes, then its shape, and what it says only where both are as they should be."""
    if place.document == "registry" and not _is_file(around.tree, path):
        return None
    raw = _read(around.tree, path)
    try:
        file = File(path, place, around, raw, codec.decode(raw))
    except Malformed as problem:
        file = File(path, place, around, raw, problem)
    stages: Sequence[Needs] = ("bytes", "yaml", "sound") if file.sound else ("bytes", "yaml")
    for needs in stages if not isinstance(file.decoded, Malformed) else stages[:1]:
        for rule in rules.file[needs, place.document]:
            for flaw in rule.in_file(file):
                findings.append(rule.finding(flaw, raw))  # noqa: PERF401 - nearly always nothing is found
    return file


def _registry_folders(tree: Tree) -> list[Folder]:
    projects = [f"{layout.ARTIFACTS}/{project}" for project in _folders(tree, layout.ARTIFACTS)]
    paths = ["", layout.MODELS, layout.ARTIFACTS, *projects, layout.SCHEMAS, layout.TEAM_SCHEMAS]
    return [Folder(path, tree.list(path), tree) for path in paths]


def _entity_folders(path: str, tree: Tree) -> list[Folder]:
    top = Folder(path, tree.list(path), tree)
    inside = [f"{path}/{entry.name}" for entry in top.entries if entry.is_folder and entry.name in _MEMBERS]
    return [top, *(Folder(folder, tree.list(folder), tree) for folder in inside)]


_MEMBERS = ("versions", "aliases")


def _folders(tree: Tree, folder: str) -> list[str]:
    return [entry.name for entry in tree.list(folder) if entry.is_folder]


def _is_file(tree: Tree, path: str) -> bool:
    entry = tree.entry(path)
    return entry is not None and entry.is_file


def _read(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path)
    except KeyError:
        raise Unavailable(
            f"{visible(path)} is listed but cannot be read", "look again when nothing else writes"
        ) from None


def _bytes_of(flaw: Flaw, tree: Tree) -> bytes | None:
    """Give the bytes of the file a flaw is in, where its position has to be found."""
    return _read(tree, flaw.path) if flaw.pointer is not None and _is_file(tree, flaw.path) else None


def _touches(unit: Unit, paths: Sequence[str]) -> bool:
    """Tell whether a unit has to be judged for one of these paths: one in it, it itself, or a folder around it."""
    if unit.kind is None:
        return any(_of_the_registry(path) for path in paths)
    folder = unit.folder
    return any(
        path in ("", ".", folder) or path.startswith(f"{folder}/") or folder.startswith(f"{path}/") for path in paths
    )


_OWN = ("", ".", layout.REGISTRY, layout.SCHEMAS, ".gitattributes", layout.CODEOWNERS.partition("/")[0])


def _of_the_registry(path: str) -> bool:
    """Tell whether a path is podium's, but in no registered model and no model artifact."""
    parts = path.split("/")
    return parts[0] in _OWN or len(parts) < {layout.MODELS: 3, layout.ARTIFACTS: 4}.get(parts[0], 0)


def _narrowed(verdict: Verdict, paths: Sequence[str]) -> Verdict:
    """Leave out what was found in folders of models and artifacts that none of the paths is about."""
    kept = (finding for finding in verdict.findings if any(_is_about(finding.path, path) for path in paths))
    return Verdict(tuple(kept), verdict.files)


def _is_about(found: str, path: str) -> bool:
    """Tell whether a finding belongs to a path that was asked for: one in it, or in the same unit."""
    if path in ("", ".", found) or found.startswith(f"{path}/"):
        return True
    unit = unit_of(path)
    return unit == unit_of(found) and (unit.kind is not None or not (_is_below(path) or _is_below(found)))


def _is_below(path: str) -> bool:
    return path.split("/", 1)[0] in (layout.MODELS, layout.ARTIFACTS)


def unit_of(path: str) -> Unit:
    """Give the unit that a path belongs to."""
    parts = path.split("/")
    if parts[0] == layout.MODELS and len(parts) > 2:
        return Unit("model", parts[1])
    if parts[0] == layout.ARTIFACTS and len(parts) > 3:
        return Unit("artifact", f"{parts[1]}/{parts[2]}")
    return Unit(None)


def _short(message: str) -> str:
    text = visible(message)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def quoted(text: str) -> str:
    """Give a name from a registry as part of a message: in quotes, and not longer than a line."""
    return f"'{text if len(text) <= 80 else f'{text[:80]}…'}'"


def command(*words: str) -> str:
    """Give a command that can be pasted into a shell, whatever the names in it."""
    return f"`podium {shlex.join(words)}`"
