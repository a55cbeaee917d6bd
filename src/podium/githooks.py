"""Git's own hooks: a server's pre-receive, which judges a push while its objects are still set apart."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from podium import ci, git, review, rules
from podium.checks import Finding, Flaw, quoted
from podium.diff import Change
from podium.errors import Denied, Unavailable, Usage
from podium.git import leftovers
from podium.review import Reviewed
from podium.rules import promotion

if TYPE_CHECKING:
    from pygit2 import Repository

_NONE = frozenset("0")
_BRANCHES = "refs/heads/"
_LINE = re.compile(rb"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ([^\x00-\x20\x7f]+)")


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
        told = _LINE.fullmatch(line.removesuffix(b"\n"))
        if told is None:
            raise Usage(
                "this is for git to call, which writes a line `OLD NEW REF` for each ref that is pushed",
                "install it: `podium ci pre-receive`",
            )
        old, new, ref = (part.decode("utf-8", "surrogateescape") for part in told.groups())
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
    named = [environment.get("GIT_QUARANTINE_PATH", ""), environment.get("GIT_OBJECT_DIRECTORY", "")]
    named += environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "").split(os.pathsep)
    folders = [(own / name).resolve() for name in named if name] + [own / "objects"]
    with git.borrowing(list(dict.fromkeys(folders)), own / "shallow") as borrowed:
        yield borrowed


def guarded(repository: Repository, moved: Iterable[Update]) -> list[Update]:
    """
    Give what a push does to the default branch, under whichever name it is pushed.

    Where HEAD names a branch that is not there yet and is not pushed now, every branch may become what readers take for
    the default one, and is guarded.
    """
    resolved = [replace(update, ref=git.end_of(repository, update.ref)) for update in moved]
    default = git.end_of(repository, "HEAD")
    known = default in repository.references or any(update.ref == default for update in resolved)
    return [update for update in resolved if (update.ref == default if known else update.ref.startswith(_BRANCHES))]


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

    The first push is judged as a state. With ``protect_aliases`` an alias that has approvers moves only by the merge of
    a branch. Raises CannotTell where objects or history are missing: then the push must not land.
    """
    if environment.get("GIT_NAMESPACE"):
        raise Unavailable("podium cannot guard a repository that is served under GIT_NAMESPACE", "serve it without")
    found = guarded(repository, updates(lines))
    if not found:
        return
    with pushed(repository, environment) as borrowed:
        for update in found:
            yield Verdict(update, tuple(_findings(borrowed, update, protect_aliases=protect_aliases)))


def _findings(repository: Repository, update: Update, *, protect_aliases: bool) -> Iterator[Finding]:
    lost = _lost(repository, update)
    if lost is not None:
        yield lost
    elif update.before is None and update.after is not None:
        yield from review.check(git.commit_tree(repository, update.after)).findings
    elif update.before is not None and update.after is not None:
        steps = review.each_step(repository, update.before, update.after)
        judged = (_judged(repository, step, protect_aliases=protect_aliases) for step in steps)
        yield from review.together(judged).findings


def _lost(repository: Repository, update: Update) -> Finding | None:
    """Find that a push takes history away from a branch."""
    if update.before is None:
        return None
    branch, before = quoted(update.branch), update.before[:12]
    if update.after is None:
        fix = "push another branch, or let the server's owner point HEAD elsewhere first"
        return _history(update, f"this push would delete {branch}, the default branch", fix)
    if git.merge_base(repository, update.before, update.after) != update.before:
        fix = f"`git fetch` and `git rebase origin/{update.branch}`; what was pushed is undone by `git revert`"
        return _history(update, f"this push would drop commits from {branch}: it is not built upon {before}", fix)
    try:
        git.first_parents_until(repository, update.after, update.before)
    except Denied:
        fix = f"`git rebase origin/{update.branch}` in place of the merge that `git pull` made, then push again"
        return _history(
            update, f"this push would make a side branch of what {branch} was: {before} is no first parent", fix
        )
    return None


def _history(update: Update, said: str, fix: str) -> Finding:
    return rules.by_id["history-kept"].finding(Flaw(update.ref, said, fix=fix))


def _judged(repository: Repository, step: Reviewed, *, protect_aliases: bool) -> review.Checked:
    if not protect_aliases:
        return step.checked
    return replace(step.checked, findings=(*step.checked.findings, *_unmerged(repository, step)))


def _unmerged(repository: Repository, step: Reviewed) -> Iterator[Finding]:
    """Find the moves of protected aliases that no merged branch brought as they are."""
    trees = [git.commit_tree(repository, merged) for merged in git.parents(repository, step.head)[1:]]
    for change in step.step.moved():
        after = step.step.after.tree.entry(change.path)
        if _has_approvers(step, change) and all(tree.entry(change.path) != after for tree in trees):
            said = f"{quoted(change.name)} {change.alias} has approvers, and no merged branch brings this move"
            fix = "move it on a branch (`podium promote … --pr`), have that reviewed, and merge it"
            yield rules.by_id["protected-alias-merged"].finding(Flaw(change.path, said, ("version",), fix))


def _has_approvers(step: Reviewed, change: Change) -> bool:
    if change.entity != "model" or change.alias is None:
        return False
    return any(policy.approvers for policy in promotion.policies(step.step, change.alias))


# --- installing it --------------------------------------------------------------------------------------------------

BEFORE = "pre-receive.before-podium"
"""The name under which a hook that was there is kept; it is called first."""


def install(folder: Path, *, protect_aliases: bool = False) -> Path:
    """
    Make a bare repository judge what is pushed to it, and give the hook's file; twice is harmless.

    A hook that was there is kept beside it and called first. Objects that are malformed are refused from now on, unless
    the repository's configuration says otherwise (``receive.fsckObjects``). Raises Usage where there is no bare
    repository, Denied where its hooks are not its own.
    """
    hook = _hook(folder)
    before = hook.with_name(BEFORE)
    hook.parent.mkdir(parents=True, exist_ok=True)
    if hook.exists() and not _is_ours(hook):
        if before.exists():
            raise Denied(
                f"both {hook} and {before} are there, and neither is podium's", f"remove {before}, or join them"
            )
        os.link(hook, before)
    _replace(hook, _script(protect_aliases=protect_aliases))
    if git.run(folder, "config", "--get", "receive.fsckObjects", bare=True).code != 0:
        leftovers.configure(folder, folder, "receive.fsckObjects", "true")
    return hook


def remove(folder: Path) -> bool:
    """Take the hook away again, and put back the one that was there before; tell whether there was anything to do."""
    hook = _hook(folder)
    before = hook.with_name(BEFORE)
    if not hook.exists() or not _is_ours(hook):
        return False
    if before.exists():
        before.replace(hook)
    else:
        hook.unlink()
    return True


def whom(folder: Path) -> str:
    """Say which branch of a bare repository is guarded."""
    repository = git.open_repository(folder)
    default = git.end_of(repository, "HEAD")
    branch = default.removeprefix(_BRANCHES)
    if default in repository.references or not list(repository.branches.local):
        return f"guards the branch {branch}"
    point = "`git symbolic-ref HEAD refs/heads/main` there points it at main"
    return f"HEAD names the branch {branch}, which is not there: every branch is guarded until it is; {point}"


def _hook(folder: Path) -> Path:
    if not git.open_repository(folder).is_bare:
        raise Usage(f"{folder} is no bare repository", "name the repository that people push to, on its server")
    named = git.output(folder, "rev-parse", "--git-path", "hooks", bare=True).rstrip(b"\n")
    hooks = (folder / os.fsdecode(named)).resolve()
    if not hooks.is_relative_to(folder.resolve()):
        call = f"call `{shlex.join(_COMMAND)}` from the hook pre-receive there, or unset core.hooksPath"
        raise Denied(f"the hooks of {folder} are in {hooks}, which other repositories may share", call)
    return hooks / "pre-receive"


_COMMAND = (sys.executable, "-P", "-m", "podium", "hook", "pre-receive")


def _script(*, protect_aliases: bool) -> str:
    options = ["--protect-aliases"] if protect_aliases else []
    return ci.text("pre-receive", python=shlex.quote(sys.executable), command=shlex.join([*_COMMAND, *options]))


def _is_ours(hook: Path) -> bool:
    return ci.MARK.encode() in hook.read_bytes()


def _replace(path: Path, text: str) -> None:
    """Write a program in one go: at no moment is there half a hook, or none."""
    new = path.with_name(f".{path.name}.podium-{os.getpid()}")
    try:
        new.write_text(text, encoding="utf-8")
        new.chmod(0o755)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
