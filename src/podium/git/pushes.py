"""
The pushes of one machine to one remote take turns, and each leaves word for the next one.

Without turns many writers would spend their time on connections that come to nothing: of all that build upon one tip, one can
land. Turns only save work. What lands is decided by the remote, which compares the tip with the one that was built upon.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from podium.git import program
from podium.git.objects import open_repository
from podium.git.remote import Remote
from podium.git.sources import cache_folder

WAIT = 120.0
"""Seconds to wait for a turn before trying without: whoever has it may hang."""
_ID = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Word:
    """What the last one to push left: the tip it made, and the repository that has it."""

    tip: str
    folder: Path


@dataclass(frozen=True)
class Pushes:
    """The pushes from this machine to one remote; what they know of each other is kept in the user's cache."""

    place: Path

    @classmethod
    def of(cls, remote: Remote) -> Pushes:
        """Give those to a remote, however it is called in whichever clone."""
        url = re.sub(r"(?i)^(https?://)[^\s/]*@", r"\1", remote.url())
        if "://" not in url and ":" not in url.split("/")[0]:
            url = os.path.realpath(remote.folder / url)
        digest = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:20]
        return cls(cache_folder() / "pushes" / digest)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Take a turn; without one where it does not come, or where the file system has no locks."""
        handle: int | None = None
        with suppress(OSError):
            self.place.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.place.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if handle is not None:
                _wait(handle)
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def last(self) -> Word | None:
        """Read what the last one left; ``None`` where there is nothing to be read."""
        try:
            said = json.loads(self.place.with_suffix(".json").read_bytes())
            tip, folder = str(said["tip"]), Path(str(said["folder"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return Word(tip, folder) if _ID.fullmatch(tip) else None

    def leave(self, word: Word) -> None:
        """Leave word for the next one; that it cannot be left is no error."""
        unfinished = self.place.with_suffix(f".{os.getpid()}.new")
        with suppress(OSError):
            unfinished.write_text(json.dumps({"tip": word.tip, "folder": str(word.folder)}))
            unfinished.replace(self.place.with_suffix(".json"))


def _wait(handle: int) -> None:
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(random.uniform(0.02, 0.06))  # noqa: S311  # nobody gains by guessing it
        except OSError:  # a file system without locks
            return
        else:
            return


def brought(remote: Remote, word: Word) -> bool:
    """Tell whether a commit that somebody else on this machine pushed is here, having taken it from where it was made."""
    if word.tip in open_repository(remote.folder):
        return True
    if not word.folder.is_dir():
        return False
    quiet = ("--quiet", "--no-write-fetch-head", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance")
    ran = program.run(remote.folder, "fetch", *quiet, "--", str(word.folder), word.tip, bare=remote.bare)
    return ran.code == 0 and word.tip in open_repository(remote.folder)
