"""What merging a change means: what moves, what the policies say, who must look, and how to go back afterwards."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from podium import layout, refs
from podium.checks import Finding
from podium.diff import ALIAS_KINDS, Change
from podium.errors import Refused
from podium.history import Step
from podium.model import Bound, Entity, Policy, Record, Registry
from podium.rules import policy as asked
from podium.rules import promotion

MAINTAINER = "a registry maintainer"
"""Who should look where nobody is named."""


@dataclass(frozen=True)
class Gate:
    """
    One thing that a policy asks of the version an alias is to name.

    ``metric`` is the metric it speaks of, if it does; ``unmet`` says why it is not met.
    """

    asks: str
    unmet: str = ""
    metric: str | None = None

    @property
    def met(self) -> bool:
        """Whether the version has what is asked for."""
        return not self.unmet


@dataclass(frozen=True)
class Move:
    """
    An alias that the change makes, moves or removes, and the gates of its policies; none where it is free.

    ``meaning`` is what the policy says the alias is for.
    """

    change: Change
    rollback: bool = False
    gates: tuple[Gate, ...] = ()
    approvers: tuple[str, ...] = ()
    meaning: str = ""

    @property
    def guarded(self) -> bool:
        """Whether a policy speaks of the alias."""
        return bool(self.gates or self.approvers)


@dataclass(frozen=True)
class Reviewer:
    """Who must look (``@user``, ``@org/team``, a mail address, or a sentence), why, and at which files."""

    who: str
    why: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Latest:
    """What ``latest`` of a registered model or a model artifact means before and after."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Plan:
    """
    What merging ``head`` into ``base`` means; ``result`` is the id of the merged tree.

    ``elsewhere`` counts the files that are not the registry's business; ``undo`` are the commands that take back what
    can be taken back, in the order to run them; ``note`` says where there is nothing to judge.
    """

    base: str
    head: str
    result: str
    changes: tuple[Change, ...]
    moves: tuple[Move, ...] = ()
    latest: tuple[Latest, ...] = ()
    reviewers: tuple[Reviewer, ...] = ()
    findings: tuple[Finding, ...] = ()
    conflicts: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    elsewhere: int = 0
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether no rule is broken; warnings alone are fine."""
        return all(finding.severity != "error" for finding in self.findings)


class _Checked(Protocol):
    @property
    def findings(self) -> tuple[Finding, ...]: ...
    @property
    def note(self) -> str: ...


class _Reviewed(Protocol):
    """What ``review.review`` gives."""

    @property
    def base(self) -> str: ...
    @property
    def head(self) -> str: ...
    @property
    def result(self) -> str: ...
    @property
    def step(self) -> Step: ...
    @property
    def checked(self) -> _Checked: ...
    @property
    def conflicts(self) -> tuple[str, ...]: ...


def of(reviewed: _Reviewed) -> Plan:
    """Say what a reviewed change means; raises Unavailable where a shallow clone hides an alias's history."""
    step = reviewed.step
    changes = tuple(change for change in step.changes if _is_our_business(change))
    moves = [_move(step, change) for change in changes if change.kind in ALIAS_KINDS]
    moves.sort(key=lambda move: not move.guarded)
    return Plan(
        reviewed.base,
        reviewed.head,
        reviewed.result,
        changes,
        tuple(moves),
        tuple(_latest(step, changes)),
        tuple(_reviewers(step, changes)),
        reviewed.checked.findings,
        reviewed.conflicts,
        tuple(_undo(changes, moves)),
        len(step.changes) - len(changes),
        reviewed.checked.note,
    )


# --- the moves and their gates --------------------------------------------------------------------------------------


def _move(step: Step, change: Change) -> Move:
    rollback = step.is_rollback(change)
    policies = tuple(promotion.policies(step, change.alias)) if change.entity == "model" and change.alias else ()
    approvers = dict.fromkeys(who for policy in policies for who in policy.approvers)
    gates: Iterable[Gate] = ()
    if change.after is not None:
        gates = dict.fromkeys(gate for policy in policies for gate in _gates(step, change, policy, rollback))
    return Move(change, rollback, tuple(gates), tuple(approvers), _first(policy.description for policy in policies))


def _gates(step: Step, change: Change, policy: Policy, rollback: bool) -> Iterator[Gate]:
    """Give what a policy asks; a rollback was there before, so it need not come after others or hold its own."""
    if policy.after and not rollback:
        wanted = " or ".join(policy.after)
        there = promotion.was_there(step, change, policy)
        yield Gate(f"was under {wanted} before", "" if there else f"it is not under {wanted} at the base")
    compared = change.comparison
    before = compared.before.record if compared is not None and compared.before is not None and not rollback else None
    record = compared.after.record if compared is not None and compared.after is not None else None
    yield from _of_metrics(policy, record, before)
    yield from _of_the_rest(policy, record)
    if policy.card:
        yield Gate("has a model card", _first(asked.unmet_card(policy, _card(step.after, change.name))))


def _of_metrics(policy: Policy, record: Record | None, before: Record | None) -> Iterator[Gate]:
    for name, bound in policy.metrics.items():
        held = before is not None and name in before.metrics
        for asks, part in _bounds(bound, held):
            look = partial(asked.unmet_metrics, Policy(metrics={name: part}), before=before)
            yield Gate(f"{name} {asks}", _unmet(look, record), name)


def _bounds(bound: Bound, held: bool) -> Iterator[tuple[str, Bound]]:
    """Give each bound by itself; those against the version that holds the alias only where there is one to compare."""
    if bound.min is not None:
        yield f"at least {bound.min}", Bound(min=bound.min)
    if bound.max is not None:
        yield f"at most {bound.max}", Bound(max=bound.max)
    if bound.max_drop is not None and held:
        yield f"drops by at most {bound.max_drop}", Bound(max_drop=bound.max_drop)
    if bound.max_rise is not None and held:
        yield f"rises by at most {bound.max_rise}", Bound(max_rise=bound.max_rise)
    if bound.min is None and bound.max is None:
        yield "is stated", Bound()


def _of_the_rest(policy: Policy, record: Record | None) -> Iterator[Gate]:
    for name in policy.metadata:
        yield Gate(f"states {name}", _unmet(partial(asked.unmet_metadata, Policy(metadata=(name,))), record))
    for asks, part in _of_files(policy):
        yield Gate(asks, _unmet(partial(asked.unmet_files, part), record))


def _of_files(policy: Policy) -> Iterator[tuple[str, Policy]]:
    if policy.allow is not None:
        yield f"only files {' or '.join(policy.allow) or 'of no kind'}", Policy(allow=policy.allow)
    if policy.deny:
        yield f"no files {' or '.join(policy.deny)}", Policy(deny=policy.deny)
    if policy.max_size is not None:
        yield f"each file at most {policy.max_size} bytes", Policy(max_size=policy.max_size)


def _unmet(look: Callable[[Record], Iterable[str]], record: Record | None) -> str:
    return _first(look(record)) if record is not None else "the version cannot be read"


def _first(said: Iterable[str]) -> str:
    return next(iter(said), "")


def _card(registry: Registry, model: str) -> str | None:
    entry = registry.tree.entry(layout.card(model))
    return registry.card(model) if entry is not None and entry.is_file else None


def asks(policy: Policy | None) -> tuple[str, ...]:
    """Say what a policy asks, each thing by itself: what a change of it adds and takes away is read from these."""
    if policy is None:
        return ()
    return (
        *(f"approved by {who}" for who in policy.approvers),
        *([f"was under {' or '.join(policy.after)} before"] if policy.after else []),
        *(f"{name} {asks}" for name, bound in policy.metrics.items() for asks, _ in _bounds(bound, held=True)),
        *(gate.asks for gate in _of_the_rest(policy, None)),
        *(["has a model card"] if policy.card else []),
    )


# --- what else changes its meaning ----------------------------------------------------------------------------------

_MOVES_LATEST = ("version-logged", "version-linked", "version-withdrawn", "version-restored")


def _latest(step: Step, changes: Iterable[Change]) -> Iterator[Latest]:
    """Give whose ``latest`` means something else: that is what a name without a selector gives."""
    named = ((change.entity, change.name) for change in changes if change.kind in _MOVES_LATEST)
    for kind, name in dict.fromkeys((kind, name) for kind, name in named if kind is not None):
        try:
            before, after = (_latest_of(registry, kind, name) for registry in (step.before, step.after))
        except Refused:
            continue  # found at the file
        if before != after:
            yield Latest(name, before, after)


def _latest_of(registry: Registry, kind: refs.Kind, name: str) -> str | None:
    entity = registry.entities(kind).get(name)
    return entity.latest if entity is not None else None


# --- who must look --------------------------------------------------------------------------------------------------


def _is_our_business(change: Change) -> bool:
    return change.kind != "other" or layout.concern(change.path) is not None


def _reviewers(step: Step, changes: Iterable[Change]) -> Iterator[Reviewer]:
    """Give who must look, those who approve first, each with all files that they must look at."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    all_changes = list(changes)
    for asks_for in (_approvers, _of_policies, _owners, _maintainers):
        for change in all_changes:
            for who, why in asks_for(step, change):
                found.setdefault((who, why), {})[change.path] = None
    return (Reviewer(who, why, tuple(paths)) for (who, why), paths in found.items())


def _approvers(step: Step, change: Change) -> Iterator[tuple[str, str]]:
    if change.kind in ALIAS_KINDS and change.entity == "model" and change.alias is not None:
        for policy in promotion.policies(step, change.alias):
            yield from ((who, f"approves {change.alias}") for who in policy.approvers)


def _of_policies(_: Step, change: Change) -> Iterator[tuple[str, str]]:
    if change.kind != "policy-changed":
        return
    if change.alias is None:
        yield MAINTAINER, "changes what every file is checked by"
        return
    sides = [policy for policy in (change.before, change.after) if policy is not None]
    approvers = [who for policy in sides for who in policy.approvers]
    why = f"approves {change.alias}, whose policy changes"
    yield from ((who, why) for who in approvers)
    if not approvers:
        yield MAINTAINER, f"changes the policy of {change.alias}"


def _owners(step: Step, change: Change) -> Iterator[tuple[str, str]]:
    for registry in (step.before, step.after):
        entity = registry.entities(change.entity).get(change.name) if change.entity is not None else None
        yield from ((who, f"owns {change.name}") for who in _owners_of(entity))


def _owners_of(entity: Entity | None) -> tuple[str, ...]:
    try:
        return entity.about.owners if entity is not None else ()
    except Refused:
        return ()  # found at the file


def _maintainers(_: Step, change: Change) -> Iterator[tuple[str, str]]:
    if change.kind == "other" or (change.kind == "description-changed" and change.entity is None):
        yield MAINTAINER, layout.concern(change.path) or ""


# --- how to go back -------------------------------------------------------------------------------------------------


def _undo(changes: Iterable[Change], moves: Iterable[Move]) -> Iterator[str]:
    """Give the commands that take a change back; a version must be usable again before an alias can go back to it."""
    all_changes = list(changes)
    for change in all_changes:
        if change.kind == "version-withdrawn":
            yield _command("restore", f"{change.name}:{change.version}")
    for move in moves:
        yield _way_back(move)
    for change in all_changes:
        if change.kind == "version-restored":
            again = change.reason or "withdrawn again"
            yield _command("withdraw", f"{change.name}:{change.version}", "--reason", again)
        if change.kind == "tags-changed":
            yield from _tags_back(change)


def _way_back(move: Move) -> str:
    change = move.change
    assert change.alias is not None
    if change.before is None:
        return _command("unalias", change.name, change.alias)
    if change.after is None or move.rollback:
        return _command("promote", f"{change.name}:{change.before}", change.alias)
    return _command("rollback", change.name, change.alias)


def _tags_back(change: Change) -> Iterator[str]:
    lost: list[Any] = [tag for tag in change.before if tag not in change.after]
    new: list[Any] = [tag for tag in change.after if tag not in change.before]
    if lost:
        yield _command("tag", "add", change.name, *lost)
    if new:
        yield _command("tag", "remove", change.name, *new)


def _command(*words: str) -> str:
    return f"podium {shlex.join(words)}"
