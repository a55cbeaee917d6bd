"""Checks: a step costs what it changes, a whole registry what its parser costs, and a second time next to nothing."""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from measure import PROGRAMS, Command, compare, podium, python, run, total
from registries import Registries
from rows import Row

from podium import layout

CHANGED = """
import sys
import click, jsonschema_rs, pygit2, yaml
from yaml.cyaml import CParser
repository = pygit2.Repository(sys.argv[1])
head = repository.revparse_single("main")
def walk(old, new):
    for name in {entry.name for entry in new}:
        before = old[name] if old is not None and name in old else None
        if before is not None and before.id == new[name].id:
            continue
        if new[name].filemode == 0o40000:
            yield from walk(before, new[name])
        else:
            yield new[name]
for blob in walk(head.parents[0].tree, head.tree):
    blob.data
"""
"""Import what a check needs, find the blobs of the last commit, and read them: nothing is parsed or judged."""

PARSED = """
import sys
import pygit2
from yaml.cyaml import CParser
repository = pygit2.Repository(sys.argv[1])
def walk(tree):
    for entry in tree:
        if entry.filemode == 0o40000:
            yield from walk(entry)
        elif entry.name.endswith((".yaml", ".dvc")):
            yield entry
for blob in walk(repository.revparse_single("main^{tree}")):
    parser = CParser(blob.data)
    while parser.check_event():
        parser.get_event()
    parser.dispose()
"""
"""Read every document of the last commit, and run libyaml's parser over it: on one core, no schema, no rule."""


def rows(registries: Registries) -> Iterator[Row]:
    """Measure them."""
    yield from steps(registries)
    yield from whole(registries)
    yield documents(registries)


def steps(registries: Registries) -> Iterator[Row]:
    """One promotion and one new version, in a large registry, against a small one and against a bare script."""
    small, large = registries.bare(registries.small), registries.bare(registries.large)
    one_line = registries.bare(registries.middle, registries.middle)
    for what in (("check", "--base", "main~1", "--head", "main"), ("plan", "main~1", "main")):
        words = " ".join(what[:2]) if what[0] == "check" else what[0]
        nothing = registries.work / "nothing-kept"
        ours, other, bare, single, cold = compare(
            Command(podium("-R", large, *what)),
            Command(podium("-R", small, *what)),
            Command(python(CHANGED, large)),
            Command(podium("-R", one_line, *what)),
            Command(
                podium("-R", one_line, *what),
                environment={"PODIUM_CACHE_DIR": str(nothing)},
                before=lambda nothing=nothing: shutil.rmtree(nothing, ignore_errors=True),  # type: ignore[misc]
            ),
        )
        yield Row(f"`{words}`, {registries.large:,} versions", ours, other, f"{registries.small:,} versions", 1.3)
        yield Row(
            f"`{words}`, {registries.large:,} versions", ours, bare, "a script that imports and reads the blobs", 2
        )
        for how, cost in (("", single), (", cold", cold)):
            what_of = f"`{words}`, one artifact of {registries.middle:,}{how}"
            yield Row(what_of, cost, other, f"{registries.small:,} versions", 1.3)


def whole(registries: Registries) -> Iterator[Row]:
    """A whole commit: with nothing known of it, and again after one more commit."""
    for size in (registries.middle, registries.large):
        place, cache = registries.bare(size), registries.work / "verdicts"
        cold = Command(
            podium("-R", place, "check", "--rev", "main~1"),
            environment={"PODIUM_CACHE_DIR": str(cache)},
            before=lambda cache=cache: shutil.rmtree(cache, ignore_errors=True),  # type: ignore[misc]
        )
        ours, floor = compare(cold, Command(python(PARSED, place)), rounds=3)
        yield Row(f"full `check`, cold, {size:,} versions", ours, floor, "the blobs through libyaml, one core", 2.5)
        again = run(
            Command(podium("-R", place, "check", "--rev", "main"), environment={"PODIUM_CACHE_DIR": str(cache)})
        )
        yield Row(f"again after one commit, {size:,} versions", again, ours, "the same, cold", 1 / 20)


def documents(registries: Registries) -> Row:
    """Every document of a small registry, start and rules included, against check-jsonschema on the same files."""
    folder = registries.work / "records"
    _records(folder, registries)
    lists = _by_schema(folder)
    words = '"$1" --schemafile "$2" --default-filetype yaml'
    peer = [
        ["sh", "-c", f'xargs -a "$3" {words}', "sh", PROGRAMS / "check-jsonschema", *each] for each in lists.items()
    ]
    nothing = registries.work / "none"
    ours, *theirs = compare(
        Command(
            podium("-R", folder, "check"),
            environment={"PODIUM_CACHE_DIR": str(nothing)},
            before=lambda: shutil.rmtree(nothing, ignore_errors=True),
        ),
        *(Command(line, folder) for line in peer),
        rounds=3,
    )
    count = sum(len(listed.read_text().splitlines()) for listed in lists.values())
    return Row(f"`check` of {count:,} documents", ours, total(theirs), "check-jsonschema, the same files", 1 / 15)


def _by_schema(folder: Path) -> dict[Path, Path]:
    """Write for each schema which files it is for, into a list; gives the lists by their schemas."""
    files: defaultdict[str, list[str]] = defaultdict(list)
    for file in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.dvc")]):
        path = file.relative_to(folder).as_posix()
        place = layout.place(path) if file.is_file() else None
        if place is not None:
            files[place.document].append(path)
    lists = {}
    for document, paths in files.items():
        listed = folder.with_name(f"{folder.name}.{document}.list")
        listed.write_text("\n".join(paths))
        lists[folder / layout.shipped_schema(document)] = listed
    return lists


def _records(folder: Path, registries: Registries) -> None:
    if not folder.exists():
        subprocess.run(["git", "clone", "-q", registries.bare(registries.small), folder], check=True)
