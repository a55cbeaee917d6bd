"""A repository for a new registry."""

from __future__ import annotations

from pathlib import Path

from podium.git import program


def init(root: Path) -> None:
    """Make a repository with the branch ``main`` where the folder is in none; raises Unavailable where Git cannot."""
    if top_level(root) is None:
        program.output(root, "init", "--quiet", "-b", "main", ".")


def top_level(folder: Path) -> Path | None:
    """Give the top of the work tree that a folder, which need not be there yet, lies in; ``None`` if it is in none."""
    return next((above for above in (folder.absolute(), *folder.absolute().parents) if (above / ".git").exists()), None)
