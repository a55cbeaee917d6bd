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


def local_work(world, root):
    """Leave things about: a stash, a staged record, a file on disk, a commit on no branch in a second work tree."""
    chance = world.chance
    (root / "artifacts/v/c/versions").mkdir(parents=True)
    (root / "artifacts/v/c/versions/v0.dvc").write_bytes(world.record("v0"))
    worlds.git(root, "add", "-A")
    if chance.random() < 0.5:
        worlds.git(root, "stash", "-q")
        (root / "artifacts/v/c/versions").mkdir(parents=True)
    (root / "artifacts/v/c/versions/v1.dvc").write_bytes(world.record("v1"))
    worlds.git(root, "add", "-A")
    (root / "artifacts/v/c/versions/v1.dvc").write_bytes(world.record("v1"))  # staged one, and another on disk
    (root / "untracked.dvc").write_bytes(world.record("untracked"))
    other = root.parent / "other"
    worlds.git(root, "worktree", "add", "-q", "--detach", str(other))
    (other / "alone.dvc").write_bytes(world.record("alone"))
    worlds.git(other, "add", "-A")
    worlds.git(other, "commit", "-q", "-m", "On no branch")
    (other / "loose.dvc").write_bytes(world.record("loose"))
    return other


def on_disk(*roots):
    return [
        {str(place): place.read_bytes() for place in root.rglob("*") if place.name.endswith((".dvc", "dvc.lock")) and place.is_file()}
        for root in roots
    ]  # fmt: skip


def staged(root):
    lines = worlds.git(root, "ls-files", "-s").splitlines()
    entries = [line.partition("\t") for line in lines]
    return {path: worlds.blob(root, about.split()[1]) for about, _, path in entries if path.endswith(".dvc")}


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_whatever_any_ref_ever_had_stays_and_the_rest_goes(tmp_path, seed):
    world = worlds.world(tmp_path, seed)
    root = clone(world, tmp_path)
    other = local_work(world, root)
    stashed = commits_of(root, "refs/stash") if "refs/stash" in worlds.git(root, "for-each-ref") else []
    trees = [worlds.at(world.origin, commit) for commit in worlds.commits(world.origin, "--all")]
    trees += [worlds.at(root, commit) for commit in [*stashed, *commits_of(other, "HEAD")]]
    needed = worlds.needed(world.store, *trees, *on_disk(root, other), staged(root))
    found = keeper(root).delete()
    assert stored(world.store) == needed
    assert {one.md5 for one in found.leftovers[0].garbage} == world.objects - needed


def commits_of(root, rev):
    return worlds.git(root, "rev-list", rev, "--not", "--remotes").split()


@pytest.mark.parametrize("seed", range(100, 100 + ROUNDS))
def test_what_withdrawn_versions_need_goes_unless_something_else_needs_it(tmp_path, seed):
    world = worlds.world(tmp_path, seed, steps=35, late=5)
    root = clone(world, tmp_path)
    tips = {
        ref: worlds.at(world.origin, commit)
        for commit, ref in (line.split() for line in worlds.git(world.origin, "for-each-ref", "--format=%(objectname) %(refname)").splitlines())
    }  # fmt: skip
    branches = [files for ref, files in tips.items() if "refs/tags" not in ref]
    main = worlds.git(world.origin, "rev-parse", "main").strip()
    needed = worlds.needed(
        world.store,
        *(worlds.not_withdrawn(files) for files in branches),
        *(worlds.held(files) for files in tips.values()),
        worlds.last_moves(world.origin, main),
    )
    main_files = tips["refs/heads/main"]
    # a number that some branch has for another content is kept as well: which of the two is meant is not settled yet
    still = {path for files in branches for path in worlds.not_withdrawn(files)}
    still |= {path for files in tips.values() for path in worlds.held(files)}
    withdrawn = {path: text for path, text in main_files.items() if path not in still}
    everything = [worlds.at(world.origin, commit) for commit in worlds.commits(world.origin, "--all")]
    others = [{path: text for path, text in files.items() if withdrawn.get(path) != text} for files in everything]
    may_go = worlds.needed(world.store, withdrawn) - needed - worlds.needed(world.store, *others)
    keeper(root, without_withdrawn=True).delete()
    assert stored(world.store) >= needed
    assert not stored(world.store) & may_go


@pytest.mark.parametrize("seed", [*range(ROUNDS), 9011])  # the last fails where fewer than ten moves back are kept
def test_what_the_model_of_a_scene_says_is_needed_stays_and_all_the_rest_goes(tmp_path, seed):
    """Several repositories and stores, whatever git keeps in a clone, aliases that go to and fro; the odd ones `--withdrawn`."""
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


def test_an_alias_that_names_a_link_which_is_not_there_stops_nothing(tmp_path):
    made = worlds.world(tmp_path, 0, steps=0)
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
    return worlds.world(tmp_path, 0, steps=0)


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


def test_a_bare_repository_and_a_url_are_looked_at_whole(tmp_path):
    made = worlds.world(tmp_path, 7)
    needed = worlds.needed(made.store, *(worlds.at(made.origin, one) for one in worlds.commits(made.origin, "--all")))
    for where in (str(made.origin), made.origin.as_uri()):
        garbage_found = {one.md5 for one in keeper(where).find().leftovers[0].garbage}
        assert garbage_found == made.objects - needed


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
