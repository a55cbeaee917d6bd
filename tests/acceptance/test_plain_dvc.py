"""Plain DVC on a registry that podium made: it reads everything, and agrees on every hash."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.acceptance.conftest import Place

RECORD = "artifacts/vision/resnet50/versions/v0.dvc"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Give a folder that has everything: nesting, unicode, an empty file, an executable."""
    top = tmp_path / "model"
    (top / "nested" / "deep").mkdir(parents=True)
    (top / "weights.bin").write_bytes(bytes(range(256)) * 40)
    (top / "empty").write_bytes(b"")
    (top / "nested" / "größe 模型.txt").write_text("x")
    (top / "nested" / "deep" / "run.sh").write_text("#!/bin/sh\n")
    (top / "nested" / "deep" / "run.sh").chmod(0o755)
    return top


def test_dvc_reads_what_podium_wrote(registry, folder, tmp_path):
    registry.podium("log", "vision/resnet50", folder, "--metric", "accuracy=0.9", "--commit")
    registry.dvc("pull", RECORD)
    pulled = registry.root / "artifacts/vision/resnet50/versions/v0"
    assert (pulled / "nested" / "größe 模型.txt").read_text() == "x"
    assert registry.git("status", "--porcelain") == ""
    assert registry.dvc("status", RECORD) == "Data and pipelines are up to date.\n"
    assert registry.dvc("status", "-c", RECORD) == "Cache and remote 'storage' are in sync.\n"
    listed = registry.dvc("list", ".", "artifacts/vision/resnet50/versions/v0", "-R").split("\n")
    assert {"weights.bin", "empty", "nested/deep/run.sh"} <= set(listed)
    Place(tmp_path).dvc("get", str(registry.root), "artifacts/vision/resnet50/versions/v0", "-o", str(tmp_path / "got"))
    assert (tmp_path / "got" / "weights.bin").read_bytes() == (folder / "weights.bin").read_bytes()
    said = registry.dvc("gc", "--dry", "-w", "-f")
    assert "Removed 0 objects" in said or "No unused" in said


def test_dvc_add_gives_the_same_hash(registry, folder, tmp_path):
    registry.podium("log", "vision/resnet50", folder)
    other = Place(tmp_path / "other")
    other.root.mkdir()
    other.git("init", "-q")
    other.dvc("init", "-q")
    subprocess.run(["cp", "-r", str(folder), str(other.root / "model")], check=True)
    other.dvc("add", "-q", "model")
    ours, theirs = yaml.safe_load(registry.read(RECORD))["outs"][0], yaml.safe_load(other.read("model.dvc"))["outs"][0]
    assert {key: ours[key] for key in ("md5", "size", "nfiles", "hash")} == {
        key: theirs[key] for key in ("md5", "size", "nfiles", "hash")
    }
