"""An artifact's own remote: `remote:` in artifact.yaml says where new versions go, and each version keeps its own."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.acceptance.conftest import Place
from tests.servers import DvcRemote, FolderStore

ABOUT = "artifacts/vision/resnet50/artifact.yaml"


@pytest.fixture
def here(registry, tmp_path):
    """A registry with a second remote, and one artifact that names it."""
    (tmp_path / "second").mkdir()
    DvcRemote(str(tmp_path / "second")).add(registry.root, "archive")
    registry.commit("Add a remote")
    registry.podium("create", "vision/resnet50", "--remote", "archive", "--commit")
    return registry


@pytest.fixture
def stores(tmp_path):
    return {name: FolderStore(tmp_path / name) for name in ("store", "second")}


def log(here, content, *more, code=0):
    return here.podium("log", "vision/resnet50", here.model("out", content), "--commit", *more, code=code)


def use(here, version):
    shutil.rmtree(here.root / ".dvc/cache")
    return here.podium("use", f"vision/resnet50:{version}")


def test_new_versions_go_to_the_artifacts_remote_and_old_ones_stay_where_they_are(here, stores, tmp_path):
    log(here, "first")
    assert "\n  path: v0\n  remote: archive\n" in here.read("artifacts/vision/resnet50/versions/v0.dvc")
    assert len(stores["second"].paths()) == 3
    here.write(ABOUT, "description: ''\n")
    here.commit("Log to the default remote from now on")
    log(here, "second")
    assert "remote:" not in here.read("artifacts/vision/resnet50/versions/v1.dvc")
    assert len(stores["second"].paths()) == 3
    assert len(stores["store"].paths()) == 3
    here.podium("verify", "--deep")
    here.podium("check", "--storage")
    use(here, "v0")
    use(here, "v1")
    stores["second"].remove(next(iter(stores["second"].paths() - stores["store"].paths())))
    found = json.loads(here.podium("verify", "--format", "json", code=1).out)["findings"]
    assert {one["name"] for one in found} == {"vision/resnet50:v0"}
    here.podium("check", "--storage", code=1)


def test_upload_sends_each_version_to_its_own_remote(here, stores):
    log(here, "first", "--no-upload")
    here.podium("log", "vision/other", here.model("out", "other"), "--no-upload", "--commit")
    here.podium("upload")
    assert len(stores["second"].paths()) == 3
    assert len(stores["store"].paths()) == 3
    assert here.podium("upload").out == "the remote has everything\n"


def test_plain_dvc_pulls_from_the_versions_own_remote(here):
    log(here, "first")
    shutil.rmtree(here.root / ".dvc/cache")
    path = here.root / "artifacts/vision/resnet50/versions"
    Place(path).dvc("pull", "-q", "v0.dvc")
    assert (path / "v0/model.safetensors").read_text() == "first"


def test_a_remote_that_the_registry_does_not_have_is_a_finding_and_nothing_is_logged(here, stores):
    here.write(ABOUT, "description: ''\nremote: elsewhere\n")
    said = here.podium("check", code=1)
    assert f"{ABOUT}:2:9" in said.out
    assert "remote-named" in said.out
    assert "has no remote 'elsewhere'; it has archive, storage" in said.out
    said = log(here, "first", code=1)
    assert "elsewhere" in said.err
    assert not stores["store"].paths() | stores["second"].paths()
    assert not (here.root / "artifacts/vision/resnet50/versions").exists()
    assert "has no remote 'elsewhere'" in here.podium("create", "vision/more", "--remote", "elsewhere", code=1).err


def test_a_remote_is_added_by_one_change_and_used_by_the_next(here, tmp_path):
    here.git("checkout", "-q", "-b", "topic")
    DvcRemote(str(tmp_path / "third")).add(here.root, "third")
    here.write(ABOUT, "description: ''\nremote: third\n")
    here.commit("Add a remote and use it")
    said = here.podium("check", "--base", "main", code=1)
    assert "'third' comes with the same change that puts it to use" in said.out
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "topic", "-m", "Merge it all the same")
    assert here.podium("check").code == 0


def test_a_remote_that_versions_name_is_not_taken_away(here):
    log(here, "first")
    here.git("checkout", "-q", "-b", "topic")
    text = here.read(".dvc/config")
    here.write(".dvc/config", text[: text.index("['remote \"archive\"']")])
    here.commit("Take a remote away")
    said = here.podium("check", "--base", "main", code=1)
    assert ".dvc/config" in said.out
    assert "the remote 'archive' is taken away" in said.out


def test_a_change_cannot_send_the_check_of_its_bytes_elsewhere(here, stores, tmp_path):
    """A pull request's own configuration would have the check tell its credentials to whomever it names."""
    log(here, "first")
    here.git("push", "-q", "origin", "HEAD:main")
    here.git("checkout", "-q", "-b", "topic")
    log(here, "second", "--no-upload")
    shutil.copytree(stores["second"].folder, tmp_path / "trap")
    text = here.read(".dvc/config")
    here.write(".dvc/config", text.replace(str(stores["second"].folder), str(tmp_path / "trap")))
    here.commit("Point elsewhere")
    here.podium("upload")
    assert "does not have" in here.podium("check", "--base", "main", "--storage", code=1).out
    shutil.copytree(tmp_path / "trap", stores["second"].folder, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "trap")
    here.podium("check", "--base", "main", "--storage")


def test_a_pushed_version_goes_to_the_remote_that_the_tip_names(here, stores, origin):
    here.git("push", "-q", "origin", "HEAD:main")
    here.podium("log", "vision/resnet50", here.model("out", "first"), "--push")
    assert len(stores["second"].paths()) == 3
    show = ["git", "show", "main:artifacts/vision/resnet50/versions/v0.dvc"]
    assert "remote: archive" in subprocess.check_output(show, cwd=origin.root, text=True)
