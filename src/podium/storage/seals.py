"""
Seals: one hash that says that a folder looks, file for file, as it did when all its files were proven.

To compare it costs a look at each file: no manifest and no proofs have to be read, which takes longer for many files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from podium.storage import arrivals
from podium.storage.looks import Looks, in_folder

if TYPE_CHECKING:
    from podium.model import File, Record

_FORM = "podium seal 1"


def over(record: Record, seen: Mapping[str, Looks]) -> str:
    """
    Give the seal of a version's files that look so, by path: in hex.

    It stands for all that the record says of its bytes, so that it is another one where another record has the same
    MD5.
    """
    lines = [_FORM, *_said(record), *sorted(f"{path}\0{looks}" for path, looks in seen.items())]
    return hashlib.sha256("\0".join(lines).encode(errors="surrogateescape")).hexdigest()


def _said(record: Record) -> Iterator[str]:
    yield f"{record.md5} {record.size} {record.nfiles} {record.sha256}"
    for file in record.files or ():
        yield _line(file)


def _line(file: File) -> str:
    return f"{file.path}\0{file.size} {file.md5} {file.sha256}"


def beside(folder: Path) -> Path:
    """Give where the seal on a folder is kept."""
    return folder.with_name(f"{folder.name}.seal")


def unbroken(folder: Path, record: Record) -> dict[str, Looks]:
    """Give how all files in a folder look, if that is how they looked when proven to be the record's; else none."""
    with suppress(OSError):
        seal, seen = arrivals.read(str(beside(folder))), in_folder(str(folder))
        if seal == over(record, seen).encode():
            return seen
    return {}
