"""The first bad of some versions: a binary search that may skip what cannot be judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["good", "bad", "skip"]


@dataclass(frozen=True)
class Found:
    """
    What a search found.

    ``suspects`` are the versions of which one is the first bad one, oldest first; none where no version is bad.
    ``last_good`` is the newest good version before them, ``None`` where there is none. ``verdicts`` are in the order
    they were given.
    """

    suspects: tuple[str, ...]
    last_good: str | None
    verdicts: dict[str, Verdict]

    @property
    def first_bad(self) -> str | None:
        """The first bad version, where it is known."""
        return self.suspects[0] if len(self.suspects) == 1 else None


def search(versions: Sequence[str], judge: Callable[[str], Verdict]) -> Found:
    """
    Find the first bad of some versions, oldest first, of which all that follow a bad one are taken to be bad too.

    Both ends are judged first, so that nothing is assumed of them. What cannot be judged is passed over as far as
    possible.
    """
    seen: dict[str, Verdict] = {}

    def ask(at: int) -> Verdict:
        seen[versions[at]] = judge(versions[at])
        return seen[versions[at]]

    newest = next(((at, said) for at in reversed(range(len(versions))) if (said := ask(at)) != "skip"), None)
    if newest is None:
        return Found(tuple(versions), None, seen)
    bad, said = newest
    if said == "good":  # what is newer could not be judged
        return Found(tuple(versions[bad + 1 :]), versions[bad], seen)
    good = -1
    for at in range(bad):
        said = ask(at)
        if said == "bad":
            bad = at
        elif said == "good":
            good = at
        if said != "skip":
            break
    while good >= 0 and (open_ := [at for at in range(good + 1, bad) if versions[at] not in seen]):
        middle = min(open_, key=lambda at: abs(2 * at - good - bad))
        said = ask(middle)
        good, bad = (middle if said == "good" else good), (middle if said == "bad" else bad)
    return Found(tuple(versions[good + 1 : bad + 1]), versions[good] if good >= 0 else None, seen)
