"""What git leaves in a checkout where it is killed together with podium: locks that nobody holds any more."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from podium.git import program
from podium.git.sources import Checkout

_AGE = 1.0
"""Seconds for which a lock must have been there: whoever else takes one for a change has it for less."""


def taken(checkout: Checkout) -> Mapping[Path, float]:
    """Give the locks that are there already, and when they were written: they are somebody else's."""
    return {lock: _changed(lock) for lock in _locks(checkout)}


def clear(checkout: Checkout, since: float, others: Mapping[Path, float] = MappingProxyType({})) -> None:
    """
    Remove the locks that git took for a commit of podium's, where both were killed after ``since`` (seconds of the
    epoch).

    ``others`` were there before it. The caller has the checkout for itself, so that no git of podium's is at work.
    Nothing is removed while another git may be: a lock is then that one's, or somebody's who edits a message. It is
    also left where that is not to be seen.
    """
    new = [lock for lock in _locks(checkout) if _changed(lock) >= since and _changed(lock) != others.get(lock)]
    remove(new, checkout.root)


def remove(locks: Sequence[Path], root: Path) -> None:
    """Remove locks that are never held for long, once they are a second old, where no git is at work in a checkout."""
    if not any(map(_changed, locks)) or _is_git_at_work(root):
        return
    newest = max(map(_changed, locks))
    time.sleep(min(_AGE, max(0.0, newest + _AGE - time.time())))
    for lock in locks:
        if _changed(lock) <= newest:
            lock.unlink(missing_ok=True)


def configure(folder: Path, git_dir: Path, key: str, value: str) -> None:
    """Set an option of a repository, also where a git that was killed left the lock on them; raises Unavailable."""
    bare = folder == git_dir
    if program.run(folder, "config", key, value, bare=bare).code != 0:
        remove([git_dir / "config.lock"], folder)
        program.output(folder, "config", key, value, bare=bare)


def _locks(checkout: Checkout) -> Iterator[Path]:
    own = common = checkout.git_dir
    with suppress(OSError):  # a linked work tree shares its branches with others
        common = own / (own / "commondir").read_text().strip()
    yield from (own / "index.lock", own / "HEAD.lock", common / "objects" / "maintenance.lock")
    yield from own.glob("next-index-*.lock")
    with suppress(OSError):
        branch = (own / "HEAD").read_text().removeprefix("ref:").strip()
        if branch.startswith("refs/heads/") and ".." not in branch:
            yield common / f"{branch}.lock"


def _changed(lock: Path) -> float:
    """Give when a lock was written, in seconds of the epoch; the beginning of time where there is none."""
    try:
        return lock.lstat().st_mtime
    except OSError:
        return 0.0


def _is_git_at_work(root: Path) -> bool:
    """Tell whether a git program may be running in a checkout; true where this machine does not say."""
    processes = [place for place in Path("/proc").glob("[0-9]*") if place.name.isdecimal()]
    return not processes or any(_may_be_git_in(place, root.resolve()) for place in processes)


def _may_be_git_in(process: Path, root: Path) -> bool:
    try:
        if not (process / "comm").read_text().startswith("git"):
            return False
        return (process / "cwd").readlink().is_relative_to(root)
    except PermissionError:
        return True
    except OSError:  # it has ended
        return False
