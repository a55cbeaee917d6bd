"""
Many files, looked at by Git: whether each looks as it did, in a third of the time that a loop in Python takes.

Git keeps how each file of a checkout looked, in its index (https://git-scm.com/docs/index-format), to know at once
which were touched. An index of podium's own describes any folder so, and ``git diff-files`` compares the folder with
it: one ``lstat`` a file, on all cores. No content is named and none is read: where a file looks otherwise, Git finds a
difference, or lacks an object.

Each index also has a file that is nowhere. Git has to miss that one and no other: what says nothing has not looked.
"""

from __future__ import annotations

import os
import stat
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ENTRY = struct.Struct(">10I20sH")
_ALIGNED = 8
_LONGEST_NAME = 0xFFF
_WORD = 0xFFFFFFFF
_SECOND = 10**9
_NOTHING = bytes(20)
_EMPTY = bytes.fromhex("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
"""The id of the empty file: with any other, Git takes an entry without a size for one that it has to read."""
_NOWHERE = b"\1"
"""The file that Git has to miss, the first of all: no version has it, and a new one shows in its folder's times."""
_NOWHERE_LOOKS = _ENTRY.pack(*[0] * 6, stat.S_IFREG | 0o644, 0, 0, 0, _EMPTY, len(_NOWHERE))
_MISSED = _NOWHERE + b"\0"
_HEAD = b"ref: refs/heads/none\n"
_REPOSITORY = ["HEAD", "objects", "refs"]
_STDIN, _STDOUT, _STDERR = range(3)


def index(folder: str, names: Iterable[str], at: int) -> bytes | None:
    """
    Give an index of how the files of these names looked in a folder at a time (ns since 1970), and still do.

    ``None`` where one of them is no plain file, or changed later than two seconds before; raises OSError where one is
    not there.
    """
    import hashlib  # it is made seldom, and compared often

    from podium.git.worktree import RACY_NS  # Git compares whole seconds

    settled = at - RACY_NS
    entries = [_aligned(_NOWHERE_LOOKS, _NOWHERE)]
    for name in sorted(map(os.fsencode, names)):
        found = os.lstat(os.path.join(os.fsencode(folder), name))  # noqa: PTH118 - bytes, as Git sorts them
        if not stat.S_ISREG(found.st_mode) or max(found.st_mtime_ns, found.st_ctime_ns) > settled:
            return None
        entries.append(_entry(name, found))
    content = b"".join([struct.pack(">4sII", b"DIRC", 2, len(entries)), *entries])
    return content + hashlib.sha1(content, usedforsecurity=False).digest()


def _entry(name: bytes, found: os.stat_result) -> bytes:
    said = _ENTRY.pack(
        *(number & _WORD for time_ns in (found.st_ctime_ns, found.st_mtime_ns) for number in divmod(time_ns, _SECOND)),
        found.st_dev & _WORD,
        found.st_ino & _WORD,
        stat.S_IFREG | (0o755 if found.st_mode & stat.S_IXUSR else 0o644),
        found.st_uid & _WORD,
        found.st_gid & _WORD,
        found.st_size & _WORD,
        _NOTHING if found.st_size else _EMPTY,
        min(len(name), _LONGEST_NAME),
    )
    return _aligned(said, name)


def _aligned(said: bytes, name: bytes) -> bytes:
    whole = said + name
    return whole + bytes(_ALIGNED - len(whole) % _ALIGNED)


class Look:
    """
    Git at work, comparing a folder with an index; ``repository`` is where an empty one is, or can be made.

    Raises OSError where Git cannot be run, or finds more in its repository than it would have to.
    """

    def __init__(self, repository: str, index: str, folder: str) -> None:
        _make_empty(repository)
        names = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "GIT_EXEC_PATH", "TMPDIR")
        own = {name: os.environ[name] for name in names if name in os.environ}
        of_ours = {"GIT_DIR": repository, "GIT_WORK_TREE": folder, "GIT_INDEX_FILE": index}
        no_settings = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
        command = ["git", "diff-files", "--name-only", "-z"]
        self._missed, told = os.pipe()
        try:
            self._process = os.posix_spawnp("git", command, own | of_ours | no_settings, file_actions=_streams(told))
        except OSError:
            os.close(self._missed)
            raise
        finally:
            os.close(told)

    def same(self) -> bool:
        """Wait for Git, and tell whether each file of the index is in the folder, and looks as the index says."""
        missed = b""
        while len(missed) <= len(_MISSED) and (more := os.read(self._missed, len(_MISSED) + 1)):
            missed += more
        return self._ended() == 0 and missed == _MISSED

    def stop(self) -> None:
        """Let Git look no more: it would wait forever for an index that is a pipe."""
        import signal

        os.kill(self._process, signal.SIGKILL)
        self._ended()

    def _ended(self) -> int:
        os.close(self._missed)  # which ends a Git that has more to say
        return os.waitpid(self._process, 0)[1]


def _streams(told: int) -> list[tuple[object, ...]]:
    nothing: list[tuple[object, ...]] = [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_RDWR, 0) for n in (_STDIN, _STDERR)]
    return [(os.POSIX_SPAWN_DUP2, told, _STDOUT), *nothing]  # first, for it may have one of their numbers


def _make_empty(repository: str) -> None:
    """
    Make what Git takes for a repository: one without settings, for Git heeds those of the repository that it works in.

    Raises OSError where anything else is in it.
    """
    head = f"{repository}/HEAD"
    is_there = os.path.isdir(repository)  # noqa: PTH112 - without pathlib
    there = sorted(os.listdir(repository)) if is_there else []  # noqa: PTH208
    if there == _REPOSITORY and os.lstat(head).st_size == len(_HEAD):
        return
    if not set(there) <= set(_REPOSITORY):
        raise FileExistsError(repository)
    for folder in (repository, f"{repository}/objects", f"{repository}/refs"):
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    handle = os.open(head, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(_HEAD)
