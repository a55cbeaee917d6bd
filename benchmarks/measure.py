"""Run commands as whole processes, in turn, and compare what they cost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(sys.executable).parent  # podium, dvc, check-jsonschema: those of this environment


@dataclass(frozen=True)
class Cost:
    """
    What a run took: seconds on the clock, seconds of processor time, and its largest process in bytes.

    ``stopped``: it was not at its end by then.
    """

    wall: float
    cpu: float
    memory: int
    stopped: bool = False


@dataclass(frozen=True)
class Command:
    """
    A command line and where it runs.

    ``before`` puts things back before each run, and is not counted. After ``limit`` seconds a command is stopped.
    """

    line: Sequence[str | Path]
    folder: Path | None = None
    environment: Mapping[str, str] | None = None
    before: Callable[[], object] | None = None
    accepts: frozenset[int] = frozenset({0})
    limit: float | None = None


def podium(*arguments: str | Path) -> list[str | Path]:
    """Give the command line of this environment's podium."""
    return [PROGRAMS / "podium", *arguments]


def python(code: str, *arguments: str | Path) -> list[str | Path]:
    """Give the command line of a bare script."""
    return [sys.executable, "-c", code, *arguments]


def compare(*commands: Command, rounds: int = 5) -> list[Cost]:
    """
    Give the cheapest run of each command.

    They run in turn, so that a machine whose speed drifts drifts for all of them.

    Raises:
        SystemExit: a command failed: its time would say nothing.

    """
    runs: list[list[Cost]] = [[] for _ in commands]
    for _ in range(rounds):
        for command, costs in zip(commands, runs, strict=True):
            costs.append(run(command))
    return [_cheapest(costs) for costs in runs]


def total(costs: Sequence[Cost]) -> Cost:
    """Give what commands cost that run one after another."""
    return Cost(
        sum(cost.wall for cost in costs),
        sum(cost.cpu for cost in costs),
        max(cost.memory for cost in costs),
        any(cost.stopped for cost in costs),
    )


def run(command: Command) -> Cost:
    """Run a command once."""
    if command.before:
        command.before()
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command.line],
            cwd=command.folder,
            env={**_surroundings(), **(command.environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=command.limit is not None,
        )
        with _stopping(process.pid, command.limit) as stopped:
            _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in command.accepts and not stopped.is_set():
            output.seek(0)
            words = output.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(map(str, command.line))} gave {process.returncode}:\n{words}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, stopped.is_set())


@contextmanager
def _stopping(group: int, limit: float | None) -> Iterator[threading.Event]:
    """Kill a group of processes once it has run for too long; tells whether that was so."""
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        os.killpg(group, signal.SIGKILL)

    timer = threading.Timer(limit or 0, stop)
    if limit is not None:
        timer.start()
    try:
        yield stopped
    finally:
        timer.cancel()


def _surroundings() -> dict[str, str]:
    """Give the environment as an installed program has it: its modules are compiled once, not at each start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _cheapest(costs: Sequence[Cost]) -> Cost:
    stopped = all(c.stopped for c in costs)
    return Cost(min(c.wall for c in costs), min(c.cpu for c in costs), max(c.memory for c in costs), stopped)
