"""
What a git that talks to a server may take of this machine: memory, room on the disk, and time in which nothing moves.

Git itself sets no such bounds: a server can send it any number of refs, objects that unpack to anything, or a byte now
and then. So all that a git has started is looked at every now and then, where the system tells (Linux: below /proc).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from podium.errors import Unavailable

_MEMORY = 4 << 30
"""Bytes that git may take with all that it has started, or half of the machine's memory, where that is less."""
_RESERVE = 1 << 30
"""Bytes that stay free on the disk, or an eighth of what was free before, where that is less."""
_SILENCE = 150.0
"""Seconds in which something has to move, or git to be at work; a server may count its objects for a while."""
_LEAST = 1000.0
"""Bytes a second that are next to nothing."""
_IDLE = 0.05
"""The part of a processor's time with which git is at work."""
_TICK = 2.0
"""Seconds by which a file's time may lie behind the clock."""
_PROCESSES = Path("/proc")


class GivenUp(Unavailable):
    """What git did for a server took too much of something."""


@dataclass(frozen=True)
class Far:
    """How a git ends that talks to a server: after so many seconds, and earlier where nothing ``moves`` that should."""

    seconds: float
    moves: bool = False


ASKED = Far(120)
"""For a server that says what it has."""
FETCHED = Far(900, moves=True)
PUSHED = Far(900)
"""For a server that may have to look at what it was sent: a hook there is silent while it works."""


@dataclass
class Guard:
    """Looks at a git, and all that it has started, in a folder to which it may write; ``moves``: something has to."""

    process: int
    folder: Path
    moves: bool
    _since: float = field(default_factory=time.monotonic)
    _before: float = 0.0
    _done: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._floor = min(_RESERVE, _free(self.folder) // 8)

    def look(self) -> None:
        """Raise GivenUp where too much was taken."""
        family = list(_family(self.process))
        most = _most_memory()
        if sum(map(_memory, family)) > most:
            size = f"{most >> 20} MiB"
            raise GivenUp(f"git takes more than {size} of memory for what it sends", "ask who runs it; look with git")
        if _free(self.folder) < self._floor:
            left = f"{_free(self.folder) >> 20} MiB"
            raise GivenUp(
                f"the disk fills up while it sends, {left} are left in {self.folder}", "make room, or ask who runs it"
            )
        if self.moves:
            self._look_at_pace(family)

    def _look_at_pace(self, family: list[int]) -> None:
        """Tell work by bytes read and written, and by time on the processor."""
        self._done |= {process: _work(process) for process in family}
        done, now = sum(self._done.values()), time.monotonic()
        if now - self._since < _SILENCE:
            return
        if done - self._before < now - self._since:
            seconds = f"{now - self._since:.0f} seconds"
            raise GivenUp(
                f"it says nothing, or next to nothing, for {seconds}", "see whether it is well; then try again"
            )
        self._since, self._before = now, done


@dataclass(frozen=True)
class Started:
    """What a git has started, with when each was born: numbers are used again."""

    born: dict[int, str]

    @classmethod
    def by(cls, process: int) -> Started:
        """Look at what runs."""
        return cls({one: _born(one) for one in _family(process) if one != process})

    def end(self) -> None:
        """End what is left: an ssh whose server says nothing outlives its git."""
        for one, born in self.born.items():
            if born and _born(one) == born:
                with suppress(OSError):
                    os.kill(one, signal.SIGKILL)


def clear(packs: Path, since: float) -> None:
    """Take away packs begun since a moment that nobody has open: where a server breaks off, git leaves half of one."""
    for pack in packs.glob("tmp_*"):
        with suppress(OSError):
            if pack.stat().st_mtime >= since - _TICK and not _is_open(pack):
                pack.unlink()


def _is_open(place: Path) -> bool:
    """Tell whether one of our processes has a file open; where the system does not say, it may be."""
    own = [process for process in _PROCESSES.glob("[0-9]*") if os.access(process / "fd", os.R_OK)]
    return not own or any(_links_to(handle, str(place.resolve())) for process in own for handle in _handles(process))


def _handles(process: Path) -> list[str]:
    try:
        return [f"{process}/fd/{handle}" for handle in os.listdir(process / "fd")]  # noqa: PTH208 - there are many
    except OSError:
        return []


def _links_to(handle: str, place: str) -> bool:
    try:
        return os.readlink(handle) == place  # noqa: PTH115
    except OSError:
        return False


def _family(process: int) -> Iterator[int]:
    yield process
    for place in (_PROCESSES / f"{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in place.read_text().split():
                yield from _family(int(child))


def _fields(process: int, name: str) -> list[str]:
    try:
        return (_PROCESSES / f"{process}/{name}").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _memory(process: int) -> int:
    """Give the bytes that a process has for itself; files that it only looks into do not count."""
    pages = _fields(process, "statm")
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") if pages else 0


def _work(process: int) -> float:
    """Give the seconds for which what a process did so far would be just enough."""
    told = dict(zip(*[iter(_fields(process, "io"))] * 2, strict=False))
    times = _fields(process, "stat")
    spent = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK") if times else 0.0
    return (int(told.get("rchar:", 0)) + int(told.get("wchar:", 0))) / _LEAST + spent / _IDLE


def _born(process: int) -> str:
    times = _fields(process, "stat")
    return times[19] if times else ""


def _most_memory() -> int:
    try:
        return min(_MEMORY, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    except (ValueError, OSError):
        return _MEMORY


def _free(folder: Path) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
