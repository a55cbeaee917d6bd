"""Exit codes, errors, help: how the command behaves."""

import subprocess
import sys

import pytest

from podium.cli.main import COMMANDS
from tests.acceptance.conftest import Place


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["resolve", "a/b/c/d"], 2),
        (["resolve", "other/p/a:v1"], 2),
        (["resolve", "Nothing"], 1),
        (["resolve", "Nothing", "--rev", "nothing"], 1),
        (["promote", "Nothing:v0", "latest"], 2),
        (["promote", "Nothing:v0", "production"], 1),
        (["log", "vision", "."], 2),
        (["log", "vision/resnet50", "nowhere"], 1),
        (["nothing"], 2),
        (["check", "/"], 2),
        (["check", ".."], 2),
        (["check", "nothing"], 1),
        (["check", "nothing", "--rev", "HEAD"], 1),
        (["-R", "../origin.git", "check", "models/Nothing"], 1),
        (["-R", "../origin.git", "check", "/models"], 2),
        (["fmt", "nothing"], 1),
        (["log", "vision/resnet50/v0", "."], 2),
        (["-R", "../origin.git", "init"], 2),
        (["create", "con"], 2),
        (["-R", "/nowhere", "list"], 2),
        (["--no-such-option"], 2),
    ],
)
def test_exit_codes(registry, arguments, code):
    said = registry.podium(*arguments, code=code)
    assert said.out == ""
    assert said.err


def test_a_path_is_looked_for_where_the_files_are_that_are_read(registry):
    registry.write("models/M/model.yaml", "description: 7\n")
    registry.commit("Describe M by a number")
    registry.git("push", "-q", "origin", "HEAD:main")
    (registry.root / "models/M/model.yaml").unlink()
    for asked in (["check", "models/M", "--rev", "HEAD"], ["-R", "../origin.git", "check", "./models/M/"]):
        assert "must be text, is a number" in registry.podium(*asked, code=1).out
    registry.git("checkout", "--", "models")
    below = Place(registry.root / "models")
    for path in ("..", "M/..", "../registry.yaml/../models"):
        assert "must be text, is a number" in below.podium("check", path, code=1).out


@pytest.mark.parametrize(
    "command", [["fmt"], ["codeowners"], ["check", "--fix"], ["merge-driver", "install"], ["ci", "github"]]
)
def test_what_writes_files_says_that_it_needs_a_clone(registry, command):
    said = registry.podium("-R", "../origin.git", *command, code=2)
    assert "is no checkout" in said.err
    assert "--push" not in said.err  # an option that these commands do not have


def test_a_full_name_means_the_same_in_every_command(registry):
    registry.podium("log", "acme/p/a", registry.model("out", "x"), "--link", "acme/model-registry/M")
    registry.podium("link", "acme/p/a:v0", "acme/model-registry/N")
    assert registry.podium("tag", "add", "acme/model-registry/N", "t").out == "N tags: t\n"
    for wrong in (
        ["tag", "add", "acme/model-registry/N:v0", "t"],
        ["link", "p/a", "acme/p/a"],
        ["link", "p/a", "other/model-registry/N"],
    ):
        registry.podium(*wrong, code=2)


def test_a_commit_of_what_was_written_before_says_what_waits(registry):
    registry.podium("create", "M", "--owner", "@acme/x")
    said = registry.podium("create", "M", "--owner", "@acme/x", "--commit")
    assert "is not committed: `git add` and `git commit` models/M/model.yaml" in said.err
    registry.commit("Make M")
    assert "not committed" not in registry.podium("create", "M", "--commit").err


def test_where_there_is_no_registry_it_says_so(tmp_path):
    said = Place(tmp_path).podium("list", code=2)
    assert "podium init" in said.err


def test_with_json_an_error_leaves_stdout_empty(registry):
    said = registry.podium("resolve", "Nothing", "--format", "json", code=1)
    assert said.out == ""
    assert "hint:" in said.err


def test_init_twice_is_harmless(registry):
    said = registry.podium("init")
    assert said.out == "everything is there already\n"
    assert registry.git("status", "--porcelain") == ""


def test_init_in_a_repository_keeps_what_is_there(tmp_path):
    place = Place(tmp_path / "repo")
    place.root.mkdir()
    place.git("init", "-q")
    place.write(".gitignore", "*.log")
    place.write("README.md", "hello\n")
    said = place.podium("init", "--entity", "acme", "--remote", "../store")
    assert "the bytes of model versions go to ../store\n" in said.err  # as it was typed, not as DVC has it
    assert place.read(".gitignore").splitlines()[0] == "*.log"
    assert place.read("README.md") == "hello\n"
    place.podium("check")


def test_a_start_does_not_import_what_it_does_not_need(registry):
    registry.podium("log", "p/a", registry.model("out", "x"), "--link", "M")
    for command in (["list"], ["show", "M"], ["resolve", "M"], ["use", "M"], ["check"]):
        registry.podium(*command)
        script = f"import sys; sys.argv = ['podium', *{command!r}]; from podium.cli.main import main\n"
        script += "try: main()\nexcept SystemExit: pass\nassert 'dvc' not in sys.modules, 'dvc was imported'"
        ran = subprocess.run(
            [sys.executable, "-c", script], cwd=registry.root, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr


def test_importing_podium_is_light():
    script = "import sys, podium; podium.open; assert not {'dvc', 'pygit2', 'jsonschema', 'rich'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "demo"])
def test_every_command_has_help_with_an_example(tmp_path, command):
    said = Place(tmp_path).podium(command, "--help")
    assert f"podium {command}" in said.out.partition("\n")[2]


def test_a_broken_file_is_named_with_its_position(registry):
    registry.write("models/M/model.yaml", "description: x\ntags: [a, a\n")
    said = registry.podium("check", "--format", "json", code=1).json
    assert [(f["rule"], f["path"], f["line"]) for f in said["findings"]] == [("yaml-strict", "models/M/model.yaml", 3)]
    assert "models/M/model.yaml:3" in registry.podium("show", "M", code=1).err


def test_github_annotations(registry):
    registry.write("models/M/model.yaml", "description: 7\n")
    out = registry.podium("check", "--format", "github", code=1).out
    assert out.startswith("::error file=models/M/model.yaml,line=1,col=14,title=schema::")
