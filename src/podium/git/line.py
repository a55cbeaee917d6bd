"""The first-parent line of a branch: which of its commits change a path, and what people say of a commit."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.errors import Unavailable
from podium.git import ids, program, trail
from podium.git.objects import commit_of, commit_tree, shallow_boundary
from podium.git.revisions import UNSHALLOW, first_parents
from podium.tree import Entry
from podium.visible import redacted

if TYPE_CHECKING:
    from pygit2 import Repository

    from podium import history
    from podium.history import Difference


@dataclass
class Turn:
    """
    A commit on a first-parent line, its first parent (``None``: it is the first), and what differs between the two.

    ``said`` is what Git says of it: encoding, author, mail address, committer's clock and message; ``differing`` is
    what it says of the files. Both are as they are written: of most commits little is asked for.
    """

    commit: str
    parent: str | None
    said: Sequence[bytes] = field(repr=False)
    differing: bytes = field(repr=False)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """The files that differ."""
        return tuple(_difference(*found) for found in _DIFFERENCE.findall(self.differing))

    def edited(self, path: str) -> tuple[str, str] | None:
        """Give the ids of a plain file's contents before and after, where it is all that the commit changed."""
        said, end = self.differing, _end_of_edit(path)
        if len(said) != _IDS + len(end) or not said.endswith(end) or not said.startswith(_EDIT):
            return None
        return said[16:56].decode(), said[57:_IDS].decode()

    @property
    def described(self) -> history.Commit:
        """Who made the commit, when, and what they said."""
        encoding, name, email, clock, message = self.said
        coded = encoding.decode("ascii", "replace") if encoding else "utf-8"
        return _commit(
            self.commit, _known(name, coded), _known(email, coded), _clock(clock), redacted(_text(message, coded))
        )


def turns(
    repository: Repository,
    tip: str,
    paths: Sequence[str] = (),
    *,
    since: float | None = None,
    until: float | None = None,
    after_commit: str | None = None,
    kept: Path | None = None,
    begun: program.Begun | None = None,
) -> Iterator[Turn]:
    """
    Give the commits on a first-parent line that change something at or below some paths (none: anywhere), newest first.

    ``until`` and ``since`` (seconds since 1970) cut a piece out of the line: it begins with the newest commit that is
    not later than ``until``, and ends before the first one that is earlier than ``since``; ``after_commit`` is one of
    the line at which it ends. Git does the looking, so that it costs what ``git log -- PATH`` does, as far as it is
    asked for; ``kept`` is a folder in which its answer about a whole line is kept, so that the next time only newer
    commits are looked at; ``begun`` is what ``ask`` began where somebody guessed early what would be asked here. Raises
    Unavailable where a shallow clone hides what a commit changed.
    """
    boundary = shallow_boundary(repository)
    begin = tip if until is None else _not_after(repository, tip, until)
    if begin is None:
        return
    end = after_commit if since is None else _before(repository, begin, since, boundary)
    whole = until is None and end is None
    for turn in _turns(_said(repository, begin, end, paths, kept=kept if whole else None, begun=begun)):
        if turn.commit in boundary:
            raise _hidden(turn.commit)
        yield turn
    if boundary and end is None:
        _check_whole(repository, begin, boundary)


def contents_over_time(repository: Repository, tip: str, path: str) -> Iterator[bytes]:
    """
    Give each content that a file had along the first parents of a commit, newest first, each change once.

    Raises Unavailable where a shallow clone hides the rest of it.
    """
    boundary = shallow_boundary(repository)
    for commit in _touching(repository, tip, None, path):
        with suppress(KeyError):
            yield commit_tree(repository, commit).read(path)
    if boundary:
        _check_whole(repository, tip, boundary)


def _touching(repository: Repository, begin: str, end: str | None, path: str) -> list[str]:
    """Ask Git for the commits of a line that change a path; the first one counts as a change from nothing."""
    commit_of(repository, begin)
    left_out = [f"^{end}"] if end is not None else []
    paths = ["--", path] if path else ["--"]
    told = _git(repository, "rev-list", "--first-parent", begin, *left_out, *paths)
    return [commit for (commit,) in ids.rows(told, "rev-list")]


def _git(repository: Repository, *arguments: str, stdin: bytes = b"") -> bytes:
    return program.output(Path(repository.path), *arguments, stdin=stdin, bare=True)


_LOOK = (
    "log",
    "--first-parent",
    "--diff-merges=first-parent",
    "--raw",
    "-r",
    "-z",
    "--root",
    "--no-abbrev",
    "--no-renames",
)
_PLAIN = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-notes",
    "--no-show-signature",
    "--ignore-submodules=none",
    "--encoding=none",
    "--date=raw",
    "--format=%H %P%x00%e%x00%an%x00%ae%x00%cd%x00%B",
)


def ask(folder: Path, tip: str, paths: Sequence[str]) -> program.Begun:
    """Begin to ask Git what ``turns`` asks about the whole line of a commit; raises Unavailable without git."""
    return program.Begun(folder, *_question(tip, None, paths))


def _question(begin: str, end: str | None, paths: Sequence[str]) -> Sequence[str]:
    left_out = [f"^{end}"] if end is not None else []
    return *_LOOK, *_PLAIN, begin, *left_out, "--", *paths


def _said(
    repository: Repository,
    begin: str,
    end: str | None,
    paths: Sequence[str],
    *,
    kept: Path | None,
    begun: program.Begun | None,
) -> Iterator[bytes]:
    """Ask Git for the commits of a line, newest first, and what differs between each and its first parent."""
    commit_of(repository, begin)

    def ask(end: str | None) -> Iterator[bytes]:
        question = Path(repository.path), tuple(_question(begin, end, paths))
        if begun is not None and begun.question == question:
            return begun.answer()
        if begun is not None:
            begun.stop()
        return program.stream(question[0], *question[1])

    return ask(end) if kept is None else trail.told(repository, begin, paths, kept, ask)


_DIFFERENCE = re.compile(rb":([0-7]{6}) ([0-7]{6}) ([0-9a-f]{40}) ([0-9a-f]{40}) [A-Z][0-9]*\0([^\0]+)\0")
"""A file that differs: its modes and ids before and after. Git puts a line's end before the first one of a commit."""
_EDIT = b"\n:100644 100644 "
"""How Git begins to say that a plain file has another content; two ids follow, and what ``_end_of_edit`` gives."""
_IDS = len(_EDIT) + 40 + 1 + 40


@lru_cache(maxsize=100)
def _end_of_edit(path: str) -> bytes:
    return b" M\0%b\0" % os.fsencode(path)


_TURN = re.compile(
    rb"[\n\0]*+([0-9a-f]{40}) (?:([0-9a-f]{40})(?: [0-9a-f]{40})*+)?\0"
    rb"([^\0]*+)\0([^\0]*+)\0([^\0]*+)\0([^\0]*+)\0([^\0]*+)\0"
    rb"((?:\n*+:[0-7]{6} [0-7]{6} [0-9a-f]{40} [0-9a-f]{40} [A-Z][0-9]*+\0[^\0]++\0)*+)(?=[\n\0]*+[0-9a-f])"
)
"""A commit and its parents, what is said of it, and what differs; then another commit begins."""
_LONG = 64 * 1024
"""Bytes of what is said of a commit that changed many files."""
_END = b"f"
"""Stands for another commit after the last one."""


def _turns(chunks: Iterable[bytes]) -> Iterator[Turn]:
    """Read what Git says of the commits of a line, as it comes; raises Unavailable where it is not of its shape."""
    waiting, enough = b"", 0
    for chunk in chain(chunks, [_END]):
        waiting += chunk
        if len(waiting) < enough and chunk is not _END:
            continue  # it is not looked at again for each piece of it
        end = 0
        while found := _TURN.match(waiting, end):
            end = found.end()
            if found[8]:
                parent = found[2].decode() if found[2] is not None else None
                yield Turn(found[1].decode(), parent, found.group(3, 4, 5, 6, 7), found[8])
        waiting = waiting[end:]
        enough = 2 * len(waiting) if len(waiting) > _LONG else 0
    if waiting.lstrip(b"\n\0") != _END:
        raise ids.strange("log")


def _difference(before: bytes, after: bytes, old: bytes, new: bytes, path: bytes) -> Difference:
    whole = os.fsdecode(path)
    name = whole.rpartition("/")[2]
    made: Difference = _history().Difference(whole, _entry(name, before, old), _entry(name, after, new))
    return made


def _entry(name: str, mode: bytes, id_: bytes) -> Entry | None:
    return Entry(name, _mode(mode), id_.decode()) if mode != b"000000" else None


@cache
def _mode(octal: bytes) -> int:
    return int(octal, 8)


def _not_after(repository: Repository, tip: str, moment: float) -> str | None:
    for commit in first_parents(repository, tip):
        if commit_of(repository, commit).commit_time <= moment:
            return commit
    return None


def _before(repository: Repository, begin: str, moment: float, boundary: frozenset[str]) -> str | None:
    """Give the first commit of a line that is earlier than a moment, as far as the line is known."""
    with suppress(Unavailable if boundary else KeyError):
        for commit in first_parents(repository, begin):
            if commit_of(repository, commit).commit_time < moment:
                return commit
    return None


def _check_whole(repository: Repository, begin: str, boundary: frozenset[str]) -> None:
    """Make sure that a line ends where history began, and not where a shallow clone was cut off."""
    for commit in first_parents(repository, begin):
        if commit in boundary:
            raise _hidden(commit)


def _hidden(commit: str) -> Unavailable:
    return Unavailable(f"what {commit[:12]} changed, and all before it, is not in this shallow clone", UNSHALLOW)


# --- what people say of a commit -------------------------------------------------------------------------------------


def made_at(repository: Repository, commit: str) -> datetime:
    """Give when a commit was made, by the committer's clock; raises Unavailable where it is missing."""
    found = commit_of(repository, commit)
    return _moment(found.commit_time, found.commit_time_offset)


def _commit(*facts: Any) -> history.Commit:
    made: history.Commit = _history().Commit(*facts)
    return made


@cache
def _history() -> Any:
    from podium import history  # what reads one commit needs nothing of history

    return history


def _clock(said: bytes) -> datetime:
    """Read what Git writes of a clock: seconds since 1970 and the offset (1790000000 +0130); nothing for no clock."""
    seconds, _, offset = (said or b"0 +0000").partition(b" ")
    return _moment(int(seconds), _minutes(offset))


@lru_cache(maxsize=100)
def _minutes(offset: bytes) -> int:
    hours, minutes = int(offset[1:-2]), int(offset[-2:])
    return (-1 if offset.startswith(b"-") else 1) * (60 * hours + minutes)


def _moment(seconds: int, minutes: int) -> datetime:
    """Give a commit's time with its offset; the nearest moment that a calendar has, where somebody made one up."""
    try:
        return datetime.fromtimestamp(seconds, _zone(minutes))
    except (ValueError, OverflowError, OSError):  # after the year 9999, or an offset of more than a day
        return datetime(1, 1, 1, tzinfo=UTC) if seconds < 0 else datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@lru_cache(maxsize=100)
def _zone(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


@lru_cache(maxsize=1000)
def _known(raw: bytes, encoding: str) -> str:
    """Read what few people make many commits under."""
    return _text(raw, encoding)


def _text(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding, "replace")
    except (LookupError, ValueError):  # no encoding, or one of Python's that cannot replace what it does not know
        return raw.decode("utf-8", "replace")
