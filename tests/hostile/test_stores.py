"""Stores that lie, break and stall: whatever they answer, the file is named, nothing unproven is left, and it ends."""

import os
import shutil
import socket
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from podium import manifest, resolve
from podium.errors import Denied, Error, Unavailable
from podium.freshness import ANEW
from podium.index import source, web
from podium.storage import Storage
from podium.storage.servers import patience, watching
from tests.hostile import odd
from tests.hostile.conftest import some
from tests.storage_helpers import at, forget_cache, member, record, registry, version, write

FILES = {"config.json": b"{}", "deep/weights.bin": b"\1\2w" * 1000, "twin.bin": b"\3\4w" * 1000}
SECRET = "hunter2-sekret"

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # DVC's plugin for HTTP uses what aiohttp is to lose
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # and its clients are not closed
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


@pytest.fixture
def root(tmp_path, store):
    return registry(tmp_path / "registry", store)


@pytest.fixture
def content(tmp_path, root):
    storage = Storage.at(root)
    content = storage.add(write(tmp_path / "out", FILES))
    storage.push([record(content)])
    return content


def used(root, content, folder, *, listed=True):
    home = root / ".dvc/cache/podium"
    return resolve.use(version(record(content, listed=listed)), lambda: Storage.at(root), home, to=folder)


def all_proven(*folders):
    """Tell whether all that lies below some folders is what was logged, or what podium notes."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    known = {*FILES.values()}
    notes = (".json", ".lock", ".dir")
    return [
        path
        for path in files
        if path.read_bytes() not in known and path.suffix not in notes and ".tmp" not in path.name
    ] == []


# --- objects


def gone(place):
    shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()


def instead(content):
    def write(place):
        gone(place)
        place.write_bytes(content)

    return write


def flipped(place):
    """Flip a bit, and leave the size and the time of change as they were."""
    before, found = place.stat(), bytearray(place.read_bytes())
    place.chmod(0o644)
    found[5] ^= 1
    with place.open("r+b") as stream:
        stream.write(found)
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))


def folder(place):
    gone(place)
    (place / "inner").mkdir(parents=True)
    (place / "inner/file").write_text("somebody's")


def pipe(place):
    gone(place)
    os.mkfifo(place)


def plug(place):
    gone(place)
    before = Path.cwd()
    with socket.socket(socket.AF_UNIX) as made:  # its name has to be short
        os.chdir(place.parent)
        made.bind(place.name)
        os.chdir(before)


def device(place):
    gone(place)
    try:
        os.mknod(place, 0o644 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        place.symlink_to("/dev/zero")


def link(target):
    def made(place):
        gone(place)
        place.symlink_to(target or place)

    return made


def a_file_above(place):
    shutil.rmtree(place.parent)
    place.parent.write_text("somebody's")


FAULTS = {
    "gone": gone, "empty": instead(b""), "cut": instead(FILES["deep/weights.bin"][:100]), "flipped": flipped,
    "longer": instead(FILES["deep/weights.bin"] + b"x"), "another's": instead(FILES["twin.bin"]), "a folder": folder,
    "a pipe": pipe, "a socket": plug, "a device": device, "a link to a device": link("/dev/zero"),
    "a link elsewhere": link("/etc/passwd"), "a link to itself": link(""), "a link to nothing": link("/nowhere/at/all"),
    "a file in the place of its folder": a_file_above,
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_lies_on_a_remote_in_the_place_of_an_object_is_named_and_not_handed_out(
    fault, root, store, content, tmp_path
):
    damaged = member(content, "deep/weights.bin")
    FAULTS[fault](at(store, damaged.md5))
    forget_cache(root)
    with pytest.raises(Denied, match=r"'deep/weights\.bin'"):
        used(root, content, tmp_path / "used")
    assert not (tmp_path / "used").exists()
    assert all_proven(root / ".dvc/cache")
    (found,) = Storage.at(root).problems([record(content)], deep=True)
    assert found.path == "deep/weights.bin"


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_lies_on_a_remote_in_the_place_of_a_list_of_files_is_said(fault, root, store, content, tmp_path):
    FAULTS[fault](at(store, content.md5))
    forget_cache(root)
    with pytest.raises(Denied, match=content.md5):
        used(root, content, tmp_path / "used", listed=False)
    found = Storage.at(root).problems([record(content, listed=False)], lists=True)
    assert [problem.path for problem in found] == [content.md5]


@pytest.mark.parametrize("what", ["a file", "the list"])
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_lies_in_the_cache_in_the_place_of_an_object_is_repaired_from_the_remote(
    fault, what, root, content, tmp_path
):
    md5 = member(content, "deep/weights.bin").md5 if what == "a file" else content.md5
    FAULTS[fault](at(root / ".dvc/cache", md5))
    used(root, content, tmp_path / "used", listed=False)
    assert {path: (tmp_path / "used" / path).read_bytes() for path in FILES} == FILES
    assert manifest.md5_of(at(root / ".dvc/cache", md5).read_bytes()) == md5.removesuffix(".dir")
    assert Storage.at(root).add(tmp_path / "out") == content


def test_two_objects_of_one_size_in_each_others_place_are_both_named(root, store, content, tmp_path):
    one, other = (at(store, member(content, path).md5) for path in ("deep/weights.bin", "twin.bin"))
    instead(FILES["twin.bin"])(one)
    instead(FILES["deep/weights.bin"])(other)
    forget_cache(root)
    with pytest.raises(Denied, match=r"deep/weights\.bin|twin\.bin"):
        used(root, content, tmp_path / "used")
    found = Storage.at(root).problems([record(content)], deep=True)
    assert {problem.path for problem in found} == {"deep/weights.bin", "twin.bin"}


def test_a_pipe_in_the_place_of_a_lock_or_a_note_keeps_nobody_waiting(root, content):
    home, one = root / ".dvc/cache/podium", version(record(content, listed=False))
    for suffix in (".json", ".dir"):
        home.mkdir()
        os.mkfifo(home / (content.md5.removesuffix(".dir") + suffix))
        found = resolve.use(one, lambda: Storage.at(root), home).folder
        assert {path: (found / path).read_bytes() for path in FILES} == FILES
        shutil.rmtree(home)
    home.mkdir()
    os.mkfifo(home / (content.md5.removesuffix(".dir") + ".lock"))
    with pytest.raises(Unavailable, match=r"\.lock"):
        resolve.use(one, lambda: Storage.at(root), home)


# --- servers


@pytest.fixture
def quick(monkeypatch):
    """A server may say nothing for a moment, and is tried again at once."""
    monkeypatch.setattr(watching, "SILENT_CALL", 0.7)
    monkeypatch.setattr(patience, "_SHORTEST", 0.01)
    monkeypatch.setattr(patience, "_LONGEST", 0.02)


@pytest.fixture
def at_server(root, store, content, quick, monkeypatch):
    """Give what makes the registry's remote a server, which answers in a way that is named."""
    monkeypatch.setattr(odd.Server, "bomb", odd.packed(100))
    with odd.serving(store) as other, odd.serving(store, other.port) as server:

        def there(kind, way):
            address = {"s3": f"s3://{way}/"}.get(kind, f"{kind}://127.0.0.1:{server.port}/{way}")
            more = f"    endpointurl = http://127.0.0.1:{server.port}\n    region = us-east-1\n" if kind == "s3" else ""
            secrets = {
                "http": f"    auth = basic\n    user = alice\n    password = {SECRET}\n",
                "webdav": f"    user = alice\n    password = {SECRET}\n",
                "s3": f"    access_key_id = alice\n    secret_access_key = {SECRET}\n    session_token = {SECRET}\n",
            }
            shutil.rmtree(root / ".dvc")
            registry(root, address.rstrip("/"), more)
            (root / ".dvc/config.local").write_text("['remote \"store\"']\n" + secrets[kind])
            return Storage.at(root), server, other

        yield there


OK, WRONG, CANNOT_TELL = 0, 1, 3
WAYS = [
    ("plain", OK), ("hangs", CANNOT_TELL), ("hangs-later", CANNOT_TELL), ("drips", CANNOT_TELL),
    ("drips-headers", CANNOT_TELL), ("half", CANNOT_TELL), ("empty", WRONG), ("endless", WRONG),
    ("headers", CANNOT_TELL),
    ("one-header", CANNOT_TELL), ("packed", WRONG), ("packed-well", WRONG), ("longer", WRONG),
    ("length-lies", CANNOT_TELL), ("length-odd", CANNOT_TELL), ("login", WRONG), ("flipped", WRONG), ("part", WRONG),
    ("garbage", CANNOT_TELL), ("moves-on", OK), ("circle", CANNOT_TELL), ("to-file", CANNOT_TELL),
    ("to-gopher", CANNOT_TELL), ("404", WRONG), ("410", WRONG),
    *((way, CANNOT_TELL) for way in ("401", "403", "407", "418", "429-2", "500", "503")),
    *((way, CANNOT_TELL) for way in ("503-999999999", "503--5", "503-abc")),
]  # fmt: skip


@pytest.mark.parametrize(("way", "code"), some(WAYS, 10))
def test_whatever_an_http_server_answers_it_ends_and_nothing_unproven_is_left(way, code, at_server, content, caplog):
    storage, _, other = at_server("http", way)
    root = storage.cache.folder.parent.parent
    with told(code) as said:
        used(root, content, root / "used")
    assert SECRET not in f"{said} {caplog.text}"
    assert all_proven(root / ".dvc/cache", root / "used")
    assert (code == OK) == (root / "used").exists()
    assert [asked for _, _, asked in other.asked if "authorization" in asked.lower()] == []


@contextmanager
def told(code):
    """Give what was said, in the end, by whatever ends with this code."""
    said = []
    try:
        yield said
    except Error as error:
        said += [error.sentence, error.hint]
        ended = error.exit_code
    else:
        ended = OK
    assert ended == code, said


LISTS = ["bomb", "entity", "deep", "no-xml", "no-address", "other-address", "packed", "endless", "login", "garbage",
         "hangs", "drips", "drips-headers", "401", "503", "headers"]  # fmt: skip


@pytest.mark.parametrize("way", some(LISTS, 5))
def test_whatever_a_webdav_server_lists_it_is_no_answer(way, at_server, content, caplog):
    storage, _, _ = at_server("webdav", way)
    with pytest.raises(Unavailable) as refused:
        storage.problems([record(content)])
    assert SECRET not in f"{refused.value.sentence} {refused.value.hint} {caplog.text}"


@pytest.mark.parametrize("way", some(["hangs", "drips", "endless", "moves-on", "403", "503"], 1))
def test_whatever_an_s3_server_answers_no_other_is_asked(way, at_server, root, content, tmp_path):
    _, _, other = at_server("s3", way)
    with pytest.raises(Unavailable):
        used(root, content, tmp_path / "used")
    assert other.asked == []


def test_no_header_with_a_password_goes_to_another_server(at_server, root, content, tmp_path):
    for kind in ("http", "webdav"):
        _, server, other = at_server(kind, "moves-on")
        kept = "    auth = custom\n" if kind == "http" else ""
        kept += f"    custom_auth_header = X-Token\n    password = {SECRET}\n"
        (root / ".dvc/config.local").write_text("['remote \"store\"']\n" + kept)
        with suppress(Unavailable):
            used(root, content, tmp_path / kind)
        assert any(SECRET in asked for _, _, asked in server.asked)
        assert [asked for _, _, asked in other.asked if SECRET in asked] == []


# --- the static index


@pytest.mark.parametrize("way", some([*LISTS, *(way for way, _ in WAYS)], 8))
def test_whatever_answers_in_the_place_of_an_index_it_ends(way, tmp_path, monkeypatch):
    monkeypatch.setattr(odd.Server, "bomb", odd.packed(100))
    monkeypatch.setattr(web, "TIMEOUT", 0.5)
    monkeypatch.setattr(web, "LONGEST", 0.8)
    with odd.serving(tmp_path) as other, odd.serving(tmp_path, other.port) as server:
        where = f"http://alice:{SECRET}@127.0.0.1:{server.port}/{way}"
        try:
            found = source.find(where, tmp_path / "cache", ANEW)
        except Unavailable as refused:
            found = None
            said = f"{refused.sentence} {refused.hint}"
        else:
            said = ""
    assert found is None
    assert SECRET not in said
    assert other.asked == []
