"""The first-parent line of a branch: which of its commits change a path, and what people say of a commit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Self

from podium.errors import Unavailable
from podium.git import program
from podium.git.objects import commit_of, commit_tree, content, entries, objects_of, shallow_boundary
from podium.git.revisions import UNSHALLOW, first_parents
from podium.tree import Entry

if TYPE_CHECKING:
    import pygit2
    from pygit2 import Repository

    from podium import history
    from podium.history import Difference


@dataclass(frozen=True)
class Turn:
    """A commit on a first-parent line, its first parent (``None``: it is the first), and what differs between the two."""

    commit: str
    parent: str | None
    differences: tuple[Difference, ...]


def turns(
    repository: Repository, tip: str, path: str = "", *, since: float | None = None, until: float | None = None
) -> Iterator[Turn]:
    """
    Give the commits on a first-parent line that change something at or below a path, newest first.

    ``until`` and ``since`` (seconds since 1970) cut a piece out of the line: it begins with the newest commit that is not
    later than ``until``, and ends before the first one that is earlier than ``since``. Git does the looking, so that it costs
    what ``git log -- PATH`` does. Raises Unavailable where a shallow clone hides what a commit changed.
    """
    boundary = shallow_boundary(repository)
    begin = tip if until is None else _not_after(repository, tip, until)
    if begin is None:
        return
    end = None if since is None else _before(repository, begin, since, boundary)
    for some in _batches(_touching(repository, begin, end, path)):
        known = some[: next((n for n, commit in enumerate(some) if commit in boundary), len(some))]
        yield from _turns(repository, known, path)
        if len(known) < len(some):
            raise _hidden(some[len(known)])
    if boundary and end is None:
        _check_whole(repository, begin, boundary)


def contents_over_time(repository: Repository, tip: str, path: str) -> Iterator[bytes]:
    """
    Give each content that a file had along the first parents of a commit, newest first, each change once.

    Raises Unavailable where a shallow clone hides the rest of it.
    """
    boundary = shallow_boundary(repository)
    for commit in _touching(repository, tip, None, path):
        with suppress(KeyError):
            yield commit_tree(repository, commit).read(path)
    if boundary:
        _check_whole(repository, tip, boundary)


def _touching(repository: Repository, begin: str, end: str | None, path: str) -> list[str]:
    """Ask Git for the commits of a line that change a path; the first one counts as a change from nothing."""
    commit_of(repository, begin)
    left_out = [f"^{end}"] if end is not None else []
    paths = ["--", path] if path else ["--"]
    return _git(repository, "rev-list", "--first-parent", begin, *left_out, *paths).decode().split()


def _git(repository: Repository, *arguments: str, stdin: bytes = b"") -> bytes:
    # as pygit2 sees the objects: without what `git replace` puts in their place
    return program.output(Path(repository.path), "--no-replace-objects", *arguments, stdin=stdin, bare=True)


def _batches(commits: list[str]) -> Iterator[list[str]]:
    """Give commits a few at first, then more: who wants the newest should not wait for the oldest."""
    at, size = 0, 16
    while at < len(commits):
        yield commits[at : at + size]
        at, size = at + size, min(4 * size, 4096)


def _turns(repository: Repository, commits: list[str], path: str) -> Iterator[Turn]:
    """Say of each commit what differs from its first parent."""
    above = {commit: next(map(str, commit_of(repository, commit).parent_ids), None) for commit in commits}
    pairs = "".join(f"{commit} {parent}\n" if parent else f"{commit}\n" for commit, parent in above.items())
    options = ("--stdin", "-r", "-z", "--root", "--no-renames", "--ignore-submodules=none")
    listing = _git(repository, "diff-tree", *options, *(["--", path] if path else []), stdin=pairs.encode())
    found: dict[str, list[Difference]] = {}
    commit, tokens = "", iter(listing.split(b"\0"))
    for token in tokens:
        if token.startswith(b":"):
            found[commit].append(_difference(token, next(tokens)))
        elif token:
            commit = token.decode().partition(" ")[0]
            found[commit] = []
    for commit, differences in found.items():
        yield Turn(commit, above[commit], tuple(differences))


def _difference(raw: bytes, path: bytes) -> Difference:
    from podium.history import Difference  # what reads one commit needs nothing of history

    name = os.fsdecode(path)
    modes = [int(mode, 8) for mode in raw[1:].split()[:2]]
    ids = [id_.decode() for id_ in raw.split()[2:4]]
    last = name.rpartition("/")[2]
    before, after = (Entry(last, mode, id_) if mode else None for mode, id_ in zip(modes, ids, strict=True))
    return Difference(name, before, after)


def _not_after(repository: Repository, tip: str, moment: float) -> str | None:
    for commit in first_parents(repository, tip):
        if commit_of(repository, commit).commit_time <= moment:
            return commit
    return None


def _before(repository: Repository, begin: str, moment: float, boundary: frozenset[str]) -> str | None:
    """Give the first commit of a line that is earlier than a moment, as far as the line is known."""
    with suppress(Unavailable if boundary else KeyError):
        for commit in first_parents(repository, begin):
            if commit_of(repository, commit).commit_time < moment:
                return commit
    return None


def _check_whole(repository: Repository, begin: str, boundary: frozenset[str]) -> None:
    """Make sure that a line ends where history began, and not where a shallow clone was cut off."""
    for commit in first_parents(repository, begin):
        if commit in boundary:
            raise _hidden(commit)


def _hidden(commit: str) -> Unavailable:
    return Unavailable(f"what {commit[:12]} changed, and all before it, is not in this shallow clone", UNSHALLOW)


# --- an old commit, for a look at little of it ----------------------------------------------------------------------


class Opened:
    """
    The folders that old commits have in common, opened once, and the entries that were looked up in them.

    Most of a registry stays the same from commit to commit; what is kept here is bounded by forgetting all of it.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._trees: dict[str, pygit2.Tree] = {}
        self._entries: dict[tuple[str, str], Entry | None] = {}

    def make_room(self) -> None:
        """Forget everything, where that is much."""
        if len(self._trees) > _MOST_OPEN:
            self._trees.clear()
            self._entries.clear()

    def entry(self, folder: str, name: str) -> Entry | None:
        """Give the entry of a name in a folder (an object id), without listing its siblings."""
        key = (folder, name)
        if key not in self._entries:
            self._entries[key] = self._found(folder, name)
        return self._entries[key]

    def _found(self, folder: str, name: str) -> Entry | None:
        try:
            found = self._tree(folder)[name]
        except (KeyError, ValueError):  # a name that is no UTF-8 is none that the format knows
            return None
        return Entry(name, int(found.filemode), str(found.id))

    def _tree(self, folder: str) -> pygit2.Tree:
        import pygit2

        if folder not in self._trees:
            with objects_of(self.repository):
                tree = self.repository[folder]
                if not isinstance(tree, pygit2.Tree):
                    raise KeyError(folder)
                self._trees[folder] = tree
        return self._trees[folder]


_MOST_OPEN = 200


@dataclass(frozen=True)
class PastTree:
    """The files of an old commit, for a look at a few of them; ``opened`` is shared with the trees beside this one."""

    id: str
    commit: str | None
    opened: Opened = field(repr=False, compare=False)

    @classmethod
    def of(cls, commit: str, opened: Opened) -> Self:
        """Give the files of a commit; raises Unavailable where it is missing."""
        opened.make_room()
        return cls(str(commit_of(opened.repository, commit).tree_id), commit, opened)

    def list(self, folder: str) -> Sequence[Entry]:
        """Give the entries of a folder, by name."""
        id_ = self._folder(folder)
        return entries(self.opened.repository, id_) if id_ is not None else ()

    def entry(self, path: str) -> Entry | None:
        """Give the entry at a path, without following links."""
        folder, _, name = path.rpartition("/")
        id_ = self._folder(folder)
        return self.opened.entry(id_, name) if id_ is not None and name else None

    def read(self, path: str) -> bytes:
        """Give the content of a plain file; raises KeyError where there is none, Unavailable where it is missing."""
        entry = self.entry(path)
        if entry is None or not entry.is_file or entry.id is None:
            raise KeyError(path)
        return content(self.opened.repository, entry.id)

    def _folder(self, folder: str) -> str | None:
        at: str | None = self.id
        for name in folder.split("/") if folder else ():
            entry = self.opened.entry(at, name) if at is not None else None
            at = entry.id if entry is not None and entry.is_folder else None
        return at


def described(repository: Repository, commit: str) -> history.Commit:
    """Give who made a commit, when, and what they said; raises Unavailable where it is missing."""
    from podium import history  # what reads one commit needs nothing of history

    found = commit_of(repository, commit)
    offset = timezone(timedelta(minutes=found.commit_time_offset))
    return history.Commit(
        commit,
        _text(found.author.raw_name, found.message_encoding),
        _text(found.author.raw_email, found.message_encoding),
        datetime.fromtimestamp(found.commit_time, offset),
        _text(found.raw_message, found.message_encoding),
    )


def _text(raw: bytes, encoding: str | None) -> str:
    try:
        return raw.decode(encoding or "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")
