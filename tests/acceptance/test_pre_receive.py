"""Pushes to a real bare repository, over ssh and over HTTP, that has podium's pre-receive hook."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import podium
from tests.acceptance.conftest import Place
from tests.servers import free_port, listens

SOURCES = str(Path(podium.__file__).parent.parent)
PRODUCTION = "models/ImageClassifier/aliases/production.yaml"
POLICY = "aliases:\n  production:\n    approvers: ['@acme/ml-leads']\n"


# --- servers --------------------------------------------------------------------------------------------------------


def _needed(*programs: str) -> None:
    for program in programs:
        if not Path(program).exists():
            pytest.skip(f"needs {program}: run .ci/servers")


@pytest.fixture(scope="module")
def ssh_root(tmp_path_factory):
    """Give the address below which every folder is reached over ssh."""
    _needed("/usr/sbin/sshd", "/usr/bin/ssh-keygen")
    folder, port = tmp_path_factory.mktemp("sshd"), free_port()
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "ak").write_text((folder / "id.pub").read_text())
    (folder / "ak").chmod(0o600)
    (folder / "cfg").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n"
        f"AuthorizedKeysFile {folder}/ak\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"PermitRootLogin prohibit-password\nUsePAM no\nStrictModes no\nSetEnv PYTHONPATH={SOURCES}\n"
    )
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", folder / "cfg", "-E", folder / "log"])
    try:
        _until(lambda: listens(port))
        command = f"ssh -i {folder}/id -o UserKnownHostsFile={folder}/known -o IdentitiesOnly=yes -o BatchMode=yes"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GIT_SSH_COMMAND", command)
            yield f"ssh://{os.environ.get('USER', 'root')}@127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


NGINX = """worker_processes 1; daemon off; {user} pid {d}/pid; error_log {d}/err warn;
events {{ worker_connections 64; }}
http {{ access_log off; client_max_body_size 0;
 client_body_temp_path {d}/t0; proxy_temp_path {d}/t1; fastcgi_temp_path {d}/t2;
 uwsgi_temp_path {d}/t3; scgi_temp_path {d}/t4;
 server {{ listen 127.0.0.1:{port};
  location ~ ^/git(/.*)$ {{ fastcgi_pass unix:{d}/fcgi; include /etc/nginx/fastcgi_params;
    fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend; fastcgi_param GIT_HTTP_EXPORT_ALL "";
    fastcgi_param GIT_PROJECT_ROOT /; fastcgi_param PATH_INFO $1; fastcgi_param REMOTE_USER ada;
    fastcgi_param GIT_PROTOCOL $http_git_protocol; fastcgi_request_buffering off; fastcgi_buffering off; }} }} }}
"""


@pytest.fixture(scope="module")
def http_root(tmp_path_factory):
    """Give the address below which every folder is reached through git-http-backend."""
    _needed("/usr/sbin/nginx", "/usr/sbin/fcgiwrap", "/usr/lib/git-core/git-http-backend")
    folder, port = tmp_path_factory.mktemp("web"), free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(d=folder, port=port, user=user))
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    gateway = subprocess.Popen(
        ["/usr/sbin/fcgiwrap", "-c", "2", "-s", f"unix:{folder}/fcgi"], start_new_session=True, env=environment
    )
    server = subprocess.Popen(["/usr/sbin/nginx", "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _answers(f"http://127.0.0.1:{port}/"))
        yield f"http://127.0.0.1:{port}/git"
    finally:
        server.terminate()
        server.wait(10)
        os.killpg(gateway.pid, signal.SIGTERM)
        gateway.wait(10)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True


def _until(condition) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "the server did not start"
        time.sleep(0.02)


# --- a registry and its server --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Make a server with the hook, and a clone in which two versions are logged and linked, and pushed."""
    folder = tmp_path_factory.mktemp("prepared")
    here, server, clone = Place(folder), Place(folder / "origin.git"), Place(folder / "registry")
    here.git("init", "-q", "--bare", "-b", "main", "origin.git")
    server.podium("ci", "pre-receive", ".")
    here.git("clone", "-q", str(server.root), "registry")
    clone.podium("init", "--entity", "acme", "--remote", str(folder / "store"))
    for number in range(2):
        model = clone.model(f"out{number}", f"weights {number}")
        clone.podium("log", "vision/resnet50", str(model), "--link", "ImageClassifier", "--metric", "accuracy=0.9")
    clone.podium("promote", "ImageClassifier:v0", "production")
    clone.commit("Log two versions")
    clone.git("push", "-q", "origin", "HEAD:main")
    return folder


@pytest.fixture
def guarded(tmp_path, prepared):
    """Give the bare repository with the hook."""
    shutil.copytree(prepared / "origin.git", tmp_path / "origin.git")
    return Place(tmp_path / "origin.git")


@pytest.fixture
def clone(tmp_path, guarded, prepared):
    """Give the clone."""
    shutil.copytree(prepared / "registry", tmp_path / "registry", symlinks=True)
    copy = Place(tmp_path / "registry")
    copy.git("remote", "set-url", "origin", str(guarded.root))
    return copy


@pytest.fixture
def empty(tmp_path):
    """Give a bare repository with the hook and without a commit."""
    Place(tmp_path).git("init", "-q", "--bare", "-b", "main", "empty.git")
    place = Place(tmp_path / "empty.git")
    place.podium("ci", "pre-receive", ".")
    return place


def push(place: Place, *arguments: str) -> str:
    """Push, and give what the server said; empty where the push landed."""
    ran = subprocess.run(["git", "push", *arguments], cwd=place.root, capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr
    assert "a bug" not in ran.stderr, ran.stderr
    return "" if ran.returncode == 0 else ran.stderr


def tip(place: Place, ref: str = "main") -> str:
    return place.git("rev-parse", ref).strip()


def _round_of(clone: Place, url: str) -> None:
    clone.git("remote", "set-url", "origin", url)
    clone.podium("promote", "ImageClassifier:v1", "production")
    good = clone.commit("Promote v1")
    assert push(clone, "origin", "HEAD:main") == ""

    clone.write(PRODUCTION, "generation: 3\nversion: v9\n")
    clone.commit("Promote what is not there")
    said = push(clone, "origin", "HEAD:main")
    assert "podium refuses this push to main" in said
    assert f"{PRODUCTION}:2:10: error: ImageClassifier has no version v9" in said
    assert "fix: `podium promote ImageClassifier:VERSION production`" in said

    clone.git("fetch", "-q", "origin")
    assert tip(clone, "origin/main") == good


def test_over_ssh_good_pushes_land_and_bad_ones_bounce_with_words(clone, guarded, ssh_root):
    _round_of(clone, f"{ssh_root}{guarded.root}")


def test_over_http_good_pushes_land_and_bad_ones_bounce_with_words(clone, guarded, http_root):
    guarded.git("config", "http.receivepack", "true")
    _round_of(clone, f"{http_root}{guarded.root}")


# --- history --------------------------------------------------------------------------------------------------------


def test_a_bad_commit_in_the_middle_of_a_push_is_found_though_a_later_one_mends_it(clone, guarded):
    before = tip(guarded)
    clone.write(PRODUCTION, "generation: 2\nversion: v9\n")
    bad = clone.commit("Break it")
    clone.write(PRODUCTION, "generation: 1\nversion: v0\n")
    clone.commit("Mend it")
    said = push(clone, "origin", "HEAD:main")
    assert f"(in commit {bad[:12]})" in said
    assert "[alias-target-exists]" in said
    assert tip(guarded) == before


def test_the_first_push_is_judged_as_a_state(empty, tmp_path):
    here = Place(tmp_path)
    here.git("clone", "-q", str(empty.root), "fresh")
    fresh = Place(tmp_path / "fresh")
    fresh.write("README.md", "no registry")
    fresh.commit("Start")
    assert "[entity-file-present]" in push(fresh, "origin", "HEAD:main")
    fresh.podium("init", "--entity", "acme", "--remote", str(tmp_path / "store"))
    fresh.write("models/m/model.yaml", "description: one\ndescription: two\n")
    fresh.commit("A registry with a flaw")
    assert "[yaml-strict]" in push(fresh, "origin", "HEAD:main")
    fresh.write("models/m/model.yaml", "description: one\n")
    fresh.commit("Mend it")
    assert push(fresh, "origin", "HEAD:main") == ""


def test_a_branch_that_drops_commits_is_refused_also_when_forced(clone, guarded):
    clone.git("commit", "-q", "--amend", "-m", "Another story")
    said = push(clone, "--force", "origin", "HEAD:main")
    assert "refs/heads/main:1:1: error: this push would drop commits from 'main'" in said
    assert "[history-kept]" in said


def test_the_default_branch_is_not_deleted(clone, guarded):
    guarded.git("config", "receive.denyDeleteCurrent", "ignore")
    assert "[history-kept]" in push(clone, "origin", ":main")
    assert tip(guarded)


def test_a_merge_that_makes_the_branch_a_side_branch_is_refused(clone, guarded):
    start = tip(clone)
    clone.write("notes.md", "theirs")
    clone.commit("Theirs")
    clone.git("push", "-q", "origin", "HEAD:main")
    clone.git("reset", "-q", "--hard", start)
    clone.write("mine.md", "mine")
    clone.commit("Mine")
    clone.git("merge", "-q", "-m", "Merge main", "origin/main")
    said = push(clone, "origin", "HEAD:main")
    assert "a side branch of what 'main' was" in said
    clone.git("reset", "-q", "--hard", "HEAD^")
    clone.git("rebase", "-q", "origin/main")
    assert push(clone, "origin", "HEAD:main") == ""


def test_other_branches_and_tags_are_not_looked_at(clone):
    clone.write(PRODUCTION, "generation: 1\nversion: v9\n")
    clone.commit("Work in progress")
    assert push(clone, "origin", "HEAD:wip", "HEAD:refs/tags/wip") == ""
    assert push(clone, "origin", ":refs/heads/wip") == ""


def test_a_push_of_many_refs_is_refused_whole_for_one_bad_default_branch(clone, guarded):
    clone.write(PRODUCTION, "generation: 2\nversion: v9\n")
    clone.commit("Bad")
    assert "[alias-target-exists]" in push(clone, "origin", "HEAD:wip", "HEAD:main")
    assert "wip" not in guarded.git("branch")


def test_another_name_for_the_default_branch_is_guarded_too(clone, guarded):
    guarded.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    clone.write(PRODUCTION, "generation: 2\nversion: v9\n")
    clone.commit("Bad")
    assert "[alias-target-exists]" in push(clone, "origin", "HEAD:alias")


def test_where_head_names_no_branch_every_branch_is_guarded(clone, guarded):
    guarded.git("symbolic-ref", "HEAD", "refs/heads/master")
    clone.write(PRODUCTION, "generation: 2\nversion: v9\n")
    clone.commit("Bad")
    assert "[alias-target-exists]" in push(clone, "origin", "HEAD:main")
    said = guarded.podium("ci", "pre-receive", str(guarded.root)).err
    assert "every branch is guarded" in said


def test_a_merge_of_a_branch_lands_and_a_tree_that_breaks_a_rule_does_not(clone):
    start = tip(clone)
    clone.git("checkout", "-q", "-b", "topic")
    clone.podium("promote", "ImageClassifier:v1", "production")
    clone.commit("Promote")
    clone.git("checkout", "-q", "-b", "merged", start)
    clone.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
    assert push(clone, "origin", "HEAD:main") == ""


# --- protected aliases ----------------------------------------------------------------------------------------------


@pytest.fixture
def protected(clone, guarded):
    """Give a clone whose registry has approvers for production, and a server that asks for merges."""
    clone.write("registry.yaml", clone.read("registry.yaml") + POLICY)
    clone.podium("codeowners")
    clone.commit("Ask for approvers")
    clone.git("push", "-q", "origin", "HEAD:main")
    guarded.podium("ci", "pre-receive", str(guarded.root), "--protect-aliases")
    return clone


def test_a_direct_push_that_moves_a_protected_alias_is_refused(protected):
    protected.podium("promote", "ImageClassifier:v1", "production")
    protected.commit("Promote v1")
    said = push(protected, "origin", "HEAD:main")
    assert "'ImageClassifier' production has approvers, and no merged branch brings this move" in said
    assert "[protected-alias-merged]" in said


def test_a_merge_moves_a_protected_alias_but_not_on_its_own(protected):
    start = tip(protected)
    protected.git("checkout", "-q", "-b", "topic")
    protected.podium("promote", "ImageClassifier:v1", "production")
    protected.commit("Promote v1")
    protected.git("checkout", "-q", "-b", "evil", start)
    protected.git("merge", "-q", "--no-ff", "--no-commit", "topic")
    protected.write(PRODUCTION, "generation: 2\nversion: null\n")
    protected.commit("Merge topic, and something else")
    assert "[protected-alias-merged]" in push(protected, "origin", "HEAD:main")
    protected.git("checkout", "-q", "-b", "good", start)
    protected.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
    assert push(protected, "origin", "HEAD:main") == ""


def test_other_aliases_move_by_direct_pushes(protected):
    protected.podium("promote", "ImageClassifier:v1", "staging")
    protected.commit("Promote to staging")
    assert push(protected, "origin", "HEAD:main") == ""


# --- hostile content, and what cannot be told -----------------------------------------------------------------------


def test_nothing_that_a_push_holds_steers_the_terminal_or_is_run(clone, tmp_path):
    clone.write("models/ImageClassifier/aliases/production.yaml", 'generation: 2\nversion: "v\x1b[31m"\n')
    clone.write(".gitattributes", "* filter=evil merge=evil\n")
    clone.write(".gitmodules", '[submodule "x"]\n\tpath = x\n\turl = ext::touch /tmp/never\n')
    clone.write("models/\x1b]0;owned\x07/model.yaml", "x")
    clone.commit("Evil")
    said = push(clone, "origin", "HEAD:main")
    assert "podium refuses this push" in said
    assert "\x1b" not in said.replace("\x1b[K", "")
    assert "\x07" not in said


def test_a_malformed_tree_is_refused(clone, guarded):
    blob = clone.git("hash-object", "-w", "registry.yaml").strip()
    entry = b"100644 registry.yaml\0" + bytes.fromhex(blob)
    made = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
        input=entry + entry, cwd=clone.root, capture_output=True, check=True,
    )  # fmt: skip
    commit = clone.git("commit-tree", "-p", "HEAD", "-m", "Twice", made.stdout.decode().strip()).strip()
    before = tip(guarded)
    assert push(clone, "origin", f"{commit}:main") != ""
    assert tip(guarded) == before


def test_a_registry_of_a_newer_podium_cannot_be_judged_and_is_refused(clone):
    clone.write("registry.yaml", clone.read("registry.yaml").replace("podium/v1", "podium/v2"))
    clone.commit("From the future")
    assert "this podium reads podium/v1" in push(clone, "origin", "HEAD:main")


def test_two_hundred_findings_are_not_all_shown(clone):
    for number in range(200):
        clone.write(f"models/ImageClassifier/odd-{number}.txt", "x")
    clone.commit("Litter")
    said = push(clone, "origin", "HEAD:main")
    assert said.count("[unknown-file]") == 50
    assert "and 150 more" in said


# --- installing it --------------------------------------------------------------------------------------------------


def test_a_hook_that_was_there_is_called_first_and_comes_back(clone, guarded):
    guarded.podium("ci", "pre-receive", str(guarded.root), "--remove")
    own = guarded.write("hooks/pre-receive", '#!/bin/sh\ncat > seen\n[ -z "$(cat refuse 2>/dev/null)" ]\n')
    own.chmod(0o755)
    text = own.read_text()
    for _ in range(2):
        guarded.podium("ci", "pre-receive", str(guarded.root))
    clone.write("notes.md", "x")
    clone.commit("Notes")
    guarded.write("refuse", "yes")
    assert "pre-receive hook declined" in push(clone, "origin", "HEAD:main")
    (guarded.root / "refuse").unlink()
    assert push(clone, "origin", "HEAD:main") == ""
    assert "refs/heads/main" in guarded.read("seen")
    clone.write(PRODUCTION, "generation: 2\nversion: v9\n")
    clone.commit("Bad")
    assert "[alias-target-exists]" in push(clone, "origin", "HEAD:main")

    assert guarded.podium("-R", str(guarded.root), "ci", "pre-receive", "--remove").out.startswith("removed")
    assert own.read_text() == text
    assert sorted(path.name for path in own.parent.glob("*pre-receive*") if path.suffix != ".sample") == ["pre-receive"]
    assert guarded.podium("ci", "pre-receive", str(guarded.root), "--remove").out == "there is no hook of podium's\n"


def test_a_podium_that_is_gone_refuses_pushes_and_says_who_can_help(clone, guarded):
    hook = guarded.root / "hooks/pre-receive"
    hook.write_text(hook.read_text().replace(sys.executable, "/nowhere/python"))
    clone.write("notes.md", "x")
    clone.commit("Notes")
    assert "podium is no longer installed where it was" in push(clone, "origin", "HEAD:main")


def test_the_hook_goes_only_into_a_bare_repository_of_its_own(clone, guarded):
    assert "no bare repository" in clone.podium("ci", "pre-receive", code=2).err
    assert "no bare repository" in clone.podium("ci", "pre-receive", ".", code=2).err
    shared = guarded.root.parent / "shared hooks"
    guarded.git("config", "core.hooksPath", str(shared))
    assert "which other repositories may share" in guarded.podium("ci", "pre-receive", ".", code=1).err
    assert not shared.exists()


def test_the_hook_is_clean_under_shellcheck(guarded):
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck: run .ci/servers")
    subprocess.run(["shellcheck", guarded.root / "hooks/pre-receive"], check=True)
