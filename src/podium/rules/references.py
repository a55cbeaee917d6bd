"""Rules on what names what: aliases, links, withdrawals, numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from podium import layout, refs
from podium.checks import Example, Flaw, Rule, Subject, command, quoted
from podium.diff import Change
from podium.errors import Refused
from podium.history import Step
from podium.rules import examples


class AliasTargetExists(Rule):
    """
    An alias names a version that exists.

    Why: ``use_model("…:production")`` must not fail in production for a typo in a pull request.

    Fix: log or link the version first, or point the alias at one that is listed.
    """

    id = "alias-target-exists"
    good: ClassVar[Example] = {"models/ImageClassifier/aliases/shadow.yaml": "generation: 1\nversion: v1\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/aliases/shadow.yaml": "generation: 1\nversion: v9\n"}

    def of_entity(self, subject: Subject) -> Iterator[Flaw]:
        """Look at each alias."""
        for alias, assignment in subject.aliases.items():
            version = assignment.version
            if version is not None and version not in subject.numbers:
                said = f"{subject.name} has no version {version}; {_what_there_is(subject)}"
                fix = f"{command('promote', f'{subject.name}:VERSION', alias)} points it at a version that is there"
                yield Flaw(subject.alias_path(alias), said, ("version",), fix)

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look at what each moved alias leads to, where that was broken before: it is not charged, a move to it is."""
        for change in step.moved():
            if change.comparison is None or change.after is None or change.comparison.after is not None:
                continue
            assert change.entity is not None
            files = [layout.version(change.entity, change.name, change.after), *_linked(step, change)]
            if step.after.tree.entry(files[0]) is not None and not set(files) & set(step.paths):
                said = f"the record of {change.name}:{change.after} is not there or cannot be read"
                yield Flaw(change.path, said, ("version",), f"mend {files[-1]} first, or name another version")


def _linked(step: Step, change: Change) -> Iterator[str]:
    """Give the file of the record that a registered model's version leads to, where the link can be read."""
    model = step.after.models.get(change.name) if change.entity == "model" else None
    try:
        link = model.links.get(change.after) if model is not None and change.after is not None else None
    except Refused:
        return
    if link is not None:
        yield layout.version("artifact", link.artifact, link.version)


def _what_there_is(subject: Subject) -> str:
    if not subject.numbers:
        return "it has none"
    last = subject.numbers[-1]
    return f"it has {last} only" if len(subject.numbers) == 1 else f"it has {subject.numbers[0]} to {last}"


class AliasTargetIsNotWithdrawn(Rule):
    """
    An alias names no version that was withdrawn, neither here nor in the artifact that the version links.

    Why: a withdrawn version is one that nobody should be given any more, and an alias is how people are given versions.

    Fix: point the alias at another version first, then withdraw; or restore the version.
    """

    id = "alias-target-withdrawn"
    good: ClassVar[Example] = {
        "models/ImageClassifier/model.yaml": (
            "description: Labels product photographs\n"
            'owners: ["@acme/vision"]\ntags: [image-classification]\nwithdrawn:\n  v0: trained on the wrong split\n'
        ),
    }
    bad: ClassVar[Example] = {
        "models/ImageClassifier/model.yaml": (
            "description: Labels product photographs\n"
            'owners: ["@acme/vision"]\ntags: [image-classification]\nwithdrawn:\n  v1: the licence of its data ended\n'
        ),
    }
    shown_at = "models/ImageClassifier/aliases/production.yaml"

    def of_entity(self, subject: Subject) -> Iterator[Flaw]:
        """Look at each alias."""
        for alias, version in subject.held():
            reason = subject.why_withdrawn(version)
            if reason is not None:
                said = f"{subject.name}:{version} is withdrawn: {reason}"
                fix = f"point the alias elsewhere first: {command('promote', f'{subject.name}:VERSION', alias)}"
                yield Flaw(subject.alias_path(alias), said, ("version",), fix)


class LinkTargetExists(Rule):
    """
    A link points to a model version that exists.

    Why: a link is how a registered model reaches its bytes; one that leads nowhere is a version that cannot be used.

    Fix: log the version first; or, before the link is merged, name one that is there.
    """

    id = "link-target-exists"
    good: ClassVar[Example] = {"models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v2\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v12\n"}

    def of_entity(self, subject: Subject) -> Iterator[Flaw]:
        """Look at each link."""
        tree = subject.around.tree
        for number, link in subject.links.items():
            if subject.target(link) is None:
                said, pointer = f"there is no model artifact {quoted(link.artifact)}", "artifact"
            elif tree.entry(layout.version("artifact", link.artifact, link.version)) is None:
                said, pointer = f"{link.artifact} has no version {link.version}", "version"
            else:
                continue
            fix = f"{command('show', link.artifact)} lists its versions" if pointer == "version" else _NO_ARTIFACT
            yield Flaw(subject.path(number), said, (pointer,), fix)


_NO_ARTIFACT = "`podium list --artifacts` shows what there is"


class WithdrawnVersionsExist(Rule):
    """
    A version that is withdrawn exists.

    Why: a withdrawal under a wrong number leaves the version that was meant in use.

    Fix: name a version that is there.
    """

    id = "withdrawn-version-exists"
    good: ClassVar[Example] = {
        "artifacts/vision/resnet50/artifact.yaml": "description: ResNet-50\nwithdrawn:\n  v2: diverged at epoch 12\n",
    }
    bad: ClassVar[Example] = {
        "artifacts/vision/resnet50/artifact.yaml": "description: ResNet-50\nwithdrawn:\n  v7: diverged at epoch 12\n",
    }

    def of_entity(self, subject: Subject) -> Iterator[Flaw]:
        """Look at each withdrawal."""
        for version in subject.withdrawn:
            if version not in subject.numbers:
                said = f"{subject.name} has no version {version}; {_what_there_is(subject)}"
                fix = f"{command('show', subject.name)} lists its versions"
                yield Flaw(layout.about(subject.kind, subject.name), said, ("withdrawn", version), fix)


class VersionNumbersAreContiguous(Rule):
    """
    Versions are numbered from v0 without gaps.

    Why: a gap is a version that was deleted, or a number that somebody will take later, after others have read it as
    gone.

    Fix: bring the missing version back from history, or give the newer ones the numbers that are free, before they
    merge.
    """

    id = "version-numbers-contiguous"
    good: ClassVar[Example] = {"models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v2\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/versions/v3.yaml": "artifact: vision/resnet50\nversion: v2\n"}

    def of_entity(self, subject: Subject) -> Iterator[Flaw]:
        """Look at the numbers."""
        if subject.numbers and refs.number(subject.numbers[-1]) == len(set(subject.numbers)) - 1:
            return  # they are in order: none can be missing
        expected = 0
        for version in subject.numbers:
            number = refs.number(version)
            if number != expected:
                missing = f"v{expected}" if number == expected + 1 else f"v{expected} to v{number - 1}"
                said = f"{missing} missing before {version}"
                yield Flaw(subject.path(version), said, fix=f"bring {missing} back, or name this one v{expected}")
            expected = number + 1


class LinksAreUnique(Rule):
    """
    A registered model links a model version once.

    Why: two numbers for one thing make "which version is in production" a question with two answers.

    Fix: take the newer link away, before it is merged.
    """

    id = "link-unique"
    good: ClassVar[Example] = {"models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v2\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v0\n"}

    def of_entity(self, subject: Subject) -> Iterator[Flaw]:
        """Look at each link, in order."""
        first: dict[tuple[str, str], str] = {}
        for number in refs.in_order(subject.links):
            link = subject.links[number]
            twin = first.setdefault((link.artifact, link.version), number)
            if twin != number:
                said = f"{link.artifact}:{link.version} is linked as {twin} already"
                yield Flaw(subject.path(number), said, ("artifact",), "take this link away")


class ContentsAreUnique(Rule):
    """
    An artifact has each content once.

    Why: equal content is the same model version; under a second number it would have a second set of metrics.

    Fix: take the newer record away, before it is merged; ``podium log`` names the version that has the content already.
    """

    id = "content-unique"
    good: ClassVar[Example] = {
        "artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", {"model.safetensors": b"fourth"})
    }
    bad: ClassVar[Example] = {
        "artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", examples.CONTENTS["v0"])
    }

    def of_entity(self, subject: Subject) -> Iterator[Flaw]:
        """Look at each version's hash, in order."""
        first: dict[str, str] = {}
        for number in refs.in_order(subject.contents):
            twin = first.setdefault(subject.contents[number], number)
            if twin != number:
                said = f"{subject.name}:{twin} has the same content"
                yield Flaw(subject.path(number), said, ("outs", 0, "md5"), f"take this record away and use {twin}")


RULES = (
    AliasTargetExists,
    AliasTargetIsNotWithdrawn,
    LinkTargetExists,
    WithdrawnVersionsExist,
    VersionNumbersAreContiguous,
    LinksAreUnique,
    ContentsAreUnique,
)
