"""What an edit makes of files, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from podium import codec
from podium.edits import Edit, Edited
from podium.tree import Overlay, Tree


@dataclass(frozen=True)
class Published:
    """
    What became of an edit: its result line, whether there was anything to do, the files, and the commit if one was
    made.

    In a dry run ``files`` are those that would be written, and ``plan`` says what a pull request would mean. ``url`` is
    that of the pull request, or where to open it.
    """

    result: str
    changed: bool
    files: tuple[str, ...] = ()
    commit: str | None = None
    url: str | None = None
    notes: tuple[str, ...] = ()
    plan: str = ""


Before = Callable[[], object]
"""Is called before anything of a change can be seen by others: the bytes are sent first."""


def nothing() -> None:
    """Have nothing to do first."""


def applied(edit: Edit, tree: Tree) -> tuple[Edited, Mapping[str, bytes | None]]:
    """Apply an edit to files, and give with what it made the files that differ by it."""
    edited = edit(codec.read(tree))
    after = edited.registry.tree
    if not edited.changed or not isinstance(after, Overlay):
        return edited, {}
    return edited, {path: new for path, new in after.changes.items() if content(tree, path) != new}


def content(tree: Tree, path: str) -> bytes | None:
    """Give the content of a plain file; ``None`` where there is none."""
    try:
        return tree.read(path)
    except KeyError:
        return None


def outcome(edited: Edited, changes: Mapping[str, bytes | None]) -> Published:
    """Say what became of an edit whose changes are made, or would be."""
    return Published(edited.result, bool(changes), tuple(sorted(changes)), notes=edited.notes)
