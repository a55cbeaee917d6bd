"""An edit → a checkout's files, and a commit on its branch: all or nothing, whoever else writes, whatever is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from podium import codec, git
from podium.edits import Edit, Edited
from podium.errors import Error
from podium.git import Checkout
from podium.publish import files, journal
from podium.publish.outcome import Before, Published, applied, content, nothing, outcome
from podium.tree import Tree

_BUSY = 120.0
"""Seconds for which a busy checkout is waited for."""


def write(checkout: Checkout, edit: Edit, *, before: Before = nothing, dry_run: bool = False) -> Published:
    """
    Apply an edit to a checkout's files, all of them or none.

    Raises what the edit raises, Denied for a path through a link, and Unavailable where the disk does not take the
    files.
    """
    if not _first(checkout, edit, before, dry_run=dry_run):
        return _plan(checkout.tree(), edit)
    with alone(checkout):
        edited, changes = applied(edit, checkout.tree())
        with files.written(checkout.root, checkout.git_dir, changes):
            return outcome(edited, changes)


def commit(
    checkout: Checkout, edit: Edit, message: str | None = None, *, before: Before = nothing, dry_run: bool = False
) -> Published:
    """
    Apply an edit to a checkout's files and commit exactly those on the current branch, or do neither.

    What else is staged or dirty stays as it is; hooks and signatures are those of ``git commit``. Files that the same
    edit left uncommitted when it was killed are committed too. Raises what ``write`` does, and Denied where git or a
    hook refuses.
    """
    if not dry_run:
        git.check_can_commit(checkout)
    if not _first(checkout, edit, before, dry_run=dry_run) and (dry_run or journal.read(checkout) is None):
        planned = _plan(checkout.tree(), edit)
        return planned if dry_run else replace(planned, notes=(*planned.notes, *_waiting(checkout, edit)))
    with alone(checkout) as hold:
        _recover(checkout)
        edited, changes = applied(edit, checkout.tree())
        left = _left_behind(checkout, edit)
        note = _note(checkout, edited, changes, left, message)
        if not note.files:
            return outcome(edited, changes)
        with journal.noted(checkout, note, finishes=left is not None):
            done = _commit(checkout, note, changes, hold)
        return replace(outcome(edited, changes), changed=True, files=tuple(sorted(note.files)), commit=done)


def _recover(checkout: Checkout) -> None:
    """Put right what a commit left when git was killed with it: locks, and an index that does not know of it yet."""
    began, note = journal.began(checkout), journal.read(checkout)
    if began is None or note is None:
        return
    git.clear(checkout, began)
    try:
        head, here = checkout.tree("HEAD"), checkout.tree()
    except Error:
        return
    if _is_committed(note, checkout, head, here):
        git.catch_up(checkout, list(note.files))
        journal.keep(checkout, None)


def _is_committed(note: journal.Note, checkout: Checkout, head: Tree, here: Tree) -> bool:
    done = [path for path in note.left(checkout) if content(head, path) == content(here, path) is not None]
    return len(done) == len(note.files)


def is_done(checkout: Checkout, path: str) -> bool:
    """Tell whether a command was killed after its commit of a file, before it could say so."""
    note = journal.read(checkout)
    if note is None or path not in note.files:
        return False
    return _is_committed(note, checkout, checkout.tree("HEAD"), checkout.tree())


def is_left(checkout: Checkout, path: str) -> bool:
    """Tell whether a commit that was killed wrote a file, which lies there as it was to be committed."""
    note = journal.read(checkout)
    return note is not None and path in note.left(checkout)


def _note(
    checkout: Checkout, edited: Edited, changes: files.Changes, left: journal.Note | None, message: str | None
) -> journal.Note:
    """Note what is to be committed: the changes, and what the same edit left behind before."""
    tree = checkout.tree()
    contents = {path: content(tree, path) for path in (left.files if left is not None else ())} | dict(changes)
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
        path: note.files[path] for path in note.left(checkout) if content(head, path) != content(checkout.tree(), path)
    }
    return replace(note, files=left) if left else None


def _first(checkout: Checkout, edit: Edit, before: Before, *, dry_run: bool) -> bool:
    """Tell whether there is anything to write, and do what comes first, before anybody else is kept waiting."""
    if dry_run or not applied(edit, checkout.tree())[1]:
        return False
    before()
    return True


def _waiting(checkout: Checkout, edit: Edit) -> Iterator[str]:
    """Say what the same edit wrote before, without a commit: now it finds nothing to do, and so commits nothing."""
    try:
        changes = applied(edit, checkout.tree("HEAD"))[1]
    except Error:
        return
    tree = checkout.tree()
    waiting = [path for path, new in sorted(changes.items()) if content(tree, path) == new]
    if waiting:
        yield f"it was written before, and is not committed: `git add` and `git commit` {', '.join(waiting)}"


def _plan(tree: Tree, edit: Edit) -> Published:
    return outcome(*applied(edit, tree))


@contextmanager
def alone(checkout: Checkout) -> Iterator[int]:
    """Keep other podiums from reading and writing in between: two would take the same version number."""
    with git.lock(checkout.git_dir / "podium.lock", f"the checkout {checkout.root}", _BUSY) as handle:
        yield handle
