"""
Files as a value: what a registry is read from, and what an edit makes.

``Tree`` is the one hole through which the outside world comes in: a commit, a checkout and a dictionary look the same.
Paths are relative, with ``/``; names that are no UTF-8 carry surrogates (``os.fsdecode``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from podium.errors import Denied
from podium.visible import visible

FILE = 0o100644
EXECUTABLE = 0o100755
LINK = 0o120000
SUBMODULE = 0o160000
FOLDER = 0o040000

LARGEST = 8 * 1024 * 1024
"""Bytes of a file that is read; eight times of what a file of the format may have."""


class Entry(NamedTuple):
    """One name in a folder: its mode as Git writes it, and Git's id of its content where that is known."""

    name: str
    mode: int
    id: str | None = None

    @property
    def is_folder(self) -> bool:
        """Tell whether the name is a folder."""
        return self.mode == FOLDER

    @property
    def is_file(self) -> bool:
        """Tell whether the name is a plain file, executable or not; never a link."""
        return self.mode & 0o170000 == 0o100000


class Tree(Protocol):
    """A folder of files, immutable as far as podium is concerned."""

    @property
    def commit(self) -> str | None:
        """The commit these files are of; ``None`` for a working tree or for files that were edited."""

    def list(self, folder: str) -> Sequence[Entry]:
        """Give the entries of a folder (``""``: the top), by name; nothing where there is no such folder."""

    def entry(self, path: str) -> Entry | None:
        """Give the entry at a path, without following links; ``None`` where nothing is there."""

    def read(self, path: str) -> bytes:
        """Give the content of a plain file; raises KeyError where there is none."""


def read_again(tree: Tree, path: str, entry: Entry) -> bytes:
    """Give the content of a plain file that was there before as it is now: in the quickest way that the tree has."""
    quick: Callable[[Entry], bytes] | None = getattr(tree, "read_again", None)
    return quick(entry) if quick is not None and entry.id is not None else tree.read(path)


def stems(tree: Tree, folder: str, suffix: str) -> Sequence[str]:
    """Give the names of a folder's plain files that end so, without that end, in order, in the tree's quickest way."""
    quick: Callable[[str, str], Sequence[str]] | None = getattr(tree, "stems", None)
    if quick is not None:
        return quick(folder, suffix)
    found = [entry for entry in tree.list(folder) if entry.name.endswith(suffix) and entry.is_file]
    return [entry.name[: -len(suffix)] for entry in found]


MOST = 250_000
"""Names that are looked at in one go: a tree of a few objects, made by hand, can stand for ten thousand million."""
DEEPEST = 60
"""Folders in folders that are opened; no path of a registry has more than six parts."""


def walk(tree: Tree, folder: str, most: int = MOST) -> Iterator[tuple[str, Entry]]:
    """Give every entry below a folder that is no folder itself, with its path, in order; raises Denied for too many."""
    waiting = _inside(tree, folder, 0)
    while waiting:
        path, entry, depth = waiting.pop()
        most -= 1
        if most < 0 or depth > DEEPEST:
            raise Denied(f"{visible(folder)[:200] or 'the tree'} holds more than podium looks at", "take it away")
        if entry.is_folder:
            waiting += _inside(tree, path, depth)
        else:
            yield path, entry


def _inside(tree: Tree, folder: str, depth: int) -> list[tuple[str, Entry, int]]:
    prefix = f"{folder}/" if folder else ""
    return [(prefix + entry.name, entry, depth + 1) for entry in reversed(tree.list(folder))]


@dataclass(frozen=True)
class MemoryTree:
    """Files in a dictionary: path to content, or to content and mode."""

    files: Mapping[str, bytes | tuple[bytes, int]] = field(default_factory=dict)
    commit: str | None = None

    def list(self, folder: str) -> Sequence[Entry]:
        """Give the entries of a folder, by name."""
        prefix = f"{folder}/" if folder else ""
        found: dict[str, Entry] = {}
        for path in self.files:
            if path.startswith(prefix):
                name, slash, _ = path[len(prefix) :].partition("/")
                found[name] = Entry(name, FOLDER if slash else self._mode(path))
        return [found[name] for name in sorted(found)]

    def entry(self, path: str) -> Entry | None:
        """Give the entry at a path."""
        name = path.rpartition("/")[2]
        if path in self.files:
            return Entry(name, self._mode(path))
        return Entry(name, FOLDER) if any(other.startswith(f"{path}/") for other in self.files) else None

    def read(self, path: str) -> bytes:
        """Give the content of a plain file."""
        content = self.files[path]
        if isinstance(content, bytes):
            return content
        if content[1] & 0o170000 != 0o100000:
            raise KeyError(path)
        return content[0]

    def _mode(self, path: str) -> int:
        content = self.files[path]
        return FILE if isinstance(content, bytes) else content[1]


@dataclass(frozen=True)
class Overlay:
    """A tree with some files written anew (bytes) or taken away (``None``): what an edit makes of a registry."""

    below: Tree
    changes: Mapping[str, bytes | None]

    @property
    def commit(self) -> str | None:
        """The commit of the tree below, as long as nothing was changed."""
        return None if self.changes else self.below.commit

    def list(self, folder: str) -> Sequence[Entry]:
        """Give the entries of a folder, by name."""
        prefix = f"{folder}/" if folder else ""
        inside = [path for path in self.changes if path.startswith(prefix)]
        if not inside:
            return self.below.list(folder)
        found = {entry.name: entry for entry in self.below.list(folder)}
        for name in {path[len(prefix) :].partition("/")[0] for path in inside}:
            entry = self.entry(prefix + name)
            if entry is None:
                found.pop(name, None)
            else:
                found[name] = entry
        return [found[name] for name in sorted(found)]

    def entry(self, path: str) -> Entry | None:
        """Give the entry at a path."""
        name = path.rpartition("/")[2]
        if path in self.changes:
            return None if self.changes[path] is None else Entry(name, FILE)
        inside = [change for change in self.changes if change.startswith(f"{path}/")]
        if any(self.changes[change] is not None for change in inside):
            return Entry(name, FOLDER)
        entry = self.below.entry(path)
        if inside and entry is not None and entry.is_folder:
            gone = {change[len(path) + 1 :] for change in inside}
            if all(rest.name in gone for rest in self.below.list(path)):
                return None
            return Entry(name, FOLDER)
        return entry

    def read(self, path: str) -> bytes:
        """Give the content of a plain file."""
        if path not in self.changes:
            return self.below.read(path)
        content = self.changes[path]
        if content is None:
            raise KeyError(path)
        return content


def overlay(tree: Tree, changes: Mapping[str, bytes | None]) -> Overlay:
    """Lay changes over a tree; over an overlay they become part of it, so that edits do not pile up."""
    if isinstance(tree, Overlay):
        return Overlay(tree.below, {**tree.changes, **changes})
    return Overlay(tree, dict(changes))
