"""One row of the table: what podium took, what its peer or floor took, and what was promised."""

from __future__ import annotations

from dataclasses import dataclass

from measure import Cost


@dataclass(frozen=True)
class Row:
    """
    A comparison within one run.

    ``at_most`` is the largest ratio ours / theirs that keeps the promise; where podium has to be so many times faster than a
    peer, it is one over that number.
    """

    what: str
    ours: Cost
    theirs: Cost
    peer: str
    at_most: float

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
            _times(self.at_most),
            "yes" if self.ratio <= self.at_most else "**no**",
        )


HEAD = ("what", "podium", "memory", "against", "took", "ratio", "promise", "kept")


def table(rows: list[Row]) -> str:
    """Draw the rows as a Markdown table."""
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _seconds(cost: Cost) -> str:
    return f"{cost.wall:.2f} s ({cost.cpu:.2f} cpu)"


def _times(ratio: float) -> str:
    return f"≤ 1/{1 / ratio:.0f}" if ratio <= 0.1 else f"{ratio:.2f}"
