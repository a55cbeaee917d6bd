"""publish.py against real checkouts, remotes and hooks: an edit lands wholly or not at all, and exactly once."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from podium import codec, folders, git, publish
from podium.edits import Edited
from podium.errors import Denied, Unavailable, Usage
from podium.publish import Landing, files, remote
from podium.tree import overlay

RECORD = "artifacts/p/a/versions"


def run(folder, *arguments, **environment):
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, check=True, env={**os.environ, **environment}
    )
    return done.stdout.decode().strip()


pytestmark = pytest.mark.usefixtures("own_settings")


@pytest.fixture
def checkout(tmp_path):
    """A checkout with an artifact that has no version yet, committed."""
    root = tmp_path / "registry"
    run(tmp_path, "init", "--quiet", str(root))
    put(root, "registry.yaml", "apiVersion: podium/v1\nentity: acme\n")
    put(root, "artifacts/p/a/artifact.yaml", "description: a\n")
    put(root, "notes.txt", "one\n")
    run(root, "add", "--all")
    run(root, "commit", "--quiet", "-m", "first")
    return git.Checkout(root)


@pytest.fixture
def bare(tmp_path, checkout):
    """A bare repository with what the checkout has, as its origin."""
    bare = tmp_path / "origin.git"
    run(tmp_path, "clone", "--quiet", "--bare", str(checkout.root), str(bare))
    run(checkout.root, "remote", "add", "origin", str(bare))
    return git.Bare(bare)


def put(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def hook(git_dir, name, script):
    file = Path(git_dir) / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def writing(**contents):
    """Make an edit that writes files; double underscores are slashes."""
    changes = {path.replace("__", "/").replace("_yaml", ".yaml"): text.encode() for path, text in contents.items()}

    def edit(registry):
        return Edited(codec.read(overlay(registry.tree, changes)), "wrote")

    return edit


def logging(content):
    """Make an edit that takes the next number for a content, unless some version has it; and moves an alias to it."""

    def edit(registry):
        known = {registry.tree.read(f"{RECORD}/{entry.name}"): entry.name for entry in registry.tree.list(RECORD)}
        name = known.get(content.encode(), f"v{len(known)}.dvc")
        alias = f"artifacts/p/a/aliases/{content.split()[0]}.yaml"
        wanted = {f"{RECORD}/{name}": content.encode(), alias: f"version: {name[:-4]}\n".encode()}
        changes = {
            path: new
            for path, new in wanted.items()
            if registry.tree.entry(path) is None or registry.tree.read(path) != new
        }
        return Edited(codec.read(overlay(registry.tree, changes)), f"p/a:{name[:-4]}", bool(changes))

    return edit


def nothing(registry):
    return Edited(registry, "p/a:v0", changed=False, notes=("it was there already",))


def status(root):
    return run(root, "status", "--porcelain")


# --- files ----------------------------------------------------------------------------------------------------------


def test_a_plain_edit_writes_files_and_stops_there(checkout):
    done = publish.land(checkout, logging("x"))
    assert done == publish.Published("p/a:v0", changed=True, files=("artifacts/p/a/aliases/x.yaml", f"{RECORD}/v0.dvc"))
    assert (checkout.root / RECORD / "v0.dvc").read_text() == "x"
    assert (checkout.root / RECORD / "v0.dvc").stat().st_nlink == 1
    assert status(checkout.root).split() == ["??", "artifacts/p/a/aliases/", "??", f"{RECORD}/"]
    assert sorted(path.name for path in checkout.git_dir.glob("podium*")) == ["podium.lock"]


@pytest.mark.parametrize("landing", Landing)
def test_an_edit_with_nothing_to_do_leaves_no_trace(checkout, bare, landing):
    expected = publish.Published("p/a:v0", changed=False, notes=("it was there already",))
    assert publish.land(checkout, nothing, landing, before=pytest.fail) == expected
    assert status(checkout.root) == ""


@pytest.mark.parametrize("landing", Landing)
def test_a_dry_run_says_what_it_would_write_and_writes_nothing(checkout, bare, landing):
    done = publish.land(checkout, logging("x"), landing, before=pytest.fail, dry_run=True)
    assert (done.changed, done.files, done.commit) == (True, ("artifacts/p/a/aliases/x.yaml", f"{RECORD}/v0.dvc"), None)
    assert status(checkout.root) == ""
    assert list(checkout.git_dir.glob("podium*")) == []


def test_bytes_are_sent_before_anything_is_seen(checkout, bare):
    for landing in Landing:
        seen = []

        def look(seen=seen):
            seen.append(
                (status(checkout.root), run(bare.path, "rev-parse", "main"), run(checkout.root, "rev-parse", "HEAD"))
            )

        before = (status(checkout.root), run(bare.path, "rev-parse", "main"), run(checkout.root, "rev-parse", "HEAD"))
        publish.land(checkout, logging(landing.name), landing, before=look)
        assert seen == [before]


def test_files_are_written_after_those_they_refer_to():
    paths = [
        "registry.yaml",
        "models/m/aliases/production.yaml",
        "models/m/versions/v10.yaml",
        "models/m/versions/v9.yaml",
        "artifacts/p/a/versions/v0.dvc",
        "models/m/model.yaml",
        "gone.txt",
    ]
    changes = dict.fromkeys(paths, b"") | {"gone.txt": None}
    assert files.in_order(changes) == [
        "models/m/model.yaml",
        "artifacts/p/a/versions/v0.dvc",
        "models/m/versions/v9.yaml",
        "models/m/versions/v10.yaml",
        "models/m/aliases/production.yaml",
        "registry.yaml",
        "gone.txt",
    ]


def test_nothing_is_written_through_a_link(checkout, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (checkout.root / "models").mkdir()
    (checkout.root / "models" / "m").symlink_to(tmp_path / "elsewhere")
    (checkout.root / "models" / "n.yaml").symlink_to(tmp_path / "elsewhere" / "x")
    for edit in (writing(models__m__model_yaml="x", a="x"), writing(models__n_yaml="x", a="x")):
        with pytest.raises(Denied, match="is no plain f"):
            publish.write(checkout, edit)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (checkout.root / "a").exists()


def test_what_was_written_is_put_back_when_a_later_file_fails(checkout):
    (checkout.root / "models").mkdir()
    (checkout.root / "models").chmod(0o755)
    changes = {
        "artifacts/p/a/artifact.yaml": b"changed\n",
        "artifacts/p/b/artifact.yaml": b"new\n",
        "notes.txt": None,
        f"zz/{'n' * 300}": b"too long a name for the disk",
    }
    with (
        pytest.raises(Unavailable, match="File name too long"),
        files.written(checkout.root, checkout.git_dir, changes),
    ):
        pytest.fail("it was written")
    assert status(checkout.root) == ""
    assert not (checkout.root / "artifacts" / "p" / "b").exists()
    assert list(checkout.git_dir.glob("podium*")) == []


def test_a_failure_halfway_puts_everything_back(checkout, monkeypatch):
    calls = []
    really = os.link

    def full(source, target):
        calls.append(target)
        if len(calls) == 4:
            raise FileExistsError(17, "somebody took the name", str(target))
        really(source, target)

    monkeypatch.setattr(os, "link", full)
    edit = writing(
        artifacts__p__a__artifact_yaml="changed", models__m__model_yaml="m", notes__a="n", notes__b="n", zz="n"
    )
    with pytest.raises(Denied, match="appeared"):
        publish.write(checkout, edit)
    assert len(calls) == 4
    assert status(checkout.root) == ""
    assert not (checkout.root / "models").exists()


def test_a_url_or_bare_repository_has_no_files_to_edit(checkout, bare):
    for landing in (Landing.FILES, Landing.COMMIT):
        with pytest.raises(Usage, match="no checkout"):
            publish.land(bare, logging("x"), landing)
    with pytest.raises(Usage):
        Landing.of(commit=True, push=True)


# --- commits --------------------------------------------------------------------------------------------------------


def test_a_commit_holds_the_edit_and_leaves_all_else_as_it_was(checkout):
    root = checkout.root
    put(root, "staged.txt", "staged\n")
    put(root, "notes.txt", "staged change\n")
    run(root, "add", "staged.txt", "notes.txt")
    put(root, "notes.txt", "dirty change\n")
    put(root, "untracked.txt", "")
    before = (run(root, "diff", "--cached"), run(root, "diff"), status(root))
    done = publish.commit(checkout, logging("x"), "Log x")
    assert done.commit == run(root, "rev-parse", "HEAD")
    assert run(root, "show", "--format=%s|%an", "--name-only").split() == ["Log", "x|Ada", *done.files]
    assert (run(root, "diff", "--cached"), run(root, "diff"), status(root)) == before
    assert sorted(path.name for path in checkout.git_dir.glob("podium*")) == ["podium.lock"]


def test_a_refusing_hook_leaves_neither_commit_nor_files(checkout):
    root = checkout.root
    put(root, "notes.txt", "staged\n")
    run(root, "add", "notes.txt")
    head, before = run(root, "rev-parse", "HEAD"), status(root)
    for name in ("pre-commit", "commit-msg"):
        hook(checkout.git_dir, name, 'printf "not \\033[31mtoday\\n" >&2; exit 1')
        with pytest.raises(Denied, match="not today"):
            publish.commit(checkout, logging("x"), "Log x")
        (checkout.git_dir / "hooks" / name).unlink()
    assert (run(root, "rev-parse", "HEAD"), status(root)) == (head, before)
    assert run(root, "ls-files", RECORD) == ""
    assert not (root / RECORD).exists()


def test_the_first_commit_of_a_branch_can_be_podiums(checkout):
    run(checkout.root, "switch", "--quiet", "--orphan", "fresh")
    put(checkout.root, "registry.yaml", "apiVersion: podium/v1\nentity: acme\n")
    done = publish.commit(checkout, logging("x"), "Log x")
    assert run(checkout.root, "ls-tree", "-r", "--name-only", done.commit).split() == list(done.files)


def test_a_commit_is_refused_where_it_would_get_lost_or_in_the_way(checkout, monkeypatch):
    run(checkout.root, "switch", "--quiet", "--detach")
    with pytest.raises(Denied, match="on no branch"):
        publish.commit(checkout, logging("x"))
    run(checkout.root, "switch", "--quiet", "main")
    (checkout.git_dir / "MERGE_HEAD").write_text(run(checkout.root, "rev-parse", "HEAD"))
    with pytest.raises(Denied, match="a merge is under way"):
        publish.commit(checkout, logging("x"))
    (checkout.git_dir / "MERGE_HEAD").unlink()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    run(checkout.root, "config", "user.useConfigOnly", "true")
    with pytest.raises(Denied, match="does not know who you are"):
        publish.commit(checkout, logging("x"))
    assert status(checkout.root) == ""


def test_an_index_that_is_in_use_takes_the_files_back(checkout):
    (checkout.git_dir / "index.lock").touch()
    with pytest.raises(Unavailable, match="index for itself"):
        publish.commit(checkout, logging("x"))
    (checkout.git_dir / "index.lock").unlink()
    assert status(checkout.root) == ""


def test_what_a_killed_commit_left_is_committed_by_the_same_command(checkout):
    hook(checkout.git_dir, "pre-commit", "kill -9 $(ps -o ppid= -p $PPID) $PPID")
    process = in_process(checkout.root, "x", "commit")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    (checkout.git_dir / "hooks" / "pre-commit").unlink()
    assert (checkout.git_dir / "index.lock").exists()
    assert (checkout.root / RECORD / "v0.dvc").exists()
    done = publish.commit(checkout, logging("x"))
    assert (done.changed, done.files) == (True, ("artifacts/p/a/aliases/x.yaml", f"{RECORD}/v0.dvc"))
    assert run(checkout.root, "show", "--format=", "--name-only").split() == list(done.files)
    assert status(checkout.root) == ""
    assert publish.commit(checkout, logging("x")).changed is False


def test_what_a_killed_commit_left_is_not_charged_to_another_command(checkout):
    publish.write(checkout, logging("x"))
    changes = {
        path: (checkout.root / path).read_bytes() for path in ("artifacts/p/a/aliases/x.yaml", f"{RECORD}/v0.dvc")
    }
    publish.journal.keep(checkout, publish.journal.Note.of("p/a:v0", "Log", changes))
    assert publish.commit(checkout, writing(other="y")).files == ("other",)
    assert publish.commit(checkout, logging("x")).files == tuple(changes)


# --- pushes ---------------------------------------------------------------------------------------------------------


def test_a_push_commits_on_the_remote_and_touches_no_checkout(checkout, bare):
    root = checkout.root
    put(root, "notes.txt", "staged\n")
    run(root, "add", "notes.txt")
    put(root, "artifacts/p/a/artifact.yaml", "dirty\n")
    run(root, "switch", "--quiet", "-c", "elsewhere")
    index, head = (checkout.git_dir / "index").read_bytes(), run(root, "rev-parse", "HEAD")
    before = (status(root), run(root, "for-each-ref", "refs/heads"))
    done = publish.push(checkout, logging("x"), "Log x")
    assert run(bare.path, "log", "-1", "--format=%H %P %s", "main") == f"{done.commit} {head} Log x"
    assert run(bare.path, "show", "--format=", "--name-only", "main").split() == list(done.files)
    assert run(bare.path, "show", "main:artifacts/p/a/artifact.yaml") == "description: a"
    assert (status(root), run(root, "for-each-ref", "refs/heads")) == before
    assert (checkout.git_dir / "index").read_bytes() == index
    assert run(root, "rev-parse", "origin/main") == done.commit


def test_a_mirroring_refspec_moves_no_local_branch(checkout, bare):
    run(checkout.root, "config", "remote.origin.fetch", "+refs/heads/*:refs/heads/*")
    run(checkout.root, "switch", "--quiet", "-c", "elsewhere")
    old = run(checkout.root, "rev-parse", "main")
    publish.push(bare, logging("x"))
    publish.push(checkout, logging("y"), dry_run=True)
    assert run(checkout.root, "rev-parse", "main") == old


@pytest.mark.parametrize("address", ["{}", "file://{}"])
def test_a_push_to_a_bare_repository_or_url_goes_through_the_cache(checkout, bare, address):
    source = git.locate(address.format(bare.path), checkout.root)
    hook(bare.path, "pre-receive", "cat > seen")
    assert publish.push(source, logging("x")).result == "p/a:v0"
    assert publish.push(source, logging("y")).result == "p/a:v1"
    assert run(bare.path, "rev-parse", "main") in (bare.path / "seen").read_text()
    assert run(bare.path, "ls-tree", "--name-only", "main", f"{RECORD}/").split() == [
        f"{RECORD}/v0.dvc",
        f"{RECORD}/v1.dvc",
    ]
    assert git.locate(address.format(bare.path), checkout.root).tree().entry(f"{RECORD}/v1.dvc") is not None


def test_a_hook_that_refuses_is_heard(checkout, bare):
    hook(bare.path, "pre-receive", 'printf "policy: \\033[31mno\\033[0m\\nask the leads\\n" >&2; exit 1')
    with pytest.raises(Denied) as caught:
        publish.push(checkout, logging("x"))
    assert str(caught.value).splitlines()[1:] == ["policy: no", "ask the leads"]
    assert run(bare.path, "log", "--format=%s", "main") == "first"


def test_a_remote_that_is_gone_is_unavailable(checkout, bare):
    shutil.move(bare.path, bare.path.with_name("moved"))
    with pytest.raises(Unavailable):
        publish.push(checkout, logging("x"))


def test_who_comes_second_takes_the_next_number(checkout, bare):
    rival = [logging("rival")]

    def before():
        if rival:
            publish.push(bare, rival.pop())

    assert publish.push(checkout, logging("x"), before=before).result == "p/a:v1"
    assert run(bare.path, "log", "--format=%s", "main").splitlines() == ["p/a:v1", "p/a:v0", "first"]


def test_a_push_whose_answer_was_lost_is_not_made_twice(checkout, bare):
    # The server takes the push and dies before it can say so.
    hook(bare.path, "post-update", "kill -9 $PPID")
    done = publish.push(checkout, logging("x"))
    assert run(bare.path, "log", "--format=%H", "main").splitlines()[0] == done.commit
    assert run(bare.path, "rev-list", "--count", "main") == "2"


RIVAL = """
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
git update-ref refs/heads/main "$(git commit-tree -p main -m rival 'main^{tree}')"
"""


def test_patience_ends(checkout, bare, monkeypatch):
    monkeypatch.setattr(remote, "PATIENCE", 0.3)
    hook(bare.path, "pre-receive", RIVAL)  # whoever comes, somebody else is first
    with pytest.raises(Unavailable, match="others kept pushing"):
        publish.push(checkout, logging("x"))
    assert int(run(bare.path, "rev-list", "--count", "main")) > 1
    assert run(bare.path, "ls-tree", "-r", "--name-only", "main") == run(checkout.root, "ls-files")
    assert "refs/podium" not in run(checkout.root, "for-each-ref")


def test_a_tip_is_fetched_without_a_trace_and_sweeps_those_that_were_left(checkout, bare):
    target = git.target(checkout)
    run(checkout.root, "update-ref", f"refs/podium/tip-00000001-{'0' * 16}", "HEAD")
    assert target.renewed().commit == target.commit
    assert "refs/podium" not in run(checkout.root, "for-each-ref")


def test_word_of_a_push_that_is_not_true_any_more_does_no_harm(checkout, bare):
    publish.push(checkout, logging("x"))
    run(bare.path, "update-ref", "refs/heads/main", "main~1")  # and from elsewhere, another one
    tree = run(bare.path, "rev-parse", "main^{tree}")
    other = run(bare.path, "commit-tree", "-p", "main", "-m", "elsewhere", tree)
    run(bare.path, "update-ref", "refs/heads/main", other)
    assert publish.push(checkout, logging("y")).result == "p/a:v0"
    assert run(bare.path, "log", "--format=%s", "main").splitlines() == ["p/a:v0", "elsewhere", "first"]


def test_nothing_to_do_is_said_of_the_remote_as_it_is_now(checkout, bare):
    publish.push(checkout, logging("x"))
    publish.base(checkout, publish.Landing.PUSH)  # the edit begins
    run(bare.path, "update-ref", "refs/heads/main", "main~1")
    assert publish.push(checkout, logging("x")).changed
    assert run(bare.path, "log", "--format=%s", "main").splitlines() == ["p/a:v0", "first"]


def test_word_that_makes_no_sense_is_not_heard(checkout, bare):
    publish.push(checkout, logging("x"))
    (word,) = (folders.cache() / "pushes").glob("*.json")
    for nonsense in (
        b"",
        b"[]",
        b'{"tip": "--upload-pack=x", "folder": "/"}',
        b'{"tip": "%s", "folder": "gone"}' % (b"0" * 40),
    ):
        word.write_bytes(nonsense)
        publish.push(checkout, logging(f"{nonsense}"))
    assert run(bare.path, "rev-list", "--count", "main") == "6"


def test_another_clone_takes_what_was_pushed_here_without_asking_the_server(checkout, bare, tmp_path):
    run(tmp_path, "clone", "-q", str(bare.path), "other")
    other = git.locate(str(tmp_path / "other"), tmp_path)
    publish.push(checkout, logging("x"))
    target = git.target(other)
    assert target.commit == run(bare.path, "rev-parse", "main")
    publish.push(checkout, logging("y"))
    assert target.told().commit == run(bare.path, "rev-parse", "main")


# --- many processes, and death --------------------------------------------------------------------------------------

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from podium import git, publish
from test_publish import logging
print(publish.land(git.locate(sys.argv[1], Path.cwd()), logging(sys.argv[2]), publish.Landing(sys.argv[3])).result)
"""


def in_process(where, content, landing):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM.format(tests=str(Path(__file__).parent)), str(where), content, landing]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def results(processes):
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    return sorted(out.decode().strip() for out, _ in said)


def test_eight_processes_push_and_each_lands_once(checkout, bare):
    sources = [checkout.root, bare.path, f"file://{bare.path}", bare.path] * 2
    made = results([in_process(where, f"c{number}", "push") for number, where in enumerate(sources)])
    assert made == [f"p/a:v{number}" for number in range(8)]
    assert run(bare.path, "rev-list", "--count", "main") == "9"
    assert run(bare.path, "rev-list", "--merges", "--count", "main") == "0"
    contents = {run(bare.path, "show", f"main:{RECORD}/v{number}.dvc") for number in range(8)}
    assert contents == {f"c{number}" for number in range(8)}


@pytest.mark.parametrize("landing", ["files", "commit"])
def test_processes_in_one_checkout_never_take_the_same_number(checkout, landing):
    made = results([in_process(checkout.root, f"c{number}", landing) for number in range(5)])
    assert made == [f"p/a:v{number}" for number in range(5)]
    assert run(checkout.root, "rev-list", "--count", "HEAD") == ("6" if landing == "commit" else "1")
    assert (status(checkout.root) == "") == (landing == "commit")


@pytest.mark.parametrize("landing", ["files", "commit", "push"])
def test_a_process_that_is_killed_leaves_nothing_half_done(checkout, bare, landing):
    chance = random.Random(landing)
    for number in range(3):  # at any moment; hostile/test_crashes.py kills at the calls that change a disk
        process = in_process(checkout.root, f"c{number}", landing)
        time.sleep(chance.uniform(0.15, 0.6))
        process.kill()
        process.communicate()
        check_sound(checkout.tree())
        assert results([in_process(checkout.root, f"c{number}", landing)]) == [f"p/a:v{number}"]
    check_sound(checkout.tree())
    if landing == "commit":
        assert status(checkout.root) == ""
    if landing == "push":
        assert status(checkout.root) == ""
        assert run(bare.path, "rev-list", "--count", "main") == "4"


def check_sound(files):
    """Make sure that versions are whole and without gaps, and that each alias names one."""
    versions = [entry.name for entry in files.list(RECORD)]
    assert sorted(versions) == sorted(f"v{number}.dvc" for number in range(len(versions)))
    assert all(files.read(f"{RECORD}/{name}") for name in versions)
    for alias in files.list("artifacts/p/a/aliases"):
        target = files.read(f"artifacts/p/a/aliases/{alias.name}").decode().split()[1]
        assert f"{target}.dvc" in versions


def test_the_base_of_a_branch_is_where_it_left(checkout, bare):
    run(checkout.root, "fetch", "--quiet", "origin")
    first = run(checkout.root, "rev-parse", "HEAD")
    run(checkout.root, "switch", "--quiet", "-c", "mine")
    publish.commit(checkout, logging("x"))
    base = publish.merge_base(checkout, Landing.FILES)
    assert base is not None
    assert base.commit == first
    assert publish.merge_base(checkout, Landing.PUSH) is None
    assert publish.base(checkout, Landing.PUSH).commit == first
    assert publish.base(checkout, Landing.FILES).commit is None


def test_published_keeps_room_for_a_pull_request():
    assert replace(publish.Published("x", changed=True), url="https://x.dev/1").url == "https://x.dev/1"


def test_a_push_that_a_lock_on_the_server_keeps_from_landing_is_given_up(checkout, bare, monkeypatch):
    monkeypatch.setattr(remote, "_STUCK", 0.5)
    (bare.path / "refs" / "heads" / "main.lock").touch()
    with pytest.raises(Unavailable, match="does not move its branch"):
        publish.push(checkout, logging("x"))
