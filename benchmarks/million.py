"""
Measure what Git carries at a million versions, 100,000 registered models, and a day of a thousand commits.

    python benchmarks/million.py DIR [--versions 1000000] [--commits 1000]

The records are filled in from one template, so that making them is quick; hashes differ, as real ones do. The figures
of docs/explanation/scale.md come from here.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import generate

from podium import codec
from podium.codec import write

PER_ARTIFACT = 10
PER_PROJECT = 100
_HEX = re.compile(rb"\b[0-9a-f]{32,64}\b")


def files(versions: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Give the files of a registry: for each ten versions an artifact and a registered model."""
    template = codec.encode("version", write.record(generate.record(chance, 0), "v0"))
    for path, content in generate.files(0, 1, Path("/store")):
        if not path.startswith(("models/", "artifacts/")):
            yield path, content
    for number in range(versions // PER_ARTIFACT):
        folder = f"artifacts/project-{number // PER_PROJECT}/line-{number}"
        yield f"{folder}/artifact.yaml", b"description: Runs\n"
        for n in range(PER_ARTIFACT):
            record = _HEX.sub(lambda found: chance.randbytes(len(found[0]) // 2).hex().encode(), template)
            yield f"{folder}/versions/v{n}.dvc", record.replace(b"path: v0", b"path: v%d" % n)
        model = f"models/Model-{number}"
        yield f"{model}/model.yaml", b'description: ""\n'
        yield (
            f"{model}/versions/v0.yaml",
            f"artifact: project-{number // PER_PROJECT}/line-{number}\nversion: v0\n".encode(),
        )
        yield f"{model}/aliases/production.yaml", b"generation: 1\nversion: v0\n"


def build(folder: Path, versions: int, commits: int) -> str:
    """Make the repository; gives the commit before the day of promotions."""
    chance = random.Random(0)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", folder], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        importer.stdin.write(_commit(0, "Start"))
        for path, content in files(versions, chance):
            importer.stdin.write(_file(path, content))
        for number in range(1, commits + 1):
            model = chance.randrange(versions // PER_ARTIFACT)
            importer.stdin.write(_commit(number, "Promote"))
            content = f"generation: {number + 1}\nversion: v0\n".encode()
            importer.stdin.write(_file(f"models/Model-{model}/aliases/production.yaml", content))
    return _git(folder, "rev-parse", f"main~{commits}").strip()


def _commit(number: int, subject: str) -> bytes:
    who = f"committer Ada Lovelace <ada@acme.dev> {1790000000 + 60 * number} +0000"
    return f"commit refs/heads/main\n{who}\ndata {len(subject)}\n{subject}\n".encode()


def _file(path: str, content: bytes) -> bytes:
    return f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"


def _git(folder: Path, *arguments: str | Path) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def _timed(what: str, folder: Path, *arguments: str | Path) -> None:
    start = time.perf_counter()
    _git(folder, *arguments)
    print(f"{what}: {time.perf_counter() - start:.1f} s", flush=True)


def _size(folder: Path) -> str:
    return f"{sum(path.stat().st_size for path in folder.rglob('*.pack')) / 1e6:.1f} MB"


def report(folder: Path, before: str) -> None:
    """Print sizes of trees and packs, and the cost of cloning and fetching over the network's protocol."""
    for name in ("", "models", "artifacts", "artifacts/project-0"):
        print(f"tree {name or '/'}: {int(_git(folder, 'cat-file', '-s', f'main:{name}')):,} bytes")
    print(f"packs as imported: {_size(folder)}")
    _timed("git repack -adq", folder, "repack", "-adq")
    print(f"packs: {_size(folder)}")
    _git(folder, "config", "uploadpack.allowFilter", "true")
    url, work = f"file://{folder.resolve()}", folder.parent
    for what, options in (
        ("bare", ["--bare"]),
        ("bare, shallow", ["--bare", "--depth=1"]),
        ("bare, without blobs", ["--bare", "--filter=blob:none"]),
    ):
        place = work / f"clone-{what.replace(', ', '-').replace(' ', '-')}"
        _timed(f"clone, {what}", work, "clone", "-q", *options, url, place)
        print(f"  {_size(place)}")
    morning = work / "morning.git"
    _git(work, "init", "-q", "--bare", morning)
    _git(folder, "branch", "-f", "morning", before)
    _git(morning, "fetch", "-q", url, "morning:main")
    held = {path.name for path in morning.rglob("*.pack")}
    _timed("fetch of the day", morning, "-c", "fetch.unpackLimit=1", "fetch", "-q", url, "main:main")
    day = sum(path.stat().st_size for path in morning.rglob("*.pack") if path.name not in held)
    print(f"  {day / 1e6:.2f} MB")
    checkout = work / "checkout"
    _timed("checkout of all files", work, "clone", "-q", url, checkout)
    _timed("git status", checkout, "status", "--short")
    _timed("git status again", checkout, "status", "--short")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--versions", type=int, default=1_000_000)
    parser.add_argument("--commits", type=int, default=1_000)
    given = parser.parse_args()
    given.folder.mkdir(parents=True)
    before = build(given.folder / "registry.git", given.versions, given.commits)
    report(given.folder / "registry.git", before)


if __name__ == "__main__":
    main()
