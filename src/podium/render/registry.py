"""Versions, models and artifacts as JSON values and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from podium.model import Artifact, RegisteredModel, Row, Version
from podium.render.plain import columns, number, one_line, size


def version(value: Version) -> dict[str, Any]:
    """Give what ``podium resolve --format json`` prints of a version."""
    files = value.files
    return {
        "reference": value.reference,
        "model": value.model,
        "version": value.version,
        "alias": value.alias,
        "aliases": list(value.aliases),
        "tags": list(value.tags),
        "artifact": {
            "name": value.artifact.name,
            "version": value.artifact.version,
            "aliases": list(value.artifact.aliases),
        },
        "md5": value.md5,
        "size": value.size,
        "files": None
        if files is None
        else [{"path": file.path, "size": file.size, "md5": file.md5, "sha256": file.sha256} for file in files],
        "desc": value.desc,
        "created": value.created,
        "author": value.author,
        "metrics": dict(value.metrics),
        "params": dict(value.params),
        "metadata": dict(value.metadata),
        "source": dict(value.source),
        "withdrawn": value.withdrawn,
        "commit": value.commit,
    }


def row(value: Row) -> dict[str, Any]:
    """Give what ``podium list --format json`` prints of a registered model or an artifact."""
    return {
        "kind": value.kind,
        "name": value.name,
        "description": value.about.description,
        "owners": list(value.about.owners),
        "tags": list(value.about.tags),
        "latest": value.latest,
        "aliases": dict(value.aliases),
        "versions": value.versions,
    }


def shown(value: RegisteredModel | Artifact) -> dict[str, Any]:
    """Give what ``podium show --format json`` prints without a selector."""
    return {
        **row(value.row),
        "versions": [version(value.version(number)) for number in value.numbers],
        "withdrawn": dict(value.withdrawn),
    }


def table(values: Iterable[Row]) -> str:
    """Lay registered models or artifacts out as a table."""
    rows = [
        (value.name, ", ".join(value.about.tags) or "-", value.latest or "-", _aliases(value.aliases.items()))
        for value in values
    ]
    return columns(rows, ("NAME", "TAGS", "LATEST", "ALIASES"))


def _aliases(held: Iterable[tuple[str, str]]) -> str:
    return ", ".join([f"{alias}={number}" for alias, number in held]) or "-"


def line(value: Version) -> str:
    """Say on one line what a name means."""
    through = f"{value.model}:{value.version} → " if value.model else ""
    withdrawn = f"  WITHDRAWN: {one_line(value.withdrawn)}" if value.withdrawn else ""
    return f"{through}{value.artifact.name}:{value.artifact.version}  {value.md5}  {size(value.size)}{withdrawn}"


def card(value: RegisteredModel | Artifact) -> str:
    """Give the card: tags on top, description, owners, aliases, versions with their metrics, links to artifacts."""
    return "\n".join(_card(value))


def _card(value: RegisteredModel | Artifact) -> Iterator[str]:
    if value.about.tags:
        yield " ".join(f"[{tag}]" for tag in value.about.tags)
    yield f"{value.name}  ({'registered model' if value.kind == 'model' else 'model artifact'})"
    if value.description:
        yield value.description
    if value.about.owners:
        yield f"owners: {', '.join(value.about.owners)}"
    yield ""
    yield "aliases:" if value.held else "aliases: none"
    yield from (f"  {alias} → {number}" for alias, number in value.held.items())
    yield ""
    if not value.numbers:
        yield "versions: none"
        return
    yield _versions(value)


def _versions(value: RegisteredModel | Artifact) -> str:
    versions = [value.version(number) for number in reversed(list(value.numbers))]
    names = list(dict.fromkeys(name for version in versions for name in version.metrics))
    head = ("VERSION", *(("ARTIFACT",) if value.kind == "model" else ()), "ALIASES", *names, "SIZE", "CREATED", "NOTE")
    rows = [_version_row(version, names) for version in versions]
    with_notes = any(row[-1] for row in rows)
    return columns(rows if with_notes else [row[:-1] for row in rows], head if with_notes else head[:-1])


def _version_row(value: Version, names: list[str]) -> tuple[str, ...]:
    artifact = (f"{value.artifact.name}:{value.artifact.version}",) if value.model else ()
    metrics = tuple(number(value.metrics[name]) if name in value.metrics else "-" for name in names)
    note = f"WITHDRAWN: {value.withdrawn}" if value.withdrawn else value.desc
    aliases = ", ".join(value.aliases) or "-"
    return (value.version, *artifact, aliases, *metrics, size(value.size), value.created[:10], note)


def details(value: Version) -> str:
    """Give everything known of one version."""
    return "\n".join(_details(value))


def _details(value: Version) -> Iterator[str]:
    if value.tags:
        yield " ".join(f"[{tag}]" for tag in value.tags)
    yield f"{value.name}:{value.version}" + (f"  ({', '.join(value.aliases)})" if value.aliases else "")
    if value.withdrawn:
        yield f"WITHDRAWN: {value.withdrawn}"
    if value.desc:
        yield value.desc
    yield f"artifact  {value.artifact.name}:{value.artifact.version}" + (
        f"  ({', '.join(value.artifact.aliases)})" if value.artifact.aliases else ""
    )
    yield f"created   {value.created} by {value.author}"
    yield f"content   {value.md5}  {size(value.size)}"
    for title, facts in (
        ("metrics", value.metrics),
        ("params", value.params),
        ("metadata", value.metadata),
        ("source", value.source),
    ):
        if facts:
            yield f"{title}:"
            yield from (f"  {key}: {fact(item)}" for key, item in facts.items())
    yield "files:" if value.files is not None else f"files: {value.record.nfiles}, listed on the remote"
    yield from (f"  {file.path}  {size(file.size)}  {file.sha256}" for file in value.files or ())


def fact(value: Any) -> str:
    """Write one fact."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number(value)
    return one_line(value) if isinstance(value, str) else ", ".join(fact(item) for item in value)
