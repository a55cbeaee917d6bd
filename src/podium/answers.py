"""
What ``podium use`` answered in a checkout: said again, without reading the registry, while all it came from looks as it
did.

An answer comes from files and folders of the checkout, from the folders in which the registry was looked for, and from
the files that were handed out. How all of these look (device, inode, size, times) is kept with it, in the user's own
cache; where anything looks otherwise there is no answer. Where many files were handed out, Git looks at them, from the
second time on. Only what a command needs to start is loaded here.
"""

from __future__ import annotations

import os
import stat
import time

from podium import folders, kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from podium.git import Checkout
    from podium.model import Version
    from podium.tree import Tree

FORM = "answers 4"
"""Changes when what is kept, or what it means, does."""
MANY = 1000
"""So many files Git looks at: in a loop of Python's these take as long as a git takes to start."""
_ABSENT = (0, 0, 0, 0, 0)

Looks = list[tuple[int, int, int, int, int]]


class Answer:
    """
    Where a version's files are: an absolute folder, their paths in it, and the version's number under the name.

    Without paths: all that is in the folder, of which there are many.
    """

    def __init__(self, folder: str, names: tuple[str, ...] | None, version: str) -> None:
        self.folder = folder
        self.names = names
        self.version = version

    @property
    def path(self) -> str:
        """The one file where there is only one, else the folder."""
        return f"{self.folder}/{self.names[0]}" if self.names is not None and len(self.names) == 1 else self.folder

    @property
    def files(self) -> tuple[str, ...]:
        """The files; raises OSError where the folder has to be listed, and cannot be."""
        from podium.storage import looks

        names = self.names if self.names is not None else sorted(looks.names_in(self.folder))
        return tuple(f"{self.folder}/{name}" for name in names)


class Question:
    """
    A name that is asked for, the folder from which upwards the registry is looked for, and when it was asked (ns since
    1970).

    What changed just before may change again and look the same.
    """

    def __init__(self, start: str, reference: str, began: int) -> None:
        self.start = start
        self.reference = reference
        self.began = began

    @property
    def _place(self) -> str:
        """The file for the answer; raises OSError where there is no folder for it."""
        return f"{_folder()}/{_digest(self.start, self.reference)[:24]}.kept"

    def answered(self) -> Answer | None:
        """Give the answer that was kept, if all it came from looks as it did; else ``None``."""
        try:
            return self._known(_groups(kept.read_bytes(self._place, FORM) or b""))
        except (OSError, ValueError, RuntimeError, MemoryError):
            return None

    def _known(self, said: list[list[str]]) -> Answer | None:
        first, above, kinds, sources, *crowd = said
        start, reference, folder, version, come_from, given = first
        if (start, reference) != (self.start, self.reference) or not folder.startswith("/"):
            return None
        if _come_from(_looks_of(above, sources), kinds) != come_from:
            return None
        if crowd and self._crowd_is_the_same(folder, *crowd):
            return Answer(folder, None, version)
        names, looks = _handed_out(folder)
        if looks != given:
            return None
        if len(names) >= MANY:  # of which Git can take note by now
            self._keep([first, above, kinds, sources], names)
        return Answer(folder, names, version)

    def keep(self, checkout: Checkout, tree: Tree, version: Version, folder: Path) -> None:
        """
        Keep that ``folder`` holds the version, and nothing else, where looks can tell whether that still holds.

        ``tree`` is what was read of the checkout.
        """
        from contextlib import suppress

        from podium.storage import seals

        with suppress(OSError, ValueError, RuntimeError):
            read, seen = _sources(checkout, tree), seals.unbroken(folder, version.record)
            if read is None or not seen or version.withdrawn is not None:  # which comes with a warning
                return
            above, kinds = _above(self.start, checkout.root), _kinds(checkout)
            looks = _looks_of(above, read)
            if not _settled(looks, self.began):
                return
            given = [str(folder), version.version, _come_from(looks, kinds), _hash_of(seen)]
            self._keep([[self.start, self.reference, *given], above, kinds, read], seen)

    def _keep(self, groups: Sequence[Sequence[str]], names: Collection[str]) -> None:
        from pathlib import Path

        crowd = self._crowd(groups[0][2], names) if len(names) >= MANY else []
        kept.write_bytes(Path(self._place), FORM, _joined(*groups, *crowd))

    # How many files look is kept as an index for Git, beside the answer; how their folders look, with the answer.

    @property
    def _index(self) -> str:
        return self._place.removesuffix("kept") + "index"

    def _crowd(self, folder: str, names: Iterable[str]) -> list[list[str]]:
        """
        Note how many files look, and all folders, the empty ones too, in which another could come to be.

        Nothing where one changed since two seconds before the question, and may have done so after it was looked at.
        """
        from pathlib import Path

        from podium import git
        from podium.storage import looks as seen

        at = min(self.began, time.time_ns())
        inside = [folder, *(f"{folder}/{name}" for name in seen.folders_in(folder))]
        looks, index = _looks_of((), inside), git.index(folder, names, at)
        if index is None or not _settled(looks, at):
            return []
        kept.write_for_others(Path(self._index), index)
        return [[kept.digest(index), _come_from(looks, ())], inside]

    def _crowd_is_the_same(self, folder: str, known: Sequence[str], inside: Sequence[str]) -> bool:
        """Tell whether many files, and nothing else, are in a folder, each of which looks as it did."""
        from podium import git

        sum_, looks = known
        if _come_from(_looks_of((), inside), ()) != looks:
            return False
        try:
            look = git.Look(f"{_folder()}/none.git", self._index, folder)
            if kept.is_still(self._index, sum_):  # while Git looks
                return look.same()
            look.stop()
        except OSError:  # without a git, one can look without it
            return False
        return False


def question(where: str | None, reference: str) -> Question | None:
    """Give the question that may have been answered: in the working folder, or in one that is written in full."""
    if os.environ.get("PODIUM_MAX_AGE") or os.environ.get("PODIUM_OFFLINE"):
        return None  # they are read, and may be refused, with the registry
    if where is not None:
        whole = where.startswith("/") and ".." not in where.split("/")  # what that leads to, a link on the way says
        return Question(where, reference, time.time_ns()) if whole else None
    try:
        return Question(os.getcwd(), reference, time.time_ns())  # noqa: PTH109
    except OSError:
        return None


def _folder() -> str:
    """Give the folder in which answers are kept; raises OSError where there is none for it."""
    found = folders.named_cache()
    if found is None:
        raise FileNotFoundError
    return f"{found}/answers"


# --- how things look --------------------------------------------------------------------------------------------------


def _looks_of(above: Iterable[str], sources: Iterable[str]) -> Looks:
    return [*(_one(path, os.stat) for path in above), *(_one(path, os.lstat) for path in sources)]


def _one(path: str, look: Callable[[str], os.stat_result]) -> tuple[int, int, int, int, int]:
    try:
        found = look(path)
    except (FileNotFoundError, NotADirectoryError):
        return _ABSENT
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _settled(looks: Looks, at: int) -> bool:
    """Tell whether nothing changed so shortly before a time (ns since 1970) that its next change could be hidden."""
    from podium.git.worktree import RACY_NS

    return max(changed for *_, changed in looks) <= at - RACY_NS


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
    """Give all that was read of a checkout; ``None`` where Git had a say in it for reasons that have no looks."""
    from podium.git import WorkingTree
    from podium.git.sources import doubtful

    read = tree.sources if isinstance(tree, WorkingTree) else None
    if read is None:
        return None
    found, sparse = [f"{checkout.root}/{path}" for path in read], _sparse(checkout)
    if not doubtful(checkout) and not any(map(os.path.lexists, sparse)):
        return found
    index = checkout.root / ".git" / "index"  # whether Git tracks what is this machine's own, and what it leaves out
    return [*found, str(index)] if index.is_file() else None


def _kinds(checkout: Checkout) -> list[str]:
    """Give the paths of which only matters what lies there."""
    from podium.git.sources import PRIVATE

    return [*[str(checkout.root / path) for path in PRIVATE], *_sparse(checkout)]


def _sparse(checkout: Checkout) -> list[str]:
    """Give where Git says what it leaves out of the checkout: then it is asked whether that is of the registry."""
    from podium import git

    own = git.git_dir_of(checkout.root)
    return [f"{own}/info/sparse-checkout"] if own is not None else []


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
