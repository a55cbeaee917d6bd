"""
Make a registry of any size: ten versions an artifact (or all in one), realistic records, one commit.

    python benchmarks/generate.py DIR --versions 10000 [--per-artifact 10]

DIR becomes a bare repository; clone it for a checkout. The bytes are not there: only the records are.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from podium import codec, rules, schemas
from podium.codec import write
from podium.layout import DOCUMENTS, shipped_schema
from podium.manifest import directory_hash
from podium.model import About, Alias, File, Link, Record

TAGS = ("vision", "text", "audio", "tabular", "team-a", "team-b")


def files(versions: int, per_artifact: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Give the files of a registry: a registered model for every artifact, with three aliases."""
    chance = random.Random(seed)
    yield "registry.yaml", codec.encode("registry", {"apiVersion": codec.API_VERSION, "entity": "acme"})
    yield ".gitattributes", rules.own_lines().encode()
    for document in DOCUMENTS:
        yield shipped_schema(document), schemas.text(document)
    for number in range(max(1, versions // per_artifact)):
        name = f"project-{number // 100}/line-{number}"
        yield from artifact(name, per_artifact, chance)
        yield from model(f"Model-{number}", name, per_artifact, chance)


def artifact(name: str, count: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Give the files of an artifact."""
    folder = f"artifacts/{name}"
    yield f"{folder}/artifact.yaml", codec.encode("artifact", write.about(About(description=f"Runs of {name}")))
    for n in range(count):
        yield f"{folder}/versions/v{n}.dvc", codec.encode("version", write.record(record(chance, n), f"v{n}"))
    best = Alias(f"v{chance.randrange(count)}", chance.randrange(1, 9))
    yield f"{folder}/aliases/best.yaml", codec.encode("alias", write.alias(best))


def model(name: str, source: str, count: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Give the files of a registered model that links up to five versions."""
    folder, linked = f"models/{name}", min(count, 5)
    about = About(f"What {name} is for", owners=("@acme/ml",), tags=tuple(sorted(chance.sample(TAGS, 2))))
    yield f"{folder}/model.yaml", codec.encode("model", write.about(about))
    for n in range(linked):
        yield f"{folder}/versions/v{n}.yaml", codec.encode("link", write.link(Link(source, f"v{n}")))
    for alias in ("production", "staging", "candidate"):
        held = Alias(f"v{chance.randrange(linked)}", chance.randrange(1, 30))
        yield f"{folder}/aliases/{alias}.yaml", codec.encode("alias", write.alias(held))


def record(chance: random.Random, number: int) -> Record:
    """Make up what is known of a version."""
    contents = [("config.json", 800), ("model.safetensors", 100_000_000), ("tokenizer.json", 2_000_000)]
    manifest = tuple(_file(path, size, chance) for path, size in contents)
    return Record(
        md5=directory_hash(manifest),
        size=sum(file.size for file in manifest),
        nfiles=len(manifest),
        created=f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T20:45:00Z",
        author="Ada Lovelace <ada@acme.dev>",
        files=manifest,
        desc=f"After {chance.randrange(10, 200)} epochs",
        metrics={"accuracy": round(chance.uniform(0.8, 0.99), 4), "loss": round(chance.uniform(0.01, 1), 5)},
        params={"lr": 10 ** -chance.randrange(1, 5), "epochs": chance.randrange(10, 200), "seed": number},
        metadata={"license": "apache-2.0", "dataset": "imagenet-1k"},
        source={"repository": "https://github.com/acme/train", "commit": chance.randbytes(20).hex()},
    )


def _file(path: str, size: int, chance: random.Random) -> File:
    content = chance.randbytes(16)
    return File(path, size, hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest())


def build(folder: Path, versions: int, per_artifact: int = 10) -> None:
    """Make the bare repository, through git fast-import."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    importer = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE)
    assert importer.stdin is not None
    send = importer.stdin.write
    send(b"commit refs/heads/main\ncommitter Ada Lovelace <ada@acme.dev> 1790000000 +0000\ndata 5\nstart\n")
    for path, content in files(versions, per_artifact):
        send(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    importer.stdin.close()
    if importer.wait():
        raise SystemExit("git fast-import failed")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--versions", type=int, default=10_000)
    parser.add_argument("--per-artifact", type=int, default=10)
    given = parser.parse_args()
    build(given.folder, given.versions, given.per_artifact)


if __name__ == "__main__":
    main()
