"""What gc keeps and what it takes away: laws over random registries, and each promise by itself."""

import os
import subprocess
import time

import pytest

from podium import api, garbage, git
from podium.errors import Denied, Unavailable
from tests import scenes_of_garbage as scenes
from tests import worlds

ROUNDS = int(os.environ.get("PODIUM_TEST_ROUNDS", "3"))
LATER = time.time() + 30 * 86400
pytestmark = pytest.mark.usefixtures("own_settings")


def keeper(root, *, also=(), without_withdrawn=False, now=LATER, cache=False):
    registry = api.open(root)
    return garbage.Keeper(
        sources=[registry.source, *also],
        storage=registry.storage,
        remotes=["store"],
        cache=cache,
        home=registry.source.home,
        now=now,
        without_withdrawn=without_withdrawn,
    )


def stored(store):
    found = store.glob("files/md5/*/*")
    return {place.parent.name + place.name for place in found}


def clone(world, folder):
    worlds.git(folder, "clone", "-q", str(world.origin), "checkout")
    return folder / "checkout"


@pytest.mark.parametrize("seed", [*range(ROUNDS), 9011])  # the last fails where fewer than ten moves back are kept
def test_what_the_model_of_a_scene_says_is_needed_stays_and_all_the_rest_goes(tmp_path, seed):
    """Some repositories and stores, all git keeps in a clone, aliases to and fro; the odd ones `--withdrawn`."""
    made = scenes.scene(tmp_path, seed, LATER)
    needed = made.needed(without_withdrawn=seed % 2 == 1)
    registry = api.open(tmp_path / "clone")
    garbage.Keeper(
        sources=[registry.source],
        storage=registry.storage,
        remotes=sorted(made.stores),
        cache=False,
        home=registry.source.home,
        now=LATER,
        without_withdrawn=seed % 2 == 1,
    ).delete()
    for name, there in made.stores.items():
        assert scenes.left(tmp_path / name) == {one for one in there if one in needed or one in made.young}


def test_what_git_keeps_in_a_clone_stays(world, tmp_path):
    """A stash, what is staged, what lies on disk, and a commit on no branch in a second work tree."""
    kept = {
        f"{name}.dvc": world.record(name) for name in ("stashed", "staged", "alone", "edited", "untracked", "loose")
    }
    root, other = clone(world, tmp_path), tmp_path / "other"

    def lay(folder, name, content):
        (folder / f"{name}.dvc").write_bytes(kept[f"{content}.dvc"])

    lay(root, "one", "stashed")
    worlds.git(root, "add", "-A")
    worlds.git(root, "stash", "-q")
    lay(root, "one", "staged")
    worlds.git(root, "add", "-A")
    lay(root, "one", "edited")
    lay(root, "two", "untracked")
    worlds.git(root, "worktree", "add", "-q", "--detach", str(other))
    lay(other, "one", "alone")
    worlds.git(other, "add", "-A")
    worlds.git(other, "commit", "-q", "-m", "On no branch")
    lay(other, "two", "loose")
    keeper(root).delete()
    assert stored(world.store) == worlds.needed(world.store, kept)


def test_an_alias_that_names_a_link_which_is_not_there_stops_nothing(tmp_path):
    made = worlds.world(tmp_path, 0)
    files = commit(made, made.log)
    artifact = next(path.split("/versions/")[0] for path in files if path.endswith(".dvc"))
    gone = {
        "models/M/aliases/production.yaml": b"generation: 1\nversion: v7\n",
        f"{artifact}/artifact.yaml": b"description: A\nwithdrawn:\n  v0: bad\n",
    }
    commit(made, lambda files: files.update(gone))
    made.write()
    keeper(clone(made, tmp_path), without_withdrawn=True).delete()
    assert stored(made.store) == set()


# --- one promise at a time ------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path):
    """A registry with nothing in it yet but main."""
    return worlds.world(tmp_path, 0)


def commit(world, change, ref="refs/heads/main"):
    files = dict(world.commits[world.refs[ref]])
    change(files)
    world.refs[ref] = world.commit([world.refs[ref]], files)
    return files


def test_what_was_stored_lately_stays(world, tmp_path):
    world.write()
    found = keeper(clone(world, tmp_path), now=time.time() + 13 * 86400).find()
    assert (len(found.leftovers[0].garbage), len(found.leftovers[0].young)) == (0, len(world.objects))
    found = keeper(tmp_path / "checkout", now=time.time() + 15 * 86400).find()
    assert (len(found.leftovers[0].garbage), len(found.leftovers[0].young)) == (len(world.objects), 0)


def test_looking_deletes_nothing(world, tmp_path):
    world.write()
    assert keeper(clone(world, tmp_path)).find().leftovers[0].garbage
    assert stored(world.store) == world.objects


def test_other_files_on_the_remote_are_left_alone(world, tmp_path):
    world.write()
    others = ["README", "files/md5/zz/x", "files/md5/aa/short", f"ab/{'0' * 30}", f"files/sha256/ab/{'0' * 30}"]
    for other in others:
        (world.store / other).parent.mkdir(parents=True, exist_ok=True)
        (world.store / other).write_text("not an object")
    keeper(clone(world, tmp_path)).delete()
    assert sorted(str(place.relative_to(world.store)) for place in world.store.rglob("*") if place.is_file()) == sorted(
        others
    )


def alias(world, number, generation):
    def change(files):
        files["models/M/aliases/production.yaml"] = f"generation: {generation}\nversion: v{number}\n".encode()

    return change


def test_what_production_held_in_its_last_ten_moves_stays_though_it_was_withdrawn(world, tmp_path):
    for n in range(14):
        commit(world, world.log)
        files = commit(world, alias(world, n, n + 1))
    for artifact in ("v/a", "v/b"):
        about = f"artifacts/{artifact}/artifact.yaml"
        numbers = [path.split("/")[-1][:-4] for path in files if path.startswith(f"artifacts/{artifact}/versions/")]
        withdrawn = {about: ("description: A\nwithdrawn:\n" + "".join(f"  {n}: bad\n" for n in numbers)).encode()}
        files = commit(world, lambda files, new=withdrawn: files.update(new))
    world.write()
    last = worlds.needed(world.store, *(worlds.linked(files, f"v{n}") for n in range(3, 14)))
    first = worlds.needed(world.store, *(worlds.linked(files, f"v{n}") for n in range(3)))
    keeper(clone(world, tmp_path), without_withdrawn=True).delete()
    assert last - stored(world.store) == set()
    assert stored(world.store) & (first - last) == set()


CLONES = {
    "a shallow clone": (["--depth=1"], "git fetch --unshallow"),
    "a partial clone": (["--filter=blob:none"], "full clone"),
    "single branches": (["--single-branch"], "git config remote.origin.fetch"),
}


@pytest.mark.parametrize("kind", CLONES)
def test_a_clone_that_hides_versions_is_refused(world, tmp_path, kind):
    commit(world, world.log)
    world.write()
    worlds.git(world.origin, "config", "uploadpack.allowFilter", "true")
    options, remedy = CLONES[kind]
    worlds.git(tmp_path, "clone", "-q", *options, world.origin.as_uri(), "checkout")
    with pytest.raises(Unavailable, match=kind) as refused:
        keeper(tmp_path / "checkout").delete()
    assert remedy in refused.value.hint
    assert stored(world.store) == world.objects


def test_an_origin_out_of_reach_deletes_nothing(world, tmp_path):
    world.write()
    root = clone(world, tmp_path)
    world.origin.rename(tmp_path / "moved")
    with pytest.raises(Unavailable, match="origin"):
        keeper(root).delete()
    assert stored(world.store) == world.objects


def remote_manifest(world):
    """Log versions until one has its manifest on the remote; give its folder."""
    while True:
        files = commit(world, world.log)
        for text in files.values():
            if b"manifest: remote" in text:
                return worlds.yaml.safe_load(text)["outs"][0]["md5"]


@pytest.mark.parametrize("spoiled", ["missing", "damaged"])
def test_a_version_whose_files_cannot_be_told_stops_it(world, tmp_path, spoiled):
    folder = remote_manifest(world)
    world.write()
    place = worlds.place(world.store, folder)
    place.unlink() if spoiled == "missing" else place.write_bytes(b"[]")
    with pytest.raises(Unavailable, match="what that version needs cannot be told"):
        keeper(clone(world, tmp_path)).delete()
    assert stored(world.store) | {folder} == world.objects


def test_a_list_of_files_is_read_on_the_remote_that_its_version_names(world, tmp_path):
    other = tmp_path / "other-store"
    files = dict(world.commits[0])
    config = files[".dvc/config"] + f"['remote \"other\"']\n    url = {other}\n".encode()
    world.refs["refs/heads/main"] = world.commit([0], {**files, ".dvc/config": config})
    folder = remote_manifest(world)
    named = {
        path: text.replace(b"  hash: md5\n", b"  hash: md5\n  remote: other\n") if folder.encode() in text else text
        for path, text in world.commits[-1].items()
    }
    assert named != world.commits[-1]
    world.commits[-1] = named
    kept = worlds.needed(world.store, *world.commits)
    world.write()
    worlds.place(other, folder).parent.mkdir(parents=True)
    worlds.place(world.store, folder).rename(worlds.place(other, folder))
    keeper(clone(world, tmp_path)).delete()
    assert stored(world.store) | {folder} == kept


def test_a_folder_of_plain_dvc_that_nobody_has_stops_nothing(world, tmp_path):
    gone = "0" * 32 + ".dir"
    commit(world, lambda files: files.update({"data.dvc": f"outs:\n- md5: {gone}\n  path: data\n".encode()}))
    world.write()
    assert keeper(clone(world, tmp_path)).find().lost == (gone,)


def test_a_hash_that_is_written_with_escapes_counts(world, tmp_path):
    name = world.put(b"escaped")
    written = f'outs:\n- md5: "\\x{ord(name[0]):02x}{name[1:]}"\n  path: data\n'
    commit(world, lambda files: files.update({"data.dvc": written.encode()}))
    world.write()
    keeper(clone(world, tmp_path)).delete()
    assert stored(world.store) == {name}


def test_a_registry_that_shares_the_remote_keeps_its_own(world, tmp_path):
    commit(world, world.log)
    world.write()
    (tmp_path / "two").mkdir()
    other = worlds.World(tmp_path / "two/origin.git", world.store, world.chance)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(other.origin)], check=True)
    other.refs["refs/heads/main"] = other.commit([], dict(world.commits[0]))
    theirs = commit(other, other.log)
    other.write()
    ours = worlds.needed(world.store, world.commits[-1])
    keeper(clone(world, tmp_path), also=[git.locate(str(other.origin), tmp_path)]).delete()
    assert stored(world.store) == ours | worlds.needed(world.store, theirs)


def test_what_is_pushed_while_it_is_deleted_is_said(world, tmp_path):
    commit(world, world.log)
    world.write()
    root = clone(world, tmp_path)
    path, record = "artifacts/v/z/versions/v0.dvc", world.record("v0")
    pushed = []

    def push_first(*_told):
        if not pushed:
            main = worlds.git(root, "rev-parse", "origin/main").strip()
            pushed.append(git.commit_objects(api.open(root).source.repository, main, {path: record}, "Late"))
            worlds.git(root, "push", "-q", "origin", f"{pushed[0]}:refs/heads/late")

    with pytest.raises(Denied, match="pushed in that very moment"):
        keeper(root).delete(push_first)


def test_a_bare_repository_and_a_url_are_looked_at_whole(world):
    for ref in ("refs/heads/b", "refs/pull/1/head", "refs/tags/t"):
        world.refs[ref] = world.refs["refs/heads/main"]
        commit(world, world.log, ref)
    world.write()
    needed = worlds.needed(world.store, *world.commits)
    for where in (str(world.origin), world.origin.as_uri()):
        garbage_found = {one.md5 for one in keeper(where).find().leftovers[0].garbage}
        assert garbage_found == world.objects - needed


def test_the_cache_and_what_use_left_go_with_the_version(tmp_path, world):
    world.write()
    root = clone(world, tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/w.bin").write_bytes(b"weights")
    registry = api.open(root)
    with registry.edit("Log") as edit:
        edit.log("v/a", tmp_path / "out")
    path = api.open(root).use("v/a:v0").path
    kept = keeper(root, cache=True).delete()
    assert path.read_bytes() == b"weights"
    assert kept.leftovers[1].needed == 2
    worlds.git(root, "clean", "-fdq", "artifacts")
    gone = keeper(root, cache=True).delete()
    assert gone.handed_out == (
        worlds.md5(b'[{"md5": "' + worlds.md5(b"weights").encode() + b'", "relpath": "w.bin"}]') + ".dir",
    )
    assert not path.parent.exists()
    assert stored(root / ".dvc/cache") == set()
