"""A small registry in memory, for tests of what touches no disk."""

from __future__ import annotations

import hashlib

from podium import codec
from podium.manifest import directory_hash
from podium.model import File, Record, Registry
from podium.tree import MemoryTree

CREATED = "2026-11-21T20:45:00Z"
AUTHOR = "Ada Lovelace <ada@acme.dev>"


def file(path: str, content: bytes) -> File:
    """Describe one file."""
    return File(path, len(content), hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest())


def record(content: bytes = b"weights", **facts) -> Record:
    """Describe a version of two files."""
    files = (file("config.json", b"{}"), file("model.safetensors", content))
    return Record(
        md5=directory_hash(files),
        size=sum(part.size for part in files),
        nfiles=len(files),
        created=CREATED,
        author=AUTHOR,
        files=files,
        sha256="0" * 64,
        **facts,
    )


def version_file(version: str, content: bytes, **facts) -> bytes:
    """Write the .dvc file of a version."""
    return codec.encode("version", codec.write.record(record(content, **facts), version))


def files() -> dict[str, bytes]:
    """Give the files of the example."""
    return {
        "registry.yaml": b"apiVersion: podium/v1\nentity: acme\n",
        "artifacts/vision/resnet50/artifact.yaml": b"description: ResNet-50 on ImageNet\n",
        **{
            f"artifacts/vision/resnet50/versions/v{n}.dvc": version_file(
                f"v{n}", b"w%d" % n, metrics={"accuracy": 0.9 + n / 100}
            )
            for n in range(3)
        },
        "artifacts/vision/resnet50/aliases/best.yaml": b"generation: 2\nversion: v2\n",
        "models/ImageClassifier/model.yaml": b"description: Labels photographs\n"
        b'owners: ["@acme/vision"]\ntags: [vision]\n',
        "models/ImageClassifier/versions/v0.yaml": b"artifact: vision/resnet50\nversion: v0\n",
        "models/ImageClassifier/versions/v1.yaml": b"artifact: vision/resnet50\nversion: v2\n",
        "models/ImageClassifier/aliases/production.yaml": b"generation: 18\nversion: v0\n",
    }


def registry(**changes: bytes) -> Registry:
    """Read the example."""
    return codec.read(MemoryTree(files()))
