"""What the format asks and JSON Schema can't say: whole numbers without a point, real days, no circles in ``after``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from podium.schemas.explain import Pointer, Problem, shown

_EACH = "*"
_WHOLE_NUMBERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "alias": (("generation",),),
    "registry": (("aliases", _EACH, "requires", "files", "max_size"),),
    "version": (("outs", _EACH, "size"), ("outs", _EACH, "nfiles"), ("meta", "files", _EACH, "size")),
}


def problems(kind: str, data: Any) -> list[Problem]:
    """Give what is wrong with a document beyond its schema; the document may be of any shape."""
    found = [problem for path in _WHOLE_NUMBERS.get(kind, ()) for problem in _floats(data, path)]
    if kind == "version":
        found += _day(data)
    if kind == "registry":
        found += _after(data)
    return found


def worth_asking(kind: str, data: Any) -> bool:
    """Tell quickly whether a document that keeps to its schema could have problems beyond it."""
    if kind == "version":
        out, meta = data["outs"][0], data["meta"]
        numbers = [out["size"], out["nfiles"], *[file["size"] for file in meta.get("files", ())]]
        return float in map(type, numbers) or "-02-29T" in meta["created"]
    return "aliases" in data if kind == "registry" else kind == "alias" and isinstance(data["generation"], float)


def _floats(data: Any, path: tuple[str, ...]) -> Iterator[Problem]:
    """JSON Schema takes 7.0 for an integer; in a file that is compared byte for byte it is not one."""
    for pointer, value in _reach(data, path, ()):
        if isinstance(value, float):
            yield Problem(pointer, f"must be a whole number without a point, is {shown(value)}")


def _reach(data: Any, path: tuple[str, ...], pointer: Pointer) -> Iterator[tuple[Pointer, Any]]:
    if not path:
        yield pointer, data
    elif path[0] != _EACH:
        if isinstance(data, dict) and path[0] in data:
            yield from _reach(data[path[0]], path[1:], (*pointer, path[0]))
    elif isinstance(data, dict | list):
        for key, member in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _reach(member, path[1:], (*pointer, key))


def _day(data: Any) -> Iterator[Problem]:
    for pointer, created in _reach(data, ("meta", "created"), ()):
        if isinstance(created, str) and created[4:10] == "-02-29" and created[:4].isascii() and created[:4].isdigit():
            year = int(created[:4])
            if year % 4 or (year % 100 == 0 and year % 400):
                yield Problem(pointer, f"{year} has no 29th of February")


def _after(data: Any) -> Iterator[Problem]:
    policies = data.get("aliases") if isinstance(data, dict) else None
    if not isinstance(policies, dict):
        return
    waits: dict[str, list[str]] = {}
    for alias, policy in policies.items():
        waits[alias] = []
        for pointer, other in _reach(policy, ("after", _EACH), ("aliases", alias)):
            if other == alias:
                yield Problem(pointer, f"{shown(alias)} cannot come after itself")
            elif isinstance(other, str) and other in policies:
                waits[alias].append(other)
            elif isinstance(other, str):
                yield Problem(pointer, f"{shown(other)} is no alias with a policy here")
    yield from _circles(waits)


def _circles(waits: dict[str, list[str]]) -> Iterator[Problem]:
    seen: set[str] = set()
    for alias in _never_first(waits):
        trail: list[str] = []
        step: str | None = alias
        while step is not None and step not in seen:
            seen.add(step)
            trail.append(step)
            step = waits[step][0] if waits[step] else None
        if step in trail:
            circle = trail[trail.index(step) :]
            names = " after ".join(shown(name, 40) for name in [*circle[:6], *(["…"] if len(circle) > 6 else []), step])
            yield Problem(("aliases", step, "after"), f"the aliases wait for each other: {names}")


def _never_first(waits: dict[str, list[str]]) -> list[str]:
    """Leave only the aliases whose turn never comes, and in ``waits`` only what they wait for among themselves."""
    waiting: dict[str, list[str]] = {alias: [] for alias in waits}
    for alias, others in waits.items():
        for other in others:
            waiting[other].append(alias)
    missing = {alias: len(others) for alias, others in waits.items()}
    free = [alias for alias, count in missing.items() if not count]
    while free:
        for alias in waiting[free.pop()]:
            missing[alias] -= 1
            if not missing[alias]:
                free.append(alias)
    stuck = [alias for alias, count in missing.items() if count]
    for alias in stuck:
        waits[alias] = [other for other in waits[alias] if missing[other]]
    return stuck
