"""The static index says what Git says, is written sparingly, and believes no server."""

import contextlib
import gzip
import hashlib
import http.server
import json
import os
import threading
import time
from dataclasses import replace

import pytest

import podium
from podium import codec, freshness, index, layout
from podium.errors import Denied, NewerFormat, NoSuchAlias, NoSuchModel, Unavailable, Usage
from podium.freshness import Freshness
from podium.index import documents, places
from podium.manifest import manifest_sha256
from podium.render import registry as render
from podium.tree import FILE, Entry, MemoryTree
from tests import example

CONFIG = b"""[core]
    remote = store
['remote "store"']
    url = https://ada:secret@bytes.acme.dev/models?sig=token
    user = ada
    password = secret
['remote "other"']
    url = s3://models/reg
    endpointurl = https://ada:secret@s3.acme.dev
    region = eu-1
    secret_access_key = secret
['remote "far"']
    url = ssh://deploy:secret@host/srv/models
    keyfile = /home/ada/.ssh/secret
"""


def files():
    remote = replace(example.record(b"many"), files=None, sha256=manifest_sha256(example.record(b"many").files))
    return {
        **example.files(),
        layout.DVC_CONFIG: CONFIG,
        "artifacts/vision/resnet50/artifact.yaml": b"description: ResNet-50\nwithdrawn: {v1: licence ended}\n",
        "artifacts/vision/resnet50/versions/v3.dvc": codec.encode("version", codec.write.record(remote, "v3")),
        "artifacts/vision/resnet50/aliases/gone.yaml": b"generation: 3\nversion: null\n",
        "artifacts/vision/empty/artifact.yaml": b"description: Nothing yet\n",
        "models/ImageClassifier/model.yaml": "description: Größe ☃\ntags: [vision]\nwithdrawn: {v2: wrong}\n".encode(),
        "models/ImageClassifier/versions/v2.yaml": b"artifact: vision/resnet50\nversion: v3\n",
        "models/ImageClassifier/versions/v3.yaml": b"artifact: vision/resnet50\nversion: v1\n",
        "models/ImageClassifier/aliases/old.yaml": b"generation: 4\nversion: null\n",
        "models/ImageClassifier/aliases/dangling.yaml": b"generation: 4\nversion: v9\n",
        "models/ImageClassifier/README.md": "# Größe\n".encode(),
        "models/Bare/model.yaml": b"description: No versions\n",
    }


class Objects(MemoryTree):
    """Files with ids, as a commit's have them, that count what is read."""

    def entry(self, path):
        found = super().entry(path)
        below = sorted((name, content) for name, content in self.files.items() if f"{name}/".startswith(f"{path}/"))
        return found._replace(id=hashlib.sha1(repr(below).encode()).hexdigest()) if found else None

    def read(self, path):
        reads.append(path)
        return super().read(path)


reads = []


def at(tree_files, commit="c0ffee"):
    return codec.read(Objects(tree_files, commit))


def opened(url, tmp_path, **fresh):
    found = index.find(url, tmp_path / "cache", Freshness(**fresh))
    assert found is not None
    return found.value


@pytest.fixture
def served(web, tmp_path):
    """Give a folder and the address under which nginx serves it."""
    folder = web.folder / "dav" / tmp_path.name
    folder.mkdir()
    return folder, f"{web.url()}/files/{tmp_path.name}"


nginx = pytest.mark.xdist_group("web")


# --- the same answers as from Git -------------------------------------------------------------------------------------


def answers(registry):
    """Give all that can be asked of a registry, as the command line prints it."""
    told = {}
    for kind in (registry.models, registry.artifacts):
        for name, entity in kind.items():
            told[name] = [render.row(entity.row), dict(entity.assignments), entity.withdrawn, entity.about]
            selectors = [*entity.numbers, *entity.assignments, "latest", "nope", "v77"]
            told[name] += [told_of(registry, f"{name}:{one}") for one in selectors]
            told[name] += [told_of(registry, f"acme/{name}" if "/" in name else f"acme/model-registry/{name}")]
    return told | {"cards": {name: model.card for name, model in registry.models.items()}}


def told_of(registry, reference):
    try:
        return {**render.version(registry.resolve(reference)), "commit": None}
    except podium.Error as error:
        return type(error), str(error), error.hint


@nginx
def test_an_index_says_of_every_name_what_the_registry_says(served, tmp_path):
    folder, url = served
    index.write(at(files()), folder)
    registry = opened(url, tmp_path)
    assert answers(registry) == answers(at(files()))
    assert (registry.entity, registry.commit) == ("acme", "c0ffee")
    assert opened(url, tmp_path, offline=True).resolve("ImageClassifier:production").version == "v0"
    with pytest.raises(podium.Error, match="is of entity 'other'"):
        registry.resolve("other/vision/resnet50:v0")


@nginx
def test_an_index_has_no_files_and_no_history_and_says_what_to_name(served, tmp_path, own_settings):
    folder, url = served
    index.write(at(files()), folder)
    registry = podium.open(url)
    for ask in (
        lambda: next(registry.history()),
        lambda: registry.value.tree.list(""),
        lambda: podium.open(url, rev="main").resolve("ImageClassifier"),
        lambda: registry.edit(push=True).__enter__(),
    ):
        with pytest.raises(Denied, match="is a static index of a registry, and has no") as caught:
            ask()
        assert "Git URL" in caught.value.hint


def test_no_credential_is_in_an_index(tmp_path):
    index.write(at(files()), tmp_path)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"secret" in content or b"sig=" in content for content in written)
    assert json.loads((tmp_path / "index.json").read_text())["dvc"] == {
        "default": "store",
        "remotes": {
            "store": {"url": "https://bytes.acme.dev/models"},
            "other": {"url": "s3://models/reg", "endpointurl": "https://s3.acme.dev", "region": "eu-1"},
            "far": {"url": "ssh://deploy@host/srv/models"},
        },
    }
    index.write(at(files()), tmp_path, bytes_url="https://cdn.acme.dev/models")
    assert json.loads((tmp_path / "index.json").read_text())["dvc"]["remotes"]["store"] == {
        "url": "https://cdn.acme.dev/models"
    }


# --- written sparingly ------------------------------------------------------------------------------------------------


def stamps(folder):
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".state.json"
    }


@pytest.mark.parametrize("state", ["kept", "gone", "nonsense"])
def test_only_what_changed_is_read_and_written(tmp_path, state):
    index.write(at(files()), tmp_path)
    before = stamps(tmp_path)
    if state != "kept":
        (tmp_path / "index/.state.json").unlink()
    if state == "nonsense":
        (tmp_path / "index/.state.json").write_text('{"format": "podium-index/v1", "entities": [1]}')
    reads.clear()
    assert index.write(at(files()), tmp_path).written == 0
    assert stamps(tmp_path) == before
    if state == "kept":
        assert set(reads) <= {"registry.yaml", layout.DVC_CONFIG}
    moved = {**files(), "models/ImageClassifier/aliases/production.yaml": b"generation: 19\nversion: v1\n"}
    assert index.write(at(moved, "decade"), tmp_path).written == 2
    after = stamps(tmp_path)
    assert {path for path in after if after[path] != before.get(path)} == {
        "index.json",
        "index/models/ImageClassifier.json",
    }


def test_a_change_of_an_artifact_reaches_the_models_that_link_it(tmp_path):
    index.write(at(files()), tmp_path)
    index.write(
        at({**files(), "artifacts/vision/resnet50/aliases/best.yaml": b"generation: 3\nversion: v0\n"}), tmp_path
    )
    model = json.loads((tmp_path / "index/models/ImageClassifier.json").read_text())
    assert [version.get("aliases") for version in model["versions"].values()] == [["best"], None, None, None]


def test_what_is_missing_or_was_spoiled_is_written_again(tmp_path):
    index.write(at(files()), tmp_path)
    before = {path: (tmp_path / path).read_bytes() for path in stamps(tmp_path)}
    next((tmp_path / "index/v").iterdir()).unlink()
    bare = tmp_path / "index/models/Bare.json"
    (tmp_path / "index/models/Gone.json").write_bytes(bare.read_bytes())
    bare.write_bytes(bare.read_bytes()[:40])  # whose it is can be told by its beginning
    assert index.write(at(files()), tmp_path).removed == 1
    assert {path: (tmp_path / path).read_bytes() for path in stamps(tmp_path)} == before


def test_a_file_that_changes_twice_in_a_second_gets_another_second(tmp_path):
    seconds = []
    for generation in (18, 19, 20):
        moved = {"models/ImageClassifier/aliases/production.yaml": b"generation: %d\nversion: v0\n" % generation}
        index.write(at({**files(), **moved}), tmp_path)
        seconds.append(int((tmp_path / "index/models/ImageClassifier.json").stat().st_mtime))
    assert seconds == sorted(set(seconds))


def test_what_is_too_large_for_an_index_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "LARGEST", 200)
    with pytest.raises(Denied, match="has at most 200"):
        index.write(at(files()), tmp_path)


# --- asked for as seldom as was said ----------------------------------------------------------------------------------


def requests_since(web, before):
    return [
        line.split('"')[1].split()[1].rpartition("/")[2] + " " + line.split('"')[2].split()[0]
        for line in web.requests()[before:]
    ]


@nginx
def test_what_did_not_change_is_not_sent_again_and_records_are_asked_for_once(served, tmp_path, web):
    folder, url = served
    index.write(at(files()), folder)
    first = len(web.requests())
    opened(url, tmp_path).resolve("ImageClassifier:production")
    second = len(web.requests())
    assert [line.split()[1] for line in requests_since(web, first)] == ["200"] * 3
    opened(url, tmp_path).resolve("ImageClassifier:production")
    assert requests_since(web, second) == ["index.json 304", "ImageClassifier.json 304"]
    third = len(web.requests())
    registry = opened(url, tmp_path, max_age=1000)
    registry.resolve("ImageClassifier:production")
    assert requests_since(web, third) == []
    moved = {"models/ImageClassifier/aliases/production.yaml": b"generation: 19\nversion: v1\n"}
    index.write(at({**files(), **moved}), folder)
    assert registry.resolve("ImageClassifier:production").version == "v0"
    assert opened(url, tmp_path).resolve("ImageClassifier:production").version == "v1"


@nginx
def test_a_server_that_is_down_is_told_with_the_age_of_what_is_kept(served, tmp_path, web, wire):
    folder, _ = served
    index.write(at(files()), folder)
    line = wire(web.port)
    url = f"http://127.0.0.1:{line.port}/files/{folder.name}"
    opened(url, tmp_path).resolve("ImageClassifier:production")
    line.down()
    with pytest.raises(Unavailable) as caught:
        opened(url, tmp_path).resolve("ImageClassifier:production")
    assert "ago: --offline reads it as it is" in caught.value.hint
    for fresh in ({"max_age": 1000}, {"offline": True}):
        assert opened(url, tmp_path, **fresh).resolve("ImageClassifier:production").version == "v0"
    with pytest.raises(Unavailable, match="is not kept here"):
        opened(url, tmp_path, offline=True).resolve("Bare:production")
    kept = next((tmp_path / "cache/indexes").glob("*/index.json"))
    os.utime(kept, (0, 0))
    with pytest.raises(Unavailable):
        opened(url, tmp_path, max_age=1000).resolve("ImageClassifier:production")
    assert opened(url, tmp_path, offline=True).entity == "acme"


@pytest.mark.parametrize(
    ("asked", "environment", "expected"),
    [
        ((None, None), {}, Freshness(0, False)),
        ((None, None), {"PODIUM_MAX_AGE": "60", "PODIUM_OFFLINE": "1"}, Freshness(60, True)),
        ((5, False), {"PODIUM_MAX_AGE": "60", "PODIUM_OFFLINE": "1"}, Freshness(5, False)),
        ((None, None), {"PODIUM_OFFLINE": "False"}, Freshness(0, False)),
        ((None, None), {"PODIUM_OFFLINE": "maybe"}, Usage),
        ((None, "no"), {}, Usage),
        ((None, None), {"PODIUM_MAX_AGE": "soon"}, Usage),
        ((-1, None), {}, Usage),
        ((float("nan"), None), {}, Usage),
    ],
)
def test_how_fresh_is_said_by_the_caller_or_the_environment(asked, environment, expected):
    if expected is Usage:
        with pytest.raises(Usage):
            freshness.chosen(*asked, environment)
    else:
        assert freshness.chosen(*asked, environment) == expected


def test_an_age_is_said_in_words(tmp_path):
    assert [freshness.words(s) for s in (0, 1.2, 119, 7300, 200000)] == [
        "0 seconds ago", "1 second ago", "1 minute ago", "2 hours ago", "2 days ago",
    ]  # fmt: skip
    (tmp_path / "x").touch()
    os.utime(tmp_path / "x", (time.time() + 500,) * 2)
    assert freshness.words(freshness.age(tmp_path / "x")) == "an unknown time ago"
    assert not Freshness(max_age=1e9).takes(freshness.age(tmp_path / "x"))


# --- no server is believed --------------------------------------------------------------------------------------------


class Odd:
    """A web server that answers as told: by path, a list of (status, headers, body), the last of them for good."""

    def __init__(self, folder):
        self.folder = folder
        self.told = {}
        self.asked = []
        odd = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = self.path.lstrip("/")
                odd.asked.append((path, dict(self.headers)))
                told = odd.told.get(path)
                if told is None:
                    place = odd.folder / path
                    told = [(200, {}, place.read_bytes()) if place.is_file() else (404, {}, b"nothing")]
                status, headers, body = told.pop(0) if len(told) > 1 else told[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)
                self.close_connection = "Content-Length" in headers

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def odd(tmp_path):
    index.write(at(files()), tmp_path / "site")
    with Odd(tmp_path / "site") as server:
        yield server


def record_of(folder):
    model = json.loads((folder / "index/models/ImageClassifier.json").read_text())
    return f"index/v/{model['versions']['v0']['record']}.json"


LOGIN = b"<!doctype html><title>Sign in</title>"
MODEL = "index/models/ImageClassifier.json"
DEEP = b'{"format":"podium-index/v1","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {}, LOGIN), "is no JSON: perhaps a login page"),
        ((503, {}, b"busy"), "is answered with status 503"),
        ((403, {}, b"no"), "is refused"),
        ((200, {"Content-Length": "100000"}, b'{"format":'), "was cut short, after 10 of 100000 bytes"),
        ((200, {}, b" " * (places.LARGEST + 1)), "has more than"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b"{}")), "comes packed"),
        ((200, {}, b"[]"), "is no JSON mapping"),
        ((200, {}, b"\xff{}"), "is no JSON"),
        ((200, {}, DEEP), "is no JSON"),
        ((200, {}, b'{"format":"podium-index/v1","name":"a","name":"b"}'), "each key is there once"),
        ((200, {}, b'{"format":"something/v1"}'), "is no file of a podium index"),
        ((302, {"Location": "http://127.0.0.1:1/index.json"}, b""), "redirects to an address that is neither"),
        ((302, {"Location": f"/{MODEL}"}, b""), "redirects in a circle"),
        ((304, {}, b""), "status 304"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_never_taken_for_one(odd, tmp_path, answer, words):
    odd.told[MODEL] = [answer]
    with pytest.raises(Unavailable, match=words):
        opened(odd.url, tmp_path).resolve("ImageClassifier:production")
    assert not list((tmp_path / "cache").rglob("ImageClassifier.json"))
    del odd.told[MODEL]
    assert opened(odd.url, tmp_path).resolve("ImageClassifier:production").version == "v0"


def edited(path, **changes):
    document = json.loads(path.read_text())
    del document["sum"]
    return documents.summed({**document, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Other"},
        {"entity": "evil"},
        {"kind": "artifact"},
        {"model": {"description": 7}},
        {"aliases": {"production": {"generation": 1, "version": "../v0"}}},
        {"aliases": {"../../x": {"generation": 1, "version": "v0"}}},
        {"aliases": []},
        {"card": "../../etc/passwd"},
        {"versions": {"v0": {"artifact": "../../x/y", "version": "v0", "record": "0" * 64}}},
        {"versions": {"v0": {"artifact": "a/b", "version": "v0", "record": "../../../x"}}},
        {"versions": {"0": {"artifact": "a/b", "version": "v0", "record": "0" * 64}}},
        {"versions": {"v0": {"artifact": "a/b", "version": "v0", "record": "0" * 64, "withdrawn": 7}}},
        {"versions": {"v0": {"artifact": "a/b", "version": "v0", "record": "0" * 64, "aliases": "best"}}},
    ],
)
def test_a_file_that_is_not_as_the_format_says_is_refused(odd, tmp_path, changes):
    odd.told[MODEL] = [(200, {}, edited(odd.folder / MODEL, **changes))]
    with pytest.raises(Unavailable, match=r" (is of something else$|holds|lists|names) ?"):
        opened(odd.url, tmp_path).resolve("ImageClassifier:production")
    assert all("index/" in path or path == "index.json" for path, _ in odd.asked)


def test_a_bit_that_flipped_anywhere_is_found(odd, tmp_path):
    body = (odd.folder / MODEL).read_bytes()
    for position in range(0, len(body), 11):
        flipped = bytearray(body)
        flipped[position] ^= 1 << position % 7
        odd.told[MODEL] = [(200, {}, bytes(flipped))]
        with pytest.raises(podium.Error, match=r"damaged|no JSON|of a podium index|of something else") as caught:
            opened(odd.url, tmp_path).resolve("ImageClassifier:production")
        assert caught.value.exit_code == 3


def test_a_record_that_is_not_what_its_name_says_is_refused_and_not_kept(odd, tmp_path):
    path = record_of(odd.folder)
    good = (odd.folder / path).read_bytes()
    odd.told[path] = [(200, {}, good.replace(b"weights", b"Weights").replace(b"0.9", b"0.1"))]
    with pytest.raises(Unavailable, match="is damaged"):
        opened(odd.url, tmp_path).resolve("ImageClassifier:production")
    del odd.told[path]
    assert opened(odd.url, tmp_path).resolve("ImageClassifier:production").metrics == {"accuracy": 0.9}


def test_what_is_kept_is_proven_again_before_it_is_used(odd, tmp_path):
    expected = opened(odd.url, tmp_path).resolve("ImageClassifier:production")
    kept = next((tmp_path / "cache").rglob("index/v/*.json"))
    kept.write_bytes(kept.read_bytes().replace(b"0.9", b"0.1"))
    assert opened(odd.url, tmp_path).resolve("ImageClassifier:production") == expected
    for path in (tmp_path / "cache").rglob("*.json"):
        path.write_bytes(b"torn")
    assert opened(odd.url, tmp_path).resolve("ImageClassifier:production") == expected


def test_a_file_that_another_one_names_is_asked_for_once_more_while_it_is_being_published(odd, tmp_path):
    path = record_of(odd.folder)
    odd.told[path] = [(404, {}, b""), (200, {}, (odd.folder / path).read_bytes())]
    assert opened(odd.url, tmp_path).resolve("ImageClassifier:production").version == "v0"
    (odd.folder / path).unlink()
    odd.told.clear()
    with pytest.raises(Unavailable, match="is not there, though"):
        opened(odd.url, tmp_path / "other").resolve("ImageClassifier:production")
    (odd.folder / MODEL).unlink()
    with pytest.raises(Unavailable, match=r"is not there, though index/names\.json names it"):
        opened(odd.url, tmp_path).resolve("ImageClassifier:production")


def test_half_a_body_and_a_busy_server_are_asked_once_more(odd, tmp_path):
    body = (odd.folder / MODEL).read_bytes()
    odd.told[MODEL] = [(200, {"Content-Length": str(len(body))}, body[:50]), (503, {}, b"busy"), (200, {}, body)]
    with pytest.raises(Unavailable, match="503"):
        opened(odd.url, tmp_path).resolve("ImageClassifier:production")
    assert opened(odd.url, tmp_path).resolve("ImageClassifier:production").version == "v0"


def test_what_is_not_there_is_not_there(odd, tmp_path):
    registry = opened(odd.url, tmp_path)
    with pytest.raises(NoSuchModel):
        registry.resolve("Nothing:production")
    with pytest.raises(NoSuchAlias):
        registry.resolve("ImageClassifier:staging")


def test_a_format_to_come_is_told_with_the_remedy(odd, tmp_path):
    odd.told["index.json"] = [(200, {}, b'{"format":"podium-index/v2"}')]
    with pytest.raises(NewerFormat, match="podium-index/v2"):
        opened(odd.url, tmp_path)


@pytest.mark.parametrize(
    "dvc",
    [
        {"default": "x", "remotes": {}},
        {"default": "x", "remotes": {"x": {"url": 's3://a"\nkeyfile = /etc/passwd'}}},
        {"default": "x", "remotes": {"x": {"url": "webdav://a", "bearer_token_command": "id"}}},
        {"default": "x", "remotes": {"x": {"url": ["s3://a"]}}},
        {"default": None, "remotes": {"x\"']\n[core": {"url": "s3://a"}}},
        [],
    ],
)
def test_nothing_but_addresses_of_remotes_is_taken_from_an_index(odd, tmp_path, dvc):
    odd.told["index.json"] = [(200, {}, edited(odd.folder / "index.json", dvc=dvc))]
    found = index.find(odd.url, tmp_path, Freshness())
    if found is not None:
        with pytest.raises(Unavailable, match="names DVC remotes in a way"):
            found.configuration()


def test_the_remotes_of_an_index_are_those_of_the_registry(odd, tmp_path):
    found = index.find(odd.url, tmp_path / "cache", Freshness())
    assert found.configuration().decode().splitlines() == [
        "[core]",
        "remote = store",
        "['remote \"store\"']",
        'url = "https://bytes.acme.dev/models"',
        "['remote \"other\"']",
        'url = "s3://models/reg"',
        'endpointurl = "https://s3.acme.dev"',
        'region = "eu-1"',
        "['remote \"far\"']",
        'url = "ssh://deploy@host/srv/models"',
    ]


# --- an index, or a Git URL -------------------------------------------------------------------------------------------


def test_an_address_that_ends_in_git_is_never_asked_for_an_index(odd, tmp_path):
    for address in (
        f"{odd.url}/models.git",
        f"{odd.url}/models.git/",
        "git@acme.dev:models",
        "/srv/models",
        "ssh://a/b",
    ):
        assert index.find(address, tmp_path, Freshness()) is None
    assert index.find(odd.url, tmp_path, Freshness(offline=True)) is None
    assert odd.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        (404, {}, b""),
        (401, {"WWW-Authenticate": "Basic"}, b""),
        (200, {}, LOGIN),
        (200, {}, b'{"index": true}'),
        (302, {"Location": "http://127.0.0.1:1/login"}, b""),
        (400, {}, b""),
    ],
)
def test_a_git_host_is_not_taken_for_an_index(odd, tmp_path, answer):
    odd.told["acme/models/index.json"] = [answer]
    assert index.find(f"{odd.url}/acme/models", tmp_path / "cache", Freshness()) is None
    assert not list((tmp_path / "cache").rglob("*.json"))


def test_a_server_that_gives_no_answer_is_not_taken_for_either(odd, tmp_path):
    odd.told["index.json"] = [(200, {}, (odd.folder / "index.json").read_bytes().replace(b"acme", b"Acme"))]
    with pytest.raises(Unavailable, match="is damaged"):
        index.find(odd.url, tmp_path, Freshness())
    odd.told["index.json"] = [(500, {}, b"")]
    with pytest.raises(Unavailable, match="status 500"):
        index.find(odd.url, tmp_path, Freshness())
    with pytest.raises(Unavailable, match="Connection refused"):
        index.find("http://127.0.0.1:9", tmp_path, Freshness())


def test_a_password_goes_to_the_server_that_was_named_and_into_no_message(odd, tmp_path):
    address = odd.url.replace("http://", "http://ada:p%40ss@")
    with Odd(odd.folder) as other:
        opened(address, tmp_path).resolve("ImageClassifier")
        assert {headers.get("Authorization") for _, headers in odd.asked} == {"Basic YWRhOnBAc3M="}
        odd.told[MODEL] = [(302, {"Location": f"{other.url}/{MODEL}"}, b"")]
        with pytest.raises(Unavailable) as caught:
            opened(address, tmp_path).resolve("ImageClassifier")
        assert other.asked == []
    assert "p%40ss" not in str(caught.value) + caught.value.hint
    assert "***@" in str(caught.value)
    assert not any("ada" in str(path) for path in (tmp_path / "cache").rglob("*"))


def test_a_proxy_is_asked_where_one_is_set(odd, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", odd.url)
    monkeypatch.delenv("no_proxy", raising=False)
    for path in ("index.json", MODEL, record_of(odd.folder)):
        odd.told[f"http://models.acme.invalid/{path}"] = [(200, {}, (odd.folder / path).read_bytes())]
    assert opened("http://models.acme.invalid", tmp_path).resolve("ImageClassifier:production").version == "v0"


def test_threads_may_share_one_open_index(odd, tmp_path):
    registry = opened(odd.url, tmp_path)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(registry.resolve("ImageClassifier:v1").md5)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert set(found) == {at(files()).resolve("ImageClassifier:v1").md5}


def test_entries_of_this_files_tree_have_ids():
    assert isinstance(at(files()).tree.entry("models/Bare"), Entry)
    assert at(files()).tree.entry("registry.yaml").mode == FILE
