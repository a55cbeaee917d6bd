"""
Seals: one hash that says that a folder looks, file for file, as it did when all its files were proven.

To compare it costs a look at each file: no manifest and no proofs have to be read, which takes longer for many files.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from podium.model import File, Record
from podium.storage import proofs
from podium.storage.proofs import Looks

_FORM = "podium seal 1"


def over(record: Record, seen: Mapping[str, Looks]) -> str:
    """
    Give the seal of a version's files that look so, by path: in hex.

    It stands for all that the record says of its bytes, so that it is another one where another record has the same MD5.
    """
    lines = [_FORM, *_said(record), *sorted(f"{path}\0{looks}" for path, looks in seen.items())]
    return hashlib.sha256("\0".join(lines).encode(errors="surrogateescape")).hexdigest()


def _said(record: Record) -> Iterator[str]:
    yield f"{record.md5} {record.size} {record.nfiles} {record.sha256}"
    for file in record.files or ():
        yield _line(file)


def _line(file: File) -> str:
    return f"{file.path}\0{file.size} {file.md5} {file.sha256}"


def found_in(folder: Path) -> dict[str, Looks]:
    """Give how all looks that is in a folder, but folders, by path, without following links; raises OSError."""
    found: dict[str, Looks] = {}
    if not folder.is_symlink():
        _look(str(folder), "", found)
    return found


def _look(folder: str, prefix: str, found: dict[str, Looks]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _look(entry.path, f"{prefix}{entry.name}/", found)
            else:
                found[prefix + entry.name] = proofs.looks(entry.stat(follow_symlinks=False))
