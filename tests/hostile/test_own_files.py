"""Files that are not podium's: whatever a command or a call is pointed at, they stay as they are."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import podium
from podium import bundle, ci, codec, folders, founding, git, githooks, index, resolve, timeline
from podium.errors import Denied, Unavailable, Usage
from podium.publish import files
from podium.site import build
from tests.hostile.conftest import ALL, SEED
from tests.hostile.scenes import Scene
from tests.hostile.typed import typed

NAMES = ("script.py", "notes.txt", "a.lock", "x.tmp", "z.json", ".podium-1", "index/models/mine.json")
PATHS = (
    *("", ".", "..", "/./", "~", "~/", "sub", "sub/..", "script.py", "up", "away", "flink", "nowhere", "-", ".git"),
    *("*", " ", "new", "../new", "x\ny", "\udcff", "a" * 300, "file://", "/dev/null", "/proc/self/cwd"),
    *("index", "index/models", ".podium-1"),
)  # fmt: skip
CALLS = 3000 if ALL else 50


@dataclass(frozen=True)
class World:
    """A scene in the middle of files of somebody's."""

    root: Path
    scene: Scene

    @classmethod
    def made(cls, root: Path) -> World:
        """Make one."""
        world = cls(root, Scene.made(root))
        for folder in (root, root / "work", root / "work/sub", root / "home", root / "cache/rows", root / "target"):
            world.strew(folder)
        for folder in ("", "registry", "registry/.dvc", "registry/schemas", "store", "origin.git"):
            world.strew(world.scene.root / folder)
        (root / "work/up").symlink_to("..")
        (root / "work/away").symlink_to(root / "home")
        (root / "work/nowhere").symlink_to("/nowhere/at/all")
        (root / "work/flink").symlink_to(root / "home/script.py")
        (root / "target/config.json").symlink_to(root / "home/script.py")
        return world

    @staticmethod
    def strew(folder: Path) -> None:
        """Leave files of somebody's in a folder, as old as can be."""
        for name in NAMES:
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("mine")
            os.utime(place, (1, 1))

    def seen(self) -> dict[str, tuple[float, bytes]]:
        """Give what is there of somebody's."""
        found = (path for path in self.root.rglob("*") if path.name in {Path(name).name for name in NAMES})
        return {str(path): (path.stat().st_mtime, path.read_bytes()) for path in found if not path.is_symlink()}

    def path(self, luck: random.Random) -> str:
        """Give a path that nobody should hand in."""
        if luck.random() < 0.5:
            return luck.choice(PATHS)
        scene = self.scene.root
        places = (self.root, self.root / "work", self.root / "home", self.root / "target", scene, scene / "registry")
        places += (scene / "store", scene / "origin.git", scene / "kept.podium", scene / "registry/registry.yaml")
        return str(luck.choice(places)) + luck.choice(("", "", "/", "/..", "/new", "/../work", "/script.py"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world") / "above" / "here"  # `..` of it is nobody else's either
    root.mkdir(parents=True)
    return World.made(root)


def commands(world: World, luck: random.Random) -> list[str]:
    """Give a command with odd paths."""
    here, path, kept = str(world.scene.registry), lambda: world.path(luck), str(world.scene.root / "kept.podium")
    name = luck.choice(("M", "vision/resnet50", "../x", "a/..", path()))
    return luck.choice((
        ["init", path(), "--remote", path()], ["-R", path(), "check", "--fix", path()], ["-R", path(), "fmt", path()],
        ["-R", here, "use", "M:v0", "--to", path(), "--force"],
        ["-R", here, "use", "M", "--to", path(), "--file", path()],
        ["-R", here, "log", name, path(), "--metadata-file", path(), "--no-upload"],
        ["-R", path(), "log", name, path()],
        ["-R", here, "bundle", "create", path()], ["bundle", "import", kept, path()], ["bundle", "verify", path()],
        ["-R", here, "site", "build", path()], ["-R", path(), "ci", luck.choice(("github", "gitlab", "pre-commit"))],
        ["ci", "pre-receive", path()], ["ci", "pre-receive", path(), "--remove"], ["-R", path(), "codeowners"],
        ["-R", here, "create", name], ["-R", here, "promote", "M:v0", path()],
        ["-R", here, "rollback", name, path(), "--to", path()],
        ["-R", here, "gc", "--cache", "--remote", "storage", "--delete", "--older-than", "0d", "--also", path()],
    ))  # fmt: skip


def call(world: World, luck: random.Random) -> None:
    """Call something of the package with odd paths, and with values that were put together by hand."""
    given = luck.choice((str, Path))(world.path(luck))
    opened = podium.open(str(world.scene.registry))
    version = opened.resolve("vision/resnet50:v0")
    record = replace(version.record, md5=luck.choice(("", ".dir", "..", "/", f"{given}.dir", "../../../work.dir")))
    record = replace(record, files=None) if luck.random() < 0.5 else record
    luck.choice((
        lambda: podium.use_model("M:v0", registry=str(world.scene.registry), to=given),
        lambda: podium.use_model("M:v0", registry=given),
        lambda: opened.use(replace(version, record=record), to=luck.choice((None, given)), force=True),
        lambda: opened.edit().__enter__().log("vision/resnet50", given),
        lambda: resolve.take_back(Path(given), record.md5),
        lambda: index.write(codec.read(opened.source.tree("HEAD")), Path(given)),
        lambda: build(opened.source.repository, timeline.tip(opened.source, None), Path(given)),
        lambda: bundle.create(opened.source, opened.storage, Path(given)),
        lambda: founding.found(Path(given), entity=None, remote=None, install="podium==1"),
        lambda: githooks.install(Path(given)),
        lambda: ci.write(Path(given), ci.github("podium==1")),
    ))()  # fmt: skip


def test_nothing_of_somebodys_is_changed_or_taken_away_whatever_podium_is_pointed_at(world, monkeypatch):
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(world.root / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(world.root / "home/data"))
    before = world.seen()
    for number in range(CALLS):
        luck = random.Random(f"{SEED} {number}")
        monkeypatch.chdir(
            luck.choice([world.root / "work", world.root / "target", world.scene.registry, world.scene.root])
        )
        monkeypatch.setenv("HOME", luck.choice([str(world.root / "home"), str(world.root / "work"), "", ".", "~"]))
        if luck.random() < 0.5:
            words = commands(world, luck)
            typed(*words)
        else:
            words = "a call"
            with suppress(podium.Error, TypeError, ValueError, OSError):
                call(world, luck)
        seen = world.seen()
        lost = {path for path in before if before[path] != seen.get(path)}
        assert lost == set(), f"{SEED} {number}: {words} in {Path.cwd()}"


EMPTY = (
    ["init", ""], ["init", "--remote", ""], ["-R", "", "list"], ["use", "M", "--to", ""], ["log", "p/a", ""],
    ["fmt", ""],
    ["log", "p/a", ".", "--metadata-file", ""], ["bundle", "create", ""], ["bundle", "verify", ""],
    ["bundle", "import", ""],
    ["bundle", "import", "x", ""], ["site", "build", ""], ["check", ""], ["ci", "pre-receive", ""], ["demo", ""],
    ["gc", "--also", ""], ["merge-driver", "run", "", "a", "b", "7", "x"],
)  # fmt: skip


def test_an_empty_path_is_no_path(world, monkeypatch):
    monkeypatch.chdir(world.scene.registry)
    before = {path.name for path in Path().iterdir()}
    for words in EMPTY:
        typed(*words, codes={2})
    for refused in (
        lambda: podium.open(""),
        lambda: podium.use_model("M", to=""),
        lambda: podium.open().edit().__enter__().log("p/a", ""),
    ):
        with pytest.raises(Usage):
            refused()
    assert {path.name for path in Path().iterdir()} == before
    monkeypatch.setenv("PODIUM_REGISTRY", "")  # a variable that is empty is not set
    assert podium.open().models["M"].name == "M"


@pytest.mark.parametrize("path", [".github", ".github/workflows", ".github/workflows/podium.yml"])
def test_what_podium_installs_goes_through_no_link(tmp_path, path):
    (tmp_path / "registry" / path).parent.mkdir(parents=True)
    (tmp_path / "away").mkdir()
    (tmp_path / "registry" / path).symlink_to(tmp_path / "away")
    with pytest.raises((Denied, OSError)):
        ci.write(tmp_path / "registry", ci.github("podium==1"), force=True)
    assert list((tmp_path / "away").iterdir()) == []


def test_an_unfinished_file_that_is_a_link_is_not_written_through(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".podium-a.yml.tmp").symlink_to(tmp_path / "mine")
    files.put(tmp_path, "a.yml", "text")
    assert ((tmp_path / "mine").read_text(), (tmp_path / "a.yml").read_text()) == ("mine", "text")


def written_index(world: World, folder: Path) -> None:
    repository = podium.open(str(world.scene.registry)).source.repository
    index.write(codec.read(git.commit_tree(repository, str(repository.head.target))), folder)


def test_an_index_takes_away_its_own_files_only(world, tmp_path):
    written_index(world, tmp_path / "site")
    stale = tmp_path / "site/index/models/Gone.json"
    stale.write_bytes((tmp_path / "site/index/models/M.json").read_bytes())
    mine = tmp_path / "site/index/models/mine.json"
    mine.write_text("{}")
    written_index(world, tmp_path / "site")
    assert (stale.exists(), mine.read_text()) == (False, "{}")


def test_an_index_is_written_through_no_link_and_over_no_other_file(world, tmp_path):
    (tmp_path / "away/models").mkdir(parents=True)
    world.strew(tmp_path / "away/models")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index").symlink_to(tmp_path / "away")
    with pytest.raises(Denied, match="a link"):
        written_index(world, tmp_path / "site")
    assert not (tmp_path / "away/v").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/index.json").write_text('{"mine": 1}')
    with pytest.raises(Denied, match="did not write"):
        written_index(world, tmp_path / "other")
    assert (tmp_path / "other/index.json").read_text() == '{"mine": 1}'


def test_a_new_clone_does_not_take_the_folder_that_one_is_in(world, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(Denied, match="you are in"):
        bundle.take(world.scene.root / "kept.podium", Path())
    assert Path.cwd().exists()


def test_a_home_that_is_no_folder_of_its_own_is_not_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("PODIUM_CACHE_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for home in (".", "~", "here"):
        monkeypatch.setenv("HOME", home)
        for folder in (folders.cache, folders.data):
            with pytest.raises(Unavailable, match="no home folder"):
                folder()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PODIUM_CACHE_DIR", "~/kept")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert (folders.cache(), folders.data()) == (tmp_path / "kept", tmp_path / ".local/share/podium")
