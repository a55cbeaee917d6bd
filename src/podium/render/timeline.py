"""Who moved what, when, in which commit: as text, JSON values and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from podium.diff import ALIAS_KINDS, Change, Comparison
from podium.history import Commit, Event
from podium.render import markdown as md
from podium.render import plan
from podium.render.plain import Repeated, Together, one_line

T = TypeVar("T")


def values(events: Iterable[Event]) -> Iterator[Together]:
    """Give what ``podium history --format json`` prints, one event at a time."""
    known: Known[tuple[Repeated, Repeated]] = {}
    for event in events:
        change = event.change
        if change.kind in ALIAS_KINDS:
            head, tail = _known(change, known, _around_generation)
            yield Together((_commit(event.commit), head, {"generation": change.generation}, tail))
        else:
            yield Together((_commit(event.commit), plan.change(change)))


def _around_generation(change: Change) -> tuple[Repeated, Repeated]:
    """Give what is said of an alias before its generation and after it, which is the same at each such move."""
    members = list(plan.change(change).items())
    at = [name for name, _ in members].index("generation")
    return Repeated(members[:at]), Repeated(members[at + 1 :])


def _commit(commit: Commit) -> dict[str, Any]:
    return {
        "commit": commit.id,
        "date": commit.date.isoformat(),
        "author": commit.author,
        "email": commit.email,
        "subject": commit.subject,
        "pull_request": commit.pull_request,
    }


def _steps(events: Iterable[Event]) -> Iterator[tuple[Commit, list[Event]]]:
    """Put together what one commit did."""
    step: list[Event] = []
    for event in events:
        if step and event.commit.id != step[0].commit.id:
            yield step[0].commit, step
            step = []
        step.append(event)
    if step:
        yield step[0].commit, step


def metrics(compared: Comparison | None) -> list[str]:
    """Say how the metrics are before and after."""
    pairs = compared.metrics.items() if compared is not None else ()
    said = ((name, plan.cell(pair.before), plan.cell(pair.after), plan.delta(pair)) for name, pair in pairs)
    return [f"{name} {old} → {new}{f' ({delta})' if delta else ''}" for name, old, new, delta in said]


Known = dict[tuple[Any, ...], tuple[Any, T]]
"""
What is said of a move, by the alias, the two versions, and the identity of their metrics, which are kept, or others
could have it.

Most moves of an alias are between the same few versions.
"""
_MOST_KNOWN = 1000


def _known(change: Change, known: Known[T], say: Callable[[Change], T]) -> T:
    """Say of a move what was said of one like it."""
    metrics = change.comparison.metrics if change.comparison is not None else None
    key = id(metrics), change.path, change.before, change.after
    found = known.get(key)
    if found is None:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        found = known[key] = metrics, say(change)
    return found[1]


# --- text -----------------------------------------------------------------------------------------------------------


def text(events: Iterable[Event]) -> str:
    """Tell it commit by commit, the newest first."""
    known: Known[Said] = {}
    return "\n\n".join([_step(commit, step, known) for commit, step in _steps(events)])


Said = tuple[str, str]
"""What a change does, on one line; and the lines that tell it."""


def _step(commit: Commit, step: Sequence[Event], known: Known[Said]) -> str:
    when = commit.date.isoformat(" ", "minutes")
    number, subject = commit.pull_request, commit.subject
    request = "" if number is None else f" #{number}"
    lines = [f"{commit.id[:12]} {when[:16]} {when[16:].replace(':', '')} {_who(commit.author, commit.email)}{request}"]
    for event in step:
        effect, told = _said(event.change, known)
        lines.append(told)
        if effect == subject:
            subject = ""
    if subject:
        lines.insert(1, f"  {subject}")
    return "\n".join(lines)


@lru_cache(maxsize=100)
def _who(author: str, email: str) -> str:
    return one_line(f"{author} <{email}>")


def _said(change: Change, known: Known[Said]) -> Said:
    return _known(change, known, _moved) if change.kind in ALIAS_KINDS else _plainly(change)


def _plainly(change: Change) -> Said:
    effect = plan.effect(change)
    return effect, f"  * {effect}"


def _moved(change: Change) -> Said:
    effect, line = _plainly(change)
    return effect, "\n".join([line, *(f"      {one_line(each)}" for each in metrics(change.comparison))])


# --- Markdown -------------------------------------------------------------------------------------------------------


def markdown(events: Iterable[Event]) -> str:
    """Tell it as a table, one row for each thing that happened, the newest first."""
    rows = [*map(_row, events)]
    return md.table(("when", "what", "metrics", "who", "commit", "pull request"), rows) if rows else "Nothing happened."


def _row(event: Event) -> str:
    commit, change = event.commit, event.change
    request = md.inert(f"#{commit.pull_request}") if commit.pull_request is not None else ""
    moved = metrics(change.comparison) if change.kind in ALIAS_KINDS else []
    cells = [commit.date.strftime("%Y-%m-%d"), plan.effect(change, md.code), ", ".join(map(md.code, moved))]
    return md.row([*cells, md.inert(commit.author), md.code(commit.id[:12]), request])
