"""A new registry, or what one lacks: the files that ``podium init`` writes."""

from __future__ import annotations

import configparser
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from podium import ci, codec, codeowners, folders, git, layout, refs, rules, schemas
from podium.errors import BadName, Denied, Unavailable, Usage
from podium.layout import Document
from podium.model import Registry
from podium.publish import files
from podium.tree import overlay
from podium.visible import STEERING, redacted

IGNORED = "/artifacts/*/*/versions/v*/"
"""
What Git must not see: the workspace copies of model versions, which DVC puts beside their records.

Not `versions/*/`: the library that DVC asks takes that for the folder `versions/` itself, and DVC then sees no version.
"""

DVC_IGNORED = "/config.local\n/tmp\n/cache\n"


@dataclass(frozen=True)
class Founded:
    """What was written, and where the bytes will go."""

    root: Path
    written: tuple[str, ...]
    remote: str


def found(root: Path, *, entity: str | None, remote: str | None, install: str) -> Founded:
    """
    Make a registry in a folder, or add what the one there lacks; nothing that is there is changed.

    Makes the Git repository too where there is none, and commits nothing; ``install`` is what a job installs. Raises
    BadName for an entity that may not be one, Denied where the folder lies inside another repository or has another DVC
    remote already.
    """
    _refuse_inside(root)
    known = _entity_there(root)
    name = entity if entity is not None else known or _entity(root)
    reason = refs.why_not_name(name)
    if reason is not None:
        raise BadName("entity", name, reason)
    if known is not None and name != known:
        raise Denied(f"the registry here has the entity {known!r}", "an entity is never renamed: leave --entity out")
    store = _remote(root, name, remote)
    if "://" not in store:
        _make_store(Path(os.path.normpath(root.absolute() / ".dvc" / store)))
    root.mkdir(parents=True, exist_ok=True)
    git.init(root)
    written = [path for path, text in _files(root, name, store, install).items() if _write(root, path, text)]
    return Founded(root, tuple(written), store)


def _files(root: Path, entity: str, store: str, install: str) -> Mapping[str, str]:
    """Give the text of every file that is to be there; those that people extend come with what they have."""
    documents: tuple[Document, ...] = layout.DOCUMENTS
    registry = _registry(root, entity)
    owners = codeowners.place(registry.tree)
    workflows = ci.github(install) if owners == layout.CODEOWNERS else {}  # on GitLab: `podium ci gitlab`
    return {
        layout.REGISTRY: _kept(root / layout.REGISTRY, _settings(entity)),
        **{layout.shipped_schema(document): schemas.text(document).decode() for document in documents},
        layout.DVC_CONFIG: _kept(root / layout.DVC_CONFIG, _dvc_config(store)),
        ".dvc/.gitignore": _with_lines(root / ".dvc/.gitignore", DVC_IGNORED),
        ".dvcignore": _kept(root / ".dvcignore", ""),
        ".gitignore": _with_lines(root / ".gitignore", IGNORED),
        ".gitattributes": _with_lines(root / ".gitattributes", rules.own_lines()),
        **{path: _kept(root / path, text) for path, text in workflows.items()},
        owners: codeowners.merged(_text(root / owners), registry) or _NO_OWNERS,
    }


_NO_OWNERS = "# podium writes the approvers that registry.yaml names into a block of its own here\n"


def _registry(root: Path, entity: str) -> Registry:
    """Give the registry as it will stand once registry.yaml is written."""
    settings = _kept(root / layout.REGISTRY, _settings(entity)).encode()
    return codec.read(overlay(git.WorkingTree(root), {layout.REGISTRY: settings}))


def _settings(entity: str) -> str:
    head = "# yaml-language-server: $schema=schemas/registry.schema.json\n"
    return head + codec.encode("registry", {"apiVersion": codec.API_VERSION, "entity": entity}).decode()


def _dvc_config(store: str) -> str:
    return f"[core]\n    remote = storage\n    analytics = false\n['remote \"storage\"']\n    url = {store}\n"


def _entity_there(root: Path) -> str | None:
    text = _text(root / layout.REGISTRY)
    return codec.read(git.WorkingTree(root)).entity if text is not None else None


def _entity(root: Path) -> str:
    """Make an entity of the folder's name: `init` asks for nothing."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", root.resolve().name).strip("-._") or "registry"
    return name if refs.why_not_name(name) is None else "registry"


def _remote(root: Path, entity: str, remote: str | None) -> str:
    """Give the address for DVC's configuration: as written there, given, or a folder of this user's."""
    there = _remote_there(root)
    given = _address(root, remote) if remote is not None else None
    if there is not None and given not in (None, there):
        raise Denied(
            f"the registry here has the DVC remote {there} already",
            f"change it with `dvc remote modify storage url {remote}`, or leave --remote out",
        )
    return there or _sound(given or _folder(root, entity))


_NOT_PLAIN = re.compile(rf"""[{STEERING}#,"'\\]|%\(|^\s|\s$""")
"""What DVC's configuration has a use of its own for, and what is no UTF-8."""


def _sound(store: str) -> str:
    """Give an address back that can stand in a file of everybody's; raises Usage or Denied."""
    if _NOT_PLAIN.search(store):
        raise Usage(
            f"{store!r} cannot be written into DVC's configuration as it is",
            "name a remote without quotes, commas, #, backslashes and unprintable characters: --remote URL",
        )
    if redacted(store) != store:
        raise Denied(
            f"{store} holds a user name or a password, which everybody would have who can read the repository",
            "leave it out, and set it for yourself: "
            "`dvc remote modify --local storage user NAME`, and likewise `password`",
        )
    return store


def _remote_there(root: Path) -> str | None:
    text = _text(root / layout.DVC_CONFIG)
    if text is None:
        return None
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read_string(text)
    except configparser.Error as error:
        raise Denied(
            f"{layout.DVC_CONFIG} cannot be read: {error.message.splitlines()[0]}",
            "mend it: `dvc remote list` says more",
        ) from None
    name = config.get("core", "remote", fallback="")
    url = config.get(f"'remote \"{name}\"'", "url", fallback=None)
    if url is None:
        raise Denied(
            f"{layout.DVC_CONFIG} names no default remote",
            "add one with `dvc remote add --default storage URL`, then run `podium init` again",
        )
    return url


def _address(root: Path, remote: str) -> str:
    """Write a relative folder as DVC reads it: relative to the folder of its configuration."""
    if "://" in remote or Path(remote).is_absolute():
        return remote
    return os.path.relpath(folders.named(remote, "a folder or an address").absolute(), (root / ".dvc").absolute())


def _folder(root: Path, entity: str) -> str:
    # two registries of one entity must not share a folder: what one needs, the other would clean up
    place = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:8]
    return str(folders.data() / f"{entity}-{place}")


def _refuse_inside(root: Path) -> None:
    top = git.top_level(root)
    if top is not None and top.resolve() != root.resolve():
        raise Denied(
            f"{root} lies inside the Git repository {top}",
            f"a registry is at the top of its repository: `podium init {top}`, or choose a folder outside",
        )


def _make_store(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"the folder for the bytes of model versions cannot be made: {error.strerror} ({error.filename})"
        raise Unavailable(what, "see to it, or name another remote: --remote URL") from None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise Denied(f"{path} is not UTF-8", "write it in UTF-8, or move it away: podium makes a new one") from None


def _kept(path: Path, text: str) -> str:
    there = _text(path)
    return text if there is None else there


def _with_lines(path: Path, lines: str) -> str:
    there = _text(path) or ""
    missing = [line for line in lines.splitlines() if line not in there.splitlines()]
    if not missing:
        return there
    return there + ("\n" if there and not there.endswith("\n") else "") + "".join(f"{line}\n" for line in missing)


def _write(root: Path, path: str, text: str) -> bool:
    if _text(root / path) == text:
        return False
    files.put(root, path, text)
    return True
