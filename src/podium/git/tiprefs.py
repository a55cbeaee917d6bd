"""
The refs that a tip is fetched under: one for each fetch, since others may be fetching into the same repository.

A fetch that is killed leaves its ref, which keeps commits that nothing else has. So a ref's name says when it was made,
and whoever comes a day later takes it away.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from podium.git import program
from podium.git.objects import open_repository
from podium.git.remote import Remote

STALE = 86400
"""Seconds after which a ref was left by a process that is gone."""
_LISTED = re.compile(
    r"(?P<ref>refs/podium/tip-(?:(?P<made>[0-9a-f]{8})-)?[0-9a-f]{16}) (?P<id>[0-9a-f]{40,64}) (?P<commit>[0-9]*)"
)
_swept: set[tuple[Path, bool]] = set()


def fetched(remote: Remote, branch: str) -> str:
    """Fetch a branch of a remote, whatever it is at, and give its tip; raises Unavailable."""
    _sweep_once(remote.folder, bare=remote.bare)
    ref = f"refs/podium/tip-{int(time.time()):08x}-{secrets.token_hex(8)}"
    try:
        remote.fetch(f"+refs/heads/{branch}:{ref}")
        return str(open_repository(remote.folder).references[ref].target)
    finally:
        program.run(remote.folder, "update-ref", "-d", ref, bare=remote.bare)


def _sweep_once(folder: Path, *, bare: bool) -> None:
    if (folder, bare) not in _swept:
        _swept.add((folder, bare))
        sweep(folder, bare=bare)


def sweep(folder: Path, *, bare: bool) -> None:
    """Take away the refs that killed fetches left in a repository, once a day old; that it can't is no error."""
    for ref, id_ in _left(folder, time.time() - STALE, bare=bare):
        program.run(folder, "update-ref", "-d", ref, id_, bare=bare)


def _left(folder: Path, before: float, *, bare: bool) -> Iterator[tuple[str, str]]:
    """Give the refs made before a moment; earlier versions of podium wrote no time: then it is that of the commit."""
    form = "--format=%(refname) %(objectname) %(committerdate:unix)"
    for line in program.run(folder, "for-each-ref", form, "refs/podium/", bare=bare).text.splitlines():
        found = _LISTED.fullmatch(line)
        if found is not None and (int(found["made"], 16) if found["made"] else int(found["commit"] or 0)) < before:
            yield found["ref"], found["id"]
