"""log and link: a version, and a bookmark of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from podium import codec, layout, refs
from podium.edits.edited import Edited
from podium.edits.writing import created, no_file, refuse_unsound, written
from podium.errors import Denied
from podium.model import About, Artifact, Link, Record, RegisteredModel, Registry, Version
from podium.tree import overlay

LONGEST_MANIFEST = 5000
"""A manifest of more files is left on the remote, so that a record stays something people can read."""


def log(registry: Registry, artifact: str, record: Record) -> Edited:
    """
    Record the next version of an artifact, which is made where it is not there yet.

    ``record`` has both the manifest and its hash; which of the two is kept depends on the manifest's length. Content
    that a version of the artifact has already makes no new one; raises Denied where that version was withdrawn.
    """
    refs.checked_artifact(artifact)
    present = registry.artifacts.get(artifact)
    known = find(present, record.md5) if present is not None else None
    if present is not None and known is not None:
        return _logged_before(registry, present, known, record)
    made = registry if present is not None else created(registry, "artifact", artifact, About())
    version = refs.version(_next(present.numbers if present is not None else ()))
    path = layout.version("artifact", artifact, version)
    try:
        raw = _file(_Same(record), version)
    except codec.Malformed as problem:
        raise no_file(path, problem) from None
    if made.tree.entry(path) is not None:
        return Edited(written(made, path, "version", codec.decode(raw)), f"{artifact}:{version}")
    return Edited(codec.read(overlay(made.tree, {path: raw})), f"{artifact}:{version}")


@dataclass(frozen=True)
class _Same:
    """A record that is the same as itself only."""

    record: Record

    def __hash__(self) -> int:
        return id(self.record)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.record is self.record


@lru_cache(maxsize=4)
def _file(same: _Same, version: str) -> bytes:
    """
    Give the file of a version; raises Denied for what the schema does not allow, Malformed for what is no file of the
    format.

    It may name 5,000 files, and an edit that logs it is made several times: to look, to show, to write. It is made
    once.
    """
    data, raw = _document(same.record, version)
    refuse_unsound("version", data)
    codec.decode(raw)
    return raw


def _document(record: Record, version: str) -> tuple[dict[str, codec.Value], bytes]:
    if record.files is not None and len(record.files) <= LONGEST_MANIFEST:
        full = codec.write.record(replace(record, sha256=None), version)
        raw = codec.encode("version", full)
        if len(raw) <= codec.MAX_BYTES:
            return full, raw
    short = codec.write.record(replace(record, files=None), version)
    return short, codec.encode("version", short)


def _logged_before(registry: Registry, artifact: Artifact, version: str, record: Record) -> Edited:
    name = f"{artifact.name}:{version}"
    reason = artifact.why_withdrawn(version)
    if reason is not None:
        raise Denied(
            f"{name} has the same content and was withdrawn: {reason}",
            f"bring it back with `podium restore {name}`",
        )
    notes = [f"{name} has the same content already; no new version was made"]
    old = artifact.records[version]
    differing = [
        what
        for what in ("metrics", "params", "metadata", "desc")
        if getattr(record, what) not in ({}, "", getattr(old, what))
    ]
    if differing:
        notes.append(f"the {', '.join(differing)} given differ from those recorded; the record stays as it is")
    return Edited(registry, name, changed=False, notes=tuple(notes))


def find(artifact: Artifact, md5: str) -> str | None:
    """Give the version of an artifact that has this content; the newest are looked at first."""
    needle = md5.encode()
    for version in reversed(list(artifact.numbers)):
        # most records are told apart by their bytes alone, at a tenth of the cost of decoding them
        if needle not in artifact.registry.tree.read(layout.version("artifact", artifact.name, version)):
            continue
        if artifact.records[version].md5 == md5:
            return version
    return None


def link(registry: Registry, target: Version, model: str) -> Edited:
    """
    Bookmark a model version in a registered model, which is made where it is not there yet.

    A version that is linked already is not linked again. Raises Denied where the version was withdrawn.
    """
    refs.checked_model(model)
    bookmark = Link(target.artifact.name, target.artifact.version)
    present = registry.models.get(model)
    known = linked(present, bookmark) if present is not None else None
    if known is not None:
        note = f"{bookmark.artifact}:{bookmark.version} is linked already"
        return Edited(registry, f"{model}:{known}", changed=False, notes=(note,))
    if target.withdrawn is not None:
        raise Denied(
            f"{bookmark.artifact}:{bookmark.version} was withdrawn: {target.withdrawn}",
            f"link another version, or bring it back with `podium restore {target.reference}`",
        )
    made = registry if present is not None else created(registry, "model", model, About())
    version = refs.version(_next(present.numbers if present is not None else ()))
    after = written(made, layout.version("model", model, version), "link", codec.write.link(bookmark))
    return Edited(after, f"{model}:{version}")


def linked(model: RegisteredModel, bookmark: Link) -> str | None:
    """Give the link of a registered model that points to this version; ``None`` where none does."""
    return next((version for version in reversed(list(model.numbers)) if model.links[version] == bookmark), None)


def _next(numbers: Iterable[str]) -> int:
    return max((refs.number(version) for version in numbers), default=-1) + 1
