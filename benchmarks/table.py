"""
Measure everything, and print a table of ratios.

    python benchmarks/table.py [--work DIR] [--only reading checking presence moving field] [--resume] [--clean]

Each row compares podium with a peer or a floor, run in turn on the same machine. At full size the work folder takes 4
GB, and 12 GB for as long as `moving` runs; the registries in it are made once, and kept until `--clean`. A part that is
done is kept there, too: after an interruption `--resume` goes on with the next. In `field` DVC and GTO take minutes:
they are stopped after `--patience` seconds, and the table says so. GTO gets an environment of its own in the work
folder, or is named with `--gto`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

import checking
import field
import presence
import reading
from registries import Registries
from rows import Row, save, saved, table

import moving

WHO = {"NAME": "Ada Lovelace", "EMAIL": "ada@acme.dev"}
PARTS = {
    "reading": reading.rows,
    "checking": checking.rows,
    "presence": presence.rows,
    "moving": moving.rows,
    "field": field.rows,
}


def main() -> None:
    """Read the command line, measure, print."""
    given = _arguments()
    work = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    os.environ |= _surroundings(work)
    registries = Registries(
        work, given.small, given.middle, given.large, given.patience, given.gto and given.gto.absolute()
    )
    rows: list[Row] = []
    for part in given.only:
        rows += _part(part, registries, resume=given.resume)
    print(f"\n{_machine()}\n\n{table(rows)}")
    if given.clean:
        _remove(work)
    else:
        print(f"\n{work} takes {_size(work) / 1e9:.1f} GB; --clean removes it", file=sys.stderr)


def _surroundings(work: Path) -> dict[str, str]:
    """Keep what commands write out of the user's folders, and their commits out of the user's name."""
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in WHO.items()}
    places = {"DVC_SITE_CACHE_DIR": str(work / "dvc"), "PODIUM_CACHE_DIR": str(work / "cache")}
    return {**who, **places, "DVC_NO_ANALYTICS": "1"}


def _part(part: str, registries: Registries, *, resume: bool) -> list[Row]:
    """Measure a part, row by row; or give the rows of an earlier run."""
    sizes = f"{registries.small}-{registries.middle}-{registries.large}"
    place = registries.work / "rows" / f"{part}-{sizes}.json"
    before = saved(place) if resume else None
    if before is not None:
        return before
    began, rows = time.monotonic(), []
    for row in PARTS[part](registries):
        rows.append(row)
        print(" · ".join(row.cells()), flush=True)
    print(f"{part} took {(time.monotonic() - began) / 60:.0f} minutes", file=sys.stderr, flush=True)
    save(rows, place)
    return rows


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/benchmarks"), help="where everything is made")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--resume", action="store_true", help="take the parts that an earlier run measured from there")
    parser.add_argument("--clean", action="store_true", help="remove the work folder at the end")
    parser.add_argument("--patience", type=float, default=1200, help="seconds after which a peer of `field` is stopped")
    parser.add_argument("--gto", type=Path, help="GTO's program; without it, it is installed into the work folder")
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--middle", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=100_000)
    return parser.parse_args()


def _machine() -> str:
    with Path("/proc/cpuinfo").open() as lines:
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    today = dt.datetime.now(dt.UTC).date()
    load = os.getloadavg()[2]
    return (
        f"{today}: {len(names)} cores, {names[0] if names else platform.machine()}, "
        f"Python {platform.python_version()}; "
        f"load {load:.1f} over the last quarter of an hour"
    )


def _size(folder: Path) -> int:
    """Give the bytes that a folder takes on the disk, files with several names once."""
    return int(subprocess.run(["du", "-sk", folder], check=True, capture_output=True).stdout.split()[0]) * 1024


def _remove(folder: Path) -> None:
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False, capture_output=True)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
