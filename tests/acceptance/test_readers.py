"""
Many readers of a registry whose alias keeps moving: no wrong answer, by static index, by Git over HTTP and over ssh.

PODIUM_READERS says how many ask at once (each a thread; the benchmark `benchmarks/readers.py` runs a thousand).
"""

import os
import shutil
import time

import pytest

import podium
from tests import moving
from tests.moving import Moving

READERS = int(os.environ.get("PODIUM_READERS", "4"))
PROCESSES = 2


def asked_while_it_moves(registry, url, tmp_path, questions, **env):
    """Let readers ask while the alias moves; gives what they noted, after all of them ended well."""
    logs = [tmp_path / f"log{number}" for number in range(PROCESSES)]
    environment = {**os.environ, "PODIUM_CACHE_DIR": str(tmp_path / "cache"), **env}
    readers = [moving.started(url, READERS // PROCESSES, questions, log, **environment) for log in logs]
    while any(reader.poll() is None for reader in readers):
        registry.move()
        time.sleep(0.2)
    messages = [reader.communicate()[1].decode() for reader in readers]
    assert [reader.returncode for reader in readers] == [0] * PROCESSES, messages
    notes = [note for log in logs for note in moving.noted(log)]
    assert len(notes) == PROCESSES * (READERS // PROCESSES) * questions
    return notes


@pytest.mark.xdist_group("web")
def test_readers_of_a_static_index_are_told_what_is_true_while_aliases_move(web, tmp_path):
    site = web.folder / "dav" / tmp_path.name
    registry = Moving(tmp_path / "origin.git", site)
    notes = asked_while_it_moves(registry, f"{web.url()}/files/{tmp_path.name}", tmp_path, questions=30)
    assert registry.wrong(notes) == []
    assert len({told for _, _, told in notes}) > 1, "nothing moved while they read"


@pytest.mark.xdist_group("web")
def test_readers_by_git_over_http_are_told_what_is_true_while_aliases_move(web, tmp_path):
    folder, url = web.repository(f"{tmp_path.name}.git")
    registry = Moving(folder)
    notes = asked_while_it_moves(registry, url, tmp_path, questions=2)
    assert registry.wrong(notes) == []
    assert len({told for _, _, told in notes}) > 1, "nothing moved while they read"


@pytest.mark.xdist_group("sshd")
def test_readers_by_git_over_ssh_are_told_what_is_true_while_aliases_move(sshd, tmp_path):
    registry = Moving(tmp_path / "origin.git")
    url, env = sshd.git(registry.bare)
    notes = asked_while_it_moves(registry, url, tmp_path, questions=2, **env)
    assert registry.wrong(notes) == []


def test_a_wrong_answer_would_be_noticed(tmp_path):
    registry = Moving(tmp_path / "origin.git")
    registry.move()
    first, second = registry.told
    late = registry.done[1] + 1
    assert registry.wrong([(late, late, second), (registry.begun[1], late, first)]) == []
    wrong = [(late, late, first), (0.0, registry.begun[0] - 1, first), (0.0, late, "else")]
    assert registry.wrong(wrong) == wrong


# --- bytes ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def published(web, registry, tmp_path):
    """A registry whose bytes and index lie on a web server; gives the index's address and the folder of the bytes."""
    name = tmp_path.name
    registry.podium("log", "vision/resnet50", registry.model("m", "weights" * 1000), "--alias", "best", "--link", "Net")
    registry.commit("A version")
    registry.git("push", "-q", "origin", "HEAD:main")
    bytes_folder = web.folder / "dav" / f"{name}-bytes"
    shutil.copytree(tmp_path / "store", bytes_folder)
    bytes_url = web.reading(f"{name}-bytes").url
    registry.podium("site", "build", web.folder / "dav" / name, "--bytes-url", bytes_url)
    return f"{web.url()}/files/{name}", bytes_folder


@pytest.mark.xdist_group("web")
def test_bytes_are_fetched_from_where_the_index_says_and_proven(published, tmp_path, monkeypatch, registry):
    url, bytes_folder = published
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))
    weights = max((path for path in bytes_folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    good = weights.read_bytes()
    weights.chmod(0o644)
    weights.write_bytes(good[:500] + bytes([good[500] ^ 1]) + good[501:])
    with pytest.raises(podium.Error, match="damaged"):
        podium.use_model("Net:latest", registry=url)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and b"weightsw" in path.read_bytes()]
    weights.write_bytes(good)
    folder = podium.use_model("vision/resnet50:best", registry=url)
    assert (folder / "model.safetensors").read_bytes() == good
    weights.unlink()
    assert podium.use_model("Net:latest", registry=url, offline=True) == folder
    said = registry.podium("-R", url, "use", "Net:latest", "--max-age", "1000", "--format", "json")
    assert said.json["path"] == str(folder)
    assert "as it was " in said.err
    refused = registry.podium("-R", url, "verify", "Net:latest", code=1)
    assert "missing" in refused.out
