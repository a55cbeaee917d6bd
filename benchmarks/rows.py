"""One row of the table: what podium took, what its peer or floor took, and what was promised."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from measure import Cost


@dataclass(frozen=True)
class Row:
    """
    A comparison within one run.

    ``at_most`` is the largest ratio ours / theirs that keeps the promise; where podium has to be so many times faster
    than a peer, it is one over that number, and ``None`` where nothing is promised.
    """

    what: str
    ours: Cost
    theirs: Cost
    peer: str
    at_most: float | None

    @property
    def ratio(self) -> float:
        """Time on the clock, ours by theirs."""
        return self.ours.wall / self.theirs.wall

    def cells(self) -> tuple[str, ...]:
        """Give the cells of the table's line."""
        return (
            self.what,
            _seconds(self.ours),
            f"{self.ours.memory / 1e6:.0f} MB",
            self.peer,
            _seconds(self.theirs),
            _times(self.ratio),
            _times(self.at_most) if self.at_most is not None else "",
            self._kept(),
        )

    def _kept(self) -> str:
        if self.at_most is None:
            return ""
        return "yes" if self.ratio <= self.at_most else "**no**"


HEAD = ("what", "podium", "memory", "against", "took", "ratio", "promise", "kept")


def table(rows: list[Row]) -> str:
    """Draw the rows as a Markdown table."""
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def save(rows: list[Row], place: Path) -> None:
    """Keep the rows of a part, for a later table."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def saved(place: Path) -> list[Row] | None:
    """Give the rows of a part that an earlier run measured, if one did."""
    if not place.exists():
        return None
    rows = json.loads(place.read_text())
    return [Row(**{**row, "ours": Cost(**row["ours"]), "theirs": Cost(**row["theirs"])}) for row in rows]


def _seconds(cost: Cost) -> str:
    more = "over " if cost.stopped else ""  # it was stopped then: the ratio is better than the table says
    return f"{more}{cost.wall:.2f} s ({cost.cpu:.2f} cpu)"


def _times(ratio: float) -> str:
    return f"≤ 1/{1 / ratio:.0f}" if ratio <= 0.1 else f"{ratio:.2f}"
