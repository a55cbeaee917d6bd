"""The registries that are measured: made once, kept in a work folder."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import generate


@dataclass(frozen=True)
class Registries:
    """
    A small, a middle and a large registry, as bare repositories and as checkouts.

    ``patience``: seconds that a peer may take; ``gto``: its program, where there is one.
    """

    work: Path
    small: int = 1_000
    middle: int = 10_000
    large: int = 100_000
    patience: float = 1_200
    gto: Path | None = None

    def bare(self, versions: int, per_artifact: int = 10) -> Path:
        """Give a bare repository of that many versions; made where it isn't there."""
        place = self.work / f"{versions}-{per_artifact}.git"
        if not place.exists():
            unfinished = place.with_suffix(".unfinished")
            generate.build(unfinished, versions, per_artifact, store=place.with_suffix(".store"))
            unfinished.rename(place)
        return place

    def checkout(self, versions: int, per_artifact: int = 10) -> Path:
        """Give a clone with its files."""
        place = self.work / f"{versions}-{per_artifact}"
        if not place.exists():
            subprocess.run(["git", "clone", "-q", self.bare(versions, per_artifact), place], check=True)
        return place
