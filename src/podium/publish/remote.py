"""An edit → the remote's default branch, or a branch of its own and a request to take it: no checkout is touched."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from podium import git
from podium.edits import Edit
from podium.errors import Unavailable
from podium.git import Source
from podium.publish.outcome import Before, Published, applied, nothing, outcome
from podium.tree import Tree

PATIENCE = 600.0
"""Seconds for which a push that others are faster than is tried again."""
_LONGEST_PAUSE = 0.5
"""
Seconds between two tries, at most. Longer pauses would let those win who have just come, and whoever was unlucky wait
for ever: each try begins with a fetch, so that of many one lands all the time.
"""
_STUCK = 60.0
"""Seconds for which a push is tried again that does not land though nobody else's did."""


def push(
    source: Source, edit: Edit, message: str | None = None, *, before: Before = nothing, dry_run: bool = False
) -> Published:
    """
    Commit an edit on top of the remote's default branch and push it; apply it anew where somebody else was first.

    No file, index or branch of a checkout is touched. Raises what the edit raises, Denied where the remote refuses, and
    Unavailable where it does not answer, or where others were faster for ten minutes.
    """
    target = _known.pop(source, None) or git.target(source)
    edited, changes = applied(edit, target.tree)
    if not changes or dry_run:
        target = git.target(source)  # what was seen when the edit began says nothing of now
        edited, changes = applied(edit, target.tree)
    if not changes or dry_run:
        return outcome(edited, changes)
    before()
    with git.Pushes.of(target.remote).turn():  # kept until it lands: who loses to another machine loses no place here
        return _until_it_lands(source, target, edit, message)


def _until_it_lands(source: Source, target: git.Target, edit: Edit, message: str | None) -> Published:
    tried: list[tuple[str, Published]] = []
    moved, began = time.monotonic(), target.commit
    for number in _attempts():
        target = target.renewed() if number else target.told()
        if target.commit != began:
            moved, began = time.monotonic(), target.commit
        elif time.monotonic() - moved > _STUCK:
            raise _stuck(source)
        for commit, published in tried:
            if git.contains(target.repository, target.commit, commit):
                return published  # it landed after all, and only the answer was lost
        edited, changes = applied(edit, target.tree)
        if not changes and number:
            return outcome(edited, changes)
        if not changes:
            continue  # so it was told here; the remote has the last word
        commit = git.commit_objects(target.repository, target.commit, changes, message or edited.result)
        tried.append((commit, replace(outcome(edited, changes), commit=commit)))
        if _pushed(source, target, commit):
            return tried[-1][1]
    minutes = PATIENCE / 60
    raise Unavailable(
        f"others kept pushing to {source.label} first, for {minutes:.0f} minutes", "run the command again"
    )


_known: dict[Source, git.Target] = {}
"""The tip that the edit under way was begun upon: the push need not ask for it again, as the remote compares."""


def begin(source: Source) -> Tree:
    """Give the files at the remote's tip, upon which an edit is begun; raises what ``push`` does."""
    _known[source] = git.target(source)
    return _known[source].tree


def propose(
    source: Source, edit: Edit, message: str | None = None, *, before: Before = nothing, dry_run: bool = False
) -> Published:
    """
    Push an edit of the remote's default branch as a branch of its own, and open a pull or merge request for it.

    No file, index or branch of a checkout is touched. The same edit proposed again finds its branch and its request.
    Raises what the edit raises, Denied where the remote refuses the branch, and Unavailable where it does not answer.
    """
    from podium.publish import pullrequest

    target = git.target(source)
    edited, changes = applied(edit, target.tree)
    if not changes:
        return outcome(edited, changes)
    if dry_run:
        return replace(outcome(edited, changes), plan=pullrequest.outline(target, changes))
    done = pullrequest.propose(
        target, edit, edited=edited, changes=changes, subject=message or edited.result, before=before
    )
    published = outcome(edited, changes)
    return replace(published, commit=done.commit, url=done.url, notes=(*published.notes, *done.notes))


def _stuck(source: Source) -> Unavailable:
    return Unavailable(
        f"{source.label} does not move its branch, though nobody else has moved it meanwhile",
        "a git that was killed there may have left a lock: whoever runs it can remove HEAD.lock and refs/heads/….lock",
    )


def _pushed(source: Source, target: git.Target, commit: str) -> bool:
    try:
        return target.push(commit)
    except Unavailable:
        there = git.target(source)  # raises again where the remote is still out of reach
        if git.contains(there.repository, there.commit, commit):
            return True
        raise


def _attempts() -> Iterator[int]:
    """Give turns, counted, until our patience ends, with pauses between them that differ, so that rivals get apart."""
    end = time.monotonic() + PATIENCE
    for number in count():
        yield number
        if time.monotonic() > end:
            return
        time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311  # nobody gains by guessing it
