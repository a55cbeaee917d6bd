"""
The static index: a registry as small JSON files that any web server hands out, for fleets that only read.

``write`` makes the files of a registry at a commit, ``Published`` reads them by plain HTTP. One file by name says all
of a registered model or model artifact that moves; what never changes lies under the hash of its content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podium import deferred

if TYPE_CHECKING:
    from podium.index.source import Published, find
    from podium.index.writer import Written, write
else:  # a service that reads needs nothing of the writer
    __getattr__ = deferred.names(__name__, {"source": "Published find", "writer": "Written write"})

__all__ = ["Published", "Written", "find", "write"]
