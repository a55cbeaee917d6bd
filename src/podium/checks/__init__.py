"""
Rule, Finding, Severity; runs the rules on a state or a step.

The registry is judged unit by unit: its settings and top folders, each model artifact, each registered model. What is
found in a unit follows from the unit's own files, from what ``Around`` holds (settings, the team's schemas) and, for a
model, from the artifacts it links; so a verdict can be kept as long as none of these changed.
"""

from __future__ import annotations

from podium.checks.rule import (
    Around,
    Example,
    File,
    Finding,
    Flaw,
    Folder,
    Needs,
    Rule,
    Severity,
    Subject,
    command,
    quoted,
)
from podium.checks.run import (
    MOST,
    Chosen,
    Report,
    Verdict,
    check,
    check_files,
    chosen,
    judge,
    look_around,
    report,
)
from podium.checks.scope import Part, Unit, unit_of, units

__all__ = [
    "MOST",
    "Around",
    "Chosen",
    "Example",
    "File",
    "Finding",
    "Flaw",
    "Folder",
    "Needs",
    "Part",
    "Report",
    "Rule",
    "Severity",
    "Subject",
    "Unit",
    "Verdict",
    "check",
    "check_files",
    "chosen",
    "command",
    "judge",
    "look_around",
    "quoted",
    "report",
    "unit_of",
    "units",
]
