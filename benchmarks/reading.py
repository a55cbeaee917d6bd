"""Commands that read: their start, names, lists and history, in small and large registries."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from measure import Command, compare, podium, python
from registries import Registries
from rows import Row

IMPORT_CLICK = Command(python("import click"))
READ = (("resolve", ("resolve", "Model-0:candidate")), ("show", ("show", "Model-0")))


def rows(registries: Registries) -> Iterator[Row]:
    """Measure them."""
    yield from start()
    yield from names(registries)
    yield from lists(registries)
    for every in (50, 2, 1):
        yield from history(registries, every)


def start() -> Iterator[Row]:
    """How long a command takes that does nothing."""
    for option in ("--version", "--help"):
        ours, theirs = compare(Command(podium(option)), IMPORT_CLICK, rounds=10)
        yield Row(f"`podium {option}`", ours, theirs, '`python -c "import click"`', 2)


def names(registries: Registries) -> Iterator[Row]:
    """Reading a name costs the same in a registry of any size."""
    for kind, place in (("checkout", registries.checkout), ("bare", registries.bare)):
        for what, words in READ:
            large, small = (Command(podium("-R", place(size), *words)) for size in (registries.large, registries.small))
            ours, theirs = compare(large, small, rounds=7)
            yield Row(
                f"`{what}`, {kind}, {registries.large:,} versions", ours, theirs, f"{registries.small:,} versions", 1.5
            )


def lists(registries: Registries) -> Iterator[Row]:
    """A list reads every model; a second, whatever the size (the floor is one second of sleep)."""
    second = Command(["sleep", "1"])
    for kind, place in (("checkout", registries.checkout), ("bare", registries.bare)):
        for what, more in (("list", ()), ("list --tag vision", ("--tag", "vision"))):
            ours, theirs = compare(Command(podium("-R", place(registries.large), "list", *more)), second, rounds=3)
            yield Row(f"`{what}`, warm, {kind}, {registries.large:,} versions", ours, theirs, "a second", 1)


def history(registries: Registries, every: int) -> Iterator[Row]:
    """Who moved an alias, over thousands of commits of which each so-many-th moved it, the rest another model's."""
    for size, commits in ((registries.middle, 10_000), (registries.large, 1_000)):
        place = registries.work / f"moves-{size}-{every}.git"
        if not place.exists():
            _move_often(place, registries.bare(size), commits, every, size // 10)
        what = f"`history` of an alias, {commits // every:,} moves in {commits:,} commits, {size // 10:,} models"
        peer = Command(["git", "log", "--", "models/Model-0/aliases/production.yaml"], folder=place)
        asked = podium("-R", place, "history", "Model-0", "production")
        cache = registries.work / "lines"
        cold = Command(
            asked,
            environment={"PODIUM_CACHE_DIR": str(cache)},
            before=lambda cache=cache: shutil.rmtree(cache, ignore_errors=True),  # type: ignore[misc]
        )
        first, again, json, theirs = compare(
            cold, Command(asked), Command([*asked, "--format", "json"]), peer, rounds=4
        )
        yield Row(f"{what}, cold", first, theirs, "`git log -- FILE`", 2)
        yield Row(f"{what}, again", again, theirs, "`git log -- FILE`", 2)
        yield Row(f"{what}, again, JSON", json, theirs, "`git log -- FILE`", 2)


def _move_often(place: Path, start: Path, commits: int, every: int, models: int) -> None:
    unfinished = place.with_suffix(".unfinished")
    subprocess.run(["git", "clone", "-q", "--bare", start, unfinished], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=unfinished, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        for number in range(commits):
            importer.stdin.write(
                _move(number, 0 if number % every == 0 else number % (models - 1) + 1, number // every)
            )
    unfinished.rename(place)


def _move(number: int, model: int, moves: int) -> bytes:
    content = f"generation: {moves + 100}\nversion: v{moves % 5}\n"
    who = f"committer Ada Lovelace <ada@acme.dev> {1790000100 + number} +0000"
    above = "from refs/heads/main^0\n" if number == 0 else ""
    path = f"models/Model-{model}/aliases/production.yaml"
    file = f"M 100644 inline {path}\ndata {len(content)}\n{content}\n"
    return f"commit refs/heads/main\n{who}\ndata 4\nMove\n{above}{file}".encode()
