"""The small registry over which each rule's good and bad examples are laid."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from podium import codec, manifest
from podium.checks import Example
from podium.codec import write
from podium.model import File, Record
from podium.tree import MemoryTree


def _file(path: str, content: bytes) -> File:
    return File(path, len(content), manifest.md5_of(content), hashlib.sha256(content).hexdigest())


def directory_hash(contents: Mapping[str, bytes]) -> str:
    """Give DVC's hash of a folder with these files."""
    return manifest.directory_hash(_file(path, content) for path, content in contents.items())


def record(version: str, contents: Mapping[str, bytes], accuracy: float = 0.93) -> str:
    """Give the ``.dvc`` file of a version with these files."""
    files = tuple(_file(path, contents[path]) for path in sorted(contents))
    value = Record(
        md5=directory_hash(contents),
        size=sum(file.size for file in files),
        nfiles=len(files),
        created="2026-11-21T20:45:00Z",
        author="Ada Lovelace <ada@acme.dev>",
        files=files,
        metrics={"accuracy": accuracy},
        metadata={"license": "apache-2.0"},
    )
    return codec.encode("version", write.record(value, version)).decode()


CONTENTS: Mapping[str, Mapping[str, bytes]] = {
    "v0": {"model.safetensors": b"first"},
    "v1": {"config.json": b"{}", "model.safetensors": b"second"},
    "v2": {"model.safetensors": b"third"},
}

SETTINGS = """\
apiVersion: podium/v1
entity: acme
description: Models of the Acme ML platform
tags:
  image-classification: Assigns one label to an image
aliases:
  staging:
    description: In shadow traffic
  production:
    description: Serves live traffic
    approvers: ["@acme/ml-leads"]
    after: [staging]
    requires:
      metrics: {accuracy: {min: 0.9}}
      metadata: [license]
      files: {deny: ["*.pkl"]}
      card: true
"""

REGISTRY: Mapping[str, str] = {
    "registry.yaml": SETTINGS,
    ".github/CODEOWNERS": """\
# >>> podium: written from registry.yaml by `podium codeowners`; change it there >>>
/models/*/aliases/production.yaml @acme/ml-leads
# <<< podium <<<
""",
    "models/ImageClassifier/model.yaml": """\
description: Labels product photographs
owners: ["@acme/vision"]
tags: [image-classification]
""",
    "models/ImageClassifier/README.md": "Labels product photographs, one label each.\n",
    "models/ImageClassifier/versions/v0.yaml": "artifact: vision/resnet50\nversion: v0\n",
    "models/ImageClassifier/versions/v1.yaml": "artifact: vision/resnet50\nversion: v1\n",
    "models/ImageClassifier/aliases/staging.yaml": "generation: 2\nversion: v1\n",
    "models/ImageClassifier/aliases/production.yaml": "generation: 2\nversion: v1\n",
    "artifacts/vision/resnet50/artifact.yaml": "description: ResNet-50\n",
    "artifacts/vision/resnet50/aliases/best.yaml": "generation: 1\nversion: v1\n",
    **{
        f"artifacts/vision/resnet50/versions/{version}.dvc": record(version, contents)
        for version, contents in CONTENTS.items()
    },
}


def tree(example: Example) -> MemoryTree:
    """Give the registry with an example laid over it."""
    files = {path: content for path, content in {**REGISTRY, **example}.items() if content is not None}
    return MemoryTree(
        {
            path: content.encode() if isinstance(content, str) else (content[0].encode(), content[1])
            for path, content in files.items()
        }
    )
