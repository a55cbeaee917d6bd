"""Values ⇄ the documents of a static index: the registry's own as JSON, laid together so that one file is enough."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from podium import codec, refs, schemas
from podium.codec import write
from podium.errors import NewerFormat
from podium.index import places
from podium.model import About, Alias, Artifact, Entity, Link, Record, RegisteredModel, Settings
from podium.schemas import strict_json
from podium.visible import redacted_in

Document = dict[str, Any]


@dataclass(eq=False)
class NotAsAgreed(Exception):
    """
    A document of an index is not what the format says; ``why`` completes "it …".

    ``ours``: it says of itself that it is one.
    """

    why: str
    ours: bool = False


def encode(document: Document) -> bytes:
    """Give the bytes of a document: the same for the same content, and no character that steers anything."""
    return json.dumps(redacted_in(document), separators=(",", ":"), allow_nan=False).encode() + b"\n"


def summed(document: Document) -> bytes:
    """
    Give the bytes of a document that lies under its name: its last key is ``sum``, the SHA-256 of all that stands
    before.

    It is for accidents on the way and on the disk; who may write the file may write the sum.
    """
    before = encode(document).removesuffix(b"}\n")
    return b'%s,"sum":"%s"}\n' % (before, hashlib.sha256(before).hexdigest().encode())


def decode(raw: bytes) -> Document:
    """Read a document strictly; raises NotAsAgreed, or NewerFormat where it is for a podium to come."""
    try:
        document = strict_json.parsed(raw.decode())
    except (UnicodeDecodeError, strict_json.NoJsonError):
        raise NotAsAgreed("is no JSON: perhaps a login page, or cut short") from None
    if not isinstance(document, dict) or _has_doubles(document):
        raise NotAsAgreed("is no JSON mapping in which each key is there once")
    return document


def headed(raw: bytes) -> Document:
    """Read a document that says its format; raises NotAsAgreed or NewerFormat."""
    document = decode(raw)
    found = document.get("format")
    if found != places.FORMAT:
        name, _, number = str(found).partition("/v")
        if name == "podium-index" and number.isascii() and number.isdecimal():
            raise NewerFormat(str(found), places.FORMAT)
        raise NotAsAgreed("is no file of a podium index")
    before, _, rest = raw.rpartition(b',"sum":"')
    if rest.removesuffix(b'"}\n') != hashlib.sha256(before).hexdigest().encode():
        raise NotAsAgreed("is damaged: its content is not what its sum says", ours=True)
    return document


def is_ours(raw: bytes) -> bool:
    """Tell whether some podium began to write a document, whatever became of the rest."""
    return raw.startswith(_BEGINS)


_BEGINS = encode({"format": "podium-index/v"}).removesuffix(b'"}\n')


def _has_doubles(value: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(value, strict_json.Doubled) or any(map(_has_doubles, value.values()))
    return isinstance(value, list) and any(map(_has_doubles, value))


# --- the root, and the names ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Root:
    """What ``index.json`` says: whose registry it is, of which commit, and where the bytes are."""

    settings: Settings
    commit: str | None
    remotes: Document


def root(settings: Settings, commit: str | None, remotes: Document) -> Document:
    """Make the document that all begins with."""
    return {
        "format": places.FORMAT,
        "entity": settings.entity,
        "description": settings.description,
        "commit": commit,
        "dvc": remotes,
    }


def read_root(raw: bytes) -> Root:
    """Read ``index.json``; raises NotAsAgreed or NewerFormat."""
    found = headed(raw)
    entity, commit, remotes = found.get("entity"), found.get("commit"), found.get("dvc")
    _agree(isinstance(entity, str) and refs.why_not_name(entity) is None, "names no entity")
    _agree(commit is None or isinstance(commit, str), "names no commit")
    _agree(isinstance(remotes, dict), "says nothing of DVC remotes")
    return Root(Settings(str(entity), _text(found, "description")), commit, dict(remotes or {}))


def names(models: list[str], artifacts: list[str]) -> Document:
    """Make the document that lists what there is."""
    return {"format": places.FORMAT, "models": models, "artifacts": artifacts}


def read_names(raw: bytes) -> dict[refs.Kind, list[str]]:
    """Read the list of what there is; raises NotAsAgreed."""
    found = headed(raw)
    models, artifacts = found.get("models"), found.get("artifacts")
    _agree(isinstance(models, list) and isinstance(artifacts, list), "does not list names")
    assert isinstance(models, list)
    assert isinstance(artifacts, list)
    _agree(all(isinstance(name, str) and is_name("model", name) for name in models), "lists an odd model")
    _agree(all(isinstance(name, str) and is_name("artifact", name) for name in artifacts), "lists an odd artifact")
    return {"model": models, "artifact": artifacts}


def is_name(kind: refs.Kind, name: str) -> bool:
    """Tell whether a registered model, or a model artifact, may be called so."""
    if kind == "model":
        return refs.why_not_name(name) is None
    project, slash, own = name.partition("/")
    return bool(slash) and refs.why_not_project(project) is None and refs.why_not_name(own) is None


# --- registered models and model artifacts ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """
    A version as the file of its model or artifact has it: where its record lies, and what else may move.

    ``link`` is the version of an artifact that a registered model means; ``withdrawn`` the reason for which that one
    was withdrawn, ``aliases`` the artifact's aliases for it.
    """

    record: str
    link: Link | None = None
    withdrawn: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """A registered model or model artifact as its file has it."""

    about: About
    aliases: Mapping[str, Alias]
    members: Mapping[str, Member]
    card: str | None


def model(value: RegisteredModel, record: Callable[[Link], str], card: str | None) -> Document:
    """Make the document of a registered model; ``record`` gives the hash under which a version's record lies."""
    return {
        **_head(value),
        "card": card,
        "versions": {number: _linked(value, link, record(link)) for number, link in value.links.items()},
    }


def _linked(value: RegisteredModel, link: Link, record: str) -> Document:
    found: Document = {"artifact": link.artifact, "version": link.version, "record": record}
    aliases = value.registry.artifact(link.artifact).aliases_of(link.version)
    if aliases:
        found["aliases"] = list(aliases)
    withdrawn = value.registry.artifact(link.artifact).why_withdrawn(link.version)
    if withdrawn is not None:
        found["withdrawn"] = withdrawn
    return found


def artifact(value: Artifact, record: Callable[[str], str]) -> Document:
    """Make the document of a model artifact; ``record`` gives the hash under which a version's record lies."""
    return {**_head(value), "versions": {number: {"record": record(number)} for number in value.numbers}}


def _head(value: Entity) -> Document:
    return {
        "format": places.FORMAT,
        "entity": value.registry.entity,
        "kind": value.kind,
        "name": value.name,
        value.kind: write.about(value.about),
        "aliases": {alias: write.alias(assigned) for alias, assigned in value.assignments.items()},
    }


def read_entity(raw: bytes, kind: refs.Kind, name: str, entity: str) -> Shown:
    """Read the file of a registered model or artifact; raises NotAsAgreed for another's, or one not as it should be."""
    found = headed(raw)
    _agree((found.get("kind"), found.get("name"), found.get("entity")) == (kind, name, entity), "is of something else")
    about, aliases, versions = found.get(kind), found.get("aliases"), found.get("versions")
    _agree(schemas.is_valid(kind, about), f"holds no {kind} document")
    _agree(isinstance(aliases, dict) and isinstance(versions, dict), "lists no aliases and versions")
    card = found.get("card")
    _agree(card is None or places.is_sha256(card), "names an odd model card")
    members = {number: _member(kind, number, member) for number, member in dict(versions or {}).items()}
    assigned = {alias: _alias(alias, data) for alias, data in dict(aliases or {}).items()}
    ordered = dict(sorted(members.items(), key=lambda pair: refs.number(pair[0])))
    return Shown(codec.about_of(dict(about or {})), assigned, ordered, card)


def _alias(alias: str, data: Any) -> Alias:
    _agree(refs.why_not_alias(alias) is None and schemas.is_valid("alias", data), f"holds an odd alias {alias!a}")
    return codec.alias_of(data)


def _member(kind: refs.Kind, number: str, data: Any) -> Member:
    odd = f"holds an odd version {number!a}"
    _agree(refs.is_version(number) and isinstance(data, dict) and places.is_sha256(data.get("record")), odd)
    if kind == "artifact":
        return Member(data["record"])
    link = {key: data.get(key) for key in ("artifact", "version")}
    aliases, withdrawn = data.get("aliases", []), data.get("withdrawn")
    _agree(schemas.is_valid("link", link) and is_name("artifact", str(link["artifact"])), odd)
    _agree(
        isinstance(aliases, list) and all(isinstance(one, str) and not refs.why_not_alias(one) for one in aliases), odd
    )
    _agree(withdrawn is None or isinstance(withdrawn, str), odd)
    return Member(data["record"], codec.link_of(link), withdrawn, tuple(aliases))


def record(value: Record, number: str) -> Document:
    """Make the document of a model version: its ``.dvc`` file as JSON."""
    return write.record(value, number)


def read_record(raw: bytes, number: str) -> Record:
    """Read the record of a version; raises NotAsAgreed."""
    found = decode(raw)
    _agree(schemas.is_valid("version", found) and found["outs"][0]["path"] == number, "is no record of that version")
    return codec.record_of(found)


def _text(document: Document, key: str) -> str:
    value = document.get(key, "")
    _agree(isinstance(value, str), f"has an odd {key}")
    return str(value)


def _agree(holds: object, otherwise: str) -> None:
    if not holds:
        raise NotAsAgreed(otherwise)
