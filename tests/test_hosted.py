"""A registry by URL: as fresh as was asked for, cheap when nothing changed, and shared by all who read it."""

import os
import subprocess
import threading

import pytest

import podium
from podium import git
from podium.errors import Denied, Unavailable
from podium.freshness import Freshness
from tests.acceptance.conftest import Place

pytestmark = pytest.mark.usefixtures("own_settings")


def run(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True, text=True).stdout.strip()


@pytest.fixture
def bare(tmp_path):
    """A bare repository with a registry, and a clone of it in which things are done."""
    run(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    run(tmp_path, "clone", "-q", "origin.git", "work")
    put(tmp_path / "work", "registry.yaml", "apiVersion: podium/v1\nentity: acme\n")
    return tmp_path / "origin.git"


def put(work, path, text, branch="main"):
    place = work / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    run(work, "add", "-A")
    run(work, "commit", "-q", "-m", path)
    run(work, "push", "-q", "origin", f"HEAD:{branch}")
    return run(work, "rev-parse", "HEAD")


def hosted(bare, **fresh):
    return git.locate(f"file://{bare}", bare.parent, Freshness(**fresh))


def asked(monkeypatch):
    """Note the git commands that are run."""
    noted, original = [], git.program.run
    monkeypatch.setattr(git.program, "run", lambda *a, **k: (noted.append(a[1]), original(*a, **k))[1])
    return noted


def test_who_reads_the_default_branch_fetches_nothing_else(bare):
    work = bare.parent / "work"
    run(work, "push", "-q", "origin", "HEAD:other")
    source = hosted(bare)
    tip = run(work, "rev-parse", "HEAD")
    assert source.tree().commit == tip
    assert run(source.cache, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert source.tree("other").commit == tip
    assert run(source.cache, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main", "refs/heads/other"]


def test_where_nothing_changed_the_remote_is_asked_once_and_nothing_is_fetched(bare, monkeypatch):
    hosted(bare).tree()
    commands = asked(monkeypatch)
    hosted(bare).tree()
    assert commands == ["ls-remote"]
    commands.clear()
    hosted(bare, max_age=1000).tree()
    hosted(bare, offline=True).tree()
    assert commands == []


def test_a_clone_is_read_as_it_is_while_it_is_young_enough_or_offline(bare):
    first = hosted(bare).tree().commit
    second = put(bare.parent / "work", "models/m/model.yaml", "description: m\n")
    assert hosted(bare, max_age=1000).tree().commit == first
    assert hosted(bare, offline=True).tree().commit == first
    assert hosted(bare).tree().commit == second
    assert hosted(bare, max_age=1000).tree().commit == second
    old = hosted(bare, max_age=1000)
    os.utime(old._stamp(all_refs=False), (0, 0))
    third = put(bare.parent / "work", "models/n/model.yaml", "description: n\n")
    assert hosted(bare, offline=True).tree().commit == second
    assert old.tree().commit == third


def test_other_branches_are_not_taken_for_fresh_because_the_default_one_is(bare):
    hosted(bare).tree()
    made = put(bare.parent / "work", "models/m/model.yaml", "description: m\n", "other")
    assert hosted(bare, max_age=1000).tree("other").commit == made
    put(bare.parent / "work", "models/n/model.yaml", "description: n\n", "other")
    assert hosted(bare, max_age=1000).tree("other").commit == made


def test_offline_nothing_is_asked_and_a_clone_that_is_not_there_is_told(bare, monkeypatch):
    commands = asked(monkeypatch)
    for ask in (lambda source: source.tree(), lambda source: source.tree("other"), lambda source: source.remote()):
        with pytest.raises(Unavailable, match=r"no cached clone|offline") as caught:
            ask(hosted(bare, offline=True))
        assert "--offline" in caught.value.hint
    assert commands == []
    hosted(bare).tree()
    with pytest.raises(Denied, match="no commit, branch"):
        hosted(bare, offline=True).tree("other")


def test_a_remote_that_is_gone_is_told_with_the_age_of_the_clone(bare):
    first = hosted(bare).tree().commit
    bare.rename(bare.with_name("away.git"))
    for rev in (None, "main"):
        with pytest.raises(Unavailable) as caught:
            hosted(bare).tree(rev)
        assert "ago: --offline reads it as it is" in caught.value.hint
    assert hosted(bare, offline=True).tree().commit == hosted(bare, max_age=1000).tree().commit == first


def test_a_default_branch_that_gets_another_name_is_followed(bare):
    hosted(bare).tree()
    run(bare, "branch", "-m", "main", "main/next")  # the old name is in its way in the clone
    assert run(bare, "symbolic-ref", "HEAD") == "refs/heads/main/next"
    made = put(bare.parent / "work", "models/m/model.yaml", "description: m\n", "main/next")
    assert hosted(bare).tree().commit == made
    run(bare, "symbolic-ref", "HEAD", "refs/heads/release")
    run(bare, "branch", "release", "main/next~1")
    assert hosted(bare).tree().commit == run(bare, "rev-parse", "release")


def test_threads_may_open_a_clone_at_once_while_it_is_made_and_fetched(bare):
    found, tips = [], [run(bare, "rev-parse", "main")]

    def read():
        found.extend(hosted(bare).tree().commit for _ in range(3))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    tips += [put(bare.parent / "work", f"models/m{n}/model.yaml", "description: m\n") for n in range(3)]
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert set(found) <= set(tips)
    assert hosted(bare).tree().commit == tips[-1]


def test_how_fresh_is_said_in_python_or_by_the_environment(bare, monkeypatch):
    url = f"file://{bare}"
    assert podium.open(url).commit == run(bare, "rev-parse", "main")
    assert podium.open(url).age is None
    assert podium.open(url, max_age=1000).age < 1000
    bare.rename(bare.with_name("away.git"))
    assert podium.open(url, offline=True).entity == "acme"
    monkeypatch.setenv("PODIUM_OFFLINE", "1")
    assert podium.open(url).entity == "acme"
    assert podium.open(url, max_age=0, offline=False).age is None
    with pytest.raises(Unavailable):
        podium.open(url, offline=False).entity  # noqa: B018
    with pytest.raises(podium.Error, match="is not asked anything"):
        podium.open(url).edit(push=True).__enter__()


def test_the_command_says_how_old_it_is_what_it_reads(bare, tmp_path):
    def podium_(*arguments, code=0):
        return Place(tmp_path).podium("-R", f"file://{bare}", *arguments, code=code).err

    assert "no cached clone" in podium_("list", "--offline", code=3)
    assert "ago" not in podium_("list")
    assert "as it was " in podium_("list", "--max-age", "1000")
    bare.rename(bare.with_name("away.git"))
    assert "as it was " in podium_("list", "--offline")
    assert "--offline reads it as it is" in podium_("list", code=3)
    assert "not in the range x>=0" in podium_("list", "--max-age", "-1", code=2)
