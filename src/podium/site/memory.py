"""What one build leaves for the next, in the user's cache: it makes the next one quick, and never makes it different."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import podium
from podium import git


def place(git_dir: str) -> Path:
    """Give the file for a repository."""
    digest = hashlib.sha256(git_dir.encode("utf-8", "surrogateescape")).hexdigest()[:20]
    return git.cache_folder() / "site" / f"{digest}.json"


def load(path: Path) -> dict[str, Any]:
    """Read what was left by a build of this very podium; nothing where there is none that can be read."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) and data.get("podium") == stamp() else {}


def save(path: Path, data: Mapping[str, Any]) -> None:
    """Leave something; where the cache cannot be written, the next build takes longer."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({"podium": stamp(), **data}, separators=(",", ":")).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there with all of its content, or as it was."""
    new = path.with_name(f".podium-{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


@cache
def stamp() -> str:
    """Give what changes whenever podium would say something else: the hash of its own code and templates."""
    digest = hashlib.sha256()
    for path in sorted(Path(str(resources(podium))).rglob("*")):
        if path.suffix in (".py", ".html", ".css", ".js", ".json") and path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:20]
