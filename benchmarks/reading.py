"""Commands that read: their start, names, lists and history, in small and large registries."""

from __future__ import annotations

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
    for every in (50, 2):
        yield history(registries.work / f"moves-{every}.git", every)


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


def history(place: Path, every: int, moves: int = 10_000) -> Row:
    """Who moved an alias, over ten thousand commits of which each so-many-th moved it, and the others another one."""
    if not place.exists():
        _moves(place, moves, every)
    path = "models/M/aliases/production.yaml"
    ours, theirs = compare(
        Command(podium("-R", place, "history", "M", "production")),
        Command(["git", "log", "--format=%H", "--", path], folder=place),
        rounds=3,
    )
    return Row(
        f"`history` of an alias, {moves // every:,} moves in {moves:,} commits", ours, theirs, "`git log -- FILE`", 2
    )


def _moves(place: Path, moves: int, every: int) -> None:
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", place], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=place, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        for number in range(moves):
            importer.stdin.write(_move(number, every))


def _move(number: int, every: int) -> bytes:
    moved, count = ("production", number // every) if number % every == 0 else ("staging", number)
    files = {f"models/M/aliases/{moved}.yaml": f"generation: {count + 1}\nversion: v{count % 3}\n"}
    if number == 0:
        files["registry.yaml"] = "apiVersion: podium/v1\nentity: acme\n"
        files["models/M/model.yaml"] = 'description: ""\n'
        files |= {f"models/M/versions/v{n}.yaml": f"artifact: p/a\nversion: v{n}\n" for n in range(3)}
    who = f"committer Ada Lovelace <ada@acme.dev> {1790000000 + number} +0000"
    lines = f"commit refs/heads/main\n{who}\ndata 4\nMove\n"
    lines += "".join(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files.items())
    return lines.encode()
