"""The field: what a small version costs in a registry of ten thousand, with DVC and GTO themselves."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import PROGRAMS, Command, Cost, compare, podium, run
from registries import Registries
from rows import Row

AMONG = "project-1/line-100"
DVC = PROGRAMS / "dvc"


def rows(registries: Registries) -> Iterator[Row]:
    """Measure them, in copies that may be changed."""
    work = registries.work / "field"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    bare = work / "registry.git"
    _git("clone", "-q", "--bare", registries.bare(registries.middle), bare)
    field = _Field(bare, work, registries.middle, registries.patience)
    yield field.log()
    yield field.use()
    gto = registries.gto or _gto(registries.work / "gto")
    if gto is not None:
        yield field.promote(gto)
    shutil.rmtree(work, ignore_errors=True)


@dataclass(frozen=True)
class _Field:
    """A bare registry that is pushed to, and a folder to work in."""

    bare: Path
    work: Path
    versions: int
    patience: float

    def log(self) -> Row:
        """Log a small version and push it; with DVC: add and push a folder, in a checkout with as many .dvc files."""
        (ours,) = compare(
            Command(podium("-R", self.bare, "log", AMONG, self.work / "out", "--push"), before=self._train)
        )
        checkout = self.work / "checkout"
        _git("clone", "-q", self.bare, checkout)
        shutil.copytree(self.work / "out", checkout / "data")
        words = '"$1" add -q data && "$1" push -q data.dvc'
        theirs = run(Command(["sh", "-c", words, "sh", DVC], checkout, limit=self.patience))
        return self._row("`log --push` of 60 kB", ours, theirs, "`dvc add data`, `dvc push data.dvc` there")

    def _train(self, numbers: Iterator[int] = itertools.count()) -> None:  # noqa: B008 - counts over all calls
        (self.work / "out").mkdir(exist_ok=True)
        (self.work / "out/model.bin").write_bytes(b"%06d" % next(numbers) * 10_000)

    def use(self) -> Row:
        """Use that version, which neither has here yet."""
        ours, theirs, cache = (self.work / "ours", self.work / "theirs", self.work / "cache")
        name = subprocess.run(
            [*map(str, podium("-R", self.bare, "resolve", AMONG))], check=True, capture_output=True, text=True
        )
        version = name.stdout.split()[0].rpartition(":")[2]
        command = podium("-R", self.bare, "use", AMONG, "--to", ours)
        (used,) = compare(
            Command(
                command,
                environment={"PODIUM_CACHE_DIR": str(cache)},
                before=lambda: [shutil.rmtree(gone, ignore_errors=True) for gone in (ours, cache)],
            )
        )
        path = f"artifacts/{AMONG}/versions/{version}"
        get = [DVC, "get", "-q", "--rev", "main", self.bare, path, "-o", theirs]
        got = run(Command(get, self.work, limit=self.patience))
        return self._row("`use` of it", used, got, "`dvc get --rev main` of it")

    def promote(self, gto: Path) -> Row:
        """Promote, and push; with GTO: a tag in a repository that has one for each version."""
        targets = itertools.cycle(("v1", "v2"))
        ours = min((run(Command(self._promotion(next(targets)))) for _ in range(5)), key=lambda cost: cost.wall)
        tags = self.work / "gto"
        _tagged(tags, self.versions)
        assign = [gto, "assign", "model-7", "--version", "v1.0.0", "--stage", "prod"]
        theirs = run(Command(assign, tags, limit=self.patience))
        return self._row("`promote --push`", ours, theirs, f"`gto assign` at {self.versions:,} tags, not pushed")

    def _promotion(self, version: str) -> list[str | Path]:
        return podium("-R", self.bare, "promote", f"Model-7:{version}", "candidate", "--push")

    def _row(self, what: str, ours: Cost, theirs: Cost, peer: str) -> Row:
        return Row(f"{what}, {self.versions:,} versions", ours, theirs, peer, 1 / 20)


def _gto(place: Path) -> Path | None:
    """Install GTO, which wants other packages than podium, into its own environment; ``None`` where it can't be."""
    program = place / "bin" / "gto"
    if not program.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
            subprocess.run([place / "bin" / "pip", "install", "-q", "gto"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"GTO is left out, since it cannot be installed: {error}", file=sys.stderr)
            return None
    return program


def _tagged(place: Path, count: int) -> None:
    """Register ten versions of each model: a version is a commit, and a commit holds one version of a model."""
    _git("init", "-q", "-b", "main", place)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=place, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        for version in range(10):
            importer.stdin.write(  # the names of tags and their text are GTO's own
                f"commit refs/heads/main\nmark :{version + 1}\n{_who('committer', version)}data 5\nTrain\n".encode()
            )
            for model in range(count // 10):
                text = f"Registering artifact model-{model}"
                tag = f"tag model-{model}@v{version + 1}.0.0\nfrom :{version + 1}\n{_who('tagger', version)}"
                importer.stdin.write(f"{tag}data {len(text)}\n{text}\n".encode())
    if importer.returncode:
        raise SystemExit("git fast-import failed")


def _who(role: str, number: int) -> str:
    return f"{role} Ada Lovelace <ada@acme.dev> {1790000000 + number} +0000\n"


def _git(*words: str | Path) -> None:
    subprocess.run(["git", *map(str, words)], check=True)
