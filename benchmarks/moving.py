"""Bytes: logging and using two gigabytes, as one large file and as many small ones, against cp and DVC."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from measure import PROGRAMS, Command, compare, podium, run
from registries import Registries
from rows import Row

BYTES = 2_000_000_000
_RACY = 2.5
"""Seconds after which podium takes a file's times for an answer."""


@dataclass(frozen=True)
class Load:
    """What is logged: how many files, of how many bytes each; and whether something was promised for such."""

    what: str
    files: int
    size: int
    promised: bool = True

    def make(self, folder: Path) -> Path:
        """Write the files; their content is random, so that nothing is stored twice."""
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            for number in range(self.files):
                place = unfinished / f"part-{number // 1000}" / f"{number}.bin"
                place.parent.mkdir(parents=True, exist_ok=True)
                self._write(place, random.Random(number).randbytes(min(self.size, _PIECE)))
            unfinished.rename(folder)
        return folder

    def _write(self, place: Path, piece: bytes) -> None:
        """Write a file piece by piece: what is measured later starts with the memory this process has at that time."""
        with place.open("wb") as stream:
            for _ in range(max(1, self.size // _PIECE)):
                stream.write(piece)


_PIECE = 50_000_000
LOADS = (
    Load("one file of 2 GB", 1, BYTES),
    Load("20,000 files of 100 kB", 20_000, BYTES // 20_000),
    Load("20,000 files of 5 kB", 20_000, 5_000, promised=False),
)


def rows(registries: Registries) -> Iterator[Row]:
    """Measure them; what was written for it is removed."""
    for load in LOADS:
        files = load.make(registries.work / f"bytes-{load.files}-{load.size}")
        slower = _slower(files)
        for work, measured in ((registries.work / "log", _log), (registries.work / "use", _use)):
            for row in measured(work, files, load.what, slower):
                yield row if load.promised else replace(row, at_most=None)
            _remove(work)
        _remove(files)


def _slower(files: Path) -> str:
    """Give the one of md5sum and sha256sum that takes longer on this machine."""
    programs = ("md5sum", "sha256sum")
    lines = [["sh", "-c", f"find {files} -type f -print0 | xargs -0 {program}"] for program in programs]
    took = compare(*map(Command, lines), rounds=2)
    return programs[took[0].wall < took[1].wall]


def _log(work: Path, files: Path, what: str, hashing: str) -> Iterator[Row]:
    sums = f"cp -r {files} copy && find {files} -type f -print0 | xargs -0 {hashing} > sums"
    floor = Command(["sh", "-c", sums], work, before=partial(_empty, work))
    ours = Command(podium("log", "p/a", files), work, before=partial(_registry, work))
    peer = Command(
        ["sh", "-c", 'cp -rl "$2" data && "$1" add -q data && "$1" push -q', "sh", PROGRAMS / "dvc", files],
        work,
        before=partial(_plain_dvc, work),
    )
    podium_took, floor_took, dvc_took = compare(ours, floor, peer, rounds=3)
    yield Row(f"`log`, {what}", podium_took, floor_took, f"`cp` and {hashing}", 1.4)
    yield Row(f"`log`, {what}", podium_took, dvc_took, "`dvc add`, `dvc push`", 1)


def _use(work: Path, files: Path, what: str, hashing: str) -> Iterator[Row]:
    _registry(work)
    subprocess.run([*map(str, podium("log", "p/a", files, "--commit"))], cwd=work, check=True, capture_output=True)
    cold = Command(podium("use", "p/a"), work, before=partial(_forget, work))
    sums = f"cp -r {files} copy && find copy -type f -print0 | xargs -0 {hashing} > sums"
    floor = Command(["sh", "-c", sums], work, before=partial(_forget, work))
    pull = Command(
        [PROGRAMS / "dvc", "pull", "-q", "artifacts/p/a/versions/v0.dvc"], work, before=partial(_forget, work)
    )
    ours, copied, pulled = compare(cold, floor, pull, rounds=3)
    yield Row(f"`use`, cold, {what}", ours, copied, f"`cp` and {hashing}", 1.3)
    yield Row(f"`use`, cold, {what}", ours, pulled, "`dvc pull`", 1)
    _forget(work)
    use = Command(podium("use", "p/a"), work)
    for _ in range(2):  # the first brings the files; what is as new as these is not known by its times yet
        run(use)
        time.sleep(_RACY)
    warm, resolved, start = compare(
        use, Command(podium("resolve", "p/a"), work), Command(podium("--version")), rounds=10
    )
    yield Row(f"`use`, warm, {what}", warm, resolved, "`podium resolve`", 1.2)
    yield Row(f"`use`, warm, {what}", warm, start, "`podium --version`", 1.2)


def _empty(work: Path) -> None:
    _remove(work)
    work.mkdir()
    os.sync()


def _remove(folder: Path) -> None:
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


def _registry(work: Path) -> None:
    _empty(work)
    subprocess.run(
        list(map(str, podium("init", "--entity", "acme", "--remote", work / "store"))),
        cwd=work,
        check=True,
        capture_output=True,
    )


def _plain_dvc(work: Path) -> None:
    _empty(work)
    for line in (
        ["git", "init", "-q"],
        [PROGRAMS / "dvc", "init", "-q"],
        [PROGRAMS / "dvc", "remote", "add", "-q", "-d", "store", work / "store"],
    ):
        subprocess.run(list(map(str, line)), cwd=work, check=True)


def _forget(work: Path) -> None:
    for gone in (".dvc/cache", "copy", "artifacts/p/a/versions/v0"):
        _remove(work / gone)
    os.sync()
