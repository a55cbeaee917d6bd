"""A disk that takes nothing: commands that edit say so, and change nothing."""

import subprocess
import sys

import pytest

from tests.acceptance.conftest import again

COMMANDS = (
    ("promote", "M:v0", "production"),
    ("promote", "M:v0", "production", "--commit"),
    ("promote", "M:v0", "production", "--push"),
    ("tag", "add", "M", "text"),
    ("withdraw", "M:v0", "--reason", "its licence ended"),
    ("log", "p/b", "../out"),
    ("check", "--fix"),
)


def everything(place):
    files = [path for path in place.root.rglob("*") if path.is_file() and ".dvc/tmp" not in path.as_posix()]
    return {path: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def made(started, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    registry = again(started, folder)
    registry.podium("log", "p/a", registry.model("out", "weights"), "--link", "M")
    registry.write(
        "models/M/model.yaml", "tags:   [vision]\ndescription: Labels photographs\nowners: ['@acme/vision']\n"
    )
    registry.commit("Log")
    registry.git("push", "-q", "origin", "HEAD:main")
    return folder


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_disk_that_takes_nothing_is_said_and_nothing_changes(made, tmp_path, command):
    registry = again(made, tmp_path)
    before, tips = everything(registry), registry.git("ls-remote", "origin")
    ran = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-m", "podium", *command],
        cwd=registry.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, "Traceback" in ran.stderr, ran.stderr.startswith("error: ")) == (3, False, True), ran.stderr
    after = everything(registry)
    assert {path for path in {*before, *after} if before.get(path) != after.get(path)} == set()
    assert registry.git("ls-remote", "origin") == tips
    registry.podium(*command)
