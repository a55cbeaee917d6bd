"""Where a push goes: the tip of the remote's default branch, fetched, so that a commit can be made upon it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.errors import Denied, Unavailable
from podium.git import tiprefs
from podium.git.objects import ObjectTree, open_repository
from podium.git.pushes import Pushes, Word, brought
from podium.git.remote import Advertised, Remote
from podium.git.revisions import contains
from podium.git.sources import Source, registry_at

if TYPE_CHECKING:
    from pygit2 import Repository


@dataclass(frozen=True)
class Target:
    """The tip of a remote's default branch, fetched: what a commit is made upon, and where it goes."""

    remote: Remote
    repository: Repository
    branch: str
    tree: ObjectTree

    @property
    def commit(self) -> str:
        """The commit at the tip."""
        return str(self.tree.commit)

    def push(self, commit: str) -> bool:
        """Push a commit made upon the tip, and leave word of it to others on this machine; see ``Remote.push``."""
        landed = self.remote.push(commit, self.branch, self.commit)
        if landed:
            Pushes.of(self.remote).leave(Word(commit, Path(self.repository.path)))
        return landed

    def renewed(self) -> Target:
        """
        Give the target as it is by now, with one connection: the branch is fetched, whatever it is at.

        Raises what ``target`` does.
        """
        return self._at(tiprefs.fetched(self.remote, self.branch))

    def told(self) -> Target:
        """Give the target as others on this machine left it, if later than what is known here; connects to nothing."""
        word = Pushes.of(self.remote).last()
        if word is None or word.tip == self.commit or not brought(self.remote, word):
            return self
        later = self._at(word.tip)
        return later if contains(later.repository, word.tip, self.commit) else self

    def _at(self, tip: str) -> Target:
        repository = open_repository(self.remote.folder)
        return replace(self, repository=repository, tree=registry_at(repository, tip, self.remote.label))


def target(source: Source) -> Target:
    """
    Fetch the tip of the default branch of a source's remote; no branch, index or file of a checkout is touched.

    Raises Denied where the remote is empty or no registry, Unavailable where it does not answer.
    """
    remote = source.remote()
    for _ in range(3):  # the tip may be rewritten between asking and fetching
        branch, tip = _tip(remote.advertised(), remote.label)
        if not _has(remote, branch, tip) and not _told(remote, tip):
            remote.fetch(f"refs/heads/{branch}")
        repository = open_repository(remote.folder)
        if tip in repository:
            return Target(remote, repository, branch, registry_at(repository, tip, remote.label))
    raise Unavailable(f"{remote.label} keeps rewriting {branch}", "try again")


def _has(remote: Remote, branch: str, tip: str) -> bool:
    """Tell whether a ref is at the tip: only then is all here (while others fetch, a commit may precede its files)."""
    references = open_repository(remote.folder).references
    for name in (f"refs/remotes/{remote.address}/{branch}", f"refs/heads/{branch}"):
        if name in references and str(references[name].target) == tip:
            return True
    return False


def _told(remote: Remote, tip: str) -> bool:
    """Tell whether the tip was pushed from this machine, and could be taken from there."""
    word = Pushes.of(remote).last()
    return word is not None and word.tip == tip and brought(remote, word)


def _tip(there: Advertised, label: str) -> tuple[str, str]:
    if not there.refs:
        raise Denied(
            f"{label} is empty: its default branch has no commit yet", "push the first: `git push -u origin HEAD`"
        )
    if there.default is None or there.tip is None:
        point = "point its HEAD at a branch: `git symbolic-ref HEAD refs/heads/main` there"
        raise Denied(f"{label} does not say which of its branches is the default", point)
    return there.default, there.tip
