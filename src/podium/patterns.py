"""Git's path patterns, as ``.gitattributes`` and CODEOWNERS have them: whether one could mean a path of a registry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

Shape = Sequence[str]
"""The parts of a kind of path: each a name, ``*`` for any name, or an ending such as ``*.yaml``."""

_WILD = re.compile(r"[*?\[\]\\]")


def matches(text: str, pattern: str) -> bool:
    """
    Tell whether a pattern with ``*``, ``?`` and ``[...]`` matches a text, case and all.

    A bracket that nothing closes is a bracket. fnmatch says the same, but looks for the end anew at each of them.
    """
    if "[" not in pattern:
        return fnmatchcase(text, pattern)
    closed = pattern.rfind("]") + 1
    return fnmatchcase(text, pattern[:closed] + pattern[closed:].replace("[", "[[]"))


def may_mean(pattern: str, shape: Shape, *, inside: bool = False) -> bool:
    """
    Tell whether a pattern could match a path of this shape; says yes where it is hard to tell.

    ``inside``: a pattern that matches a folder means everything in it (CODEOWNERS, not ``.gitattributes``).
    """
    only_folders = pattern.endswith("/")
    if only_folders and not inside:
        return False
    parts = [part.lower() for part in pattern.strip("/").split("/")]
    if "/" not in pattern.rstrip("/"):
        parts.insert(0, "**")
    return _meets(_shortened(parts), [part.lower() for part in shape], inside=inside, only_folders=only_folders)


def _shortened(parts: Sequence[str]) -> list[str]:
    return [part for n, part in enumerate(parts) if part != "**" or n == 0 or parts[n - 1] != "**"]


def _meets(parts: Sequence[str], shape: Shape, *, inside: bool, only_folders: bool) -> bool:
    if sum(part != "**" for part in parts) > len(shape):
        return False
    if not parts:
        return inside and bool(shape) if only_folders else inside or not shape
    if parts[0] == "**":
        rests = (shape[n:] for n in range(len(shape) + 1))
        return any(_meets(parts[1:], rest, inside=inside, only_folders=only_folders) for rest in rests)
    return _part_meets(parts[0], shape[0]) and _meets(parts[1:], shape[1:], inside=inside, only_folders=only_folders)


def _part_meets(pattern: str, part: str) -> bool:
    if part == "*" or not _WILD.search(pattern):
        return fnmatchcase(pattern, part)
    if "*" not in part and "\\" not in pattern:
        return matches(part, pattern)
    literal = _WILD.split(pattern)
    head, tail = literal[0], literal[-1]
    start, _, end = part.partition("*")
    return _one_begins(head, start) and _one_begins(tail[::-1], end[::-1])


def _one_begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
