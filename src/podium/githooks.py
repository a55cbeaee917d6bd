"""Git's own hooks: a server's pre-receive, which judges a push while its objects are still set apart."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from podium import ci, git, layout, review, rules
from podium.checks import Finding, Flaw, quoted
from podium.diff import Change
from podium.errors import Denied, Refused, Unavailable, Usage
from podium.review import Reviewed
from podium.tree import Tree

if TYPE_CHECKING:
    from pygit2 import Repository

_NONE = frozenset("0")
_BRANCHES = "refs/heads/"


# --- what is pushed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Update:
    """A ref that a push moves: the commits before and after, ``None`` where it is made or taken away."""

    before: str | None
    after: str | None
    ref: str

    @property
    def branch(self) -> str:
        """The name of the branch."""
        return self.ref.removeprefix(_BRANCHES)


def updates(lines: Iterable[bytes]) -> list[Update]:
    """Read what git tells a hook, a line for each ref: ``old new ref``. Raises Usage for anything else."""
    found = []
    for line in lines:
        parts = line.rstrip(b"\n").decode("utf-8", "surrogateescape").split(" ", 2)
        if len(parts) != 3:
            raise Usage("this is for git to call, which writes a line `OLD NEW REF` for each ref that is pushed")
        old, new, ref = parts
        found.append(Update(_commit(old), _commit(new), ref))
    return found


def _commit(id_: str) -> str | None:
    return None if set(id_) == _NONE else id_


# --- what git sets apart --------------------------------------------------------------------------------------------


@contextmanager
def pushed(repository: Repository, environment: Mapping[str, str]) -> Iterator[Repository]:
    """
    Open what a bare repository will hold if a push is accepted; nothing is written into it.

    While a hook runs, git keeps the new objects in a folder of their own and names it in the environment.
    """
    own = Path(repository.path)
    if environment.get("GIT_NAMESPACE"):
        raise Unavailable("podium cannot guard a repository that is served under GIT_NAMESPACE", "serve it without")
    named = [environment.get("GIT_QUARANTINE_PATH", ""), environment.get("GIT_OBJECT_DIRECTORY", "")]
    named += environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "").split(os.pathsep)
    folders = [(own / name).resolve() for name in named if name] + [own / "objects"]
    with git.borrowing(list(dict.fromkeys(folders)), own / "shallow") as borrowed:
        yield borrowed


def guarded(repository: Repository, moved: Iterable[Update]) -> list[Update]:
    """
    Give what a push does to the default branch, under whichever name it is pushed.

    Where HEAD names a branch that is not there yet and is not pushed now, every branch may become what readers take for the
    default one, and is guarded.
    """
    resolved = [replace(update, ref=_target(repository, update.ref)) for update in moved]
    default = _target(repository, "HEAD")
    known = default in repository.references or any(update.ref == default for update in resolved)
    return [update for update in resolved if (update.ref == default if known else update.ref.startswith(_BRANCHES))]


def _target(repository: Repository, ref: str) -> str:
    """Follow a ref that stands for another one; the last may be not there yet."""
    seen: set[str] = set()
    while ref not in seen:
        seen.add(ref)
        try:
            target = repository.lookup_reference(ref).target
        except (KeyError, ValueError):
            return ref
        if not isinstance(target, str):
            return ref
        ref = target
    return ref


# --- the verdict ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What was found in what a push does to a branch."""

    update: Update
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the push may land; warnings alone let it."""
        return all(finding.severity != "error" for finding in self.findings)


def judge(
    repository: Repository, lines: Iterable[bytes], environment: Mapping[str, str], *, protect_aliases: bool = False
) -> Iterator[Verdict]:
    """
    Judge a push to a bare repository by what it does to the default branch: each first-parent commit as a step.

    The first push is judged as a state. With ``protect_aliases`` an alias that has approvers moves only by the merge of a
    branch. Raises CannotTell where objects or history are missing: then the push must not land.
    """
    found = guarded(repository, updates(lines))
    if not found:
        return
    with pushed(repository, environment) as borrowed:
        for update in found:
            yield Verdict(update, tuple(_findings(borrowed, update, protect_aliases=protect_aliases)))


def _findings(repository: Repository, update: Update, *, protect_aliases: bool) -> Iterator[Finding]:
    if update.after is None:
        said = f"{quoted(update.branch)} is the default branch, and this push would delete it"
        yield _history(said, "push another branch, or let the server's owner point HEAD elsewhere first")
    elif update.before is None:
        yield from _state(repository, update.after)
    elif git.merge_base(repository, update.before, update.after) != update.before:
        said = f"this push would drop commits from {quoted(update.branch)}: its tip is not built upon {update.before[:12]}"
        yield _history(said, f"`git fetch` and `git rebase origin/{update.branch}`; what is pushed is undone by `git revert`")
    else:
        yield from _steps(repository, update.before, update.after, update.branch, protect_aliases=protect_aliases)


def _history(said: str, fix: str) -> Finding:
    return rules.by_id["history-kept"].finding(Flaw(layout.REGISTRY, said, fix=fix))


def _state(repository: Repository, tip: str) -> Iterator[Finding]:
    tree = git.commit_tree(repository, tip)
    try:
        git.check_registry(tree, f"the commit {tip[:12]}")
    except Denied as error:
        fix = "`podium init` makes one; commit it and push again"
        yield rules.by_id["entity-file-present"].finding(Flaw(layout.REGISTRY, error.sentence, fix=fix))
        return
    yield from review.check(tree).findings


def _steps(
    repository: Repository, before: str, after: str, branch: str, *, protect_aliases: bool
) -> Iterator[Finding]:
    try:
        steps = review.each_step(repository, before, after)
        yield from review.together(_judged(repository, step, protect_aliases=protect_aliases) for step in steps).findings
    except Denied:
        said = f"this push would make {quoted(branch)} a side branch of its own history: {before[:12]} is no first parent"
        yield _history(said, f"`git rebase origin/{branch}` in place of `git pull`, then push again")


def _judged(repository: Repository, step: Reviewed, *, protect_aliases: bool) -> review.Checked:
    if not protect_aliases:
        return step.checked
    return replace(step.checked, findings=(*step.checked.findings, *_unmerged(repository, step)))


def _unmerged(repository: Repository, step: Reviewed) -> Iterator[Finding]:
    """Find the moves of protected aliases that no merged branch brought as they are."""
    merged = [git.commit_tree(repository, parent) for parent in git.parents(repository, step.head)[1:]]
    for change in step.step.moved():
        if _has_approvers(step, change) and not any(_same(tree, step.step.after.tree, change.path) for tree in merged):
            said = f"{quoted(change.name)} {change.alias} has approvers, and this commit moves it without a merge"
            fix = "move it on a branch (`podium promote … --pr`), have that reviewed, and merge it"
            yield rules.by_id["protected-alias-merged"].finding(Flaw(change.path, said, fix=fix))


def _same(one: Tree, other: Tree, path: str) -> bool:
    return one.entry(path) == other.entry(path)


def _has_approvers(step: Reviewed, change: Change) -> bool:
    if change.entity != "model" or change.alias is None:
        return False
    return any(_approvers(registry, change.alias) for registry in (step.step.before, step.step.after))
