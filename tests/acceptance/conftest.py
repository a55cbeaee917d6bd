"""A registry on disk with its bare origin and its store, and the command as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@dataclass(frozen=True)
class Place:
    """A folder in which commands are typed."""

    root: Path

    def podium(self, *arguments: str, code: int | None = 0, **env: str) -> Said:
        ran = subprocess.run(
            [sys.executable, "-m", "podium", *map(str, arguments)],
            cwd=self.root, capture_output=True, text=True, env={**os.environ, **env}, check=False,
        )  # fmt: skip
        assert "Traceback" not in ran.stderr, ran.stderr
        if code is not None:
            assert ran.returncode == code, f"{arguments}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return Said(ran.returncode, ran.stdout, ran.stderr)

    def git(self, *arguments: str) -> str:
        ran = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"git {arguments}: {ran.stderr}"
        return ran.stdout

    def write(self, path: str, text: str | bytes) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return target

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def model(self, name: str, content: str) -> Path:
        """Make a folder of model files beside the registry."""
        folder = self.root.parent / name
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text('{"layers": 2}')
        (folder / "model.safetensors").write_text(content)
        return folder


@pytest.fixture
def origin(tmp_path) -> Place:
    """A bare repository."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "origin.git")], check=True)
    return Place(tmp_path / "origin.git")


@pytest.fixture
def registry(tmp_path, origin) -> Place:
    """A registry with a committed and pushed start."""
    here = Place(tmp_path)
    here.git("clone", "-q", str(origin.root), "registry")
    place = Place(tmp_path / "registry")
    place.podium("init", "--entity", "acme", "--remote", str(tmp_path / "store"))
    place.commit("Start a registry")
    place.git("push", "-q", "origin", "HEAD:main")
    return place
