"""
What Git says of a line of commits, kept: what lies behind a commit never changes, so only newer ones are asked about.

Kept is Git's own answer, word for word, with the tip and the paths that it was given for. It holds as long as that tip
is on the line, which the ids of the commits say. Where a shallow clone or a graft makes a line look other than its ids
say, nothing is kept or used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from podium import kept
from podium.errors import Unavailable
from podium.git.objects import common_folder, objects_of, shallow_boundary
from podium.git.revisions import contains, first_parents

if TYPE_CHECKING:
    from pygit2 import Repository

FORM = "trail 5"
"""Changes when what is asked of Git does."""
WORTH_WRITING = 100
"""So many newer commits are asked about each time, before an answer is written anew."""
LARGEST = 32 * 1024 * 1024
"""Bytes of an answer that is kept; a longer one is for much of a registry: to read it would cost what asking does."""

Ask = Callable[[str | None], Iterator[bytes]]
"""Asks Git about the commits of a line, newest first, that came after one of them (``None``: all of them)."""


def told(repository: Repository, tip: str, paths: Sequence[str], folder: Path, ask: Ask) -> Iterator[bytes]:
    """
    Give what Git says of all the commits of a line that change some paths: what was kept in a folder, newer ones before
    it.

    It is ``ask(None)``, to the byte, cut anywhere. Raises what ``ask`` raises.
    """
    if shallow_boundary(repository) or (common_folder(Path(repository.path)) / "info" / "grafts").exists():
        yield from ask(None)
        return
    file = _place(folder, Path(repository.path), paths)
    until, older = _kept(file, paths)
    newer = _newer(repository, tip, until) if until is not None else None
    if newer is None:
        until, older = None, b""
    said: list[bytes] = []
    size = len(older)
    for chunk in ask(until) if newer != 0 else ():
        size += len(chunk)
        if size <= LARGEST:
            said.append(chunk)
        yield chunk
    yield older
    if size <= LARGEST and (newer is None or newer >= WORTH_WRITING):
        kept.write_bytes(file, FORM, b"".join([f"{tip} {_name(*paths)}\n".encode(), *said, older]))


def is_kept(folder: Path, repository: Path, paths: Sequence[str]) -> bool:
    """Tell whether a folder keeps what a repository's git may have said of some paths, or of the first of them."""
    return _place(folder, repository, paths).exists()


def _place(folder: Path, repository: Path, paths: Sequence[str]) -> Path:
    """Give the file in a folder: the first path names it, which is asked about; the others may be others tomorrow."""
    return folder / f"{_name(str(repository), *paths[:1])}.kept"


def _name(*texts: str) -> str:
    return kept.name("\0".join(texts))


def _newer(repository: Repository, tip: str, known: str) -> int | None:
    """Count the commits of a line after one that was its tip; ``None`` where that one is not on it, or not there."""
    with suppress(Unavailable), objects_of(repository):  # what was known may be gone
        if contains(repository, tip, known):
            return next((count for count, at in enumerate(first_parents(repository, tip)) if at == known), None)
    return None


# --- the file -------------------------------------------------------------------------------------------------------


def _kept(file: Path, paths: Sequence[str]) -> tuple[str | None, bytes]:
    """Read a tip and what Git said of its line; nothing where that was of other paths, or is not of this shape."""
    head, _, said = (kept.read_bytes(file, FORM) or b"").partition(b"\n")
    tip, _, of = head.partition(b" ")
    return (tip.decode(), said) if _ID.fullmatch(tip) and of == _name(*paths).encode() else (None, b"")


_ID = re.compile(rb"[0-9a-f]{40}")
