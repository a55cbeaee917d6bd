"""
Make a registry of any size: ten versions an artifact (or all in one), realistic records, two commits.

    python benchmarks/generate.py DIR --versions 10000 [--per-artifact 10]

DIR becomes a bare repository; clone it for a checkout. The bytes are not there: only the records are. The second commit
is what a pull request does on most days: it logs one version, links it, and promotes it to an alias.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml

from podium import codec, rules, schemas
from podium.codec import write
from podium.layout import DOCUMENTS, shipped_schema
from podium.manifest import directory_hash
from podium.model import About, Alias, File, Link, Record

TAGS = ("vision", "text", "audio", "tabular", "team-a", "team-b")
LINE, MODEL, ALIAS = "project-0/line-0", "Model-0", "candidate"


def files(versions: int, per_artifact: int, store: Path, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Give the files of a registry: a registered model for every artifact, with three aliases."""
    chance = random.Random(seed)
    yield "registry.yaml", codec.encode("registry", {"apiVersion": codec.API_VERSION, "entity": "acme"})
    yield (
        ".dvc/config",
        f"[core]\n    remote = store\n    analytics = false\n['remote \"store\"']\n    url = {store}\n".encode(),
    )
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


def change(per_artifact: int, generation: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """Give the files of one more version of the first artifact, its link, and the alias that moves to it."""
    logged, linked = f"v{per_artifact}", f"v{min(per_artifact, 5)}"
    new = write.record(record(random.Random(seed), per_artifact), logged)
    yield f"artifacts/{LINE}/versions/{logged}.dvc", codec.encode("version", new)
    yield f"models/{MODEL}/versions/{linked}.yaml", codec.encode("link", write.link(Link(LINE, logged)))
    yield f"models/{MODEL}/aliases/{ALIAS}.yaml", codec.encode("alias", write.alias(Alias(linked, generation + 1)))


def build(folder: Path, versions: int, per_artifact: int, store: Path) -> None:
    """Make the bare repository, through git fast-import, and the folder that its DVC remote is."""
    store = store.resolve()
    store.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        send = importer.stdin.write
        generation = 0
        send(_commit(1, "Start"))
        for path, content in files(versions, per_artifact, store):
            send(_file_in(path, content))
            if path == f"models/{MODEL}/aliases/{ALIAS}.yaml":
                generation = yaml.safe_load(content)["generation"]
        send(_commit(2, "Log, link and promote one version"))
        for path, content in change(per_artifact, generation):
            send(_file_in(path, content))
    if importer.returncode:
        raise SystemExit("git fast-import failed")


def _commit(number: int, subject: str) -> bytes:
    who = f"committer Ada Lovelace <ada@acme.dev> {1790000000 + number} +0000"
    return f"commit refs/heads/main\n{who}\ndata {len(subject)}\n{subject}\n".encode()


def _file_in(path: str, content: bytes) -> bytes:
    return f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--versions", type=int, default=10_000)
    parser.add_argument("--per-artifact", type=int, default=10)
    given = parser.parse_args()
    build(given.folder, given.versions, given.per_artifact, given.folder.with_suffix(".store"))


if __name__ == "__main__":
    main()
