"""Fixtures that more than one test file needs."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from podium.codec.swift import Patiently
from tests import example

pytest_plugins = ["tests.servers", "tests.far"]

# How long an example takes says how busy the machine is, not whether the example holds.
settings.register_profile("podium", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("podium")


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_works():
    """Let the programs that tests start be interrupted, also where a shell runs the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def nobodys_machine(tmp_path_factory):
    """Keep tests away from the user's Git identity, DVC state and caches: the same on every machine."""
    home = tmp_path_factory.mktemp("home")
    config = home / "gitconfig"
    config.write_text("[user]\n\tname = Ada Lovelace\n\temail = ada@acme.dev\n[init]\n\tdefaultBranch = main\n")
    own = {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "DVC_GLOBAL_CONFIG_DIR": str(home / "dvc-global"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("PODIUM_", "GIT_"))]:
            patch.delenv(name)
        for name, value in own.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(autouse=True, scope="session")
def patterns_at_once():
    """Look through the patterns that a long run has from the first file on; a command of a test starts without them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Patiently, "after", 0)
        yield


@pytest.fixture
def own_settings(tmp_path, monkeypatch):
    """Git's settings and podium's cache are this test's own."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    settings = tmp_path / "gitconfig"
    settings.write_text("[user]\n\tname = Ada\n\temail = ada@acme.dev\n[init]\n\tdefaultBranch = main\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def acme():
    """Give a small registry in memory: one artifact with three versions, one registered model with two links."""
    return example.registry()
