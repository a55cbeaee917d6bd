"""Git's own bundles: history in one file, and back from it into a repository, with every object checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from podium.errors import Denied, Unavailable
from podium.git import ids, leftovers, program
from podium.git.objects import shallow_boundary
from podium.git.remote import QUIET
from podium.git.revisions import UNSHALLOW, commit_named

if TYPE_CHECKING:
    from pygit2 import Repository

_BEGINNING = b"# v2 git bundle\n"
_ALL = "+refs/*:refs/*"
_CHECKED = ("-c", "fetch.fsckObjects=true", "-c", "core.hooksPath=/dev/null")


def ref_named(repository: Repository, name: str | None) -> str:
    """Give a branch's or tag's full name, the current or default branch's for ``None``; raises Denied for none."""
    ran = program.run(
        Path(repository.path), "rev-parse", "--symbolic-full-name", "--verify", "--quiet", name or "HEAD", bare=True
    )
    if ran.code not in {0, 1}:
        raise program.unavailable(f"git cannot look for a branch in {repository.path}", ran.messages)
    found = ran.text if ran.code == 0 else ""
    if not found.startswith(("refs/heads/", "refs/tags/")) or commit_named(repository, found) is None:
        what = repr(name) if name is not None else "HEAD"
        raise Denied(
            f"{what} is no branch or tag in {repository.path}", "name one that `git branch` or `git tag` lists"
        )
    return found


def packed(repository: Repository, refs: Sequence[str], file: Path) -> None:
    """Write the whole history of some refs into a file; raises Unavailable where a shallow clone lacks some of it."""
    if shallow_boundary(repository):
        raise Unavailable(f"{repository.path} is a shallow clone, which lacks history", UNSHALLOW)
    ran = program.run(
        Path(repository.path), "bundle", "create", "--quiet", str(file), *refs, "--", bare=True, timeout=program.NETWORK
    )
    if ran.code != 0:
        raise program.unavailable("the history cannot be packed", ran.messages)


def unpacked(file: Path, folder: Path) -> dict[str, str]:
    """
    Take the history of a file into a new bare repository, each object checked; gives its refs.

    Raises Denied where the file is no such history, or needs more than it has.
    """
    with file.open("rb") as stream:
        if stream.read(len(_BEGINNING)) != _BEGINNING:  # git would take `gitdir: …` for the way to another repository
            raise Denied("the history in the bundle cannot be read: it is no bundle of Git's", "make it anew")
    folder.mkdir(parents=True)
    program.output(folder, "init", "--quiet", "--bare", "--template=", ".")
    ran = program.run(folder, *_CHECKED, "fetch", *QUIET, "--", str(file), _ALL, bare=True, timeout=program.NETWORK)
    if ran.code != 0:
        raise Denied(f"the history in the bundle cannot be read: {ran.messages.splitlines()[-1:]}", "make it anew")
    listed = program.output(folder, "for-each-ref", "--format=%(objectname)\t%(refname)", bare=True)
    return ids.by_name(listed)


def taken_over(file: Path, checkout: Path, remote: str) -> None:
    """Fetch the branches of a file as those of a remote of that name, and its tags that are new; raises Unavailable."""
    specs = (f"+refs/heads/*:refs/remotes/{remote}/*", "refs/tags/*:refs/tags/*")
    fetch = (*_CHECKED, "fetch", *QUIET, "--", str(file), *specs)
    ran = program.run(checkout, *fetch, timeout=program.NETWORK)
    if ran.code != 0 and (locks := _left(checkout, remote)):
        leftovers.remove(locks, checkout)
        ran = program.run(checkout, *fetch, timeout=program.NETWORK)
    if ran.code != 0:
        raise program.unavailable("the history of the bundle cannot be fetched", ran.messages)


def _left(checkout: Path, remote: str) -> list[Path]:
    """Give locks of refs that a bundle's fetch may have left, where git was killed with us."""
    common = checkout / os.fsdecode(program.output(checkout, "rev-parse", "--git-common-dir").rstrip(b"\n"))
    return [lock for kind in (f"remotes/{remote}", "tags") for lock in (common / "refs" / kind).rglob("*.lock")]


def checked_out(file: Path, folder: Path, branch: str) -> None:
    """
    Make a work tree of a branch in a file's history, with its other branches and tags.

    Raises Denied where it holds a path that git does not write, Unavailable where the disk does not take it.
    """
    program.output(folder, "init", "--quiet", "--template=", "-b", branch, ".")
    specs = (
        "+refs/heads/*:refs/remotes/bundle/*",
        "+refs/tags/*:refs/tags/*",
        f"+refs/heads/{branch}:refs/heads/{branch}",
    )
    ran = program.run(
        folder, *_CHECKED, "fetch", *QUIET, "--update-head-ok", "--", str(file), *specs, timeout=program.NETWORK
    )
    if ran.code != 0:
        raise program.unavailable("the history of the bundle cannot be fetched", ran.messages)
    ran = program.run(folder, "-c", "core.hooksPath=/dev/null", "reset", "--quiet", "--hard")
    if "invalid path" in ran.messages:
        raise Denied(
            f"{branch!r} holds a path that git does not write: {ran.messages}", "take it out, and bundle again"
        )
    if ran.code != 0:
        raise program.unavailable("the files of the bundle cannot be written", ran.messages)
