"""``--pr`` as it is typed: every editing command can propose what it would do."""

import re
import sys

import pytest

from tests.acceptance.conftest import Place, again


@pytest.fixture(scope="module")
def made(started, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    registry = again(started, folder)
    registry.podium("log", "vision/resnet50", str(registry.model("m0", "w0")), "--link", "Classifier", "--commit")
    registry.git("push", "-q", "origin", "HEAD:main")
    return folder


@pytest.fixture
def stocked(made, tmp_path):
    return again(made, tmp_path)


def proposed(origin):
    names = origin.git("for-each-ref", "--format=%(refname:short)", "refs/heads/podium").split()
    return sorted(names)


def test_a_promotion_by_pull_request(stocked, origin, tmp_path):
    said = stocked.podium("promote", "Classifier:v0", "production", "--pr", "-m", "Promote the first")
    assert said.out == "Classifier production: none → v0\n"
    assert proposed(origin)[0] in said.err
    assert stocked.git("status", "--porcelain") == ""
    stocked.podium("check", "--base", "main", "--head", proposed(origin)[0])
    again = stocked.podium(
        "promote", "Classifier:v0", "production", "--pr", "-m", "Promote the first", "--format", "json"
    )
    assert again.json["changed"] is True
    assert again.json["commit"] == origin.git("rev-parse", proposed(origin)[0]).strip()
    assert len(proposed(origin)) == 1


@pytest.mark.parametrize(
    "command",
    [
        ("link", "vision/resnet50:v0", "Other"),
        ("withdraw", "Classifier:v0", "--reason", "#1 @all <b>x</b>"),
        ("tag", "add", "Classifier", "x"),
        ("create", "Third", "--desc", "a model"),
    ],
)
def test_every_editing_command_proposes(stocked, origin, command):
    stocked.podium(*command, "--pr")
    assert len(proposed(origin)) == 1
    stocked.podium("check", "--base", "main", "--head", proposed(origin)[0])
    assert stocked.git("status", "--porcelain") == ""


def test_a_logged_version_is_proposed_with_its_bytes(stocked, origin):
    said = stocked.podium("log", "vision/resnet50", str(stocked.model("m1", "w1")), "--pr")
    assert said.out.strip() == "vision/resnet50:v1"
    checked = stocked.podium("check", "--base", "main", "--head", proposed(origin)[0], "--storage")
    assert "no errors" in checked.err


def test_from_another_folder_with_the_address_only(stocked, origin, tmp_path):
    (tmp_path / "away").mkdir()
    away = Place(tmp_path / "away")
    away.podium("-R", f"file://{origin.root}", "tag", "add", "Classifier", "x", "--pr")
    assert len(proposed(origin)) == 1


def test_a_dry_run_shows_the_plan(stocked, origin):
    said = stocked.podium("promote", "Classifier:v0", "production", "--pr", "--dry-run")
    assert "Classifier production" in said.out
    assert proposed(origin) == []


def test_the_ways_to_land_exclude_each_other(stocked):
    for pair in (("--pr", "--push"), ("--pr", "--commit")):
        assert "exclude each other" in stocked.podium("tag", "add", "Classifier", "x", *pair, code=2).err


def test_the_address_is_printed_and_no_password(stocked, origin, tmp_path):
    ssh = tmp_path / "ssh.py"
    ssh.write_text(
        "import subprocess, sys\n"
        "service = 'receive-pack' if 'receive-pack' in sys.argv[-1] else 'upload-pack'\n"
        f"sys.exit(subprocess.run(['git', service, {str(origin.root)!r}]).returncode)\n"
    )
    stocked.git("config", "core.sshCommand", f"{sys.executable} {ssh}")
    stocked.git("remote", "set-url", "origin", "ssh://ada:secret@github.com/acme/models.git")
    said = stocked.podium("promote", "Classifier:v0", "production", "--pr", PATH=_without_gh(tmp_path))
    assert re.fullmatch(
        r"https://github\.com/acme/models/compare/main\.\.\.podium/[a-z0-9/-]+\?expand=1", said.out.splitlines()[1]
    )
    assert "secret" not in said.out + said.err


def _without_gh(tmp_path):
    import shutil

    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("git", "sh"):
        (folder / program).symlink_to(shutil.which(program))
    return str(folder)
