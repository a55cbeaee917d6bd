"""
Let many readers ask what production is while it keeps moving: by static index behind nginx, by Git over HTTP and over
ssh.

    python benchmarks/readers.py [--readers 1000] [--git-readers 100] [--processes 8]

Each reader is a thread that opens the registry anew for each question, as a service does when it starts; those of one
process share a cache. What any of them was told is compared with what was true between its question and its answer. The
servers are those of the tests: `.ci/servers` and the `test` extra bring them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import moving, servers


def measure(
    what: str, registry: moving.Moving, url: str, given: argparse.Namespace, *, readers: int, questions: int
) -> bool:
    """Run one kind of reader and print what it took; tells whether every answer was right."""
    with tempfile.TemporaryDirectory(prefix="podium-readers-") as folder:
        logs = [Path(folder) / f"log{number}" for number in range(given.processes)]
        moves, before = len(registry.told), time.monotonic()
        cpu = _children()
        running = [
            moving.started(url, readers // given.processes, questions, log, **_environment(Path(folder), log, given))
            for log in logs
        ]
        while any(one.poll() is None for one in running):
            registry.move()
            time.sleep(given.pause)
        for one in running:
            messages = one.communicate()[1].decode()
            if one.returncode:
                sys.stderr.write(messages[-2000:])
        took, cpu = time.monotonic() - before, _children() - cpu
        notes = [note for log in logs if log.exists() for note in moving.noted(log)]
    asked = readers // given.processes * given.processes * questions
    wrong = registry.wrong(notes)
    waits = sorted(answered - at for at, answered, _ in notes) or [0.0]
    print(
        f"| {what} | {readers} | {asked} | {len(registry.told) - moves} | {len({told for *_, told in notes})} | "
        f"{asked - len(notes)} | {len(wrong)} | {took:.1f} s | {1000 * cpu / asked:.1f} ms | "
        f"{1000 * statistics.median(waits):.0f} / {1000 * waits[int(len(waits) * 0.99)]:.0f} ms |",
        flush=True,
    )
    return not wrong and len(notes) == asked


def _environment(folder: Path, log: Path, given: argparse.Namespace) -> Mapping[str, str]:
    own = {"PODIUM_CACHE_DIR": str(folder / f"cache-{log.name}"), "GIT_TERMINAL_PROMPT": "0"}
    return {**os.environ, **own, **given.environment}


def _children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def main() -> int:
    """Read the command line; exits with 1 where an answer was wrong or missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--readers", type=int, default=1000, help="of the static index")
    parser.add_argument("--git-readers", type=int, default=100, help="by Git, over HTTP and over ssh")
    parser.add_argument("--questions", type=int, default=5, help="of each reader of the index")
    parser.add_argument("--git-questions", type=int, default=3)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two moves")
    given = parser.parse_args()
    given.environment = {}
    many = {"readers": given.readers, "questions": given.questions}
    few = {"readers": given.git_readers, "questions": given.git_questions}
    print("| way | readers | questions | moves | seen | failed | wrong | took | cpu a question | median / 99 % |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(prefix="podium-servers-") as folder:
        web, ssh = servers.Web(Path(folder) / "web"), servers.Ssh(Path(folder) / "ssh")
        try:
            site = moving.Moving(Path(folder) / "a.git", web.folder / "dav" / "index")
            url = f"{web.url()}/files/index"
            well = measure("static index", site, url, given, **many)
            repository, url = web.repository("b.git")
            hosted = moving.Moving(repository)
            well &= measure("Git over HTTP", hosted, url, given, **few)
            reached = moving.Moving(Path(folder) / "c.git")
            url, given.environment = ssh.git(reached.bare)
            well &= measure("Git over ssh", reached, url, given, **few)
        finally:
            web.stop()
            ssh.stop()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
