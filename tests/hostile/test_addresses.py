"""Where podium goes and as whom: no pull request says so, nothing of it is run, and no credential is shown."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import podium
from podium.cli import report
from podium.errors import Denied
from podium.storage import config
from podium.visible import redacted
from tests.acceptance.histories import MODEL, PRODUCTION, START
from tests.hostile.typed import typed

SECRETS = {
    "https://ada:hunter2@git.acme.dev/x.git",
    "https://hunter2@git.acme.dev/x.git",
    "http://ada:hunter2@git.acme.dev:8080/x.git",
    "ssh://ada:hunter2@git.acme.dev/x.git",
    "s3://key:hunter2@models/x",
    "https://ada:hun/ter2@git.acme.dev/x.git",
    "https://git.acme.dev/x.git?private_token=hunter2",
    "https://git.acme.dev/x.git?a=b&access_token=hunter2&c=d",
    "https://acme.blob.core.windows.net/m?sv=1&sig=hunter2",
    "s3://models?X-Amz-Signature=hunter2&X-Amz-Security-Token=hunter2",
    "https://git.acme.dev/x?key=hunter2",
    "https://git.acme.dev/x?client_secret=hunter2#top",
    "https:/ada:hunter2@git.acme.dev/x.git",
    "ssh:/ada:hunter2@git.acme.dev/x.git",
}
PLAIN = ["https://git.acme.dev:8080/a@b", "git@git.acme.dev:x.git", "ada@acme.dev", "https://a.dev/?monkey=1&q=a"]


@pytest.mark.parametrize("address", sorted(SECRETS))
def test_no_credential_is_shown(address):
    for said in (address, f"fatal: unable to access '{address}': no", f"remote: {address}\n{address}"):
        assert "hunter2" not in redacted(said)
        assert "ter2" not in redacted(said)
    assert "hunter2" not in report.report(RuntimeError(f"cannot open {address}"))


@pytest.mark.parametrize("text", PLAIN)
def test_what_holds_no_credential_stays_as_it_is(text):
    assert redacted(text) == text


RUNS = [
    *(
        "ext::sh -c touch% escaped",
        "ext::git-upload-pack /x",
        "fd::17",
        "transport-helper::x",
        "-oProxyCommand=touch escaped",
    ),
    *(
        "--upload-pack=touch escaped",
        "ssh://-oProxyCommand=touch escaped/x",
        "ssh://a@-oProxyCommand=touch/x",
        "file://-x",
    ),
    *(
        "-x:y",
        "a@-oProxyCommand=touch escaped:x",
        "https://-x/y",
        "ftp://127.0.0.1:1/x",
        "javascript:alert(1)",
        "sftp://127.0.0.1/x",
    ),
    *(
        "git+ext://sh",
        "EXT::sh -c touch% escaped",
        "simplecache::http://127.0.0.1:1/x",
        "\n::add-mask::x",
        "\x1b]0;owned\x07:x",
    ),
]


@pytest.mark.parametrize("address", RUNS, ids=ascii)
def test_an_address_runs_nothing(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))
    assert typed("-R", address, "list", codes={2, 3}).out == ""
    monkeypatch.setenv("PODIUM_REGISTRY", address)
    typed("list", codes={2, 3})
    assert not list(tmp_path.rglob("*escaped*"))


def configured(folder, text):
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / "config").write_text(f"[core]\n    remote = store\n{text}")
    return config.load(folder / ".dvc")


OPTIONS = [
    ("https://127.0.0.1:1/x", "bearer_token_command", "webdavs"),
    ("s3://models", "configpath", "s3"),
    ("s3://models", "credentialpath", "s3"),
    ("gs://models", "credentialpath", "gs"),
]


@pytest.mark.parametrize("through", [False, True], ids=["itself", "through another"])
@pytest.mark.parametrize(
    ("url", "option", "scheme"), OPTIONS, ids=[f"{scheme} {option}" for _, option, scheme in OPTIONS]
)
def test_settings_that_run_or_hand_out_something_are_the_users_alone(tmp_path, url, option, scheme, through):
    url = f"{scheme}://{url.partition('://')[2]}"
    text = f"['remote \"{'base' if through else 'store'}\"']\n    url = {url}\n    {option} = touch escaped\n"
    if through:
        text += "['remote \"store\"']\n    url = remote://base/folder\n"
    with pytest.raises(Denied, match=option):
        configured(tmp_path, text).remote("store")


@pytest.fixture
def listener():
    """A server that remembers who came."""
    came = []

    class Handler(BaseHTTPRequestHandler):
        def handle(self):
            came.append(self.client_address)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/x", came
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def proposal(registry, tmp_path):
    """A checkout of a pull request's branch: one version logged, and the settings of DVC still those of main."""
    typed("-R", registry.root, "log", "vision/resnet50", registry.model("out", "weights"), "--link", "M", "--commit")
    registry.git("push", "-q", "origin", "HEAD:main")
    registry.git("switch", "-q", "-c", "topic")
    typed("-R", registry.root, "log", "vision/resnet50", registry.model("out", "better weights"), "--link", "M")
    registry.commit("Log a better one")
    return registry


def test_a_change_of_the_remote_has_no_say_while_the_change_is_judged(proposal, listener):
    address, came = listener
    before = typed("-R", proposal.root, "check", "--base", "origin/main", "--storage", "--format", "json").json
    assert before["findings"] == []
    text = proposal.read(".dvc/config")
    proposal.write(".dvc/config", f"[core]\n    remote = store\n['remote \"store\"']\n    url = {address}\n")
    proposal.commit("Send the bytes elsewhere")
    said = typed("-R", proposal.root, "check", "--base", "origin/main", "--storage", "--format", "json")
    assert said.code == 0, said.err
    assert came == []
    assert "url" in text


@pytest.mark.parametrize(
    "path", [".dvc", ".dvc/config", ".dvc/config.local", ".dvc/tmp", ".dvc/cache", ".dvc/cache/podium"]
)
def test_what_a_commit_plants_where_this_machines_own_things_are_is_refused(registry, tmp_path, path):
    typed("-R", registry.root, "log", "vision/resnet50", registry.model("out", "weights"), "--link", "M", "--commit")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = registry.root / path
    if path == ".dvc":
        (registry.root / ".dvc").rename(registry.root / "own")
    elif path == ".dvc/config":
        target.rename(tmp_path / "config")
    elif target.is_dir():
        subprocess.run(["rm", "-rf", str(target)], check=True)
    target.parent.mkdir(exist_ok=True)
    if path == ".dvc/config.local":
        target.write_text("['remote \"local\"']\n    bearer_token_command = touch escaped\n")
    else:
        target.symlink_to(registry.root / "own" if path == ".dvc" else elsewhere)
    registry.git("add", "-f", path)
    registry.git("commit", "-q", "-m", "Plant it")
    for command in (("use", "M"), ("verify",), ("upload",)):
        said = typed("-R", registry.root, *command)
        assert said.code in {1, 2, 3}, said
    assert not list(elsewhere.iterdir())


def test_a_link_of_the_users_own_to_a_large_disk_is_followed(registry, tmp_path):
    typed("-R", registry.root, "log", "vision/resnet50", registry.model("out", "weights"), "--link", "M", "--commit")
    (registry.root / ".dvc" / "cache").rename(tmp_path / "large")
    (registry.root / ".dvc" / "cache").symlink_to(tmp_path / "large")
    assert (Path(typed("-R", registry.root, "use", "M").out.strip()) / "model.safetensors").is_file()


@pytest.mark.parametrize(
    "end", [">/dev/full", ">&-", "| head -n 0", "2>&- >&-", "0<&- >&- 2>&-", ">/dev/full 2>/dev/full"]
)
def test_a_stdout_that_takes_nothing_is_no_bug(registry, end):
    ran = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m podium rules {end}"],
        capture_output=True,
        text=True,
        cwd=registry.root,
        check=False,
    )
    assert ran.returncode in {0, 1, 3}
    assert "Traceback" not in ran.stderr
    assert "Exception" not in ran.stderr
    assert "bug" not in ran.stderr
    assert ran.returncode != 3 or "the output cannot be written" in ran.stderr or "2>" in end


def test_a_name_that_begins_with_a_dash_is_a_name(registry, monkeypatch):
    monkeypatch.chdir(registry.root)
    registry.write("models/-rf/model.yaml", "description: x\n")
    registry.write("--upload-pack=touch escaped", "x")
    registry.git("add", "-A")
    registry.git("commit", "-q", "-m", "--amend")
    assert typed("check", "--", "models/-rf", codes={1}).out
    typed("fmt", "--", "models/-rf", codes={0})
    typed("list", "--rev", "-x", codes={1, 2})
    assert not (registry.root / "escaped").exists()


@pytest.mark.parametrize(
    "where", ["http://[::1", "https://a:99999/x", "https://a:b/x", "ssh://[x/y", "~nobody-of-that-name/x"]
)
def test_what_is_no_address_is_refused_in_words(where):
    said = typed("-R", where, "list", codes={2})
    assert "is no" in said.err or "nobody" in said.err


def test_a_path_longer_than_any_name_is_no_registry():
    typed("-R", "m" * 5000, "list", codes={2})


def test_credentials_that_somebody_committed_are_shown_nowhere(history, tmp_path):
    secret = "https://ada:hunter2@git.acme.dev/x?private_token=hunter2"
    about = f'description: "See {secret}"\nowners: ["@acme/vision"]\n'.encode()
    changes = {
        PRODUCTION: b"generation: 9\nversion: v0\n",
        f"{MODEL}/model.yaml": about,
        f"{MODEL}/README.md": f"[here]({secret})".encode(),
    }
    base = history.commit(START, ref="main")
    history.commit({**START, **changes}, base, ref="main", message=f"Promote {secret}")
    here = ("-R", history.path)
    for words in (
        *(["history", "--format", form] for form in ("text", "json", "markdown")),
        *(["show", "ImageClassifier", "--format", form] for form in ("text", "json")),
        *(["plan", base, "main", "--format", form] for form in ("text", "json", "markdown")),
        ["list", "--format", "json"],
    ):
        said = typed(*here, *words, codes={0, 1})
        assert "hunter2" not in said.out + said.err, words
        assert "git.acme.dev" in said.out or words[0] == "list" or "ImageClassifier" in said.out
    typed(*here, "site", "build", tmp_path / "site", codes={0})
    pages = [page for page in (tmp_path / "site").rglob("*") if page.is_file()]
    assert [page for page in pages if b"hunter2" in page.read_bytes()] == []
    assert any(b"***@git.acme.dev" in page.read_bytes() for page in pages)
    newest = next(iter(podium.open(str(history.path)).history()))
    assert newest.commit.subject == "Promote https://***@git.acme.dev/x?private_token=***"
