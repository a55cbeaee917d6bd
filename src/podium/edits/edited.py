"""What an edit is, and what it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from podium.model import Registry


@dataclass(frozen=True)
class Edited:
    """
    What an edit made: the registry after it, and what to say.

    ``registry.tree`` is an overlay whose ``changes`` are the files to write. ``result`` is the line a command prints;
    ``changed`` is false where there was nothing to do; ``notes`` are words for stderr.
    """

    registry: Registry
    result: str
    changed: bool = True
    notes: tuple[str, ...] = ()


Edit = Callable[[Registry], Edited]
"""What ``publish`` applies: to a checkout, or to the tip of a branch, again and again until it lands."""


def in_turn(edits: Iterable[Edit]) -> Edit:
    """Make one edit of several: each sees what those before it made; the result is the first one's."""

    def edit(registry: Registry) -> Edited:
        done: list[Edited] = []
        for step in edits:
            done.append(step(done[-1].registry if done else registry))
        return Edited(
            done[-1].registry,
            done[0].result,
            any(step.changed for step in done),
            tuple(note for step in done for note in step.notes),
        )

    return edit
