"""`podium copy` between remotes of every kind, and `podium gc` on each: real servers, the command as it is typed."""

from __future__ import annotations

import os
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from tests.acceptance.conftest import Place, again
from tests.servers import DvcRemote, FolderStore


def several(place, *commands, **env):
    """Type commands one after the other; gives what came of each."""
    return [place.podium(*command, code=None, **env) for command in commands]


@pytest.fixture(scope="module")
def made(started, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    registry = again(started, folder)
    for number in range(2):
        several(registry, ["log", "v/a", str(registry.model("out", f"weights {number}")), "--commit"])
    registry.git("push", "-q", "origin", "main")
    return folder


@pytest.fixture
def logged(made, tmp_path):
    """A registry with two versions, in a store that is a folder; its objects by path."""
    store = FolderStore(tmp_path / "store")
    return again(made, tmp_path), store, {path: store.read(path) for path in store.paths()}


@pytest.fixture
def mirror(logged):
    """A second folder as a remote called mirror."""
    registry, _, _ = logged
    folder = registry.root.parent / "mirror"
    folder.mkdir()
    DvcRemote(str(folder)).add(registry.root, "mirror")
    return FolderStore(folder)


@pytest.mark.xdist_group("s3")
def test_bytes_go_from_kind_to_kind_and_garbage_goes_from_each(logged, s3, sshd, web, tmp_path):
    registry, _, objects = logged
    name = tmp_path.parent.name + tmp_path.name
    kinds = {"cloud": s3, "host": sshd, "dav": web}
    for remote, server in kinds.items():
        server.remote(name).add(registry.root, remote)
    web.reading(name).add(registry.root, "reading")
    (tmp_path / "last").mkdir()
    DvcRemote(str(tmp_path / "last")).add(registry.root, "last")
    (tmp_path / "home/.ssh").mkdir(parents=True)
    (tmp_path / "home/.ssh/known_hosts").write_text(sshd.known())
    garbage = f"files/md5/{'d' * 2}/{'e' * 30}"
    for server in kinds.values():
        server.store(name).write(garbage, b"nobody's")
    (registry.root / ".dvc/cache").rename(tmp_path / "cache")  # each byte has to come over the wire
    chain = ["storage", *kinds]
    said = several(
        registry,
        *(["copy", *pair, "--format", "json"] for pair in pairwise(chain)),
        ["copy", "reading", "last", "--format", "json"],
        *(["gc", "--remote", remote, "--format", "json"] for remote in kinds),
        *(["gc", "--remote", remote, "--older-than", "0h", "--delete", "--format", "json"] for remote in kinds),
        ["gc", "--remote", "reading"],
        HOME=str(tmp_path / "home"),
    )
    copies, looks, deletions, refused = said[:4], said[4:7], said[7:10], said[10]
    for one in copies:
        assert (one.code, one.json["objects"], one.json["findings"]) == (0, len(objects), []), one
    for server in (*(server.store(name) for server in kinds.values()), FolderStore(tmp_path / "last")):
        assert {path: server.read(path) for path in server.paths()} == objects
    for one in looks:  # the server says how old the object is
        assert (one.json["places"][0]["objects"], one.json["places"][0]["young"]) == ([], 1), one
    for one in deletions:
        assert [found["md5"] for found in one.json["places"][0]["objects"]] == ["dd" + "e" * 30], one
    assert refused.code == 1
    assert "cannot list" in refused.err


def test_what_is_there_in_its_size_is_not_sent_again(logged, mirror):
    registry, _, objects = logged
    dry, first, again = several(
        registry,
        ["copy", "storage", "mirror", "--dry-run", "--format", "json"],
        ["copy", "storage", "mirror", "v/a:v0"],
        ["copy", "storage", "mirror", "--format", "json"],
    )
    assert (dry.json["objects"], dry.json["there"]) == (len(objects), 0)
    assert dry.json["bytes"] == sum(map(len, objects.values()))
    assert first.out.startswith("copied 3 objects, ")
    assert (again.json["objects"], again.json["there"]) == (len(objects) - 3, 3)
    assert {path: mirror.read(path) for path in mirror.paths()} == objects


@pytest.mark.parametrize("harm", ["missing", "size", "hash"])
def test_a_file_that_the_source_has_not_as_recorded_is_named_and_its_version_not_shown(logged, mirror, harm):
    registry, store, objects = logged
    path = next(path for path, content in objects.items() if content == b"weights 1")
    {
        "missing": lambda: store.remove(path),
        "size": lambda: store.write(path, b"weights 1, and more"),
        "hash": lambda: store.write(path, b"weights 2"),
    }[harm]()
    (registry.root / ".dvc/cache").rename(registry.root.parent / "cache")
    (said,) = several(registry, ["copy", "storage", "mirror"])
    assert said.code == 1
    assert f"v/a:v1: model.safetensors: {harm} on storage" in said.out
    shown = [content for name, content in objects.items() if name.endswith(".dir") and name in mirror.paths()]
    assert len(shown) == 1
    assert path not in mirror.paths()
    assert not list((registry.root / ".dvc/tmp").glob(".podium-*"))


def test_a_remote_that_is_gone_is_exit_3_and_the_same_one_twice_exit_2(logged, mirror):
    registry, _, _ = logged
    mirror.folder.rmdir()
    gone, same, unknown = several(
        registry, ["copy", "storage", "mirror"], ["copy", "storage", "storage"], ["copy", "storage", "nowhere"]
    )
    assert (gone.code, same.code, unknown.code) == (3, 2, 1)
    assert "nowhere" in unknown.err


def test_versions_that_name_another_remote_stay_there(logged, mirror):
    registry, store, objects = logged
    (registry.root.parent / "third").mkdir()
    DvcRemote(str(registry.root.parent / "third")).add(registry.root, "third")
    several(registry, ["create", "v/c", "--remote", "third"])
    logs = several(registry, ["log", "v/c", str(registry.model("out", "elsewhere"))], ["copy", "storage", "mirror"])
    assert logs[1].code == 0, logs
    assert mirror.paths() == store.paths() == objects.keys()
    (home,) = several(registry, ["copy", "third", "mirror", "v/c"])
    assert home.code == 0
    assert len(mirror.paths()) > len(objects)
    (looked,) = several(registry, ["gc", "--format", "json"])
    assert [place["name"] for place in looked.json["places"]] == ["storage", "third", "cache"]


def test_all_takes_the_versions_of_open_branches_too(logged, mirror):
    registry, store, _ = logged
    registry.git("switch", "-q", "-c", "topic")
    several(registry, ["log", "v/b", str(registry.model("out", "of a branch")), "--commit"])
    registry.git("push", "-q", "origin", "topic")
    registry.git("switch", "-q", "main")
    registry.git("branch", "-q", "-D", "topic")
    without, everything = several(registry, ["copy", "storage", "mirror"], ["copy", "storage", "mirror", "--all"])
    assert (without.code, everything.code) == (0, 0)
    assert mirror.paths() == store.paths()
    assert "copied 2 objects" in everything.out


# --- gc, as it is typed ---------------------------------------------------------------------------------------------


def test_gc_says_what_it_would_do_and_with_which_options(logged):
    registry, store, objects = logged
    store.write(f"files/md5/aa/{'b' * 30}", b"12345")
    dry, young, nowhere, badly, done, after = several(
        registry,
        ["gc", "--older-than", "0h"],
        ["gc"],
        ["gc", "--delete"],
        ["gc", "--older-than", "soon"],
        ["gc", "--older-than", "0h", "--delete", "--remote", "storage"],
        ["gc", "--older-than", "0h", "--format", "json"],
    )
    assert "storage: 1 object, 5 B, that no version needs; 5 are needed" in dry.out
    assert "nothing was deleted: `podium gc --delete --remote storage` does" in dry.err
    assert "0 objects, 0 B, that no version needs; 5 are needed; 1 more are too young to tell" in young.out
    assert (nowhere.code, badly.code) == (2, 2)
    assert "--remote NAME" in nowhere.err
    assert "storage: deleted 1 object, 5 B" in done.out
    clean = {"name": "storage", "needed": 5, "young": 0, "objects": [], "bytes": 0, "unfinished": []}
    assert after.json["places"][0] == clean
    assert store.paths() == objects.keys()


def test_gc_says_how_to_mend_a_clone_that_hides_versions(logged, tmp_path):
    registry, store, objects = logged
    registry.git("clone", "-q", "--depth=1", f"file://{tmp_path}/origin.git", str(tmp_path / "shallow"))
    (said,) = several(registry, ["-R", str(tmp_path / "shallow"), "gc", "--delete", "--remote", "storage"])
    assert said.code == 3
    assert "git fetch --unshallow" in said.err
    assert store.paths() == objects.keys()


# --- bundles, as they are typed -------------------------------------------------------------------------------------


def test_a_site_without_a_network_uses_what_a_bundle_brought(logged, tmp_path):
    registry, _, objects = logged
    made, proven, taken = several(
        registry,
        ["bundle", "create", str(tmp_path / "models.podium")],
        ["bundle", "verify", str(tmp_path / "models.podium"), "--format", "json"],
        ["bundle", "import", str(tmp_path / "models.podium"), str(tmp_path / "site")],
    )
    assert (made.code, taken.code) == (0, 0), (made, taken)
    assert "main; 2 versions, 5 objects" in made.out
    assert proven.json == {
        "refs": ["refs/heads/main"],
        "versions": 2,
        "objects": 5,
        "bytes": sum(map(len, objects.values())),
    }
    shutil.rmtree(tmp_path / "store")
    shutil.rmtree(tmp_path / "origin.git")
    used, verified, again = several(
        Place(tmp_path / "site"),
        ["use", "v/a:v1"],
        ["verify", "--deep"],
        ["bundle", "import", str(tmp_path / "models.podium")],
    )
    assert (Path(used.out.strip()) / "model.safetensors").read_text() == "weights 1"
    assert verified.code == 0
    assert "0 objects were new" in again.out
    assert "git merge --ff-only bundle/main" in again.err


def test_a_bundle_that_is_cut_off_is_exit_1_and_one_that_is_not_there_exit_3(logged, tmp_path):
    registry, _, _ = logged
    several(registry, ["bundle", "create", str(tmp_path / "models.podium")])
    os.truncate(tmp_path / "models.podium", 12_345)
    cut, gone = several(
        registry,
        ["bundle", "import", str(tmp_path / "models.podium"), str(tmp_path / "site")],
        ["bundle", "verify", str(tmp_path / "nowhere")],
    )
    assert (cut.code, gone.code) == (1, 3)
    assert "is cut off: 12345 of" in cut.err
    assert not (tmp_path / "site").exists()
