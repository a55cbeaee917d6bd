"""
Merges simulated as a forge makes them: by git's own merge, in a repository of nothing but borrowed objects.

The repository that is asked about is never written to, and nothing that it or a pull request configures (merge drivers,
attributes, hooks) or a user prefers (how renames are treated) has a say.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from podium.errors import Unavailable
from podium.git import ids
from podium.git.differing import differences
from podium.git.objects import ObjectTree, commit_of, common_folder, open_repository

if TYPE_CHECKING:
    from pygit2 import Repository

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = true
\tattributesFile = /dev/null
[merge]
\tdefault = text
\trenames = true
\tdirectoryRenames = conflict
\trenormalize = false
"""
_CLEAN, _CONFLICT = 0, 1


@dataclass(frozen=True)
class Merge:
    """What a merge gives: its files, readable while the ``with`` block lasts, and the paths that conflict."""

    repository: Repository = field(repr=False)
    tree: ObjectTree
    conflicts: tuple[str, ...] = ()


@contextmanager
def borrowing(objects: Sequence[Path], shallow: Path) -> Iterator[Repository]:
    """
    Open a bare repository that has no objects, settings or refs of its own, but reads those of some object folders.

    It goes away with the ``with`` block. ``shallow`` is the file that says where a shallow clone ends.
    """
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="podium-merge-"))
    try:
        for name in ("objects/info", "refs"):
            (folder / name).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/main\n")
        (folder / "config").write_text(_CONFIG)
        alternates = "".join(f"{path}\n" for path in _with_alternates(objects))
        (folder / "objects/info/alternates").write_text(alternates, errors="surrogateescape")
        if shallow.is_file():
            shutil.copyfile(shallow, folder / "shallow")
        yield open_repository(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def scratch(repository: Repository) -> Iterator[Repository]:
    """Open a bare repository that has all objects of another, and takes new ones without the other's seeing them."""
    common = common_folder(Path(repository.path)).resolve()
    with borrowing([common / "objects"], common / "shallow") as borrowed:
        yield borrowed


def _with_alternates(objects: Iterable[Path]) -> Iterator[Path]:
    """Give object folders with those that they borrow from; Git follows relative paths from the first one only."""
    todo = list(objects)
    seen: set[Path] = set()
    while todo:
        folder = todo.pop(0)
        if folder not in seen:
            seen.add(folder)
            yield folder
            todo += (Path(os.path.normpath(folder / borrowed)) for borrowed in _borrowed(folder))


def _borrowed(objects: Path) -> list[str]:
    try:
        lines = (objects / "info" / "alternates").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [line for line in lines if line and not line.startswith("#")]


@contextmanager
def merged(repository: Repository, base: str, head: str) -> Iterator[Merge]:
    """
    Merge a head commit into a base commit, as a forge's merge button would.

    The two must have a common ancestor. Raises Unavailable where an object is missing.
    """
    from podium.git import program  # most changes stand on their base: nothing is merged for them

    for _ in differences(repository, *(str(commit_of(repository, one).tree_id) for one in (base, head))):
        pass  # git itself would go through a tree that stands for ten thousand million files, or is nested without end
    with scratch(repository) as borrowed:
        ran = program.run(
            Path(borrowed.path),
            "merge-tree",
            "--write-tree",
            "-z",
            "--name-only",
            "--no-messages",
            base,
            head,
            bare=True,
        )
        if ran.code not in (_CLEAN, _CONFLICT):
            raise Unavailable(
                f"git cannot merge {head[:12]} into {base[:12]}: {ran.messages or 'it gave no reason'}",
                "get the whole history: `git fetch --unshallow` (in CI: `fetch-depth: 0`), in a clone without --filter",
            )
        tree, *paths = ran.out.decode("utf-8", "surrogateescape").rstrip("\0").split("\0")
        yield Merge(
            borrowed, ObjectTree(borrowed, ids.one(os.fsencode(tree), "merge-tree")), tuple(dict.fromkeys(paths))
        )


@contextmanager
def merge_result(repository: Repository, base: str, head: str, ancestor: str) -> Iterator[Merge]:
    """Give what merging head into base gives; without a merge where base has nothing that head does not have."""
    if ancestor == base:
        yield Merge(repository, ObjectTree(repository, str(commit_of(repository, head).tree_id)))
        return
    with merged(repository, base, head) as merge:
        yield merge
