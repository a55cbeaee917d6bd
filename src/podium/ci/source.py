"""What a job installs: what somebody named, what the file there says already, or where this podium came from."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podium.errors import Usage
from podium.visible import redacted

_EXAMPLE = "write it like 'podium==0.1.0' or 'podium @ git+https://git.acme.dev/ml/podium@v0.1.0'"


@dataclass(frozen=True)
class Origin:
    """What jobs are told to install, and what this podium came from where that was neither an index nor that."""

    install: str
    instead: str = ""

    def doubt(self, how: str) -> str:
        """Say that an index is asked for what came from elsewhere; ``how`` names another source."""
        return (
            f"the job installs {self.install} from the package index, and this one came from {self.instead}: "
            f"make sure that it is there, or name a source with {how}"
        )


# --- named ----------------------------------------------------------------------------------------------------------

_ODD = re.compile(r"[^A-Za-z0-9 \[\]._~:/?#@&+,=%<>!*-]")
"""With these a shell, YAML, or a forge's expression could begin something; all else is text in single quotes."""
_URL = re.compile(r"(git\+(https?|ssh|git)|https?)://[^/-].*|(git\+)?file://.+", re.IGNORECASE)
_OPTION = re.compile(r"@-")
"""A revision that git would take for an option."""


def named(spec: str) -> str:
    """
    Give a requirement back that may stand in a file of everybody's: podium itself, at a version or a URL.

    Raises Usage for anything else: above all for what a shell or a pipeline could read otherwise, and for credentials.
    """
    if redacted(spec) != spec:
        raise Usage(
            f"{spec!r} holds a user name, a password or a token: all would have it who can read the repository",
            "leave it out, and let the runner know it: in its own configuration of git and pip",
        )
    odd = _ODD.search(spec)
    if odd:
        raise Usage(f"{spec!r} holds {odd[0]!r}, which a job could take for something of its own", _EXAMPLE)
    reason = _why_not(spec)
    if reason:
        raise Usage(f"{spec!r} {reason}", _EXAMPLE)
    return spec


def _why_not(spec: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        requirement = Requirement(spec)
    except InvalidRequirement:
        return "is no requirement that pip takes"
    if canonicalize_name(requirement.name) != "podium":
        return f"installs {requirement.name}, and the job needs podium"
    if requirement.url is None:
        return ""
    if not _URL.fullmatch(requirement.url) or _OPTION.search(requirement.url):
        return "holds no URL from which pip installs podium: git+https, git+ssh, https or file"
    return ""


# --- where this podium came from ------------------------------------------------------------------------------------


def own(version: str) -> Origin:
    """
    Give where this podium came from: the commit of a repository that it was installed from, or else its version in an
    index.

    Reads what pip and others note of an installation (PEP 610); credentials are left out.
    """
    noted = _noted()
    pinned = f"podium=={version}"
    if noted is None:
        return Origin(pinned)
    committed = _committed(noted)
    return Origin(committed) if committed else Origin(pinned, _kind(noted))


def _noted() -> Mapping[str, Any] | None:
    """Read ``direct_url.json``: what says nothing is taken for a folder, and only what has none for an index."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        text = distribution("podium").read_text("direct_url.json")
        noted = None if text is None else json.loads(text)
    except (PackageNotFoundError, ValueError, RecursionError):
        return {}
    return noted if text is None or isinstance(noted, dict) else {}


def _kind(noted: Mapping[str, Any]) -> str:
    if "vcs_info" in noted:
        return "a repository that jobs cannot be sent to"
    return "an archive" if "archive_info" in noted else "a folder"


def _committed(noted: Mapping[str, Any]) -> str | None:
    """Give the very commit as a requirement, where it is one of a repository that others can reach."""
    info, url, folder = noted.get("vcs_info"), noted.get("url"), noted.get("subdirectory")
    if not isinstance(info, dict) or info.get("vcs") != "git" or not isinstance(url, str):
        return None
    commit = info.get("commit_id")
    if not isinstance(commit, str) or not re.fullmatch("[0-9a-f]{40,64}", commit) or url.lower().startswith("file:"):
        return None
    try:
        return named(f"podium @ git+{_anonymous(url)}@{commit}" + (f"#subdirectory={folder}" if folder else ""))
    except (ValueError, Usage):
        return None


def _anonymous(url: str) -> str:
    """Leave out who reads a repository; over ssh the user is part of the address, as in git@git.acme.dev."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0] + at if parts.scheme == "ssh" else ""
    return parts._replace(netloc=name + host, fragment="").geturl()


# --- what a file there installs -------------------------------------------------------------------------------------

_LINE = re.compile(r"^( *(?:run: |- )?(?:pipx install|pip install --quiet) )(\S.*?)[ \t\r]*$", re.MULTILINE)
_MOVING = re.compile(r"(?<=^podium==)[A-Za-z0-9.+!]+$|(?<=@)[0-9a-f]{40,64}(?=['#])")
"""What a newer podium of the same source has otherwise: its version in an index, its commit in a repository."""


def installed(text: str) -> str:
    """Give what a file installs, as its shell reads it; empty where it installs nothing."""
    line = _LINE.search(text)
    return line[2] if line else ""


def kept(there: str | None, new: str, *, renew: bool) -> str:
    """Give a file's new text, which goes on installing what it does; ``renew``: a newer one of the same source."""
    before, now = installed(there or ""), installed(new)
    if not (before and now and _is_whole(before)) or (renew and _MOVING.sub("", before) == _MOVING.sub("", now)):
        return new
    return _LINE.sub(lambda line: line[1] + before, new, count=1)


def alike(one: str | None, other: str) -> bool:
    """Tell whether two texts of a file differ in nothing but what they install."""
    return one is not None and _LINE.sub(r"\1", one) == _LINE.sub(r"\1", other)


def _is_whole(words: str) -> bool:
    """Tell whether a line of a shell ends where it ends."""
    try:
        return bool(shlex.split(words))
    except ValueError:
        return False
