"""How long work says how far it is: to whoever draws a bar, or to nobody."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Is told what is being done, the bytes done, and the bytes there are in all (0 where not known); from any thread."""


def silent(what: str, done: int, total: int) -> None:
    """Draw nothing."""
