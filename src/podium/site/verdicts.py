"""What the check finds, unit by unit; a verdict of an earlier build holds as long as the ids that it follows from do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from podium import checks, layout, rules
from podium.checks import Finding
from podium.site.survey import Survey, id_of
from podium.tree import Tree


@dataclass(frozen=True)
class Verdicts:
    """Findings by unit: ``"model M"``, ``"artifact p/a"``, and ``""`` for the registry's own files."""

    ids: Mapping[str, Sequence[str | None]]
    found: Mapping[str, Sequence[Finding]]

    def of(self, kind: str, name: str) -> Sequence[Finding]:
        """Give what was found in a registered model or an artifact."""
        return self.found.get(f"{kind} {name}", ())

    @property
    def all(self) -> list[Finding]:
        """Everything that was found: errors first, then by place."""
        every = [finding for findings in self.found.values() for finding in findings]
        return sorted(every, key=lambda each: (each.severity != "error", each.path, each.line, each.column, each.rule))


def verdicts(tree: Tree, survey: Survey, known: Mapping[str, Any]) -> Verdicts:
    """Judge the registry as it stands; ``known`` is what an earlier build kept. Raises NewerFormat, Unavailable."""
    around, chosen = checks.look_around(tree), checks.chosen(rules.ALL)
    shared = [id_of(tree, layout.REGISTRY), id_of(tree, layout.SCHEMAS)]
    ids: dict[str, Sequence[str | None]] = {}
    found: dict[str, Sequence[Finding]] = {}
    for unit in checks.units(tree):
        name = f"{unit.kind} {unit.name}" if unit.kind is not None else ""
        outline = survey.outline(unit.kind, unit.name)
        ids[name] = [*shared, *(outline.ids if outline is not None else ())]
        old = known.get(name)
        if outline is not None and old is not None and old["ids"] == ids[name]:
            findings = [Finding(**each) for each in old["found"]]
        else:
            findings = list(checks.judge(unit, around, chosen).findings)
        if findings or unit.kind is None:
            found[name] = findings
    return Verdicts(ids, found)


def kept(verdicts: Verdicts) -> dict[str, Any]:
    """Give them as JSON values."""
    return {
        name: {"ids": ids, "found": [asdict(finding) for finding in verdicts.found.get(name, ())]}
        for name, ids in verdicts.ids.items()
    }
