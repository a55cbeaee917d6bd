"""Garbage: what the stores hold and no version needs. Found first, and only then, and only if asked, taken away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING

from podium import git, needs, resolve
from podium.errors import Denied, Unavailable
from podium.needs import Needs
from podium.progress import Progress, silent
from podium.storage.progress import Meter, each

if TYPE_CHECKING:
    from podium.storage import Storage
    from podium.storage.cache import Cache
    from podium.storage.remote import Remote
    from podium.storage.stored import Contents, Stored, Unfinished

CACHE = "cache"
"""What the cache on this machine is called among the stores; no remote of DVC's has blanks or brackets in its name."""
GRACE = 14 * 86400.0
"""Seconds for which an object stays that nothing needs: it may be part of what somebody is about to push."""
LIVE = 86400.0
"""Seconds for which what is unfinished stays in any case: somebody may be at it."""
_TRIES = 5
_MOST_FILES = 1 << 20
"""Files of a folder of which nothing here says how many it has: what goes on for longer is no list of them."""


@dataclass(frozen=True)
class Leftover:
    """
    What one store holds: objects that are needed, garbage, and what would be garbage but is too young to tell.

    ``unfinished`` is what uploads and downloads left that were killed, as long ago as garbage has to be.
    """

    store: str
    needed: int
    garbage: tuple[Stored, ...]
    young: tuple[Stored, ...]
    unfinished: tuple[Unfinished, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of the garbage."""
        return sum(stored.size for stored in self.garbage)


@dataclass(frozen=True)
class Found:
    """
    What was found: by store, with how many refs were looked at.

    ``handed_out``: versions that nothing needs, whose files ``use`` left on this machine. ``lost``: folders of plain
    DVC files that no store has.
    """

    leftovers: tuple[Leftover, ...]
    refs: int
    handed_out: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Keeper:
    """
    Who knows what is needed, and in which stores it lies.

    ``sources``: the registry, and others that keep their bytes in the same stores. ``remotes``: which remotes of DVC's
    are looked at. ``home``: where ``use`` leaves files; only looked at with the ``cache``. ``now``: seconds since 1970.
    """

    sources: Sequence[git.Source]
    storage: Storage
    remotes: Sequence[str]
    cache: bool
    home: Path
    now: float
    grace: float = GRACE
    without_withdrawn: bool = False

    def find(self) -> Found:
        """
        Find what no version needs; nothing is changed.

        Raises Unavailable where not every ref can be seen, or not every version be read, and where a remote does not
        answer.
        """
        return self._look()[0]

    def delete(self, progress: Progress = silent) -> Found:
        """
        Find what no version needs, look once more whether that still holds, and take it away; gives what went.

        Folders go before what they list, so that none is claimed which is not whole. What somebody gave a new time
        since it was listed stays, and counts as young. Raises what ``find`` raises; Denied where somebody needs what
        was just taken away, with how to bring it back.
        """
        for source in self.sources:
            git.sweep(source)
        seen, views = self._look()
        meter = Meter(progress, "deleting", sum(left.size for left in seen.leftovers))
        found = replace(seen, leftovers=tuple(self._take_away(left, meter) for left in seen.leftovers))
        for md5 in found.handed_out:
            resolve.take_back(self.home, md5)
        self._check_again(found, views)
        return found

    def _look(self) -> tuple[Found, list[git.View]]:
        """List the stores first, then the refs, until these stand still: what is pushed meanwhile is no garbage."""
        listed = {name: store.contents() for name, store in self._stores().items()}
        handed_out = resolve.handed_out(self.home) if self.cache else {}
        views = self._views()
        for _ in range(_TRIES):
            needed = self._needs(views)
            again = self._views()
            if again == views:
                return self._found(listed, handed_out, needed, views), views
            views = again
        raise Unavailable("others keep pushing, so that what is needed changes all the time", "try again later")

    def _views(self) -> list[git.View]:
        return [git.view(source, needs.wanted) for source in self.sources]

    def _needs(self, views: Sequence[git.View]) -> Needs:
        listing = self._listing()
        own = needs.of(views[0], listing, without_withdrawn=self.without_withdrawn)
        return reduce(or_, (needs.of(view, listing) for view in views[1:]), own)

    def _listing(self) -> needs.Listing:
        """Give what reads ``.dir`` objects: in the cache, else where they should be, else on any of the remotes."""
        known: dict[str, bytes | None] = {}

        def read(md5: str, remotes: Collection[str]) -> bytes | None:
            if known.get(md5) is None:
                known[md5] = self.storage.cache.read(md5) or self._read(md5, remotes or [""])
            return known[md5]

        return read

    def _read(self, md5: str, remotes: Collection[str]) -> bytes | None:
        from podium.storage.presence import list_of_files
        from podium.storage.remote import Absent

        for typed, recorded in dict.fromkeys(
            [*(("", name) for name in remotes), *((name, "") for name in self.remotes)]
        ):
            with suppress(Absent, Denied):  # a remote may have left the configuration since
                return list_of_files(self.storage.remote(typed, recorded), md5, _MOST_FILES)
        return None

    def _stores(self) -> dict[str, Remote | Cache]:
        remotes: dict[str, Remote | Cache] = {name: self.storage.remote(name) for name in self.remotes}
        return remotes | ({CACHE: self.storage.cache} if self.cache else {})

    def _found(
        self,
        listed: Mapping[str, Contents],
        handed_out: Mapping[str, float],
        needed: Needs,
        views: Sequence[git.View],
    ) -> Found:
        end = self.now - self.grace
        left = tuple(_leftover(name, contents, needed.objects, end, self.now) for name, contents in listed.items())
        rooms = sorted(md5 for md5, at in handed_out.items() if md5 not in needed.objects and at <= end)
        return Found(left, sum(len(view.refs) for view in views), tuple(rooms), tuple(sorted(needed.lost)))

    def _take_away(self, left: Leftover, meter: Meter) -> Leftover:
        """Take away what one store has too much; gives what went."""
        store = self._stores()[left.store]
        jobs = getattr(store, "jobs", 1)

        def remove(stored: Stored) -> Stored | None:
            with _told():
                went = store.remove(stored)
            meter.add(stored.size)
            return stored if went else None

        def discard(unfinished: Unfinished) -> None:
            with _told():
                store.discard(unfinished)

        went = {gone for some in _in_turn(left.garbage) for gone in each(remove, some, jobs, meter)}
        list(each(discard, left.unfinished, jobs, meter))
        spared = tuple(one for one in left.garbage if one not in went)
        return replace(left, garbage=tuple(one for one in left.garbage if one in went), young=left.young + spared)

    def _check_again(self, found: Found, views: list[git.View]) -> None:
        gone = {stored.md5 for left in found.leftovers for stored in left.garbage}
        if not gone:
            return
        after = self._views()
        if after == views:
            return
        missed = gone & self._needs(after).objects
        if missed:
            raise Denied(
                f"{len(missed)} of the deleted objects are needed by what was pushed in that very moment",
                "`podium verify` names the versions; `podium upload` on the machine that logged them sends them again",
            )


def _leftover(name: str, contents: Contents, needed: frozenset[str], end: float, now: float) -> Leftover:
    rest = [stored for stored in contents.objects if stored.md5 not in needed]
    old = tuple(stored for stored in rest if _is_before(stored, end))
    young = tuple(stored for stored in rest if not _is_before(stored, end))
    unfinished = tuple(left for left in contents.unfinished if _is_before(left, min(end, now - LIVE)))
    return Leftover(name, len(contents.objects) - len(rest), old, young, unfinished)


def _is_before(stored: Stored | Unfinished, end: float) -> bool:
    """Tell whether something was written before a moment; a store that does not say how old it is: it may be new."""
    return stored.modified is not None and stored.modified <= end


def _in_turn(objects: Iterable[Stored]) -> tuple[list[Stored], list[Stored]]:
    """Give folders, then files."""
    listed = list(objects)
    return (
        [stored for stored in listed if stored.md5.endswith(".dir")],
        [stored for stored in listed if not stored.md5.endswith(".dir")],
    )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the cache cannot be changed: {error.strerror}", "see to its permissions") from None
