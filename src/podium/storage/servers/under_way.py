"""A file on its way to a server that takes it bit by bit, under its own name there: how much has arrived, for sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from podium.storage.servers.failures import Broken

TAIL = 4 << 20
"""Bytes at the end of what arrived that are read back before more is sent."""


@dataclass
class Upload:
    """
    A file, the name under which it arrives, and the bytes from its beginning that the server has said it wrote.

    ``keep`` is told of these whenever they change.
    """

    source: Path
    target: str
    arrived: int = 0
    keep: Callable[[int], object] = int

    def compare(self, found: int, who: str) -> None:
        """Make sure that a server has as many bytes as there are; raises Broken, and begins anew the next time."""
        if found != self.source.stat().st_size:
            self.note(0)
            raise Broken(f"{who} has {found} bytes of a file, not those that were sent", "see who writes there")

    def note(self, arrived: int) -> None:
        """Take note of how much the server has."""
        self.arrived = arrived
        self.keep(arrived)
