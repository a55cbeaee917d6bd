"""Looking back: what each commit of a branch meant, who held an alias when, and the way back to what it held before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podium import deferred

if TYPE_CHECKING:
    from podium.timeline.back import WayBack, go_on, way_back
    from podium.timeline.commits import events, history, scope, tip
    from podium.timeline.early import asked
    from podium.timeline.holders import Line, held, line
    from podium.timeline.meanwhile import check_committed, check_known, committed_already, gone_already
else:  # to ask Git for a history takes little of it
    __getattr__ = deferred.names(
        __name__,
        {
            "back": "WayBack go_on way_back",
            "commits": "events history scope tip",
            "early": "asked",
            "holders": "Line held line",
            "meanwhile": "check_committed check_known committed_already gone_already",
        },
    )

__all__ = [
    "Line",
    "WayBack",
    "asked",
    "check_committed",
    "check_known",
    "committed_already",
    "events",
    "go_on",
    "gone_already",
    "held",
    "history",
    "line",
    "scope",
    "tip",
    "way_back",
]
