"""
Rules on what an alias's policy asks of the version that the alias names.

``unmet_…`` judge one version by one policy; the rules say it of what aliases hold now, as warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

from podium import layout
from podium.checks import Example, Flaw, Rule, Subject, quoted
from podium.diff import Change
from podium.errors import Refused
from podium.history import Step
from podium.manifest import matches
from podium.model import Bound, Fact, Policy, Record, Registry
from podium.rules import examples
from podium.rules.promotion import policies, promotions

_BAD_LINK = "models/ImageClassifier/versions/v2.yaml"
_BAD_ALIAS = "models/ImageClassifier/aliases/production.yaml"
_BAD_RECORD = "artifacts/vision/resnet50/versions/v3.dvc"


def unmet_metrics(policy: Policy, record: Record, before: Record | None = None) -> Iterator[str]:
    """
    Say which metrics are missing or out of their bounds.

    ``before`` is the version that holds the alias so far; without it ``max_drop`` and ``max_rise`` ask for nothing.
    """
    for name, bound in policy.metrics.items():
        value = record.metrics.get(name)
        if value is None:
            yield f"it has no metric {quoted(name)}"
        else:
            held = before.metrics.get(name) if before is not None else None
            yield from (f"{name} {said}" for said in _out_of_bounds(value, bound, held))


def _out_of_bounds(value: float, bound: Bound, held: float | None) -> Iterator[str]:
    exact = _decimal(value)
    if bound.min is not None and exact < _decimal(bound.min):
        yield f"is {value}, less than {bound.min}"
    if bound.max is not None and exact > _decimal(bound.max):
        yield f"is {value}, more than {bound.max}"
    if held is None:
        return
    if bound.max_drop is not None and _decimal(held) - exact > _decimal(bound.max_drop):
        yield f"drops from {held} to {value}, by more than {bound.max_drop}"
    if bound.max_rise is not None and exact - _decimal(held) > _decimal(bound.max_rise):
        yield f"rises from {held} to {value}, by more than {bound.max_rise}"


def _decimal(number: float) -> Decimal:
    """Give a number as it is written: 0.93 - 0.92 is 0.01, which it is not in binary."""
    return Decimal(repr(number))


def unmet_metadata(policy: Policy, record: Record) -> Iterator[str]:
    """Say which metadata is missing or empty."""
    for name in policy.metadata:
        if _is_empty(record.metadata.get(name)):
            yield f"it has no metadata {quoted(name)}"


def _is_empty(fact: Fact | None) -> bool:
    return fact is None or (isinstance(fact, str) and not fact.strip()) or fact == []


def unmet_files(policy: Policy, record: Record) -> Iterator[str]:
    """Say which files the policy does not allow."""
    if policy.allow is None and not policy.deny and policy.max_size is None:
        return
    if record.files is None:
        yield "its manifest is not in the record, so its files cannot be judged"
        return
    for file in record.files:
        if policy.allow is not None and not any(matches(file.path, pattern) for pattern in policy.allow):
            yield f"its file {quoted(file.path)} is none of {_listed(policy.allow)}"
        denied = [pattern for pattern in policy.deny if matches(file.path.lower(), pattern.lower())]
        if denied:
            yield f"its file {quoted(file.path)} matches {_listed(denied)}, which the policy denies"
        if policy.max_size is not None and file.size > policy.max_size:
            yield f"its file {quoted(file.path)} has {file.size} bytes, more than {policy.max_size}"


def _listed(patterns: list[str] | tuple[str, ...]) -> str:
    return ", ".join(map(quoted, patterns)) or "no pattern"


def unmet_card(policy: Policy, card: str | None) -> Iterator[str]:
    """Say whether the model card that the policy asks for is missing; an empty one is none."""
    if policy.card and not (card or "").strip():
        yield "the registered model has no model card"


class _PolicyRule(Rule):
    """A rule on what aliases of registered models hold, where registry.yaml has a policy for them."""

    remedy: ClassVar[str] = "promote a version that has what the policy in registry.yaml asks for"

    def unmet(self, policy: Policy, subject: Subject, version: str) -> Iterator[str]:
        """Say what the version lacks."""
        record = subject.record(version)
        return iter(()) if record is None else self.unmet_by(policy, record)

    def unmet_by(self, policy: Policy, record: Record) -> Iterator[str]:
        """Say what a version of which this is known lacks."""
        raise NotImplementedError

    def of_entity(self, subject: Subject) -> Iterator[Flaw]:
        """Look at what each alias holds."""
        settings = subject.around.settings
        if subject.kind != "model" or settings is None:
            return
        for alias, version in subject.held():
            policy = settings.policies.get(alias)
            for said in () if policy is None else self.unmet(policy, subject, version):
                message = f"{alias} names {subject.name}:{version}, but {said}"
                yield Flaw(subject.alias_path(alias), message, ("version",), self.remedy, severity="warning")

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look at each version that the step points an alias at, by the policies of the base and of the result."""
        said = {
            (change.path, f"{change.alias} is to name {change.name}:{change.after}, but {unmet}"): change
            for change, policy in promotions(step)
            for unmet in self.unmet_in_step(policy, step, change)
        }
        for path, message in said:
            yield Flaw(path, message, ("version",), self.remedy)

    def unmet_in_step(self, policy: Policy, step: Step, change: Change) -> Iterator[str]:  # noqa: ARG002
        """Say what the version that an alias moves to lacks."""
        after = change.comparison.after if change.comparison is not None else None
        return iter(()) if after is None else self.unmet_by(policy, after.record)


def _example(contents: dict[str, bytes], accuracy: float = 0.93, license_line: str | None = None) -> Example:
    record = examples.record("v3", contents, accuracy)
    return {
        _BAD_ALIAS: "generation: 3\nversion: v2\n",
        _BAD_LINK: "artifact: vision/resnet50\nversion: v3\n",
        _BAD_RECORD: record if license_line is None else record.replace("license: apache-2.0", license_line),
    }


class AliasRequiresMetrics(_PolicyRule):
    """
    What an alias names has the metrics that its policy asks for, within their bounds.

    Why: the number that decides is written down once, in ``registry.yaml``, and not in each reviewer's head.

    Fix: promote a version whose metrics are within the bounds. Without ``--base`` this is a warning on what aliases
    hold now; with it, an error on aliases that the change moves.
    """

    id = "alias-requires-metrics"
    good: ClassVar[Example] = _example({"model.safetensors": b"fourth"}, accuracy=0.9)
    bad: ClassVar[Example] = _example({"model.safetensors": b"fourth"}, accuracy=0.89)

    def unmet_by(self, policy: Policy, record: Record) -> Iterator[str]:
        """Look at the metrics."""
        return unmet_metrics(policy, record)

    def unmet_in_step(self, policy: Policy, step: Step, change: Change) -> Iterator[str]:
        """Compare with the version that holds the alias at the base too, unless the alias goes back to an earlier."""
        if change.comparison is None or change.comparison.after is None:
            return
        before, after = change.comparison.before, change.comparison.after
        alone = list(unmet_metrics(policy, after.record))
        compared = list(unmet_metrics(policy, after.record, before.record if before is not None else None))
        yield from alone if compared == alone or step.is_rollback(change) else compared


class AliasRequiresMetadata(_PolicyRule):
    """
    What an alias names has the metadata that its policy asks for.

    Why: a licence or a data set that nobody wrote down cannot be asked for when the model is live.

    Fix: log the version with ``--metadata key=value``; a record is written once, so that makes a new version.
    """

    id = "alias-requires-metadata"
    good: ClassVar[Example] = _example({"model.safetensors": b"fourth"}, license_line="license: mit")
    bad: ClassVar[Example] = _example({"model.safetensors": b"fourth"}, license_line='license: ""')

    def unmet_by(self, policy: Policy, record: Record) -> Iterator[str]:
        """Look at the metadata."""
        return unmet_metadata(policy, record)


class AliasRequiresFiles(_PolicyRule):
    """
    What an alias names holds only files that its policy allows.

    Why: a pickle runs code when it is loaded; a policy keeps such files away from where they would be.

    Fix: save the model in a format that the policy allows and log it anew.
    """

    id = "alias-requires-files"
    good: ClassVar[Example] = _example({"model.safetensors": b"fourth"})
    bad: ClassVar[Example] = _example({"model.PKL": b"fourth"})

    def unmet_by(self, policy: Policy, record: Record) -> Iterator[str]:
        """Look at the files."""
        return unmet_files(policy, record)


class AliasRequiresCard(_PolicyRule):
    """
    A registered model whose alias asks for a model card has one.

    Why: what serves live traffic has a page that says what it is for, and what it must not be used for.

    Fix: write ``models/<model>/README.md``.
    """

    id = "alias-requires-card"
    remedy = "write the model card: README.md in the model's folder"
    good: ClassVar[Example] = {"models/ImageClassifier/README.md": "What it is for, and what not.\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/README.md": None}
    shown_at = _BAD_ALIAS

    def unmet(self, policy: Policy, subject: Subject, version: str) -> Iterator[str]:  # noqa: ARG002
        """Say whether the card is missing."""
        path = layout.card(subject.name)
        entry = subject.around.tree.entry(path) if policy.card else None
        card = subject.registry.card(subject.name) if entry is not None and entry.is_file else None
        return unmet_card(policy, card)

    def unmet_in_step(self, policy: Policy, step: Step, change: Change) -> Iterator[str]:
        """Say whether the card is missing after the step."""
        return unmet_card(policy, step.after.card(change.name))

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look at what is promoted, and at the aliases of models whose card the step takes away."""
        yield from super().in_step(step)
        moved = {(change.name, change.alias) for change in step.moved()}
        for change in step.changes:
            if change.kind != "card-changed" or (step.after.card(change.name) or "").strip():
                continue
            for alias, version in _held(step.after, change.name):
                if (change.name, alias) not in moved and any(policy.card for policy in policies(step, alias)):
                    said = f"{alias} names {change.name}:{version}, but the registered model has no model card any more"
                    yield Flaw(layout.alias("model", change.name, alias), said, ("version",), self.remedy)


def _held(registry: Registry, name: str) -> Iterator[tuple[str, str]]:
    """Give what the aliases of a registered model name, where that can be read."""
    model = registry.models.get(name)
    try:
        yield from model.held.items() if model is not None else ()
    except Refused:
        return


RULES = (AliasRequiresMetrics, AliasRequiresMetadata, AliasRequiresFiles, AliasRequiresCard)
