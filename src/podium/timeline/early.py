"""
Asking Git about a history while libgit2 is still to be loaded, which takes a third as long as Git's answer.

It is a guess: where the repository is, its tip, and what a model links there are found out again by libgit2. Only where
Git was asked the very same question then is its answer taken; else git is stopped, and asked anew.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from podium import git, refs
from podium.errors import Error
from podium.timeline.commits import MOST_LINKS, followed, linking, scope


def asked(source: git.Source, reference: refs.Reference, alias: str | None, kept: Path | None) -> git.Begun | None:
    """
    Begin to ask Git what ``history`` will ask about a name or its alias at the tip; ``None`` where that is not worth
    it.

    ``kept`` is the folder in which answers are kept: where there is one of this line, little will be asked.
    """
    if "pygit2" in sys.modules or not isinstance(source, git.Checkout | git.Bare):
        return None
    path = scope(reference, alias)
    with suppress(Error, OSError, ValueError):
        repository = _repository(source)
        if repository is None or (kept is not None and git.is_kept(kept, repository, followed(path, ()))):
            return None
        if _is_partial(repository):
            return None
        tips = ["refs/remotes/origin/HEAD", "HEAD"] if isinstance(source, git.Bare) else ["HEAD"]
        tip, links = _at_tip(repository, tips, linking(path))
        return git.ask(repository, tip, followed(path, links)) if tip is not None else None
    return None


def _repository(source: git.Checkout | git.Bare) -> Path | None:
    """
    Give the folder of a source's repository, as libgit2 names it; ``None`` where it is not all this user's own.

    Git runs what a repository's settings name. One of somebody else's is refused where libgit2 opens it.
    """
    folders = [source.root, source.root / ".git", source.git_dir] if isinstance(source, git.Checkout) else [source.path]
    mine = all(folder.stat().st_uid == os.geteuid() for folder in folders)
    return Path(os.path.realpath(folders[-1])) if mine else None


def _is_partial(repository: Path) -> bool:
    """Tell whether objects may be left to a server: Git would fetch those, libgit2 says that they are not here."""
    shared = git.common_folder(repository)
    return (shared / "objects" / "info" / "alternates").exists() or any(shared.glob("objects/pack/*.promisor"))


def _at_tip(repository: Path, tips: Sequence[str], folder: str | None) -> tuple[str | None, list[bytes] | None]:
    """Give the first commit that is there, and what a folder's files hold in it; ``None`` for more than are read."""
    names = [name for tip in tips for name in (f"{tip}^{{commit}}", f"{tip}:{folder or ''}")]
    found = git.by_name(repository, names)
    for commit, tree in zip(found[::2], found[1::2], strict=True):
        if commit is not None:
            files = git.plain_files(tree[1]) if tree is not None and folder is not None else []
            return commit[0], _contents(repository, files) if len(files) <= MOST_LINKS else None
    return None, []


def _contents(repository: Path, ids: Sequence[str]) -> list[bytes]:
    return [found[1] for found in git.by_name(repository, ids) if found is not None] if ids else []
