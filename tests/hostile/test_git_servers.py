"""Git servers that stall, flood and send what fills a machine: it ends, in words, and leaves nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from podium.errors import Unavailable
from podium.git import bounds, remote, sources
from tests.hostile import odd_git

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/io").is_file(), reason="the system does not tell what git takes"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # of connections that others gave up
]


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))
    with odd_git.serving() as server:
        yield server


def left(folder):
    """Give what lies in a folder and is larger than what an empty repository has."""
    return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 1000]


def running():
    """Give the git processes that this one has started, and theirs."""
    return list(bounds.Started.by(os.getpid()).born)


def read(server, way):
    with pytest.raises(Unavailable) as refused:
        sources.locate(server.url(way), Path()).tree()
    return f"{refused.value.sentence} {refused.value.hint}"


@pytest.mark.parametrize("way", ["hangs", "drips", "endless-refs"])
def test_a_server_that_does_not_say_what_it_has_is_given_up(way, server, monkeypatch, tmp_path):
    monkeypatch.setattr(remote, "ASKED", bounds.Far(0.7))
    before = running()
    assert "is given up: it did not come to an end within 1 seconds" in read(server, way)
    assert (left(tmp_path), running()) == ([], before)


@pytest.mark.parametrize("way", ["then-hangs", "then-drips"])
def test_a_server_that_sends_next_to_nothing_is_given_up_once(way, server, monkeypatch, tmp_path):
    monkeypatch.setattr(bounds, "_SILENCE", 0.6)
    assert "is given up: it says nothing, or next to nothing, for" in read(server, way)
    assert server.asked == [way, way]  # what it has, and a fetch
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("floods", "bad line length"),
        ("lies", "remote error"),
        ("endless-words", "answers with more than 64 MiB"),
        ("bomb", "git takes more than 100 MiB of memory"),
    ],
)
def test_whatever_a_git_server_sends_git_takes_no_more_than_it_may(way, said, server, monkeypatch, tmp_path):
    monkeypatch.setattr(bounds, "_MEMORY", 100 << 20)
    told = read(server, way)
    assert said in told
    assert "\x1b" not in told
    assert left(tmp_path) == []


def test_a_pack_without_end_does_not_fill_the_disk(server, tmp_path, monkeypatch):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "podium-test", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system takes root")
    try:
        monkeypatch.setenv("PODIUM_CACHE_DIR", str(small))
        told = read(server, "endless-pack")
        assert "the disk fills up while it sends" in told or "No space left on device" in told
        assert left(small) == []
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_what_another_git_has_begun_is_left_to_it(tmp_path):
    ours, theirs = tmp_path / "tmp_pack_ours", tmp_path / "tmp_pack_theirs"
    ours.write_bytes(b"half")
    with theirs.open("wb") as held:
        held.write(b"half")
        bounds.clear(tmp_path, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["tmp_pack_theirs"]
    bounds.clear(tmp_path, theirs.stat().st_mtime + 60)
    assert theirs.exists()


def test_git_at_work_for_long_is_not_taken_for_silence(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "_SILENCE", 0.2)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        guard = bounds.Guard(busy.pid, tmp_path, moves=True)
        for _ in range(3):
            busy.poll()
            with pytest.raises(subprocess.TimeoutExpired):
                busy.wait(0.25)
            guard.look()
        busy.kill()
