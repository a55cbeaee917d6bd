"""What ``import podium`` gives: a registry that is open, its edits, and ``use_model``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from podium import folders, freshness, git, handed, layout, refs
from podium.errors import Usage
from podium.progress import Progress, silent

if TYPE_CHECKING:
    from podium import index, model
    from podium.editing import Editing
    from podium.history import Event
    from podium.model import About, Artifact, RegisteredModel, Row, Version
    from podium.resolve import Used
    from podium.storage import Storage
    from podium.tree import Tree

Where = str | os.PathLike[str] | None


def open(  # noqa: A001 - read as podium.open
    where: Where = None, *, rev: str | None = None, max_age: float | None = None, offline: bool | None = None
) -> Registry:
    """
    Open a registry: a checkout (default: the one the working folder is in), a bare repository, a Git URL, or the web
    address of a static index.

    ``rev`` is a commit, branch, tag, or a date (``2026-03-01``). Without it a checkout is read as it lies on disk. What
    is kept here of a registry elsewhere is taken as it is for ``max_age`` seconds (default: PODIUM_MAX_AGE, else 0),
    and with ``offline`` (default: PODIUM_OFFLINE) whatever its age; else it is made sure of first. Raises NotARegistry,
    Usage for an address that is not to be used, Unavailable where the registry is out of reach or, ``offline``, was
    never read here.
    """
    place = handed.place(where) if where is not None else os.environ.get("PODIUM_REGISTRY") or None
    fresh = freshness.chosen(max_age, offline, os.environ)
    source = git.locate(place, Path("/") if _is_whole(place) else folders.working(), fresh)
    if not isinstance(source, git.Checkout | git.Bare) and source.age is None:
        from podium import index

        return Registry(index.find(source.url, folders.cache(), fresh) or source, rev)
    return Registry(source, rev)


def _is_whole(place: str | None) -> bool:
    """Tell whether a place means the same wherever one works: a removed working folder is then in nobody's way."""
    return place is not None and (place.startswith("/") or "://" in place)


def use_model(
    reference: str,
    *,
    registry: Where = None,
    rev: str | None = None,
    to: Where = None,
    files: Sequence[str] | None = None,
    max_age: float | None = None,
    offline: bool | None = None,
) -> Path:
    """
    Fetch a model version's files, verify every byte, and give the folder, or the file where there is only one.

    ``to`` is a folder for writable copies; without it the files are read-only and shared. ``files`` are patterns for
    the files that are wanted. ``max_age`` and ``offline`` are those of ``open``: they are about the registry, not about
    bytes that have to be fetched. Raises what Registry.resolve raises; Denied where bytes are not those recorded;
    Unavailable where the remote is out of reach.
    """
    opened = open(registry, rev=rev, max_age=max_age, offline=offline)
    return opened.use(reference, to=to, files=files).path


class Registry:
    """A registry that is open, at one revision."""

    def __init__(self, place: git.Source | index.Published, rev: str | None = None) -> None:
        is_on_disk = isinstance(place, git.Checkout | git.Bare)  # which need not load what clones take
        if not is_on_disk and not isinstance(place, git.Hosted) and not hasattr(place, "refusal"):
            raise Usage("a Registry is not made of that", "open one: podium.open(PATH_OR_URL)")
        self.place = place
        self.rev = handed.text(rev, "a commit, a branch, a tag or a date, as text") if rev is not None else None

    @property
    def source(self) -> git.Source:
        """The repository that is read; raises Denied where it is none, but a static index."""
        if isinstance(self.place, git.Checkout | git.Bare):  # which need not load what clones take
            return self.place
        if isinstance(self.place, git.Hosted):
            return self.place
        raise self.place.refusal("history and no files")

    @property
    def age(self) -> float | None:
        """
        Seconds since what is read was made sure of, where it is taken as it is kept here.

        ``None`` where it lies on this machine, or is made sure of when it is read.
        """
        if isinstance(self.place, git.Checkout | git.Bare):
            return None
        return self.place.age if self.place.freshness.takes(self.place.age) else None

    @cached_property
    def value(self) -> model.Registry:
        """The registry as a value: what every function of podium's core takes."""
        if not isinstance(self.place, git.Checkout | git.Bare) and not isinstance(self.place, git.Hosted):
            if self.rev is not None:
                raise self.place.refusal("earlier states for --rev")
            return self.place.value
        from podium import codec  # to ask Git for a history takes none of it

        return codec.read(self.place.tree(self.rev))

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

    def rows(self, kind: refs.Kind = "model", only: Callable[[str, About], bool] | None = None) -> list[Row]:
        """
        Give what ``podium list`` shows of every registered model, or artifact, in order.

        ``only`` is asked about each name and what its own file says of it. A large registry's rows are kept in the
        user's cache, for as long as the files that they came from do not change. Raises Unreadable.
        """
        from podium import rows  # what one name means needs nothing kept

        if kind not in ("model", "artifact"):
            raise Usage("rows are of models or of artifacts", "hand in 'model' or 'artifact'")
        return rows.of(self.value, kind, folders.cache() / "rows", only)

    def history(
        self,
        name: str | None = None,
        alias: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Event]:
        """
        Say what happened to the registry, to a name, or to one of its aliases: newest first, as Git has it.

        Each commit on the first-parent line is one step. ``since`` and ``until`` compare with the committer's clock.
        Raises NoSuchModel, NoSuchArtifact or NoSuchAlias for what was never there, and, after all that is known,
        Unavailable where a shallow clone hides the rest.
        """
        from podium import timeline

        cache = folders.cache_if_any()
        kept = cache / "lines" if cache is not None else None
        reference = self.named(name) if name is not None else None
        of_alias = refs.checked_alias(alias) if alias is not None else None
        begun: git.Begun | None = None
        if reference is not None and (self.rev, since, until) == (None, None, None):
            begun = timeline.asked(self.source, reference, of_alias, kept)
        return timeline.history(
            self.source.repository,
            timeline.tip(self.source, self.rev),
            reference,
            of_alias,
            since=handed.moment(since) if since is not None else None,
            until=handed.moment(until) if until is not None else None,
            kept=kept,
            begun=begun,
        )

    def named(self, name: str) -> refs.Reference:
        """Read a name without a selector; raises BadName, BadReference, OtherEntity, Usage."""
        # only a name with an entity in it needs registry.yaml, which may be what is broken
        text = handed.text(name, "a name")
        reference = refs.parse(text, self.entity if text.count("/") > 1 else "")
        if reference.selector is not None:
            raise Usage(f"{name!r} says more than a name", f"write {reference.name}")
        return reference

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
        from podium import resolve  # hashing and links: only where files are asked for
        from podium.model import Version

        version = reference if isinstance(reference, Version) else self.resolve(reference)
        if isinstance(self.place, git.Checkout):
            git.refuse_planted(self.place)
        return resolve.use(
            version,
            lambda: self.storage,
            self.place.home,
            to=folders.whole(folders.named(to, "a folder")) if to is not None else None,
            patterns=handed.texts(files, "patterns: ['*.json']") if files is not None else (),
            force=force,
            progress=progress,
        )

    @cached_property
    def storage(self) -> Storage:
        """Where the bytes are: DVC's cache and remotes, as this registry configures them."""
        from podium.storage import Storage

        if isinstance(self.place, git.Checkout):
            git.refuse_planted(self.place)
            return Storage.at(self.place.root)
        return Storage.detached(self.place.home, self._configuration(self.place))

    @staticmethod
    def _configuration(place: git.Bare | git.Hosted | index.Published) -> bytes:
        if not isinstance(place, git.Bare | git.Hosted):
            return place.configuration()
        return _configured(place.tree(None))

    def storage_as_of(self, commit: str) -> Storage:
        """
        Give where the bytes are by the ``.dvc/config`` of a commit, with the user's own settings and credentials.

        A change is judged with the configuration of its base: it cannot send a check, and its credentials, elsewhere.
        """
        from podium.storage import Storage

        repository = self.source.repository
        tree = git.commit_tree(repository, git.resolve_rev(repository, handed.text(commit, "a commit")))
        config = tree.read(layout.DVC_CONFIG) if tree.entry(layout.DVC_CONFIG) is not None else b""
        if isinstance(self.source, git.Checkout):
            git.refuse_planted(self.source)
            return Storage.at(self.source.root, config)
        return Storage.detached(self.source.home, config)

    def edit(
        self,
        message: str | None = None,
        *,
        commit: bool = False,
        push: bool = False,
        pr: bool = False,
        dry_run: bool = False,
        progress: Progress = silent,
    ) -> Editing:
        """
        Begin an edit: ``with registry.edit("Promote v5", push=True) as edit: …``.

        What is done inside lands together at the end, or not at all: in the checkout's files, as one commit on the
        current branch (``commit``), as one commit on the remote's default branch (``push``), or as one commit on a
        branch of its own with a pull request (``pr``; its address is ``edit.published.url``). Raises Usage for a
        registry that was opened at a revision: the edit would be made of another state than the one that is looked at.
        """
        if self.rev is not None:
            raise Usage(f"this registry was opened at {self.rev!r}, to look at", "open it without `rev` to edit it")
        from podium import publish
        from podium.editing import Editing

        landing = publish.Landing.of(commit=commit, push=push, pr=pr)
        return Editing(self, message, landing, dry_run=dry_run, progress=progress)


def _configured(tree: Tree) -> bytes:
    try:
        return tree.read(layout.DVC_CONFIG)
    except KeyError:
        return b""
