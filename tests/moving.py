"""
A registry whose alias keeps moving, and readers who note what they were told and when.

Run as a program it is one process of readers: see ``read``. What they note is compared with what was true between the
beginning and the end of each question; the clock is the machine's monotonic one, which all its processes share.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import podium
from podium import git, index
from podium.render import registry as render
from tests import example

NAME = "ImageClassifier"


def answer(registry: podium.Registry) -> str:
    """Ask what production is; gives all that is known of it, in one line."""
    found = render.version(registry.resolve(f"{NAME}:production"))
    return json.dumps({**found, "commit": None, "metrics": dict(found["metrics"])})


@dataclass
class Moving:
    """A bare repository, and where its static index is if published; by state, what was true from when to when."""

    bare: Path
    site: Path | None = None
    told: list[str] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not (self.bare / "HEAD").exists():
            subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.bare)], check=True)
        self.repository = git.open_repository(self.bare)
        self.tip: str | None = None
        self.move()

    def move(self) -> None:
        """Log a version, link it, let production name it: one commit; then publish it."""
        number = len(self.told)
        files = example.files() if number == 0 else {}
        files |= {
            f"artifacts/vision/resnet50/versions/v{number + 3}.dvc": example.version_file(
                f"v{number + 3}", b"weights %d" % number, metrics={"accuracy": number / 1000}
            ),
            f"models/{NAME}/versions/v{number + 2}.yaml": b"artifact: vision/resnet50\nversion: v%d\n" % (number + 3),
            f"models/{NAME}/aliases/production.yaml": b"generation: %d\nversion: v%d\n" % (number + 19, number + 2),
        }
        self.tip = git.commit_objects(self.repository, self.tip, files, f"Promote v{number + 2}")
        here = podium.open(self.bare, rev=self.tip)
        self.told.append(answer(here))
        self.begun.append(time.monotonic())
        git.output(self.bare, "update-ref", "refs/heads/main", self.tip, bare=True)
        if self.site is not None:
            index.write(here.value, self.site)
        self.done.append(time.monotonic())

    def wrong(self, notes: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
        """Give the answers that were true at no moment between question and answer."""
        return [note for note in notes if not self._was_true(*note)]

    def _was_true(self, asked: float, answered: float, told: str) -> bool:
        if told not in self.told:
            return False
        state = self.told.index(told)
        over = self.done[state + 1] if state + 1 < len(self.done) else answered
        return self.begun[state] <= answered and over >= asked


def started(url: str, threads: int, questions: int, log: Path, **env: str) -> subprocess.Popen[bytes]:
    """Start a process of readers; it writes what it notes into a file, and ends with 0 unless a question failed."""
    command = [sys.executable, "-m", "tests.moving", url, str(threads), str(questions), str(log)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[1], env=env, stderr=subprocess.PIPE)


def noted(log: Path) -> list[tuple[float, float, str]]:
    """Read what a process of readers noted."""
    return [tuple(json.loads(line)) for line in log.read_text().splitlines()]


def read(url: str, threads: int, questions: int, log: Path) -> None:
    """Ask from several threads, each time as a service that starts: the registry is opened anew."""
    notes: list[tuple[float, float, str]] = []
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(questions):
                asked = time.monotonic()
                told = answer(podium.open(url))
                notes.append((asked, time.monotonic(), told))
        except BaseException as error:  # noqa: BLE001 - told by the process as a whole
            failed.append(error)

    own = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in own:
        thread.start()
    for thread in own:
        thread.join()
    log.write_text("".join(json.dumps(note) + "\n" for note in notes))
    if failed:
        raise failed[0]


if __name__ == "__main__":
    read(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
