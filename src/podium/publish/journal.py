"""What a commit is about to do, noted in the git directory, so that the same command finds what a killed one left."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.errors import Unavailable
from podium.git import Checkout

_NAME = "podium-commit.json"


@dataclass(frozen=True)
class Note:
    """An edit being committed: its result, the commit's subject, and the sha256 of each file (``None``: removed)."""

    result: str
    subject: str
    files: Mapping[str, str | None]

    @classmethod
    def of(cls, result: str, subject: str, changes: Mapping[str, bytes | None]) -> Note:
        """Note an edit's changes."""
        return cls(result, subject, {path: _hash(content) for path, content in changes.items()})

    def left(self, checkout: Checkout) -> list[str]:
        """Give the files that lie on disk exactly as they were to be committed."""
        return [path for path, hashed in self.files.items() if _hash(_on_disk(checkout.root / path)) == hashed]


def read(checkout: Checkout) -> Note | None:
    """Give the note of a commit that did not come to its end."""
    try:
        kept: dict[str, Any] = json.loads(_place(checkout).read_text())
        return Note(str(kept["result"]), str(kept["subject"]), dict(kept["files"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


@contextmanager
def noted(checkout: Checkout, note: Note, *, finishes: bool) -> Iterator[None]:
    """
    Keep a note while a commit is made; the one that was there before comes back, unless this commit ``finishes`` it.

    Raises Unavailable where the disk does not take it.
    """
    before = read(checkout)
    keep(checkout, note)
    try:
        yield
    except BaseException:
        keep(checkout, before)
        raise
    keep(checkout, None if finishes else before)


def keep(checkout: Checkout, note: Note | None) -> None:
    """
    Put a note in place of the one there is, at once; raises Unavailable where the disk does not take it.

    It is on the disk before the commit begins: what a crash of the machine leaves half done is known by it.
    """
    if note is None:
        _place(checkout).unlink(missing_ok=True)
        return
    unfinished = _place(checkout).with_suffix(".new")
    try:
        with unfinished.open("w") as file:
            json.dump({"result": note.result, "subject": note.subject, "files": dict(note.files)}, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(_place(checkout))
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        see = "see to the disk and its permissions"
        raise Unavailable(f"the commit cannot be prepared: {error.strerror} ({unfinished})", see) from None


def began(checkout: Checkout) -> float | None:
    """Give when the commit began that did not come to its end, in seconds of the epoch; ``None`` if there is none."""
    try:
        return _place(checkout).stat().st_mtime
    except OSError:
        return None


def _place(checkout: Checkout) -> Path:
    return checkout.git_dir / _NAME


def _hash(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _on_disk(file: Path) -> bytes | None:
    try:
        return file.read_bytes() if not file.is_symlink() else None
    except OSError:
        return None
