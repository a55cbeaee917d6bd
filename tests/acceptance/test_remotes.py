"""The bytes on every kind of remote that a machine can run: S3, ssh, WebDAV, HTTP, a folder. Real servers, real DVC."""

from __future__ import annotations

import hashlib
import http.server
import json
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import conftest
from tests.acceptance.quick import Said
from tests.servers import DvcRemote, FolderStore, object_path


@dataclass(frozen=True)
class Place(conftest.Place):
    """A registry whose bytes are on a remote."""

    store: Any
    server: Any
    remote: Callable[[int | None], DvcRemote]

    def log(self, folder: Path, *more: object, code: int = 0) -> Said:
        return self.podium("log", "vision/resnet50", folder, *more, code=code)

    def forget(self) -> None:
        """Take the cache away, as on another machine."""
        shutil.rmtree(self.root / ".dvc/cache", ignore_errors=True)

    def record(self, version: str = "v0") -> dict[str, str]:
        """Give the md5 of each file of a version by path, and that of its list of files under the empty path."""
        path = f"vision/resnet50:{version}"
        found = json.loads(self.podium("resolve", path, "--format", "json").out)
        return {"": found["md5"]} | {file["path"]: file["md5"] for file in found["files"]}

    def holds(self) -> set[str]:
        """Give the objects in the cache; each is what its name says, and nothing unfinished lies about."""
        found = set()
        for path in (self.root / ".dvc/cache").rglob("*"):
            assert not path.name.endswith(".tmp")
            if path.is_file() and path.parts[-4:-2] == ("files", "md5"):
                md5 = path.parent.name + path.name
                assert hashlib.md5(path.read_bytes()).hexdigest() == md5.removesuffix(".dir")
                found.add(md5)
        return found


KINDS = ("folder", "s3", "sshd", "web")
each_kind = pytest.mark.parametrize("kind", [pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in KINDS])


class Folder:
    """A folder as a remote, with the verbs of the servers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def remote(self, name: str, port: int | None = None) -> DvcRemote:
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        return DvcRemote(str(self.folder / name))

    def store(self, name: str) -> FolderStore:
        return FolderStore(self.folder / name)


@pytest.fixture
def place(request, tmp_path, monkeypatch):
    """Make registries on a kind of remote."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/.ssh").mkdir(parents=True)

    def make(kind: str, port: int | None = None) -> Place:
        server = Folder(tmp_path / "folders") if kind == "folder" else request.getfixturevalue(kind)
        name = f"{tmp_path.name}-{port or 0}"
        remote = server.remote(name, port)
        if kind == "sshd":
            (tmp_path / "home/.ssh/known_hosts").write_text(server.known() + server.known(port))
        made = Place(tmp_path / f"registry-{name}", server.store(name), server, lambda p: server.remote(name, p))
        made.root.mkdir()
        subprocess.run(["git", "init", "-q", str(made.root)], check=True)
        made.podium("init", "--entity", "acme", "--remote", remote.url)
        remote.set(made.root)
        return made

    return make


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


SMALL = {"config.json": b"{}", "deep/tokens.txt": b"a b c", "model.safetensors": bytes(range(256)) * 1000}


@each_kind
def test_what_is_logged_is_proven_used_and_pulled_by_plain_dvc(kind, place, tmp_path):
    here = place(kind)
    here.log(folder(tmp_path / "out", SMALL))
    here.podium("verify", "--deep")
    here.forget()
    used = Path(here.podium("use", "vision/resnet50:v0").out.strip())
    assert {str(p.relative_to(used)): p.read_bytes() for p in used.rglob("*") if p.is_file()} == SMALL
    assert {object_path(md5) for md5 in here.record().values()} == here.store.paths()
    here.forget()
    target = here.root / "artifacts/vision/resnet50/versions"
    here.dvc("pull", "-q", str(target / "v0.dvc"))
    assert {
        str(p.relative_to(target / "v0")): p.read_bytes() for p in (target / "v0").rglob("*") if p.is_file()
    } == SMALL


# --- one member damaged: DVC sees none of these ----------------------------------------------------------------------

DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "deleted": lambda content: None,
    "flipped": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "truncated": lambda content: content[:-1],
}


@each_kind
@pytest.mark.parametrize("path", ["deep/tokens.txt", ""], ids=["a member", "the list"])
def test_whatever_is_damaged_is_named_and_nothing_is_handed_out(kind, path, place, tmp_path):
    here = place(kind)
    here.log(folder(tmp_path / "out", SMALL))
    md5 = here.record()[path]
    whole = here.store.read(object_path(md5))
    for damage, change in DAMAGES.items():
        content = change(whole)
        if content is None:
            here.store.remove(object_path(md5))
        else:
            here.store.write(object_path(md5), content)
        named = path or md5
        problem = "missing" if damage == "deleted" else "size" if damage == "truncated" and path else "hash"
        deep = ["--deep"] if problem == "hash" and path else []
        found = here.podium("verify", *deep, "--format", "json", code=1)
        assert json.loads(found.out)["findings"] == [{"name": "vision/resnet50:v0", "path": named, "problem": problem}]
        here.forget()
        target = tmp_path / damage
        if path:
            said = here.podium("use", "vision/resnet50:v0", code=1)
            assert repr(path) in said.err
            assert md5 in said.err
            assert here.podium("use", "vision/resnet50:v0", "--to", target, code=1).out == ""
            assert not any(target.rglob("*"))
            assert here.holds() <= set(here.record().values()) - {md5}
        else:  # the record has the manifest: what was logged can be proven without the list
            here.podium("use", "vision/resnet50:v0", "--to", target)
            assert {file: (target / file).read_bytes() for file in SMALL} == SMALL


# --- plain HTTP: to read ---------------------------------------------------------------------------------------------


@pytest.mark.xdist_group("web")
def test_what_was_written_over_webdav_is_read_over_http_and_not_written(place, tmp_path, web):
    here = place("web")
    here.log(folder(tmp_path / "out", SMALL))
    (here.root / ".dvc/config").write_text("[core]\n    remote = storage\n    analytics = false\n")
    (here.root / ".dvc/config.local").unlink()
    web.reading(here.store.folder.name).add(here.root)
    here.forget()
    here.podium("verify", "--deep")
    here.podium("use", "vision/resnet50:v0", "--to", tmp_path / "used")
    assert {file: (tmp_path / "used" / file).read_bytes() for file in SMALL} == SMALL
    here.forget()
    here.dvc("pull", "-q", str(here.root / "artifacts/vision/resnet50/versions/v0.dvc"))
    before = here.store.paths()
    said = here.log(folder(tmp_path / "more", {"a": b"new"}), code=1)
    assert "'storage' is plain HTTP, which podium only reads" in said.err
    assert here.store.paths() == before
    assert not (here.root / "artifacts/vision/resnet50/versions/v1.dvc").exists()


# --- the way to the server breaks ------------------------------------------------------------------------------------

PIECE = 300_000
PIECES = 24
ONCE = {"AWS_MAX_ATTEMPTS": "1"}
"""The server does not come back while a command runs: S3's client need not try for a minute."""


def pieces(path: Path) -> Path:
    some = random.Random(4)
    return folder(path, {f"part-{number}": some.randbytes(PIECE) for number in range(PIECES)})


def whole(here: Place) -> set[str]:
    """Give the objects that the remote shows, which are whole each; what is unfinished has another name."""
    found = set()
    for path in here.store.paths():
        if path.startswith("files/md5/") and not path.endswith(".tmp"):
            md5 = path.removeprefix("files/md5/").replace("/", "")
            assert hashlib.md5(here.store.read(path)).hexdigest() == md5.removesuffix(".dir")
            found.add(md5)
    return found


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in KINDS[1:]])
def test_an_upload_that_is_cut_goes_on_where_it_was(kind, place, tmp_path, request, wire):
    server = request.getfixturevalue(kind)
    line = wire(server.port)
    here = place(kind, line.port)
    out = pieces(tmp_path / "out")
    line.rate = 40e6
    line.after(PIECE * PIECES // 2, server.stop)
    said = here.podium("log", "vision/resnet50", out, code=3, **ONCE)
    assert "the DVC remote 'storage' cannot be used" in said.err
    assert not (here.root / "artifacts/vision/resnet50/versions/v0.dvc").exists()
    server.start()
    arrived = whole(here)
    assert 0 < len(arrived) < PIECES
    before = line.passed
    here.log(out)
    assert line.passed - before < (PIECES - len(arrived)) * PIECE + 5 * PIECE
    assert whole(here) == set(here.record().values())
    here.podium("verify", "--deep")


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in KINDS[1:]])
def test_a_download_that_is_cut_goes_on_where_it_was(kind, place, tmp_path, request, wire):
    server = request.getfixturevalue(kind)
    line = wire(server.port)
    here = place(kind, line.port)
    here.log(pieces(tmp_path / "out"))
    here.forget()
    line.rate = 40e6
    line.after(PIECE * PIECES // 2, server.stop)
    said = here.podium("use", "vision/resnet50:v0", "--to", tmp_path / "used", code=3, **ONCE)
    server.start()
    assert "the DVC remote 'storage' cannot be used" in said.err
    assert not any((tmp_path / "used").rglob("*"))
    arrived = here.holds()
    assert 0 < len(arrived) < PIECES
    before = line.passed
    here.podium("use", "vision/resnet50:v0", "--to", tmp_path / "used")
    assert line.passed - before < (PIECES - len(arrived)) * PIECE + 5 * PIECE
    for number in range(PIECES):
        assert (tmp_path / f"used/part-{number}").read_bytes() == (tmp_path / f"out/part-{number}").read_bytes()


# --- servers that answer with something else -------------------------------------------------------------------------


class Odd(http.server.BaseHTTPRequestHandler):
    """A store whose way of answering changes from test to test."""

    folder: Path
    way = ""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        content = (self.folder / self.path.removeprefix("/")).read_bytes()
        page = b"<html>Please log in</html>"
        told = {"a login page": page, "no length": None, "half a body": content, "half, no length": None}
        self.send_response(503 if self.way == "unavailable" else 200)
        length = told.get(self.way, b"")
        if length is not None:
            self.send_header("Content-Length", str(len(length)))
        self.end_headers()
        if self.command == "GET":
            half = content[: len(content) // 2]
            self.wfile.write(
                {"a login page": page, "no length": content, "unavailable": b""}.get(self.way, half),
            )

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def odd(tmp_path):
    handler = type("Handler", (Odd,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False
        threading.Thread(target=server.serve_forever).start()
        handler.port = server.server_address[1]
        yield handler
        server.shutdown()


ANSWERS = [
    ("a login page", 1, "'config.json' damaged", 1),
    ("half, no length", 1, "'config.json' damaged", 3),
    ("half a body", 3, "cannot be used", 3),
    ("unavailable", 3, "cannot be used", 3),
]


def test_what_an_http_server_answers_instead_is_never_handed_out(place, tmp_path, odd):
    here = place("folder")
    here.log(folder(tmp_path / "out", {"config.json": b"{}" * 1000}))
    odd.folder = here.store.folder
    config = here.root / ".dvc/config"
    config.write_text("[core]\n    remote = storage\n    analytics = false\n")
    DvcRemote(f"http://127.0.0.1:{odd.port}").add(here.root)
    for way, code, words, verified in ANSWERS:
        odd.way = way
        here.forget()
        said = here.podium("use", "vision/resnet50:v0", "--to", tmp_path / "used", code=code)
        assert words in said.err, way
        assert said.out == ""
        assert not (tmp_path / "used").exists()
        assert here.holds() == set()
        here.podium("verify", "--deep", code=verified)
    odd.way = "no length"
    here.podium("use", "vision/resnet50:v0", "--to", tmp_path / "used")
    assert (tmp_path / "used/config.json").read_bytes() == b"{}" * 1000
    assert "does not tell the sizes" in here.podium("verify", code=3).err


# --- who may, and where ----------------------------------------------------------------------------------------------


@pytest.mark.xdist_group("s3")
def test_s3_takes_its_credentials_from_the_environment_and_says_when_they_are_wrong(place, tmp_path, s3):
    here = place("s3")
    (here.root / ".dvc/config.local").unlink()
    out = folder(tmp_path / "out", SMALL)
    here.podium("log", "vision/resnet50", out, **s3.env)
    here.podium("verify", **s3.env)
    reader = {**s3.env, "AWS_ACCESS_KEY_ID": s3.reader_key, "AWS_SECRET_ACCESS_KEY": s3.reader_secret}
    here.podium("verify", "--deep", **reader)
    wrong = {**s3.env, "AWS_SECRET_ACCESS_KEY": "wrong"}
    said = here.podium("verify", code=3, **wrong)
    assert "it denies access" in said.err
    more = folder(tmp_path / "more", {"a": b"new"})
    assert "it denies access" in here.podium("log", "vision/resnet50", more, code=3, **reader).err
    assert not (here.root / "artifacts/vision/resnet50/versions/v1.dvc").exists()


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        pytest.param("web", "-X MKCOL", marks=pytest.mark.xdist_group("web")),
        pytest.param("sshd", "mkdir -p", marks=pytest.mark.xdist_group("sshd")),
    ],
)
def test_a_folder_that_is_not_on_the_server_yet_is_said_with_the_way_to_make_it(kind, remedy, place, tmp_path):
    here = place(kind)
    here.store.folder.rmdir()
    out = folder(tmp_path / "out", SMALL)
    said = here.log(out, code=3)
    assert "the folder of the DVC remote 'storage' is not there" in said.err
    assert remedy in said.err
    assert not here.store.folder.exists()
    here.store.folder.mkdir()
    here.log(out)


@pytest.mark.xdist_group("web")
def test_a_wrong_webdav_password_is_said_and_not_shown(place, tmp_path):
    here = place("web")
    local = here.root / ".dvc/config.local"
    local.write_text(local.read_text().replace("alicepw", "hunter2"))
    said = here.log(folder(tmp_path / "out", SMALL), code=3)
    assert "cannot be used" in said.err
    assert "hunter2" not in said.err
    assert here.store.paths() == set()


HIDING = """
import importlib.machinery, sys
from pathlib import Path

class Without(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = ("dvc_s3", "dvc_gs", "dvc_azure", "dvc_ssh", "dvc_webdav")
        return None if name.partition(".")[0] in hidden else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Without
from podium.errors import Unavailable
from podium.storage import Storage
for root in sys.argv[1:]:
    try:
        Storage.at(Path(root)).problems([])
    except Unavailable as error:
        print(error.sentence, error.hint, sep=" | ")
"""


def test_a_plugin_that_is_not_installed_is_named_by_podiums_extra(tmp_path):
    kinds = {
        "s3": "s3",
        "gs": "gs",
        "azure": "azure",
        "ssh": "ssh",
        "webdavs": "webdav",
        "webdav": "webdav",
    }
    for scheme in kinds:
        (tmp_path / scheme).mkdir()
        DvcRemote(f"{scheme}://example.invalid/path").add(tmp_path / scheme, default=True)
    program = [sys.executable, "-c", HIDING, *(str(tmp_path / scheme) for scheme in kinds)]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [
        f"the DVC remote 'storage' needs a package | install it: `pip install 'podium[{extra}]'`"
        for extra in kinds.values()
    ]
