"""
Random registries with all that can point at a version: branches, pull requests, tags, moves, withdrawals, rewound branches.

What is needed is said here by the simplest means: git lists every ref's every commit, PyYAML reads each record, and what
`use` would fetch is noted. Nothing of podium's own reading takes part in it.
"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

MOVES = 10


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    ran = subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, check=False)
    assert ran.returncode == 0, (arguments, ran.stderr)
    return ran.stdout.decode("utf-8", "surrogateescape")


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def place(store: Path, name: str) -> Path:
    return store / "files/md5" / name[:2] / name[2:]


Files = dict[str, bytes]


@dataclass
class World:
    """A bare repository, a store, and every object that was ever put there."""

    origin: Path
    store: Path
    chance: random.Random
    commits: list[Files] = field(default_factory=list)
    parents: list[list[int]] = field(default_factory=list)
    refs: dict[str, int] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)

    # --- bytes

    def put(self, content: bytes, name: str = "") -> str:
        name = name or md5(content)
        target = place(self.store, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.objects.add(name)
        return name

    def folder(self) -> tuple[str, list[dict[str, object]]]:
        """Put a folder of one to three small files, which other folders may have as well."""
        contents = [f"content {self.chance.randrange(150)}".encode() for _ in range(self.chance.randint(1, 3))]
        members = [
            {
                "path": f"f{n}",
                "size": len(content),
                "md5": self.put(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for n, content in enumerate(contents)
        ]
        listing = json.dumps([{"md5": one["md5"], "relpath": one["path"]} for one in members]).encode()
        return self.put(listing, md5(listing) + ".dir"), members

    # --- what people do

    def record(self, version: str) -> bytes:
        own, members = self.folder()
        meta: dict[str, object] = {"created": "2026-01-01T00:00:00Z", "author": "Ada <ada@acme.dev>"}
        if self.chance.random() < 0.3:
            lines = sorted(f"{one['sha256']}  {one['path']}\n" for one in members)
            meta |= {"manifest": "remote", "sha256": hashlib.sha256("".join(lines).encode()).hexdigest()}
        else:
            meta["files"] = members
        size = sum(int(str(one["size"])) for one in members)
        out = {"md5": own, "size": size, "nfiles": len(members), "hash": "md5", "path": version}
        return yaml.safe_dump({"outs": [out], "meta": meta}, sort_keys=False).encode()

    def log(self, files: Files) -> None:
        artifact = self.chance.choice(["v/a", "v/b"])
        number = sum(path.startswith(f"artifacts/{artifact}/versions/") for path in files)
        files.setdefault(f"artifacts/{artifact}/artifact.yaml", b"description: A\n")
        files[f"artifacts/{artifact}/versions/v{number}.dvc"] = self.record(f"v{number}")
        link = sum(path.startswith("models/M/versions/") for path in files)
        files.setdefault("models/M/model.yaml", b"description: M\n")
        files[f"models/M/versions/v{link}.yaml"] = f"artifact: {artifact}\nversion: v{number}\n".encode()

    def promote(self, files: Files) -> None:
        links = sum(path.startswith("models/M/versions/") for path in files)
        if links:
            path = f"models/M/aliases/{self.chance.choice(['production', 'production', 'free'])}.yaml"
            generation = yaml.safe_load(files[path])["generation"] + 1 if path in files else 1
            files[path] = f"generation: {generation}\nversion: v{self.chance.randrange(links)}\n".encode()

    def withdraw(self, files: Files) -> None:
        artifact = self.chance.choice(["v/a", "v/b"])
        versions = sum(path.startswith(f"artifacts/{artifact}/versions/") for path in files)
        if versions:
            path = f"artifacts/{artifact}/artifact.yaml"
            about = yaml.safe_load(files[path])
            number = f"v{self.chance.randrange(versions)}"
            withdrawn = about.setdefault("withdrawn", {})
            if number in withdrawn and self.chance.random() < 0.3:
                del withdrawn[number]
            else:
                withdrawn[number] = "bad"
            if not withdrawn:
                del about["withdrawn"]
            files[path] = yaml.safe_dump(about).encode()

    def plain_dvc(self, files: Files) -> None:
        kind = self.chance.randrange(3)
        if kind == 0:
            out = {"md5": self.put(f"data {self.chance.random()}".encode()), "hash": "md5", "path": "data.bin"}
        else:
            out = {"md5": self.folder()[0], "hash": "md5", "path": "data"}
        if kind == 2:
            files["dvc.lock"] = yaml.safe_dump({"schema": "2.0", "stages": {"s": {"cmd": "x", "outs": [out]}}}).encode()
        else:
            files[f"data{self.chance.randrange(3)}.dvc"] = yaml.safe_dump({"outs": [out]}).encode()

    def drop(self, files: Files) -> None:
        names = [path for path in files if path.endswith(".dvc")]
        if names:
            del files[self.chance.choice(names)]

    # --- history

    def commit(self, parents: list[int], files: Files) -> int:
        self.commits.append(files)
        self.parents.append(parents)
        return len(self.commits) - 1

    def step(self, ref: str) -> None:
        at = self.refs[ref]
        files = dict(self.commits[at])
        actions = [self.log, self.log, self.promote, self.promote, self.withdraw, self.plain_dvc]
        if ref != "refs/heads/main":
            actions.append(self.drop)
        self.chance.choice(actions)(files)
        self.refs[ref] = self.commit([at], files)

    def disturb(self) -> None:
        """Make, move, merge, rewind or delete a ref; `main` only goes forward."""
        others = [ref for ref in self.refs if ref != "refs/heads/main"]
        number = self.chance.randrange(50)
        names = [f"refs/heads/b{number}", f"refs/pull/{number}/head", f"refs/pull/{number}/merge",
                 f"refs/merge-requests/{number}/head", f"refs/tags/t{number}", f"refs/odd/{number}"]  # fmt: skip
        kind = self.chance.randrange(4)
        if kind < 2 or not others:
            self.refs[self.chance.choice(names)] = self.chance.choice(list(self.refs.values()))
        elif kind == 2:
            ref = self.chance.choice(others)
            self.refs[ref] = self.chance.randrange(len(self.commits))  # rewound, or forced elsewhere
        else:
            del self.refs[self.chance.choice(others)]

    def merge(self) -> None:
        """Merge a branch into main as a forge does: a second parent, and the files of both."""
        ref = self.chance.choice(list(self.refs))
        main = self.refs["refs/heads/main"]
        files = {**self.commits[self.refs[ref]], **self.commits[main]}
        self.refs["refs/heads/main"] = self.commit([main, self.refs[ref]], files)

    def write(self) -> None:
        """Put all of it into the bare repository, with one git fast-import."""
        lines: list[bytes] = []
        for number, files in enumerate(self.commits):
            lines.append(f"commit refs/x/{number}\nmark :{number + 1}\n".encode())
            lines.append(f"committer Ada <ada@acme.dev> {1790000000 + number} +0000\ndata 1\nx\n".encode())
            for kind, parent in zip(["from", "merge"], self.parents[number], strict=False):
                lines.append(f"{kind} :{parent + 1}\n".encode())
            lines.append(b"deleteall\n")
            for path, content in files.items():
                lines.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
        for ref, number in self.refs.items():
            lines.append(f"reset {ref}\nfrom :{number + 1}\n\n".encode())
        lines += [f"reset refs/x/{number}\nfrom {'0' * 40}\n\n".encode() for number in range(len(self.commits))]
        git(self.origin, "fast-import", "--quiet", "--force", stdin=b"".join(lines))


def world(folder: Path, seed: int, steps: int = 25, late: int = 0) -> World:
    """Make a world; `late`: withdrawals on main when nearly all is done, and most pull requests are closed."""
    chance = random.Random(seed)
    made = World(folder / "origin.git", folder / "store", chance)
    made.store.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(made.origin)], check=True)
    start = {
        "registry.yaml": b"apiVersion: podium/v1\nentity: acme\naliases:\n  production: {description: live}\n",
        ".dvc/config": f"[core]\n    remote = store\n['remote \"store\"']\n    url = {made.store}\n".encode(),
    }
    made.refs["refs/heads/main"] = made.commit([], start)
    for _ in range(steps):
        made.step(chance.choice(["refs/heads/main", *made.refs]))
        if chance.random() < 0.5:
            made.disturb()
        if chance.random() < 0.1:
            made.merge()
    for _ in range(late):
        files = dict(made.commits[made.refs["refs/heads/main"]])
        made.withdraw(files)
        made.refs["refs/heads/main"] = made.commit([made.refs["refs/heads/main"]], files)
        others = [ref for ref in made.refs if ref != "refs/heads/main"]
        if others:
            del made.refs[chance.choice(others)]
    for _ in range(3):
        made.folder()  # uploaded, and never committed
    made.write()
    return made


# --- what is needed -------------------------------------------------------------------------------------------------


def commits(repository: Path, *which: str) -> list[str]:
    return git(repository, "rev-list", *which).split()


def at(repository: Path, commit: str) -> Files:
    """Read the records, links, aliases and descriptions of a commit."""
    listed = git(repository, "ls-tree", "-r", commit).splitlines()
    found = {}
    for line in listed:
        about, _, path = line.partition("\t")
        if path.endswith((".dvc", ".yaml", "dvc.lock")):
            found[path] = blob(repository, about.split()[2])
    return found


@cache
def blob(repository: Path, id_: str) -> bytes:
    return git(repository, "cat-file", "blob", id_).encode()


@cache
def fetched(store: Path, content: bytes) -> frozenset[str]:
    """Say what DVC or `use` needs to fetch what a `.dvc` file or `dvc.lock` names."""
    data = yaml.safe_load(content)
    outs = [*data.get("outs", ()), *(out for stage in data.get("stages", {}).values() for out in stage["outs"])]
    found = set()
    for out in outs:
        found.add(out["md5"])
        if out["md5"].endswith(".dir"):
            found |= {entry["md5"] for entry in json.loads(place(store, out["md5"]).read_bytes())}
    return frozenset(found)


def needed(store: Path, *trees: Files) -> set[str]:
    names = [content for files in trees for path, content in files.items() if path.endswith((".dvc", "dvc.lock"))]
    return {md5 for content in set(names) for md5 in fetched(store, content)}


def version(files: Files, artifact: str, number: str) -> Files:
    path = f"artifacts/{artifact}/versions/{number}.dvc"
    return {path: files[path]} if path in files else {}


def held(files: Files) -> Files:
    """Give the records of the versions that aliases hold."""
    found: Files = {}
    for path, content in files.items():
        if path.startswith("models/M/aliases/"):
            found |= linked(files, yaml.safe_load(content)["version"])
    return found


def linked(files: Files, number: str) -> Files:
    link = files.get(f"models/M/versions/{number}.yaml")
    target = yaml.safe_load(link) if link is not None else None
    return version(files, target["artifact"], target["version"]) if target else {}


def not_withdrawn(files: Files) -> Files:
    """Leave out the records that are withdrawn."""
    kept = dict(files)
    for path, content in files.items():
        if path.endswith("artifact.yaml"):
            for number in yaml.safe_load(content).get("withdrawn", {}):
                kept.pop(path.replace("artifact.yaml", f"versions/{number}.dvc"), None)
    return kept


def last_moves(repository: Path, tip: str) -> Files:
    """Give the records that production held in its last ten moves, by walking down main."""
    found: Files = {}
    moves, last = 0, None
    now = at(repository, tip)
    for commit in commits(repository, "--first-parent", tip):
        content = at(repository, commit).get("models/M/aliases/production.yaml")
        if content is not None and content != last and moves <= MOVES:
            found |= linked(now, yaml.safe_load(content)["version"])
            moves, last = moves + 1, content
    return found
