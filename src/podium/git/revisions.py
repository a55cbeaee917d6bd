"""Which commit is meant: a revision, a date, the default branch; and how commits follow one another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from podium.errors import Denied, Unavailable, Usage
from podium.git.objects import commit_of, objects_of, shallow_boundary

if TYPE_CHECKING:
    from pygit2 import Oid, Repository

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOPS = re.compile(r"[~^@:]")
_DEFAULTS = ("remotes/origin/HEAD", "remotes/origin/main", "remotes/origin/master", "heads/main", "heads/master")
UNSHALLOW = "get the whole history: `git fetch --unshallow` (in CI: `fetch-depth: 0`)"


def resolve_rev(repository: Repository, rev: str) -> str:
    """
    Give the commit that a revision means: a commit, branch or tag, or a date (see ``commit_at_date``).

    A branch that only ``origin`` has is found too. Raises Denied where there is none, Usage for what is no date, and
    Unavailable where a shallow or partial clone may have left it out.
    """
    if not rev or "\0" in rev:
        raise Usage(f"{rev!r} is no revision", "name a commit, branch or tag, or a date: 2026-03-01")
    if _DATE.fullmatch(rev):
        return commit_at_date(repository, _midnight(rev))
    found = commit_named(repository, rev) or commit_named(repository, f"refs/remotes/origin/{rev}")
    if found is not None:
        return found
    if (re.fullmatch(r"[0-9a-f]{7,40}", rev) or _HOPS.search(rev)) and shallow_boundary(repository):
        raise Unavailable(f"the commit {rev} is not in this shallow clone", UNSHALLOW)
    name = _HOPS.split(rev)[0] or "HEAD"
    for ref in (name, f"refs/heads/{name}", f"refs/tags/{name}", f"refs/remotes/{name}", f"refs/remotes/origin/{name}"):
        check_unborn(repository, ref)
    raise Denied(
        f"there is no commit, branch, tag or date {rev!r} in {repository.path}",
        "`git branch -a` and `git tag` list what there is; a date is written 2026-03-01",
    )


def _midnight(day: str) -> datetime:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Usage(f"{day!r} is no date", "a date is written 2026-03-01") from None


def commit_named(repository: Repository, name: str) -> str | None:
    """Give the commit that a ref or an id names here, without looking further; ``None`` where there is none."""
    import pygit2

    try:
        return str(repository.revparse_single(name).peel(pygit2.Commit).id)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def check_unborn(repository: Repository, ref: str) -> None:
    """Make sure that a ref names no commit, and not one that is missing or broken; raises Unavailable."""
    try:
        there = end_of(repository, ref) in repository.references
        target = repository.references[ref].resolve().target if there else None
    except (KeyError, ValueError):  # no name of a ref
        return
    if target is not None and (target not in repository.odb or not ref.startswith("refs/tags/")):
        commit_of(repository, str(target))


def end_of(repository: Repository, ref: str) -> str:
    """Follow a ref that stands for another one; the last may be not there yet. Raises Unavailable for a broken one."""
    import pygit2

    seen: set[str] = set()
    while ref not in seen:
        seen.add(ref)
        try:
            target = repository.lookup_reference(ref).target
        except (KeyError, ValueError):
            return ref
        except pygit2.GitError as error:
            raise Unavailable(
                f"what {ref} of {repository.path} is cannot be read: {error}",
                "`git symbolic-ref HEAD` there must name a branch",
            ) from None
        if not isinstance(target, str):
            return ref
        ref = target
    return ref


def default_tip(repository: Repository) -> str | None:
    """
    Give the commit at the tip of the default branch; ``None`` where nothing was committed yet.

    The default branch is where ``origin/HEAD`` points, else ``HEAD``, else the only branch there is. Raises Unavailable
    where a commit that one of these names is missing or broken.
    """
    for rev in ("refs/remotes/origin/HEAD", "HEAD"):
        found = commit_named(repository, rev)
        if found is not None:
            return found
        check_unborn(repository, rev)
    with objects_of(repository):
        branches = list(repository.branches.local) if repository.is_bare else []
    return commit_named(repository, f"refs/heads/{branches[0]}") if len(branches) == 1 else None


def published_tip(repository: Repository) -> str | None:
    """Give the tip of the default branch of ``origin``, as it was fetched last; ``None`` where none was."""
    return next(
        filter(None, (commit_named(repository, f"refs/{name}") for name in _DEFAULTS if "origin" in name)), None
    )


def commit_at_date(repository: Repository, moment: datetime) -> str:
    """
    Give the tip of the default branch at a moment, by committer date, along first parents.

    Raises Denied where there was no commit yet, Unavailable where a shallow clone does not reach back so far.
    """
    tip = default_tip(repository)
    if tip is not None:
        for commit in first_parents(repository, tip):
            if commit_of(repository, commit).commit_time <= moment.timestamp():
                return commit
    raise Denied(f"{repository.path} has no commit before {moment:%Y-%m-%d}", "name a later day")


def parents(repository: Repository, commit: str) -> list[str]:
    """Give the parents of a commit, the first one first; raises Unavailable where it is missing."""
    return [str(parent) for parent in commit_of(repository, commit).parent_ids]


def first_parents(repository: Repository, tip: str) -> Iterator[str]:
    """Give a commit and its first parents, newest first; raises Unavailable where a shallow clone ends."""
    boundary = shallow_boundary(repository)
    at: str | None = tip
    while at is not None:
        yield at
        if at in boundary:
            raise Unavailable(f"the history before {at[:12]} is not in this shallow clone", UNSHALLOW)
        parents = commit_of(repository, at).parent_ids
        at = str(parents[0]) if parents else None


def first_parents_until(repository: Repository, tip: str, base: str) -> list[str]:
    """
    Give the first-parent commits of a tip that came after a base, oldest first.

    Raises Denied where the base is not on the tip's first-parent line, Unavailable where a shallow clone hides that.
    """
    found: list[str] = []
    for commit in first_parents(repository, tip):
        if commit == base:
            return found[::-1]
        found.append(commit)
    raise Denied(
        f"{base[:12]} is not on the first-parent line of {tip[:12]}", "name a commit that the branch was built upon"
    )


def merge_base(repository: Repository, one: str, other: str) -> str | None:
    """
    Give the best common ancestor of two commits; ``None`` where they have none.

    Raises Unavailable where a shallow clone may have left it out: libgit2 says nothing then.
    """
    ends = [commit_of(repository, end).id for end in (one, other)]
    with objects_of(repository):
        found: Oid | None = repository.merge_base(*ends)
    if not found and shallow_boundary(repository):
        raise Unavailable(f"{one[:12]} and {other[:12]} have no common commit in this shallow clone", UNSHALLOW)
    return str(found) if found else None


def branch_point(repository: Repository) -> str | None:
    """
    Give the merge base of HEAD and the default branch; ``None`` where nothing was committed, or they have none.

    The default branch is the remote's where one was fetched, else ``main`` or ``master``, else the current one.
    """
    head = commit_named(repository, "HEAD")
    name = next((name for name in _DEFAULTS if commit_named(repository, f"refs/{name}") is not None), None)
    default = commit_named(repository, f"refs/{name}") if name is not None else head
    if name is not None and not repository.head_is_detached and not repository.head_is_unborn:
        short = repository.references[f"refs/{name}"].resolve().shorthand.removeprefix("origin/")
        if repository.head.shorthand == short:
            return head  # each commit on the default branch itself is a step of its own
    return merge_base(repository, head, default) if head is not None and default is not None else None


def contains(repository: Repository, tip: str, commit: str) -> bool:
    """Tell whether a commit is among a tip's ancestors, or the tip itself; raises Unavailable where one is missing."""
    with objects_of(repository):
        return tip == commit or bool(repository.descendant_of(tip, commit))
