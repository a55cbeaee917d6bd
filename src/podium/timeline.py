"""Looking back: what each commit of a branch meant, who held an alias when, and the way back to what it held before."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from podium import codec, git, layout, plan, refs
from podium.errors import CannotTell, Denied, NoSuchAlias, NoSuchVersion, Refused, Unavailable, Usage
from podium.history import Event, Step
from podium.model import Alias, Entity, Registry, Version
from podium.tree import Tree, overlay

if TYPE_CHECKING:
    from pygit2 import Repository


# --- what happened --------------------------------------------------------------------------------------------------


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


# --- who held an alias ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """
    The first-parent line on which an edit will land.

    ``base`` is where a branch left the default branch: what happened before is told by the default branch's own line, and not
    by that of a branch which merged it. ``tip`` and ``base`` are the same on the default branch itself.
    """

    repository: Repository
    tip: str
    base: str


def line(source: git.Source, tree: Tree) -> Line:
    """
    Give the line that an edit of a tree continues: that of the tree's commit, or of a checkout's branch.

    Raises Denied where nothing was committed yet, Unavailable where a shallow clone hides the branch point.
    """
    if isinstance(tree, git.ObjectTree) and tree.commit is not None:
        return Line(tree.repository, tree.commit, tree.commit)
    head = tip(source)
    return Line(source.repository, head, git.branch_point(source.repository) or head)


def held(line: Line, path: str) -> Iterator[str]:
    """
    Give the versions that an alias file named along a line, newest first; one that it names twice running comes once.

    Contents that cannot be read, and times without a version, are passed over. Raises Unavailable where a shallow clone ends.
    """
    last: str | None = None
    for raw in _contents(line, path):
        assignment = _assignment(raw)
        if assignment is not None and assignment.version not in (None, last):
            last = assignment.version
            assert last is not None
            yield last


def _contents(line: Line, path: str) -> Iterator[bytes]:
    at_base = _content(line.repository, line.base, path)
    if line.tip == line.base or at_base is None:
        yield from git.contents_over_time(line.repository, line.tip, path)
        return
    own: list[bytes] = []
    for raw in git.contents_over_time(line.repository, line.tip, path):
        if raw == at_base:
            break
        own.append(raw)
    else:
        own = own[:1]  # the branch never had what the default branch has: what it took from there is not to be told
    yield from own
    yield from git.contents_over_time(line.repository, line.base, path)


def _content(repository: Repository, commit: str, path: str) -> bytes | None:
    try:
        return git.commit_tree(repository, commit).read(path)
    except KeyError:
        return None


def _assignment(raw: bytes | None) -> Alias | None:
    """Read an alias file; ``None`` where it is not there, or not what the format says."""
    if raw is None:
        return None
    try:
        data = codec.decode(raw)
    except codec.Malformed:
        return None
    version, generation = data.get("version"), data.get("generation")
    if not isinstance(generation, int) or not (version is None or isinstance(version, str)):
        return None
    return Alias(version, generation)


# --- the way back ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WayBack:
    """
    Where a rollback goes: ``version``, given that the alias is still as it was seen.

    ``further`` is the version to name with ``--to`` where that one will not do; ``note`` is what the person should know.
    """

    version: Version
    seen: Alias
    further: str | None = None
    note: str = ""


def way_back(line: Line, registry: Registry, reference: refs.Reference, alias: str, to: str | None = None) -> WayBack:
    """
    Find the version that an alias held before the present one, or take the one that is named.

    Raises NoSuchAlias, NoSuchVersion; Denied where it held no other, or where that one was withdrawn or is gone; Unavailable
    where a shallow clone hides it.
    """
    entity = registry.named(reference)
    seen = entity.assignments.get(alias)
    if seen is None:
        raise NoSuchAlias(entity.name, alias)
    if to is not None:
        if not refs.is_version(to):
            raise Usage(f"{to!r} is no version", "name it by its number: --to vN")
        return WayBack(_usable(entity, alias, to, seen, None), seen)
    path = layout.alias(reference.kind, reference.name, alias)
    holders = _others(line, path, seen.version)
    previous = next(holders, None)
    if previous is None:
        raise Denied(
            f"{entity.name} {alias} has held no version but {seen.version or 'none'}",
            f"name one with --to vN, or take the alias away: {_command('unalias', entity.name, alias)}",
        )
    further, left = _further(entity, holders, {previous, seen.version}), _was_left(line, path, seen.version)
    note = _left_before(alias, previous, seen.version, further) if left else ""
    return WayBack(_usable(entity, alias, previous, seen, further), seen, further, note)


def _others(line: Line, path: str, present: str | None) -> Iterator[str]:
    """Give the versions held before the present one; what is on disk may be newer than any commit."""
    holders = held(line, path)
    for version in holders:
        if version != present:
            yield version
            break
    yield from holders


def _was_left(line: Line, path: str, present: str | None) -> bool:
    """Tell whether the present version was held before as well: then the one between was left by going back."""
    with suppress(Unavailable):
        return list(held(line, path)).count(present or "") > 1
    return False


def _left_before(alias: str, previous: str, present: str | None, further: str | None) -> str:
    more = f"; to go further back: --to {further}" if further is not None else ""
    return f"{alias} went back from {previous} to {present} before, and now goes to {previous} again{more}"


def _further(entity: Entity, holders: Iterator[str], passed: set[str | None]) -> str | None:
    """Give the next version back that an alias could go to."""
    with suppress(Unavailable):
        return next(
            (version for version in holders if version not in passed and _why_not(entity, version) is None), None
        )
    return None


def _why_not(entity: Entity, version: str) -> str | None:
    """Say why an alias cannot name a version; ``None`` where it can."""
    if version not in entity.numbers:
        return "is not there any more"
    try:
        reason = entity.version(version).withdrawn
    except Refused as problem:
        return f"cannot be read: {problem.sentence}"
    return f"was withdrawn: {reason}" if reason is not None else None


def _usable(entity: Entity, alias: str, version: str, seen: Alias, further: str | None) -> Version:
    why = _why_not(entity, version)
    if why is None:
        return entity.version(version)
    if version not in entity.numbers and further is None:
        raise NoSuchVersion(entity.name, version)
    raise Denied(
        f"{entity.name}:{version} {why}{_held_before(alias, version, seen)}", go_on(entity.name, alias, further)
    )


def _held_before(alias: str, version: str, seen: Alias) -> str:
    return f" ({alias} is at {seen.version or 'none'} now)" if version != seen.version else ""


def go_on(name: str, alias: str, further: str | None) -> str:
    """Say how to go back all the same."""
    if further is None:
        return f"name another version: {_command('rollback', name, alias)[:-1]} --to vN`"
    return f"go further back: {_command('rollback', name, alias, '--to', further)}"


def _command(*words: str) -> str:
    return f"`podium {shlex.join(words)}`"


# --- what somebody else did meanwhile -------------------------------------------------------------------------------


def check_known(checkout: git.Checkout, line: Line, registry: Registry, reference: refs.Reference, alias: str) -> None:
    """
    Make sure that a checkout has seen how an alias stands at the tip; raises Denied, with who moved it.

    Who goes back has to know from what: a promotion that somebody else pushed meanwhile is not to be undone unseen.
    """
    path = layout.alias(reference.kind, reference.name, alias)
    there = registry.tree.read(path) if registry.tree.entry(path) is not None else None
    repository = checkout.repository
    names = ["HEAD", *(name for name in repository.references if name.startswith(("refs/heads/", "refs/remotes/")))]
    seen = chain([_of_disk(checkout, path)], (_at(repository, name, path) for name in names))
    if there is None or any(_same(there, known) for known in seen):
        return
    raise Denied(
        f"{reference.name} {alias} was moved by somebody else, and this checkout has not seen it: {_mover(line, path)}",
        f"`git fetch`, look at {_command('history', reference.name, alias)} of the remote's branch, then run it again",
    )


def check_committed(checkout: git.Checkout, reference: refs.Reference, alias: str) -> None:
    """
    Make sure that an alias on disk is as it was committed; raises Denied.

    A rollback that was killed before its commit would otherwise be taken for the move that is to be undone.
    """
    path = layout.alias(reference.kind, reference.name, alias)
    on_disk, committed = _of_disk(checkout, path), _at(checkout.repository, "HEAD", path)
    if not _same(on_disk, committed):
        raise Denied(
            f"{reference.name} {alias} was moved on disk, and that is not committed",
            f"commit it, or take it back: `git restore {shlex.quote(path)}`",
        )


def _same(one: bytes | None, other: bytes | None) -> bool:
    return one == other or (_assignment(one) is not None and _assignment(one) == _assignment(other))


def _of_disk(checkout: git.Checkout, path: str) -> bytes | None:
    try:
        return checkout.tree().read(path)
    except KeyError:
        return None


def _at(repository: Repository, name: str, path: str) -> bytes | None:
    commit = git.commit_named(repository, name)
    return _content(repository, commit, path) if commit is not None else None


def _mover(line: Line, path: str) -> str:
    with suppress(Unavailable):
        for event in events(line.repository, line.tip, path):
            change, commit = event.change, event.commit
            move = f"{change.before or 'none'} → {change.after or 'none'}" if change.alias is not None else "changed"
            return f"{move} by {commit.author} in {commit.id[:12]} ({commit.subject})"
    return "the history that says who is not in this shallow clone"
