"""Who held an alias: the versions that its file named along a line, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium import codec, git
from podium.model import Alias
from podium.timeline.commits import tip
from podium.tree import Tree

if TYPE_CHECKING:
    from pygit2 import Repository


@dataclass(frozen=True)
class Line:
    """
    The first-parent line on which an edit will land.

    ``base`` is where a branch left the default branch: what happened before is told by the default branch's own line,
    and not by that of a branch which merged it. ``tip`` and ``base`` are the same on the default branch itself.
    """

    repository: Repository
    tip: str
    base: str


def line(source: git.Source, tree: Tree) -> Line:
    """
    Give the line that an edit of a tree continues: that of the tree's commit, or of a checkout's branch.

    Raises Denied where nothing was committed yet, Unavailable where a shallow clone hides the branch point.
    """
    if isinstance(tree, git.ObjectTree) and tree.commit is not None:
        return Line(tree.repository, tree.commit, tree.commit)
    head = tip(source)
    return Line(source.repository, head, git.branch_point(source.repository) or head)


def held(line: Line, path: str) -> Iterator[str]:
    """
    Give the versions that an alias file named along a line, newest first; one that it names twice running comes once.

    Contents that cannot be read, and times without a version, are passed over. Raises Unavailable where a shallow clone
    ends.
    """
    last: str | None = None
    for raw in _contents(line, path):
        named = assignment(raw)
        if named is not None and named.version not in (None, last):
            last = named.version
            assert last is not None
            yield last


def _contents(line: Line, path: str) -> Iterator[bytes]:
    at_base = content(line.repository, line.base, path)
    if line.tip == line.base or at_base is None:
        yield from git.contents_over_time(line.repository, line.tip, path)
        return
    own: list[bytes] = []
    for raw in git.contents_over_time(line.repository, line.tip, path):
        if raw == at_base:
            break
        own.append(raw)
    else:
        own = own[:1]  # the branch never had what the default branch has: what it took from there is not to be told
    yield from own
    yield from git.contents_over_time(line.repository, line.base, path)


def content(repository: Repository, commit: str, path: str) -> bytes | None:
    """Give what a file held in a commit; ``None`` where there was none."""
    try:
        return git.commit_tree(repository, commit).read(path)
    except KeyError:
        return None


def assignment(raw: bytes | None) -> Alias | None:
    """Read an alias file; ``None`` where it is not there, or not what the format says."""
    if raw is None:
        return None
    try:
        data = codec.decode(raw)
    except codec.Malformed:
        return None
    version, generation = data.get("version"), data.get("generation")
    if not isinstance(generation, int) or not (version is None or isinstance(version, str)):
        return None
    return Alias(version, generation)
