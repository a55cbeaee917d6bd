"""What one build leaves for the next, in the user's cache: it makes the next one quick, never different."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium import folders, kept
from podium.version import VERSION


def place(git_dir: str) -> Path:
    """Give the file for a repository."""
    return folders.cache() / "site" / f"{kept.name(git_dir)}.json"


def load(path: Path) -> dict[str, Any]:
    """Read what was left by a build of this very podium; nothing where there is none that can be read."""
    found = kept.read(path, stamp())
    return found if type(found) is dict else {}


def save(path: Path, data: Mapping[str, Any]) -> None:
    """Leave something; where the cache cannot be written, the next build takes longer."""
    kept.write(path, stamp(), dict(data))


def stamp() -> str:
    """Give what changes whenever podium would say something else."""
    return kept.program() or VERSION
