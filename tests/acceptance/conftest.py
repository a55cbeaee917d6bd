"""A registry on disk with its bare origin and its store, and the command as a person types it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.quick import Running, Said


@dataclass(frozen=True)
class Place:
    """A folder in which commands are typed."""

    root: Path

    def podium(self, *arguments: object, code: int | None = 0, **env: str) -> Said:
        said = self.begin(*arguments, **env).end()
        if code is not None:
            assert said.code == code, f"{arguments}: {said.code}\n{said.out}\n{said.err}"
        return said

    def begin(self, *arguments: object, **env: str) -> Running:
        return Running("podium", [str(argument) for argument in arguments], self.root, env)

    def dvc(self, *arguments: str) -> str:
        said = Running("dvc", list(arguments), self.root, {}).end()
        assert said.code == 0, f"dvc {arguments}: {said.out}{said.err}"
        return said.out

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
    place = Place(tmp_path / "origin.git")
    if not place.root.exists():  # where the registry was laid out first
        Place(tmp_path).git("init", "-q", "--bare", "-b", "main", "origin.git")
    return place


@pytest.fixture(scope="session")
def started(tmp_path_factory, nobodys_machine) -> Path:
    """A folder with a registry of which only a start is committed and pushed; all in it is found by relative paths."""
    above = Place(tmp_path_factory.mktemp("started"))
    above.git("init", "-q", "--bare", "-b", "main", "origin.git")
    above.git("clone", "-q", "origin.git", "registry")
    registry = Place(above.root / "registry")
    registry.git("remote", "set-url", "origin", "../origin.git")
    registry.podium("init", "--entity", "acme", "--remote", "../store")
    registry.commit("Start a registry")
    registry.git("push", "-q", "origin", "HEAD:main")
    return above.root


def again(made: Path, folder: Path) -> Place:
    """Lay out anew what was made once: a registry with its origin and its store beside it."""
    shutil.copytree(made, folder, dirs_exist_ok=True, symlinks=True)
    return Place(folder / "registry")


def found_from_anywhere(place: Place) -> None:
    """Say where the store is by an absolute address, as those need it who have no checkout, and push that."""
    place.write(".dvc/config", place.read(".dvc/config").replace("../../store", str(place.root.parent / "store")))
    place.commit("Give the store an absolute address")
    place.git("push", "-q", "origin", "HEAD:main")


@pytest.fixture
def registry(started, tmp_path) -> Place:
    """A registry with a committed and pushed start."""
    return again(started, tmp_path)
