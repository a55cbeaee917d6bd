"""
Scenes for gc: several repositories that share their bytes, and a model of what must stay that reads neither Git nor a
store.

Whoever makes a record notes which objects it names; commits, refs, reflogs, work trees and files on disk are kept as
values beside what is written of them. So what is needed comes from that alone: nothing of podium's own reading takes
part in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.worlds import git, md5, place

Files = dict[str, bytes]
MAIN = "refs/heads/main"
WHO = "Ada <ada@acme.dev> 1790000000 +0000"
SIDE = [
    "refs/heads/b{}", "refs/pull/{}/head", "refs/pull/{}/merge", "refs/merge-requests/{}/head", "refs/tags/t{}",
    "refs/notes/n{}", "refs/odd/{}",
]  # fmt: skip
LOCAL = [
    "refs/heads/mine{}",
    "refs/tags/mine{}",
    "refs/remotes/gone/b{}",
    "refs/remotes/bundle/main{}",
    "refs/notes/mine{}",
]
PROTECTED, FREE = ("production", "staging"), ("free",)
CLONE = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
CLONE += '[remote "{}"]\n\turl = {}\n\tfetch = +refs/heads/*:refs/remotes/{}/*\n'


@dataclass
class Scene:
    """Commits of one history, repositories that have some of them, and two stores."""

    folder: Path
    chance: random.Random
    commits: list[Files] = field(default_factory=list)
    parents: list[list[int]] = field(default_factory=list)
    origin: dict[str, int] = field(default_factory=dict)
    fork: dict[str, int] = field(default_factory=dict)
    own: dict[str, int] = field(default_factory=dict)
    logged: list[int] = field(default_factory=list)
    """What only a reflog of the clone still knows."""
    loose: list[Files] = field(default_factory=list)
    """What lies in each work tree, and what is staged."""
    heads: list[int] = field(default_factory=list)
    names: dict[bytes, frozenset[str]] = field(default_factory=dict)
    stores: dict[str, set[str]] = field(default_factory=lambda: {"store": set(), "second": set()})
    young: set[str] = field(default_factory=set)

    # --- bytes

    def put(self, content: bytes, name: str = "") -> str:
        name = name or md5(content)
        where = self.chance.choice([["store"], ["store"], ["second"], ["store", "second"]])
        for store in where:
            if name not in self.stores[store]:
                self.stores[store].add(name)
                target = place(self.folder / store, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        return name

    def data(self) -> tuple[str, list[dict[str, object]], frozenset[str]]:
        contents = [f"content {self.chance.randrange(120)}".encode() for _ in range(self.chance.randint(1, 3))]
        members: list[dict[str, object]] = [
            {"path": f"f{n}", "size": len(one), "md5": self.put(one), "sha256": hashlib.sha256(one).hexdigest()}
            for n, one in enumerate(contents)
        ]
        listing = json.dumps([{"md5": one["md5"], "relpath": one["path"]} for one in members]).encode()
        own = self.put(listing, md5(listing) + ".dir")
        return own, members, frozenset({own, *(str(one["md5"]) for one in members)})

    def record(self, version: str) -> bytes:
        own, members, objects = self.data()
        remote = self.chance.choice(["", "", "", "  remote: second\n", "  remote: store\n", "  remote: left\n"])
        size = sum(int(str(one["size"])) for one in members)
        text = (
            f"outs:\n- md5: {own}\n  size: {size}\n  nfiles: {len(members)}\n  hash: md5\n{remote}  path: {version}\n"
        )
        text += 'meta:\n  created: "2026-01-01T00:00:00Z"\n  author: Ada <ada@acme.dev>\n'
        if self.chance.random() < 0.3:
            lines = "".join(sorted(f"{one['sha256']}  {one['path']}\n" for one in members))
            text += f"  manifest: remote\n  sha256: {hashlib.sha256(lines.encode()).hexdigest()}\n"
        else:
            text += "  files:\n" + "".join(f"  - {json.dumps(one)}\n" for one in members)
        self.names[text.encode()] = objects
        return text.encode()

    # --- what people do

    def log(self, files: Files) -> None:
        artifact = self.chance.choice(["v/a", "v/b"])
        number = len(versions(files, artifact))
        files.setdefault(f"artifacts/{artifact}/artifact.yaml", b"description: A\n")
        files[f"artifacts/{artifact}/versions/v{number}.dvc"] = self.record(f"v{number}")
        link = sum(path.startswith("models/M/versions/") for path in files)
        files.setdefault("models/M/model.yaml", b"description: M\n")
        files[f"models/M/versions/v{link}.yaml"] = f"artifact: {artifact}\nversion: v{number}\n".encode()

    def move(self, files: Files, only: str = "") -> None:
        """Promote, roll back, or take away an alias of the model or an artifact; or ``only`` one alias of the model."""
        links = sum(path.startswith("models/M/versions/") for path in files)
        numbers = versions(files, "v/a")
        model = f"models/M/aliases/{self.chance.choice([*PROTECTED, 'production', *FREE])}.yaml"
        path, most = self.chance.choice(
            [(model, links), (model, links), ("artifacts/v/a/aliases/best.yaml", len(numbers))]
        )
        if most:
            version = f"v{self.chance.randrange(most)}" if self.chance.random() < 0.85 else "null"
            files[path] = f"generation: {generation(files.get(path)) + 1}\nversion: {version}\n".encode()

    def revert(self, files: Files) -> None:
        """Put an alias's file back to what it once was, generation and all, as a forge's button does."""
        path = f"models/M/aliases/{self.chance.choice(PROTECTED)}.yaml"
        before = [other[path] for other in self.commits if path in other]
        if before:
            files[path] = self.chance.choice(before)

    def withdraw(self, files: Files) -> None:
        artifact = self.chance.choice(["v/a", "v/b"])
        numbers = versions(files, artifact)
        if numbers:
            gone = withdrawn(files, artifact)
            number = self.chance.choice(sorted(numbers))
            gone = gone - {number} if number in gone and self.chance.random() < 0.3 else gone | {number}
            more = "withdrawn:\n" + "".join(f"  {one}: bad\n" for one in sorted(gone)) if gone else ""
            files[f"artifacts/{artifact}/artifact.yaml"] = f"description: A\n{more}".encode()

    def plain_dvc(self, files: Files) -> None:
        if self.chance.random() < 0.5:
            content = f"data {self.chance.random()}".encode()
            own, objects = self.put(content), frozenset({md5(content)})
        else:
            own, _, objects = self.data()
        out = f"outs:\n{{0}}- md5: {own}\n{{0}}  hash: md5\n{{0}}  path: data\n"
        path, text = f"data{self.chance.randrange(3)}.dvc", out.format("")
        if self.chance.random() < 0.3:
            inner = out.format("    ").replace("outs:", "    outs:", 1)
            path, text = "dvc.lock", f"schema: '2.0'\nstages:\n  s:\n    cmd: x\n{inner}"
        files[path] = text.encode()
        self.names[text.encode()] = objects

    def drop(self, files: Files) -> None:
        names = [path for path in files if path.endswith(".dvc")]
        if names:
            del files[self.chance.choice(names)]

    # --- history

    def commit(self, parents: list[int], files: Files) -> int:
        self.commits.append(files)
        self.parents.append(parents)
        return len(self.commits) - 1

    def grow(self, at: int, *, freely: bool) -> int:
        """Commit something upon a commit; ``freely``: records may go, as they never do on the default branch."""
        files = dict(self.commits[at])
        moves = [self.move] * 3 + [self.revert]
        actions = [self.log, self.log, self.log, *moves, self.withdraw, self.plain_dvc, *([self.drop] * freely)]
        self.chance.choice(actions)(files)
        return self.commit([at], files)

    def merge(self, ref: str) -> None:
        main, other = self.origin[MAIN], self.origin[ref]
        aliases = {path: one for path, one in self.commits[other].items() if "/aliases/" in path}
        taken = aliases if self.chance.random() < 0.5 else {}
        files = {**self.commits[other], **self.commits[main], **taken}
        self.origin[MAIN] = self.commit([main, other], files)

    def disturb(self, refs: dict[str, int], names: list[str]) -> None:
        """Make, move, rewind or delete a ref that is not main."""
        others = [ref for ref in refs if ref != MAIN]
        if not others or self.chance.random() < 0.6:
            refs[self.chance.choice(names).format(self.chance.randrange(40))] = self.anywhere()
        elif self.chance.random() < 0.5:
            refs[self.chance.choice(others)] = self.anywhere()
        else:
            del refs[self.chance.choice(others)]

    def anywhere(self) -> int:
        return self.chance.randrange(len(self.commits))

    # --- what must stay

    def reached(self, starts: Iterable[int]) -> set[int]:
        found: set[int] = set()
        left = list(starts)
        while left:
            number = left.pop()
            if number not in found:
                found.add(number)
                left += self.parents[number]
        return found

    def tips(self) -> list[Files]:
        """Give what branches, pull requests and work trees hold, withdrawn versions too; tags need aliases' only."""
        numbers = [
            n for refs in (self.origin, self.fork, self.own) for ref, n in refs.items() if "refs/tags/" not in ref
        ]
        return [
            *(self.commits[n] for n in (*numbers, *self.heads)),
            *(files for files in self.loose if "registry.yaml" in files),
        ]

    def tagged(self) -> list[Files]:
        return [
            self.commits[n]
            for refs in (self.origin, self.fork, self.own)
            for ref, n in refs.items()
            if "refs/tags/" in ref
        ]

    def pairs(self) -> set[tuple[str, bytes]]:
        """Give each record that anything leads to, with its path."""
        starts = [*self.origin.values(), *self.fork.values(), *self.own.values(), *self.heads, *self.logged]
        trees = [*(self.commits[n] for n in self.reached(starts)), *self.loose]
        return {(path, one) for files in trees for path, one in files.items() if one in self.names}

    def needed(self, *, without_withdrawn: bool) -> set[str]:
        gone = self.given_up() if without_withdrawn else set()
        return {name for path, one in self.pairs() - gone for name in self.names[one]}

    def given_up(self) -> set[tuple[str, bytes]]:
        main = self.commits[self.origin[MAIN]]
        gone = {
            (artifact, one)
            for artifact in ("v/a", "v/b")
            for one in withdrawn(main, artifact) & versions(main, artifact)
        }
        tips = self.tips()
        gone -= {(a, n) for a, n in gone for files in tips if n in versions(files, a) - withdrawn(files, a)}
        gone -= {one for files in (*tips, *self.tagged()) for one in held(files)}
        gone -= self.last_moves()
        found = {f"artifacts/{artifact}/versions/{number}.dvc" for artifact, number in gone}
        return {(path, main[path]) for path in found}

    def last_moves(self) -> set[tuple[str, str]]:
        """Give what each protected alias held before and after its last ten moves, along main's first parents."""
        main, found = self.commits[self.origin[MAIN]], set()
        for alias in PROTECTED:
            line: list[str] = []
            number: int | None = self.origin[MAIN]
            while number is not None:
                version = assigned(self.commits[number].get(f"models/M/aliases/{alias}.yaml"))
                line += [version] if version not in ("null", *line[-1:]) else []
                number = self.parents[number][0] if self.parents[number] else None
            found |= {target for version in line[:11] if (target := linked(main, version))}
        return found

    # --- what is written of it

    def write(self, repository: Path, refs: dict[str, int], more: Iterable[int] = ()) -> dict[int, str]:
        """Put what refs lead to into a repository; gives the ids of the commits."""
        lines: list[bytes] = []
        reached = sorted(self.reached([*refs.values(), *more]))
        for number in reached:
            lines.append(f"commit refs/x/{number}\nmark :{number + 1}\ncommitter {WHO}\ndata 1\nx\n".encode())
            for kind, parent in zip(["from", "merge"], self.parents[number], strict=False):
                lines.append(f"{kind} :{parent + 1}\n".encode())
            lines.append(b"deleteall\n")
            lines += [
                f"M 100644 inline {p}\ndata {len(c)}\n".encode() + c + b"\n" for p, c in self.commits[number].items()
            ]
        for ref, number in refs.items():
            if ref.startswith("refs/tags/") and number % 2:
                lines.append(f"tag {ref[10:]}\nfrom :{number + 1}\ntagger {WHO}\ndata 1\nx\n".encode())
            else:
                lines.append(f"reset {ref}\nfrom :{number + 1}\n\n".encode())
        lines += [f"reset refs/x/{number}\nfrom {'0' * 40}\n\n".encode() for number in reached]
        marks = repository / "marks"
        git(repository, "fast-import", "--quiet", "--force", f"--export-marks={marks}", stdin=b"".join(lines))
        pairs = (line.split() for line in marks.read_text().splitlines())
        found = {int(mark[1:]) - 1: id_ for mark, id_ in pairs}
        marks.unlink()
        return found


# --- what files say, by their bytes alone ---------------------------------------------------------------------------


def versions(files: Files, artifact: str) -> set[str]:
    start = f"artifacts/{artifact}/versions/"
    return {path.removeprefix(start)[:-4] for path in files if path.startswith(start)}


def withdrawn(files: Files, artifact: str) -> set[str]:
    text = files.get(f"artifacts/{artifact}/artifact.yaml", b"").decode()
    return {line.split(":")[0].strip() for line in text.partition("withdrawn:\n")[2].splitlines()}


def generation(content: bytes | None) -> int:
    return int(content.decode().split()[1]) if content is not None else 0


def assigned(content: bytes | None) -> str:
    return content.decode().split()[3] if content is not None else "null"


def linked(files: Files, number: str) -> tuple[str, str] | None:
    link = files.get(f"models/M/versions/{number}.yaml")
    words = link.decode().split() if link is not None else None
    return (words[1], words[3]) if words else None


def held(files: Files) -> Iterator[tuple[str, str]]:
    for path, content in files.items():
        number = assigned(content) if "/aliases/" in path else "null"
        if path.startswith("models/M/aliases/") and (target := linked(files, number)):
            yield target
        elif path.startswith("artifacts/v/a/aliases/") and number != "null":
            yield "v/a", number


# --- scenes ---------------------------------------------------------------------------------------------------------


def scene(folder: Path, seed: int, later: float) -> Scene:
    """Make a scene in a folder: ``clone`` is where gc runs; ``later`` is when, in seconds since 1970."""
    made = Scene(folder, random.Random(seed))
    chance = made.chance
    policies = "".join(f"  {name}: {{description: live}}\n" for name in PROTECTED)
    start = {
        "registry.yaml": f"apiVersion: podium/v1\nentity: acme\naliases:\n{policies}".encode(),
        ".dvc/config": b"[core]\n    remote = store\n"
        + b"".join(f"['remote \"{name}\"']\n    url = {folder / name}\n".encode() for name in made.stores),
    }
    made.origin[MAIN] = made.commit([], start)
    for _ in range(chance.randint(15, 40)):
        ref = chance.choice([MAIN, *made.origin])
        made.origin[ref] = made.grow(made.origin[ref], freely=ref != MAIN)
        if chance.random() < 0.4:
            made.disturb(made.origin, SIDE)
        if chance.random() < 0.1:
            made.merge(chance.choice(list(made.origin)))
    calm = {
        ref: number for ref, number in made.origin.items() if ref == MAIN or chance.random() < chance.choice([0.2, 1])
    }
    made.origin = calm
    strict = chance.random() < 0.5
    if strict:
        _give_up(made)
    for _ in range(chance.choice([0, 4])):
        files = dict(made.commits[made.origin[MAIN]])
        made.withdraw(files)
        made.origin[MAIN] = made.commit([made.origin[MAIN]], files)
    if not strict and chance.random() < 0.5:
        made.fork[MAIN] = made.anywhere()
        for _ in range(chance.randint(1, 4)):
            made.disturb(made.fork, SIDE)
            ref = chance.choice(list(made.fork))
            made.fork[ref] = made.grow(made.fork[ref], freely=True)
    for _ in range(3):
        made.data()  # uploaded, and never committed
    _clone(made, strict=strict)
    for name in chance.sample(sorted(set().union(*made.stores.values())), 3):
        made.young.add(name)
        for store, there in made.stores.items():
            if name in there:
                os.utime(place(folder / store, name), (later - 86400,) * 2)
    return made


def _give_up(made: Scene) -> None:
    """Move production to and fro, withdraw all on main, and leave main and a few tags: little keeps a version then."""
    chance = made.chance
    logged = chance.randint(8, 16)
    tags = {ref: n for ref, n in made.origin.items() if "/tags/" in ref and chance.random() < 0.3}
    for number in range(logged + chance.randint(12, 30)):
        files = dict(made.commits[made.origin[MAIN]])
        made.log(files) if number < logged else made.move(files, "models/M/aliases/production.yaml")
        made.origin[MAIN] = made.commit([made.origin[MAIN]], files)
        if chance.random() < 0.05:
            tags[f"refs/tags/then{number}"] = made.origin[MAIN]
    made.origin = {MAIN: made.origin[MAIN], **tags}
    files = dict(made.commits[made.origin[MAIN]])
    for artifact in ("v/a", "v/b"):
        numbers = sorted(number for number in versions(files, artifact) if chance.random() < 0.9)
        if numbers:
            gone = "withdrawn:\n" + "".join(f"  {number}: bad\n" for number in numbers)
            files[f"artifacts/{artifact}/artifact.yaml"] = f"description: A\n{gone}".encode()
    made.origin[MAIN] = made.commit([made.origin[MAIN]], files)


def _clone(made: Scene, *, strict: bool) -> None:
    folder, chance = made.folder, made.chance
    for name, refs in (("origin", made.origin), ("fork", made.fork)):
        if refs:
            git(folder, "init", "-q", "--bare", "-b", "main", name)
            made.write(folder / name, refs)
    root = folder / "clone"
    git(folder, "init", "-q", "-b", "main", "clone")
    names = [name for name, refs in (("origin", made.origin), ("fork", made.fork)) if refs]
    (root / ".git/config").write_text("".join(CLONE.format(name, folder / name, name) for name in names))
    made.own[MAIN] = made.origin[MAIN] if strict else made.anywhere()
    for _ in range(0 if strict else chance.randint(0, 4)):
        ref = chance.choice(LOCAL).format(chance.randrange(9))
        made.own[ref] = made.grow(made.anywhere(), freely=True) if chance.random() < 0.6 else made.anywhere()
    detached = made.grow(made.anywhere(), freely=True) if not strict and chance.random() < 0.3 else None
    forgotten = [made.grow(made.anywhere(), freely=True) for _ in range(chance.choice([0, 0, 2]) * (not strict))]
    stashes = [made.grow(made.anywhere(), freely=True) for _ in range(chance.choice([0, 0, 2]) * (not strict))]
    ids = made.write(root, made.own, [*forgotten, *stashes, *([detached] if detached is not None else [])])
    made.heads = [detached if detached is not None else made.own[MAIN]]
    made.logged = forgotten + stashes
    if detached is not None:
        (root / ".git/HEAD").write_text(ids[detached] + "\n")
    _reflog(root, "HEAD", [ids[n] for n in forgotten])
    if stashes:
        made.own["refs/stash"] = stashes[-1]
        git(root, "update-ref", "refs/stash", ids[stashes[-1]])
        _reflog(root, "refs/stash", [ids[n] for n in stashes])
    disk = {path: made.commits[0][path] for path in ("registry.yaml", ".dvc/config")}
    if chance.random() < 0.5:
        disk["artifacts/v/c/versions/v0.dvc"] = made.record("v0")
        made.plain_dvc(disk)
    _lay(made, root, disk)
    if chance.random() < 0.3:
        _stage(made, root)
    if chance.random() < 0.3:
        _second_work_tree(made, root)


def _lay(made: Scene, root: Path, files: Files) -> None:
    made.loose.append(files)
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def _stage(made: Scene, root: Path) -> None:
    content = made.record("v7")
    id_ = git(root, "hash-object", "-w", "--stdin", stdin=content).strip()
    git(root, "update-index", "--add", "--cacheinfo", f"100644,{id_},artifacts/v/d/versions/v7.dvc")
    made.loose.append({"artifacts/v/d/versions/v7.dvc": content})


def _second_work_tree(made: Scene, root: Path) -> None:
    number = made.chance.choice([*made.own.values()])
    ref = next(ref for ref, at in made.own.items() if at == number)
    git(root, "worktree", "add", "-q", "--no-checkout", "--detach", "../other", ref)
    made.heads.append(number)
    files = {"registry.yaml": made.commits[0]["registry.yaml"]}
    made.plain_dvc(files)
    _lay(made, root.parent / "other", files)


def _reflog(root: Path, name: str, ids: list[str]) -> None:
    if ids:
        log = root / ".git/logs" / name
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(f"{'0' * 40} {id_} {WHO}\tmoved\n" for id_ in ids))


def left(folder: Path) -> set[str]:
    return {found.parent.name + found.name for found in folder.glob("files/md5/*/*")}
