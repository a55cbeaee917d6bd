"""A registry at a Git URL: a bare clone of it in the cache, which many processes may read while one makes it fresh."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from podium import freshness, git
from podium.errors import Unavailable
from podium.freshness import ANEW, Freshness
from podium.git import ids
from podium.git.sources import tree_of
from podium.tree import Tree

if TYPE_CHECKING:
    from pygit2 import Repository

    from podium.git import Remote

_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


@dataclass(frozen=True)
class Hosted:
    """
    A registry at a Git URL; it is read in a bare clone in the cache, which is made as fresh as is asked for.

    Who only reads the default branch fetches nothing else. Two files beside the clone bear in their times when it was
    last made sure of: that branch, and all branches and tags.
    """

    url: str
    cache: Path
    freshness: Freshness = ANEW

    @property
    def label(self) -> str:
        """What people read; never a password."""
        return git.redacted(self.url)

    @property
    def home(self) -> Path:
        """The folder for bytes, beside the clone."""
        return self.cache.with_suffix(".files")

    @property
    def is_kept(self) -> bool:
        """Tell whether there is a clone."""
        return (self.cache / "HEAD").is_file()

    @property
    def age(self) -> float | None:
        """Seconds since the clone's default branch was what the remote has; ``None`` where there is no clone."""
        return freshness.age(self._stamp(all_refs=False)) if self.is_kept else None

    @cached_property
    def repository(self) -> Repository:
        """The clone with every branch and tag, as fresh as asked for; raises Unavailable where that cannot be had."""
        self._refresh(all_refs=True)
        return git.open_repository(self.cache)

    @cached_property
    def _followed(self) -> Repository:
        """The clone, of which only the default branch has to be fresh."""
        self._refresh(all_refs=False)
        return git.open_repository(self.cache)

    def tree(self, rev: str | None = None) -> Tree:
        """Give the files of a revision, or the default branch; raises as ``resolve_rev``, and Denied where empty."""
        return tree_of(self._followed if rev is None else self.repository, rev, self.label)

    def remote(self) -> Remote:
        """Give the remote, seen from the clone; raises Unavailable where nobody is to be asked."""
        if self.freshness.offline:
            raise Unavailable(f"{self.label} is not asked anything: offline", "leave --offline and PODIUM_OFFLINE out")
        if not self.is_kept:
            with self._alone():
                self._make()
        return git.Remote(self.cache, bare=True, address=self.url, label=self.label)

    def fetch(self) -> None:
        """Bring the clone up to date; any number of processes may. Raises Unavailable if the remote does not answer."""
        remote, asked = self.remote(), time.time()
        there = remote.advertised()
        with self._alone() as lock:
            if there.refs != self._refs() and not freshness.is_of(self._stamp(all_refs=True), asked):
                asked = time.time()
                self._take(remote, lock, *_EVERYTHING, prune=True)
            self._point(there.default)
            self._note(asked, all_refs=True)
            self._note(asked, all_refs=False)

    def _follow(self) -> None:
        """Bring the default branch up to date, or everything where the remote does not name that branch."""
        remote, asked = self.remote(), time.time()
        there = remote.head()
        if there.default is None or there.tip is None:
            return self.fetch()
        if not self._is_at(there.default, there.tip):
            with self._alone() as lock:
                if freshness.is_of(self._stamp(all_refs=False), asked):  # who had the lock before us asked after us
                    return None
                asked = time.time()
                self._take_branch(remote, lock, f"refs/heads/{there.default}")
                self._point(there.default)
                self._note(asked, all_refs=False)
        return self._note(asked, all_refs=False)

    def _take_branch(self, remote: Remote, lock: int, branch: str) -> None:
        try:
            self._take(remote, lock, f"+{branch}:{branch}")
        except git.GivenUp:
            raise
        except Unavailable:  # a branch that is gone may have its name in the way: everything is pruned, too
            self._take(remote, lock, *_EVERYTHING, prune=True)

    def _note(self, moment: float, *, all_refs: bool) -> None:
        """Note that the clone was what the remote had at a moment, unless that was known of a later one."""
        stamp = self._stamp(all_refs=all_refs)
        if not freshness.is_of(stamp, moment):
            freshness.stamp(stamp, moment)

    def _refresh(self, *, all_refs: bool) -> None:
        age = freshness.age(self._stamp(all_refs=all_refs)) if self.is_kept else None
        if all_refs and age is None and self.freshness.offline:
            age = self.age  # what other branches there are is then as old as the clone
        if self.freshness.takes(age):
            return
        if self.freshness.offline:
            raise Unavailable(f"there is no cached clone of {self.label}", "read it once without --offline")
        try:
            self.fetch() if all_refs else self._follow()
        except Unavailable as problem:
            raise self._or_offline(problem) from None

    def _or_offline(self, problem: Unavailable) -> Unavailable:
        if self.age is None:
            return problem
        kept = f"the cached clone is of {freshness.words(self.age)}: --offline reads it as it is"
        return Unavailable(problem.what, f"{problem.do}; {kept}" if problem.do else kept)

    def _stamp(self, *, all_refs: bool) -> Path:
        return self.cache.with_suffix(".all" if all_refs else ".default")

    def _is_at(self, branch: str, commit: str) -> bool:
        """Tell whether HEAD names a branch, and the branch a commit: only then is all of it here."""
        references = git.open_repository(self.cache).references
        ref = f"refs/heads/{branch}"
        is_head = (self.cache / "HEAD").read_bytes() == f"ref: {ref}\n".encode()
        return is_head and ref in references and str(references[ref].target) == commit

    def _point(self, branch: str | None) -> None:
        """Let HEAD name the default branch."""
        ref = f"refs/heads/{branch}"
        if branch is not None and (self.cache / "HEAD").read_bytes() != f"ref: {ref}\n".encode():
            git.output(self.cache, "symbolic-ref", "HEAD", ref, bare=True)

    def _take(self, remote: Remote, lock: int, *refspecs: str, prune: bool = False) -> None:
        try:
            remote.fetch(*refspecs, prune=prune, hold=lock)
        except git.GivenUp:
            raise
        except Unavailable:
            if not _stale_locks(self.cache):
                raise
            for left in _stale_locks(self.cache):  # of a fetch that was killed: the clone is ours alone
                left.unlink(missing_ok=True)
            remote.fetch(*refspecs, prune=prune, hold=lock)

    def _refs(self) -> dict[str, str]:
        told = git.output(self.cache, "for-each-ref", "--format=%(objectname)\t%(refname)", bare=True)
        return ids.by_name(told)

    def _make(self) -> None:
        if self.is_kept:
            return
        import shutil
        import tempfile

        own = f"new-{self.cache.stem}-"
        for left in self.cache.parent.glob(f"{own}*"):  # by a process that was killed: the lock is ours
            shutil.rmtree(left, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(dir=self.cache.parent, prefix=own))
        try:
            # No template: hooks of the user's own are not for what a registry's server sends.
            git.output(unfinished, "init", "--quiet", "--bare", "--template=", ".")
            unfinished.replace(self.cache)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[int]:
        try:
            self.cache.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(
                f"the cache {self.cache.parent} cannot be made: {error.strerror}", "set PODIUM_CACHE_DIR"
            ) from None
        with git.lock(self.cache.with_suffix(".lock"), "the cached clone", git.NETWORK) as handle:
            yield handle


def _stale_locks(clone: Path) -> list[Path]:
    return [*clone.glob("*.lock"), *clone.glob("refs/**/*.lock"), *clone.glob("objects/**/*.lock")]
