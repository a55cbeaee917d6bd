"""What each commit of a line meant: aliases moved, versions logged, policies changed, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from podium import codec, git, layout, plan, refs
from podium.errors import CannotTell, Denied, NoSuchAlias, Refused
from podium.history import Event, Step
from podium.model import Registry
from podium.tree import Tree, overlay

if TYPE_CHECKING:
    from pygit2 import Repository


def scope(reference: refs.Reference | None, alias: str | None = None) -> str:
    """Give the path at or below which everything lies that concerns a name, or one of its aliases; the top without a name."""
    if reference is None:
        return ""
    if alias is not None:
        return layout.alias(reference.kind, reference.name, alias)
    return layout.folder(reference.kind, reference.name)


def tip(source: git.Source, rev: str | None = None) -> str:
    """Give the commit at which looking back begins: a revision's, else a checkout's HEAD or the default branch's tip."""
    if rev is None and isinstance(source, git.Checkout):
        head = git.commit_named(source.repository, "HEAD")
        if head is None:
            raise Denied("nothing was committed yet, so there is no history", "commit the registry first")
        return head
    commit = source.tree(rev).commit
    assert commit is not None
    return commit


def history(
    repository: Repository,
    tip: str,
    reference: refs.Reference | None = None,
    alias: str | None = None,
    *,
    since: float | None = None,
    until: float | None = None,
) -> Iterator[Event]:
    """Say what happened to a registry, a name or an alias; raises what ``events`` does, and NoSuch… where nobody knows it."""
    found = False
    for event in events(repository, tip, scope(reference, alias), since=since, until=until):
        found = True
        yield event
    if not found and reference is not None:
        entity = codec.read(git.commit_tree(repository, tip)).named(reference)
        if alias is not None and alias not in entity.assignments:
            raise NoSuchAlias(entity.name, alias)


def events(
    repository: Repository,
    tip: str,
    path: str = "",
    *,
    since: float | None = None,
    until: float | None = None,
    after_commit: str | None = None,
) -> Iterator[Event]:
    """
    Say what happened to a registry at or below a path, newest first: one step for each first-parent commit.

    The order is the commits' own. ``since`` and ``until`` (seconds since 1970) and ``after_commit`` (one of the line: only
    what came after it) are as in ``git.turns``. What does not differ is not read. Raises Unavailable where a shallow or
    partial clone hides the rest, after all that is known.
    """
    files: git.Rewinding | None = None
    known: dict[tuple[str, str | None], codec.Source] = {}

    def at(files: git.Rewinding, commit: str | None) -> Registry:
        tree = files.at(commit)
        return codec.read(tree, _Remembered(tree, known))

    for turn in git.turns(repository, tip, _looked_at(path), since=since, until=until, after_commit=after_commit):
        files = files or git.Rewinding(repository, turn.commit)
        after = at(files, turn.commit)
        files.take_back(turn.differences)
        told = tuple(difference for difference in turn.differences if _is_below(difference.path, path))
        if not told:
            continue
        before = _something(at(files, turn.parent), after)
        commit = git.described(repository, turn.commit)
        for change in Step(before, after, told).changes:
            if change.kind != "other" or plan.concern(change.path) is not None:
                yield Event(commit, change)


def _looked_at(path: str) -> list[str]:
    """Give the paths that say what a change at or below a path meant: a link names a version of any artifact."""
    parts = path.split("/")
    if not path:
        return []
    if parts[0] == layout.MODELS:
        return ["/".join(parts[:2]), layout.ARTIFACTS, layout.REGISTRY]
    return ["/".join(parts[:3]), layout.REGISTRY]


def _is_below(path: str, top: str) -> bool:
    return not top or path == top or path.startswith(f"{top}/")


class _Remembered(codec.Sources):
    """The files of a commit; what the commits beside it have as well was decoded for them."""

    def __init__(self, tree: Tree, known: dict[tuple[str, str | None], codec.Source]) -> None:
        super().__init__(tree)
        self._known = known

    def __getitem__(self, path: str) -> codec.Source:
        entry = self.tree.entry(path)
        if entry is None or not entry.is_file:
            raise KeyError(path)
        key = path, entry.id
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = codec.Source(path, self.tree.read(path))
        return self._known[key]


_MOST_KNOWN = 10_000


def _something(before: Registry, after: Registry) -> Registry:
    """Give a registry; where there is none yet, an empty one of the same entity, so that all of the other is new."""
    if before.tree.entry(layout.REGISTRY) is not None:
        return before
    with suppress(Refused, CannotTell):
        empty = codec.encode("registry", {"apiVersion": codec.API_VERSION, "entity": after.entity})
        return codec.read(overlay(before.tree, {layout.REGISTRY: empty}))
    return before
