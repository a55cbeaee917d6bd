"""Going back along a line: the registry at older and older commits, and what each commit did to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, cast

from podium import codec, git, layout
from podium.diff import Change
from podium.errors import CannotTell, Refused
from podium.history import Difference, Step
from podium.model import Registry
from podium.timeline.moves import AliasFiles, Moves
from podium.tree import overlay

if TYPE_CHECKING:
    from pygit2 import Repository

T = TypeVar("T")
_MOST_PARTS = 10_000


class Past:
    """
    The registry at older and older commits; what no commit between two of them touched is read once for both.

    ``path`` is where changes are told of, at or below; ``followed`` are the paths of which turns tell all differences,
    none stands for all.
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
        self._aliases = AliasFiles(path, self.files.content)
        self._waiting: list[git.Turn] = []  # taken back when somebody needs it: a move of the alias does not
        self._moved: git.Turn | None = None

    def gone_back(self, turn: git.Turn) -> Iterable[Change]:
        """Go back to before a commit, the next one of the line, and say what it did."""
        move = self._move(turn)
        if move is not None:
            self._wait_moved(turn)
            return (move,)
        self._waiting.append(turn)
        told = tuple(difference for difference in turn.differences if _is_below(difference.path, self._path))
        if not told:
            return ()
        before, now = self._registry_before(turn)
        return Step(_something(before, now), now, told).changes

    def parts(self, path: str, step: int) -> dict[str, Any]:
        """Give what is known to follow from a file or folder as it was after so many steps back; more may be added."""
        if not self.files.follows(path):
            return {}
        if self._touched.get(path, 0) <= step:
            return self._parts[path]
        return self._newer[path] if step == self._step - 1 else {}

    def _wait_moved(self, turn: git.Turn) -> None:
        """Keep a move to be taken back; of moves in a row it is enough to know what the alias was before the oldest."""
        if self._waiting and self._waiting[-1] is self._moved:
            self._waiting.pop()
        self._waiting.append(turn)
        self._moved = turn

    def _registry(self, commit: str | None) -> Registry:
        """Give the registry as it was before what waits to be taken back; older ones can be had afterwards."""
        if self._waiting:
            self._catch_up(*(turn.differences for turn in self._waiting))
            self._waiting.clear()
        tree = self.files.at(commit)
        return codec.read(tree, _Remembered(tree, self))

    def _catch_up(self, *waiting: Sequence[Difference]) -> None:
        """Take back what several commits did; nobody asks what followed from files between these."""
        *most, last = waiting
        for differences in most:
            self.files.take_back(differences)
        self._step += len(most)
        for path in {path for differences in most for path in _paths(differences)}:
            self._touched[path] = self._step
            self._parts.pop(path, None)
        self._take_back(last)

    def _registry_before(self, turn: git.Turn) -> tuple[Registry, Registry]:
        """Give the registries before and after a commit, which is the last that waits to be taken back."""
        last = self._waiting.pop()
        now = self._registry(turn.commit)
        self._waiting.append(last)
        return self._registry(turn.parent), now

    def _take_back(self, differences: Sequence[Difference]) -> None:
        self.files.take_back(differences)
        self._step += 1
        self._newer.clear()
        if len(self._parts) > _MOST_PARTS:
            self._parts.clear()
        for path in _paths(differences):
            self._touched[path] = self._step
            if path in self._parts:
                self._newer[path] = self._parts.pop(path)

    def _move(self, turn: git.Turn) -> Change | None:
        """Say it quickly where a commit did nothing but move the alias that is asked for."""
        if self._place is None or self._place.document != "alias":
            return None
        edit = turn.edited(self._path)
        if edit is None:
            self._moves = None
            return None
        new = self._aliases.at(edit[1])
        old = self._aliases.at(edit[0], new)
        if old is None or new is None:
            return None
        if self._moves is None:
            self._moves = Moves(self._path, self._place, self._registry(turn.commit), self.files.follows)
        return self._moves.told((old, turn.parent), (new, turn.commit))


def _is_below(path: str, top: str) -> bool:
    return not top or path == top or path.startswith(f"{top}/")


def _paths(differences: Iterable[Difference]) -> Iterable[str]:
    """Give the paths of some differences, and the folders that they lie in."""
    return chain.from_iterable(_upwards(difference.path) for difference in differences)


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
