"""What the check finds, unit by unit; what an earlier check or build found holds while nothing it leans on changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium import git, rules
from podium import verdicts as kept_verdicts
from podium.checks import Finding


@dataclass(frozen=True)
class Verdicts:
    """Findings by unit: ``"model M"``, ``"artifact p/a"``, and ``""`` for the registry's own files."""

    found: Mapping[str, Sequence[Finding]]

    def of(self, kind: str, name: str) -> Sequence[Finding]:
        """Give what was found in a registered model or an artifact."""
        return self.found.get(f"{kind} {name}", ())

    @property
    def all(self) -> list[Finding]:
        """Everything that was found: errors first, then by place."""
        every = [finding for findings in self.found.values() for finding in findings]
        return sorted(every, key=lambda each: (each.severity != "error", each.path, each.line, each.column, each.rule))


def verdicts(tree: git.ObjectTree) -> Verdicts:
    """Judge the registry as it stands. Raises NewerFormat, Unavailable."""
    judged = kept_verdicts.by_unit(tree, rules.ALL)
    return Verdicts(
        {
            f"{unit.kind} {unit.name}" if unit.kind is not None else "": verdict.findings
            for unit, verdict in judged
            if verdict.findings
        }
    )
