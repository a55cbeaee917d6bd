"""The seed concepts, one by one, from the command line and from Python."""

import stat
from pathlib import Path

import pytest

import podium
from tests.acceptance.conftest import again, found_from_anywhere


@pytest.fixture(scope="module")
def made(started, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    registry = again(started, folder)
    for n in range(2):
        registry.podium(
            "log", "vision/resnet50", registry.model(f"out{n}", f"weights {n}"), "--metric", f"accuracy=0.9{n}",
            "--param", "lr=0.1", "--metadata", "license=mit", "--link", "ImageClassifier", "--commit",
        )  # fmt: skip
    registry.git("push", "-q", "origin", "HEAD:main")
    return folder


@pytest.fixture
def filled(made, tmp_path):
    """Give a registry with two versions of one artifact, of which one model links both."""
    return again(made, tmp_path)


def test_a_version_is_immutable_and_its_record_written_once(filled):
    before = filled.read("artifacts/vision/resnet50/versions/v0.dvc")
    filled.podium("log", "vision/resnet50", filled.model("out0", "weights 0"), "--metric", "accuracy=0.1")
    assert filled.read("artifacts/vision/resnet50/versions/v0.dvc") == before
    used = Path(filled.podium("use", "vision/resnet50:v0").out.strip())
    assert stat.S_IMODE((used / "model.safetensors").stat().st_mode) & 0o222 == 0


def test_a_version_belongs_to_one_artifact_and_to_any_number_of_models(filled):
    filled.podium("link", "vision/resnet50:v0", "Another")
    assert filled.podium("resolve", "Another:v0", "--format", "json").json["artifact"]["name"] == "vision/resnet50"
    assert filled.podium("resolve", "ImageClassifier:v0", "--format", "json").json["artifact"]["version"] == "v0"
    assert filled.podium("log", "vision/unlinked", filled.model("x", "x")).out == "vision/unlinked:v0\n"


def test_versions_are_in_the_order_logged(filled):
    shown = filled.podium("show", "vision/resnet50", "--format", "json").json
    assert [version["version"] for version in shown["versions"]] == ["v0", "v1"]
    assert shown["latest"] == "v1"


def test_the_same_content_makes_no_new_version(filled):
    said = filled.podium("log", "vision/resnet50", filled.model("again", "weights 0"), "--format", "json")
    assert said.json == {"result": "vision/resnet50:v0", "changed": False, "files": [], "commit": None, "url": None}
    assert "same content" in said.err


def test_an_artifact_may_be_empty(filled):
    filled.podium("create", "vision/empty")
    assert "versions: none" in filled.podium("show", "vision/empty").out
    said = filled.podium("use", "vision/empty", code=1)
    assert "no latest" in said.err


def test_numbers_in_a_model_follow_link_order(filled):
    filled.podium("link", "vision/resnet50:v1", "Ordered")
    filled.podium("link", "vision/resnet50:v0", "Ordered")
    shown = filled.podium("show", "Ordered", "--format", "json").json
    assert [(v["version"], v["artifact"]["version"]) for v in shown["versions"]] == [("v0", "v1"), ("v1", "v0")]


def test_an_alias_is_unique_and_moves(filled):
    filled.podium("promote", "ImageClassifier:v0", "production")
    assert filled.podium("promote", "ImageClassifier:v1", "production").out == "ImageClassifier production: v0 → v1\n"
    assert filled.podium("list", "--format", "json").json[0]["aliases"] == {"production": "v1"}


def test_tags_group_find_and_stand_on_top_of_the_card(filled):
    filled.podium("create", "Other", "--tag", "audio")
    filled.podium("tag", "add", "ImageClassifier", "vision", "team-x")
    names = [model["name"] for model in filled.podium("list", "--tag", "vision", "--format", "json").json]
    assert names == ["ImageClassifier"]
    assert filled.podium("show", "ImageClassifier").out.splitlines()[0] == "[vision] [team-x]"


def test_use_model_gets_the_files(filled, monkeypatch, tmp_path):
    filled.podium("promote", "vision/resnet50:v0", "best", "--commit")
    monkeypatch.chdir(filled.root)
    path = podium.use_model("acme/vision/resnet50:best")
    assert (path / "model.safetensors").read_text() == "weights 0"
    one = podium.use_model("ImageClassifier:v1", files=["*.safetensors"], to=tmp_path / "copy")
    assert one == tmp_path / "copy" / "model.safetensors"
    assert one.read_text() == "weights 1"


def test_python_reads_what_the_command_line_wrote(filled):
    filled.podium("promote", "ImageClassifier:v1", "production")
    registry = podium.open(filled.root)
    version = registry.models["ImageClassifier"].aliases["production"]
    assert version.metrics == {"accuracy": 0.91}
    assert version.artifact.name == "vision/resnet50"
    assert [file.path for file in version.files] == ["config.json", "model.safetensors"]
    assert registry.resolve("ImageClassifier:production").md5 == version.md5


def half_an_edit(registry):
    """Make a model, and fail after that."""
    with registry.edit("Fails") as edit:
        edit.create("Half")
        edit.promote("ImageClassifier:v99", "production")


def test_a_python_edit_is_one_commit_or_nothing(filled, origin):
    head = filled.git("rev-parse", "HEAD")
    registry = podium.open(filled.root)
    with registry.edit("Promote v2", push=True) as edit:
        version = edit.log("vision/resnet50", filled.model("new", "weights 2"), metrics={"accuracy": 0.95})
        link = edit.link(version, "ImageClassifier")
        edit.promote(link, "staging")
    assert origin.git("log", "-1", "--format=%s", "main").strip() == "Promote v2"
    assert filled.git("rev-parse", "HEAD") == head
    assert podium.open(origin.root).resolve("ImageClassifier:staging").metrics == {"accuracy": 0.95}
    with pytest.raises(podium.Error):
        half_an_edit(registry)
    assert filled.git("status", "--porcelain") == ""


def test_a_bare_repository_and_a_url_are_read_without_a_checkout(filled, origin, tmp_path):
    found_from_anywhere(filled)
    for where in (str(origin.root), f"file://{origin.root}"):
        said = filled.podium("-R", where, "resolve", "ImageClassifier:v0", "--format", "json")
        assert said.json["commit"] == filled.git("rev-parse", "HEAD").strip()
        path = filled.podium("-R", where, "use", "ImageClassifier:v1", "--to", tmp_path / "got").out.strip()
        assert (tmp_path / "got" / "model.safetensors").read_text() == "weights 1"
        assert path == str(tmp_path / "got")
        refused = filled.podium("-R", where, "promote", "ImageClassifier:v0", "production", code=2)
        assert "--push" in refused.err


def test_a_push_through_a_bare_repository(filled, origin):
    said = filled.podium("-R", origin.root, "promote", "ImageClassifier:v1", "production", "--push", "--format", "json")
    assert said.json["commit"] == origin.git("rev-parse", "main").strip()
    assert podium.open(origin.root).resolve("ImageClassifier:production").version == "v1"


def test_withdrawn_versions_are_passed_over_and_can_be_fetched_by_number(filled):
    filled.podium("withdraw", "vision/resnet50:v1", "--reason", "bad licence")
    assert filled.podium("resolve", "vision/resnet50", "--format", "json").json["version"] == "v0"
    assert "bad licence" in filled.podium("use", "ImageClassifier:v1").err
    assert "bad licence" in filled.podium("promote", "ImageClassifier:v1", "production", code=1).err
    filled.podium("restore", "vision/resnet50:v1")
    assert filled.git("status", "--porcelain") == ""


def test_compare_lays_two_versions_side_by_side(filled):
    said = filled.podium("compare", "ImageClassifier:v0", "ImageClassifier:v1", "--format", "json").json
    assert said["metrics"] == {"accuracy": {"from": 0.9, "to": 0.91, "delta": 0.01}}
    assert said["files"] == {"added": [], "removed": [], "changed": ["model.safetensors"]}


def test_a_dry_run_changes_nothing(filled):
    said = filled.podium("promote", "ImageClassifier:v1", "production", "--dry-run")
    assert said.out == "ImageClassifier production: none → v1\n"
    assert "would write models/ImageClassifier/aliases/production.yaml" in said.err
    assert filled.git("status", "--porcelain") == ""


def test_verify_and_upload(filled, tmp_path):
    log = ["log", "vision/resnet50", filled.model("late", "later"), "--no-upload"]
    filled.podium(*log)
    lacks = filled.podium("verify", "--format", "json", code=1).json
    assert {finding["problem"] for finding in lacks["findings"]} == {"missing"}
    assert {finding["name"] for finding in lacks["findings"]} == {"vision/resnet50:v2"}
    assert filled.podium("check", "--storage", code=1).out.count("[bytes-present]") >= 1
    filled.podium("upload")
    assert filled.podium("verify", "--deep", "--format", "json").json == {"ok": True, "checked": 3, "findings": []}


def test_the_past_can_be_read(filled):
    first = filled.git("rev-parse", "HEAD").strip()
    filled.podium("promote", "ImageClassifier:v0", "production", "--commit")
    filled.podium("promote", "ImageClassifier:v1", "production", "--commit")
    assert (
        filled.podium("resolve", "ImageClassifier:production", "--rev", "HEAD~1", "--format", "json").json["version"]
        == "v0"
    )
    filled.podium("resolve", "ImageClassifier:production", "--rev", first, code=1)
    assert filled.podium("check", "--rev", "HEAD", "--format", "json").json["ok"] is True
