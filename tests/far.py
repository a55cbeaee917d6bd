"""A storage on a real server at the other end of a wire, and as little patience as a test may have."""

import gc
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from podium.storage import Storage
from podium.storage.servers import patience
from tests.storage_helpers import forget_cache


@dataclass(frozen=True)
class Far:
    """A storage on a server, at the other end of a wire."""

    storage: Storage
    root: Path
    wire: object
    store: object
    server: object

    def fresh(self):
        return forget_cache(self.root)


def connect(tmp_path, monkeypatch, kind, server, wire):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    line = wire(server.port)
    if kind == "sshd":
        hosts = tmp_path / "home/.ssh/known_hosts"
        hosts.parent.mkdir(parents=True)
        hosts.write_text(server.known(line.port))
    name = f"transfers-{tmp_path.name}"
    root = tmp_path / "registry"
    root.mkdir(parents=True)
    server.remote(name, line.port).add(root, default=True)
    return Far(Storage.at(root), root, line, server.store(name), server)


@pytest.fixture
def closed():
    """Let go of connections that a wire has cut: the clients leave that to the garbage collector, which tells."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in ("s3", "sshd", "web")])
def far(request, tmp_path, monkeypatch, wire):
    return connect(tmp_path, monkeypatch, request.param, request.getfixturevalue(request.param), wire)


@pytest.fixture
def reach(request, tmp_path, monkeypatch, wire):
    """Give a storage on a kind of server."""
    return lambda kind: connect(tmp_path, monkeypatch, kind, request.getfixturevalue(kind), wire)


@pytest.fixture
def quick(monkeypatch):
    """Less patience, for tests in which it runs out or is called on."""
    monkeypatch.setattr(patience, "_SHORTEST", 0.02)
    monkeypatch.setattr(patience, "LATER", 3)
