"""A merge that git stopped in the middle: which commits it joins, which paths wait for an answer, and giving it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from podium.errors import Denied, Unavailable
from podium.git import leftovers, program
from podium.git.differing import differences
from podium.git.objects import commit_of, content
from podium.git.revisions import commit_named, contains, merge_base, parents
from podium.git.sources import Checkout

if TYPE_CHECKING:
    from pygit2 import Repository

_REMOTE_DEFAULTS = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master")
_OWN_DEFAULTS = ("refs/heads/main", "refs/heads/master")
_PICKS = re.compile(r"(?:p|pick|r|reword|e|edit|s|squash|f|fixup|m|merge)\s+(?:-[cC]\s+)?([0-9a-f]{7,64})\b")


@dataclass(frozen=True)
class Joining:
    """
    What git was joining when it stopped: ``ours`` is HEAD, ``theirs`` what is laid over it, ``base`` what both come
    from.

    ``what`` is what people call it, ``end`` the command that ends it, ``left`` the commits that a rebase has still to
    do.
    """

    what: str
    end: str
    base: str
    ours: str
    theirs: str
    left: tuple[str, ...] = ()


def is_joining(checkout: Checkout) -> bool:
    """Tell whether git has a merge, a rebase or a cherry-pick under way whose sides `joining` gives."""
    names = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "rebase-merge")
    return any((checkout.git_dir / name).exists() for name in names)


def joining(checkout: Checkout) -> Joining | None:
    """
    Tell what git is joining in a checkout; ``None`` where nothing is under way.

    Raises Denied for what joins more or less than two commits, Unavailable where their ancestor is out of reach.
    """
    folder, repository = checkout.git_dir, checkout.repository
    if (folder / "REVERT_HEAD").exists():
        raise Denied(
            "a revert is under way; podium settles merges",
            "`git revert --abort`, then go back with `podium rollback`, `podium withdraw` or `podium unalias`",
        )
    if (folder / "MERGE_HEAD").exists():
        return _merge(repository, (folder / "MERGE_HEAD").read_text().split())
    if (folder / "rebase-apply").exists():
        raise Denied(
            "a rebase by patches is under way, and podium cannot see what is still to come",
            "`git rebase --abort` (or `git am --abort`), then `git merge` the other branch",
        )
    if (folder / "rebase-merge").exists():
        theirs = commit_named(repository, "REBASE_HEAD")
        return _pick(repository, "rebase", theirs, _left(folder)) if theirs is not None else None
    theirs = commit_named(repository, "CHERRY_PICK_HEAD")
    return _pick(repository, "cherry-pick", theirs) if theirs is not None else None


def _merge(repository: Repository, heads: list[str]) -> Joining:
    if len(heads) != 1:
        raise Denied(
            "a merge of more than two branches is under way", "`git merge --abort`, then merge them one by one"
        )
    ours = _head(repository)
    base = merge_base(repository, ours, heads[0])
    if base is None:
        raise Denied("the two branches that are being merged have no common ancestor", "`git merge --abort`")
    return Joining("merge", "git commit", base, ours, heads[0])


def _pick(repository: Repository, what: str, theirs: str, left: tuple[str, ...] = ()) -> Joining:
    above = parents(repository, theirs)
    if len(above) != 1:
        raise Denied(f"the commit {theirs[:12]} of the {what} has not one parent", f"`git {what} --abort`")
    return Joining(what, f"git {what} --continue", above[0], _head(repository), theirs, left)


def _left(folder: Path) -> tuple[str, ...]:
    try:
        todo = (folder / "rebase-merge" / "git-rebase-todo").read_text(errors="replace")
    except OSError:
        return ()
    return tuple(match[1] for match in map(_PICKS.match, todo.splitlines()) if match is not None)


def _head(repository: Repository) -> str:
    head = commit_named(repository, "HEAD")
    if head is None:
        raise Denied("the branch has no commit yet, so there is nothing to merge into", "make the first commit")
    return head


def is_settled(repository: Repository, theirs: str, ours: str) -> bool:
    """
    Tell whether it is theirs that keeps its numbers: the default branch has it, and has not ours.

    The remote's default branch is asked first, then ``main`` or ``master`` here; where they cannot tell, ours keeps.
    """
    for names in (_REMOTE_DEFAULTS, _OWN_DEFAULTS):
        tip = next(filter(None, (commit_named(repository, name) for name in names)), None)
        if tip is not None and contains(repository, tip, theirs) != contains(repository, tip, ours):
            return contains(repository, tip, theirs)
    return False


def name_of(repository: Repository, commit: str) -> str:
    """Give the branch whose tip a commit is, for people to read; the short id where there is none."""
    tips = {
        reference.shorthand
        for reference in repository.references.iterator()
        if reference.name.startswith(("refs/heads/", "refs/remotes/"))
        and not reference.name.endswith("/HEAD")
        and commit_named(repository, reference.name) == commit
    }
    return min(tips, key=lambda name: (name.count("/"), name), default=commit[:12])


def last_change(repository: Repository, base: str, tip: str, path: str) -> tuple[str, str] | None:
    """Give author and subject of the last commit between two that changed a path; ``None`` where none did."""
    listed = ("log", "-1", "--no-merges", "--format=%an%x00%s", f"{base}..{tip}", "--", path)
    ran = program.run(Path(repository.path), *listed, bare=True)
    who, _, subject = ran.text.partition("\0")
    return (who, subject) if ran.code == 0 and who else None


def changed_by(repository: Repository, commits: Iterable[str]) -> Iterator[str]:
    """Give the paths that some commits change, each against its first parent."""
    for short in commits:
        commit = commit_named(repository, short)
        if commit is None:
            raise Unavailable(f"the commit {short} is not here", "fetch it: `git fetch`")
        above = parents(repository, commit)
        before = str(commit_of(repository, above[0]).tree_id) if above else None
        yield from (one.path for one in differences(repository, before, str(commit_of(repository, commit).tree_id)))


def unmerged(checkout: Checkout) -> frozenset[str]:
    """Give the paths for which the index holds more than one answer."""
    listing = program.output(checkout.root, "ls-files", "-z", "--unmerged")
    return frozenset(os.fsdecode(line.partition(b"\t")[2]) for line in listing.split(b"\0") if line)


def staged(checkout: Checkout, paths: Iterable[str]) -> dict[str, bytes]:
    """Give the content that the index has for each of some paths, where it has just one."""
    wanted = frozenset(map(os.fsencode, paths))
    listing = program.output(checkout.root, "ls-files", "-z", "--stage").split(b"\0")
    rows = (line.partition(b"\t") for line in listing if line)
    found = ((head.split(), path) for head, _, path in rows if path in wanted)
    return {
        os.fsdecode(path): content(checkout.repository, id_.decode())
        for (mode, id_, number), path in found
        if number == b"0" and mode.startswith(b"100")
    }


def stage(checkout: Checkout, changes: Mapping[str, bytes | None]) -> None:
    """Give the index one answer for each path; raises Unavailable where another git has the index."""
    lines = []
    for path, new in changes.items():
        lines.append(b"0 %s\t%s" % (b"0" * 40, os.fsencode(path)))
        if new is not None:
            id_ = str(checkout.repository.create_blob(new)).encode()
            lines.append(b"100644 %s\t%s" % (id_, os.fsencode(path)))
    program.output(checkout.root, "update-index", "-z", "--index-info", stdin=b"\0".join([*lines, b""]))


def reopen(checkout: Checkout, path: str, sides: Sequence[bytes | None]) -> None:
    """Give the index three answers for a path, base, ours and theirs, so that git asks for one before it goes on."""
    lines = [b"0 %s\t%s" % (b"0" * 40, os.fsencode(path))]
    for number, side in enumerate(sides, 1):
        if side is not None:
            id_ = str(checkout.repository.create_blob(side)).encode()
            lines.append(b"100644 %s %d\t%s" % (id_, number, os.fsencode(path)))
    program.output(checkout.root, "update-index", "-z", "--index-info", stdin=b"\0".join([*lines, b""]))


def merge_text(ours: Path, base: Path, theirs: Path, marker: int) -> bool:
    """Merge two texts as git does by itself, into the first file; tell whether nothing clashed."""
    labels = ("-L", "ours", "-L", "base", "-L", "theirs")
    ran = program.run(ours.parent, "merge-file", f"--marker-size={marker}", *labels, str(ours), str(base), str(theirs))
    return ran.code == 0


DRIVER = "podium"
"""What ``.gitattributes`` calls podium's merge driver."""


def install_driver(checkout: Checkout, command: str) -> None:
    """Tell git of a checkout's repository how to run podium's merge driver; raises Unavailable where it can't."""
    for key, value in (
        ("name", "podium: model versions, links and aliases"),
        ("driver", command),
        ("recursive", "binary"),  # between two ancestors of a criss-cross, a clash waits for the real merge
    ):
        leftovers.configure(checkout.root, checkout.git_dir, f"merge.{DRIVER}.{key}", value)
