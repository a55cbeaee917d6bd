"""A step judged: the rules of the state on what it touches and what depends on that; those of history and policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from podium import checks, codec, layout
from podium.checks import Around, Chosen, File, Finding, Part, Report, Rule, Unit, Verdict
from podium.history import Step
from podium.rules import touched
from podium.visible import visible


def judge_step(step: Step, rules: Iterable[Rule], ignored: frozenset[str] = frozenset()) -> Report:
    """
    Judge a step by the rules; what was wrong before and is still as wrong is not charged to it.

    ``ignored`` are paths about which nothing can be said, since their content is a conflict. Raises NewerFormat and
    Unavailable.
    """
    chosen = checks.chosen([rule for rule in rules if not rule.id.startswith(_STANDING)])
    around = checks.look_around(step.after.tree)
    before = checks.look_around(step.before.tree)
    unchanged = around.settings == before.settings and around.team == before.team
    parts = touched.parts(step, same_ground=unchanged)
    verdicts = [_new(unit, part, step, around=around, before=before, rules=chosen) for unit, part in parts]
    verdicts.append(Verdict(tuple(_by_teams_of_the_base(step, around, before, rules)), 0))
    verdicts.append(Verdict(tuple(_by_history(step, rules)), 0))
    report = checks.report(verdicts)
    written = frozenset(map(visible, step.paths))
    findings = (found for found in report.findings if found.path in written or found.rule not in _FROM_ELSEWHERE)
    return replace(report, findings=tuple(_said_once(findings, ignored)))


_STANDING = "alias-requires-"
"""Rules of which a state is only warned: a step is judged by the policies of the aliases that it moves."""


def _new(unit: Unit, part: Part | None, step: Step, *, around: Around, before: Around, rules: Chosen) -> Verdict:
    """Judge a unit after the step, less what was found in it before."""
    after = checks.judge(unit, around, rules, part)
    is_new = unit.kind is not None and step.before.tree.entry(unit.folder) is None
    if not after.findings or is_new or _cut_short(after):
        return after
    known = {_identity(finding) for finding in checks.judge(unit, before, rules, part).findings}
    return replace(after, findings=tuple(found for found in after.findings if _identity(found) not in known))


def _cut_short(verdict: Verdict) -> bool:
    """Tell whether a rule may have found more than was said; what is new could be what was not, so all is charged."""
    return max(Counter(finding.rule for finding in verdict.findings).values()) >= checks.MOST


def _identity(finding: Finding) -> tuple[str, str, str]:
    return finding.rule, finding.path, finding.message


# --- the rules that need both sides ---------------------------------------------------------------------------------


def _by_teams_of_the_base(step: Step, around: Around, before: Around, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Apply the team schemas of the base to what the step writes: a change cannot loosen what it is judged by."""
    if before.team == around.team:
        return
    by_base = replace(around, team=before.team)
    team = next(rule for rule in rules if rule.id == "team-schema")
    for difference in step.differences:
        file = _file(by_base, difference.path) if difference.after is not None and difference.after.is_file else None
        if file is not None and file.sound:
            yield from (team.finding(flaw, file.raw) for flaw in team.in_file(file))


def _file(around: Around, path: str) -> File | None:
    place = layout.place(path)
    if place is None:
        return None
    raw = around.tree.read(path)
    try:
        return File(path, place, around, raw, codec.decode(raw))
    except codec.Malformed:
        return None


def _by_history(step: Step, rules: Iterable[Rule]) -> Iterator[Finding]:
    for rule in rules:
        for flaw in rule.in_step(step):
            yield rule.finding(flaw, _bytes(step, flaw.path))


def _bytes(step: Step, path: str) -> bytes | None:
    entry = step.after.tree.entry(path)
    return step.after.tree.read(path) if entry is not None and entry.is_file else None


# --- nothing is found twice -----------------------------------------------------------------------------------------


_FROM_ELSEWHERE = frozenset({"alias-target-exists", "link-target-exists", "withdrawn-version-exists", "team-schema"})
"""
What is not charged to a step in a file that it leaves alone.

A target that is gone is found where the step took it away; a team's schema that asks for more holds for what is written
now.
"""


def _said_once(findings: Iterable[Finding], ignored: frozenset[str]) -> Iterator[Finding]:
    """Leave out what follows from something that is found already."""
    found = list(dict.fromkeys(findings))
    causes = _Causes.of(found)
    return (finding for finding in found if finding.path not in ignored and not causes.explain(finding))


@dataclass(frozen=True)
class _Causes:
    """
    What findings follow from: versions rewritten, files lost, entities removed, folders numbered wrongly, a format
    lowered.

    ``above`` are the folders in which something was lost, by path.
    """

    rewritten: frozenset[str]
    lost: frozenset[str]
    above: frozenset[str]
    removed: tuple[str, ...]
    numbered: frozenset[str]
    lowered: bool

    @classmethod
    def of(cls, found: Iterable[Finding]) -> _Causes:
        """Gather them from findings."""
        paths: dict[str, list[str]] = {}
        for finding in found:
            paths.setdefault(finding.rule, []).append(finding.path)
        rewritten, kept = paths.get("version-written-once", []), paths.get("entity-kept", [])
        return cls(
            frozenset(rewritten),
            frozenset((*rewritten, *kept)),
            frozenset(folder for path in (*rewritten, *kept) for folder in _folders(path)),
            tuple(f"{_folder(path)}/" for path in kept if path.endswith(("/model.yaml", "/artifact.yaml"))),
            frozenset(map(_folder, (*rewritten, *paths.get("version-number-next", [])))),
            "format-not-lowered" in paths,
        )

    def explain(self, finding: Finding) -> bool:
        """Tell whether a finding follows from one of these."""
        rule, path = finding.rule, finding.path
        if path in self.rewritten:
            return rule != "version-written-once"
        if rule == "unknown-file":  # it took the place of what was lost, or of a folder around that
            return path in self.above or any(folder in self.lost for folder in (path, *_folders(path)))
        return (
            (rule != "entity-kept" and path.startswith(self.removed))
            or (rule == "version-numbers-contiguous" and _folder(path) in self.numbered)
            or (rule == "schema" and path == layout.REGISTRY and self.lowered)
        )


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _folders(path: str) -> Iterator[str]:
    """Give the folders around a path, the nearest first."""
    while path := _folder(path):
        yield path
