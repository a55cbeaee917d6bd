"""An edit → checkout files | commit | push | pull request."""

from __future__ import annotations

from enum import Enum

from podium import git
from podium.edits import Edit
from podium.errors import Usage
from podium.git import Checkout, Source
from podium.publish.checkout import alone, commit, is_done, is_left, write
from podium.publish.outcome import Before, Published, nothing
from podium.publish.remote import begin, propose, push
from podium.tree import Tree

__all__ = [
    "Landing",
    "Published",
    "alone",
    "base",
    "commit",
    "is_done",
    "is_left",
    "land",
    "merge_base",
    "propose",
    "push",
    "write",
]


class Landing(Enum):
    """Where an edit ends up: in the checkout's files, a commit on the current branch, the remote, or a pull request."""

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


def land(
    source: Source,
    edit: Edit,
    landing: Landing = Landing.FILES,
    *,
    message: str | None = None,
    before: Before = nothing,
    dry_run: bool = False,
) -> Published:
    """
    Bring an edit to where it is to land; see ``write``, ``commit``, ``push`` and ``propose``.

    ``message`` is the commit's subject; the edit's result where it is left out. Raises Usage where a source cannot take
    such an edit.
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
    return begin(source)


def merge_base(source: Source, landing: Landing) -> Tree | None:
    """
    Give the files that a branch of a checkout will be judged against: those of its merge base with the default branch.

    ``None`` for a push, which is judged against the tip it lands on, and where nothing was committed yet. While a merge
    is under way, those of the side that keeps its numbers. Raises Unavailable where a shallow clone hides the merge
    base.
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
