"""
The pushes of one machine to one remote take turns, and each leaves word for the next one.

Without turns many writers would spend their time on connections that come to nothing: of all that build upon one tip,
one can land. Turns only save work. What lands is decided by the remote, which compares the tip with the one that was
built upon.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from podium import folders, kept
from podium.git import program, tickets
from podium.git.objects import open_repository
from podium.git.remote import QUIET, Remote
from podium.visible import without_user

WAIT = 120.0
"""Seconds to wait in a line that does not move before trying without a turn: whoever has it may hang."""
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
        url = without_user(remote.url())
        if "://" not in url and ":" not in url.split("/")[0]:
            url = os.path.realpath(remote.folder / url)
        digest = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:20]
        return cls(folders.cache() / "pushes" / digest)

    def turn(self) -> AbstractContextManager[None]:
        """Take a turn, in the order in which they were asked for; without one where the file system has no locks."""
        return tickets.turn(self.place.with_suffix(".queue"), WAIT)

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
        said = json.dumps({"tip": word.tip, "folder": str(word.folder)}).encode()
        with suppress(OSError):
            kept.replace(self.place.with_suffix(".json"), said)


def brought(remote: Remote, word: Word) -> bool:
    """Tell whether a commit that somebody else on this machine pushed is here, having taken it from their folder."""
    if word.tip in open_repository(remote.folder):
        return True
    if not word.folder.is_dir():
        return False
    ran = program.run(remote.folder, "fetch", *QUIET, "--", str(word.folder), word.tip, bare=remote.bare)
    return ran.code == 0 and word.tip in open_repository(remote.folder)
