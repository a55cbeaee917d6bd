"""Looking back: what each commit of a branch meant, who held an alias when, and the way back to what it held before."""

from podium.timeline.back import WayBack, go_on, way_back
from podium.timeline.events import events, history, scope, tip
from podium.timeline.holders import Line, held, line
from podium.timeline.meanwhile import check_committed, check_known, committed_already, gone_already

__all__ = [
    "Line",
    "WayBack",
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
