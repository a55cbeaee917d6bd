"""
What ``podium use`` answered in a checkout: said again, without reading the registry, while all it came from looks as it did.

An answer comes from files and folders of the checkout, from the folders in which the registry was looked for, and from the
files that were handed out. How all of these look (device, inode, size, times) is kept with it, in the user's own cache; where
anything looks otherwise there is no answer. Only what a command needs to start is loaded here.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from podium import folders, kept

if TYPE_CHECKING:
    from pathlib import Path

    from podium.git import Checkout
    from podium.model import Version
    from podium.tree import Tree

FORM = "answers 1"
"""Changes when what is kept, or what it means, does."""
_ABSENT = (0, 0, 0, 0, 0)

Looks = list[tuple[int, int, int, int, int]]


@dataclass(frozen=True)
class Placed:
    """Where files of a version are; ``names`` are their paths in the folder."""

    folder: Path
    names: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The one file where only one was wanted, else the folder."""
        return self.folder / self.names[0] if len(self.names) == 1 else self.folder

    @property
    def files(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(self.folder / name for name in self.names)


@dataclass(frozen=True)
class Answer(Placed):
    """Where all of a version's files are; ``version`` is its number under the name that was asked for."""

    version: str


class Told(NamedTuple):
    """An answer as it was kept: an absolute folder, the paths of all files in it, and the version."""

    folder: str
    names: tuple[str, ...]
    version: str

    @property
    def path(self) -> str:
        """The one file where there is only one, else the folder."""
        return self.files[0] if len(self.names) == 1 else self.folder

    @property
    def files(self) -> tuple[str, ...]:
        """The files."""
        return tuple(f"{self.folder}/{name}" for name in self.names)


@dataclass(frozen=True)
class Question:
    """
    A name that is asked for, and the folder from which upwards the registry is looked for.

    ``began``: when it was asked (ns since 1970). What changed just before may change again and look the same.
    """

    start: str
    reference: str
    began: int = field(default_factory=time.time_ns, compare=False)

    @property
    def _place(self) -> str:
        """The file for the answer; raises OSError where there is no folder for it."""
        folder = folders.named_cache()
        if folder is None:
            raise FileNotFoundError
        name = hashlib.sha256(f"{self.start}\0{self.reference}".encode("utf-8", "surrogateescape")).hexdigest()
        return f"{folder}/answers/{name[:24]}.json"

    def answered(self) -> Answer | None:
        """Give the answer that was kept, if all it came from looks as it did; else ``None``."""
        from pathlib import Path

        told = self.told()
        return Answer(Path(told.folder), told.names, told.version) if told is not None else None

    def told(self) -> Told | None:
        """Give the same as plain text: a command starts without paths that can more."""
        with suppress(OSError, ValueError, KeyError, TypeError, RuntimeError):
            known = kept.read(self._place, FORM)
            if type(known) is dict and self._holds(known):
                names, looks = _handed_out(known["folder"])
                is_whole = known["folder"].startswith("/")
                return Told(known["folder"], names, known["version"]) if looks == known["files"] and is_whole else None
        return None

    def _holds(self, known: Mapping[str, Any]) -> bool:
        return bool(
            known["asked"] == [self.start, self.reference]
            and _digest(_looks(known["above"], os.stat) + _looks(known["sources"], os.lstat)) == known["looks"]
            and _kinds(known["kinds"]) == known["kinds"]
        )

    def keep(self, checkout: Checkout, tree: Tree, version: Version, folder: Path) -> None:
        """
        Keep that ``folder`` holds the version, and nothing else, where looks can tell whether that still holds.

        ``tree`` is what was read of the checkout.
        """
        from pathlib import Path

        from podium.git.sources import PRIVATE
        from podium.git.worktree import RACY_NS
        from podium.storage import seals

        with suppress(OSError, RuntimeError):
            read, seen = _sources(checkout, tree), seals.unbroken(folder, version.record)
            if read is None or not seen or version.withdrawn is not None:  # which comes with a warning
                return
            root = checkout.root
            above, kinds = _above(self.start, root), _kinds(str(root / path) for path in PRIVATE)
            looks = _looks(above, os.stat) + _looks(read, os.lstat)
            if max(changed for *_, changed in looks) > self.began - RACY_NS:
                return
            told = {"above": above, "sources": read, "looks": _digest(looks), "kinds": kinds}
            given = {"folder": str(folder), "version": version.version, "files": _hash_of(seen)}
            kept.write(Path(self._place), FORM, {"asked": [self.start, self.reference], **told, **given})


def question(where: str | None, reference: str) -> Question | None:
    """Give the question that may have been answered: in the working folder, or in one that is written in full."""
    if os.environ.get("PODIUM_MAX_AGE") or os.environ.get("PODIUM_OFFLINE"):
        return None  # they are read, and may be refused, with the registry
    if where is not None:
        return Question(where, reference) if where.startswith("/") else None
    with suppress(OSError):
        return Question(os.getcwd(), reference)  # noqa: PTH109
    return None


# --- how things look --------------------------------------------------------------------------------------------------


def _looks(paths: Iterable[str], look: Callable[[str], os.stat_result]) -> Looks:
    return [_one(path, look) for path in paths]


def _one(path: str, look: Callable[[str], os.stat_result]) -> tuple[int, int, int, int, int]:
    try:
        found = look(path)
    except (FileNotFoundError, NotADirectoryError):
        return _ABSENT
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _digest(looks: Looks) -> str:
    return hashlib.sha256(repr(looks).encode()).hexdigest()


def _kinds(paths: Iterable[str]) -> dict[str, int]:
    """Say of each path what lies there, a file, a folder or a link; 0 for nothing."""
    found = {}
    for path in paths:
        try:
            found[path] = stat.S_IFMT(os.lstat(path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            found[path] = 0
    return found


def _handed_out(folder: str) -> tuple[tuple[str, ...], str]:
    """Give the names of all files in a folder, and a hash of how they look."""
    from podium.storage import looks

    seen = looks.in_folder(folder)
    return tuple(sorted(seen)), _hash_of(seen)


# --- what an answer comes from ----------------------------------------------------------------------------------------


def _above(start: str, root: Path) -> list[str]:
    """Give the folders in which the registry was looked for, up to its own."""
    from pathlib import Path

    folder = Path(start)
    between = [str(one) for one in (folder, *folder.parents) if one != root and root in one.parents]
    return [*between, str(root)]


def _sources(checkout: Checkout, tree: Tree) -> list[str] | None:
    """Give all that was read of a checkout; ``None`` where Git had a say in it whose reasons cannot be told by looks."""
    from podium.git import WorkingTree
    from podium.git.sources import doubtful

    read = tree.sources if isinstance(tree, WorkingTree) else None
    if read is None:
        return None
    found = [f"{checkout.root}/{path}" for path in read]
    if not doubtful(checkout):
        return found
    index = checkout.root / ".git" / "index"  # whether Git tracks what is this machine's own
    return [*found, str(index)] if index.is_file() else None


def _hash_of(seen: Mapping[str, tuple[int, ...]]) -> str:
    """Give one hash over all names and looks, in the order in which the folder lists them: another one is no answer."""
    said = "\0".join(seen) + repr([number for looks in seen.values() for number in looks])
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()
