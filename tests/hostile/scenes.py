"""A registry in which each command that writes has something to do: what anybody may see of it, and what must hold."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from podium.cli.main import main
from tests.acceptance.conftest import Place
from tests.hostile import strokes
from tests.hostile.strokes import Ended, Hit
from tests.hostile.typed import typed

MESSY = "owners: ['@acme/vision']\ndescription:   Labels\n"
WRITING = {
    "log": "log vision/resnet50 {root}/second --link M --alias best",
    "log --commit": "log vision/resnet50 {root}/second --link M --alias best --commit",
    "log --push": "log vision/resnet50 {root}/second --link M --push",
    "link": "link vision/resnet50:v0 N",
    "promote": "promote M:v0 production",
    "promote --commit": "promote M:v0 production --commit",
    "promote --push": "promote M:v0 production --push",
    "promote --pr": "promote M:v0 production --pr",
    "promote over a URL": "-R {url} promote M:v0 production --push",
    "rollback": "rollback M production",
    "rollback --commit": "rollback M production --to v0 --commit",
    "unalias": "unalias M production",
    "withdraw": "withdraw M:v0 --reason old --commit",
    "tag": "tag add M text",
    "create": "create Other --commit",
    "fmt": "fmt",
    "check --fix": "check --fix",
    "init": "init {root}/fresh --entity acme --remote {root}/fresh-store",
    "ci": "ci pre-commit",
    "merge-driver": "merge-driver install",
    "upload": "upload text/bert",
    "copy": "copy storage mirror vision/resnet50",
    "gc": "gc --delete --remote storage --cache --older-than 0d",
    "bundle create": "bundle create {root}/made.podium",
    "bundle import": "bundle import {root}/kept.podium {root}/imported",
    "use": "use M:v0",
    "use --to": "use M:v0 --to {root}/to",
    "use over a URL": "-R {url} use M:v0",
    "site build": "site build {root}/site",
}
MORE = {
    "log --pr": "log vision/resnet50 {root}/second --link M --pr",
    "log over a URL": "-R {url} log vision/resnet50 {root}/second --link M --push",
    "log of a large file": "log vision/resnet50 {root}/large --push",
    "rollback --commit, not told where to": "rollback M production --commit",
    "rollback --push": "rollback M production --to v0 --push",
    "tag --pr": "tag add M text --pr",
    "ci github": "ci github",
    "ci pre-receive": "ci pre-receive {root}/origin.git",
    "copy --all": "copy storage mirror --all",
    "use over files": "use M:v0 --to {root}/full --force",
    "use of one file": "use M:v0 --to {root}/to --file *.json",
    "site build over a site": "site build {root}/old-site",
    "bundle import into a clone": "bundle import {root}/kept.podium {root}/registry",
    "bundle create of two": "bundle create {root}/made.podium main before",
}
"""More that writes: what it does to a disk is in part like what the above do, so that few of these are tried a run."""
READING = {
    "list": "list",
    "list over a URL": "-R {url} list",
    "show": "show M",
    "resolve": "resolve M:production",
    "compare": "compare M:v0 M:v1",
    "check": "check",
    "check --storage": "check --storage",
    "check --base": "check --base HEAD~1",
    "plan": "plan HEAD~1 HEAD",
    "history": "history M production",
    "verify": "verify vision/resnet50 --deep",
    "upload of nothing": "upload vision/resnet50",
    "gc, looking": "gc",
    "bundle verify": "bundle verify {root}/kept.podium",
    "rules": "rules",
}


@dataclass(frozen=True)
class Scene:
    """A folder with a registry, its origin and its stores, and where it is begun again from."""

    root: Path
    kept: Path

    @classmethod
    def made(cls, folder: Path) -> Scene:
        """Make one."""
        scene = cls(folder / "scene", folder / "kept")
        scene.root.mkdir()
        _furnish(scene)
        for samples in scene.root.glob("**/hooks"):
            shutil.rmtree(samples)
        shutil.copytree(scene.root, scene.kept, symlinks=True)
        return scene

    @property
    def registry(self) -> Path:
        return self.root / "registry"

    def begin_again(self) -> None:
        """Put everything back; caches are empty then."""
        for child in self.root.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        shutil.copytree(self.kept, self.root, symlinks=True, dirs_exist_ok=True)

    def words(self, command: str) -> list[str]:
        """Give what somebody types."""
        words = (WRITING | READING | MORE)[command].format(root=self.root, url=f"file://{self.root}/origin.git").split()
        return words if words[0] in {"-R", "init"} else ["-R", str(self.registry), *words]

    def run(self, command: str, hit: Hit | None = None, **options: bool) -> Ended:
        """Type a command that something befalls."""
        words = self.words(command)

        def call() -> int:
            os.chdir(self.root)
            try:
                main(words)
            except SystemExit as end:
                return int(end.code or 0)

        own = {"PODIUM_CACHE_DIR": f"{self.root}/cache"}
        return strokes.run(call, [self.root], hit, environment=own, apart=[self.root / "origin.git"], **options)

    def seen(self) -> dict[str, str]:
        """Give what anybody can see: files of checkouts, the origin's tip, the stores' objects, what was handed out."""
        found = {}
        for top in ("registry", "imported", "fresh", "to", "full", "site", "old-site"):
            for path in sorted((self.root / top).rglob("*")):
                parts = path.relative_to(self.root).parts
                passed = {".git", "cache", "tmp", ".state.json"} & {*parts}
                if path.is_file() and not passed and not path.match(".podium-*.tmp"):  # these are swept after a day
                    found[str(path.relative_to(self.root))] = _told(path)
        for store in ("store", "mirror", "fresh-store"):
            found[store] = "\n".join(sorted(_objects(self.root / store)))
        listed = self.git("origin.git", "for-each-ref", "--format=%(refname)").split()
        for ref in listed:
            lines = self.git("origin.git", "ls-tree", "-r", ref).splitlines()
            found[ref] = "\n".join(line for line in lines if not line.endswith(".dvc"))
        found["status"] = "\n".join(sorted(self.git("registry", "status", "--porcelain").splitlines()))
        return found

    def left_over(self) -> set[str]:
        """Give files that nobody will ever need."""
        names = ("*.tmp", "*.lock", "*.new", "*.old", "tmp_*", "podium-unfinished", "new-*", ".new-*", "*unfinished*")
        found = {path for name in names for path in self.root.rglob(name)}
        return {str(path.relative_to(self.root)) for path in found if not _is_kept(path)}

    def check_whole(self) -> None:
        """See that what lies under its own name is all there: objects, records, the registry, Git's part of it."""
        for folder in ("store", "mirror", "fresh-store", "registry/.dvc/cache", "cache", "imported-store"):
            for path in (self.root / folder).glob("**/files/md5/*/*"):
                if not path.name.endswith(".tmp"):
                    name = path.parent.name + path.name.removesuffix(".dir")
                    assert hashlib.md5(path.read_bytes()).hexdigest() == name, f"{path} is half written"
        for path in (
            *(self.root / "to").glob("*.safetensors"),
            *(path for path in (self.root / "full").glob("model.safetensors") if path.read_text() != "mine"),
            *(self.root / "cache").glob("versions/*/*.safetensors"),
        ):
            assert path.read_text() == "weights", f"{path} is half written"
        for place in ("registry", "origin.git"):
            ended = typed("-R", self.root / place, "check", "--format", "json")
            assert ended.code == 0, f"{place}: {ended.errors if ended.out else ended.err}"
            self.git(place, "fsck", "--strict", "--no-dangling")

    def git(self, place: str, *arguments: str) -> str:
        """Run git in one of the folders; gives what it printed."""
        ran = subprocess.run(
            ["git", *arguments], cwd=self.root / place, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert ran.returncode == 0, f"git {arguments} in {place}: {ran.stderr}"
        return ran.stdout


def _objects(store: Path) -> list[str]:
    return [path.name for path in store.glob("files/md5/*/*") if not path.name.endswith(".tmp")]


def _is_kept(path: Path) -> bool:
    """Tell a lock of podium's, which lies there while nobody has it, and what git itself prunes."""
    if path.suffix == ".lock" and path.stat().st_size == 0:
        return path.name == "podium.lock" or "cache" in path.parts or ".dvc" in path.parts
    return path.name.startswith("tmp_") and "objects" in path.parts


def _told(path: Path) -> str:
    """Give a file's content, but for the time at which a version was logged."""
    text = path.read_bytes().decode("utf-8", "backslashreplace")
    return "\n".join(line for line in text.splitlines() if "created:" not in line)


def _furnish(scene: Scene) -> None:
    root, place = scene.root, Place(scene.registry)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(root / "origin.git")], check=True)
    subprocess.run(["git", "clone", "-q", str(root / "origin.git"), str(place.root)], check=True, capture_output=True)
    typed("init", place.root, "--entity", "acme", "--remote", root / "store", codes={0})
    (root / "mirror").mkdir()
    config = place.root / ".dvc" / "config"
    config.write_text(f"{config.read_text()}['remote \"mirror\"']\n    url = {root / 'mirror'}\n")
    _log(place, "vision/resnet50", place.model("first", "weights"), "--link", "M", "--alias", "best")
    _log(place, "vision/resnet50", place.model("third", "other weights"), "--link", "M")
    place.commit("Log two")
    for version in ("v0", "v1"):
        typed("-R", place.root, "promote", f"M:{version}", "production", "--commit", codes={0})
    shutil.rmtree(place.root / ".dvc" / "cache")
    _log(place, "text/bert", place.model("bert", "bert"), "--no-upload")
    place.write("models/Messy/model.yaml", MESSY)
    place.model("second", "better weights")
    place.model("large", "large weights" * 200_000)
    (root / "full").mkdir()
    for name in ("model.safetensors", "notes.txt"):
        (root / "full" / name).write_text("mine")
    typed("-R", place.root, "site", "build", root / "old-site", codes={0})
    place.git("branch", "before")
    place.commit("Go on")
    place.git("push", "-q", "origin", "HEAD:main")
    for at in (root / "store", place.root / ".dvc" / "cache"):
        garbage = at / "files" / "md5" / "ab" / "7c3fca0ae4f5a1f9e3b9ba6dfae59b"
        _garbage(garbage)
    typed("-R", place.root, "bundle", "create", root / "kept.podium", "main", codes={0, 1})


def _garbage(place: Path) -> None:
    content = b"garbage"
    name = hashlib.md5(content).hexdigest()
    place = place.parent.parent / name[:2] / name[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    os.utime(place, (1, 1))


def _log(place: Place, *arguments: str | Path) -> None:
    typed("-R", place.root, "log", *arguments, codes={0})
