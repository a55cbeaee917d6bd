"""
Small registries, made commit by commit: a bare repository, its store, and every object that was ever put there.

What is needed is said here by the simplest means: PyYAML reads each record, and DVC's lists of files are read as they
lie there. Nothing of podium's own reading takes part in it.
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

    # --- history

    def commit(self, parents: list[int], files: Files) -> int:
        self.commits.append(files)
        self.parents.append(parents)
        return len(self.commits) - 1

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


def world(folder: Path, seed: int) -> World:
    """Make a registry with nothing but a start on main, and three folders of bytes that nothing names."""
    made = World(folder / "origin.git", folder / "store", random.Random(seed))
    made.store.mkdir(parents=True)
    git(folder, "init", "-q", "--bare", "-b", "main", str(made.origin))
    start = {
        "registry.yaml": b"apiVersion: podium/v1\nentity: acme\naliases:\n  production: {description: live}\n",
        ".dvc/config": f"[core]\n    remote = store\n['remote \"store\"']\n    url = {made.store}\n".encode(),
    }
    made.refs["refs/heads/main"] = made.commit([], start)
    for _ in range(3):
        made.folder()  # uploaded, and never committed
    made.write()
    return made


# --- what is needed -------------------------------------------------------------------------------------------------


def at(repository: Path, commit: str) -> Files:
    """Read the records, links, aliases and descriptions of a commit."""
    listed = git(repository, "ls-tree", "-r", commit).splitlines()
    found = {}
    for line in listed:
        about, _, path = line.partition("\t")
        if path.endswith((".dvc", ".yaml", "dvc.lock")):
            found[path] = git(repository, "cat-file", "blob", about.split()[2]).encode()
    return found


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


def linked(files: Files, number: str) -> Files:
    """Give the record of the version that M has under a number."""
    target = yaml.safe_load(files[f"models/M/versions/{number}.yaml"])
    path = f"artifacts/{target['artifact']}/versions/{target['version']}.dvc"
    return {path: files[path]}
