"""Ssh servers that hang, drip and flood, for bytes and for Git: it ends, in words, and nobody is left waiting."""

import os
from pathlib import Path

import pytest

from podium.errors import Unavailable
from podium.git import bounds, remote, sources
from podium.storage import Storage
from podium.storage.servers import limits, patience, watching
from tests import servers
from tests.hostile import odd_ssh
from tests.storage_helpers import registry

pytestmark = [
    pytest.mark.usefixtures("closed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # connections that are given up are not closed
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LATE, NO_SSH = "does not come to an end of the login within", "what it says is no ssh"
WAYS = {
    "silent": LATE, "drips": LATE, "one-line": NO_SSH, "lines": NO_SSH, "thinks": LATE, "words": LATE,
    "refuses": "it lets one in, and has no sftp", "quiet": "says nothing, or next to nothing", "floods": NO_SSH,
    "packets": NO_SSH,
}  # fmt: skip


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return servers.make_key(folder / "host"), servers.make_key(folder / "login")


@pytest.fixture
def known(keys, tmp_path, monkeypatch):
    """Give what lets a server at a port be known."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    place = tmp_path / "home/.ssh/known_hosts"
    place.parent.mkdir(parents=True)

    def write(port):
        kind, public = Path(f"{keys[0]}.pub").read_text().split()[:2]
        place.write_text(f"[127.0.0.1]:{port} {kind} {public}\n")
        return place

    return write


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(limits, "SILENT_CONNECTION", 0.7)
    monkeypatch.setattr(watching, "SILENT_CALL", 0.7)
    monkeypatch.setattr(patience, "_SHORTEST", 0.01)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("way", WAYS)
def test_whatever_an_ssh_server_does_instead_of_keeping_bytes_it_is_said(way, keys, known, tmp_path, caplog):
    with odd_ssh.serving(way, keys[0]) as port:
        known(port)
        root = registry(tmp_path / "registry", f"ssh://ada@127.0.0.1:{port}/x", f"    keyfile = {keys[1]}\n")
        with pytest.raises(Unavailable) as refused:
            Storage.at(root).remote().sizes(["0" * 32])
    said = f"{refused.value.sentence} {refused.value.hint} {caplog.text}"
    assert WAYS[way] in refused.value.sentence
    assert ("hunter2" in said, "\x1b" in said) == (False, False)


@pytest.mark.parametrize("way", ["silent", "words", "quiet", "floods"])
def test_whatever_an_ssh_server_does_instead_of_git_it_ends_with_its_ssh(way, keys, known, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "ASKED", bounds.Far(1))
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))
    before = bounds.Started.by(os.getpid()).born
    with odd_ssh.serving(way, keys[0]) as port:
        options = f"-F none -i {keys[1]} -o IdentitiesOnly=yes -o UserKnownHostsFile={known(port)}"
        monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh {options}")
        with pytest.raises(Unavailable) as refused:
            sources.locate(f"ssh://ada@127.0.0.1:{port}/x.git", tmp_path).tree()
        assert bounds.Started.by(os.getpid()).born == before
    assert refused.value.exit_code == 3
    assert "\x1b" not in refused.value.sentence
