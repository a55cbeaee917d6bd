"""A checkout as it lies on disk: the files that Git would see, read without asking Git where the format says enough."""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path

from podium import layout, refs
from podium.errors import TooLarge, Unavailable
from podium.tree import EXECUTABLE, FILE, FOLDER, LARGEST, LINK, SUBMODULE, Entry

_WHOLE = (layout.MODELS, layout.ARTIFACTS, layout.SCHEMAS)
_FOLDERS = frozenset({*_WHOLE, layout.TEAM_SCHEMAS, ".dvc", ".github", ".gitlab"})
_FILES = frozenset(
    {layout.DVC_CONFIG, layout.CODEOWNERS, layout.GITLAB_CODEOWNERS, ".gitattributes", ".gitignore", ".gitmodules"}
)
_WORKSPACE_COPY = re.compile(r"artifacts/[^/]+/[^/]+/versions/v[0-9]+")
_NO_NAMES = frozenset({"", ".", "..", ".git"})
_DEPTH = {layout.MODELS: 1, layout.ARTIFACTS: 2}
"""How many folders deep a model or an artifact lies."""
_PLAIN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_NOTHING = (0, 0, 0, 0)
RACY_NS = 2 * 10**9
"""Nanoseconds in which two changes of a file may get the same time, on file systems that count coarsely."""
_KIND_OR_RUNS = 0o170000 | stat.S_IXUSR
_NAME = attrgetter("name")
_LOOK: Callable[[os.stat_result], tuple[int, int, int, int]] = attrgetter(
    "st_ctime_ns", "st_mtime_ns", "st_size", "st_ino"
)
_NOWHERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENAMETOOLONG})


@dataclass(frozen=True)
class WorkingTree:
    """
    The files of a checkout: tracked, or untracked and not ignored. Folders without files are not there, as in Git.

    Names that the format expects are taken to be seen by Git; for the others Git is asked, so that DVC's workspace
    copies and a person's ignored files stay out. Links are never followed. What was listed once is not listed again.
    """

    root: Path
    _folders: dict[str, tuple[Entry, ...]] = field(default_factory=dict, repr=False, compare=False)
    _real: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)
    _scanned: dict[str, Sequence[Entry]] = field(default_factory=dict, repr=False, compare=False)
    _named: set[str] = field(default_factory=set, repr=False, compare=False)
    _born: int = field(default_factory=time.time_ns, repr=False, compare=False)
    _top: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_top", str(self.root))

    @property
    def commit(self) -> str | None:
        """A working tree is of no commit."""
        return None

    def list(self, folder: str) -> Sequence[Entry]:
        """Give the entries of a folder, by name; raises Unavailable where the disk or git does not answer."""
        if folder not in self._folders:
            self._folders[folder] = tuple(self._seen(folder, self._scan(folder)))
        return self._folders[folder]

    def entry(self, path: str) -> Entry | None:
        """Give the entry at a path, without following links."""
        folder, _, name = path.rpartition("/")
        self._named.add(path)
        if name in _NO_NAMES or not self._is_real(folder):
            return None
        try:
            mode = _mode(os.lstat(self._on_disk(path)))
        except (OSError, ValueError) as error:
            self._check_absent(error, path)
            return None
        return next(iter(self._seen(folder, [Entry(name, mode)])), None)

    def read(self, path: str) -> bytes:
        """Give the content of a plain file; raises KeyError if there is none, Unavailable where it can't be read."""
        folder, _, name = path.rpartition("/")
        self._named.add(path)
        if not self._is_real(folder) or not (_expects_file(folder, name) or self.entry(path)):
            raise KeyError(path)
        try:
            handle = os.open(self._on_disk(path), _PLAIN_FILE)
        except (OSError, ValueError) as error:
            self._check_absent(error, path)
            raise KeyError(path) from None
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise KeyError(path)
            if found.st_size > LARGEST:
                raise TooLarge(path, found.st_size)
            content = os.read(handle, found.st_size + 1)
            if len(content) == found.st_size:  # one byte more was asked for: nothing follows
                return content
            return content + b"".join(iter(lambda: os.read(handle, 1 << 20), b""))
        finally:
            os.close(handle)

    @property
    def sources(self) -> Sequence[str] | None:
        """Give the paths on which what was read so far depends; ``None`` if Git was asked, which has its reasons."""
        if "_git" in self.__dict__:
            return None
        return sorted({"", *self._real, *self._scanned, *self._named})

    @property
    def place(self) -> str:
        """Which folder on this machine is read."""
        return f"disk {self.root}"

    def folders(self, folder: str) -> Sequence[str]:
        """Give the names of the folders that lie in a folder, whether Git sees something in them or not."""
        return [entry.name for entry in self._scan(folder) if entry.mode == FOLDER]

    def is_folder(self, path: str) -> bool:
        """Tell whether a folder is at a path, through no link, and inside no other repository."""
        return self._is_real(path)

    def telling(self, folder: str, names: Iterable[str]) -> Sequence[str]:
        """Give the paths that look otherwise when what is named in a folder does: its time tells what lies in it."""
        return [folder, *[f"{folder}/{name}" for name in names]]

    def looks(self, paths: Sequence[str]) -> bytes:
        """Give how paths look: times, size and inode of each, in 32 bytes."""
        found: list[int] = []
        add, lstat, look = found.extend, os.lstat, _LOOK
        top = self._open_top()
        try:
            for path in paths:  # of a large registry a hundred thousand: found sooner from an open folder on
                try:
                    add(look(lstat(path, dir_fd=top)))
                except (OSError, ValueError) as error:
                    self._check_absent(error, path)
                    add(_NOTHING)
        finally:
            os.close(top)
        return _as_bytes(found)

    def are_settled(self, looks: bytes) -> bool:
        """
        Tell whether what looks so will look otherwise when it changes.

        What changed lately, or since this tree was made, may have changed after it was read and still look the same.
        """
        changed = [times[0] for times in struct.iter_unpack("4q", looks)]
        return max(changed, default=0) <= self._born - RACY_NS

    def _open_top(self) -> int:
        try:
            return os.open(self._on_disk(""), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            self._check_absent(error, "")
            raise

    def _check_absent(self, error: OSError | ValueError, path: str) -> None:
        """Make sure that a path is not there, and not merely out of reach; raises Unavailable."""
        if isinstance(error, OSError) and error.errno not in _NOWHERE:
            raise Unavailable(
                f"{path} cannot be read: {error.strerror}", "see to its permissions and the disk"
            ) from None
        if not self.root.is_dir():  # a share that is gone is no empty registry
            raise Unavailable(
                f"the registry's folder {self._top} is not there any more", "see to it, then open it again"
            )

    def _on_disk(self, path: str) -> str:
        return f"{self._top}/{path}"

    def _is_real(self, folder: str) -> bool:
        """Tell whether a folder is one, through no link, and inside no other repository."""
        if not folder:
            return True
        if folder not in self._real:
            above, _, name = folder.rpartition("/")
            self._real[folder] = name not in _NO_NAMES and self._is_real(above) and self._is_own_folder(folder)
        return self._real[folder]

    def _is_own_folder(self, folder: str) -> bool:
        on_disk = self._on_disk(folder)
        try:
            return stat.S_ISDIR(os.lstat(on_disk).st_mode) and not os.path.lexists(f"{on_disk}/.git")
        except (OSError, ValueError) as error:
            self._check_absent(error, folder)
            return False

    def _scan(self, folder: str) -> Sequence[Entry]:
        """Give what is on disk in a folder, by name; nothing where it is none, a link, or another repository."""
        if folder not in self._scanned:
            above, _, name = folder.rpartition("/")
            reachable = not folder or (name not in _NO_NAMES and self._is_real(above))
            self._scanned[folder] = self._on_disk_in(folder) if reachable else ()
        return self._scanned[folder]

    def _on_disk_in(self, folder: str) -> Sequence[Entry]:
        try:
            handle = os.open(self._on_disk(folder), _FOLDER)
            try:
                with os.scandir(handle) as found:
                    entries = [Entry(one.name, _mode_of(one)) for one in found]
            finally:
                os.close(handle)
        except (OSError, ValueError) as error:
            self._check_absent(error, folder)
            return ()
        own = [entry for entry in entries if entry.name != ".git"]
        own.sort(key=_NAME)
        if folder:
            self._real[folder] = len(own) == len(entries)
            return own if self._real[folder] else ()
        return own

    def _seen(self, folder: str, entries: Iterable[Entry]) -> Sequence[Entry]:
        """Give those of a folder's entries that Git sees, in their order."""
        prefix = f"{folder}/" if folder else ""
        certain, doubtful = [], []
        for entry in entries:
            if (
                _expects_folder(prefix + entry.name) and self._holds(prefix + entry.name)
                if entry.mode == FOLDER
                else _expects_file(folder, entry.name)
            ):
                certain.append(entry)
            else:
                doubtful.append((prefix + entry.name, entry))
        return sorted([*certain, *self._git.among(doubtful)], key=_NAME) if doubtful else certain

    def _holds(self, folder: str) -> bool:
        """Tell whether Git sees a file in a folder, opening as few folders as that takes."""
        about = _about(folder)
        if about is not None and self._is_real(folder) and os.path.lexists(self._on_disk(about)):
            return True
        entries = self._scan(folder)
        if any(entry.mode != FOLDER and _expects_file(folder, entry.name) for entry in entries):
            return True
        inside = [f"{folder}/{entry.name}" for entry in entries if entry.mode == FOLDER]
        return any(_expects_folder(path) and self._holds(path) for path in inside) or (
            bool(entries) and bool(self.list(folder))
        )

    @cached_property
    def _git(self) -> _SeenByGit:
        return _SeenByGit(self.root)


def _as_bytes(numbers: Sequence[int]) -> bytes:
    """Write numbers one after another in eight bytes each."""
    try:
        return struct.pack(f"{len(numbers)}q", *numbers)
    except struct.error:  # there are file systems that number their files beyond it
        return struct.pack(f"{len(numbers)}Q", *[number % 2**64 for number in numbers])


def _mode_of(entry: os.DirEntry[str]) -> int:
    if entry.is_dir(follow_symlinks=False):  # the folder's listing itself says that much
        return FOLDER
    return _mode(entry.stat(follow_symlinks=False))


def _mode(found: os.stat_result) -> int:
    mode = found.st_mode
    if mode & _KIND_OR_RUNS == stat.S_IFREG:
        return FILE
    kind = stat.S_IFMT(mode)
    return {stat.S_IFREG: EXECUTABLE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: LINK}.get(kind, kind)


def _about(folder: str) -> str | None:
    """Give the file that describes the model or artifact which a folder is of."""
    top, *names = folder.split("/")
    if top == layout.MODELS and len(names) == 1:
        return layout.about("model", names[0])
    return layout.about("artifact", "/".join(names)) if top == layout.ARTIFACTS and len(names) == 2 else None


def _expects_file(folder: str, name: str) -> bool:
    """Tell whether the format keeps a file of this name in a folder, so that Git need not be asked if it sees it."""
    top, _, inside = folder.partition("/")
    if inside.count("/") == _DEPTH.get(top):
        return _expects_member(top, inside.rpartition("/")[2], name)
    path = f"{folder}/{name}" if folder else name
    if path in _FILES or layout.place(path) is not None:
        return True
    parts = path.split("/")
    if parts[0] == layout.SCHEMAS:
        return path.endswith(".schema.json") and len(parts) in {2, 3}
    return parts[0] == layout.MODELS and len(parts) == 3 and path == layout.card(parts[1])


def _expects_member(top: str, folder: str, name: str) -> bool:
    """Say the same of a folder inside a model's or an artifact's: what most files of a registry lie in."""
    if folder == "aliases":
        return name.endswith(".yaml")
    suffix = ".yaml" if top == layout.MODELS else ".dvc"
    return folder == "versions" and name.endswith(suffix) and refs.is_version(name[: -len(suffix)])


def _expects_folder(path: str) -> bool:
    if path in _FOLDERS:
        return True
    top, *names = path.split("/")
    depth = _DEPTH.get(top)
    if depth is None or any(refs.why_not_name(name) for name in names[:depth]):
        return False
    return len(names) <= depth or (len(names) == depth + 1 and names[depth] in {"versions", "aliases"})


class _SeenByGit:
    """Asks git which names it sees: about a few the first time, then about all at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._asked = False

    def among(self, doubtful: Sequence[tuple[str, Entry]]) -> Iterator[Entry]:
        """Give those of the entries that git sees; a folder with a repository in it becomes a submodule."""
        paths = [path for path, _ in doubtful]
        listed = self._listed(paths) if self._in_git else self._without_git(paths)
        for path, entry in doubtful:
            if not entry.is_folder:
                # Git sees neither sockets nor pipes; they are in the way all the same.
                if _has(listed, path) or entry.mode not in {FILE, EXECUTABLE, LINK}:
                    yield entry
            elif _has(listed, path) or _has(listed, f"{path}/"):
                yield Entry(entry.name, SUBMODULE)
            elif _has_below(listed, f"{path}/"):
                yield entry

    @cached_property
    def _in_git(self) -> bool:
        return any((folder / ".git").exists() for folder in (self._root, *self._root.parents))

    def _listed(self, paths: list[str]) -> list[str]:
        if not self._asked or not all(path.startswith(tuple(f"{top}/" for top in _WHOLE)) for path in paths):
            self._asked = True
            return self._ask(paths)
        return self._everything

    @cached_property
    def _everything(self) -> list[str]:
        return self._ask(_WHOLE)

    def _ask(self, paths: Iterable[str]) -> list[str]:
        from podium.git import program  # a registry without odd files asks git nothing

        listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths]
        return sorted(os.fsdecode(path) for path in program.output(self._root, *listing).split(b"\0") if path)

    def _without_git(self, paths: Iterable[str]) -> list[str]:
        """List what there is where no repository was made yet, but for the workspace copies that DVC would ignore."""
        found = []
        for path in paths:
            on_disk = self._root / path
            if on_disk.is_dir() and not on_disk.is_symlink():
                if not _WORKSPACE_COPY.fullmatch(path):
                    found += [f"{path}/{name}" for _, _, names in os.walk(on_disk) for name in names]
            else:
                found.append(path)
        return sorted(found)


def _has(listed: list[str], path: str) -> bool:
    at = bisect_left(listed, path)
    return at < len(listed) and listed[at] == path


def _has_below(listed: list[str], prefix: str) -> bool:
    at = bisect_left(listed, prefix)
    return at < len(listed) and listed[at].startswith(prefix)
