"""Values → documents: the reverse of ``read``, for what an edit adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from podium.codec.strict import Value
from podium.model import About, Alias, Link, Record


def link(value: Link) -> dict[str, Value]:
    """Give the document of a link."""
    return {"artifact": value.artifact, "version": value.version}


def alias(value: Alias) -> dict[str, Value]:
    """Give the document of an alias."""
    return {"generation": value.generation, "version": value.version}


def about(value: About) -> dict[str, Value]:
    """Give the document of ``model.yaml`` or ``artifact.yaml``; what says nothing is left out."""
    data: dict[str, Value] = {"description": value.description}
    if value.owners:
        data["owners"] = list(value.owners)
    if value.tags:
        data["tags"] = list(value.tags)
    if value.type != "model":
        data["type"] = value.type
    if value.remote:
        data["remote"] = value.remote
    if value.withdrawn:
        data["withdrawn"] = dict(value.withdrawn)
    return data


def record(value: Record, version: str) -> dict[str, Value]:
    """Give the document of a model version: a ``.dvc`` file with podium's record under ``meta``."""
    out: dict[str, Value] = {
        "md5": value.md5,
        "size": value.size,
        "nfiles": value.nfiles,
        "hash": "md5",
        "path": version,
    }
    if value.remote:
        out["remote"] = value.remote
    data: dict[str, Value] = {"outs": [out]}
    if value.desc:
        data["desc"] = value.desc
    data["meta"] = _meta(value)
    return data


def _meta(value: Record) -> dict[str, Value]:
    meta: dict[str, Value] = {"created": value.created, "author": value.author}
    if value.files is None:
        meta |= {"manifest": "remote", "sha256": value.sha256}
    else:
        meta["files"] = [
            {"path": file.path, "size": file.size, "md5": file.md5, "sha256": file.sha256} for file in value.files
        ]
    for name in ("metrics", "params", "metadata", "source"):
        facts: Mapping[str, Value] = getattr(value, name)
        if facts:
            meta[name] = {key: _plain(fact) for key, fact in facts.items()}
    return meta


def _plain(fact: Value) -> Value:
    return list(fact) if isinstance(fact, Sequence) and not isinstance(fact, str) else fact
