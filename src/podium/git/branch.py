"""The checkout's own branch: a commit of some paths, with hooks and signature as ``git commit`` makes it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from podium import layout
from podium.errors import Denied, Unavailable
from podium.git import ids, leftovers, program
from podium.git.program import Ran
from podium.git.sources import Checkout, Source
from podium.git.writing import not_committed
from podium.visible import bare

_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}
_TICK = 0.02
"""Seconds by which a file's time may lie behind the clock."""


def author(source: Source) -> str:
    """Give who would be the author of a commit: ``Name <mail>``; raises Denied where Git does not know."""
    if isinstance(source, Checkout):
        ran = program.run(source.root, "var", "GIT_AUTHOR_IDENT")
    else:
        ran = program.run(source.remote().folder, "var", "GIT_AUTHOR_IDENT", bare=True)
    if ran.code != 0:
        raise not_committed(ran)
    return ran.text.rpartition(" ")[0].rpartition(" ")[0]


def check_can_commit(checkout: Checkout) -> None:
    """Make sure that a commit can be made on the current branch; raises Denied."""
    for name, what in _UNDER_WAY.items():
        if (checkout.git_dir / name).exists():
            raise Denied(f"{what} is under way in {checkout.root}", "end it with git first, or use --push")
    ran = program.run(checkout.root, "symbolic-ref", "--quiet", "HEAD")
    if ran.code not in {0, 1}:
        raise program.unavailable(f"git cannot say on which branch {checkout.root} is", ran.messages)
    if ran.code == 1:
        raise Denied(
            f"{checkout.root} is on no branch (its HEAD is detached)", "`git switch BRANCH` first, or use --push"
        )
    author(checkout)


def commit_paths(checkout: Checkout, paths: Sequence[str], message: str, hold: int | None = None) -> str:
    """
    Commit some paths as they lie on disk, on the current branch, and give the commit's id.

    What else is staged or dirty stays so. ``hold`` is the lock on the checkout: git keeps it to its end, even if we are
    killed; the locks of a git that was killed itself are removed. Raises Denied, with git's or a hook's words, where
    git makes no commit, and Unavailable where the disk does not take it; the index is then as it was.
    """
    root, began, before = checkout.root, time.time() - _TICK, _head(checkout)
    others = leftovers.taken(checkout)
    listed = b"\0".join(os.fsencode(path) for path in paths)
    known = program.output(root, "ls-files", "-z", "--", *paths).split(b"\0")
    new = [path for path in paths if os.fsencode(path) not in known and os.path.lexists(root / path)]
    try:
        if new:
            _made(program.run(root, "add", "--intent-to-add", "--force", "--", *new, hold=hold))
        options = ("--quiet", "--only", "--pathspec-from-file=-", "--pathspec-file-nul", "-m", message)
        _made(program.run(root, "commit", *options, stdin=listed, timeout=program.NETWORK, hold=hold))
    except BaseException:
        leftovers.clear(checkout, began, others)
        if _head(checkout) != before and _is_committed(checkout, paths):
            return _head(checkout)
        program.run(root, "update-index", "--force-remove", "-z", "--stdin", stdin=b"\0".join(map(os.fsencode, new)))
        raise
    return _head(checkout)


def _head(checkout: Checkout) -> str:
    """Give the commit at HEAD; nothing where there is none."""
    ran = program.run(checkout.root, "rev-parse", "--quiet", "--verify", "HEAD")
    return ids.one(ran.out, "rev-parse") if ran.code == 0 else ""


def catch_up(checkout: Checkout, paths: Sequence[str]) -> None:
    """Let the index say of some paths what lies on disk, and in HEAD; raises Unavailable where git cannot."""
    program.output(checkout.root, "add", "--force", "--", *paths)


def _is_committed(checkout: Checkout, paths: Sequence[str]) -> bool:
    """Tell whether HEAD has some paths as they lie on disk: git was stopped after that, before its index says so."""
    if program.run(checkout.root, "diff", "--quiet", "HEAD", "--", *paths).code != 0:
        return False
    return program.run(checkout.root, "add", "--force", "--", *paths).code == 0


def _made(ran: Ran) -> None:
    if ran.code == 0:
        return
    if "index.lock" in ran.messages:
        end_it = "let the other git end; if none is running, one was killed: remove .git/index.lock"
        raise Unavailable("another git process has the checkout's index for itself", end_it)
    raise not_committed(ran)


def training_source(cwd: Path) -> dict[str, str]:
    """
    Give ``repository`` and ``commit`` of the Git checkout that a folder is in; nothing where it is in none, or in a
    registry.

    The commit has ``-dirty`` at its end where tracked files differ from it. A repository that only this machine can
    reach is left out.
    """
    ran = program.run(cwd, "rev-parse", "--show-toplevel", "HEAD")
    if ran.code != 0:
        return {}
    top, _, commit = ran.text.partition("\n")
    if (Path(top) / layout.REGISTRY).is_file() or re.fullmatch("[0-9a-f]{40,64}", commit) is None:
        return {}
    dirty = program.run(cwd, "status", "--porcelain", "--untracked-files=no").out.strip()
    found = {"commit": f"{commit}-dirty" if dirty else commit}
    url = bare(program.run(cwd, "remote", "get-url", "--", "origin").text)
    if re.match(r"(?i)(https?|ssh|git)://|[^/@:\s]+@[^/:\s]+:", url):
        found["repository"] = url
    return found
