"""What each commit of a line meant: aliases moved, versions logged, policies changed, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from podium import git, layout, refs
from podium.errors import Denied, NoSuchAlias

if TYPE_CHECKING:
    from pygit2 import Repository

    from podium.history import Commit, Event
    from podium.timeline.past import Past


def scope(reference: refs.Reference | None, alias: str | None = None) -> str:
    """Give the path at or below which all lies that concerns a name, or one of its aliases; the top without a name."""
    if reference is None:
        return ""
    if alias is not None:
        return layout.alias(reference.kind, reference.name, alias)
    return layout.folder(reference.kind, reference.name)


def tip(source: git.Source, rev: str | None = None) -> str:
    """Give the commit at which looking back begins: a revision's, else HEAD in a checkout, or the default branch's."""
    if rev is None and isinstance(source, git.Checkout):
        head = git.commit_named(source.repository, "HEAD")
        if head is None:
            git.check_unborn(source.repository, "HEAD")
            raise Denied("nothing was committed yet, so there is no history", "commit the registry first")
        return head
    commit = source.tree(rev).commit
    assert commit is not None
    return commit


def history(
    repository: Repository,
    tip: str,
    reference: refs.Reference | None = None,
    alias: str | None = None,
    *,
    since: float | None = None,
    until: float | None = None,
    kept: Path | None = None,
    begun: git.Begun | None = None,
) -> Iterator[Event]:
    """Say what happened to a registry, a name or an alias; raises what ``events`` does, and NoSuch…."""
    found = False
    for event in events(repository, tip, scope(reference, alias), since=since, until=until, kept=kept, begun=begun):
        found = True
        yield event
    if not found and reference is not None:
        from podium import codec

        entity = codec.read(git.commit_tree(repository, tip)).named(reference)
        if alias is not None and alias not in entity.assignments:
            raise NoSuchAlias(entity.name, alias)


def events(
    repository: Repository,
    tip: str,
    path: str = "",
    *,
    since: float | None = None,
    until: float | None = None,
    after_commit: str | None = None,
    kept: Path | None = None,
    begun: git.Begun | None = None,
) -> Iterator[Event]:
    """
    Say what happened to a registry at or below a path, newest first: one step for each first-parent commit.

    The order is the commits' own. ``since`` and ``until`` (seconds since 1970), ``after_commit`` (one of the line: only
    what came after it), ``kept`` (a folder) and ``begun`` are as in ``git.turns``. What does not differ is not read.
    Raises Unavailable where a shallow or partial clone hides the rest, after all that is known.
    """
    looked_at = followed(path, _links(git.commit_tree(repository, tip), path))
    past: Past | None = None
    turns = git.turns(
        repository, tip, looked_at, since=since, until=until, after_commit=after_commit, kept=kept, begun=begun
    )
    for turn in turns:
        if past is None:
            from podium.history import Event  # loaded while Git is at work
            from podium.timeline.past import Past

            past = Past(repository, turn.commit, path, looked_at)
        commit: Commit | None = None
        for change in past.gone_back(turn):
            if change.kind != "other" or layout.concern(change.path) is not None:
                commit = commit or turn.described
                yield Event(commit, change)


def followed(path: str, links: Iterable[bytes] | None) -> list[str]:
    """
    Give the paths at or below which to look for what a change at or below a path meant; none stands for all.

    A link names a version of any artifact: those that the model links at the tip are followed. Of one that it linked at
    another time the files are looked up where they are asked for. ``links`` are what the files hold at the tip that lie
    where ``linking`` says; ``None`` stands for more than ``MOST_LINKS``.
    """
    parts = path.split("/")
    if not path:
        return []
    if parts[0] == layout.MODELS:
        return ["/".join(parts[:2]), *_linked(links), layout.REGISTRY]
    return ["/".join(parts[:3]), layout.REGISTRY]


def linking(path: str) -> str | None:
    """Give the folder in which the links lie that decide what is followed; ``None`` where there are none."""
    parts = path.split("/")
    return f"{layout.model_folder(parts[1])}/versions" if parts[0] == layout.MODELS else None


def _linked(links: Iterable[bytes] | None) -> list[str]:
    if links is None:
        return [layout.ARTIFACTS]
    found = map(_ARTIFACT.search, links)
    return sorted({layout.artifact_folder(one[1].decode()) for one in found if one is not None})


def _links(tree: git.ObjectTree, path: str) -> Iterable[bytes] | None:
    folder = linking(path)
    names = [entry.name for entry in tree.list(folder) if entry.is_file] if folder is not None else []
    return [tree.read(f"{folder}/{name}") for name in names] if len(names) <= MOST_LINKS else None


MOST_LINKS = 200
"""With more links than these it is quicker to follow all artifacts than to read which are linked."""
_ARTIFACT = re.compile(rb"^artifact: *[\"']?([A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)
