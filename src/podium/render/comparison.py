"""Two versions side by side, as text and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from podium.diff import Comparison, Files, Pair
from podium.model import Version
from podium.render.plain import columns, number, size
from podium.render.registry import fact


def value(compared: Comparison) -> dict[str, Any]:
    """Give what ``podium compare --format json`` prints."""
    return {
        "from": _name(compared.before),
        "to": _name(compared.after),
        "metrics": {name: _with_delta(pair) for name, pair in compared.metrics.items()},
        "params": {name: _pair(pair) for name, pair in compared.params.items()},
        "metadata": {name: _pair(pair) for name, pair in compared.metadata.items()},
        "files": files(compared.files),
        "size": {"from": _size(compared.before), "to": _size(compared.after)},
    }


def _name(version: Version | None) -> str | None:
    return f"{version.name}:{version.version}" if version is not None else None


def _size(version: Version | None) -> int | None:
    return version.size if version is not None else None


def _pair(pair: Pair) -> dict[str, Any]:
    return {"from": pair.before, "to": pair.after}


def _with_delta(pair: Pair) -> dict[str, Any]:
    return {**_pair(pair), "delta": pair.delta}


def files(changed: Files | None) -> dict[str, list[str]] | None:
    """Give the files that differ, as JSON has them."""
    if changed is None:
        return None
    return {"added": list(changed.added), "removed": list(changed.removed), "changed": list(changed.changed)}


def text(compared: Comparison) -> str:
    """Lay two versions side by side."""
    return "\n".join(_text(compared))


def _text(compared: Comparison) -> Iterator[str]:
    before, after = compared.before, compared.after
    rows = [
        ("content", _cell(before and before.md5[:12]), _cell(after and after.md5[:12]), ""),
        ("size", _bytes(before), _bytes(after), ""),
    ]
    for title, changes in (("metric", compared.metrics), ("param", compared.params), ("metadata", compared.metadata)):
        rows += _rows(title, changes)
    yield columns(rows, ("", _name(before) or "-", _name(after) or "-", "DIFFERENCE"))
    yield from _files(compared.files)


def _bytes(version: Version | None) -> str:
    return size(version.size) if version is not None else "-"


def _rows(title: str, changes: Mapping[str, Pair]) -> Iterator[tuple[str, str, str, str]]:
    for name, pair in changes.items():
        yield f"{title} {name}", _cell(pair.before), _cell(pair.after), _difference(pair)


def _difference(pair: Pair) -> str:
    if not pair.differs:
        return ""
    delta = pair.delta
    return "differs" if delta is None else f"{'+' if delta > 0 else ''}{number(delta)}"


def _cell(value: Any) -> str:
    return "-" if value is None else fact(value)


def _files(changed: Files | None) -> Iterator[str]:
    if changed is None:
        yield "files differ; a manifest lies on the remote"
        return
    for title, paths in (("added", changed.added), ("removed", changed.removed), ("changed", changed.changed)):
        yield from (f"file {title}: {path}" for path in paths)
