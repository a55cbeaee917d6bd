"""The DVC remotes that a registry's own ``.dvc/config`` names: names only, read without DVC."""

from __future__ import annotations

import re

from podium import layout
from podium.tree import Tree

_SECTION = re.compile(
    r"""^[ \t]*\[[ \t]*['"]?[ \t]*remote[ \t]+"([^"\n]+)"[ \t]*['"]?[ \t]*\]""", re.MULTILINE | re.IGNORECASE
)


def named(tree: Tree) -> frozenset[str]:
    """Give the names, in lower case as DVC compares them; none where there is no such file."""
    entry = tree.entry(layout.DVC_CONFIG)
    if entry is None or not entry.is_file:
        return frozenset()
    text = tree.read(layout.DVC_CONFIG).decode(errors="replace")
    return frozenset(name.strip().lower() for name in _SECTION.findall(text))
