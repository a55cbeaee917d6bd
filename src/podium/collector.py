"""Python's garbage collector, kept away while much is made that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 50_000
"""New objects that can be collected: some 10 MB of them."""


def look_seldom() -> None:
    """Let it look when so many objects are new, not at each 700: what a command loads and reads stays to its end."""
    gc.set_threshold(MANY)


@contextmanager
def paused() -> Iterator[None]:
    """Keep it away: it would walk all that a large registry holds, again and again, and find nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
