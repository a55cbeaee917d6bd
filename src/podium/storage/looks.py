"""How a file looks without being read: what shows that it is still the one that it was."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

Looks = tuple[int, int, int, int]
"""Inode, size, mtime and ctime (both in ns) of a file."""


def of(status: os.stat_result) -> Looks:
    """Give what shows a file's change."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def seen(path: str) -> Looks | None:
    """Give how a file looks; ``None`` where there is none."""
    try:
        return of(os.lstat(path))
    except OSError:
        return None


def in_folder(folder: str) -> dict[str, Looks]:
    """Give how all looks that is in a folder, but folders, by path, without following links; raises OSError."""
    found: dict[str, Looks] = {}
    if not os.path.islink(folder):  # noqa: PTH114 - a start without pathlib
        _look(folder, "", found)
    return found


def names_in(folder: str) -> Iterator[str]:
    """Give the paths of all that is in a folder, but folders, without looking at them; raises OSError."""
    return (path for path, is_folder in _below(folder, "") if not is_folder)


def folders_in(folder: str) -> Iterator[str]:
    """Give the paths of all folders in a folder, also of empty ones; raises OSError."""
    return (path for path, is_folder in _below(folder, "") if is_folder)


def _below(folder: str, prefix: str) -> Iterator[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            yield prefix + entry.name, is_folder
            if is_folder:
                yield from _below(entry.path, f"{prefix}{entry.name}/")


def _look(folder: str, prefix: str, found: dict[str, Looks]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _look(entry.path, f"{prefix}{entry.name}/", found)
            else:
                status = entry.stat(follow_symlinks=False)  # what ``of`` says, written out: there may be many
                found[prefix + entry.name] = status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
