"""
What ``podium use`` answered in a checkout: said again, without reading the registry, while all it came from looks as it did.

An answer comes from files and folders of the checkout, from the folders in which the registry was looked for, and from the
files that were handed out. How all of these look (device, inode, size, times) is kept with it, in the user's own cache; where
anything looks otherwise there is no answer. Only what a command needs to start is loaded here.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from podium import folders, kept

if TYPE_CHECKING:
    from pathlib import Path

    from podium.git import Checkout
    from podium.model import Version
    from podium.tree import Tree

FORM = "answers 2"
"""Changes when what is kept, or what it means, does."""
_ABSENT = (0, 0, 0, 0, 0)

Looks = list[tuple[int, int, int, int, int]]


class Answer(NamedTuple):
    """Where all of a version's files are: an absolute folder, their paths in it, and the version's number under the name."""

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


class Question(NamedTuple):
    """
    A name that is asked for, the folder from which upwards the registry is looked for, and when it was asked (ns since 1970).

    What changed just before may change again and look the same.
    """

    start: str
    reference: str
    began: int

    @property
    def _place(self) -> str:
        """The file for the answer; raises OSError where there is no folder for it."""
        folder = folders.named_cache()
        if folder is None:
            raise FileNotFoundError
        return f"{folder}/answers/{_digest(self.start, self.reference)[:24]}.kept"

    def answered(self) -> Answer | None:
        """Give the answer that was kept, if all it came from looks as it did; else ``None``."""
        with suppress(OSError, ValueError, RuntimeError):
            groups = _groups(kept.read_bytes(self._place, FORM) or b"")
            asked, (folder, version, come_from, given), above, kinds, sources = groups
            if asked != [self.start, self.reference] or _come_from(_looks_of(above, sources), kinds) != come_from:
                return None
            names, looks = _handed_out(folder)
            return Answer(folder, names, version) if looks == given and folder.startswith("/") else None
        return None

    def keep(self, checkout: Checkout, tree: Tree, version: Version, folder: Path) -> None:
        """
        Keep that ``folder`` holds the version, and nothing else, where looks can tell whether that still holds.

        ``tree`` is what was read of the checkout.
        """
        from pathlib import Path

        from podium.git.sources import PRIVATE
        from podium.git.worktree import RACY_NS
        from podium.storage import seals

        with suppress(OSError, ValueError, RuntimeError):
            read, seen = _sources(checkout, tree), seals.unbroken(folder, version.record)
            if read is None or not seen or version.withdrawn is not None:  # which comes with a warning
                return
            above, kinds = _above(self.start, checkout.root), [str(checkout.root / path) for path in PRIVATE]
            looks = _looks_of(above, read)
            if max(changed for *_, changed in looks) > self.began - RACY_NS:
                return
            given = [str(folder), version.version, _come_from(looks, kinds), _hash_of(seen)]
            said = _joined([self.start, self.reference], given, above, kinds, read)
            kept.write_bytes(Path(self._place), FORM, said)


def question(where: str | None, reference: str) -> Question | None:
    """Give the question that may have been answered: in the working folder, or in one that is written in full."""
    if os.environ.get("PODIUM_MAX_AGE") or os.environ.get("PODIUM_OFFLINE"):
        return None  # they are read, and may be refused, with the registry
    if where is not None:
        return Question(where, reference, time.time_ns()) if where.startswith("/") else None
    with suppress(OSError):
        return Question(os.getcwd(), reference, time.time_ns())  # noqa: PTH109
    return None


# --- how things look --------------------------------------------------------------------------------------------------


def _looks_of(above: Iterable[str], sources: Iterable[str]) -> Looks:
    return [*(_one(path, os.stat) for path in above), *(_one(path, os.lstat) for path in sources)]


def _one(path: str, look: Callable[[str], os.stat_result]) -> tuple[int, int, int, int, int]:
    try:
        found = look(path)
    except (FileNotFoundError, NotADirectoryError):
        return _ABSENT
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _come_from(looks: Looks, kinds: Iterable[str]) -> str:
    """Give one hash of how all looks that an answer comes from; of ``kinds`` only what lies there matters."""
    return _digest(repr([*looks, [_kind(path) for path in kinds]]))


def _kind(path: str) -> int:
    """Say what lies there, a file, a folder or a link; 0 for nothing."""
    try:
        return stat.S_IFMT(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0


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
    return _digest(*seen, repr([number for looks in seen.values() for number in looks]))


# --- how an answer is written: no path is empty, and none has a NUL ---------------------------------------------------


def _joined(*groups: Sequence[str]) -> bytes:
    return os.fsencode("\0\0".join("\0".join(group) for group in groups))


def _groups(said: bytes) -> list[list[str]]:
    return [group.split("\0") for group in os.fsdecode(said).split("\0\0")]


def _digest(*texts: str) -> str:
    return kept.digest("\0".join(texts).encode("utf-8", "surrogateescape"))
