"""
Old objects that are needed anew get a new time, as git freshens its own: else ``gc`` elsewhere takes them for garbage.

``log`` finds on the remote what nothing has needed for long, and does not send it again; who looks from another machine
does not know yet that it is needed. Nothing is ever taken away for it: a run that is killed leaves each object as it
was, or new.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.errors import Denied, Unavailable
from podium.progress import Progress
from podium.storage import stored
from podium.storage.progress import Meter, each
from podium.storage.servers.failures import Broken
from podium.storage.stored import Absent, Stored

if TYPE_CHECKING:
    from podium.storage.remote import Remote


@dataclass(frozen=True)
class Renewal:
    """What is there of what is needed, on one remote, and how it is sent: ``send`` is given objects, by their MD5."""

    target: Remote
    has: Callable[[str], bool]
    """Tells whether this machine has an object, so that it can be sent again."""
    send: Callable[[Sequence[str]], object]

    def renew(self, there: Iterable[Stored], progress: Progress) -> list[Stored]:
        """
        Give those of some objects a new time that are old.

        What has gone meanwhile, or can only be renewed by sending it, is sent. Gives what was renewed in place, as it
        was, for ``look``.
        """
        before = time.time() - stored.RENEWAL
        found = {one.md5: one for one in there if one.modified is not None and one.modified < before}
        old = sorted(found, key=lambda md5: md5.endswith(".dir"))  # as they are sent: files first
        if not old:
            return []
        meter = Meter(progress, "renewing", sum(one.size for one in found.values()))
        done = dict(each(lambda md5: (md5, self._renewed(found[md5], meter)), old, self.target.jobs, meter))
        self._send_again([md5 for md5 in old if done[md5] is None], [md5 for md5 in old if done[md5] is False])
        return [found[md5] for md5 in old if done[md5]]

    def look(self, renewed: Sequence[Stored]) -> None:
        """Look once more at what was renewed: a ``gc`` that saw it old may have taken it in that moment."""
        if not renewed:
            return
        now = self.target.seen([one.md5 for one in renewed])
        gone = [md5 for md5, one in now.items() if one is None]
        stale = [one.md5 for one in renewed if (then := now[one.md5]) is not None and stored.is_same(one, then)]
        self._send_again(gone, stale)

    def _renewed(self, one: Stored, meter: Meter) -> bool | None:
        try:
            done = self.target.renew(one.md5)
        except Absent:
            return None
        meter.add(one.size)
        return done

    def _send_again(self, gone: Sequence[str], stale: Sequence[str]) -> None:
        """Send what is gone; and what is there with its old time if that can be done: it's no failure if it can't."""
        if gone:
            self.send(gone)
        here = [md5 for md5 in stale if self.has(md5)]
        try:
            if here:
                self.send(here)
        except Broken:
            raise
        except (Unavailable, Denied) as problem:
            _warn(problem.sentence)
        if len(here) < len(stale):
            _warn(f"this machine does not have {len(stale) - len(here)} of them to send them again")


def _warn(why: str) -> None:
    what = "objects that lie on the remote for long could not be renewed"
    logging.getLogger("podium.storage").warning("%s: %s; push soon, before somebody runs `podium gc`", what, why)
