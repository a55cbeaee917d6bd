"""
Verdicts kept by object ids: a model or artifact that was judged, and of which nothing changed, is not judged again.

Kept is what a full check of a commit found, unit by unit, with the id of the unit's folder and of everything else that
was looked at for it. A file is dropped where it is not ours alone, not whole, or made by another podium or by other
rules. What decides whether something may land (a step from a base, a hook) never asks here.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from podium import checks, folders, git, kept, layout
from podium.checks import Around, Chosen, Finding, Report, Rule, Unit, Verdict
from podium.tree import Entry, Tree


def check(tree: git.ObjectTree, rules: Sequence[Rule]) -> Report:
    """
    Judge a commit by every rule, taking over what is known of units that did not change.

    Gives what ``checks.check`` gives but for the numbers of files judged and skipped; raises what it raises.
    """
    return checks.report(verdict for _, verdict in by_unit(tree, rules))


def by_unit(tree: git.ObjectTree, rules: Sequence[Rule]) -> list[tuple[Unit, Verdict]]:
    """Judge a commit unit by unit, as ``check`` does."""
    around, sorted_rules = checks.look_around(tree), checks.chosen(rules)
    file = _file(tree)
    ground = _ground(tree, rules)
    known = _load(file, ground) if ground is not None else {}
    now: dict[str, Known] = {}
    verdicts = [(unit, _verdict(unit, around, sorted_rules, known, now)) for unit in checks.units(tree)]
    if ground is not None and now != known:
        kept.write(file, ground, list(_rows(now)))
    return verdicts


@dataclass(frozen=True, slots=True)
class Known:
    """What was found in a unit, and what it follows from: the id of its folder, and what stood at other paths."""

    id: str
    files: int
    leaned_on: Mapping[str, str | None]
    findings: tuple[Finding, ...]


def _verdict(unit: Unit, around: Around, rules: Chosen, known: Mapping[str, Known], now: dict[str, Known]) -> Verdict:
    there = _state(around.tree, unit.folder) if unit.kind is not None else None
    found = known.get(unit.folder)
    if there is None:
        return checks.judge(unit, around, rules)
    if found is not None and found.id == there and _still(found.leaned_on, around.tree):
        now[unit.folder] = found
        return Verdict(found.findings, 0, found.files)
    watched = Watched(around.tree, unit.folder)
    verdict = checks.judge(unit, replace(around, tree=watched), rules)
    if "" not in watched.seen:  # the top folder has no id of its own: what follows from it is not kept
        leaned_on = {path: _state(around.tree, path) for path in sorted(watched.seen)}
        now[unit.folder] = Known(there, verdict.files, leaned_on, verdict.findings)
    return verdict


def _state(tree: Tree, path: str) -> str | None:
    """Give mode and id of what is at a path; ``None`` where nothing is."""
    entry = tree.entry(path)
    return f"{entry.mode:o} {entry.id}" if entry is not None else None


def _still(leaned_on: Mapping[str, str | None], tree: Tree) -> bool:
    return all(_state(tree, path) == state for path, state in leaned_on.items())


@dataclass(frozen=True)
class Watched:
    """A tree that writes down where outside one folder one looked: a verdict leans on whatever a rule looks at."""

    below: Tree
    folder: str
    seen: set[str] = field(default_factory=set)

    @property
    def commit(self) -> str | None:
        """The commit these files are of."""
        return self.below.commit

    def list(self, folder: str) -> Sequence[Entry]:
        """Give the entries of a folder, by name."""
        self._note(folder)
        return self.below.list(folder)

    def entry(self, path: str) -> Entry | None:
        """Give the entry at a path."""
        self._note(path)
        return self.below.entry(path)

    def read(self, path: str) -> bytes:
        """Give the content of a plain file."""
        self._note(path)
        return self.below.read(path)

    def _note(self, path: str) -> None:
        if not path.startswith(self.folder) or path[len(self.folder) : len(self.folder) + 1] not in ("", "/"):
            parts = path.split("/")
            # all of an artifact at once: the id of its folder stands for everything in it
            self.seen.add("/".join(parts[:3]) if parts[0] == layout.ARTIFACTS else path)


# --- what decides ---------------------------------------------------------------------------------------------------


def _ground(tree: Tree, rules: Sequence[Rule]) -> str | None:
    """Give one hash of what every verdict depends on: podium itself, the rules, the settings, the team's schemas."""
    program = _program()
    if program is None:
        return None
    own = [_state(tree, path) for path in (layout.REGISTRY, layout.TEAM_SCHEMAS)]
    said = json.dumps([program, [f"{type(rule).__module__}.{type(rule).__qualname__}" for rule in rules], own])
    return hashlib.sha256(said.encode()).hexdigest()


@cache
def _program() -> list[str] | None:
    """Give what podium is, and what it reads and judges with; ``None`` where its files are not to be seen."""
    own = kept.program()
    libraries = ("pyyaml", "jsonschema", "jsonschema-rs", "referencing")
    return [own, sys.version, *map(metadata.version, libraries)] if own is not None else None


# --- the file -------------------------------------------------------------------------------------------------------


def _file(tree: git.ObjectTree) -> Path:
    return folders.cache() / "verdicts" / f"{kept.name(tree.repository.path)}.json"


def _load(file: Path, ground: str) -> dict[str, Known]:
    """Read what is known; nothing where there is no such file, or one that is not to be trusted."""
    try:
        return dict(map(_known, kept.read(file, ground) or ()))
    except (ValueError, TypeError, KeyError):
        return {}


def _known(row: Any) -> tuple[str, Known]:
    folder, id_, files, leaned_on, findings = row
    if not (_all(str, folder, id_) and type(files) is int and type(leaned_on) is dict):
        raise TypeError(row)
    if not _all(str, *(state for state in leaned_on.values() if state is not None)):
        raise TypeError(row)
    return folder, Known(id_, files, leaned_on, tuple(map(_finding, findings)))


def _finding(row: Any) -> Finding:
    rule, severity, path, line, column, message, fix = row
    if not (_all(str, rule, path, message, fix) and _all(int, line, column) and severity in ("error", "warning")):
        raise TypeError(row)
    return Finding(*row)


def _all(kind: type, *values: Any) -> bool:
    return all(type(value) is kind for value in values)


def _rows(units: Mapping[str, Known]) -> Iterator[list[Any]]:
    for folder, known in units.items():
        findings = [[f.rule, f.severity, f.path, f.line, f.column, f.message, f.fix] for f in known.findings]
        yield [folder, known.id, known.files, known.leaned_on, findings]
