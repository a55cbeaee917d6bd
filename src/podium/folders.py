"""The user's own folders: one for what can be had again, one for what is kept; and a path that somebody typed, read."""

from __future__ import annotations

import os
from pathlib import Path

from podium.errors import Unavailable, Usage


def cache() -> Path:
    """
    Give the folder for what can be had again: PODIUM_CACHE_DIR, else XDG_CACHE_HOME/podium, else ~/.cache/podium.

    Raises Unavailable where there is no home folder to put it into.
    """
    own = os.environ.get("PODIUM_CACHE_DIR")
    if own:
        return _expanded(own).absolute()
    return _shared("XDG_CACHE_HOME", ".cache", "PODIUM_CACHE_DIR") / "podium"


def data() -> Path:
    """Give the folder for what is kept: XDG_DATA_HOME/podium, else ~/.local/share/podium; raises Unavailable."""
    return _shared("XDG_DATA_HOME", ".local/share", "HOME, or name a remote with --remote") / "podium"


def _shared(variable: str, below_home: str, setting: str) -> Path:
    """Give what a variable says, if it is a whole path (https://specifications.freedesktop.org/basedir-spec), else a folder at home."""
    named = os.environ.get(variable, "")
    return Path(named) if named.startswith("/") else _home(setting) / below_home


def _home(setting: str) -> Path:
    home = os.path.expanduser("~")  # noqa: PTH111 - pathlib raises where there is none
    if not home.startswith("/"):
        raise Unavailable(f"there is no home folder: HOME is {os.environ.get('HOME')!r}", f"set {setting}")
    return Path(home)


def _expanded(path: str) -> Path:
    """Read ``~`` as the home folder: nobody means a folder of that name, and many a file of settings is read without a shell."""
    return _home("HOME") / path[2:] if path == "~" or path.startswith("~/") else Path(path)


def named(path: str | os.PathLike[str], what: str) -> Path:
    """Read a path that somebody handed in; raises Usage for an empty one, which would be the working folder, and for none."""
    try:
        text = os.fspath(path)
        if text and b"\0" not in os.fsencode(text):
            return Path(text)
    except UnicodeEncodeError:
        pass
    raise Usage(f"{text!r} is no path", f"name {what}; the working folder is `.`")
