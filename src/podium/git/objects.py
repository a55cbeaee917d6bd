"""Commits as values: files read from Git's objects."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from podium.errors import Denied, TooLarge, Unavailable
from podium.tree import FOLDER, LARGEST, Entry

if TYPE_CHECKING:
    from pygit2 import Commit, Repository


_MODES = {b"100644": 0o100644, b"100755": 0o100755, b"40000": FOLDER, b"120000": 0o120000, b"160000": 0o160000}
# What is no entry takes all that is left with it: looked for anew at each byte, the next one would cost quadratic time.
_ENTRY = re.compile(rb"([0-7]++) ([^\0]++)\0(.{20})|.+", re.DOTALL)
_NAME = itemgetter(0)
_AS_ENTRY: Callable[[tuple[str, int, str]], Entry] = partial(tuple.__new__, Entry)
_NO_ID = bytes(20)
_LARGEST_FOLDER = 16 * 1024**2
"""Bytes of a tree object: some 250,000 names. Read whole, each takes ten times as much memory."""
_OF_A_FULL_CLONE = "fetch what is missing, for example `git fetch --unshallow`, or make a full clone"
_OF_A_PARTIAL_CLONE = "bring what `git clone --filter` left out: `git fetch --refetch --no-filter`"


def open_repository(path: Path) -> Repository:
    """
    Open the Git repository at a folder: a work tree's top, a git directory, or a bare repository.

    Raises Unavailable for a repository that libgit2 cannot open (another owner, SHA-256, reftable), with the remedy.
    """
    import pygit2

    try:
        opened = pygit2.Repository(str(path), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
        # A machine that lost its power leaves an empty one: said here, not wherever it is asked for.
        opened.lookup_reference("HEAD")
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise _cannot_open(path, str(error)) from None
    return opened


def _cannot_open(path: Path, reason: str) -> Unavailable:
    for word, feature in (("objectformat", "SHA-256 objects"), ("refstorage", "the reftable format")):
        if word in reason.lower().replace(" ", ""):
            convert = f"use a clone of it with SHA-1 objects and files for refs: podium cannot read {feature} yet"
            return Unavailable(f"the Git repository {path} uses {feature}", convert)
    if "not found" in reason:
        return Unavailable(f"{path} is no Git repository", "make one with `git init`")
    from podium.git import program  # what reads objects starts no other program

    return program.unavailable(f"the Git repository {path} cannot be opened", reason, where=str(path))


def shallow_boundary(repository: Repository) -> frozenset[str]:
    """Give the commits whose parents a shallow clone has left out."""
    try:
        return frozenset((common_folder(Path(repository.path)) / "shallow").read_text().split())
    except FileNotFoundError:
        return frozenset()


def common_folder(own: Path) -> Path:
    """Give the folder of what a linked work tree shares with its siblings; of any other repository, its own."""
    pointer = own / "commondir"
    return own / pointer.read_text().strip() if pointer.is_file() else own


def _failures() -> tuple[type[Exception], ...]:
    import pygit2

    return KeyError, OSError, pygit2.GitError


@contextmanager
def objects_of(repository: Repository) -> Iterator[None]:
    """Say in words that an object is missing or broken, or the folder that it is to be in."""
    try:
        yield
    except _failures() as error:
        raise _lacks(repository, error) from None


def _lacks(repository: Repository, error: Exception) -> Unavailable:
    return Unavailable(f"{repository.path} lacks an object that is needed: {error}", remedy(repository))


def remedy(repository: Repository) -> str:
    """Say how to come by objects that a repository lacks."""
    settings = (entry.name or "" for entry in repository.config)
    is_partial = any(name.endswith((".promisor", ".partialclonefilter")) for name in settings)
    return _OF_A_PARTIAL_CLONE if is_partial else _OF_A_FULL_CLONE


def content(repository: Repository, id_: str) -> bytes:
    """Give the bytes of an object; raises Unavailable where it is missing."""
    try:
        return bytes(repository.read(id_)[1])
    except _failures() as error:
        raise _lacks(repository, error) from None


def _size(repository: Repository, id_: str) -> int:
    """Give the bytes of an object, without reading them; raises Unavailable where it is missing."""
    try:
        return int(repository.odb.read_header(id_)[1])
    except _failures():
        return len(content(repository, id_))  # which finds also what another process has packed meanwhile


Raw = tuple[bytes, bytes, bytes]


class Listing:
    """What a tree object holds; of a large one, only the names that are asked for become entries."""

    def __init__(self, raw: Sequence[Raw]) -> None:
        self.raw = raw

    @cached_property
    def by_name(self) -> Mapping[bytes, Raw]:
        """What it holds as it is written, by name; the last of a name that a tree made by hand holds twice."""
        return {entry[1]: entry for entry in self.raw}

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """What it holds, by name; one that is there twice is there twice."""
        modes = _MODES  # nothing else is looked up, and nothing called that is not C: there may be 100,000 names
        parts = [
            (name.decode("utf-8", "surrogateescape"), modes.get(mode) or int(mode, 8), id_.hex())
            for mode, name, id_ in self.raw
        ]
        parts.sort(key=_NAME)
        return tuple(map(_AS_ENTRY, parts))

    def stems(self, suffix: bytes) -> list[str]:
        """Give the names of plain files that end so, without that end, in order; no entry is made for it."""
        plain = {mode for mode in {mode for mode, _, _ in self.raw} if Entry("", int(mode, 8)).is_file}
        found = [name for mode, name, _ in self.raw if mode in plain and name.endswith(suffix)]
        names = sorted([name.decode("utf-8", "surrogateescape") for name in found])
        return [name[: -len(suffix)] for name in names]

    def get(self, name: str) -> Entry | None:
        """Give the entry of a name."""
        found = self.written(name)
        return entry_of(found) if found is not None else None

    def written(self, name: str) -> Raw | None:
        """Give the same as it is written."""
        try:
            return self.by_name.get(name.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError:
            return None

    def twice(self) -> str | None:
        """Give a name that it holds twice."""
        if len(self.by_name) == len(self.raw):
            return None
        counts = Counter(name for _, name, _ in self.raw)
        return next(name.decode("utf-8", "surrogateescape") for name, count in counts.items() if count > 1)


class _Listings:
    """The listings that were read of late, by the ids of their trees: steps in a row share nearly all of them."""

    def __init__(self) -> None:
        self._kept: dict[str, Listing] = {}
        self._size = 0

    def get(self, repository: Repository, tree: str) -> Listing:
        found = self._kept.get(tree)
        if found is None:
            found = Listing(_raw_entries(repository, tree))
            self._size += len(found.raw)
            if self._size > _MOST_ENTRIES and len(self._kept) > 8:
                self._kept.clear()
                self._size = len(found.raw)
            self._kept[tree] = found
        return found


_MOST_ENTRIES = 100_000
_LISTINGS: WeakKeyDictionary[Repository, _Listings] = WeakKeyDictionary()


def listing(repository: Repository, tree: str) -> Listing:
    """Give what a tree holds; raises Unavailable where it is missing or broken, Denied where it is too large."""
    return _LISTINGS.setdefault(repository, _Listings()).get(repository, tree)


def _raw_entries(repository: Repository, tree: str) -> list[Raw]:
    """Give the mode, name and id of what a tree object holds, as they are written."""
    # Read by ourselves: libgit2 makes odd modes even, and needs an object for each name.
    if _size(repository, tree) > _LARGEST_FOLDER:
        raise Denied(f"the tree {tree} holds more names than podium looks at", "take them away")
    data = content(repository, tree)
    found: list[Raw] = _ENTRY.findall(data)
    if found and not found[-1][0]:
        raise Unavailable(f"the tree {tree} in {repository.path} is broken", "run `git fsck` there")
    return found


def plain_files(tree: bytes) -> list[str]:
    """Give the ids of the plain files that a tree object lists."""
    entries = map(entry_of, _ENTRY.findall(tree))
    return [entry.id for entry in entries if entry.is_file and entry.id is not None]


def entry_of(raw: Raw) -> Entry:
    """Give an entry of a listing as everybody else knows it."""
    mode, name, id_ = raw
    return Entry(name.decode("utf-8", "surrogateescape"), _MODES.get(mode) or int(mode, 8), id_.hex())


EMPTY = Listing(())
_MOST_FOLDERS = 4096


@dataclass(frozen=True)
class ObjectTree:
    """The files of a tree object; ``commit`` is the one they are of, ``None`` if of none (a merge's result)."""

    repository: Repository = field(repr=False, compare=False)
    id: str
    commit: str | None = None
    _folders: dict[str, Listing] = field(default_factory=dict, repr=False, compare=False)

    def list(self, folder: str) -> Sequence[Entry]:
        """Give the entries of a folder, by name; one that a tree made by hand holds twice is there twice."""
        return self._folder(folder).entries

    def stems(self, folder: str, suffix: str) -> Sequence[str]:
        """Give the names of a folder's plain files that end so, without that end, in order."""
        return self._folder(folder).stems(suffix.encode())

    def entry(self, path: str) -> Entry | None:
        """Give the entry at a path, without following links."""
        folder, _, name = path.rpartition("/")
        return self._folder(folder).get(name)

    def read(self, path: str) -> bytes:
        """
        Give the content of a plain file; raises KeyError where there is none, Unavailable where the object is missing.

        Raises TooLarge for what no file of a registry can be, before a byte of it is read.
        """
        entry = self.entry(path)
        if entry is None or not entry.is_file or entry.id is None:
            raise KeyError(path)
        size = _size(self.repository, entry.id)
        if size > LARGEST:
            raise TooLarge(path, size)
        return content(self.repository, entry.id)

    def read_again(self, entry: Entry) -> bytes:
        """
        Give the content of an entry that was in the registry before: how large it is was looked at then.

        To ask for the size takes Git as long as to read it all. Raises Unavailable where the object is missing.
        """
        assert entry.id is not None
        return content(self.repository, entry.id)

    @property
    def place(self) -> str:
        """Which repository on this machine is read."""
        return f"objects {self.repository.path}"

    def folders(self, folder: str) -> Sequence[str]:
        """Give the names of the folders in a folder."""
        return [entry.name for entry in self.list(folder) if entry.is_folder]

    def is_folder(self, path: str) -> bool:
        """Tell whether a folder is at a path."""
        return self._id_of(path) is not None

    def telling(self, folder: str, names: Iterable[str]) -> Sequence[str]:
        """Give the paths that look otherwise when what is named in a folder does: its own id tells of all in it."""
        del names
        return [folder]

    def looks(self, paths: Sequence[str]) -> bytes:
        """Give how folders look: the id of each, in 20 bytes; zeros where there is none."""
        return b"".join(map(self._folder_id, paths))

    def are_settled(self, looks: bytes) -> bool:
        """Tell that what looks so never changes."""
        del looks
        return True

    def _folder_id(self, path: str) -> bytes:
        folder, _, name = path.rpartition("/")
        found = self._folder(folder).written(name)
        return found[2] if found is not None and _MODES.get(found[0]) == FOLDER else _NO_ID

    def _folder(self, folder: str) -> Listing:
        found = self._folders.get(folder)
        if found is None:
            id_ = self._id_of(folder)
            found = listing(self.repository, id_) if id_ is not None else EMPTY
            if len(self._folders) >= _MOST_FOLDERS:
                self._folders.clear()
            self._folders[folder] = found
        return found

    def _id_of(self, folder: str) -> str | None:
        if not folder:
            return self.id
        entry = self.entry(folder)
        return entry.id if entry is not None and entry.is_folder else None


def commit_tree(repository: Repository, commit: str) -> ObjectTree:
    """Give the files of a commit; raises Unavailable where the commit is missing."""
    return ObjectTree(repository, str(commit_of(repository, commit).tree_id), commit)


def commit_of(repository: Repository, id_: str) -> Commit:
    """Give a commit by its id; raises Unavailable where it is missing."""
    import pygit2

    with objects_of(repository):
        return repository[id_].peel(pygit2.Commit)
