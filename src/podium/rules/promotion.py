"""Rules on the way to an alias: what was there before, and who may change the rules it is judged by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from podium import layout
from podium.checks import Example, Flaw, Rule, command, quoted
from podium.diff import Change
from podium.errors import Refused
from podium.history import Step
from podium.model import Policy, RegisteredModel, Registry, Settings
from podium.rules import examples

_ALIAS = "models/ImageClassifier/aliases/production.yaml"
_LINK = "models/ImageClassifier/versions/v2.yaml"


def settings(registry: Registry) -> Settings | None:
    """Give the settings of a registry; ``None`` where registry.yaml cannot be read, which is found there."""
    try:
        return registry.settings
    except Refused:
        return None


def policies(step: Step, alias: str) -> Iterator[Policy]:
    """
    Give the policies that a move of an alias is judged by: the base's and the result's, so that the stricter decides.

    A change can thus not loosen the policy that it is judged by.
    """
    seen: list[Policy] = []
    for side in (settings(step.before), settings(step.after)):
        policy = side.policies.get(alias) if side is not None else None
        if policy is not None and policy not in seen:
            seen.append(policy)
            yield policy


def promotions(step: Step) -> Iterator[tuple[Change, Policy]]:
    """Give each alias of a registered model that the step points at a version, with each policy that speaks of it."""
    for change in step.moved():
        if change.entity == "model" and change.after is not None and change.alias is not None:
            for policy in policies(step, change.alias):
                yield change, policy


class AliasComesAfterOthers(Rule):
    """
    An alias moves to a version that has been under one of the aliases its policy names.

    Why: what serves live traffic was in shadow traffic before; the target branch is the proof that it was.

    Fix: promote the version to one of these aliases first, in a pull request of its own.
    """

    id = "alias-after"
    before: ClassVar[Example] = {_LINK: "artifact: vision/resnet50\nversion: v2\n"}
    good: ClassVar[Example] = {
        "models/ImageClassifier/aliases/staging.yaml": "generation: 3\nversion: v2\n",
    }
    bad: ClassVar[Example] = {_ALIAS: "generation: 3\nversion: v2\n"}

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look where each promoted version was at the base; a rollback was there before and need not go round again."""
        for change, policy in promotions(step):
            if not policy.after or was_there(step, change, policy):
                continue
            if step.is_rollback(change):
                continue
            wanted = " or ".join(policy.after)
            version = f"{change.name}:{change.after}"
            said = f"{change.alias} comes after {wanted}, and {version} is not under {wanted} at the base"
            fix = f"first, in a pull request of its own: {command('promote', version, policy.after[0])}"
            yield Flaw(change.path, said, ("version",), fix)


def was_there(step: Step, change: Change, policy: Policy) -> bool:
    """Tell whether a version is, at the base, under one of the aliases that the policy of its new alias names."""
    model = step.before.models.get(change.name)
    if model is None:
        return False
    return any(_holds(model, alias, change.after) for alias in policy.after)


def _holds(model: RegisteredModel, alias: str, version: str) -> bool:
    try:
        held = model.assignments.get(alias)
    except Refused:
        return False
    return held is not None and held.version == version


class PoliciesChangeAlone(Rule):
    """
    A policy does not change in the step in which an alias that it speaks of moves.

    Why: who reviews a promotion looks at the model; that the bar was lowered in the same pull request is easily missed.

    Fix: make two pull requests: the policy first, the move of the alias after it.
    """

    id = "policy-alone"
    before: ClassVar[Example] = {}
    good: ClassVar[Example] = {"registry.yaml": examples.REGISTRY["registry.yaml"].replace("min: 0.9", "min: 0.95")}
    bad: ClassVar[Example] = {
        "registry.yaml": examples.REGISTRY["registry.yaml"].replace("min: 0.9", "min: 0.5"),
        _ALIAS: "generation: 3\nversion: null\n",
    }

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look for a changed policy beside a moved alias."""
        changed = sorted({change.path for change in step.changes if change.kind == "policy-changed"})
        if not changed:
            return
        for change in step.moved():
            if change.entity == "model" and change.alias is not None and any(policies(step, change.alias)):
                said = f"{change.name} {change.alias} moves in the step that changes {', '.join(map(quoted, changed))}"
                at = ("aliases", change.alias) if changed[0] == layout.REGISTRY else None
                yield Flaw(changed[0], said, at, "make two pull requests: the policy first, the move after it")


RULES = (AliasComesAfterOthers, PoliciesChangeAlone)
