"""The user's own folders: one for what can be had again, one for what is kept; and a path that somebody typed, read."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, NoReturn


def cache() -> Path:
    """
    Give the folder for what can be had again: PODIUM_CACHE_DIR, else XDG_CACHE_HOME/podium, else ~/.cache/podium.

    Raises Unavailable where there is no home folder to put it into.
    """
    return cache_if_any() or _homeless("PODIUM_CACHE_DIR")


def cache_if_any() -> Path | None:
    """Give that folder; ``None`` where there is no home folder to put it into."""
    from pathlib import Path  # a command starts without it

    found = named_cache()
    return Path(found).absolute() if found is not None else None


def named_cache() -> str | None:
    """Give its path as it is named."""
    own = os.environ.get("PODIUM_CACHE_DIR")
    return _expanded(own) if own else _shared("XDG_CACHE_HOME", ".cache/podium")


def data() -> Path:
    """Give the folder for what is kept: XDG_DATA_HOME/podium, else ~/.local/share/podium; raises Unavailable."""
    from pathlib import Path

    return Path(_shared("XDG_DATA_HOME", ".local/share/podium") or _homeless("HOME, or name a remote with --remote"))


def working() -> Path:
    """Give the working folder; raises Unavailable where it was removed."""
    from pathlib import Path

    try:
        return Path.cwd()
    except OSError as error:
        from podium.errors import Unavailable  # a command starts without them

        raise Unavailable(f"the working folder cannot be used: {error.strerror}", "`cd` to one that is there") from None


def _shared(variable: str, below_home: str) -> str | None:
    """
    Give what a variable says, if it is a whole path, else a folder at home.

    See https://specifications.freedesktop.org/basedir-spec.
    """
    named = os.environ.get(variable, "")
    if named.startswith("/"):
        return os.path.join(named, "podium")  # noqa: PTH118 - a start without pathlib
    home = _home()
    return f"{home}/{below_home}" if home is not None else None


def _home() -> str | None:
    home = os.path.expanduser("~")  # noqa: PTH111 - pathlib raises where there is none
    return home if home.startswith("/") else None


def _homeless(setting: str) -> NoReturn:
    from podium.errors import Unavailable  # a command starts without them

    raise Unavailable(f"there is no home folder: HOME is {os.environ.get('HOME')!r}", f"set {setting}")


def _expanded(path: str) -> str | None:
    """Read ``~`` as the home folder: nobody means a folder of that name, and many settings are read without a shell."""
    if path != "~" and not path.startswith("~/"):
        return path
    home = _home()
    return f"{home}/{path[2:]}" if home is not None else None


def is_address(path: str | bytes) -> bool:
    """Tell whether what stands in a path's place is a URL: it means another machine, not a folder of that name."""
    import re  # a command starts without it

    return re.match(r"(?i)[a-z][a-z0-9+.-]+:/", os.fsdecode(path)) is not None


def named(path: Any, what: str) -> Path:
    """Read a path handed in; raises Usage for what is none, and for an empty one, which would be the working folder."""
    from pathlib import Path  # a command starts without either

    from podium.errors import Usage

    try:
        text = os.fspath(path)
        if is_address(text):
            raise Usage(f"{text!r} is an address", f"name {what} on this machine")
        if isinstance(text, str) and text and b"\0" not in os.fsencode(text):
            return Path(text)
    except UnicodeEncodeError:
        pass
    except TypeError:
        text = f"<{type(path).__name__}>"
    raise Usage(f"{text!r} is no path", f"name {what}; the working folder is `.`")


def whole(path: Path) -> Path:
    """Give a path from the root on, through no link; raises Unavailable where it starts in a removed working folder."""
    from pathlib import Path

    return Path(os.path.normpath(path if path.is_absolute() else working() / path))
