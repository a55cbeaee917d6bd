"""
What the files of versions hold, kept by object ids: a file that was read for one step is not read again for the next.

Nothing here is a verdict. That a new version's content is new takes the hash of every other version of its artifact;
which hash a file says follows from its bytes, and these from its id. What is found to be equal, or cannot be told, is
read again.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from podium import kept

FORM = "contents 2"
"""Changes when what is kept of a file does: see ``rules.touched``."""
WORTH_KEEPING = 200
"""Of so few files of a folder nothing is kept: they are read as quickly."""
WORTH_WRITING = 50
"""What is known of a folder is written anew when one file in so many is new."""
_WORD = re.compile("[!-~]+")


@dataclass
class Contents:
    """
    What is known of the files of a repository, folder by folder; over several steps, and with a ``place`` over several
    runs.

    ``place`` is the user's cache, in which it is kept, ``None`` where all is to follow from the repository alone.
    """

    repository: str
    place: Path | None = None
    _known: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    _before: dict[str, int] = field(default_factory=dict, repr=False)

    def of(self, folder: str) -> MutableMapping[str, str]:
        """Give what is known of the files in a folder, by their ids; what is found out is to be added to it."""
        if folder not in self._known:
            self._known[folder] = _load(self._file(self.place, folder)) if self.place is not None else {}
            self._before[folder] = len(self._known[folder])
        return self._known[folder]

    def keep(self) -> None:
        """Write what is known now, where that is worth it."""
        if self.place is None:
            return
        for folder, known in self._known.items():
            new = len(known) - self._before[folder]
            if len(known) >= WORTH_KEEPING and new * WORTH_WRITING > len(known):
                self._before[folder] = len(known)
                words = {id_: content for id_, content in known.items() if _WORD.fullmatch(content)}
                said = f"{' '.join(words)}\n{' '.join(words.values())}".encode()
                kept.write_bytes(self._file(self.place, folder), FORM, said)

    def _file(self, place: Path, folder: str) -> Path:
        name = kept.name(f"{self.repository}\0{folder}")
        return place / "contents" / f"{name}.kept"


def _load(file: Path) -> dict[str, str]:
    """Read what was kept; nothing where that is not of the shape that is written here."""
    said = kept.read_bytes(file, FORM)
    if said is None or not said.isascii():
        return {}
    ids, _, contents = (part.split(" ") for part in said.decode().partition("\n"))
    return dict(zip(ids, contents, strict=True)) if len(ids) == len(contents) else {}
