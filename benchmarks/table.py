"""
Measure everything, and print a table of ratios.

    python benchmarks/table.py [--work DIR] [--only reading checking moving field] [--small 1000] [--large 100000]

Each row compares podium with a peer or a floor, run in turn on the same machine. The registries are made once and kept in
the work folder (4 GB at full size). GTO is measured where it is installed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
from pathlib import Path

import checking
import field
import reading
from registries import Registries
from rows import Row, table

import moving

PARTS = {"reading": reading.rows, "checking": checking.rows, "moving": moving.rows, "field": field.rows}


def main() -> None:
    """Read the command line, measure, print."""
    given = _arguments()
    given.work.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("DVC_SITE_CACHE_DIR", str(given.work / "dvc"))
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    os.environ.setdefault("PODIUM_CACHE_DIR", str(given.work / "cache"))
    registries = Registries(given.work.resolve(), given.small, given.middle, given.large)
    rows: list[Row] = []
    for part in given.only:
        for row in PARTS[part](registries):
            rows.append(row)
            print(" · ".join(row.cells()), flush=True)
    print(f"\n{_machine()}\n\n{table(rows)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--middle", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=100_000)
    return parser.parse_args()


def _machine() -> str:
    with Path("/proc/cpuinfo").open() as lines:
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    today = dt.datetime.now(dt.UTC).date()
    return (
        f"{today}: {len(names)} cores, {names[0] if names else platform.machine()}, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
