"""
Small files of things that can be found out again, in the user's cache: read whole, or dropped.

Nothing in them is trusted but what a caller has looked at. A file is written beside its place and renamed into it, so that
any number of processes may; one of another podium, one that is broken and one that is too large are as good as none.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from podium.version import VERSION

MOST_BYTES = 64 * 1024 * 1024
"""A larger file is neither written nor read."""
MOST_FILES = 64
"""So many lie in one folder; then the one that was not written for the longest time goes."""


def read(path: Path, form: str) -> Any:
    """Give what was kept in a file under this form; ``None`` where there is nothing that can be used."""
    with suppress(OSError, ValueError, RecursionError, MemoryError):
        with path.open("rb") as file:
            if not _is_ours(os.fstat(file.fileno())):
                return None
            found = json.load(file)
        if type(found) is dict and found.get("podium") == VERSION and found.get("form") == form:
            return found.get("kept")
    return None


def _is_ours(found: os.stat_result) -> bool:
    """Tell whether nobody else could have written a file, and it is no larger than ours are."""
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022 and found.st_size <= MOST_BYTES


def write(path: Path, form: str, value: Any) -> None:
    """Keep a value; where the disk does not take it, nothing is kept."""
    content = json.dumps({"podium": VERSION, "form": form, "kept": value}, separators=(",", ":")).encode()
    if len(content) > MOST_BYTES:
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make_room(path.parent)
        _replace(path, content)


def _replace(path: Path, content: bytes) -> None:
    import tempfile

    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(beside, path)  # noqa: PTH105 - two names, no need for paths
    except BaseException:
        os.unlink(beside)  # noqa: PTH108
        raise


def _make_room(folder: Path) -> None:
    """Take away the files that were written longest ago, and what a writer that was killed left."""
    by_age = sorted((file for file in folder.iterdir() if file.is_file()), key=lambda file: file.stat().st_mtime)
    for file in by_age[: max(0, len(by_age) - MOST_FILES + 1)]:
        file.unlink(missing_ok=True)
