"""Fixtures of the hostile tests, and how much of each corpus is tried."""

from __future__ import annotations

import os
import random

import pytest

from tests.acceptance.conftest import Place, origin, registry, started  # noqa: F401 - fixtures
from tests.acceptance.histories import START, History

ALL = bool(os.environ.get("PODIUM_HOSTILE_ALL"))
"""Try every case and every point, as the nightly job does; else a sample that differs by ``PODIUM_HOSTILE_SEED``."""
SEED = int(os.environ.get("PODIUM_HOSTILE_SEED", "0"))


def some(cases, count):
    """Give a sample of the cases, the same for each process of one run."""
    listed = list(cases)
    return listed if ALL or len(listed) <= count else random.Random(SEED).sample(listed, count)


@pytest.fixture
def history(tmp_path, monkeypatch):
    """Give a bare repository whose main branch is a registry without a finding."""
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))
    made = History(tmp_path / "registry.git")
    made.commit(START, ref="main")
    return made


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a checkout of that registry, which tests leave as it is; a folder of model files is beside it."""
    root = tmp_path_factory.mktemp("place")
    here = Place(root / "registry")
    for path, content in START.items():
        here.write(path, content)
    here.write(".dvc/.gitignore", "/cache\n/tmp\n")
    here.write(".dvc/config", f"[core]\n    remote = store\n['remote \"store\"']\n    url = {root / 'store'}\n")
    here.git("init", "-q", "-b", "main")
    here.commit("Start")
    here.model("out", "weights")
    return here
