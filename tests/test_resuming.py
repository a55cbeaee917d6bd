"""Large objects that broke off: gone on with by the next run, proven as a whole; and servers that hang."""

import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from functools import partialmethod

import pytest
from fsspec.callbacks import NoOpCallback

from podium.errors import Denied, Unavailable
from podium.storage import Storage, partial
from podium.storage.servers import begun, by_ssh, limits, patience
from podium.storage.servers.failures import Broken
from podium.storage.servers.server import Server
from podium.storage.servers.under_way import Upload
from tests.servers import Apache, hanging, object_path
from tests.storage_helpers import at, files_below, forget_cache, record, registry, spoil, write

pytestmark = [pytest.mark.usefixtures("closed"), pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

MB = 1 << 20
LARGE = random.Random(6).randbytes(24 * MB)
KINDS = [pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in ("s3", "sshd", "web")]


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "out", {"weights.bin": LARGE})


def unfinished(root):
    return files_below(root / ".dvc/cache/podium-tmp")


# --- up --------------------------------------------------------------------------------------------------------------


@pytest.mark.xdist_group("s3")
def test_an_upload_to_s3_goes_on_with_the_parts_that_arrived(reach, source, quick):
    far = reach("s3")
    content = far.storage.add(source)
    far.wire.after(18 * MB, far.wire.down)
    with pytest.raises(Unavailable):
        far.storage.push([record(content)])
    path = object_path(content.files[0].md5)
    assert (far.store.unfinished(), far.store.paths()) == ([path], set())
    far.wire.up()
    before = far.wire.passed
    Storage.at(far.root).push([record(content)])
    assert far.wire.passed - before < 22 * MB
    assert Storage.at(far.root).problems([record(content)], deep=True) == []
    assert far.store.unfinished() == []


@pytest.mark.xdist_group("s3")
@pytest.mark.parametrize("begun", [b"x" * 5 * MB, LARGE[: 5 * MB], LARGE[: 6 * MB]], ids=["wrong", "right", "longer"])
def test_what_somebody_else_began_is_taken_only_if_it_is_the_same(reach, source, begun):
    far = reach("s3")
    content = far.storage.add(source)
    far.store.begin(object_path(content.files[0].md5), begun)
    before = far.wire.passed
    far.storage.push([record(content)])
    assert (far.wire.passed - before < 22 * MB) == (begun == LARGE[: 5 * MB])
    assert far.storage.problems([record(content)], deep=True) == []
    assert far.store.unfinished() == []


@pytest.mark.xdist_group("s3")
def test_an_upload_that_the_server_refuses_leaves_no_parts(reach, monkeypatch, source):
    far = reach("s3")
    content = far.storage.add(source)
    ask = Server.ask_s3

    def no_end(self, request, **arguments):  # the real server's refusal of parts that it does not have
        if request == "complete_multipart_upload":
            arguments["MultipartUpload"]["Parts"][0]["ETag"] = '"0123456789abcdef0123456789abcdef"'
        return ask(self, request, **arguments)

    monkeypatch.setattr(Server, "ask_s3", no_end)
    with pytest.raises(Unavailable):
        far.storage.push([record(content)])
    assert far.store.unfinished() == []
    assert far.store.paths() == set()


# --- up, over ssh: the server has no word for what is unfinished, but its name and this machine's note of it ----------


def broken_off_on_its_way(far, content):
    """Break an upload off after two thirds; gives the path of what the server has of it."""
    far.storage.remote().probe()
    far.wire.after(16 * MB, far.wire.down)
    with pytest.raises(Unavailable):
        far.storage.push([record(content)])
    far.wire.up()
    (left,) = far.store.paths()
    assert re.fullmatch(rf"files/md5/../podium-{content.files[0].md5}-[0-9a-f]{{16}}\.tmp", left)
    return left


def proven(far, content):
    """Prove that the store has a version, and that nothing else is left there or here."""
    assert {md5: far.store.read(md5) == LARGE for md5 in far.store.paths() if not md5.endswith(".dir")} == {
        object_path(content.files[0].md5): True
    }
    assert unfinished(far.root) == []


@pytest.mark.xdist_group("sshd")
def test_an_upload_over_ssh_goes_on_in_the_next_run_with_what_the_server_has(reach, source, quick):
    far = reach("sshd")
    content = far.storage.add(source)
    left = broken_off_on_its_way(far, content)
    size = len(far.store.read(left))
    found = Storage.at(far.root).remote().contents()
    assert ([one.name for one in found.unfinished], found.objects) == ([left], [])
    before = far.wire.passed
    Storage.at(far.root).push([record(content)])
    assert far.wire.passed - before < len(LARGE) - size + 14 * MB  # 8 MB may not be told of yet, and 4 are read back
    proven(far, content)


KILLED = """
import os, sys
from pathlib import Path
from podium.model import *
from podium.storage import Storage

def told(what, done, total):
    if what == "uploading" and done > 16 << 20:
        os._exit(9)

Storage.at(Path(sys.argv[1])).push([{record!r}], progress=told)
"""


@pytest.mark.xdist_group("sshd")
def test_an_upload_over_ssh_that_was_killed_goes_on(reach, source):
    far = reach("sshd")
    content = far.storage.add(source)
    program = KILLED.format(record=record(content))
    assert subprocess.run([sys.executable, "-c", program, str(far.root)], check=False).returncode == 9
    before = far.wire.passed
    Storage.at(far.root).push([record(content)])
    assert far.wire.passed - before < 14 * MB  # 8 MB of 24, and 4 that are read back
    proven(far, content)


@pytest.mark.xdist_group("sshd")
def test_two_that_send_one_object_at_once_do_not_mix(reach, source, quick):
    far = reach("sshd")
    content = far.storage.add(source)
    left = broken_off_on_its_way(far, content)
    before = far.store.read(left)
    (note,) = unfinished(far.root)
    descriptor = partial.locked(note)
    Storage.at(far.root).push([record(content)])
    assert far.store.read(left) == before
    os.close(descriptor)
    far.store.remove(left)
    far.store.remove(object_path(content.files[0].md5))
    Storage.at(far.root).push([record(content)])
    proven(far, content)


@pytest.mark.xdist_group("sshd")
def test_a_note_that_says_too_much_does_no_harm(reach, source, quick):
    far = reach("sshd")
    content = far.storage.add(source)
    broken_off_on_its_way(far, content)
    (place,) = unfinished(far.root)
    place.write_bytes(place.read_bytes()[:17] + b"9" * 20 + b"\n")
    Storage.at(far.root).push([record(content)])
    proven(far, content)


@pytest.mark.parametrize("said", [b"", b"some words", b"0" * 16 + b" 9\n", b"0" * 16 + b" " + b"9" * 20 + b"\nmore"])
def test_a_note_that_cannot_be_read_is_none(tmp_path, said):
    with begun.noted(lambda: tmp_path, "a" * 32, "r") as note:
        note.keep(9 * MB)
        name = note.name
    (place,) = files_below(tmp_path)
    with begun.noted(lambda: tmp_path, "a" * 32, "r") as note:
        assert (note.name, note.arrived) == (name, 9 * MB)
    place.write_bytes(said)
    with begun.noted(lambda: tmp_path, "a" * 32, "r") as note:
        assert note.arrived == 0
        assert note.name != name
    assert files_below(tmp_path) == []


@pytest.mark.xdist_group("sshd")
def test_what_an_ssh_server_has_too_much_of_gets_no_name(reach, source, quick, monkeypatch):
    monkeypatch.setattr(patience, "LATER", 1)
    far = reach("sshd")
    content = far.storage.add(source)
    left = broken_off_on_its_way(far, content)
    far.store.write(left, far.store.read(left).ljust(len(LARGE) + 1, b"?"))
    with pytest.raises(Unavailable, match=f"has {len(LARGE) + 1} bytes"):
        Storage.at(far.root).push([record(content)])
    assert far.store.paths() == set()
    Storage.at(far.root).push([record(content)])
    proven(far, content)


# --- up, over WebDAV: where the server takes parts --------------------------------------------------------------------


@pytest.mark.xdist_group("apache")
@pytest.mark.parametrize("place", ["dav", "deaf"])
def test_an_upload_over_webdav_goes_on_in_the_next_run_where_the_server_takes_parts(
    reach, source, apache, place, monkeypatch
):
    monkeypatch.setattr(patience, "LATER", 1)
    monkeypatch.setattr(apache, "remote", partialmethod(Apache.remote, place=place).__get__(apache))
    far = reach("apache")
    content = far.storage.add(source)
    if place == "dav":
        left = broken_off_on_its_way(far, content)
        assert LARGE.startswith(far.store.read(left))
    before = far.wire.passed
    Storage.at(far.root).push([record(content)])
    proven(far, content)
    assert (far.wire.passed - before < 22 * MB) == (place == "dav")


# --- down ------------------------------------------------------------------------------------------------------------


def broken_off(far, content):
    """Break a download off after two thirds; gives what was left."""
    fresh = far.fresh()
    fresh.remote().probe()
    far.wire.after(17 * MB, far.wire.down)
    with pytest.raises(Unavailable):
        fresh.fetch(record(content), content.files)
    far.wire.up()
    (left,) = unfinished(far.root)
    assert left.stat().st_size >= partial.LEAST
    return left


@pytest.mark.parametrize("far", KINDS, indirect=True)
def test_a_download_goes_on_with_what_an_earlier_run_left(far, source, quick):
    content = far.storage.add(source)
    far.storage.push([record(content)])
    left = broken_off(far, content)
    rest = len(LARGE) - left.stat().st_size
    assert not at(far.root / ".dvc/cache", content.files[0].md5).exists()
    before = far.wire.passed
    assert Storage.at(far.root).fetch(record(content), content.files) == content.files
    assert (
        far.wire.passed - before < rest + 6 * MB
    )  # WebDAV's client begins at the first byte, before it goes to another
    assert unfinished(far.root) == []
    place = at(far.root / ".dvc/cache", content.files[0].md5)
    assert (place.read_bytes() == LARGE, place.stat().st_mode & 0o777) == (True, 0o444)


@pytest.mark.xdist_group("web")
@pytest.mark.parametrize("ranges", [True, False], ids=["parts", "always the whole"])
def test_a_download_over_http_goes_on_whether_the_server_knows_parts_or_not(reach, web, source, quick, ranges):
    far = reach("web")
    content = far.storage.add(source)
    far.storage.push([record(content)])
    (far.root / ".dvc/config").unlink()
    (far.root / ".dvc/config.local").unlink()
    place = web.reading(far.store.folder.name, far.wire.port)
    if not ranges:
        place = replace(place, url=place.url.replace("/files/", "/whole/"))
    place.add(far.root, default=True)
    left = broken_off(far, content)
    rest = len(LARGE) - left.stat().st_size
    before = far.wire.passed
    assert Storage.at(far.root).fetch(record(content), content.files) == content.files
    assert (far.wire.passed - before < rest + 3 * MB) == ranges


@pytest.fixture
def here(tmp_path, source):
    """A registry whose remote is a folder, with a version of which an earlier run left something."""
    (tmp_path / "store").mkdir()
    root = registry(tmp_path / "registry", tmp_path / "store")
    content = Storage.at(root).add(source)
    Storage.at(root).push([record(content)])
    storage = forget_cache(root)
    folder = root / ".dvc/cache/podium-tmp"
    folder.mkdir(parents=True)
    return storage, root, content, partial._place(folder, content.files[0].md5)


@pytest.mark.parametrize(
    "left", [b"", LARGE[: 9 * MB], b"x" * 9 * MB, LARGE, LARGE + b"more"], ids=["none", "some", "wrong", "all", "more"]
)
def test_whatever_was_left_comes_to_the_same_bytes(here, left):
    storage, root, content, place = here
    place.write_bytes(left)
    assert storage.fetch(record(content), content.files) == content.files
    assert at(root / ".dvc/cache", content.files[0].md5).read_bytes() == LARGE
    assert unfinished(root) == []


def test_two_processes_at_once_do_not_write_into_one_file(here):
    storage, root, content, place = here
    with partial.taken(place.parent, content.files[0].md5) as part:
        assert part is not None
        assert storage.fetch(record(content), content.files) == content.files
        assert place.stat().st_size == 0
    assert unfinished(root) == []
    assert at(root / ".dvc/cache", content.files[0].md5).read_bytes() == LARGE


def test_a_link_in_the_place_of_what_was_left_is_not_followed(here, tmp_path):
    storage, _, content, place = here
    (tmp_path / "other").write_bytes(b"somebody's")
    place.symlink_to(tmp_path / "other")
    storage.fetch(record(content), content.files)
    assert (tmp_path / "other").read_bytes() == b"somebody's"


def test_what_was_left_of_a_damaged_object_is_not_kept(here, tmp_path):
    storage, root, content, place = here
    spoil(at(tmp_path / "store", content.files[0].md5), LARGE[:-1] + b"?")
    place.write_bytes(LARGE[: 9 * MB])
    with pytest.raises(Denied, match="damaged"):
        storage.fetch(record(content), content.files)
    assert unfinished(root) == []


def test_what_was_left_counts_as_room_that_is_not_needed(here, monkeypatch):
    storage, _, content, place = here
    place.write_bytes(LARGE[: 20 * MB])
    monkeypatch.setattr("podium.storage.space.free_below", lambda _: 6 * MB)
    assert storage.fetch(record(content), content.files) == content.files


# --- only the session, or nothing at all -----------------------------------------------------------------------------


@pytest.mark.xdist_group("sshd")
def test_only_the_ssh_session_ends_up_and_down(reach, sshd, source, quick, caplog):
    far = reach("sshd")
    content = far.storage.add(source)
    far.storage.remote().probe()
    before = far.wire.passed
    far.wire.after(20 * MB, sshd.cut)
    far.storage.push([record(content)])
    assert "trying again in" in caplog.text
    assert far.wire.passed - before < 40 * MB  # what was on its way is sent anew, and the end of what arrived read back
    assert far.store.paths() == {object_path(content.md5), object_path(content.files[0].md5)}
    fresh = far.fresh()
    fresh.remote().probe()
    caplog.clear()
    before = far.wire.passed
    far.wire.after(10 * MB, sshd.cut)
    assert fresh.fetch(record(content), content.files) == content.files
    assert "trying again in" in caplog.text
    assert far.wire.passed - before < 34 * MB
    assert unfinished(far.root) == []


@pytest.mark.xdist_group("sshd")
@pytest.mark.parametrize("left", [b"", LARGE[: 9 * MB] + bytes(3 * MB)], ids=["all of it", "its end"])
def test_what_an_ssh_server_lost_meanwhile_is_sent_again(reach, tmp_path, left):
    far = reach("sshd")
    (tmp_path / "large").write_bytes(LARGE)
    far.store.write("under way", left)
    place = far.store.folder / "under way"
    upload = Upload(tmp_path / "large", str(place), arrived=12 * MB)
    by_ssh.put(upload, far.storage.remote()._files.fs, NoOpCallback())
    assert place.read_bytes() == LARGE


def test_what_comes_further_each_time_is_not_given_up(quick):
    left = iter(range(20, 0, -1))

    def attempt():
        nonlocal arrived
        if arrived < 20:
            arrived += next(left) > 0
            raise Broken("the connection broke off", "try again")
        return "done"

    arrived = 0
    assert patience.Patience("r", bool).until_done(attempt, lambda: arrived) == "done"
    arrived, left = 0, iter([0] * 20)
    with pytest.raises(Broken):
        patience.Patience("r", bool).until_done(attempt, lambda: arrived)


@pytest.fixture
def hasty(monkeypatch, quick, web):
    """As little patience as may be with a server that says nothing."""
    monkeypatch.setattr(limits, "SILENT_CONNECTION", 1)
    monkeypatch.setattr(patience, "SILENT_REMOTE", 1.5)
    monkeypatch.setattr(web, "remote", _short(web.remote))  # its client takes its patience from DVC's configuration


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["up", "down"])
def test_a_server_that_hangs_is_given_up_with_a_sentence_that_says_so(reach, source, kind, way):
    far = reach(kind)
    content = far.storage.add(source)
    if way == "down":
        far.storage.push([record(content)])
    storage = far.fresh() if way == "down" else far.storage
    storage.remote().probe()

    with hanging(far.server), pytest.raises(Unavailable) as gone:
        storage.fetch(record(content), content.files) if way == "down" else storage.push([record(content)])
    assert gone.value.exit_code == 3
    assert re.search(r"'storage' has not answered for \d+ seconds", gone.value.sentence)


GIVES_UP = """
import sys
from pathlib import Path
from podium.cli.main import run
from podium.model import *
from podium.storage import Storage
from podium.storage.servers import limits, patience, watching

def told(what, done, total):
    if done > 2 << 20:
        print("now", flush=True)

record = {record!r}
limits.SILENT_CONNECTION, watching.SILENT_CALL, patience.SILENT_REMOTE = 3, 2, 3
storage = Storage.at(Path(sys.argv[1]))
sys.exit(run(lambda: storage.fetch(record, record.files, None, told)))
"""


@pytest.mark.xdist_group("sshd")
def test_a_program_ends_though_an_ssh_server_goes_on_hanging(reach, source):
    far = reach("sshd")
    content = far.storage.add(source)
    far.storage.push([record(content)])
    far.fresh()
    far.wire.rate = 8 * MB
    program = GIVES_UP.format(record=record(content))
    running = subprocess.Popen(
        [sys.executable, "-c", program, str(far.root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout.readline() == "now\n"
    with hanging(far.server):
        _, said = running.communicate(timeout=120)
    assert running.returncode == 3
    assert "has not answered for" in said


def _short(remote):
    def make(*arguments):
        made = remote(*arguments)
        return replace(made, options={**made.options, "timeout": "1"})

    return make
