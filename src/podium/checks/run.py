"""Runs the rules, unit by unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from podium import codec, layout, refs
from podium.checks.rule import Around, File, Finding, Flaw, Folder, Needs, Rule, Subject, if_readable
from podium.checks.scope import Part, Unit, folders_in, is_about, touches, units
from podium.codec import Malformed, Value
from podium.errors import TooLarge, Unavailable
from podium.layout import DOCUMENTS, Document, Place
from podium.model import Alias, Link
from podium.tree import Entry, Tree
from podium.visible import visible

if TYPE_CHECKING:
    from podium.schemas import team as teams

MOST = 500
"""What one rule finds in one file, model or artifact, and is said: nobody reads on, and each takes a while."""


@dataclass(frozen=True)
class Verdict:
    """What was found in a unit, how many files were judged for it, and how many were left out."""

    findings: tuple[Finding, ...]
    files: int
    skipped: int = 0


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
    touched = (unit for unit in units(tree) if touches(unit, wanted))
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


def report(verdicts: Iterable[Verdict]) -> Report:
    """Put verdicts together."""
    findings: list[Finding] = []
    files = skipped = 0
    for verdict in verdicts:
        findings += verdict.findings
        files += verdict.files
        skipped += verdict.skipped
    findings.sort(key=lambda found: (found.path, found.line, found.column, found.rule, found.message))
    return Report(tuple(findings), files, skipped)


def look_around(tree: Tree) -> Around:
    """Read what every unit is judged by; raises NewerFormat."""
    sound: dict[Document, teams.TeamSchema] = {}
    flaws: dict[str, Sequence[teams.Flaw]] = {}
    for document in DOCUMENTS:
        path = layout.team_schema(document)
        if _is_file(tree, path):
            loaded = _team_schema(tree, path)
            if isinstance(loaded, list):
                flaws[path] = loaded
            else:
                sound[document] = loaded
    settings = if_readable(lambda: codec.read(tree).settings)
    return Around(tree, settings, sound, flaws)


def _team_schema(tree: Tree, path: str) -> teams.TeamSchema | list[teams.Flaw]:
    from podium.schemas import team as teams  # most registries have none

    try:
        return teams.load(_read(tree, path))
    except TooLarge:
        return [teams.TOO_LARGE]


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


def judge(unit: Unit, around: Around, rules: Chosen, part: Part | None = None) -> Verdict:
    """Give everything that is found in one unit, or in a part of it."""
    findings: list[Finding] = []
    for folder in (folders := _folders_of(unit, around.tree, part)):
        for rule in rules.folder:
            findings += map(rule.finding, rule.in_folder(folder))
    if unit.kind is None:
        found = _judge_file(layout.REGISTRY, Place("registry"), around, rules, findings)
        findings += _of_registry(around, rules)
        return Verdict(tuple(findings), 0 if found is None else 1)
    subject, files, skipped = _judge_files(unit, around, rules, folders, findings=findings, part=part)
    for rule in rules.entity:
        findings += (rule.finding(flaw, _bytes_of(flaw, around.tree)) for flaw in islice(rule.of_entity(subject), MOST))
    return Verdict(tuple(findings), files, skipped)


def _folders_of(unit: Unit, tree: Tree, part: Part | None) -> Sequence[Folder]:
    if unit.kind is not None:
        return _entity_folders(unit.folder, tree)
    return _registry_folders(tree, part.folders if part is not None else None)


def _of_registry(around: Around, rules: Chosen) -> Iterator[Finding]:
    for rule in rules.registry:
        for flaw in islice(rule.of_registry(around), MOST):
            yield rule.finding(flaw, _bytes_of(flaw, around.tree))


def _judge_files(
    unit: Unit,
    around: Around,
    rules: Chosen,
    folders: Sequence[Folder],
    *,
    findings: list[Finding],
    part: Part | None,
) -> tuple[Subject, int, int]:
    """Judge each file of a model or artifact by itself, keeping of its content what the rules on the whole need."""
    seen = _Seen()
    files = skipped = 0
    others, looked_into = _left_alone(unit, folders, part)
    for path, place, entry in _places(looked_into):
        is_member = place.document in ("link", "version")
        if is_member:
            seen.numbers.append(place.member)
        if not entry.is_file:
            continue
        if part is None or path in part.files:
            file = _judge_file(path, place, around, rules, findings)
            files += file is not None
        else:
            file = None if is_member and place.member not in part.versions else _decoded(path, place, around)
            skipped += 1
        if file is not None and file.sound:
            seen.take(place, file.data)
    seen.numbers += others
    return seen.subject(unit, around), files, skipped + len(others)


@dataclass
class _Seen:
    """What the rules on a whole model or artifact are told of its files."""

    numbers: list[str] = field(default_factory=list)
    about: dict[str, Value] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)

    def take(self, place: Place, data: dict[str, Value]) -> None:
        """Keep what they need of a sound file."""
        if place.document == "version":
            self.contents[place.member] = data["outs"][0]["md5"]
        elif place.document == "link":
            self.links[place.member] = Link(data["artifact"], data["version"])
        elif place.document == "alias":
            self.aliases[place.member] = Alias(data["version"], data["generation"])
        else:
            self.about = data

    def subject(self, unit: Unit, around: Around) -> Subject:
        """Give it as they take it."""
        assert unit.kind is not None
        numbers = tuple(refs.in_order(self.numbers))
        return Subject(unit.kind, unit.name, around, numbers, self.about, self.aliases, self.links, self.contents)


def _left_alone(unit: Unit, folders: Sequence[Folder], part: Part | None) -> tuple[Sequence[str], Sequence[Folder]]:
    """Give the versions of which no more counts than that they are there, and the folders without these."""
    if part is None:
        return (), folders
    path, suffix = f"{unit.folder}/versions", ".yaml" if unit.kind == "model" else ".dvc"
    found = next((folder for folder in folders if folder.path == path), None)
    if found is None:
        return (), folders
    known = {path.rpartition("/")[2] for path in part.files} | {f"{version}{suffix}" for version in part.versions}
    alone = found.versions - known
    left = [entry.name[: -len(suffix)] for entry in found.entries if entry.name in alone]
    rest = Folder(path, [entry for entry in found.entries if entry.name not in alone], found.tree)
    return left, [rest if folder is found else folder for folder in folders]


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
    file = _decoded(path, place, around)
    stages: Sequence[Needs] = ("bytes", "yaml", "sound") if file.sound else ("bytes", "yaml")
    for needs in stages if not isinstance(file.decoded, Malformed) else stages[:1]:
        for rule in rules.file[needs, place.document]:
            for flaw in islice(rule.in_file(file), MOST):
                findings.append(rule.finding(flaw, file.raw))  # noqa: PERF401 - nearly always nothing is found
    return file


def _decoded(path: str, place: Place, around: Around) -> File:
    try:
        raw = _read(around.tree, path)
    except TooLarge:
        return File(path, place, around, b"", codec.TOO_LARGE)
    try:
        return File(path, place, around, raw, codec.decode(raw))
    except Malformed as problem:
        return File(path, place, around, raw, problem)


def _registry_folders(tree: Tree, wanted: frozenset[str] | None) -> list[Folder]:
    if wanted is None:
        projects = [f"{layout.ARTIFACTS}/{project}" for project in folders_in(tree, layout.ARTIFACTS)]
    else:
        projects = [path for path in sorted(wanted) if _is_project(path) and _is_folder(tree, path)]
    paths = ["", layout.MODELS, layout.ARTIFACTS, *projects, layout.SCHEMAS, layout.TEAM_SCHEMAS]
    return [Folder(path, tree.list(path), tree) for path in paths if wanted is None or path in wanted]


def _is_project(path: str) -> bool:
    return path.startswith(f"{layout.ARTIFACTS}/") and path.count("/") == 1


def _entity_folders(path: str, tree: Tree) -> list[Folder]:
    top = Folder(path, tree.list(path), tree)
    inside = [f"{path}/{entry.name}" for entry in top.entries if entry.is_folder and entry.name in _MEMBERS]
    return [top, *(Folder(folder, tree.list(folder), tree) for folder in inside)]


_MEMBERS = ("versions", "aliases")


def _is_folder(tree: Tree, path: str) -> bool:
    entry = tree.entry(path)
    return entry is not None and entry.is_folder


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


def _narrowed(verdict: Verdict, paths: Sequence[str]) -> Verdict:
    """Leave out what was found in folders of models and artifacts that none of the paths is about."""
    kept = (finding for finding in verdict.findings if any(is_about(finding.path, path) for path in paths))
    return Verdict(tuple(kept), verdict.files)
