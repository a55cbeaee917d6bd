"""
What anybody may know of a registry's DVC remotes: where they are, never how to get in.

A static index hands it out; who reads one makes a ``.dvc/config`` of it. Only options named here pass, in both
directions: text from a server must not set what DVC would run, or which of the reader's files it would read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_OPTIONS = frozenset({
    *("url", "endpointurl", "region", "port", "use_ssl", "allow_anonymous_login"),
    *("account_name", "projectname"),  # of Azure and Google: where, not who
    *("connect_timeout", "read_timeout"),
    *("version_aware", "worktree"),  # podium refuses such remotes: the reader is to see why
})  # fmt: skip
_REMOTE = re.compile(r"""['"]?remote "([^"]+)"['"]?""")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)@")
_WEB = re.compile(r"(?i)^(?:https?|webdavs?)://")
_ODD = re.compile(r"[\x00-\x1f\x7f\"']")


def remotes(configuration: bytes, instead: str | None = None) -> dict[str, Any]:
    """
    Give the remotes of a ``.dvc/config``, without credentials.

    ``instead`` is the public URL of the default remote's bytes, where readers take another way to them than writers.
    """
    from configobj import ConfigObj, ConfigObjError

    try:
        read = ConfigObj(configuration.decode("utf-8", "replace").splitlines(), interpolation=False)
    except (ConfigObjError, RecursionError):  # DVC reads no remote there either
        read = {}
    found: dict[str, dict[str, str]] = {}
    for section, values in read.items():
        named = _REMOTE.fullmatch(section)
        if named is not None and isinstance(values, dict) and _NAME.fullmatch(named[1]):
            found[named[1]] = _options(values)
    core = read.get("core")
    default = str(core.get("remote", "")) if isinstance(core, dict) else ""
    if instead is not None:
        default = default or "public"
        found[default] = {"url": _without_credentials(instead)}
    return {"default": default if default in found else None, "remotes": found}


def _options(values: Mapping[str, Any]) -> dict[str, str]:
    plain = {key: value for key, value in values.items() if key in _OPTIONS and isinstance(value, str)}
    return {key: _without_credentials(value) if "url" in key else value for key, value in plain.items()}


def _without_credentials(url: str) -> str:
    """Take out passwords, of web addresses the user and the query, too: a token may be in either."""
    if _WEB.match(url):
        url = url.partition("#")[0].partition("?")[0]
        return _USER.sub(r"\1", url)
    return _USER.sub(lambda found: f"{found[1]}{found[2].partition(':')[0]}@", url)


def configuration(public: Mapping[str, Any]) -> bytes | None:
    """Make a ``.dvc/config`` of what ``remotes`` gave; ``None`` where it is not of that shape."""
    default, found = public.get("default"), public.get("remotes")
    if not isinstance(found, dict) or not (default is None or default in found):
        return None
    lines = ["[core]", *([f"remote = {default}"] if default is not None else [])]
    for name, values in found.items():
        if not _NAME.fullmatch(name) or not isinstance(values, dict):
            return None
        lines.append(f"['remote \"{name}\"']")
        for key, value in values.items():
            if key not in _OPTIONS or not isinstance(value, str) or _ODD.search(value):
                return None
            lines.append(f'{key} = "{value}"')
    return "\n".join([*lines, ""]).encode()
