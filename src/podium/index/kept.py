"""
Files of an index, kept on this machine: what may change is asked for again when it is too old, the rest never.

A kept file that may change begins with a line that says what the server called it; its time is when it was last made
sure of. It is written whole under another name and renamed, so that any number of threads and processes share the
folder.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from podium import freshness, kept
from podium.errors import Unavailable
from podium.freshness import Freshness
from podium.index import places

if TYPE_CHECKING:
    from podium.index.web import Server

_GONE = frozenset({404, 410})


@dataclass(frozen=True)
class _Held:
    """A kept file: its content, and what the server called it."""

    body: bytes
    tag: str
    modified: str


@dataclass(frozen=True)
class Kept:
    """The files of one index: its address, what people read of that, and where its files are kept."""

    url: str
    label: str
    folder: Path
    freshness: Freshness

    @cached_property
    def _server(self) -> Server:
        from podium.index.web import Server  # who finds all of it young enough needs no HTTP

        return Server(self.url, self.label)

    def age(self, path: str) -> float | None:
        """Give the seconds since a file was made sure of; ``None`` where it is not kept."""
        return freshness.age(self.folder / path)

    def changing(self, path: str, *, anew: bool = False) -> bytes | None:
        """
        Give a file that may change, as fresh as was asked for, ``None`` where the server has none such.

        ``anew``: whatever is kept is out of the question. Raises Unavailable.
        """
        place = self.folder / path
        held = _held(place) if not anew else None
        if held is not None and self.freshness.takes(self.age(path)):
            return held.body
        self._refuse_offline(path)
        asked = time.time()
        tag, modified = (held.tag, held.modified) if held is not None else ("", "")
        try:
            answer = self._server.get(path, places.LARGEST, tag=tag, modified=modified, anew=anew)
        except Unavailable as problem:
            raise self._or_offline(problem, path) from None
        if answer.status == 304 and held is not None:
            freshness.stamp(place, asked)
            return held.body
        if answer.status in _GONE:
            with suppress(OSError):
                place.unlink()
            return None
        head = json.dumps([answer.tag, answer.modified]).encode()
        _write(place, head + b"\n" + answer.body, asked)
        return answer.body

    def lasting(self, path: str, sha256: str) -> bytes | None:
        """Give a file that is what its hash says, ``None`` where the server has none such; raises Unavailable."""
        place = self.folder / path
        with suppress(OSError):
            found = place.read_bytes()
            if hashlib.sha256(found).hexdigest() == sha256:
                return found
        self._refuse_offline(path)
        answer = self._server.get(path, places.LARGEST)
        if answer.status in _GONE:
            return None
        if hashlib.sha256(answer.body).hexdigest() != sha256:
            raise Unavailable(
                f"{self.label}/{path} is damaged: its content is not what its name says",
                "publish the index again; nothing of the file was used",
            )
        _write(place, answer.body, time.time())
        return answer.body

    def forget(self, path: str) -> None:
        """Keep a file no longer."""
        with suppress(OSError):
            (self.folder / path).unlink()

    def _refuse_offline(self, path: str) -> None:
        if self.freshness.offline:
            raise Unavailable(f"{self.label}/{path} is not kept here", "read it once without --offline")

    def _or_offline(self, problem: Unavailable, path: str) -> Unavailable:
        age = self.age(path)
        if age is None:
            return problem
        return Unavailable(
            problem.what, f"{problem.do}; what is kept is of {freshness.words(age)}: --offline reads it as it is"
        )


def _held(place: Path) -> _Held | None:
    """Read a kept file; ``None`` where there is none, or not a whole one."""
    with suppress(OSError, ValueError, TypeError, RecursionError):
        head, line, body = place.read_bytes().partition(b"\n")
        tag, modified = json.loads(head)
        if line and isinstance(tag, str) and isinstance(modified, str):
            return _Held(body, tag, modified)
    return None


def _write(place: Path, content: bytes, moment: float) -> None:
    """Keep a file; where the disk will not take it, it is asked for again the next time."""
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        kept.replace(place, content, moment)
