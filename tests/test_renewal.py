"""What lies on a remote for long and is needed anew gets a new time there; what was left half done is garbage."""

import os
import random
import subprocess
import time

import pytest

from podium import api, custody, garbage, mirroring
from podium.cli import gc_command
from podium.errors import Unavailable
from podium.progress import silent
from podium.storage import Storage, partial, stored
from podium.storage.progress import Meter
from podium.storage.pushing import Sent
from podium.storage.renewal import Renewal
from podium.storage.servers import copies
from podium.storage.servers.server import Server
from podium.storage.servers.uploads import Uploads
from podium.storage.stored import Stored, Unfinished
from tests import worlds
from tests.servers import object_path
from tests.storage_helpers import at, files_below, forget_cache, record, registry, write
from tests.test_garbage import clone

pytestmark = [pytest.mark.usefixtures("closed"), pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

DAY = 86400
MB = 1 << 20
OLD = time.time() - 20 * DAY
ON_DISK = [pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in ("sshd", "web")]


@pytest.fixture
def by_mtime(monkeypatch):
    """Let a file in a folder be as old as its mtime says: nobody can set the other time it has."""
    monkeypatch.setattr(stored, "written", lambda status: status.st_mtime)


@pytest.fixture
def here(tmp_path, by_mtime):
    """A storage with two remotes that are folders."""
    for name in ("store", "other"):
        (tmp_path / name).mkdir()
    root = registry(tmp_path / "registry", tmp_path / "store", f"['remote \"other\"']\n    url = {tmp_path}/other\n")
    return Storage.at(root)


def logged(storage, tmp_path, **files):
    folder = tmp_path / f"out-{'-'.join(files)}"
    return storage.add(write(folder, {name: content.encode() for name, content in files.items()}))


def age(folder, *but):
    for place in files_below(folder):
        if place not in but:
            os.utime(place, (OLD, OLD))


def old(folder):
    return sorted(place.name for place in files_below(folder) if place.stat().st_mtime < time.time() - DAY)


def sweep(storage, **options):
    """Look for garbage as another machine would that knows of no version."""
    keeper = garbage.Keeper([], storage, ["store"], False, None, time.time(), **options)
    contents = storage.remote("store").contents()
    return garbage._leftover("store", contents, frozenset(), time.time() - keeper.grace, time.time())


# --- folders ---------------------------------------------------------------------------------------------------------


def test_what_is_old_and_needed_anew_is_young_again_and_nothing_is_sent(here, tmp_path):
    content = logged(here, tmp_path, a="1", b="2")
    here.push([record(content)])
    age(tmp_path / "store")
    other = logged(here, tmp_path, a="1", b="3")
    assert here.push([record(other)]).objects == 2
    kept = {content.md5[2:], next(file.md5[2:] for file in content.files if file.path == "b")}
    assert set(old(tmp_path / "store")) == kept
    assert here.push([record(content)]) == Sent(0, 0)
    assert old(tmp_path / "store") == []


def test_what_is_young_keeps_its_time_and_so_does_what_everybody_sees_to_be_needed(here, tmp_path):
    content = logged(here, tmp_path, a="1")
    here.push([record(content)])
    age(tmp_path / "store")
    here.push([record(content)], settled={content.md5})
    assert len(old(tmp_path / "store")) == 2
    lately = time.time() - 2 * DAY
    for place in files_below(tmp_path / "store"):
        os.utime(place, (lately, lately))
    here.push([record(content)])
    assert {place.stat().st_mtime for place in files_below(tmp_path / "store")} == {lately}


def test_a_file_that_only_its_owner_may_touch_is_sent_again(here, tmp_path, monkeypatch):
    content = logged(here, tmp_path, a="1")
    here.push([record(content)])
    age(tmp_path / "store")

    def refused(*_arguments):
        raise PermissionError(1, "not yours")

    monkeypatch.setattr("podium.storage.folder.os.utime", refused)
    assert here.push([record(content)]).objects == 2
    assert old(tmp_path / "store") == []


def test_what_can_be_neither_touched_nor_sent_is_said_and_is_no_failure(here, tmp_path, monkeypatch, caplog):
    content = logged(here, tmp_path, a="1")
    here.push([record(content)])
    age(tmp_path / "store")
    at(tmp_path / "registry/.dvc/cache", content.files[0].md5).unlink()
    monkeypatch.setattr("podium.storage.folder.FolderRemote.renew", lambda *_: False)
    assert Storage.at(tmp_path / "registry").push([record(content)]).objects == 1
    assert "could not be renewed" in caplog.text
    assert old(tmp_path / "store") == [content.files[0].md5[2:]]


@pytest.mark.parametrize("moment", ["before it is renewed", "after it was renewed"])
def test_what_is_deleted_while_it_is_renewed_is_sent_again(here, tmp_path, monkeypatch, moment):
    """A `gc` elsewhere may have decided before the object was renewed."""
    content = logged(here, tmp_path, a="1")
    here.push([record(content)])
    age(tmp_path / "store")
    renew, place = type(here.remote()).renew, at(tmp_path / "store", content.files[0].md5)

    def raced(self, md5):
        if moment.startswith("before"):
            place.unlink(missing_ok=True)
        done = renew(self, md5)
        place.unlink(missing_ok=True)
        return done

    monkeypatch.setattr(type(here.remote()), "renew", raced)
    here.push([record(content)])
    assert here.problems([record(content)], deep=True) == []


def test_gc_spares_what_got_a_new_time_since_it_was_listed(here, tmp_path):
    content = logged(here, tmp_path, a="1", b="2")
    here.push([record(content)])
    age(tmp_path / "store")
    found = sweep(here)
    assert len(found.garbage) == 3
    here.push([record(logged(here, tmp_path, a="1"))])
    keeper = garbage.Keeper([], here, ["store"], False, None, time.time())
    went = keeper._take_away(found, Meter(silent, "", 0))
    kept = content.files[0].md5
    assert ({one.md5 for one in went.garbage}, [one.md5 for one in went.young]) == (
        {content.md5, content.files[1].md5},
        [kept],
    )
    assert at(tmp_path / "store", kept).exists()


def test_what_the_cache_has_for_long_is_young_again_when_it_is_logged(here, tmp_path):
    content = logged(here, tmp_path, a="1", b="2")
    cache = tmp_path / "registry/.dvc/cache/files"
    age(cache)
    assert logged(Storage.at(tmp_path / "registry"), tmp_path, a="1", b="2") == content
    assert old(cache) == []


@pytest.mark.usefixtures("own_settings")
@pytest.mark.parametrize("landing", [{}, {"commit": True}, {"push": True}, {"dry_run": True}])
def test_logging_what_is_recorded_sends_what_its_remote_lost(tmp_path, landing):
    root = clone(worlds.world(tmp_path, 0), tmp_path)
    for name in ("second", "out"):
        (tmp_path / name).mkdir()
    with (root / ".dvc/config").open("a") as config:
        config.write(f"['remote \"second\"']\n    url = {tmp_path}/second\n")
    subprocess.run(["git", "commit", "-qam", "Add a remote"], cwd=root, check=True)
    subprocess.run(["git", "push", "-q"], cwd=root, check=True)
    (tmp_path / "out/w.bin").write_bytes(b"weights")
    with api.open(root).edit("Log", push=True) as edit:
        edit.create("v/a", remote="second")
        version = edit.log("v/a", tmp_path / "out")
    subprocess.run(["git", "pull", "-q"], cwd=root, check=True)
    there = {place: place.read_bytes() for place in files_below(tmp_path / "second")}
    assert len(there) == 2
    for place in there:
        place.unlink()
    with api.open(root).edit("Log", **landing) as edit:
        assert edit.log("v/a", tmp_path / "out").version == version.version
    assert edit.published is not None
    assert not edit.published.changed
    found = {place: place.read_bytes() for place in files_below(tmp_path / "second")}
    assert found == ({} if "dry_run" in landing else there)


@pytest.mark.usefixtures("own_settings")
def test_upload_renews_what_others_cannot_see_to_be_needed(tmp_path, by_mtime):
    made = worlds.world(tmp_path, 0)
    root = clone(made, tmp_path)
    for number in range(3):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out/w.bin").write_bytes(b"weights %d" % number)
        with api.open(root).edit("Log", commit=True) as edit:
            edit.log("v/a", tmp_path / "out")
            if number == 1:
                edit.withdraw("v/a:v0", "bad")
        if number == 1:
            subprocess.run(["git", "push", "-q", "origin", "HEAD"], cwd=root, check=True)
    age(made.store)
    records = custody.named(api.open(root).value, None)
    settled = custody.settled(api.open(root).source, records)
    assert settled == {records["v/a:v1"].md5}
    custody.upload(Storage.at(root), records, settled=settled)
    ours = {name: {one.md5, *(file.md5 for file in one.files or ())} for name, one in records.items()}
    assert set(old(made.store)) & {md5[2:] for md5 in set().union(*ours.values())} == {
        md5[2:] for md5 in ours["v/a:v1"]
    }


@pytest.mark.parametrize("touched", [True, False])
def test_copy_renews_what_its_target_has_and_only_that(here, tmp_path, monkeypatch, touched):
    content, known = logged(here, tmp_path, a="1", b="2"), logged(here, tmp_path, c="3")
    records = {"v/a:v0": record(content), "v/a:v1": record(known)}
    here.push(records.values())
    assert mirroring.copy(here, records, "store", "other").objects == 5
    age(tmp_path / "other")
    if not touched:
        monkeypatch.setattr("podium.storage.folder.FolderRemote.renew", lambda *_: False)
    fresh = forget_cache(tmp_path / "registry")
    assert mirroring.copy(fresh, records, "store", "other", dry_run=True).there == 5
    assert len(old(tmp_path / "other")) == 5
    done = mirroring.copy(fresh, records, "store", "other", settled={known.md5})
    assert (done.objects, done.there, done.problems) == (0, 5, ())
    assert set(old(tmp_path / "other")) == {known.md5[2:], known.files[0].md5[2:]}


# --- servers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ON_DISK)
def test_what_is_old_on_a_server_and_needed_anew_is_young_again(reach, tmp_path, kind):
    far = reach(kind)
    content = logged(far.storage, tmp_path, a="x" * 300_000)
    far.storage.push([record(content)])
    age(far.store.folder)
    before = far.wire.passed
    Storage.at(far.root).push([record(content)])
    assert (far.wire.passed - before < 100_000) == (kind == "sshd")  # WebDAV knows no other way than to send it again
    assert old(far.store.folder) == []
    assert far.storage.problems([record(content)], deep=True) == []


@pytest.mark.xdist_group("sshd")
def test_on_ssh_what_is_gone_in_that_moment_is_sent_and_what_is_not_ours_left(reach, tmp_path):
    far = reach("sshd")
    content = logged(far.storage, tmp_path, a="1")
    far.storage.push([record(content)])
    remote = far.storage.remote()
    sent = []
    listed = Stored("0" * 32, 1, OLD)
    Renewal(remote, lambda _: True, sent.extend).renew([listed], silent)
    assert sent == ["0" * 32]


def told(far, path):
    return far.server.client().head_object(Bucket="models", Key=f"{far.store.prefix}/{path}")


@pytest.mark.xdist_group("s3")
@pytest.mark.parametrize("size", [1000, 12 * MB], ids=["in one request", "in parts"])
def test_s3_copies_an_object_onto_itself(reach, tmp_path, monkeypatch, size):
    monkeypatch.setattr(copies, "_WHOLE", 5 * MB)
    far = reach("s3")
    far.storage.add(write(tmp_path / "out", {"a": b"1"}))
    md5, content = "0" * 32, random.Random(size).randbytes(size)
    key = f"{far.store.prefix}/{object_path(md5)}"
    far.server.client().put_object(
        Bucket="models", Key=key, Body=content, Metadata={"by": "ada"}, ContentType="text/x-model"
    )
    first = told(far, object_path(md5))
    before, end = far.wire.passed, time.monotonic() + 60
    while told(far, object_path(md5))["LastModified"] == first["LastModified"] and time.monotonic() < end:
        assert far.storage.remote().renew(md5)  # a server's time has no parts of a second
    now = told(far, object_path(md5))
    assert now["LastModified"] > first["LastModified"]
    assert (now["Metadata"], now["ContentType"]) == ({"by": "ada"}, "text/x-model")
    assert far.store.read(object_path(md5)) == content
    assert far.store.unfinished() == []
    assert far.wire.passed - before < 1 * MB or size < MB


@pytest.mark.xdist_group("s3")
@pytest.mark.parametrize("last", ["upload_part_copy", "complete_multipart_upload"])
def test_a_copy_on_s3_that_breaks_off_leaves_the_object_as_it_was(reach, tmp_path, monkeypatch, last):
    monkeypatch.setattr(copies, "_WHOLE", 5 * MB)
    far = reach("s3")
    content = far.storage.add(write(tmp_path / "out", {"a": random.Random(7).randbytes(11 * MB)}))
    far.storage.push([record(content)])
    remote, md5 = far.storage.remote(), content.files[0].md5
    ask = Server.ask_s3

    def broken(self, request, **arguments):
        if request == last:
            raise Unavailable("it broke", "try again")
        return ask(self, request, **arguments)

    monkeypatch.setattr(Server, "ask_s3", broken)
    assert remote.renew(md5) is False
    assert far.storage.problems([record(content)], deep=True) == []
    assert far.store.unfinished() == []


# --- what is left half done ------------------------------------------------------------------------------------------

LEFT = "files/md5/ab/podium-0123456789abcdef.tmp"
WRITTEN = "files/md5/ab/.podium-1f-0123456789abcdef-2.tmp"
OTHERS = ["files/md5/ab/.nfs0001", "files/md5/ab/x.tmp", "podium-0123456789abcdef.tmp"]


@pytest.mark.parametrize("kind", ON_DISK)
def test_what_killed_uploads_left_on_a_server_goes_once_it_is_old(reach, tmp_path, monkeypatch, kind):
    far = reach(kind)
    content = logged(far.storage, tmp_path, a="12345")
    remote, seen = far.storage.remote(), []
    rename = Uploads._rename

    def looked(self, *places):
        seen.extend(remote.contents().unfinished)
        rename(self, *places)

    monkeypatch.setattr(Uploads, "_rename", looked)
    remote.send(content.files[0].md5, far.storage.cache.path(content.files[0].md5), Meter(silent, "", 0))
    assert [left.size for left in seen] == [5]
    for path in (seen[0].name, LEFT, *OTHERS):
        far.store.write(path, b"12345")
    age(far.store.folder, far.store.folder / seen[0].name)
    now = time.time()
    found = garbage._leftover("s", remote.contents(), frozenset(), now - garbage.GRACE, now)
    assert [(left.name, left.size) for left in found.unfinished] == [(LEFT, 5)]
    remote.discard(found.unfinished[0])
    remote.discard(found.unfinished[0])  # somebody else was faster
    assert far.store.paths() == {object_path(content.files[0].md5), seen[0].name, *OTHERS}


@pytest.mark.xdist_group("s3")
def test_parts_on_s3_that_never_became_an_object_are_found_with_their_size_and_thrown_away(reach):
    far = reach("s3")
    path = object_path("ab" * 16)
    far.store.begin(path, b"x" * 5 * MB)
    far.store.begin("elsewhere/weights", b"y")
    remote = far.storage.remote()
    remote_left = remote.contents().unfinished
    assert [(left.name, left.size) for left in remote_left] == [(path, 5 * MB)]
    assert abs(remote_left[0].modified - time.time()) < DAY
    remote.discard(remote_left[0])
    remote.discard(remote_left[0])
    assert far.store.unfinished() == ["elsewhere/weights"]


def test_what_is_unfinished_stays_for_a_day_whatever_is_asked_for(here, tmp_path):
    (tmp_path / "store/files/md5/ab").mkdir(parents=True)
    for path, hours in ((LEFT, 23), (WRITTEN, 25)):
        (tmp_path / "store" / path).write_bytes(b"12345")
        os.utime(tmp_path / "store" / path, (time.time() - hours * 3600,) * 2)
    found = sweep(here, grace=0.0)
    assert [left.name for left in found.unfinished] == [WRITTEN]
    here.remote("store").discard(found.unfinished[0])
    assert (tmp_path / "store" / LEFT).exists()
    assert not (tmp_path / "store" / WRITTEN).exists()


def test_a_download_that_another_process_is_at_stays(here, tmp_path):
    folder = tmp_path / "registry/.dvc/cache/podium-tmp"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / f".podium-part-{name * 32}.tmp").write_bytes(bytes(partial.LEAST))
    left = here.cache.contents().unfinished
    assert [(one.name, one.size) for one in left] == [
        (f"podium-tmp/.podium-part-{name * 32}.tmp", partial.LEAST) for name in ("a", "b")
    ]
    with partial.taken(folder, "a" * 32):
        for one in left:
            here.cache.discard(one)
    assert [place.name for place in files_below(folder)] == [f".podium-part-{'a' * 32}.tmp"]


def test_gc_says_what_is_unfinished_and_how_it_goes_away(capsys):
    parts = (Unfinished(LEFT, 5, OLD), Unfinished(object_path("ab" * 16), 7, OLD, "an upload"))
    for deleted in (False, True):
        gc_command._print(garbage.Found((garbage.Leftover("cloud", 1, (), (), parts),), 3), deleted=deleted)
    said = capsys.readouterr()
    assert "cloud: has 2 unfinished transfers, 12 B\n" in said.out
    assert "cloud: deleted 2 unfinished transfers, 12 B\n" in said.out
    assert "`podium gc --delete --remote cloud` does" in said.err
