"""
One file of a merge, as Git's merge driver sees it: three contents and a path, and nothing of the files around it.

What needs more than that, a new number for a version, waits until Git has stopped: ``conflicts.settle`` does it then.
"""

from __future__ import annotations

from pathlib import Path

from podium import codec, git, layout, merging
from podium.codec import Value
from podium.errors import Refused
from podium.layout import Place


def merge(base: Path, ours: Path, theirs: Path, marker: int, path: str) -> str | None:
    """
    Merge a file into ``ours``; give ``None`` where that settles it, else what people are to be told (may be empty).

    Two versions of one number stay as ours has it, so that no file under ``versions/`` ever holds conflict markers;
    ``marker`` is the length of those in other files.
    """
    place = layout.place(path)
    if place is not None and place.document in ("link", "version"):
        again = "once git has stopped, `podium check --fix` re-numbers the later"
        return f"both sides made {place.name}:{place.member}; {again}"
    if (
        place is not None
        and place.document in ("model", "artifact")
        and _merged_by_key(base, ours, theirs, path, place)
    ):
        return None
    if git.merge_text(ours, base, theirs, marker):
        return None
    if place is not None and place.document == "alias":
        return f"both sides move {place.name} {place.member}; `podium check --fix` says who, and what to do"
    return ""


def _merged_by_key(base: Path, ours: Path, theirs: Path, path: str, place: Place) -> bool:
    try:
        merged = merging.merge_about(*(_data(file, path, place) for file in (base, ours, theirs)))
        if merged is None:
            return False
        ours.write_bytes(codec.rewrite(place.document, ours.read_bytes(), merged))
    except (Refused, codec.Malformed):
        return False
    return True


def _data(file: Path, path: str, place: Place) -> dict[str, Value]:
    raw = file.read_bytes()
    return codec.Source(path, raw).valid(place.document) if raw else {}
