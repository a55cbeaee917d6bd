"""Bundles: what goes in comes out, proven; and whatever is not as podium wrote it leaves nothing behind."""

import json
import os
import random
import shutil
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from podium import api, bundle, custody
from podium.bundle import archive
from podium.errors import Denied, Unavailable
from podium.git import bundling
from tests import worlds
from tests.hostile.typed import typed

pytestmark = pytest.mark.usefixtures("own_settings")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A checkout with versions of both kinds, one of them on a branch only, and its bundle."""
    folder = tmp_path_factory.mktemp("bundled")
    world = worlds.world(folder, 3)
    for _ in range(4):
        files = dict(world.commits[world.refs["refs/heads/main"]])
        world.log(files)
        world.refs["refs/heads/main"] = world.commit([world.refs["refs/heads/main"]], files)
    world.refs["refs/heads/topic"] = world.refs["refs/heads/main"]
    files = dict(files)
    world.log(files)
    world.refs["refs/heads/topic"] = world.commit([world.refs["refs/heads/main"]], files)
    world.refs["refs/tags/v1.0"] = 2
    world.write()
    worlds.git(folder, "clone", "-q", str(world.origin), "checkout")
    (folder / "checkout/.dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    registry = api.open(folder / "checkout")
    bundle.create(registry.source, registry.storage, folder / "all.podium", ["main"])
    return folder


@pytest.fixture
def site(template, tmp_path):
    """A copy of the bundle, where nothing else is."""
    (tmp_path / "site").mkdir()
    shutil.copyfile(template / "all.podium", tmp_path / "site/all.podium")
    return tmp_path / "site"


def needed(template, *refs):
    trees = [
        worlds.at(template / "origin.git", worlds.git(template / "origin.git", "rev-parse", f"{ref}^{{}}").strip())
        for ref in refs
    ]
    return worlds.needed(template / "store", *trees)


def objects(store):
    return {place.parent.name + place.name: place.read_bytes() for place in store.glob("files/md5/*/*")}


def test_a_new_site_can_use_and_prove_everything_without_a_network(template, site):
    done = bundle.take(site / "all.podium", site / "here")
    assert (done.versions, done.sent, done.refs) == (4, done.objects, ("refs/heads/main",))
    assert objects(site / "here-objects").keys() == needed(template, "main")
    registry = api.open(site / "here")
    assert custody.verify(registry.storage, custody.named(registry.value, None), deep=True).problems == ()
    used = registry.use("M:v3")
    assert [path.read_bytes() for path in used.files]
    assert worlds.git(site / "here", "status", "--porcelain", "--untracked-files=no") == ""
    assert worlds.git(site / "here", "rev-parse", "main") == worlds.git(template / "origin.git", "rev-parse", "main")


def test_a_clone_takes_the_bytes_to_its_own_remote_and_the_branches_beside_its_own(template, site):
    registry = api.open(template / "checkout")
    worlds.git(template / "checkout", "fetch", "-q", "origin", "topic:topic")
    bundle.create(registry.source, registry.storage, site / "more.podium", ["topic", "v1.0"])
    bundle.take(site / "all.podium", site / "here")
    head = worlds.git(site / "here", "rev-parse", "HEAD")
    done = bundle.take(site / "more.podium", site / "here")
    assert done.sent == len(needed(template, "topic") - needed(template, "main"))
    assert objects(site / "here-objects").keys() == needed(template, "topic", "main")
    assert worlds.git(site / "here", "rev-parse", "HEAD") == head
    worlds.git(site / "here", "merge", "-q", "--ff-only", "bundle/topic")
    assert worlds.git(site / "here", "rev-parse", "v1.0^{}")
    registry = api.open(site / "here")
    assert custody.verify(registry.storage, custody.named(registry.value, None), deep=True).problems == ()
    assert bundle.take(site / "more.podium", site / "here").sent == 0


def test_a_version_with_a_remote_of_its_own_can_be_used_where_that_is_out_of_reach(tmp_path):
    world = worlds.world(tmp_path, 4)
    files = dict(world.commits[0])
    files[".dvc/config"] += b"['remote \"far\"']\n    url = %s\n" % bytes(tmp_path / "far")
    files[".dvc/config"] += b"[cache]\n    dir = %s\n" % bytes(tmp_path / "large")  # where the bundle comes from
    world.log(files)
    path = next(path for path in files if path.endswith("v0.dvc"))
    files[path] = files[path].replace(b"  hash: md5\n", b"  hash: md5\n  remote: far\n")
    world.refs["refs/heads/main"] = world.commit([0], files)
    world.write()
    world.store.rename(tmp_path / "far")
    worlds.git(tmp_path, "clone", "-q", str(world.origin), "checkout")
    registry = api.open(tmp_path / "checkout")
    bundle.create(registry.source, registry.storage, tmp_path / "all.podium")
    shutil.rmtree(tmp_path / "far")
    shutil.rmtree(tmp_path / "large")
    bundle.take(tmp_path / "all.podium", tmp_path / "here")
    assert api.open(tmp_path / "here").use("M:v0").files
    assert not (tmp_path / "large").exists()


def test_the_same_registry_gives_the_same_bytes_but_for_git(template, site):
    with archive.opened(site / "all.podium") as opened:
        first = opened.index
    assert archive.Index.decoded(first.encoded(), "it") == first
    with tarfile.open(site / "all.podium") as plain:  # a plain tar: nobody is locked in
        names = plain.getnames()
    assert names[:2] == ["podium-bundle.json", "history.bundle"]
    assert set(names[2:]) == {f"objects/{md5[:2]}/{md5[2:]}" for md5 in first.objects}


def left(site):
    return sorted(place.name for place in site.iterdir())


def test_a_file_that_is_cut_off_anywhere_is_refused_and_leaves_nothing(site):
    whole = (site / "all.podium").read_bytes()
    chance = random.Random(1)
    for length in {0, 1, 511, 512, len(whole) - 1025, *(chance.randrange(len(whole) - 1024) for _ in range(12))}:
        (site / "all.podium").write_bytes(whole[:length])
        with pytest.raises(Denied, match="damaged") as refused:
            bundle.take(site / "all.podium", site / "here")
        assert length < 2000 or "cut off" in refused.value.sentence
    assert left(site) == ["all.podium"]


def test_a_flipped_bit_anywhere_is_refused_and_leaves_nothing(site):
    whole = bytearray((site / "all.podium").read_bytes())
    with archive.opened(site / "all.podium") as opened:
        spots = [at + 512 for at in opened.places.values() if opened.index.objects] + list(opened.places.values())
    chance = random.Random(2)
    for at in [100, 700, *chance.sample(spots, 12)]:
        damaged = whole.copy()
        damaged[at] ^= 1
        (site / "all.podium").write_bytes(damaged)
        with pytest.raises(Denied):
            bundle.take(site / "all.podium", site / "here")
        with pytest.raises(Denied):
            bundle.verify(site / "all.podium")
    assert left(site) == ["all.podium"]


def rewritten(site, change, contents=None):
    """Write the bundle anew as somebody would who means harm: with everything that can be made to fit made to fit."""
    with archive.opened(site / "all.podium") as opened:
        index = opened.index
        held = {"history": b"".join(opened.history()), **{md5: b"".join(opened.object(md5)) for md5 in index.objects}}
    held |= contents or {}
    made = change(index)
    order = [("history", [held["history"]]), *((md5, [held.get(md5, b"")]) for md5 in made.objects)]
    with (site / "all.podium").open("wb") as stream:
        archive.write(stream, made, order)


def without_one(index):
    gone = next(md5 for md5 in index.objects if not md5.endswith(".dir"))
    return replace(index, objects={md5: sums for md5, sums in index.objects.items() if md5 != gone})


def with_another(index):
    return replace(index, objects={**index.objects, "0" * 32: archive.hashing.of_bytes(b"")})


def other_refs(index):
    return replace(index, refs={**index.refs, "refs/heads/other": next(iter(index.refs.values()))})


@pytest.mark.parametrize("change", [without_one, with_another, other_refs])
def test_an_index_that_does_not_fit_its_history_is_refused(site, change):
    rewritten(site, change)
    with pytest.raises(Denied, match="damaged"):
        bundle.take(site / "all.podium", site / "here")
    assert left(site) == ["all.podium"]


def test_an_object_that_fits_the_index_but_not_its_record_is_refused(site):
    # the attacker has another file of the same MD5, and an index that says so: the record's SHA-256 tells
    def change(index):
        md5 = next(iter(worlds_files(index)))
        sums = archive.hashing.of_bytes(b"x" * index.objects[md5].size)
        return replace(index, objects={**index.objects, md5: replace(sums, md5=md5)})

    with archive.opened(site / "all.podium") as opened:
        md5 = next(iter(worlds_files(opened.index)))
        content = {md5: b"x" * opened.index.objects[md5].size}
    rewritten(site, change, content)
    with pytest.raises(Denied, match=r"damaged|differ"):
        bundle.take(site / "all.podium", site / "here")
    assert left(site) == ["all.podium"]


def worlds_files(index):
    return [md5 for md5 in index.objects if not md5.endswith(".dir")]


INDEXES = {
    "a path": lambda data: data["objects"][0].update(name="../../../../tmp/evil"),
    "a negative size": lambda data: data["objects"][0].update(size=-1),
    "a size beyond all": lambda data: data["objects"][0].update(size=1 << 70),
    "a size that is none": lambda data: data["objects"][0].update(size="1"),
    "a truth for a size": lambda data: data["objects"][0].update(size=True),
    "doubles": lambda data: data["objects"].append(data["objects"][0]),
    "a ref outside": lambda data: data["refs"].update({"refs/remotes/x": "0" * 40}),
    "an option for a ref": lambda data: data["refs"].update({"--upload-pack=x": "0" * 40}),
    "a head that is none": lambda data: data.update(head="refs/heads/nowhere"),
    "no history": lambda data: data.pop("history"),
    "a list": lambda data: data.update(refs=[]),
    "a format of old": lambda data: data.update(format=0),
    "a truth for a format": lambda data: data.update(format=True),
    "a list for a head": lambda data: data.update(head=[]),
    "a mapping for a head": lambda data: data.update(head={}),
    "more than podium writes": lambda data: data.update(note="x"),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_an_index_that_podium_does_not_write_is_refused(site, kind):
    with archive.opened(site / "all.podium") as opened:
        data = json.loads(opened.index.encoded())
    INDEXES[kind](data)
    content = json.dumps(data, indent=0).encode()
    with (site / "all.podium").open("wb") as stream:
        archive._write_member(stream, archive.INDEX, len(content), [content])
        stream.write(bytes(1 << 16))
    with pytest.raises(Denied, match="damaged"):
        bundle.take(site / "all.podium", site / "here")
    assert left(site) == ["all.podium"]


@pytest.mark.parametrize(
    "content",
    [b"[" + b"[]," * (1 << 20), b'{"objects": [' + b"1," * (1 << 20) + b"1]}", b'{"a":' * (1 << 18)],
    ids=["lists", "numbers", "deep"],  # a test's name goes into the environment, where no such content fits
)
def test_an_index_of_many_small_things_is_refused_before_they_are_made(site, content):
    with (site / "all.podium").open("wb") as stream:
        archive._write_member(stream, archive.INDEX, len(content), [content])
    tracemalloc.start()
    try:
        with pytest.raises(Denied, match="damaged"):
            bundle.verify(site / "all.podium")
        assert tracemalloc.get_traced_memory()[1] < 4 * len(content)
    finally:
        tracemalloc.stop()


def test_a_newer_format_is_exit_3(site):
    with archive.opened(site / "all.podium") as opened:
        content = opened.index.encoded().replace(b'"format": 1', b'"format": 2')
    with (site / "all.podium").open("wb") as stream:
        archive._write_member(stream, archive.INDEX, len(content), [content])
    with pytest.raises(Unavailable, match="newer podium"):
        bundle.verify(site / "all.podium")


@pytest.mark.parametrize("kind", ["link", "path", "other"])
def test_a_tar_made_by_others_is_refused(site, kind):
    with tarfile.open(site / "all.podium", "w") as made:
        member = tarfile.TarInfo("podium-bundle.json" if kind == "link" else "../../evil")
        if kind == "link":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(member)
    if kind == "other":
        (site / "all.podium").write_bytes(os.urandom(5000))
    with pytest.raises(Denied, match="does not begin like one"):
        bundle.take(site / "all.podium", site / "here")
    assert left(site) == ["all.podium"]


def test_nothing_that_is_there_is_overwritten(template, site):
    (site / "here").mkdir()
    (site / "here/mine").touch()
    with pytest.raises(Denied, match="is there, and is no registry"):
        bundle.take(site / "all.podium", site / "here")
    (site / "there-objects").mkdir()
    with pytest.raises(Denied, match="there already"):
        bundle.take(site / "all.podium", site / "there")
    registry = api.open(template / "checkout")
    with pytest.raises(Denied, match="there already"):
        bundle.create(registry.source, registry.storage, site / "all.podium")
    with pytest.raises(Denied, match="no branch or tag"):
        bundle.create(registry.source, registry.storage, site / "new.podium", ["HEAD~1"])
    assert left(site) == ["all.podium", "here", "there-objects"]


def test_what_the_store_has_damaged_is_not_bundled(template, site):
    shutil.copytree(template, site / "copy", symlinks=True)
    store, root = site / "copy/store", site / "copy/checkout"
    shutil.rmtree(root / ".dvc/cache")
    text = (root / ".dvc/config").read_text()
    (root / ".dvc/config").write_text(text.replace(str(template / "store"), str(store)))
    place = next(
        place
        for place in store.glob("files/md5/*/*")
        if place.suffix != ".dir" and place.parent.name + place.name in needed(template, "main")
    )
    place.write_bytes(b"damaged")
    registry = api.open(root)
    with pytest.raises(Denied):
        bundle.create(registry.source, registry.storage, site / "new.podium")
    assert left(site) == ["all.podium", "copy"]


def test_the_history_of_a_shallow_clone_is_not_bundled(template, site):
    worlds.git(site, "clone", "-q", "--depth=1", f"file://{template}/origin.git", "shallow")
    with pytest.raises(Unavailable, match="shallow"):
        bundling.packed(api.open(site / "shallow").source.repository, ["refs/heads/main"], Path(site / "x"))


def test_a_history_that_git_would_not_take_is_refused(site):
    """Objects are checked one by one: a tree with `..` in it is no tree."""
    with archive.opened(site / "all.podium") as opened:
        history = b"".join(opened.history())
    damaged = bytearray(history)
    damaged[-30] ^= 1
    sums = archive.hashing.of_bytes(bytes(damaged))
    rewritten(site, lambda index: replace(index, history=sums), {"history": bytes(damaged)})
    with pytest.raises(Denied, match="history in the bundle"):
        bundle.take(site / "all.podium", site / "here")
    assert left(site) == ["all.podium"]


def with_history(site, history, refs=None):
    """Put another history into the bundle; refs are the bundle's own unless they are given."""
    sums = archive.hashing.of_bytes(history)
    rewritten(site, lambda index: replace(index, history=sums, refs=refs or index.refs), {"history": history})


def test_a_history_that_points_at_a_repository_of_this_machine_is_not_followed(template, site):
    with_history(site, b"gitdir: %s\n" % bytes(template / "origin.git"))
    with pytest.raises(Denied, match="no bundle of Git's"):
        bundle.verify(site / "all.podium")
    with pytest.raises(Denied, match="no bundle of Git's"):
        bundle.take(site / "all.podium", site / "here")
    assert left(site) == ["all.podium"]


def test_a_branch_or_tag_that_is_no_commit_is_refused(template, site):
    repository = site / "made.git"
    worlds.git(site, "clone", "-q", "--bare", str(template / "origin.git"), str(repository))
    thing = worlds.git(repository, "hash-object", "-w", "--stdin", stdin=b"x").strip()
    worlds.git(repository, "tag", "thing", thing)
    worlds.git(repository, "bundle", "create", "-q", str(site / "made"), "main", "thing")
    main = worlds.git(repository, "rev-parse", "main").strip()
    with_history(site, (site / "made").read_bytes(), {"refs/heads/main": main, "refs/tags/thing": thing})
    with pytest.raises(Denied, match="no commit"):
        bundle.verify(site / "all.podium")


def test_a_name_of_a_branch_is_quoted_where_it_is_to_be_typed(template, site):
    repository = site / "made.git"
    worlds.git(site, "clone", "-q", "--bare", str(template / "origin.git"), str(repository))
    worlds.git(repository, "branch", "a;touch${IFS}b", "main")
    worlds.git(repository, "bundle", "create", "-q", str(site / "made"), "a;touch${IFS}b")
    main = worlds.git(repository, "rev-parse", "main").strip()
    name = "refs/heads/a;touch${IFS}b"
    sums = archive.hashing.of_bytes((site / "made").read_bytes())
    rewritten(
        site,
        lambda index: replace(index, history=sums, refs={name: main}, head=name),
        {"history": (site / "made").read_bytes()},
    )
    assert typed("bundle", "import", site / "all.podium", site / "here").code == 0
    said = typed("bundle", "import", site / "all.podium", site / "here").err
    assert "`git merge --ff-only 'bundle/a;touch${IFS}b'`" in said


PLANTED = (".dvc", ".dvc/tmp", ".dvc/cache", ".dvc/cache/files/md5", ".dvc/cache/podium-tmp", ".dvc/config.local")


@pytest.mark.parametrize("path", PLANTED)
def test_what_a_bundle_plants_where_this_machines_own_things_are_leads_nowhere(template, site, path):
    made, outside = site / "made.git", site / "outside"
    outside.mkdir()
    worlds.git(site, "clone", "-q", "--bare", str(template / "origin.git"), str(made))
    link = worlds.git(made, "hash-object", "-w", "--stdin", stdin=bytes(outside)).strip()
    worlds.git(made, "read-tree", "main")
    worlds.git(made, "update-index", "--add", "--replace", "--cacheinfo", f"120000,{link},{path}")
    tree = worlds.git(made, "write-tree").strip()
    commit = worlds.git(made, "commit-tree", "-p", "main", "-m", "x", tree).strip()
    worlds.git(made, "update-ref", "refs/heads/main", commit)
    worlds.git(made, "bundle", "create", "-q", str(site / "made"), "main")
    with_history(site, (site / "made").read_bytes(), {"refs/heads/main": commit})
    with pytest.raises(Denied, match="in a commit"):
        bundle.take(site / "all.podium", site / "here")
    assert left(site) == ["all.podium", "made", "made.git", "outside"]
    assert left(outside) == []
