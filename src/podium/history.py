"""Step, Commit, Event: one registry became another; who did that, and what it did."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from podium import diff, layout
from podium.diff import Change
from podium.layout import Place
from podium.model import Registry
from podium.tree import Entry


@dataclass(frozen=True, slots=True)
class Difference:
    """A path at which two trees differ: its entry in each, ``None`` where it has none; never a folder."""

    path: str
    before: Entry | None
    after: Entry | None

    @property
    def place(self) -> Place | None:
        """What the format keeps at the path."""
        return layout.place(self.path)

    @property
    def is_new(self) -> bool:
        """Tell whether nothing was there before."""
        return self.before is None


Earlier = Callable[[str, str], frozenset[str]]
"""Given a registered model and an alias: the versions that held it earlier on the base's first-parent line."""


def _nothing_earlier(model: str, alias: str) -> frozenset[str]:  # noqa: ARG001
    """Know of no history."""
    return frozenset()


Contents = Callable[[str], MutableMapping[str, str]]
"""Given a folder of versions: what its files hold, by their ids, that may not be there twice. What is read is added."""


def _nothing_read(folder: str) -> dict[str, str]:  # noqa: ARG001
    """Know of no file."""
    return {}


@dataclass(frozen=True)
class Step:
    """
    A registry before and after a change, and the paths at which the two differ, in order.

    ``earlier`` looks into the history before the step; it raises Unavailable where a shallow clone hides it.
    ``contents`` is what is known of files that were read for other steps.
    """

    before: Registry
    after: Registry
    differences: tuple[Difference, ...]
    earlier: Earlier = field(default=_nothing_earlier, repr=False)
    contents: Contents = field(default=_nothing_read, repr=False)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths at which the registries differ."""
        return tuple(difference.path for difference in self.differences)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What the step means: aliases moved, versions logged, models made …"""
        return diff.changes(self.before, self.after, self.paths)

    def moved(self) -> Iterator[Change]:
        """Give the aliases that the step makes, moves or removes."""
        return (change for change in self.changes if change.kind in diff.ALIAS_KINDS)

    def is_rollback(self, change: Change) -> bool:
        """Tell whether an alias goes back to a version that held it earlier; raises Unavailable."""
        if change.entity != "model" or change.before is None or change.after is None or change.alias is None:
            return False
        model = self.before.models.get(change.name)
        if model is None or change.after not in model.links:
            return False  # what was not linked before cannot have held the alias
        return change.after in self.earlier(change.name, change.alias)


# --- a step that landed ---------------------------------------------------------------------------------------------

_MERGES = re.compile(
    r"Merge pull request #([0-9]{1,9})\b|Merge pull request '[^\n]*' \(#([0-9]{1,9})\) from |"
    r"Merged PR ([0-9]{1,9})\b|Pull request #([0-9]{1,9})\b|Merged in [^\n]* \(pull request #([0-9]{1,9})\)$"
)
_MERGE_REQUEST = re.compile(r"^See merge request [^\s!]*!([0-9]{1,9})$", re.MULTILINE)
_SQUASH = re.compile(r"\([#!]([0-9]{1,9})\)$")

_MAY_NAME_A_REQUEST = re.compile(r"[#!]|Merged\s+PR")
"""In every message in which one of the others finds something; most have nothing of it."""


class Commit(NamedTuple):
    """
    A commit, as people know it: who made it, when by the committer's clock, and what they said.

    ``date`` has the committer's offset; no order follows from it.
    """

    id: str
    author: str
    email: str
    date: datetime
    message: str

    @property
    def subject(self) -> str:
        """The first paragraph of the message, on one line."""
        return " ".join(self.message.strip().partition("\n\n")[0].split())

    @property
    def pull_request(self) -> int | None:
        """The number of the pull or merge request, where a forge wrote it into the message; ``None`` where none did."""
        if _MAY_NAME_A_REQUEST.search(self.message) is None:
            return None
        found = _MERGES.match(self.subject) or _MERGE_REQUEST.search(self.message) or _SQUASH.search(self.subject)
        return int(next(filter(None, found.groups()))) if found is not None else None


class Event(NamedTuple):
    """One thing that a commit on a first-parent line did to the registry."""

    commit: Commit
    change: Change
