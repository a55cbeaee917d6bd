"""
log, link, promote, tag, withdraw …: Registry → Registry.

An edit is a function of a registry, so that one which lost a race is simply applied again to what the winner left: the
numbers are taken anew. Each refuses, with Denied, what the rules would find afterwards.
"""

from __future__ import annotations

from podium.edits.aliases import promote, rollback, unalias
from podium.edits.edited import Edit, Edited, in_turn
from podium.edits.entities import create, restore, tag, withdraw
from podium.edits.versions import LONGEST_MANIFEST, find, link, linked, log

__all__ = [
    "LONGEST_MANIFEST",
    "Edit",
    "Edited",
    "create",
    "find",
    "in_turn",
    "link",
    "linked",
    "log",
    "promote",
    "restore",
    "rollback",
    "tag",
    "unalias",
    "withdraw",
]
