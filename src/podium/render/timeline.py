"""Who moved what, when, in which commit: as text, JSON values and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from podium.diff import ALIAS_KINDS, Comparison
from podium.history import Commit, Event
from podium.render import markdown as md
from podium.render import plan
from podium.render.plain import one_line


def values(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """Give what ``podium history --format json`` prints, one event at a time."""
    known: plan.Compared = {}
    return ({**_commit(event.commit), **plan.change(event.change, known)} for event in events)


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
    for _, step in groupby(events, key=lambda event: event.commit.id):
        found = list(step)
        yield found[0].commit, found


def metrics(compared: Comparison | None) -> list[str]:
    """Say how the metrics are before and after."""
    pairs = compared.metrics.items() if compared is not None else ()
    said = ((name, plan.cell(pair.before), plan.cell(pair.after), plan.delta(pair)) for name, pair in pairs)
    return [f"{name} {old} → {new}{f' ({delta})' if delta else ''}" for name, old, new, delta in said]


# --- text -----------------------------------------------------------------------------------------------------------


def text(events: Iterable[Event]) -> str:
    """Tell it commit by commit, the newest first."""
    said: Said = {}
    return "\n\n".join("\n".join(_step(commit, step, said)) for commit, step in _steps(events))


Said = dict[int, tuple[Any, list[str]]]
"""What was said of a comparison's metrics, by their identity, and these: most moves of an alias are between the same few versions."""


def _step(commit: Commit, step: Sequence[Event], said: Said) -> Iterator[str]:
    number = commit.pull_request
    when = commit.date.isoformat(" ", "minutes")
    clock = f"{when[:16]} {when[16:].replace(':', '')}"
    yield one_line(
        f"{commit.id[:12]} {clock} {commit.author} <{commit.email}>{'' if number is None else f' #{number}'}"
    )
    effects = [plan.effect(event.change) for event in step]
    if commit.subject and commit.subject not in effects:
        yield f"  {commit.subject}"
    for event, effect in zip(step, effects, strict=True):
        yield f"  * {effect}"
        if event.change.kind in ALIAS_KINDS:
            yield from _metrics(event.change.comparison, said)


def _metrics(compared: Comparison | None, said: Said) -> list[str]:
    if compared is None:
        return []
    known = said.get(id(compared.metrics))
    if known is None:
        plan.forget_some(said)
        known = compared.metrics, [f"      {one_line(line)}" for line in metrics(compared)]
        said[id(compared.metrics)] = known
    return known[1]


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
