"""What somebody else did meanwhile: nobody goes back from a move that they have not seen, or not committed."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from podium import codec, git, layout, refs
from podium.errors import Denied, Error, Unavailable
from podium.model import Registry
from podium.timeline.back import WayBack, command, way_back
from podium.timeline.commits import events
from podium.timeline.holders import Line, assignment, content

if TYPE_CHECKING:
    from pygit2 import Repository


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
        f"{reference.name} {alias} was moved meanwhile, and this checkout has not seen it: {_mover(line, path)}",
        f"`git fetch`, look at {command('history', reference.name, alias)} of the remote's branch, then run it again",
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


def gone_already(
    checkout: git.Checkout, line: Line, reference: refs.Reference, alias: str, to: str | None
) -> WayBack | None:
    """
    Give the way back from what was committed, where an alias on disk has gone it already; ``None`` where it has not.

    So a rollback that was killed, or typed twice, goes on, and not back again: what was not committed was never held.
    """
    path = layout.alias(reference.kind, reference.name, alias)
    on_disk, committed = assignment(_of_disk(checkout, path)), assignment(_at(checkout.repository, "HEAD", path))
    if on_disk is None or committed is None or on_disk == committed:
        return None
    try:
        back = way_back(line, codec.read(checkout.tree("HEAD")), reference, alias, to)
    except Error:
        return None
    note = f"that is on disk already, and not committed; `git restore {shlex.quote(path)}` takes it back"
    return replace(back, note=note) if back.version.version == on_disk.version else None


def committed_already(
    checkout: git.Checkout, line: Line, reference: refs.Reference, alias: str, to: str | None
) -> WayBack | None:
    """
    Give the way back from what there was before the last commit, where that commit has gone it; ``None`` where it has
    not.

    For a rollback that was killed after its commit: typed again it goes on from there, and not one further back.
    """
    before = git.parents(checkout.repository, line.tip)[:1]
    now = assignment(_at(checkout.repository, "HEAD", layout.alias(reference.kind, reference.name, alias)))
    if not before or now is None:
        return None
    earlier = replace(line, tip=before[0], base=before[0] if line.base == line.tip else line.base)
    try:
        back = way_back(earlier, codec.read(checkout.tree(before[0])), reference, alias, to)
    except Error:
        return None
    note = "that was committed already, by a command that was stopped before it could say so"
    return replace(back, seen=now, note=note) if back.version.version == now.version else None


def _same(one: bytes | None, other: bytes | None) -> bool:
    return one == other or (assignment(one) is not None and assignment(one) == assignment(other))


def _of_disk(checkout: git.Checkout, path: str) -> bytes | None:
    try:
        return checkout.tree().read(path)
    except KeyError:
        return None


def _at(repository: Repository, name: str, path: str) -> bytes | None:
    commit = git.commit_named(repository, name)
    return content(repository, commit, path) if commit is not None else None


def _mover(line: Line, path: str) -> str:
    with suppress(Unavailable):
        for event in events(line.repository, line.tip, path):
            change, commit = event.change, event.commit
            move = f"{change.before or 'none'} → {change.after or 'none'}" if change.alias is not None else "changed"
            return f"{move} by {commit.author} in {commit.id[:12]} ({commit.subject})"
    return "the history that says who is not in this shallow clone"
