"""What ``import podium`` gives: a registry that is open, its edits, and ``use_model``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from podium import codec, edits, git, layout, model, publish, refs
from podium.errors import Denied
from podium.model import About, Artifact, Fact, Link, Record, RegisteredModel, Version
from podium.resolve import Used
from podium.resolve import use as hand_out
from podium.storage.progress import Progress, silent

if TYPE_CHECKING:
    from podium.storage import Storage

Where = str | os.PathLike[str] | None


def open(where: Where = None, *, rev: str | None = None) -> Registry:  # noqa: A001 - read as podium.open
    """
    Open a registry: a checkout (default: the one the working folder is in), a bare repository or a Git URL.

    ``rev`` is a commit, branch, tag, or a date (``2026-03-01``). Without it a checkout is read as it lies on disk. Raises
    NotARegistry, or Unavailable where the repository is out of reach.
    """
    place = os.fspath(where) if where is not None else os.environ.get("PODIUM_REGISTRY")
    return Registry(git.locate(place, Path.cwd()), rev)


def use_model(
    reference: str,
    *,
    registry: Where = None,
    rev: str | None = None,
    to: Where = None,
    files: Sequence[str] | None = None,
) -> Path:
    """
    Fetch a model version's files, verify every byte, and give the folder, or the file where there is only one.

    ``to`` is a folder for writable copies; without it the files are read-only and shared. ``files`` are patterns for the
    files that are wanted. Raises what Registry.resolve raises; Denied where bytes are not those recorded; Unavailable where
    the remote is out of reach.
    """
    return open(registry, rev=rev).use(reference, to=to, files=files).path


class Registry:
    """A registry that is open, at one revision."""

    def __init__(self, source: git.Source, rev: str | None = None) -> None:
        self.source = source
        self.rev = rev

    @cached_property
    def value(self) -> model.Registry:
        """The registry as a value: what every function of podium's core takes."""
        return codec.read(self.source.tree(self.rev))

    @property
    def models(self) -> Mapping[str, RegisteredModel]:
        """The registered models, by name."""
        return self.value.models

    @property
    def artifacts(self) -> Mapping[str, Artifact]:
        """The model artifacts, by ``project/name``."""
        return self.value.artifacts

    @property
    def entity(self) -> str:
        """The registry's entity."""
        return self.value.entity

    @property
    def commit(self) -> str | None:
        """The commit that is read; ``None`` for a working tree."""
        return self.value.commit

    def resolve(self, reference: str) -> Version:
        """Give the version that a reference means; raises what ``model.Registry.resolve`` raises."""
        return self.value.resolve(reference)

    def use(
        self,
        reference: str | Version,
        *,
        to: Where = None,
        files: Sequence[str] | None = None,
        force: bool = False,
        progress: Progress = silent,
    ) -> Used:
        """Fetch and verify a version's files; raises what ``use_model`` raises."""
        version = self.resolve(reference) if isinstance(reference, str) else reference
        return hand_out(
            version,
            lambda: self.storage,
            self.source.home,
            to=Path(os.path.abspath(to)) if to is not None else None,  # noqa: PTH100 - links are not followed
            patterns=files or (),
            force=force,
            progress=progress,
        )

    @cached_property
    def storage(self) -> Storage:
        """Where the bytes are: DVC's cache and remotes, as this registry configures them."""
        from podium.storage import Storage

        if isinstance(self.source, git.Checkout):
            return Storage.at(self.source.root)
        tree = self.source.tree(None)
        config = tree.read(layout.DVC_CONFIG) if tree.entry(layout.DVC_CONFIG) is not None else b""
        return Storage.detached(self.source.home, config)

    def edit(
        self,
        message: str | None = None,
        *,
        commit: bool = False,
        push: bool = False,
        dry_run: bool = False,
        progress: Progress = silent,
    ) -> Editing:
        """
        Begin an edit: ``with registry.edit("Promote v5", push=True) as edit: …``.

        What is done inside lands together at the end, or not at all: in the checkout's files, as one commit on the
        current branch (``commit``), or as one commit on the remote's default branch (``push``).
        """
        landing = publish.Landing.of(commit=commit, push=push)
        return Editing(self, message, landing, dry_run=dry_run, progress=progress)


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
        self._message = message
        self._landing = landing
        self._dry_run = dry_run
        self._progress = progress
        self._steps: list[edits.Edit] = []
        self._records: list[Record] = []
        self.published: publish.Published | None = None

    def __enter__(self) -> Self:
        self._seen = codec.read(publish.base(self._registry.source, self._landing))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._steps:
            self._land()

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
    ) -> Version:
        """
        Store a file or folder and record it as the artifact's next version; gives the version.

        Content that a version of the artifact has already makes no new one. Raises Denied for what cannot be logged,
        Unavailable where the remote is out of reach.
        """
        refs.checked_artifact(artifact)
        content = self._registry.storage.add(Path(path), self._progress)
        record = Record(
            md5=content.md5,
            size=content.size,
            nfiles=content.nfiles,
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            author=git.author(self._registry.source),
            files=content.files,
            sha256=content.manifest_sha256,
            desc=desc,
            metrics=metrics or {},
            params=params or {},
            metadata=metadata or {},
            source=source or {},
        )
        self._do(lambda registry: edits.log(registry, artifact, record))
        if upload:
            self._records.append(record)
        return _with_content(self._seen, artifact, record.md5)

    def link(self, version: Version | str, model: str) -> Version:
        """Bookmark a model version in a registered model; gives the version as that model numbers it."""
        target = self._version(version)
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

    def unalias(self, name: str, alias: str) -> None:
        """Take an alias away."""
        base = self._base
        self._do(lambda registry: edits.unalias(registry, registry.reference(name), alias, base))

    def withdraw(self, reference: str, reason: str) -> None:
        """Withdraw a version, named by its number."""
        self._do(lambda registry: edits.withdraw(registry, registry.reference(reference), reason))

    def restore(self, reference: str) -> None:
        """Bring a withdrawn version back."""
        self._do(lambda registry: edits.restore(registry, registry.reference(reference)))

    def tag(self, model: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Add and remove tags of a registered model."""
        self._do(lambda registry: edits.tag(registry, model, add=add, remove=remove))

    def create(self, name: str, *, desc: str = "", owners: Sequence[str] = (), tags: Sequence[str] = ()) -> None:
        """Make a registered model, or a model artifact (``project/name``), without versions."""
        about = About(description=desc, owners=tuple(owners), tags=tuple(tags))
        self._do(lambda registry: edits.create(registry, registry.reference(name), about))

    @cached_property
    def _base(self) -> model.Registry | None:
        """What a branch of a checkout will be judged against; a push is judged against the tip it lands on."""
        tree = publish.merge_base(self._registry.source, self._landing)
        return codec.read(tree) if tree is not None else None

    def _do(self, step: edits.Edit) -> None:
        self._seen = step(self._seen).registry
        self._steps.append(step)

    def _version(self, version: Version | str) -> Version:
        return self._seen.resolve(version) if isinstance(version, str) else version

    def _land(self) -> None:
        self.published = publish.land(
            self._registry.source,
            edits.in_turn(self._steps),
            self._landing,
            message=self._message,
            before=self._upload,
            dry_run=self._dry_run,
        )

    def _upload(self) -> None:
        """Send the bytes first: a version that others can see has its bytes."""
        if self._records and not self._dry_run:
            self._registry.storage.push(self._records, progress=self._progress)
            self._records.clear()


def _with_content(registry: model.Registry, artifact: str, md5: str) -> Version:
    number = edits.find(registry.artifact(artifact), md5)
    if number is None:
        raise Denied(f"{artifact} no longer has the content {md5}")
    return registry.artifact(artifact).version(number)


def _again(registry: model.Registry, version: Version) -> Version:
    """Find a version in a registry where it may have another number: by what it is, not by what it was called."""
    found = _with_content(registry, version.artifact.name, version.md5)
    if version.model is None:
        return found
    number = edits.linked(registry.model(version.model), Link(found.artifact.name, found.artifact.version))
    if number is None:
        raise Denied(f"{version.model} no longer links {found.artifact.name}:{found.version}")
    return registry.model(version.model).version(number)
