"""A registered model or an artifact as its page shows it: what can be read, and in place of the rest why it can't."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from podium import refs
from podium.errors import NoSuchVersion, Refused
from podium.model import Entity, Record, RegisteredModel, Registry
from podium.site.past import Past, Tenure, tenures
from podium.site.survey import Outline

MOST_PLOTS = 24
"""Metrics that are plotted; the table has all of them."""
MOST_LINES = 24
"""Links that a lineage picture shows, the newest ones."""


@dataclass(frozen=True)
class Row:
    """
    One version of a model or an artifact: ``artifact`` and ``number_there`` are where its record is.

    ``record`` is ``None`` where it cannot be read, and ``problem`` says why. ``withdrawn`` is the reason, or ``None``.
    """

    number: str
    aliases: Sequence[str]
    artifact: str
    number_there: str
    record: Record | None
    withdrawn: str | None = None
    problem: str = ""


@dataclass(frozen=True)
class Held:
    """An alias and the version that it names; ``tenure`` is since when, where that is known."""

    alias: str
    number: str | None
    row: Row | None
    tenure: Tenure | None
    problem: str = ""


@dataclass(frozen=True)
class View:
    """What the page of a registered model or an artifact shows."""

    entity: Entity
    outline: Outline
    rows: Sequence[Row]
    held: Sequence[Held]
    tenures: Sequence[Tenure]

    @cached_property
    def metrics(self) -> list[str]:
        """The metrics that any version has, in the order in which they came."""
        return list(dict.fromkeys(name for row in reversed(self.rows) if row.record for name in row.record.metrics))

    @property
    def withdrawn(self) -> list[Row]:
        """The versions that were withdrawn."""
        return [row for row in self.rows if row.withdrawn is not None]


def view(registry: Registry, outline: Outline, past: Past, rank: Mapping[str, int]) -> View:
    """Gather what the page of a model or an artifact shows; ``rank`` orders aliases."""
    entity = registry.entities(outline.kind)[outline.name]
    rows = [_row(entity, number, outline.aliases) for number in sorted(entity.numbers, key=refs.number, reverse=True)]
    terms = tenures(past.of_entity.get((outline.kind, outline.name), ()))
    return View(entity, outline, rows, sorted(_held(entity, rows, terms), key=lambda h: order(h.alias, rank)), terms)


def order(alias: str, rank: Mapping[str, int]) -> tuple[int, str]:
    """Give where an alias stands among others: first what serves live traffic, then what has a policy, then others."""
    return rank.get(alias, len(rank) + 1), alias.casefold()


def ranks(policies: Iterable[str]) -> Mapping[str, int]:
    """Give the order of aliases: production, then those with a policy, the one that is last to be reached first."""
    names = dict.fromkeys(["production", *reversed(list(policies))])
    return {alias: n for n, alias in enumerate(names)}


def _row(entity: Entity, number: str, held: Mapping[str, str]) -> Row:
    aliases = tuple(alias for alias, version in held.items() if version == number)
    artifact, there = "", ""
    try:
        artifact, there = _where(entity, number)
        record = _record(entity, artifact, there)
        return Row(number, aliases, artifact, there, record, _why_withdrawn(entity, number))
    except Refused as problem:
        return Row(number, aliases, artifact, there, None, _why_withdrawn(entity, number), problem.sentence)


def _where(entity: Entity, number: str) -> tuple[str, str]:
    if isinstance(entity, RegisteredModel):
        link = entity.links[number]
        return link.artifact, link.version
    return entity.name, number


def _record(entity: Entity, artifact: str, number: str) -> Record:
    records = entity.registry.artifact(artifact).records
    if number not in records:
        raise NoSuchVersion(artifact, number)
    return records[number]


def _why_withdrawn(entity: Entity, number: str) -> str | None:
    try:
        return entity.why_withdrawn(number)
    except Refused:  # said where the file is
        return None


def _held(entity: Entity, rows: Sequence[Row], terms: Sequence[Tenure]) -> Iterable[Held]:
    by_number = {row.number: row for row in rows}
    now = {term.alias: term for term in terms if term.until is None}
    for alias in entity.assignments:
        try:
            number = entity.assignments[alias].version
        except Refused as problem:
            yield Held(alias, None, None, None, problem.sentence)
            continue
        if number is None:
            continue
        row, term = by_number.get(number), now.get(alias)
        missing = "" if row is not None else f"there is no {number}"
        yield Held(alias, number, row, term if term is not None and term.version == number else None, missing)


# --- pictures -------------------------------------------------------------------------------------------------------


def plots(found: View) -> list[dict[str, Any]]:
    """
    Give the plot of each metric: ``points`` are number of the version, value, the aliases that name it, whether
    withdrawn.

    Names of metrics are titles only: fields with dots, brackets or quotes would mean something to the charting library.
    """
    return [{"name": name, "points": points} for name in found.metrics[:MOST_PLOTS] if (points := _points(found, name))]


def _points(found: View, name: str) -> list[list[Any]]:
    return [
        [refs.number(row.number), row.record.metrics[name], ", ".join(row.aliases), row.withdrawn is not None]
        for row in reversed(found.rows)
        if row.record is not None and name in row.record.metrics
    ]


def bars(terms: Sequence[Tenure], rank: Mapping[str, int]) -> dict[str, Any]:
    """Give the timeline: for each alias who held it from when to when (``null``: now), by the committers' clocks."""
    names = sorted({term.alias for term in terms}, key=lambda alias: order(alias, rank))
    return {"aliases": names, "bars": [_bar(term, names) for term in terms]}


def _bar(term: Tenure, names: Sequence[str]) -> list[Any]:
    return [names.index(term.alias), term.version, term.since.date, term.until.date if term.until is not None else None]


def lineage(links: Sequence[tuple[str, str, Sequence[str]]]) -> dict[str, Any]:
    """Give the lineage picture of some links: artifact version, model version, and the model's aliases for it."""
    shown = links[:MOST_LINES]
    left = list(dict.fromkeys(artifact for artifact, _, _ in shown))
    right = list(dict.fromkeys(model for _, model, _ in shown))
    aliases = {model: ", ".join(names) for _, model, names in shown}
    return {
        "left": left,
        "right": [[model, aliases[model]] for model in right],
        "lines": [[left.index(artifact), right.index(model)] for artifact, model, _ in shown],
        "more": len(links) - len(shown),
    }


# --- what the comparison reads --------------------------------------------------------------------------------------

MOST_FILES = 20_000
"""Entries of manifests that the comparison of an artifact's versions gets; older versions' are on their pages only."""


def compared(found: View) -> dict[str, Any]:
    """
    Give the versions of an artifact for the comparison: facts as pairs, since a name may be one that JavaScript knows.

    ``contents`` are the hashes of files, which each version names by their place in the list.
    """
    contents: dict[str, int] = {}
    room, versions = MOST_FILES, []
    for row in found.rows:
        if row.record is None:
            continue
        files = row.record.files
        room -= len(files or ())
        listed = None if files is None or room < 0 else [
            [file.path, file.size, contents.setdefault(file.sha256, len(contents))] for file in files
        ]  # fmt: skip
        versions.append([row.number, _facts(row.record), listed])
    return {"versions": versions, "contents": list(contents)}


def _facts(record: Record) -> dict[str, Any]:
    return {
        "metrics": _pairs(record.metrics),
        "params": _pairs(record.params),
        "metadata": _pairs(record.metadata),
        "source": _pairs(record.source),
        "size": record.size,
        "md5": record.md5,
        "created": record.created,
        "desc": record.desc,
    }


def _pairs(facts: Mapping[str, Any]) -> list[list[Any]]:
    return [[name, _written(value)] for name, value in facts.items()]


def _written(value: Any) -> Any:
    """Give a fact as it is to be shown; whole numbers that JavaScript cannot hold as text."""
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    return value if isinstance(value, (int, float)) else json.loads(json.dumps(list(value)))
