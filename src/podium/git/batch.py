"""A few objects by name, read by the git binary: it has them before libgit2 is loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from podium.git import ids, program

_FOUND = re.compile(rb"([0-9a-f]{40}) (?:blob|tree|commit|tag) ([0-9]{1,15})\n")

Object = tuple[str, bytes]
"""The id of an object, and its content."""


def by_name(folder: Path, names: Sequence[str]) -> list[Object | None]:
    """Give objects by name, as Git writes names (``HEAD:models``); ``None`` for each that is not there."""
    told = program.output(
        folder, "cat-file", "--batch", stdin="".join(f"{name}\n" for name in names).encode(), bare=True
    )
    found: list[Object | None] = []
    at = 0
    for name in names:
        head = _FOUND.match(told, at)
        at = told.find(b"\n", at) + 1
        if head is None and told[:at].endswith(f"{name} missing\n".encode()):
            found.append(None)
            continue
        end = at + int(head[2]) if head is not None else len(told)
        if head is None or told[end : end + 1] != b"\n":
            raise ids.strange("cat-file")
        found.append((head[1].decode(), told[at:end]))
        at = end + 1
    return found
