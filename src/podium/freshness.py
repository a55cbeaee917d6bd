"""How old an answer may be that is kept here: asked for anew, taken while it is young, or taken as it is."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from podium.errors import Usage

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True)
class Freshness:
    """
    What a reader of a registry elsewhere is content with.

    ``max_age``: seconds for which what was fetched is taken without asking again. ``offline``: whatever is kept is
    taken, however old it is, and nothing is ever asked for.
    """

    max_age: float = 0.0
    offline: bool = False

    def takes(self, age: float | None) -> bool:
        """Tell whether something that was fetched ``age`` seconds ago (``None``: never) is taken without asking."""
        return age is not None and (self.offline or age < self.max_age)


ANEW = Freshness()
"""Nothing is taken that was not asked for just now."""


def chosen(max_age: float | None, offline: bool | None, environment: Mapping[str, str]) -> Freshness:
    """Give what was asked for, else what PODIUM_MAX_AGE (seconds) and PODIUM_OFFLINE say; raises Usage."""
    seconds = _handed(max_age) if max_age is not None else _seconds(environment.get("PODIUM_MAX_AGE") or "0")
    if not 0 <= seconds < math.inf:
        raise Usage(f"a max_age of {seconds!r} is no age", "give it in seconds, for example 300")
    if offline is not None and not isinstance(offline, bool):
        raise Usage(f"offline of type {type(offline).__name__} says neither yes nor no", "hand in True or False")
    without = offline if offline is not None else _is_set(environment.get("PODIUM_OFFLINE", ""))
    return Freshness(float(seconds), without)


def _is_set(text: str) -> bool:
    said = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}.get(text.lower())
    if said is None:
        raise Usage(f"PODIUM_OFFLINE is {text!r}", "set it to 1, or to 0")
    return said


def _handed(seconds: object) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise Usage(f"a max_age of type {type(seconds).__name__} is no age", "give it in seconds, for example 300")
    try:
        return float(seconds)
    except OverflowError:
        return math.inf


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Usage(f"PODIUM_MAX_AGE is {text!r}", "set it to a number of seconds, for example 300") from None


def age(stamp: Path) -> float | None:
    """Give the seconds since a file was written; ``None`` where there is none, infinite where it is from the future."""
    try:
        seconds = time.time() - stamp.stat().st_mtime
    except OSError:
        return None
    return seconds if seconds > -1 else math.inf


def is_of(stamp: Path, moment: float) -> bool:
    """Tell whether a file's time is a moment (seconds since 1970) or a later one, and not in the future."""
    try:
        return moment <= stamp.stat().st_mtime < time.time() + 1
    except OSError:
        return False


def stamp(path: Path, moment: float) -> None:
    """Note in a file's time that something was as it is at a moment; if that can't be kept, it is asked for again."""
    try:
        path.touch()
        os.utime(path, (moment, moment))
    except OSError:
        return


def words(seconds: float) -> str:
    """Say an age: ``3 hours ago``."""
    if not math.isfinite(seconds):
        return "an unknown time ago"
    unit, length = next((pair for pair in _UNITS if seconds >= pair[1]), _UNITS[-1])
    number = max(0, int(seconds // length))
    return f"{number} {unit}{'' if number == 1 else 's'} ago"
