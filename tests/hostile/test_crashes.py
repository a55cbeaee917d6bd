"""
A process that is killed at any write, rename, link, removal or start of git: what is seen is whole, and the same command
again comes to the same end. A sample of the points; all of them where PODIUM_HOSTILE_ALL is set.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from podium.cli.main import podium, run
from tests.acceptance.conftest import Place
from tests.hostile.conftest import some
from tests.hostile.typed import typed

EVENTS = {
    "os.rename",
    "os.link",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.symlink",
    "os.chmod",
    "os.truncate",
    "subprocess.Popen",
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MESSY = "owners: ['@acme/vision']\ndescription:   Labels\n"
POINTS = 7

COMMANDS = {
    "log": ("log", "vision/resnet50", "{out}", "--link", "M", "--alias", "best"),
    "log --commit": ("log", "vision/resnet50", "{out}", "--link", "M", "--alias", "best", "--commit"),
    "log --push": ("log", "vision/resnet50", "{out}", "--link", "M", "--push"),
    "promote": ("promote", "M:v0", "production"),
    "promote --push": ("promote", "M:v0", "production", "--push"),
    "use": ("use", "M:v0"),
    "use --to": ("use", "M:v0", "--to", "{to}"),
    "fmt": ("fmt",),
    "check --fix": ("check", "--fix"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A registry with one version, its origin and its store; kept aside, to begin from again."""
    root = tmp_path_factory.mktemp("world")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(root / "origin.git")], check=True)
    subprocess.run(
        ["git", "clone", "-q", str(root / "origin.git"), str(root / "registry")], check=True, capture_output=True
    )
    place = Place(root / "registry")
    typed("init", root / "registry", "--entity", "acme", "--remote", root / "store", codes={0})
    typed("-R", place.root, "log", "vision/resnet50", place.model("first", "weights"), "--link", "M", codes={0})
    place.write("models/Messy/model.yaml", MESSY)
    place.model("second", "better weights")
    place.commit("Start")
    place.git("push", "-q", "origin", "HEAD:main")
    shutil.rmtree(place.root / ".dvc" / "cache")
    shutil.copytree(root, root.parent / "kept", symlinks=True)
    return root


def begun_again(world: Path) -> None:
    for child in world.iterdir():
        shutil.rmtree(child)
    shutil.copytree(world.parent / "kept", world, symlinks=True, dirs_exist_ok=True)


def words(world: Path, name: str) -> list[str]:
    filled = (word.format(out=world / "second", to=world / "to") for word in COMMANDS[name])
    return ["-R", str(world / "registry"), *filled]


def stopped(arguments: list[str], at: int, cache: Path) -> int | None:
    """Run a command in a process that is killed before its n-th change of the disk; gives the changes where it ended itself."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        os.environ["PODIUM_CACHE_DIR"] = str(cache)
        seen = 0

        def hook(event, facts):
            nonlocal seen
            if event in EVENTS or (event == "open" and facts[2] and facts[2] & WRITING):
                seen += 1
                if seen == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        run(lambda: podium.main(arguments, prog_name="podium", standalone_mode=False))
        os.write(writer, str(seen).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as told:  # noqa: PTH123
        said = told.read()
    os.waitpid(child, 0)
    return int(said) if said else None


def seen(world: Path) -> dict[str, str]:
    """Give what anybody can see: files of the checkout and of the origin's tip, and what was handed out."""
    found = {}
    registry = world / "registry"
    for top in ("models", "artifacts", "schemas", "registry.yaml"):
        paths = [registry / top] if (registry / top).is_file() else (registry / top).rglob("*")
        found |= {str(path.relative_to(world)): told(path) for path in paths if path.is_file()}
    found |= {str(path.relative_to(world)): told(path) for path in (world / "to").rglob("*") if path.is_file()}
    tip = subprocess.run(
        ["git", "ls-tree", "-r", "main"], cwd=world / "origin.git", capture_output=True, text=True, check=True
    )
    found["origin"] = "\n".join(line for line in tip.stdout.splitlines() if not line.endswith(".dvc"))
    status = subprocess.run(["git", "status", "--porcelain"], cwd=registry, capture_output=True, text=True, check=True)
    found["status"] = "\n".join(sorted(status.stdout.splitlines()))
    return found


def told(path: Path) -> str:
    """Give a file's content, but for the time at which a version was logged."""
    return "\n".join(line for line in path.read_text().splitlines() if "created:" not in line)


def whole(world: Path) -> None:
    """Make sure that what lies under its own name is all there: objects, records, the registry."""
    for folder in (world / "store", world / "registry" / ".dvc" / "cache"):
        for path in folder.glob("files/md5/*/*"):
            if not path.name.endswith(".tmp"):
                name = path.parent.name + path.name.removesuffix(".dir")
                assert hashlib.md5(path.read_bytes()).hexdigest() == name, f"{path} is half written"
    assert typed("-R", world / "registry", "check", "--format", "json", codes={0}).errors == []
    assert typed("-R", world / "origin.git", "check", "--format", "json", codes={0}).errors == []
    for path in (world / "to").glob("*.safetensors"):
        assert path.read_text() == "weights"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_killed_comes_to_the_same_end_when_it_is_run_again(world, name, tmp_path, monkeypatch):
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))
    begun_again(world)
    points = stopped(words(world, name), 0, tmp_path / "cache")
    assert points, f"{name} changes nothing"
    undisturbed = seen(world)
    for at in some(range(1, points + 1), POINTS):
        begun_again(world)
        stopped(words(world, name), at, tmp_path / "cache")
        whole(world)
        again = typed(*words(world, name))
        assert again.code == 0, f"{name} killed at {at}: {again.err}"
        whole(world)
        assert seen(world) == undisturbed, f"{name} killed at {at} of {points}"
