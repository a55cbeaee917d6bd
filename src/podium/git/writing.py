"""New commits, made of objects only: no ref moves, and neither index nor work tree is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Union

from podium.errors import Denied, Error, Unavailable
from podium.git import ids, program
from podium.git.objects import commit_tree, objects_of
from podium.git.program import Ran
from podium.tree import FILE, FOLDER

if TYPE_CHECKING:
    from pygit2 import Oid, Repository

_Nested = dict[str, Union["_Nested", bytes, None]]


def commit_objects(
    repository: Repository, parent: str | None, changes: Mapping[str, bytes | None], message: str
) -> str:
    """
    Make the commit that lays changes (path to content, ``None``: remove) over a parent, and give its id.

    Only objects are written: no ref moves, and neither index nor work tree is looked at. The cost follows the change.
    The author, the committer and the signature are what ``git commit`` would take. Raises Denied where Git does not
    know who the author is, or where a path goes through something that is no folder, Unavailable where the disk does
    not take it.
    """
    base = commit_tree(repository, parent).id if parent is not None else None
    tree = _write_tree(repository, base, changes)
    return _write_commit(repository, tree, parent, message)


def _write_tree(repository: Repository, base: str | None, changes: Mapping[str, bytes | None]) -> str:
    import pygit2

    with _told(), objects_of(repository):
        start = pygit2.Oid(hex=base) if base is not None else None
        written = _edited(repository, start, _nested(changes), "") or repository.TreeBuilder().write()
    return str(written)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:  # libgit2 says it in words only
        raise Unavailable(f"the commit cannot be made: {error}", "see to the disk and its permissions") from None


def _nested(changes: Mapping[str, bytes | None]) -> _Nested:
    nested: _Nested = {}
    for path, content in changes.items():
        *folders, name = path.split("/")
        inside = nested
        for folder in folders:
            deeper = inside.setdefault(folder, {})
            assert isinstance(deeper, dict), f"{path} goes through a file of the same change"
            inside = deeper
        inside[name] = content
    return nested


def _edited(repository: Repository, base: Oid | None, changes: _Nested, prefix: str) -> Oid | None:
    builder = repository.TreeBuilder(base) if base is not None else repository.TreeBuilder()
    for name, change in changes.items():
        there = builder.get(name)
        if there is not None and (there.filemode == FOLDER) != isinstance(change, dict):
            raise Denied(f"{prefix}{name} is {_kind(there.filemode)}", "see `podium check`")
        if isinstance(change, dict):
            inside = _edited(repository, there.id if there is not None else None, change, f"{prefix}{name}/")
            new = None if inside is None else (inside, FOLDER)
        else:
            new = None if change is None else (repository.create_blob(change), FILE)
        if new is not None:
            builder.insert(name, *new)
        elif there is not None:
            builder.remove(name)
    return builder.write() if len(builder) else None


def _kind(mode: int) -> str:
    return "a folder, not a file" if mode == FOLDER else "no folder"


def _write_commit(repository: Repository, tree: str, parent: str | None, message: str) -> str:
    signed = "commit.gpgsign" in repository.config and repository.config.get_bool("commit.gpgsign")
    arguments = ["commit-tree", *(["-S"] if signed else []), *(["-p", parent] if parent else []), "-F", "-", tree]
    text = message.rstrip("\n") + "\n"
    ran = program.run(Path(repository.path), *arguments, stdin=text.encode(), bare=True)
    if ran.code != 0:
        raise not_committed(ran)
    return ids.one(ran.out, "commit-tree")


_DISK = re.compile(
    r"(?mi)^(?:fatal|error): .*(?:no space left|input/output error|read-only file system|quota exceeded"
    r"|permission denied|too many open files|unable to (?:write|create)|failed to write|write error|cannot lock ref)"
)


_SIGNING = re.compile(r"(?mi)^(?:fatal|error): .*(?:failed to sign|public key|signing|gpg)")


def not_committed(ran: Ran) -> Error:
    """Make the error for a commit that git did not make, from its words: Unavailable if the disk does not take it."""
    messages = ran.messages
    lines = [line for line in messages.splitlines() if line.strip()]
    if ran.code < 0:
        return Unavailable(f"git was ended by signal {-ran.code} before the commit was made", "run it again")
    if _SIGNING.search(messages):
        see = "see to `git config user.signingkey` and `gpg.format`, or turn `commit.gpgsign` off"
        return Denied("\n".join(["git could not sign the commit:", *lines]), see)
    if _DISK.search(messages):
        see = "see to the disk, its permissions and its locks, then try again"
        return Unavailable("\n".join(["git could not write the commit:", *lines]), see)
    if "tell me who you are" in messages or "ident name" in messages or "email address" in messages:
        set_both = '`git config --global user.name "…"` and `git config --global user.email …`'
        return Denied("Git does not know who you are, so it cannot say who made the commit", f"set {set_both}")
    return Denied("\n".join(["git did not make the commit:", *lines]), "mend what it says, then try again")
