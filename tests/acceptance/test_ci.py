"""What ``podium ci`` writes: it passes the linters of the trade, and it runs."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socketserver
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml

from podium import ci
from podium.ci import source
from podium.render import comment
from podium.version import VERSION
from tests.acceptance.conftest import Place, again

ROOT = Path(__file__).parents[2]
PRODUCTION = "models/ImageClassifier/aliases/production.yaml"
OWN_PAGES = ".github/workflows/pages.yml"
PULL_REQUEST = 7


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"needs {name}: pip install '.[test]', and .ci/servers")
    return found


def _run(*command: str | Path, cwd: Path, **env: str) -> str:
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **env})
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout + ran.stderr


# --- what is written ------------------------------------------------------------------------------------------------


def test_init_and_ci_github_write_the_same(registry):
    assert registry.podium("ci", "github").out == "everything is there already\n"
    assert registry.read(ci.WORKFLOW) == ci.github(source.own(VERSION).install)[ci.WORKFLOW]
    assert registry.git("status", "--porcelain") == ""


def test_what_says_something_else_is_left_unless_forced(registry):
    registry.write(ci.WORKFLOW, "name: ours\n")
    (registry.root / ci.COMMENT).unlink()
    said = registry.podium("ci", "github", code=1)
    assert f"{ci.WORKFLOW} is there and says something else" in said.err
    assert not (registry.root / ci.COMMENT).exists()
    assert registry.podium("ci", "github", "--force").out == f"wrote {ci.WORKFLOW}\nwrote {ci.COMMENT}\n"


def test_gitlab_is_included_where_there_is_no_pipeline_and_explained_where_there_is_one(registry):
    assert registry.podium("ci", "gitlab").out == f"wrote {ci.GITLAB}\nwrote .gitlab-ci.yml\n"
    assert registry.podium("ci", "gitlab").out == "everything is there already\n"
    registry.write(".gitlab-ci.yml", "build:\n  script: [make]\n")
    assert f"include:\n  - local: {ci.GITLAB}" in registry.podium("ci", "gitlab").err
    assert registry.read(".gitlab-ci.yml") == "build:\n  script: [make]\n"


def test_pre_commit_is_extended_and_keeps_its_comments(registry):
    ours = "# ours\nrepos:\n  - repo: local # first\n    hooks:\n      - id: x\n        entry: 'true'\n"
    registry.write(".pre-commit-config.yaml", ours)
    for said in ("wrote .pre-commit-config.yaml\n", "everything is there already\n"):
        assert registry.podium("ci", "pre-commit").out == said
    text = registry.read(".pre-commit-config.yaml")
    assert text.startswith(ours)
    assert [hook["id"] for repo in yaml.safe_load(text)["repos"] for hook in repo["hooks"]] == [
        *("x", "podium-fmt", "podium-check")
    ]
    registry.write(".pre-commit-config.yaml", "repos: [")
    assert "cannot be read" in registry.podium("ci", "pre-commit", code=1).err


def test_pre_commit_stops_a_commit_that_breaks_a_rule(registry, on_path):
    pre_commit = _program("pre-commit")
    registry.podium("ci", "pre-commit")
    _run(pre_commit, "install", cwd=registry.root)
    registry.write("models/ImageClassifier/model.yaml", 'description: "Labels"\n')
    registry.git("add", "-A")
    ran = subprocess.run(["git", "commit", "-qm", "x"], cwd=registry.root, capture_output=True, text=True, check=False)
    assert "podium fmt...............................................................Failed" in ran.stderr
    registry.git("commit", "-qam", "Canonical now")
    registry.write(PRODUCTION, "generation: 1\nversion: v4\n")
    registry.git("add", "-A")
    ran = subprocess.run(["git", "commit", "-qm", "x"], cwd=registry.root, capture_output=True, text=True, check=False)
    assert "[alias-target-exists]" in ran.stderr


# --- linters --------------------------------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path):
    """Give a repository with everything that podium writes, and one with what is podium's own."""
    own = tmp_path / "own"
    (own / ".github/workflows").mkdir(parents=True)
    for path in ("action.yml", ci.WORKFLOW, ci.COMMENT, OWN_PAGES, ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / path, own / path)
    theirs = tmp_path / "theirs"
    ci.write(theirs, ci.github("podium @ git+https://git.acme.dev/ml/podium@v1.2.3#subdirectory=src"))
    ci.write(theirs, ci.github_pages("podium==1.2.3"))
    ci.write_included(theirs, ci.gitlab("podium[s3,ssh] >= 1.2.3, != 1.3.*"))
    ci.write_included(theirs, ci.gitlab_pages("podium==1.2.3"))
    ci.write_pre_commit(theirs)
    for folder in (own, theirs):
        _run("git", "init", "-q", cwd=folder)
    return own, theirs


def test_the_schemas_of_github_and_gitlab_accept_the_files(written):
    check = _program("check-jsonschema")
    own, theirs = written
    for schema, folder, *paths in (
        ("vendor.github-actions", own, "action.yml"),
        ("vendor.github-workflows", own, ci.WORKFLOW, ci.COMMENT, OWN_PAGES),
        ("vendor.github-workflows", theirs, ci.WORKFLOW, ci.COMMENT, ci.PAGES),
        ("vendor.gitlab-ci", theirs, ci.GITLAB, ci.GITLAB_PAGES, ci.GITLAB_MAIN),
    ):
        _run(check, "--builtin-schema", schema, *paths, cwd=folder)


def test_zizmor_and_actionlint_have_nothing_to_say(written):
    zizmor, actionlint, _ = _program("zizmor"), _program("actionlint"), _program("shellcheck")
    for folder in written:
        _run(zizmor, "--offline", "--no-progress", ".", cwd=folder)
        _run(actionlint, cwd=folder)


def test_nothing_of_a_pull_request_is_in_a_line_that_is_run(written):
    own, theirs = written
    for path in (own / "action.yml", own / ci.WORKFLOW, theirs / ci.WORKFLOW, theirs / ci.COMMENT, theirs / ci.PAGES):
        for run in _runs(yaml.safe_load(path.read_text())):
            assert "${{" not in run, path


def _runs(value):
    if isinstance(value, dict):
        yield from [value["run"]] if isinstance(value.get("run"), str) else []
        value = list(value.values())
    for inner in value if isinstance(value, list) else []:
        yield from _runs(inner)


def test_this_repository_comments_on_pull_requests_as_others_do():
    assert (ROOT / ci.COMMENT).read_text() == ci.github("podium==1.2.3")[ci.COMMENT]


def test_every_action_is_pinned_by_its_commit(written):
    for folder in written:
        for path in folder.glob(".github/workflows/*.yml"):
            for used in re.findall(r"uses: (\S+.*)", path.read_text()):
                assert re.fullmatch(r"[a-z/-]+@[0-9a-f]{40} # v[0-9.]+", used) or used.startswith("./ "), used


# --- running them ---------------------------------------------------------------------------------------------------


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Put this podium on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "podium").write_text(f'#!/bin/sh\nexec {sys.executable} -P -m podium "$@"\n')
    (folder / "podium").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture(scope="module")
def made(started, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    registry = again(started, folder)
    registry.podium("log", "vision/resnet50", str(registry.model("out", "w")), "--link", "ImageClassifier")
    registry.commit("Log a version")
    registry.git("push", "-q", "origin", "HEAD:main")
    registry.git("checkout", "-q", "-b", "promote")
    registry.podium("promote", "ImageClassifier:v0", "production")
    registry.commit("Promote v0")
    return folder


@pytest.fixture
def pull_request(made, tmp_path) -> Place:
    """Give a registry with a version, on a branch that promotes it."""
    return again(made, tmp_path)


def _break(pull_request: Place) -> None:
    pull_request.write(PRODUCTION, "generation: 1\nversion: v9\n")
    pull_request.commit("Promote what is not there")


CALLER = """\
name: gate
on: pull_request
jobs:
  gate:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with: {fetch-depth: 0}
      - uses: acme/podium@v1
        id: podium
        with: {install: none}
      - if: always()
        env:
          SAID: ok=${{ steps.podium.outputs.ok }} ${{ steps.podium.outputs.plan }} ${{ steps.podium.outputs.findings }}
        run: echo "said $SAID"
"""


def _act(place: Place, tmp_path: Path) -> tuple[int, str]:
    act = _program("act")
    place.write(".github/workflows/gate.yml", CALLER)
    base, head = (place.git("rev-parse", rev).strip() for rev in ("origin/main", "HEAD"))
    refs = {"base": {"sha": base, "ref": "main"}, "head": {"sha": head, "ref": "promote"}}
    (tmp_path / "event.json").write_text(json.dumps({"number": 7, "pull_request": {"number": 7, **refs}}))
    (tmp_path / "action").mkdir()
    shutil.copy(ROOT / "action.yml", tmp_path / "action")
    (tmp_path / "home").mkdir()
    ran = subprocess.run(
        [act, "pull_request", "-W", ".github/workflows/gate.yml", "-e", tmp_path / "event.json",
         "-P", "ubuntu-24.04=-self-hosted", "--no-cache-server",
         "--local-repository", f"acme/podium@v1={tmp_path / 'action'}"],
        cwd=place.root, capture_output=True, text=True, check=False, env={**os.environ, "HOME": str(tmp_path / "home")},
    )  # fmt: skip
    return ran.returncode, ran.stdout + ran.stderr


def test_the_action_passes_a_good_pull_request_and_says_what_it_means(pull_request, on_path, tmp_path):
    code, said = _act(pull_request, tmp_path)
    assert code == 0, said
    assert f"Summary - {comment.MARKER}" in said
    assert re.search(r"said ok=true /\S+/plan\.md /\S+/findings\.json", said)


def test_the_action_fails_a_bad_pull_request_and_annotates_its_lines(pull_request, on_path, tmp_path):
    _break(pull_request)
    code, said = _act(pull_request, tmp_path)
    assert code == 1, said
    assert re.search(rf"::error file={PRODUCTION},line=2,col=10,title=alias-target-exists::", said), said
    assert f"Summary - {comment.MARKER}" in said
    assert re.search(r"said ok=false /\S+/plan\.md /\S+/findings\.json", said)


def test_the_steps_of_the_workflow_run_as_they_are_written(pull_request, on_path, tmp_path):
    _break(pull_request)
    base, head = (pull_request.git("rev-parse", rev).strip() for rev in ("origin/main", "HEAD"))
    job = yaml.safe_load(pull_request.read(ci.WORKFLOW))["jobs"]["check"]
    _, _, check, plan, _ = job["steps"]
    environment = {
        **os.environ,
        "BASE": base,
        "HEAD": head,
        "NUMBER": "7",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_WORKSPACE": str(pull_request.root),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    codes = [
        subprocess.run(
            ["bash", "-e", "-c", step["run"]], cwd=pull_request.root, env=environment, capture_output=True, check=False
        ).returncode
        for step in (check, plan)
    ]
    assert codes == [1, 0]
    assert (tmp_path / "podium-plan/number").read_text() == "7\n"
    assert (tmp_path / "podium-plan/plan.md").read_text().startswith(f"{comment.MARKER}\n")
    assert (tmp_path / "summary").read_text() == (tmp_path / "podium-plan/plan.md").read_text()


def test_the_script_of_the_gitlab_job_runs_as_it_is_written(pull_request, on_path):
    pull_request.podium("ci", "gitlab")
    _, script = yaml.safe_load(pull_request.read(ci.GITLAB))["podium"]["script"]

    def job(target: str) -> int:
        head = pull_request.git("rev-parse", "HEAD").strip()
        environment = {**os.environ, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": target, "CI_COMMIT_SHA": head}
        command = ["bash", "-eo", "pipefail", "-c", script]
        return subprocess.run(
            command, cwd=pull_request.root, env=environment, capture_output=True, check=False
        ).returncode

    assert [job("main"), job("")] == [0, 0]
    assert pull_request.read("podium-plan.md").startswith(comment.MARKER)
    _break(pull_request)
    assert [job("main"), job(""), job("nowhere")] == [1, 1, 128]


# --- the comment ----------------------------------------------------------------------------------------------------


class _GitHub(socketserver.ThreadingUnixStreamServer):
    """The few answers of GitHub's API that the comment needs, over real HTTP on a socket that ``gh`` can be told of."""

    daemon_threads = True

    def __init__(self, path: Path, artifact: bytes, head: str) -> None:
        super().__init__(str(path), _Answer)
        self.artifact, self.head = artifact, head
        self.size = len(artifact)
        self.comments: list[dict] = [{"id": 1, "user": {"login": "mallory"}, "body": f"{comment.MARKER}\nmine"}]
        self.asked: list[str] = []


class _Answer(BaseHTTPRequestHandler):
    server: _GitHub

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_) -> None:
        pass

    def _say(self, value) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/zip" if isinstance(value, bytes) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        hub, path = self.server, self.path.partition("?")[0].removeprefix("/repos/acme/models/")
        hub.asked.append(path)
        self._say(
            {
                "actions/runs/5/artifacts": {
                    "artifacts": [{"id": 3, "size_in_bytes": hub.size}] if hub.artifact else []
                },
                "actions/artifacts/3/zip": hub.artifact,
                "pulls/7": {"head": {"sha": hub.head}},
                "issues/7/comments": hub.comments,
            }[path]
        )

    def _body(self) -> str:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]

    def do_POST(self) -> None:
        assert self.path == "/repos/acme/models/issues/7/comments"
        self.server.comments.append({"id": 2, "user": {"login": "github-actions[bot]"}, "body": self._body()})
        self._say({})

    def do_PATCH(self) -> None:
        number = int(self.path.removeprefix("/repos/acme/models/issues/comments/"))
        next(one for one in self.server.comments if one["id"] == number)["body"] = self._body()
        self._say({})


def _zip(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_md", ".md"), text)
    return out.getvalue()


PLAN = f"{comment.MARKER}\n\n### Merging points `ImageClassifier` `production` at `v5`\n"
HEAD = "c" * 40


@pytest.fixture
def posted(tmp_path):
    """Give a function that runs the comment's step: the comments afterwards, how it ended, and what was asked."""
    gh = _program("gh")
    for program in ("unzip", "jq"):
        _program(program)
    job = yaml.safe_load(ci.github("podium==1.2.3")[ci.COMMENT])["jobs"]["comment"]
    (step,) = job["steps"]
    environment = {
        "PATH": f"{Path(gh).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GH_CONFIG_DIR": str(tmp_path / "gh"),
        "GH_TOKEN": "tok",
        "TMPDIR": str(tmp_path),
        "GH_NO_UPDATE_NOTIFIER": "1",
        "GH_PROMPT_DISABLED": "1",
        "REPOSITORY": "acme/models",
        "RUN": "5",
        "HEAD_SHA": HEAD,
        "MARK": job["env"]["MARK"],
    }
    socket = tmp_path / "hub"
    _run(gh, "config", "set", "http_unix_socket", str(socket), cwd=tmp_path, **environment)

    def post(artifact: bytes, *, head: str = HEAD, times: int = 1, size: int | None = None):
        with _GitHub(socket, artifact, head) as hub:
            hub.size = hub.size if size is None else size
            threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True).start()
            for _ in range(times):
                ran = subprocess.run(
                    ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                    cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
                )  # fmt: skip
            hub.shutdown()
        socket.unlink()
        return [one["body"] for one in hub.comments[1:]], ran.returncode, ran.stdout + ran.stderr

    return post


def test_the_comment_is_posted_once_and_then_kept_current(posted):
    assert posted(_zip(number="7\n", plan_md=PLAN), times=2)[:2] == ([PLAN], 0)


def test_the_mark_is_that_of_the_plan():
    assert f"MARK: '{comment.MARKER}'" in ci.github("podium==1.2.3")[ci.COMMENT]


@pytest.mark.parametrize(
    ("artifact", "code", "said"),
    [
        (_zip(number="7; rm -rf /\n", plan_md=PLAN), 1, "the plan names no pull request"),
        (_zip(number="7\n8\n", plan_md=PLAN), 1, "the plan names no pull request"),
        (_zip(number="7\n", plan_md="Safe to merge\n"), 1, "what was handed over is no plan"),
        (_zip(number="7\n"), 11, "filename not matched"),
        (b"no zip", 9, "End-of-central-directory signature not found"),
        (b"", 0, "there is nothing to post"),
    ],
    ids=[
        "a command",
        "two numbers",
        "no plan",
        "one file",
        "no archive",
        "nothing",
    ],  # an archive says when it was made
)
def test_what_is_no_plan_is_not_posted(posted, artifact, code, said):
    comments, ended, words = posted(artifact)
    assert (comments, ended) == ([], code), words
    assert said in words


def test_a_plan_of_another_commit_is_not_posted(posted):
    assert posted(_zip(number="7\n", plan_md=PLAN), head="d" * 40)[:2] == ([], 0)


def test_a_plan_that_is_too_large_is_not_even_fetched(posted):
    comments, ended, words = posted(_zip(number="7\n", plan_md=PLAN), size=10**7)
    assert (comments, ended) == ([], 1)
    assert "the plan is too large" in words


def test_a_plan_that_unpacks_to_very_much_is_not_posted(posted):
    comments, ended, _ = posted(_zip(number="7\n", plan_md=PLAN + "x" * 10**8))
    assert comments == []
    assert ended != 0
