"""An edit under way: one commit, or nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from podium import codec, custody, edits, folders, git, handed, layout, model, publish, refs, timeline, upkeep
from podium.errors import Denied, Usage
from podium.model import About, Fact, Fixed, Link, Record, Version
from podium.progress import Progress, silent
from podium.visible import bare

if TYPE_CHECKING:
    from podium.api import Registry


class Editing:
    """
    An edit under way: what is done through it is seen by what follows, and lands when the ``with`` block ends.

    Each step is kept as a function and applied again where somebody else's commit landed first, so that version numbers
    are those of the moment of landing; versions are told apart by their content meanwhile.
    """

    def __init__(
        self,
        registry: Registry,
        message: str | None,
        landing: publish.Landing,
        *,
        dry_run: bool,
        progress: Progress = silent,
    ) -> None:
        self._registry = registry
        self._message = (handed.prose(message, "the message").strip() or None) if message is not None else None
        self._landing = landing
        self._dry_run = dry_run
        self._progress = progress
        self._steps: list[edits.Edit] = []
        self._records: list[Record] = []
        self._results: list[str] = []
        self._reason = ""
        self._value: model.Registry | None = None
        self.published: publish.Published | None = None

    def __enter__(self) -> Self:
        if self._steps or self._value is not None:
            raise Usage("an edit is used once", "begin another one: registry.edit(…)")
        self._start = publish.base(self._registry.source, self._landing)
        self._value = codec.read(self._start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._steps:
                self._land()
        finally:
            self._value = None

    @property
    def _seen(self) -> model.Registry:
        """The registry with what was done so far; raises Usage where the edit has not begun, or has landed."""
        if self._value is None:
            raise Usage(
                "this edit is not under way: nothing that is done now would land",
                "use it within its block: `with registry.edit(…) as edit:`",
            )
        return self._value

    def log(
        self,
        artifact: str,
        path: str | os.PathLike[str],
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, Fact] | None = None,
        metadata: Mapping[str, Fact] | None = None,
        source: Mapping[str, str] | None = None,
        desc: str = "",
        upload: bool = True,
        force: bool = False,
    ) -> Version:
        """
        Store a file or folder and record it as the artifact's next version; gives the version.

        Content that a version of the artifact has already makes no new one; what the remote lost of it is sent. Without
        ``upload`` the remote is left for later; where the edit is pushed, others see a version without bytes then: that
        takes ``force``. Raises Denied for what cannot be logged, Unavailable where the remote is out of reach.
        """
        artifact = refs.checked_artifact(self._without_entity(artifact))
        place = folders.named(path, "a file or a folder")
        told = handed.prose(desc, "the description")
        numbers, chosen, known, made = map(
            _facts, ("metrics", "params", "metadata", "source"), (metrics, params, metadata, source)
        )
        present = self._seen.artifacts.get(artifact)
        if not (upload or force):
            self._check_nobody_misses_it()
        record = replace(
            self._stored(place),
            desc=told,
            metrics=numbers,
            params=chosen,
            metadata=known,
            source=Fixed({key: bare(fact) if isinstance(fact, str) else fact for key, fact in made.items()}),
            remote=present.about.remote if present is not None else "",
        )
        self._do(lambda registry: edits.log(registry, artifact, record))
        version = _with_content(self._seen, artifact, record.md5)
        if upload:
            self._records.append(replace(record, remote=version.record.remote))
        return version

    def _check_nobody_misses_it(self) -> None:
        if self._landing is publish.Landing.PUSH:
            raise Denied(
                "a push shows the version to everybody, and its bytes would not be there",
                "leave --no-upload out, or commit now and push after `podium upload`; --force pushes it all the same",
            )

    def _stored(self, place: Path) -> Record:
        """Store a file or folder, or only look at it in a dry run, and record what it holds, when, and by whom."""
        storage = self._registry.storage
        content = storage.look(place, self._progress) if self._dry_run else storage.add(place, self._progress)
        return Record(
            md5=content.md5,
            size=content.size,
            nfiles=content.nfiles,
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            author=git.author(self._registry.source),
            files=content.files,
            sha256=content.manifest_sha256,
        )

    def link(self, version: Version | str, model: str) -> Version:
        """Bookmark a model version in a registered model; gives the version as that model numbers it."""
        target, model = self._version(version), self._without_entity(model)
        self._do(lambda registry: edits.link(registry, _again(registry, target), model))
        bookmark = Link(target.artifact.name, _again(self._seen, target).artifact.version)
        number = edits.linked(self._seen.model(model), bookmark)
        return self._seen.model(model).version(number or "")

    def promote(self, version: Version | str, alias: str) -> None:
        """Point an alias at a version of its registered model or artifact."""
        refs.checked_alias(alias)
        target = self._version(version)
        base = self._base

        def step(registry: model.Registry) -> edits.Edited:
            found = _again(registry, target)
            return edits.promote(registry, registry.reference(f"{found.name}:{found.version}"), alias, base)

        self._do(step)

    def rollback(self, name: str, alias: str, *, to: str | None = None, reason: str = "") -> None:
        """
        Point an alias back at the version it held before the present one, or at the version ``to``.

        The bytes are proven to be on the remote first. ``reason`` goes into the body of the commit's message. Raises
        Denied where there is no way back, or where somebody moved the alias unseen; Unavailable where history or remote
        are out of reach.
        """
        refs.checked_alias(alias)
        because = handed.prose(reason, "the reason")
        to = handed.text(to, "the version's number: 'v3'") if to is not None else None
        reference = self._seen.reference(name)
        if reference.selector is not None:
            raise Usage(f"{name!r} says more than a name", "write NAME ALIAS, and the version with --to vN")
        back = self._way_back(reference, alias, to)
        target, base, note = reference.at(back.version.version), self._base, back.note

        def step(registry: model.Registry) -> edits.Edited:
            edited = edits.rollback(registry, target, alias, back.seen, base)
            return replace(edited, notes=(*edited.notes, note)) if note else edited

        self._do(step)
        self._reason = because

    def _way_back(self, reference: refs.Reference, alias: str, to: str | None) -> timeline.WayBack:
        """Find where an alias goes back to, known to this checkout and with its bytes on the remote."""
        source = self._registry.source
        line = timeline.line(source, self._start)
        back = self._gone_already(line, reference, alias, to)
        if back is None:
            back = timeline.way_back(line, self._seen, reference, alias, to)
            is_there = back.seen.version == back.version.version
            if isinstance(source, git.Checkout) and self._landing.is_remote and not is_there:
                timeline.check_known(source, line, self._seen, reference, alias)
        problems = custody.problems(self._registry.storage, [back.version.record], self._progress)
        for lacks in problems.values():
            more = f", and {len(lacks) - 1} more" if len(lacks) > 1 else ""
            raise Denied(
                f"the bytes of {reference.name}:{back.version.version} are not all there: {lacks[0]}{more}",
                timeline.go_on(reference.name, alias, back.further),
            )
        return back

    def _gone_already(
        self, line: timeline.Line, reference: refs.Reference, alias: str, to: str | None
    ) -> timeline.WayBack | None:
        """Give the way back that a checkout's alias has gone; raises Denied for a move not to be committed with it."""
        source = self._registry.source
        if not isinstance(source, git.Checkout) or self._landing.is_remote:
            return None
        path = layout.alias(reference.kind, reference.name, alias)
        if self._landing is publish.Landing.COMMIT and publish.is_done(source, path):
            done = timeline.committed_already(source, line, reference, alias, to)
            if done is not None:
                return done
        back = timeline.gone_already(source, line, reference, alias, to)
        if self._landing is publish.Landing.COMMIT and (back is None or not publish.is_left(source, path)):
            timeline.check_committed(source, reference, alias)
        return back

    def unalias(self, name: str, alias: str) -> None:
        """Take an alias away."""
        refs.checked_alias(alias)
        base = self._base
        self._do(lambda registry: edits.unalias(registry, registry.reference(name), alias, base))

    def withdraw(self, reference: str, reason: str) -> None:
        """Withdraw a version, named by its number."""
        because = handed.prose(reason, "the reason")
        self._do(lambda registry: edits.withdraw(registry, registry.reference(reference), because))

    def restore(self, reference: str) -> None:
        """Bring a withdrawn version back."""
        self._do(lambda registry: edits.restore(registry, registry.reference(reference)))

    def tag(self, model: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Add and remove tags of a registered model."""
        model, added, removed = self._without_entity(model), handed.texts(add, "tags"), handed.texts(remove, "tags")
        self._do(lambda registry: edits.tag(registry, model, add=added, remove=removed))

    def create(
        self, name: str, *, desc: str = "", owners: Sequence[str] = (), tags: Sequence[str] = (), remote: str = ""
    ) -> None:
        """
        Make a registered model, or a model artifact (``project/name``), without versions.

        ``remote`` is the DVC remote that the artifact's versions go to, where that is not the default one.
        """
        about = About(
            description=handed.prose(desc, "the description"),
            owners=handed.texts(owners, "owners: ['@org/team']"),
            tags=handed.texts(tags, "tags"),
            remote=handed.text(remote, "the remote's name"),
        )
        self._do(lambda registry: edits.create(registry, registry.reference(name), about))

    @cached_property
    def _base(self) -> model.Registry | None:
        """What a branch of a checkout will be judged against; a push is judged against the tip it lands on."""
        tree = publish.merge_base(self._registry.source, self._landing)
        return codec.read(tree) if tree is not None else None

    def _do(self, step: edits.Edit) -> None:
        edited = step(self._seen)
        self._value, self._results = edited.registry, [*self._results, edited.result]
        self._steps.append(step)

    def _without_entity(self, name: str) -> str:
        """Give a full name as the registry's files have it; raises OtherEntity. What is no full name stays as it is."""
        if not isinstance(name, str) or name.count("/") != 2:
            return name
        reference = self._seen.reference(name)
        return reference.name if reference.selector is None else name

    def _version(self, version: Version | str) -> Version:
        return version if isinstance(version, Version) else self._seen.resolve(version)

    def _land(self) -> None:
        self.published = publish.land(
            self._registry.source,
            upkeep.sound(edits.in_turn(self._steps)),
            self._landing,
            message=self._text(),
            before=self._upload,
            dry_run=self._dry_run,
        )
        self._upload()  # where there was nothing to land: the remote may have lost what is recorded already

    def _text(self) -> str | None:
        """Give the commit's message, with the reason of a rollback under its subject."""
        if not self._reason.strip():
            return self._message
        return f"{self._message or self._results[0]}\n\n{self._reason.strip()}"

    def _upload(self) -> None:
        """Send the bytes first: a version that others can see has its bytes."""
        if self._records and not self._dry_run:
            self._registry.storage.push(self._records, progress=self._progress)
            self._records.clear()


def _facts(what: str, given: object) -> Fixed[str, Any]:
    """Take over facts that somebody handed in, as they are now; raises Usage."""
    return Fixed(handed.facts(given, what) if given is not None else {})


def _with_content(registry: model.Registry, artifact: str, md5: str) -> Version:
    number = edits.find(registry.artifact(artifact), md5)
    if number is None:
        raise Denied(
            f"{artifact} no longer has the content {md5}",
            f"`podium show {artifact}` lists its versions: begin the edit again",
        )
    return registry.artifact(artifact).version(number)


def _again(registry: model.Registry, version: Version) -> Version:
    """Find a version in a registry where it may have another number: by what it is, not by what it was called."""
    found = _with_content(registry, version.artifact.name, version.md5)
    if version.model is None:
        return found
    number = edits.linked(registry.model(version.model), Link(found.artifact.name, found.artifact.version))
    if number is None:
        raise Denied(
            f"{version.model} no longer links {found.artifact.name}:{found.version}",
            f"`podium show {version.model}` lists its versions: begin the edit again",
        )
    return registry.model(version.model).version(number)
