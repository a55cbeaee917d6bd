"""The demo, run as a person runs it, and what it leaves behind."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

import podium
from podium.demo import Answered, Heading, check_ready, prepared, train, walk
from podium.errors import Denied

WANTED = ("sklearn", "safetensors")
pytestmark = [
    pytest.mark.skipif(not all(map(find_spec, WANTED)), reason="needs scikit-learn and safetensors: podium[demo]"),
    pytest.mark.xdist_group("demo"),  # whose worker alone imports them
]


def run(*arguments, folder, **options):
    command = [sys.executable, "-m", "podium", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120, **options)


@pytest.fixture(scope="session")
def walked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, run("demo", str(folder), folder=folder)


@pytest.fixture
def registry(walked):
    return podium.open(walked[0] / "models")


def test_the_demo_runs_to_its_end_and_shows_its_commands(walked):
    _, ran = walked
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "$ podium promote Digits:v2 staging --push" in ran.stdout
    assert "[alias-target-exists]" in ran.stdout


def test_its_output_fits_a_terminal_of_100_columns(walked):
    folder, ran = walked
    assert [line for line in ran.stdout.splitlines() if len(line) > 100 and str(folder) not in line] == []


def test_it_leaves_a_registry_that_checks_clean_with_all_its_bytes(walked):
    ran = run("check", "--storage", "--format", "json", folder=walked[0] / "models")
    assert (ran.returncode, json.loads(ran.stdout)["findings"]) == (0, [])
    assert run("verify", "--deep", folder=walked[0] / "models").returncode == 0


def test_the_checkout_is_clean_and_is_what_was_pushed(walked):
    status = subprocess.run(
        ["git", "status", "--porcelain", "--branch"],
        cwd=walked[0] / "models",
        capture_output=True,
        text=True,
        check=True,
    )
    assert status.stdout == "## main...origin/main\n"


def test_it_leaves_the_aliases_and_links_it_speaks_of(registry):
    model = registry.models["Digits"]
    assert {alias: model.aliases[alias].version for alias in model.aliases} == {"production": "v2", "staging": "v2"}
    assert [model.version(number).artifact.name for number in model.numbers] == [
        "ocr/softmax",
        "ocr/softmax",
        "ocr/network",
    ]


def test_content_that_was_logged_twice_is_one_version(registry):
    assert list(registry.artifacts["ocr/softmax"].numbers) == ["v0", "v1", "v2"]


def test_production_measures_as_it_was_recorded(registry):
    used = registry.use("Digits:production")
    assert train.measure(used.folder) == dict(used.version.metrics)


def test_the_remote_alone_gives_production_back(walked, tmp_path):
    shutil.copytree(walked[0] / "origin.git", tmp_path / "origin.git")
    shutil.copytree(walked[0] / "store", tmp_path / "store")
    subprocess.run(["git", "clone", "--quiet", "origin.git", "models"], cwd=tmp_path, check=True)
    used = podium.open(tmp_path / "models").use("Digits:production")
    assert used.version.metrics["accuracy"] >= 0.95


def test_a_folder_with_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    ran = run("demo", str(tmp_path), folder=tmp_path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "is not empty" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_without_a_folder_it_makes_a_new_one():
    made = prepared(None)
    assert list(made.iterdir()) == []
    made.rmdir()


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(Denied, match="cannot be the demo's folder"):
        prepared(tmp_path / "taken")


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(Denied) as refused:
        check_ready()
    assert refused.value.hint == "pip install 'podium[demo]'"


def test_a_command_that_fails_stops_the_demo(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "occupied").touch()
    seen = []
    with pytest.raises(Denied, match=r"git clone .* ended with exit code 128, not 0"):
        _collect(walk(tmp_path), seen)
    assert isinstance(seen[0], Heading)
    assert isinstance(seen[-1], Answered)


def _collect(events, seen):
    for event in events:
        seen.append(event)


def test_the_same_call_trains_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        train._split.cache_clear()
        train.save(train.softmax("iris", c=1.0), tmp_path / name)
    for name in (train.WEIGHTS, train.CONFIG):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("dataset", ["digits", "wine", "iris", "breast_cancer"])
def test_a_saved_model_measures_as_it_did_when_it_was_trained(dataset, tmp_path):
    trained = train.softmax(dataset, c=1.0)
    train.save(trained, tmp_path)
    assert train.measure(tmp_path) == trained.metrics
    assert trained.metrics["accuracy"] > 0.85


def test_a_network_for_two_classes_measures_as_it_was_trained(tmp_path):
    trained = train.perceptron("breast_cancer", hidden=8)
    train.save(trained, tmp_path)
    assert train.measure(tmp_path) == trained.metrics
    assert trained.metrics["accuracy"] > 0.85
