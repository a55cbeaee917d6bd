"""What happened to the registry, as plain values kept from one build to the next, and who held which alias when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from podium import git, timeline
from podium.diff import ALIAS_KINDS
from podium.errors import CannotTell, Denied
from podium.history import Event
from podium.render import plan
from podium.render.plain import one_line
from podium.render.timeline import metrics

if TYPE_CHECKING:
    from pygit2 import Repository

BEGIN, END = "\x02", "\x03"
"""What stands around each value in an effect: no text of a registry has these characters left when it is shown."""


@dataclass(frozen=True)
class Commit:
    """A commit as a page tells of it; ``date`` is ISO 8601 with the committer's offset."""

    id: str
    author: str
    date: str
    subject: str
    request: int | None


@dataclass(frozen=True)
class Happening:
    """One thing that a commit did; ``effect`` is a sentence with a mark around each value, ``metrics`` a move's."""

    commit: Commit = field(repr=False)
    kind: str
    entity: str | None
    name: str
    alias: str | None
    version: str | None
    before: str | None
    after: str | None
    effect: str
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Past:
    """All that happened on the first-parent line to a tip, oldest first; ``hidden``: why its beginning is unknown."""

    tip: str
    happenings: tuple[Happening, ...]
    hidden: str = ""

    @cached_property
    def of_entity(self) -> Mapping[tuple[str | None, str], Sequence[Happening]]:
        """What happened to each registered model (``"model", name``) and each artifact, oldest first."""
        found: dict[tuple[str | None, str], list[Happening]] = defaultdict(list)
        for each in self.happenings:
            found[each.entity, each.name].append(each)
        return found

    def stamp(self, kind: str, name: str) -> str:
        """Give what changes whenever something happens to an entity: a commit stands for all that was before it."""
        found = self.of_entity.get((kind, name), ())
        return f"{found[-1].commit.id if found else ''}{self.hidden}"


def read(repository: Repository, tip: str, known: Past | None = None) -> Past:
    """Give what happened up to a tip; what an earlier build found out is taken over where it is on the same line."""
    begun = known if known is not None and not known.hidden and _continues(repository, tip, known.tip) else None
    if begun is not None and begun.tip == tip:
        return begun
    found, hidden = _events(repository, tip, begun.tip if begun is not None else None)
    commits: dict[str, Commit] = {}
    happenings = [_happening(event, commits) for event in found]
    return Past(tip, (*(begun.happenings if begun is not None else ()), *_oldest_first(happenings)), hidden)


def _continues(repository: Repository, tip: str, old: str) -> bool:
    try:
        git.first_parents_until(repository, tip, old)
    except (Denied, CannotTell):
        return False
    return True


def _events(repository: Repository, tip: str, after: str | None) -> tuple[list[Event], str]:
    found: list[Event] = []
    try:
        for event in timeline.events(repository, tip, after_commit=after):
            found.append(event)  # noqa: PERF402 - what was found before history ends is to be kept
    except CannotTell as problem:
        return found, problem.sentence
    return found, ""


def _oldest_first(happenings: Sequence[Happening]) -> Iterable[Happening]:
    """Turn the order of the commits around, and leave that within each commit: what matters most stands first there."""
    steps: dict[str, list[Happening]] = defaultdict(list)
    for each in happenings:
        steps[each.commit.id].append(each)
    return (each for commit in reversed(steps) for each in steps[commit])


def _happening(event: Event, commits: dict[str, Commit]) -> Happening:
    change, made = event.change, event.commit
    if made.id not in commits:
        author, when = made.author, made.date.isoformat()
        commits[made.id] = Commit(made.id, author, when, made.subject, made.pull_request)
    moves = change.kind in ALIAS_KINDS
    return Happening(
        commits[made.id],
        change.kind,
        change.entity,
        change.name,
        change.alias,
        change.version,
        change.before if moves else None,
        change.after if moves else None,
        plan.effect(change, _marked),
        tuple(metrics(change.comparison)) if moves else (),
    )


def _marked(text: str) -> str:
    return f"{BEGIN}{one_line(text).replace(BEGIN, '').replace(END, '')}{END}"


# --- kept from build to build ---------------------------------------------------------------------------------------


def kept(past: Past) -> dict[str, Any] | None:
    """Give it as JSON values; ``None`` where it is not the whole past."""
    if past.hidden:
        return None
    commits = {each.commit.id: each.commit for each in past.happenings}
    number = {id_: n for n, id_ in enumerate(commits)}
    rows = [[number[each.commit.id], *_fields(each)] for each in past.happenings]
    return {"tip": past.tip, "commits": [astuple(commit) for commit in commits.values()], "happenings": rows}


def _fields(each: Happening) -> list[Any]:
    return [
        *(each.kind, each.entity, each.name, each.alias, each.version),
        *(each.before, each.after, each.effect, list(each.metrics)),
    ]


def restored(data: Mapping[str, Any] | None) -> Past | None:
    """Read what ``kept`` gave; ``None`` where it is not that."""
    try:
        assert data is not None
        commits = [Commit(*commit) for commit in data["commits"]]
        rows: list[list[Any]] = [[commits[n], *facts, tuple(said)] for n, *facts, said in data["happenings"]]
        return Past(data["tip"], tuple(Happening(*row) for row in rows))
    except (AssertionError, IndexError, KeyError, TypeError, ValueError):
        return None


# --- who held an alias ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tenure:
    """A version held an alias from a commit on, until another commit, or until now."""

    alias: str
    version: str
    since: Commit
    until: Commit | None


def tenures(happenings: Iterable[Happening]) -> list[Tenure]:
    """Give who held the aliases of one entity, oldest first, from what happened to it."""
    holding: dict[str, tuple[str, Commit]] = {}
    found: list[Tenure] = []
    for each in happenings:
        if each.kind not in ALIAS_KINDS or each.alias is None:
            continue
        if each.alias in holding:
            version, since = holding.pop(each.alias)
            found.append(Tenure(each.alias, version, since, each.commit))
        if each.after is not None:
            holding[each.alias] = (each.after, each.commit)
    return [*found, *(Tenure(alias, version, since, None) for alias, (version, since) in holding.items())]
