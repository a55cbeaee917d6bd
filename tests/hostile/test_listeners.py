"""
Somebody listens at every address that a pull request could name, and at the proxy: nobody comes while it is judged or
read.

Each command that such text could run would leave a mark: none is left.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading

import pytest

from tests.acceptance.conftest import Place
from tests.hostile.typed import typed

pytestmark = pytest.mark.usefixtures("closed")

RECORD = "artifacts/vision/resnet50/versions/v1.dvc"
ARTIFACT = "artifacts/vision/resnet50/artifact.yaml"
CARD = '![a]({url}) <img src="{url}"> <script src="{url}"></script> <{url}> [l]: {url}\n'
CONFIG = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = {}\n"
REMOTE = "['remote \"{}\"']\n    url = {{url}}\n"
CASES = {
    "http": {".dvc/config": CONFIG.format("{url}")},
    "s3": {
        ".dvc/config": CONFIG.format(
            "s3://b/x\n    endpointurl = {url}\n    access_key_id = a\n    secret_access_key = b"
        ),
    },
    "ssh": {".dvc/config": CONFIG.format("ssh://127.0.0.1:{port}/x")},
    "webdav": {".dvc/config": CONFIG.format("webdav://127.0.0.1:{port}/x\n    bearer_token_command = {run}")},
    "settings of its own": {".dvc/config.local": REMOTE.format("storage"), ".dvc/.gitignore": ""},
    "a section twice": {".dvc/config": "+[core]\n    analytics = true\n[studio]\n    url = {url}\n    token = x\n"},
    "the user's remote": {RECORD: "path: v1=path: v1\n  remote: mine", ".dvc/config": "+" + REMOTE.format("more")},
    "the user's remote, in capitals": {RECORD: "path: v1=path: v1\n  remote: MINE"},
    "a new remote": {RECORD: "path: v1=path: v1\n  remote: new", ".dvc/config": "+" + REMOTE.format("new")},
    "an address for a remote": {
        RECORD: "path: v1=path: v1\n  remote: {url}", ARTIFACT: "description: x\nremote: '{url}'\n",
    },
    "what DVC imports": {RECORD: "+deps:\n- path: {url}\n  repo: {{url: '{url}', rev: main}}\n"},
    "what DVC runs": {RECORD: "+cmd: {run}\n", "dvc.yaml": "stages: {{a: {{cmd: '{run}', always_changed: true}}}}\n"},
    "schemas": {
        **{f"schemas/team/{kind}.schema.json": json.dumps({key: "{url}"}).replace('"}', '"}}').replace('{"$', '{{"$')
           for kind, key in (("model", "$ref"), ("version", "$schema"), ("alias", "$dynamicRef"), ("link", "$id"))},
        "schemas/model.schema.json": '{{"$schema": "{url}", "$ref": "{url}"}}',
    },
    "text": {"models/M/README.md": CARD, "models/M/model.yaml": "# $schema={url}\ndescription: '![x]({url}) {url}'\n"},
    "git's": {
        ".gitmodules": '[submodule "m"]\n\tpath = models/S\n\turl = {url}\n\tupdate = !{run}\n',
        ".lfsconfig": "[lfs]\n\turl = {url}\n",
        ".gitattributes": "+* filter=evil merge=evil diff=evil\n", "models/.gitattributes": "* merge=evil diff=evil\n",
    },
    "other programs'": {
        ".pre-commit-config.yaml": "repos: [{{repo: '{url}', rev: a, hooks: [{{id: x}}]}}]\n",
        "podium.py": "import os; os.system('{run}')\n",
        "sitecustomize.py": "import os; os.system('{run}')\n", ".env": "http_proxy={url}\nAWS_ENDPOINT_URL={url}\n",
    },
}  # fmt: skip


class Ears:
    """A listener on a port of its own; knows who came."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.came: list[bytes] = []
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            with connection:
                connection.settimeout(1)
                said = connection.recv(1000)
                if said == b"end":
                    return
                self.came.append(said)
                connection.sendall(b"HTTP/1.1 404 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def end(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"end")
        self.thread.join()
        self.socket.close()


@pytest.fixture(scope="module")
def ears():
    ears = Ears()
    yield ears
    ears.end()


@pytest.fixture(scope="module")
def proposal(tmp_path_factory):
    """A checkout of a pull request's branch that logs a version, and the commit of it that names nobody."""
    folder = tmp_path_factory.mktemp("proposal")
    (folder / "store").mkdir()
    place = Place(folder / "registry")
    place.root.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main", str(place.root)], check=True)
    typed("init", place.root, "--entity", "acme", "--remote", folder / "store", codes={0})
    for text in ("weights", "better weights"):
        typed("-R", place.root, "log", "vision/resnet50", place.model("out", text), "--link", "M", codes={0})
        place.commit("Log one")
        if text == "weights":
            place.git("switch", "-q", "-c", "topic")
    return place, place.git("rev-parse", "HEAD").strip()


def written(place, path, text, words):
    """Write a file anew, add to it (``+``), or replace some of it (``old=new``)."""
    there = place.root / path
    if text.startswith("+"):
        place.write(path, (there.read_text() if there.exists() else "") + text[1:].format(**words))
    elif path == RECORD and "=" in text:
        old, _, new = text.partition("=")
        place.write(path, there.read_text().replace(old, new.format(**words)))
    else:
        place.write(path, text.format(**words))


@pytest.mark.parametrize("case", CASES)
def test_nobody_who_is_named_by_a_pull_request_is_asked_and_nothing_is_run(case, proposal, ears, tmp_path, monkeypatch):
    place, commit = proposal
    url, mark = f"http://127.0.0.1:{ears.port}/x", tmp_path / "ran"
    words = {"url": url, "port": ears.port, "run": f"touch {mark}"}
    place.git("reset", "-q", "--hard", commit)
    place.git("clean", "-fdqx", "-e", ".dvc/cache")
    for path, text in CASES[case].items():
        written(place, path, text, words)
    place.git("add", "-A")
    place.git("commit", "-q", "-m", f"![x]({url}) {url}")
    for key in ("filter.evil.clean", "filter.evil.smudge", "merge.evil.driver", "diff.evil.textconv"):
        place.git("config", key, f"touch {mark}; cat")
    own = tmp_path / "home/.config/dvc/config"
    own.parent.mkdir(parents=True)
    own.write_text(REMOTE.format("mine").format(url=url))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, url)
    monkeypatch.chdir(place.root)
    judged = typed("check", "--base", "main", "--storage", "--format", "json")
    for command in ("plan main --format markdown", "show M", f"site build {tmp_path}/site --rev topic"):
        typed(*command.split())
    for source in (place.root / ".git", f"file://{place.root}"):
        typed("-R", source, "check", "--base", "main", "--head", "topic", "--storage")
    if "remote" in case:
        assert {"remote-named", "schema"} & {rule for rule, _ in judged.errors}
        typed("gc", codes={1, 3})
    for key in ("filter.evil.clean", "filter.evil.smudge", "merge.evil.driver", "diff.evil.textconv"):
        place.git("config", "--unset", key)
    assert ears.came == []
    assert not mark.exists()
