"""
Names and references: parsed, printed, ordered.

The patterns are those of the format; each ``why_not_…`` function answers the reason a name is refused, or ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from podium.errors import BadName, BadReference, OtherEntity

Kind = Literal["model", "artifact"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}")
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}")
VERSION = re.compile(r"v(?:0|[1-9][0-9]{0,8})")
LATEST = "latest"
MODEL_PROJECT = "model-registry"
"""The project that ``entity/model-registry/model`` goes through, as W&B writes it; no project may be called so."""

_WINDOWS = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_LOOKS_LIKE_VERSION = re.compile(r"[vV][0-9]+")


def reserved_by_windows(name: str) -> bool:
    """
    Tell whether Windows keeps this file name for a device, with any extension.

    Source: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
    """
    return _WINDOWS.fullmatch(name.rstrip(" .")) is not None


def _is_text(value: object) -> bool:
    """Tell whether a name that Python code handed in is text; a command line has no others."""
    return isinstance(value, str)


def as_text(value: object) -> str:
    """Give a name back, or what Python code handed in for one: an error says it, and its own ``repr`` may fail."""
    return value if isinstance(value, str) else f"<{type(value).__name__}>"


def why_not_name(name: str) -> str | None:
    """Say why this cannot be the name of an entity, project, artifact or registered model."""
    if not _is_text(name) or not NAME.fullmatch(name):
        return "a name is 1 to 128 of A-Z a-z 0-9 . _ - and starts with a letter or digit"
    if re.fullmatch(r"[0-9]+", name):
        return "a name is not made of digits only"
    if name.endswith("."):
        return "a name does not end with a dot"
    if ".." in name:
        return "a name has no two dots in a row"
    if reserved_by_windows(name):
        return "Windows reserves it"
    return None


def why_not_project(name: str) -> str | None:
    """Say why this cannot be the name of a project."""
    if name.lower() == MODEL_PROJECT:
        return f"{MODEL_PROJECT} is how references name registered models"
    return why_not_name(name)


def why_not_alias(name: str) -> str | None:
    """Say why this cannot be an alias."""
    if not _is_text(name) or not ALIAS.fullmatch(name):
        return "an alias is 1 to 128 of A-Z a-z 0-9 _ - and starts with a letter"
    if name.lower() == LATEST:
        return "latest is computed, never set"
    if _LOOKS_LIKE_VERSION.fullmatch(name):
        return "it looks like a version"
    if reserved_by_windows(name):
        return "Windows reserves it"
    return None


def why_not_tag(tag: str) -> str | None:
    """Say why this cannot be a tag."""
    if not _is_text(tag) or not TAG.fullmatch(tag):
        return "a tag is 1 to 64 of A-Z a-z 0-9 space . _ : / - and starts with a letter or digit"
    return None


def is_version(text: str) -> bool:
    """Tell whether this is a version: ``v0``, ``v1``, … without leading zeros."""
    return isinstance(text, str) and VERSION.fullmatch(text) is not None


def number(version: str) -> int:
    """Give the number of a version, by which versions are ordered."""
    return int(version[1:])


def in_order(versions: Iterable[str]) -> list[str]:
    """Sort versions by their numbers: these have no leading zeros, so that a longer one is larger."""
    return sorted(sorted(versions), key=len)  # nothing called that is not C: there may be 100,000


def version(number: int) -> str:
    """Give the version of a number."""
    return f"v{number}"


def checked_model(name: str) -> str:
    """Give the name back if a registered model may have it; raise BadName if not."""
    return _checked("model", name, why_not_name(name))


def checked_alias(name: str) -> str:
    """Give the alias back if it may be one; raise BadName if not."""
    return _checked("alias", name, why_not_alias(name))


def checked_tag(tag: str) -> str:
    """Give the tag back if it may be one; raise BadName if not."""
    return _checked("tag", tag, why_not_tag(tag))


def checked_artifact(name: str) -> str:
    """Give ``project/artifact`` back if a model artifact may have that name; raise BadName if not."""
    project, slash, artifact = name.partition("/") if _is_text(name) else ("", "", "")
    if not slash or "/" in artifact:
        raise BadName("artifact", as_text(name), "an artifact is written PROJECT/ARTIFACT")
    _checked("project", project, why_not_project(project))
    _checked("artifact", artifact, why_not_name(artifact))
    return name


def _checked(kind: str, name: str, reason: str | None) -> str:
    if reason is not None:
        raise BadName(kind, as_text(name), reason)
    return name


@dataclass(frozen=True)
class Reference:
    """
    A name, and which version of it is meant.

    ``selector`` is a version, an alias or ``latest``; ``None`` where it was left out, which means ``latest``.
    """

    kind: Kind
    name: str
    selector: str | None = None

    def __str__(self) -> str:
        return self.name if self.selector is None else f"{self.name}:{self.selector}"

    @property
    def wants_latest(self) -> bool:
        """Tell whether the highest version that is not withdrawn is meant."""
        return self.selector is None or self.selector.lower() == LATEST

    def at(self, selector: str | None) -> Reference:
        """Give the same name with another selector."""
        return replace(self, selector=selector)


def parse(text: str, entity: str) -> Reference:
    """
    Read a reference; the number of slashes decides which kind it is.

    ``entity`` is the registry's own. Raises BadReference, BadName, or OtherEntity.
    """
    if not _is_text(text):
        raise BadReference(as_text(text), "it is no text")
    name, colon, selector = text.partition(":")
    if colon:
        _check_selector(text, selector)
    parts = name.split("/")
    if len(parts) > 3:
        raise BadReference(text, "it has more than two slashes")
    if len(parts) == 3:
        _check_entity(text, parts.pop(0), entity)
        if parts[0] == MODEL_PROJECT:
            parts.pop(0)
    chosen = selector if colon else None
    if len(parts) == 1:
        return Reference("model", checked_model(parts[0]), chosen)
    return Reference("artifact", checked_artifact("/".join(parts)), chosen)


def _check_selector(text: str, selector: str) -> None:
    if selector.lower() == LATEST or is_version(selector):
        return
    reason = why_not_alias(selector)
    if reason is not None:
        raise BadReference(text, f"after the colon, {reason}")


def _check_entity(text: str, named: str, own: str) -> None:
    _checked("entity", named, why_not_name(named))
    if named != own:
        raise OtherEntity(text, named, own)
