"""Going back along a line: the files of older and older commits, without opening their folders anew at each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from podium.git.objects import commit_tree, content
from podium.tree import DEEPEST, FOLDER, Entry, MemoryTree, Tree

if TYPE_CHECKING:
    from pygit2 import Repository

    from podium.history import Difference


class Rewinding:
    """
    A commit's files, from which what later commits did is taken back step by step.

    Between two commits a line of history changes a handful of files. To know which is all it takes to know the older
    commit's files from the newer one's; opening its folders would cost what the registry is large, at every commit.

    ``followed`` are the paths at or below which all differences are told, ``""`` where all are. What lies elsewhere is
    looked up in the commit itself, where somebody asks.
    """

    def __init__(self, repository: Repository, commit: str, followed: Iterable[str] = ("",)) -> None:
        self.repository = repository
        self._tip: Tree = commit_tree(repository, commit)
        self._followed = tuple(f"{path}/" if path else "" for path in followed)
        self._steps = 0
        self._were: dict[str, list[tuple[int, Entry | None]]] = {}
        self._touched: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def at(self, commit: str | None) -> PastTree:
        """Give the files as they are now that so much was taken back; more may be taken back without harm to them."""
        return PastTree(self, self._steps, commit)

    def content(self, id_: str) -> bytes:
        """Give the content of a plain file; raises Unavailable where it is missing."""
        return content(self.repository, id_)

    def follows(self, path: str) -> bool:
        """Tell whether what differs at a path is told."""
        return f"{path}/".startswith(self._followed)

    def take_back(self, differences: Iterable[Difference]) -> None:
        """Go to the files before some differences."""
        self._steps += 1
        for difference in differences:
            self._were.setdefault(difference.path, []).append((self._steps, difference.before))
            self._touch(difference.path)

    def _touch(self, path: str) -> None:
        while path:
            path, _, name = path.rpartition("/")
            if name in self._touched[path]:
                return
            self._touched[path][name] = None

    def entry(self, path: str, step: int) -> Entry | None:
        """Give what is at a path after so many steps back."""
        for when, was in reversed(self._were.get(path, ())):
            if when <= step:
                return was or self._folder(path, step)
        if path in self._touched:
            return self._folder(path, step)
        return self._tip.entry(path)

    def _folder(self, path: str, step: int) -> Entry | None:
        """Give a folder's entry, if something is in it: Git knows no empty folders."""
        if path.count("/") > DEEPEST:  # made by hand; nothing of a registry is there
            return Entry(path.rpartition("/")[2], FOLDER)
        names = chain(self._touched.get(path, ()), (entry.name for entry in self._tip.list(path)))
        there = any(self.entry(f"{path}/{name}", step) is not None for name in names)
        return Entry(path.rpartition("/")[2], FOLDER) if there else None

    def list(self, path: str, step: int) -> Sequence[Entry]:
        """Give the entries of a folder after so many steps back, by name."""
        if path not in self._touched:
            return self._tip.list(path)
        found: dict[str, Entry | None] = {entry.name: entry for entry in self._tip.list(path)}
        for name in self._touched[path]:
            found[name] = self.entry(f"{path}/{name}" if path else name, step)
        return sorted(filter(None, found.values()), key=lambda entry: entry.name)


@dataclass(frozen=True)
class PastTree:
    """The files of a commit on a line that is being gone back."""

    line: Rewinding = field(repr=False, compare=False)
    step: int
    commit: str | None

    def list(self, folder: str) -> Sequence[Entry]:
        """Give the entries of a folder, by name."""
        return self.line.list(folder, self.step) if self.line.follows(folder) else self._itself.list(folder)

    def entry(self, path: str) -> Entry | None:
        """Give the entry at a path, without following links."""
        if not self.line.follows(path):
            return self._itself.entry(path)
        return self.line.entry(path, self.step) if path else None

    def read(self, path: str) -> bytes:
        """Give the content of a plain file; raises KeyError where there is none, Unavailable where it is missing."""
        entry = self.entry(path)
        if entry is None or not entry.is_file:
            raise KeyError(path)
        assert entry.id is not None
        return self.line.content(entry.id)

    @cached_property
    def _itself(self) -> Tree:
        """The files as the commit has them."""
        return commit_tree(self.line.repository, self.commit) if self.commit is not None else MemoryTree()
