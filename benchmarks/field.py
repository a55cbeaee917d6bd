"""The field: what a registry of ten thousand versions costs with DVC and GTO themselves."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from measure import PROGRAMS, Command, compare, podium, run
from registries import Registries
from rows import Row


def rows(registries: Registries) -> Iterator[Row]:
    """Measure them."""
    bare, work = _registry(registries), registries.work / "field"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    yield from _log(bare, work)
    yield from _promote(bare, registries.middle, work)


def _registry(registries: Registries) -> Path:
    """Give a copy of the middle registry that may be pushed to."""
    place = registries.work / "field.git"
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", "--bare", registries.bare(registries.middle), place], check=True)
    return place


def _log(bare: Path, work: Path) -> Iterator[Row]:
    """Log a small version and push it, and use it; with DVC: add and push a folder, get it at a revision."""
    number = itertools.count()

    def next_version() -> None:
        (work / "out").mkdir(exist_ok=True)
        (work / "out/model.bin").write_bytes(b"%06d" % next(number) * 10_000)

    checkout = work / "checkout"
    subprocess.run(["git", "clone", "-q", bare, checkout], check=True)
    (ours,) = compare(
        Command(podium("-R", bare, "log", "project-1/line-100", work / "out", "--push"), before=next_version), rounds=3
    )
    next_version()
    shutil.copytree(work / "out", checkout / "data")
    theirs = run(Command(["sh", "-c", '"$1" add -q data && "$1" push -q data.dvc', "sh", PROGRAMS / "dvc"], checkout))
    yield Row("`log --push` of 60 kB, 10,000 versions", ours, theirs, "`dvc add`, `dvc push data.dvc` there", 1 / 20)
    subprocess.run(["git", "commit", "-qam", "x", "--allow-empty"], cwd=checkout, check=True)
    subprocess.run("git add data.dvc && git commit -qm data", cwd=checkout, check=True, shell=True)
    (use,) = compare(
        Command(
            podium("-R", bare, "use", "project-1/line-100", "--to", work / "to"),
            before=lambda: shutil.rmtree(work / "to", ignore_errors=True),
        ),
        rounds=3,
    )
    got = run(Command([PROGRAMS / "dvc", "get", "-q", "--rev", "HEAD", checkout, "data", "-o", work / "got"], work))
    yield Row("`use`, 10,000 versions", use, got, "`dvc get --rev` there", 1 / 20)


def _promote(bare: Path, versions: int, work: Path) -> Iterator[Row]:
    """Promote, and push; with GTO: a tag in a repository that has a tag for each version and each promotion."""
    targets = itertools.cycle(("v1", "v2"))

    def line() -> list[str | Path]:
        return podium("-R", bare, "promote", f"Model-7:{next(targets)}", "candidate", "--push")

    ours = min((run(Command(line())) for _ in range(4)), key=lambda cost: cost.wall)
    tags = work / "gto"
    _tagged(tags, versions)
    theirs = run(Command([PROGRAMS / "gto", "assign", "model-7", "--version", "v1.0.0", "--stage", "prod"], tags))
    yield Row(
        "`promote --push`, 10,000 versions", ours, theirs, f"`gto assign` at {versions:,} tags, not pushed", 1 / 20
    )


def _tagged(place: Path, count: int) -> None:
    """Register ten versions of each model: a version is a commit, and a commit holds one version of a model."""
    subprocess.run(["git", "init", "-q", "-b", "main", place], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=place, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        for version in range(10):
            importer.stdin.write(
                f"commit refs/heads/main\nmark :{version + 1}\n{_who('committer', version)}data 4\nTrain\n".encode()
            )
            for model in range(count // 10):
                text = f"Registering artifact model-{model}"
                tag = f"tag model-{model}@v{version + 1}.0.0\nfrom :{version + 1}\n{_who('tagger', version)}"
                importer.stdin.write(f"{tag}data {len(text)}\n{text}\n".encode())


def _who(role: str, number: int) -> str:
    return f"{role} Ada Lovelace <ada@acme.dev> {1790000000 + number} +0000\n"
