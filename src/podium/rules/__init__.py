"""The rules: one family a file, one rule a class, with its manual page and a good and a bad example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from podium.checks import Report, Rule
from podium.history import Step
from podium.rules import documents, files, history, manifests, owners, policy, promotion, references, steps, storage
from podium.rules.attributes import OWN_ATTRIBUTES, own_lines
from podium.rules.fixes import fixes
from podium.rules.pages import page, title
from podium.rules.storage import BytesArePresent

__all__ = ["ALL", "OWN_ATTRIBUTES", "BytesArePresent", "by_id", "fixes", "judge_step", "own_lines", "page", "title"]

_FAMILIES = (files, documents, references, manifests, owners, history, promotion, policy, storage)

ALL: Sequence[Rule] = tuple(rule() for family in _FAMILIES for rule in family.RULES)
"""Every rule, in the order of the manual."""

by_id: Mapping[str, Rule] = {rule.id: rule for rule in ALL}
"""The rules by their ids."""


def judge_step(step: Step, ignored: frozenset[str] = frozenset()) -> Report:
    """Judge a step by every rule; ``ignored`` are paths whose content conflicts. Raises NewerFormat, Unavailable."""
    return steps.judge_step(step, ALL, ignored)
