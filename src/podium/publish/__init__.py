"""An edit → checkout files | commit | push | pull request."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from itertools import count

from podium import codec, git
from podium.edits import Edit, Edited
from podium.errors import Error, Unavailable, Usage
from podium.git import Checkout, Source
from podium.publish import files, journal
from podium.tree import Overlay, Tree

__all__ = [
    "Landing",
    "Published",
    "alone",
    "base",
    "commit",
    "is_left",
    "land",
    "merge_base",
    "propose",
    "push",
    "write",
]

PATIENCE = 600.0
"""Seconds for which a push that others are faster than is tried again."""
_BUSY = 120.0
"""Seconds for which a busy checkout is waited for."""
_LONGEST_PAUSE = 0.5
"""
Seconds between two tries, at most. Longer pauses would let those win who have just come, and whoever was unlucky wait for ever:
each try begins with a fetch, so that of many one lands all the time.
"""


_STUCK = 60.0
"""Seconds for which a push is tried again that does not land though nobody else's did."""


class Landing(Enum):
    """Where an edit ends up: in the checkout's files, in a commit on the current branch, on the remote, in a pull request."""

    FILES = "files"
    COMMIT = "commit"
    PUSH = "push"
    PR = "pr"

    @classmethod
    def of(cls, *, commit: bool = False, push: bool = False, pr: bool = False) -> Landing:
        """Choose by flags; raises Usage where more than one is set."""
        chosen = [landing for landing, wanted in ((cls.COMMIT, commit), (cls.PUSH, push), (cls.PR, pr)) if wanted]
        if len(chosen) > 1:
            raise Usage(
                f"{' and '.join(f'--{landing.value}' for landing in chosen)} exclude each other",
                "--push and --pr make their own commit: upon the remote's branch, or on a branch of its own",
            )
        return chosen[0] if chosen else cls.FILES

    @property
    def is_remote(self) -> bool:
        """Tell whether the edit is made of the remote's default branch, and touches no checkout."""
        return self in (Landing.PUSH, Landing.PR)


@dataclass(frozen=True)
class Published:
    """
    What became of an edit: its result line, whether there was anything to do, the files, and the commit if one was made.

    In a dry run ``files`` are those that would be written, and ``plan`` says what a pull request would mean. ``url`` is that
    of the pull request, or where to open it.
    """

    result: str
    changed: bool
    files: tuple[str, ...] = ()
    commit: str | None = None
    url: str | None = None
    notes: tuple[str, ...] = ()
    plan: str = ""


Before = Callable[[], object]
"""Is called before anything of a change can be seen by others: the bytes are sent first."""


def _nothing() -> None:
    """Have nothing to do first."""


def land(
    source: Source,
    edit: Edit,
    landing: Landing = Landing.FILES,
    *,
    message: str | None = None,
    before: Before = _nothing,
    dry_run: bool = False,
) -> Published:
    """
    Bring an edit to where it is to land; see ``write``, ``commit``, ``push`` and ``propose``.

    ``message`` is the commit's subject; the edit's result where it is left out. Raises Usage where a source cannot take such
    an edit.
    """
    if landing is Landing.PUSH:
        return push(source, edit, message, before=before, dry_run=dry_run)
    if landing is Landing.PR:
        return propose(source, edit, message, before=before, dry_run=dry_run)
    checkout = _checkout(source)
    if landing is Landing.COMMIT:
        return commit(checkout, edit, message, before=before, dry_run=dry_run)
    return write(checkout, edit, before=before, dry_run=dry_run)


def base(source: Source, landing: Landing) -> Tree:
    """Give the files that an edit will be applied to; raises Usage where a source cannot take such an edit."""
    if not landing.is_remote:
        return _checkout(source).tree()
    _known[source] = git.target(source)
    return _known[source].tree


def merge_base(source: Source, landing: Landing) -> Tree | None:
    """
    Give the files that a branch of a checkout will be judged against: those of its merge base with the default branch.

    ``None`` for a push, which is judged against the tip it lands on, and where nothing was committed yet. While a merge is
    under way, those of the side that keeps its numbers. Raises Unavailable where a shallow clone hides the merge base.
    """
    if landing.is_remote:
        return None
    checkout = _checkout(source)
    found = _first_side(checkout) or git.branch_point(checkout.repository)
    tree = git.commit_tree(checkout.repository, found) if found is not None else None
    return tree if tree is not None and tree.entry("registry.yaml") is not None else None


def _first_side(checkout: Checkout) -> str | None:
    from podium.publish import conflicts

    return conflicts.first_side(checkout) if git.is_joining(checkout) else None


def _checkout(source: Source) -> Checkout:
    if isinstance(source, Checkout):
        return source
    raise Usage(f"{source.label} is no checkout, so there are no files to edit", "add --push or --pr")


# --- into a checkout ------------------------------------------------------------------------------------------------


def write(checkout: Checkout, edit: Edit, *, before: Before = _nothing, dry_run: bool = False) -> Published:
    """
    Apply an edit to a checkout's files, all of them or none.

    Raises what the edit raises, Denied for a path through a link, and Unavailable where the disk does not take the files.
    """
    if not _first(checkout, edit, before, dry_run=dry_run):
        return _plan(checkout.tree(), edit)
    with alone(checkout):
        edited, changes = _applied(edit, checkout.tree())
        with files.written(checkout.root, checkout.git_dir, changes):
            return _published(edited, changes)


def commit(
    checkout: Checkout, edit: Edit, message: str | None = None, *, before: Before = _nothing, dry_run: bool = False
) -> Published:
    """
    Apply an edit to a checkout's files and commit exactly those on the current branch, or do neither.

    What else is staged or dirty stays as it is; hooks and signatures are those of ``git commit``. Files that the same edit
    left uncommitted when it was killed are committed too. Raises what ``write`` does, and Denied where git or a hook refuses.
    """
    if not dry_run:
        git.check_can_commit(checkout)
    if not _first(checkout, edit, before, dry_run=dry_run) and (dry_run or journal.read(checkout) is None):
        return _plan(checkout.tree(), edit)
    with alone(checkout) as hold:
        _recover(checkout)
        edited, changes = _applied(edit, checkout.tree())
        left = _left_behind(checkout, edit)
        note = _note(checkout, edited, changes, left, message)
        if not note.files:
            return _published(edited, changes)
        with journal.noted(checkout, note, finishes=left is not None):
            done = _commit(checkout, note, changes, hold)
        return replace(_published(edited, changes), changed=True, files=tuple(sorted(note.files)), commit=done)


def _recover(checkout: Checkout) -> None:
    """Put right what a commit left when git was killed with it: locks, and an index that does not know of the commit yet."""
    began, note = journal.began(checkout), journal.read(checkout)
    if began is None or note is None:
        return
    git.clear(checkout, began)
    try:
        head, here = checkout.tree("HEAD"), checkout.tree()
    except Error:
        return
    done = [path for path in note.left(checkout) if _content(head, path) == _content(here, path) is not None]
    if len(done) == len(note.files):
        git.catch_up(checkout, done)
        journal.keep(checkout, None)


def is_left(checkout: Checkout, path: str) -> bool:
    """Tell whether a commit that was killed wrote a file, which lies there as it was to be committed."""
    note = journal.read(checkout)
    return note is not None and path in note.left(checkout)


def _note(
    checkout: Checkout, edited: Edited, changes: files.Changes, left: journal.Note | None, message: str | None
) -> journal.Note:
    """Note what is to be committed: the changes, and what the same edit left behind before."""
    tree = checkout.tree()
    contents = {path: _content(tree, path) for path in (left.files if left is not None else ())} | dict(changes)
    result = left.result if left is not None else edited.result
    return journal.Note.of(result, message or (left.subject if left is not None else result), contents)


def _commit(checkout: Checkout, note: journal.Note, changes: files.Changes, hold: int) -> str:
    with files.written(checkout.root, checkout.git_dir, changes):
        return git.commit_paths(checkout, list(note.files), note.subject, hold)


def _left_behind(checkout: Checkout, edit: Edit) -> journal.Note | None:
    """Give what the same edit wrote and was killed before it could commit: told by what the edit makes of HEAD."""
    note = journal.read(checkout)
    if note is None:
        return None
    try:
        head = checkout.tree("HEAD")
        if edit(codec.read(head)).result != note.result:
            return None
    except Error:
        return None
    left = {
        path: note.files[path]
        for path in note.left(checkout)
        if _content(head, path) != _content(checkout.tree(), path)
    }
    return replace(note, files=left) if left else None


def _first(checkout: Checkout, edit: Edit, before: Before, *, dry_run: bool) -> bool:
    """Tell whether there is anything to write, and do what comes first, before anybody else is kept waiting."""
    if dry_run or not _applied(edit, checkout.tree())[1]:
        return False
    before()
    return True


def _plan(tree: Tree, edit: Edit) -> Published:
    return _published(*_applied(edit, tree))


@contextmanager
def alone(checkout: Checkout) -> Iterator[int]:
    """Keep other podiums from reading and writing in between: two would take the same version number."""
    with git.lock(checkout.git_dir / "podium.lock", f"the checkout {checkout.root}", _BUSY) as handle:
        yield handle


# --- to a remote ----------------------------------------------------------------------------------------------------


def push(
    source: Source, edit: Edit, message: str | None = None, *, before: Before = _nothing, dry_run: bool = False
) -> Published:
    """
    Commit an edit on top of the remote's default branch and push it; apply it anew where somebody else was first.

    No file, index or branch of a checkout is touched. Raises what the edit raises, Denied where the remote refuses, and
    Unavailable where it does not answer, or where others were faster for ten minutes.
    """
    target = _known.pop(source, None) or git.target(source)
    edited, changes = _applied(edit, target.tree)
    if not changes or dry_run:
        target = git.target(source)  # what was seen when the edit began says nothing of now
        edited, changes = _applied(edit, target.tree)
    if not changes or dry_run:
        return _published(edited, changes)
    before()
    tried: list[tuple[str, Published]] = []
    with git.Pushes.of(
        target.remote
    ).turn():  # kept until it lands: whoever loses to another machine loses no place here
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
            edited, changes = _applied(edit, target.tree)
            if not changes and number:
                return _published(edited, changes)
            if not changes:
                continue  # so it was told here; the remote has the last word
            commit = git.commit_objects(target.repository, target.commit, changes, message or edited.result)
            tried.append((commit, replace(_published(edited, changes), commit=commit)))
            if _pushed(source, target, commit):
                return tried[-1][1]
    minutes = PATIENCE / 60
    raise Unavailable(
        f"others kept pushing to {source.label} first, for {minutes:.0f} minutes", "run the command again"
    )


_known: dict[Source, git.Target] = {}
"""The tip that the edit under way was begun upon: the push need not ask for it again, as the remote compares."""


def propose(
    source: Source, edit: Edit, message: str | None = None, *, before: Before = _nothing, dry_run: bool = False
) -> Published:
    """
    Push an edit of the remote's default branch as a branch of its own, and open a pull or merge request for it.

    No file, index or branch of a checkout is touched. The same edit proposed again finds its branch and its request. Raises
    what the edit raises, Denied where the remote refuses the branch, and Unavailable where it does not answer.
    """
    from podium.publish import pullrequest

    target = git.target(source)
    edited, changes = _applied(edit, target.tree)
    if not changes:
        return _published(edited, changes)
    if dry_run:
        return replace(_published(edited, changes), plan=pullrequest.outline(target, changes))
    done = pullrequest.propose(
        target, edit, edited=edited, changes=changes, subject=message or edited.result, before=before
    )
    published = _published(edited, changes)
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


# --- what an edit makes ---------------------------------------------------------------------------------------------


def _applied(edit: Edit, tree: Tree) -> tuple[Edited, Mapping[str, bytes | None]]:
    """Apply an edit to files, and give with what it made the files that differ by it."""
    edited = edit(codec.read(tree))
    after = edited.registry.tree
    if not edited.changed or not isinstance(after, Overlay):
        return edited, {}
    return edited, {path: new for path, new in after.changes.items() if _content(tree, path) != new}


def _content(tree: Tree, path: str) -> bytes | None:
    try:
        return tree.read(path)
    except KeyError:
        return None


def _published(edited: Edited, changes: Mapping[str, bytes | None]) -> Published:
    return Published(edited.result, bool(changes), tuple(sorted(changes)), notes=edited.notes)
