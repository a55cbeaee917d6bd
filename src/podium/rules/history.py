"""Rules on a step from one registry to the next: what may never happen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import ClassVar

from podium import codec, layout, refs
from podium.checks import Example, Flaw, Rule, command, quoted
from podium.errors import Refused
from podium.history import Difference, Step
from podium.model import Alias, Artifact, RegisteredModel, Registry
from podium.rules import examples
from podium.tree import LINK

_GONE = "put it back as it was: `git checkout BASE -- {}`"


class VersionsAreWrittenOnce(Rule):
    """
    A file under ``versions/`` never changes and never goes away.

    Why: a number that means something else than yesterday makes every deployment, paper and audit that names it wrong.

    Fix: put the file back as it was. What is wrong about a version is said by a new one, or by ``podium withdraw``.
    """

    id = "version-written-once"
    before: ClassVar[Example] = {}
    good: ClassVar[Example] = {"artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", {"m.bin": b"fourth"})}
    bad: ClassVar[Example] = {"models/ImageClassifier/versions/v1.yaml": "artifact: vision/resnet50\nversion: v0\n"}

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look at every file under ``versions/`` that was there before."""
        for difference in step.differences:
            if difference.before is None or not _under_versions(difference.path) or _entity_is_gone(step, difference):
                continue
            yield Flaw(difference.path, _what_happened(difference), fix=_GONE.format(difference.path))


def _under_versions(path: str) -> bool:
    place = layout.place(path)
    return place is not None and place.document in ("link", "version")


def _what_happened(difference: Difference) -> str:
    before, after = difference.before, difference.after
    if after is None:
        return "a version was taken away; a version is written once and stays"
    if before is not None and before.mode != after.mode and before.id == after.id:
        return f"the mode of a version changed from {before.mode:06o} to {after.mode:06o}; a version is written once"
    if not after.is_file:
        what = "a symbolic link" if after.mode == LINK else "a submodule"
        return f"{what} is in the place of a version; a version is written once and stays"
    return "a version was changed; a version is written once"


def _entity_is_gone(step: Step, difference: Difference) -> bool:
    place = layout.place(difference.path)
    assert place is not None
    assert place.kind is not None
    return not _has_folder(step.after, layout.folder(place.kind, place.name))


def _has_folder(registry: Registry, path: str) -> bool:
    entry = registry.tree.entry(path)
    return entry is not None and entry.is_folder


class VersionNumbersAreNext(Rule):
    """
    A new version takes the next number.

    Why: numbers are the order in which versions came, so that ``v8`` was there after ``v7``, and none was left out.

    Fix: number the new files on from the highest there was; ``podium log`` and ``podium link`` do. Where another branch
    took the number first, ``podium check --base BASE --fix`` re-numbers.
    """

    id = "version-number-next"
    before: ClassVar[Example] = {}
    good: ClassVar[Example] = {"models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v2\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/versions/v5.yaml": "artifact: vision/resnet50\nversion: v2\n"}

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look at the new versions of each model and artifact, in order."""
        new: dict[tuple[refs.Kind, str], list[str]] = {}
        for difference in step.differences:
            place = layout.place(difference.path)
            if difference.is_new and place is not None and place.kind and place.document in ("link", "version"):
                new.setdefault((place.kind, place.name), []).append(place.member)
        for (kind, name), versions in new.items():
            yield from self._in_order(step, kind, name, refs.in_order(versions))

    def _in_order(self, step: Step, kind: refs.Kind, name: str, versions: list[str]) -> Iterator[Flaw]:
        entity = _entity(step.before, kind, name)
        last = deque(entity.numbers, maxlen=1) if entity is not None else ()
        for due, version in enumerate(versions, refs.number(last[0]) + 1 if last else 0):
            if refs.number(version) != due:
                said = f"the next version of {quoted(name)} is v{due}, not {version}"
                yield Flaw(layout.version(kind, name, version), said, fix=f"call it v{due}")
                return


def _entity(registry: Registry, kind: refs.Kind, name: str) -> RegisteredModel | Artifact | None:
    return registry.models.get(name) if kind == "model" else registry.artifacts.get(name)


class AliasGenerationsAreNext(Rule):
    """
    An alias counts its moves: one more at each, never less, never without one.

    Why: without the count, a promotion that was rolled back comes back unseen when its twin merges, and a forge's
    Revert button would bring back a file that says it never happened.

    Fix: go back with ``podium rollback NAME ALIAS``, forward with ``podium promote``; ``podium check --base BASE
    --fix`` sets the generation.
    """

    id = "alias-generation-next"
    before: ClassVar[Example] = {}
    good: ClassVar[Example] = {"models/ImageClassifier/aliases/staging.yaml": "generation: 3\nversion: v0\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/aliases/staging.yaml": "generation: 2\nversion: v0\n"}

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look at every alias file that the step writes."""
        for difference in step.differences:
            place = layout.place(difference.path)
            if place is None or place.document != "alias" or place.kind is None or difference.after is None:
                continue
            old = _assignment(step.before, place.kind, place.name, place.member)
            new = _assignment(step.after, place.kind, place.name, place.member)
            if new is None or (old is None and not difference.is_new):
                continue  # what cannot be read is found by the rules on files
            said = _miscounted(old, new)
            if said:
                yield Flaw(difference.path, said, ("generation",), _way_out(place.name, place.member, old, new))


def _assignment(registry: Registry, kind: refs.Kind, name: str, alias: str) -> Alias | None:
    entity = _entity(registry, kind, name)
    try:
        return entity.assignments.get(alias) if entity is not None else None
    except Refused:
        return None


def due(old: Alias | None, new: Alias) -> int:
    """Give the generation that an alias must have after a step."""
    if old is None:
        return 1
    return old.generation + (old.version != new.version)


def _miscounted(old: Alias | None, new: Alias) -> str:
    wanted = due(old, new)
    if new.generation == wanted:
        return ""
    if old is not None and old.version == new.version:
        return f"the generation goes from {old.generation} to {new.generation}, but the alias does not move"
    return f"the generation is {new.generation}; this move is number {wanted}"


def _way_out(name: str, alias: str, old: Alias | None, new: Alias) -> str:
    looks_reverted = old is not None and new.generation < old.generation
    if looks_reverted and new.version is not None:
        rollback = command("rollback", name, alias, "--to", new.version)
        return f"going back is a move too: {rollback}, or `podium check --base BASE --fix` sets the generation"
    return f"write `generation: {due(old, new)}`; `podium check --base BASE --fix` does"


class WithdrawalsAreKept(Rule):
    """
    A withdrawn version stays withdrawn.

    Why: somebody withdrew it for a reason; bringing it back is allowed, and worth a second look.

    Fix: nothing, where it is meant; ``podium withdraw`` where not.
    """

    id = "withdrawal-kept"
    severity = "warning"
    before: ClassVar[Example] = {
        "artifacts/vision/resnet50/artifact.yaml": "description: ResNet-50\nwithdrawn:\n  v2: its licence ended\n",
    }
    good: ClassVar[Example] = {
        "artifacts/vision/resnet50/artifact.yaml": "description: More\nwithdrawn:\n  v2: its licence ended\n",
    }
    bad: ClassVar[Example] = {"artifacts/vision/resnet50/artifact.yaml": "description: ResNet-50\n"}

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look at what the step restores."""
        for change in step.changes:
            if change.kind == "version-restored":
                said = f"{change.name}:{change.version} is no longer withdrawn; it was: {change.reason}"
                yield Flaw(change.path, said, ("withdrawn",))


class EntitiesAreKept(Rule):
    """
    No registered model, model artifact or alias file disappears, and the registry keeps its entity.

    Why: what names it, here and elsewhere, would no longer resolve, and its history would begin anew under the same
    name.

    Fix: put it back. A model that is no longer used keeps its folder; say so in its description, withdraw its versions,
    and remove its aliases with ``podium unalias``, which keeps the count of their moves.
    """

    id = "entity-kept"
    before: ClassVar[Example] = {}
    good: ClassVar[Example] = {"models/ImageClassifier/aliases/staging.yaml": "generation: 3\nversion: null\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/aliases/staging.yaml": None}

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look at what is no longer there."""
        yield from self._gone(step)
        yield from self._renamed(step)

    def _gone(self, step: Step) -> Iterator[Flaw]:
        said: set[str] = set()
        for difference in step.differences:
            place = layout.place(difference.path)
            if difference.after is not None or difference.before is None or place is None:
                continue
            folder = layout.folder(place.kind, place.name) if place.kind is not None else ""
            if place.kind is not None and not _has_folder(step.after, folder):
                if folder not in said:
                    said.add(folder)
                    what = "registered model" if place.kind == "model" else "model artifact"
                    about = layout.about(place.kind, place.name)
                    yield Flaw(about, f"the {what} {quoted(place.name)} was taken away", fix=_GONE.format(folder))
            elif place.document == "alias":
                message = f"the alias {quoted(place.member)} was taken away with its count of moves"
                yield Flaw(
                    difference.path, message, fix=command("unalias", place.name, place.member) + " keeps the file"
                )

    def _renamed(self, step: Step) -> Iterator[Flaw]:
        if layout.REGISTRY not in step.paths:
            return
        try:
            old, new = step.before.entity, step.after.entity
        except Refused:
            return  # found at the file
        if old != new:
            said = (
                f"the entity changes from {quoted(old)} to {quoted(new)}, so that no full reference resolves any more"
            )
            yield Flaw(layout.REGISTRY, said, ("entity",), f"set it back to {old}")


class MergesAreClean(Rule):
    """
    A change merges into its base without a conflict.

    Why: two changes that take the same number or move the same alias must meet a person, not each other.

    Fix: bring the branch up to date: ``git merge BASE``, then ``podium check --base BASE --fix``.
    """

    id = "merge-clean"
    before: ClassVar[Example] = {}
    good: ClassVar[Example] = {}
    bad: ClassVar[Example] = {}


class HistoryIsKept(Rule):
    """
    The default branch only grows: a push adds commits on top of what is there, and never takes the branch away.

    Why: who moved what, when, and whether a number was ever used for something else, is read from the first parents of
    the default branch. A push that drops commits, or makes them a side branch of its own, rewrites that record.

    Fix: ``git fetch`` and ``git rebase origin/main``, or make a pull request. Going back is a change too: ``git
    revert``, or ``podium rollback`` for an alias. The ``pre-receive`` hook holds this rule.
    """

    id = "history-kept"
    before: ClassVar[Example] = {}
    good: ClassVar[Example] = {}
    bad: ClassVar[Example] = {}


class ProtectedAliasesMoveByMerge(Rule):
    """
    An alias that has approvers moves on the default branch by the merge of a branch.

    Why: a commit pushed straight to the default branch was seen by nobody else.

    Fix: put the move on a branch of its own (``podium promote … --pr``), have it reviewed, and merge that branch. Only
    a ``pre-receive`` hook made with ``--protect-aliases`` asks for this.
    """

    id = "protected-alias-merged"
    before: ClassVar[Example] = {}
    good: ClassVar[Example] = {}
    bad: ClassVar[Example] = {}


class FormatsAreNotLowered(Rule):
    """
    ``apiVersion`` never goes back.

    Why: an older format knows fewer rules; a change could escape those it would break.

    Fix: leave ``apiVersion`` as it is.
    """

    id = "format-not-lowered"
    before: ClassVar[Example] = {}
    good: ClassVar[Example] = {"registry.yaml": examples.REGISTRY["registry.yaml"].replace("acme\n", "acme \n")}
    bad: ClassVar[Example] = {"registry.yaml": examples.REGISTRY["registry.yaml"].replace("podium/v1", "podium/v0")}

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Compare the two formats."""
        if layout.REGISTRY not in step.paths:
            return
        old, new = _format(step.before), _format(step.after)
        if old is not None and new is not None and new < old:
            yield Flaw(
                layout.REGISTRY, f"the format goes back from v{old} to v{new}", ("apiVersion",), f"podium/v{old}"
            )


def _format(registry: Registry) -> int | None:
    try:
        stated = codec.decode(registry.tree.read(layout.REGISTRY)).get("apiVersion")
    except (codec.Malformed, KeyError):
        return None
    number = stated.removeprefix("podium/v") if isinstance(stated, str) else ""
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else None


class NewLinksNameUsableVersions(Rule):
    """
    A new link names a version that is not withdrawn.

    Why: a link made today is made to be used; what was withdrawn yesterday is not.

    Fix: link another version, or bring that one back with ``podium restore``.
    """

    id = "link-target-withdrawn"
    before: ClassVar[Example] = {
        "artifacts/vision/resnet50/artifact.yaml": "description: ResNet-50\nwithdrawn:\n  v2: its licence ended\n",
        "artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", {"m.bin": b"fourth"}),
    }
    good: ClassVar[Example] = {"models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v3\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v2\n"}

    def in_step(self, step: Step) -> Iterator[Flaw]:
        """Look at each new link."""
        for change in step.changes:
            if change.kind != "version-linked" or change.artifact is None:
                continue
            name, version = change.artifact
            artifact = step.after.artifacts.get(name)
            reason = _why_withdrawn(artifact, version) if artifact is not None else None
            if reason is not None:
                yield Flaw(change.path, f"{name}:{version} was withdrawn: {reason}", ("version",))


def _why_withdrawn(artifact: Artifact, version: str) -> str | None:
    try:
        return artifact.why_withdrawn(version)
    except Refused:
        return None


RULES = (
    VersionsAreWrittenOnce,
    VersionNumbersAreNext,
    AliasGenerationsAreNext,
    WithdrawalsAreKept,
    EntitiesAreKept,
    MergesAreClean,
    HistoryIsKept,
    ProtectedAliasesMoveByMerge,
    FormatsAreNotLowered,
    NewLinksNameUsableVersions,
)
