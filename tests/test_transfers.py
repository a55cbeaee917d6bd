"""Transfers over real servers and wires that break: tried again, bounded, told; nothing half seen or sent twice."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from dvc.config_schema import REMOTE_SCHEMAS

from podium import manifest
from podium.errors import Denied, Unavailable
from podium.storage import Storage
from podium.storage.progress import Meter, Stopped, each
from podium.storage.servers import failures, server
from tests.far import connect
from tests.servers import DvcRemote
from tests.storage_helpers import at, files_below, member, record, registry, spoil, write

pytestmark = [pytest.mark.usefixtures("closed"), pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

MB = 1 << 20
BIG = random.Random(5).randbytes(12 * MB)


PEAK = (
    "def peak():\n"  # ru_maxrss would be that of the tests' own process, if that is higher
    "    with open('/proc/self/status') as status:\n"
    "        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))\n"
)


TWO = pytest.mark.parametrize(
    "far", [pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in ("s3", "sshd")], indirect=True
)
"""The two whose clients differ most, where each more would cost seconds."""


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "out", {"weights.bin": BIG, "config.json": b"{}"})


def test_an_upload_that_is_cut_is_sent_again_and_says_so(far, source, quick, caplog):
    content = far.storage.add(source)
    far.storage.remote().probe()
    far.wire.after(5 * MB, far.wire.cut)
    far.storage.push([record(content)])
    assert far.storage.problems([record(content)], deep=True) == []
    assert {path for path in far.store.paths() if ".podium-" in path or path.endswith(".tmp")} == set()
    if far.storage.remote()._files.protocol != "s3":  # S3's own client tries again first, without a word
        assert re.search(r"cannot be used: .*; trying again in", caplog.text)


def test_a_download_that_is_cut_goes_on_where_it_was(far, source, quick, caplog):
    content = far.storage.add(source)
    far.storage.push([record(content)])
    fresh = far.fresh()
    fresh.remote().probe()
    before = far.wire.passed
    far.wire.after(8 * MB, far.wire.cut)
    assert fresh.fetch(record(content), content.files) == content.files
    assert far.wire.passed - before < 22 * MB  # twice would be 25 and more
    assert files_below(far.root / ".dvc/cache/podium-tmp") == []


@TWO
def test_a_server_that_stays_away_is_given_up_and_what_arrived_is_not_sent_again(far, tmp_path, quick):
    content = far.storage.add(write(tmp_path / "many", {f"{n}": b"%02d" % n * 60_000 for n in range(24)}))
    far.wire.after(MB, far.wire.down)
    with pytest.raises(Unavailable) as gone:
        far.storage.push([record(content)])
    assert gone.value.exit_code == 3
    there = {path for path in far.store.paths() if re.search(r"/[0-9a-f]{30}$", path)}
    assert 0 < len(there) < 24
    far.wire.up()
    again = Storage.at(far.root)
    assert again.push([record(content)]).objects <= 25 - len(there)
    assert again.problems([record(content)], deep=True) == []
    assert content.md5[2:] in {path.rpartition("/")[2] for path in far.store.paths()}


@pytest.mark.xdist_group("s3")
def test_wrong_credentials_and_what_is_missing_are_not_tried_again(tmp_path, monkeypatch, s3, source, caplog):
    root = tmp_path / "registry"
    root.mkdir()
    asked = s3.remote(tmp_path.name)
    replace(asked, secrets=asked.secrets | {"secret_access_key": "wrong"}).add(root, default=True)
    storage = Storage.at(root)
    content = storage.add(source)
    with pytest.raises(Unavailable, match="denies access"):
        storage.push([record(content)])
    right = connect(tmp_path / "right", monkeypatch, "s3", s3, lambda port: type("Line", (), {"port": port}))
    with pytest.raises(Denied, match="does not have"):
        right.storage.fetch(record(content), content.files)
    assert "again" not in caplog.text


@pytest.mark.xdist_group("s3")
def test_sizes_of_many_objects_are_listed_or_asked_for_with_the_same_answer(tmp_path, monkeypatch, s3, wire):
    monkeypatch.setattr("podium.storage.remote._FEW", 8)
    far = connect(tmp_path, monkeypatch, "s3", s3, wire)
    content = far.storage.add(write(tmp_path / "many", {f"{n}": b"%d" % n for n in range(24)}))
    far.storage.push([record(content)])
    names = [content.md5, *(file.md5 for file in content.files), "0" * 32, content.md5[:2] + "0" * 30]
    remote = far.storage.remote()
    asked = {md5: remote._seen(md5) for md5 in names[:3] + names[-2:]}
    listed = remote.seen(names)
    assert list(asked.values())[-2:] == [None, None]
    for md5, one in asked.items():  # a list tells parts of a second
        assert one is None or (one.size, int(one.modified)) == (listed[md5].size, int(listed[md5].modified))
    assert {md5 for md5, size in remote.sizes(names).items() if size is None} == set(names[-2:])


@pytest.mark.xdist_group("web")
def test_use_with_a_pattern_asks_the_server_for_nothing_else(tmp_path, monkeypatch, web, wire, source):
    from podium import resolve
    from tests.storage_helpers import version

    far = connect(tmp_path, monkeypatch, "web", web, wire)
    content = far.storage.add(source)
    far.storage.push([record(content)])
    fresh, before = far.fresh(), len(web.requests())
    used = resolve.use(version(record(content)), lambda: fresh, tmp_path / "used", patterns=["*.json"])
    assert used.path.read_bytes() == b"{}"
    asked = "\n".join(web.requests()[before:])
    assert member(content, "config.json").md5[2:] in asked
    assert member(content, "weights.bin").md5[2:] not in asked


# --- what passes, and what does not ----------------------------------------------------------------------------------


class Answer(Exception):
    def __init__(self, status):
        self.status = status


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (Answer(503), True),
        (Answer(429), True),
        (Answer(403), False),
        (Answer(404), False),
        (PermissionError(), False),
        (ValueError(), False),
    ],
)
def test_what_passes_by_itself_is_told_from_answers(error, expected):
    assert failures.passes(error) is expected
    wrapped = FileNotFoundError()
    wrapped.__cause__ = error
    assert failures.passes(wrapped) is expected


def test_a_full_disk_of_a_webdav_server_is_called_that():
    from webdav4.client import InsufficientStorage

    told = failures.unreachable("r", InsufficientStorage("x"))
    assert (told.sentence, type(told)) == ("the DVC remote 'r' cannot be used: its disk is full", Unavailable)


def test_a_name_without_an_address_is_not_tried_again(tmp_path, source, caplog):
    root = tmp_path / "registry"
    root.mkdir()
    DvcRemote("webdav://nowhere.invalid/x", {"user": "a"}, {"password": "b"}).add(root, default=True)
    with pytest.raises(Unavailable):
        Storage.at(root).problems([])
    assert "again" not in caplog.text


# --- the disk --------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "podium-test", str(folder)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting a small file system takes root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def on_disk(tmp_path, disk):
    """Make a registry whose cache is on a small disk, and its store elsewhere."""
    (tmp_path / "store").mkdir()
    root = registry(tmp_path / "registry", tmp_path / "store")
    with (root / ".dvc/config").open("a") as config:
        config.write(f"[cache]\n    dir = {disk}/cache\n")
    return root


def test_what_is_advised_to_give_a_server_longer_is_a_setting_of_dvc():
    assert server._LONGER
    for scheme, option in server._LONGER.items():
        assert option in {str(key) for key in REMOTE_SCHEMAS[scheme]}, scheme


def test_what_client_libraries_log_is_not_printed_and_reaches_who_asks_for_it(tmp_path):
    root = tmp_path / "registry"
    root.mkdir()
    DvcRemote("http://127.0.0.1:1/store").add(root, default=True)
    program = f"""
import io, logging, sys
from pathlib import Path
from podium.storage import Storage
Storage.at(Path({str(root)!r})).remote()
logging.getLogger("gcsfs.retry").warning("a token")
heard = io.StringIO()
logging.basicConfig(stream=heard)
logging.getLogger("gcsfs.retry").warning("a token")
print(heard.getvalue())
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (ran.stderr, "a token" in ran.stdout) == ("", True)


def test_room_is_looked_for_before_a_byte_is_brought(tmp_path, small_disk, source):
    root = on_disk(tmp_path, small_disk)
    content = Storage.at(root).add(source)
    Storage.at(root).push([record(content)])
    shutil.rmtree(small_disk / "cache")
    (small_disk / "other").write_bytes(b"x" * 8 * MB)
    for attempt in (
        lambda: Storage.at(root).fetch(record(content), content.files),
        lambda: Storage.at(root).add(source),
    ):
        with pytest.raises(Unavailable, match=r"needs 12\.6 MB, and there are 8\.\d MB free") as refused:
            attempt()
        assert "podium gc" in refused.value.hint
    assert files_below(small_disk) == [small_disk / "other"]


def test_a_folder_remote_without_room_is_told_before_a_byte_is_sent(tmp_path, small_disk, source):
    (small_disk / "store").mkdir()
    (small_disk / "other").write_bytes(b"x" * 8 * MB)
    storage = Storage.at(registry(tmp_path / "registry", small_disk / "store"))
    content = storage.add(source)
    with pytest.raises(Unavailable, match=r"uploading to the DVC remote 'store' needs 12\.6 MB"):
        storage.push([record(content)])
    assert files_below(small_disk / "store") == []


@pytest.mark.parametrize("where", ["cache", "store"])
def test_a_disk_that_fills_up_in_the_middle_leaves_nothing_half_visible(tmp_path, small_disk, source, where):
    """Somebody else takes the room once the work has begun."""
    if where == "cache":
        root = on_disk(tmp_path, small_disk)
    else:
        (small_disk / "store").mkdir()
        root = registry(tmp_path / "registry", small_disk / "store")
    storage = Storage.at(root)
    content = storage.add(source) if where == "store" else None

    def fill(what, done, total):
        if done and not (small_disk / "other").exists():
            (small_disk / "other").write_bytes(b"x" * 8 * MB)

    with pytest.raises(Unavailable, match="full: No space left on device"):
        storage.push([record(content)], progress=fill) if content else storage.add(source, fill)
    assert not any(path.stat().st_size > MB for path in files_below(small_disk) if path.name != "other")
    assert not any(path.suffix == ".tmp" for path in files_below(small_disk))
    (small_disk / "other").unlink()
    content = Storage.at(root).add(source)
    Storage.at(root).push([record(content)])
    assert Storage.at(root).problems([record(content)], deep=True) == []


def test_copies_that_do_not_fit_leave_nothing(tmp_path, small_disk, source):
    from podium import resolve
    from tests.storage_helpers import version

    (tmp_path / "store").mkdir()
    storage = Storage.at(registry(tmp_path / "registry", tmp_path / "store"))
    content = storage.add(source)
    (small_disk / "other").write_bytes(b"x" * 8 * MB)
    with pytest.raises(Unavailable, match=r"full|free"):
        resolve.use(version(record(content)), lambda: storage, tmp_path / "used", to=small_disk / "to")
    assert files_below(small_disk) == [small_disk / "other"]


# --- Ctrl-C, lies, threads -------------------------------------------------------------------------------------------


@TWO
def test_ctrl_c_in_a_download_ends_it_and_leaves_nothing(far, source):
    content = far.storage.add(source)
    far.storage.push([record(content)])
    shutil.rmtree(far.root / ".dvc/cache")
    far.wire.rate = 2 * MB
    program = (
        "import sys, pathlib; from podium.cli.main import run; from podium.storage import Storage\n"
        "from podium.model import *\n"
        f"record = {record(content)!r}\n"
        "def told(what, done, total):\n"
        "    if done > 2 << 20: print('now', flush=True)\n"
        "s = Storage.at(pathlib.Path(sys.argv[1]))\n"
        "sys.exit(run(lambda: s.fetch(record, record.files, None, told)))\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program, str(far.root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout.readline() == "now\n"
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (130, "error: interrupted\n")
    assert files_below(far.root / ".dvc/cache/podium-tmp") == []
    left = files_below(far.root / ".dvc/cache/files")
    assert [path for path in left if at(far.root / ".dvc/cache", manifest.md5_of(path.read_bytes())) != path] == []


def test_a_thread_that_hangs_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr("podium.storage.progress._GRACE", 0.05)
    hangs = threading.Event()

    def work(number):
        if number:
            hangs.wait(60)
        raise LookupError

    began = time.monotonic()
    with pytest.raises(LookupError):
        list(each(work, [0, 1], 2, Meter(lambda *_: None, "", 0)))
    assert time.monotonic() - began < 30
    hangs.set()


def test_what_is_under_way_ends_when_another_fails():
    started, done = threading.Barrier(2), []

    def work(number):
        started.wait(30)
        if number:
            raise LookupError
        while True:
            meter.go_on()

    def watched(number):
        try:
            work(number)
        except Stopped:
            done.append(number)
            raise

    meter = Meter(lambda *_: None, "", 0)
    with pytest.raises(LookupError):
        list(each(watched, [0, 1], 2, meter))
    assert done == [0]


def test_a_list_of_files_that_goes_on_for_ever_is_cut_off(tmp_path):
    (tmp_path / "store").mkdir()
    root = registry(tmp_path / "registry", tmp_path / "store")
    content = Storage.at(root).add(write(tmp_path / "out", {"a": b"1"}))
    Storage.at(root).push([record(content)])
    place = at(tmp_path / "store", content.md5)
    spoil(place, b"[")
    os.truncate(place, 300 * MB)  # a hole: it takes no room
    program = (
        f"{PEAK}import sys, pathlib; from podium.storage import Storage; from podium.model import *\n"
        f"record = {record(content, listed=False)!r}\n"
        "s = Storage.at(pathlib.Path(sys.argv[1])); s.remote()\n"
        "before = peak()\n"
        "try: s.manifest(record)\n"
        "except Exception as error: print(error)\n"
        "print([problem.problem for problem in s.problems([record], deep=True)])\n"
        "print(peak() - before)"
    )
    shutil.rmtree(root / ".dvc/cache")
    said = subprocess.run([sys.executable, "-c", program, str(root)], check=True, capture_output=True, text=True).stdout
    told, problems, grown = said.splitlines()
    assert "the list of files damaged" in told
    assert problems == "['hash']"
    assert int(grown) < 50_000  # kB


@pytest.mark.xdist_group("s3")
def test_memory_is_bounded_over_s3(tmp_path, monkeypatch, s3):
    files = {f"{number}": random.Random(number).randbytes(12 * MB) for number in range(6)}
    far = connect(tmp_path, monkeypatch, "s3", s3, lambda port: type("Line", (), {"port": port}))
    write(tmp_path / "out", files)
    files.clear()
    program = (
        f"{PEAK}import sys, pathlib, shutil; from podium.storage import Storage; from podium.model import *\n"
        "root = pathlib.Path(sys.argv[1]); s = Storage.at(root)\n"
        "c = s.add(pathlib.Path(sys.argv[2]))\n"
        "r = Record(c.md5, c.size, c.nfiles, '', '', c.files, c.manifest_sha256)\n"
        "s.push([r]); shutil.rmtree(root / '.dvc/cache'); Storage.at(root).fetch(r, r.files)\n"
        "print(peak())"
    )
    peak = subprocess.run(
        [sys.executable, "-c", program, str(far.root), str(tmp_path / "out")],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert int(peak) < 250_000  # kB
