"""What differs between two trees: found folder by folder, without opening those that are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from podium.errors import Denied
from podium.git.objects import EMPTY, Listing, Raw, entry_of, listing
from podium.tree import DEEPEST, MOST, Entry

if TYPE_CHECKING:
    from pygit2 import Repository

    from podium.history import Difference


def differences(repository: Repository, before: str | None, after: str | None) -> Iterator[Difference]:
    """
    Give the paths at which two trees (ids; ``None``: no files) differ, in order.

    Folders with the same id are not opened: the cost follows what differs, not what there is. Raises Denied for more
    than podium looks at: a tree of a few objects, made by hand, can stand for ten thousand million files.
    """
    waiting = _differing(repository, "", before, after) if before != after else []
    for _ in range(MOST):
        if not waiting:
            return
        path, old, new = waiting.pop()
        file_before, folder_before = _file_or_folder(old)
        file_after, folder_after = _file_or_folder(new)
        if file_before is not None or file_after is not None:
            yield _as_difference(path, file_before, file_after)
        if folder_before or folder_after:
            if path.count("/") > DEEPEST:
                raise Denied(f"a folder of the change is nested deeper than {DEEPEST} folders", "take it away")
            waiting += _differing(repository, f"{path}/", folder_before, folder_after)
    if waiting:
        raise Denied(f"the change holds more than {MOST} names", "make it smaller, or take away what is no registry")


_Differing = tuple[str, Entry | None, Entry | None]


def _differing(repository: Repository, prefix: str, before: str | None, after: str | None) -> list[_Differing]:
    """Give what differs in one folder, last name first."""
    old = listing(repository, before) if before else EMPTY
    new = listing(repository, after) if after else EMPTY
    _refuse_doubles(prefix, new)
    gone, come = ({entry.name: entry for entry in map(entry_of, own)} for own in _apart(old.raw, new.raw))
    return [(prefix + name, gone.get(name), come.get(name)) for name in sorted({*gone, *come}, reverse=True)]


def _apart(old: Sequence[Raw], new: Sequence[Raw]) -> tuple[set[Raw], set[Raw]]:
    """Give what only one of two listings holds: what both begin and end with, mostly nearly all, is passed over."""
    before = _in_common(old, new)
    old, new = old[before:], new[before:]
    behind = _in_common(old[::-1], new[::-1])
    was, is_ = set(old[: len(old) - behind]), set(new[: len(new) - behind])
    return was - is_, is_ - was


def _in_common(one: Sequence[Raw], other: Sequence[Raw]) -> int:
    """Say with how many entries two listings begin alike: in halves, as slices are compared without a step an entry."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least


def _as_difference(path: str, before: Entry | None, after: Entry | None) -> Difference:
    from podium.history import Difference  # what reads one commit needs nothing of history

    return Difference(path, before, after)


def _refuse_doubles(prefix: str, listing: Listing) -> None:
    """Refuse a tree made by hand that holds a name twice: each reader would take another one of the two."""
    twice = listing.twice()
    if twice is not None:
        path = prefix + twice
        raise Denied(f"{path!r} is there twice in one tree", "make the tree anew with git; `git fsck` finds it too")


def _file_or_folder(entry: Entry | None) -> tuple[Entry | None, str | None]:
    if entry is None:
        return None, None
    return (None, entry.id) if entry.is_folder else (entry, None)
