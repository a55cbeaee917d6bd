"""Garbage: what the stores hold and no version needs. Found first, and only then, and only if asked, taken away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
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
    from podium.storage.stored import Stored

CACHE = "cache"
"""What the cache on this machine is called among the stores; no remote of DVC's has a blank or a bracket in its name."""
GRACE = 14 * 86400.0
"""Seconds for which an object stays that nothing needs: it may be part of what somebody is about to push."""
_TRIES = 5
_MOST_FILES = 1 << 20
"""Files of a folder of which nothing here says how many it has: what goes on for longer is no list of them."""


@dataclass(frozen=True)
class Leftover:
    """What one store holds: objects that are needed, garbage, and what would be garbage but is too young to tell."""

    store: str
    needed: int
    garbage: tuple[Stored, ...]
    young: tuple[Stored, ...]

    @property
    def size(self) -> int:
        """The bytes of the garbage."""
        return sum(stored.size for stored in self.garbage)


@dataclass(frozen=True)
class Found:
    """
    What was found: by store, with how many refs were looked at.

    ``handed_out``: versions that nothing needs, whose files ``use`` left on this machine. ``lost``: folders of plain DVC files
    that no store has.
    """

    leftovers: tuple[Leftover, ...]
    refs: int
    handed_out: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Keeper:
    """
    Who knows what is needed, and in which stores it lies.

    ``sources``: the registry, and others that keep their bytes in the same stores. ``remotes``: which remotes of DVC's are
    looked at. ``home``: where ``use`` leaves files; only looked at with the ``cache``. ``now``: seconds since 1970.
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

        Raises Unavailable where not every ref can be seen, or not every version be read, and where a remote does not answer.
        """
        return self._look()[0]

    def delete(self, progress: Progress = silent) -> Found:
        """
        Find what no version needs, look once more whether that still holds, and take it away; gives what went.

        Folders go before what they list, so that none is claimed which is not whole. Raises what ``find`` raises; Denied
        where somebody needs what was just taken away, with how to bring it back.
        """
        found, views = self._look()
        meter = Meter(progress, "deleting", sum(left.size for left in found.leftovers))
        for left in found.leftovers:
            self._take_away(left, meter)
        for md5 in found.handed_out:
            resolve.take_back(self.home, md5)
        self._check_again(found, views)
        return found

    def _look(self) -> tuple[Found, list[git.View]]:
        """List the stores first and the refs afterwards, until these stand still: what is pushed meanwhile is no garbage."""
        listed = {name: list(store.objects()) for name, store in self._stores().items()}
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

        for name in dict.fromkeys([*remotes, *self.remotes]):
            with suppress(Absent, Denied):  # a remote may have left the configuration since
                return list_of_files(self.storage.remote(name), md5, _MOST_FILES)
        return None

    def _stores(self) -> dict[str, Remote | Cache]:
        remotes: dict[str, Remote | Cache] = {name: self.storage.remote(name) for name in self.remotes}
        return remotes | ({CACHE: self.storage.cache} if self.cache else {})

    def _found(
        self,
        listed: Mapping[str, Sequence[Stored]],
        handed_out: Mapping[str, float],
        needed: Needs,
        views: Sequence[git.View],
    ) -> Found:
        end = self.now - self.grace
        left = tuple(_leftover(name, objects, needed.objects, end) for name, objects in listed.items())
        rooms = sorted(md5 for md5, at in handed_out.items() if md5 not in needed.objects and at <= end)
        return Found(left, sum(len(view.refs) for view in views), tuple(rooms), tuple(sorted(needed.lost)))

    def _take_away(self, left: Leftover, meter: Meter) -> None:
        store = self._stores()[left.store]
        jobs = getattr(store, "jobs", 1)

        def remove(stored: Stored) -> None:
            try:
                store.remove(stored.md5)
            except OSError as error:
                raise Unavailable(f"the cache cannot be changed: {error.strerror}", "see to its permissions") from None
            meter.add(stored.size)

        for some in (_folders(left.garbage), _files(left.garbage)):
            list(each(remove, some, jobs, meter))

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


def _leftover(name: str, objects: Iterable[Stored], needed: frozenset[str], end: float) -> Leftover:
    objects = list(objects)
    rest = [stored for stored in objects if stored.md5 not in needed]
    old: list[Stored] = []
    young: list[Stored] = []
    for stored in rest:  # a store that does not say how old something is: it may be new
        (old if stored.modified is not None and stored.modified <= end else young).append(stored)
    return Leftover(name, len(objects) - len(rest), tuple(old), tuple(young))


def _folders(objects: Iterable[Stored]) -> list[Stored]:
    return [stored for stored in objects if stored.md5.endswith(".dir")]


def _files(objects: Iterable[Stored]) -> list[Stored]:
    return [stored for stored in objects if not stored.md5.endswith(".dir")]
