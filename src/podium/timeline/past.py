"""Going back along a line: the registry at older and older commits, and what each commit did to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar, cast

from podium import codec, git, layout
from podium.diff import Change
from podium.errors import CannotTell, Refused
from podium.history import Difference, Step
from podium.model import Alias, Registry
from podium.timeline.moves import Moves
from podium.tree import FILE, Entry, overlay

if TYPE_CHECKING:
    from pygit2 import Repository

T = TypeVar("T")
_MOST_PARTS = 10_000


class Past:
    """
    The registry at older and older commits; what no commit between two of them touched is read once for both.

    ``path`` is where changes are told of, at or below; ``followed`` are the paths of which turns tell all differences, none
    stands for all.
    """

    def __init__(self, repository: Repository, commit: str, path: str, followed: Sequence[str]) -> None:
        self.files = git.Rewinding(repository, commit, followed or ("",))
        self._path = path
        self._place = layout.place(path)
        self._step = 0
        self._touched: dict[str, int] = {}
        self._parts: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self._newer: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self._moves: Moves | None = None
        self._alias: tuple[str | None, Alias | None] = None, None

    def gone_back(self, turn: git.Turn) -> Iterable[Change]:
        """Go back to before a commit, the next one of the line, and say what it did."""
        after = self.files.at(turn.commit)
        self._take_back(turn.differences)
        told = tuple(difference for difference in turn.differences if _is_below(difference.path, self._path))
        if not told:
            self._moves = None
            return ()
        move = self._move(turn, after) if self._place is not None and self._place.document == "alias" else None
        if move is not None:
            return (move,)
        before, now = self._registry(self.files.at(turn.parent)), self._registry(after)
        return Step(_something(before, now), now, told).changes

    def parts(self, path: str, step: int) -> dict[str, Any]:
        """Give what is known to follow from a file or folder as it was after so many steps back; more may be added."""
        if not self.files.follows(path):
            return {}
        if self._touched.get(path, 0) <= step:
            return self._parts[path]
        return self._newer[path] if step == self._step - 1 else {}

    def _registry(self, tree: git.PastTree) -> Registry:
        return codec.read(tree, _Remembered(tree, self))

    def _take_back(self, differences: Sequence[Difference]) -> None:
        self.files.take_back(differences)
        self._step += 1
        self._newer.clear()
        if len(self._parts) > _MOST_PARTS:
            self._parts.clear()
        for path in chain.from_iterable(_upwards(difference.path) for difference in differences):
            self._touched[path] = self._step
            if path in self._parts:
                self._newer[path] = self._parts.pop(path)

    def _move(self, turn: git.Turn, after: git.PastTree) -> Change | None:
        """Say it quickly where a commit did nothing but move the alias that is asked for."""
        difference = turn.differences[0]
        if len(turn.differences) > 1 or not (_is_plain(difference.before) and _is_plain(difference.after)):
            self._moves = None
            return None
        old, new = self._alias_in(difference.before), self._alias_in(difference.after)
        self._alias = difference.before.id, old
        if old is None or new is None:
            return None
        assert self._place is not None
        self._moves = self._moves or Moves(self._path, self._place, self._registry(after), self.files.follows)
        return self._moves.told((old, turn.parent), (new, turn.commit))

    def _alias_in(self, entry: Entry) -> Alias | None:
        """Read an alias file; ``None`` where it is not what the format says."""
        if self._alias[0] == entry.id:
            return self._alias[1]
        with suppress(Refused):
            return codec.alias_of(codec.Source(self._path, self.files.content(entry)).valid("alias"))
        return None


def _is_plain(entry: Entry | None) -> TypeGuard[Entry]:
    return entry is not None and entry.mode == FILE


def _is_below(path: str, top: str) -> bool:
    return not top or path == top or path.startswith(f"{top}/")


@lru_cache(maxsize=1000)
def _upwards(path: str) -> Sequence[str]:
    """Give a path and the folders that it lies in."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


class _Remembered(codec.Sources):
    """The files of a commit; what follows from files that the commits beside it have as well was found out for them."""

    def __init__(self, tree: git.PastTree, past: Past) -> None:
        super().__init__(tree)
        self._step = tree.step
        self._past = past

    def part(self, path: str, what: str, make: Callable[[], T]) -> T:
        """Make what follows from a file or a folder, or take what was made before."""
        known = self._past.parts(path, self._step)
        if what not in known:
            known[what] = make()
        return cast(T, known[what])


def _something(before: Registry, after: Registry) -> Registry:
    """Give a registry; where there is none yet, an empty one of the same entity, so that all of the other is new."""
    if before.tree.entry(layout.REGISTRY) is not None:
        return before
    with suppress(Refused, CannotTell):
        empty = codec.encode("registry", {"apiVersion": codec.API_VERSION, "entity": after.entity})
        return codec.read(overlay(before.tree, {layout.REGISTRY: empty}))
    return before
