"""Histories made of objects alone: commits of any files in a bare repository, merged and judged in process."""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pygit2
import yaml

from podium import codec, codeowners, edits, layout, review, rules
from podium.errors import Refused
from podium.model import About, Registry
from podium.rules import examples
from podium.tree import EXECUTABLE, FILE, MemoryTree, Overlay, overlay, walk
from tests import example

Content = bytes | tuple[bytes | str, int]
"""What a path holds: a plain file's bytes, or bytes (for a submodule: a commit's id) and a mode."""
Files = Mapping[str, Content]
Changes = Mapping[str, Content | None]
"""Files written anew, or taken away (``None``)."""
Edit = Callable[[Files], Changes]

MODEL = "models/ImageClassifier"
ARTIFACT = "artifacts/vision/resnet50"
PRODUCTION = f"{MODEL}/aliases/production.yaml"
STAGING = f"{MODEL}/aliases/staging.yaml"
CANARY = f"{MODEL}/aliases/canary.yaml"


def _start() -> dict[str, bytes]:
    more = {
        ".gitattributes": rules.own_lines(),
        ".dvc/config": "[core]\n    remote = store\n['remote \"store\"']\n    url = s3://acme/models\n",
        f"{ARTIFACT}/versions/v3.dvc": examples.record("v3", {"model.safetensors": b"fourth"}),
        f"{MODEL}/versions/v2.yaml": "artifact: vision/resnet50\nversion: v2\n",
        STAGING: "generation: 3\nversion: v2\n",
        "artifacts/vision/yolo/artifact.yaml": "description: YOLO\n",
        "artifacts/vision/yolo/versions/v0.dvc": examples.record("v0", {"model.safetensors": b"boxes"}),
        "artifacts/vision/yolo/versions/v1.dvc": examples.record("v1", {"model.safetensors": b"more boxes"}, 0.95),
        "models/Detector/model.yaml": 'description: Finds things\nowners: ["@acme/vision"]\n',
        "models/Detector/README.md": "Finds things.\n",
        "models/Detector/versions/v0.yaml": "artifact: vision/yolo\nversion: v0\n",
        "models/Detector/versions/v1.yaml": "artifact: vision/yolo\nversion: v1\n",
        "models/Detector/aliases/staging.yaml": "generation: 1\nversion: v0\n",
    }
    return {path: text.encode() for path, text in {**examples.REGISTRY, **more}.items()}


START: Files = _start()
"""A registry without a finding: production of ImageClassifier holds v1, staging v2; v0 of both kinds is free."""


def laid(files: Files, *layers: Changes) -> dict[str, Content]:
    """Lay changes over files."""
    found = dict(files)
    for layer in layers:
        for path, content in layer.items():
            found.pop(path, None)
            if content is not None:
                found[path] = content
    return found


# --- edits, as podium makes them ------------------------------------------------------------------------------------


def by(*steps: Callable[[Registry], edits.Edited]) -> Edit:
    """Make an edit of podium's own, one after another."""

    def edit(files: Files) -> Changes:
        return _changes(edits.in_turn(steps)(codec.read(MemoryTree(files))))

    return edit


def _changes(edited: edits.Edited) -> Changes:
    tree = edited.registry.tree
    return tree.changes if isinstance(tree, Overlay) else {}


def raw(changes: Mapping[str, str | Content | None]) -> Edit:
    """Make an edit by hand."""
    written = {path: content.encode() if isinstance(content, str) else content for path, content in changes.items()}
    return lambda _: written


def both(*parts: Edit) -> Edit:
    """Make several edits, each on what those before it left."""

    def edit(files: Files) -> Changes:
        found: dict[str, Content | None] = {}
        for part in parts:
            found |= part(laid(files, found))
        return found

    return edit


def replaced(path: str, old: str, new: str) -> Edit:
    """Replace some text of a file."""

    def edit(files: Files) -> Changes:
        content = files[path]
        assert isinstance(content, bytes)
        assert old.encode() in content, f"{path} has no {old!r}"
        return {path: content.replace(old.encode(), new.encode())}

    return edit


def log(artifact, content, **facts):
    facts = {"metrics": {"accuracy": 0.93}, "metadata": {"license": "apache-2.0"}, **facts}
    return lambda registry: edits.log(registry, artifact, example.record(content, **facts))


def link(version, model):
    return lambda registry: edits.link(registry, registry.resolve(version), model)


def promote(version, alias):
    return lambda registry: edits.promote(registry, registry.reference(version), alias)


def unalias(name, alias):
    return lambda registry: edits.unalias(registry, registry.reference(name), alias)


def withdraw(version, reason="its licence ended"):
    return lambda registry: edits.withdraw(registry, registry.reference(version), reason)


def restore(version):
    return lambda registry: edits.restore(registry, registry.reference(version))


def tag(model, *, add=(), remove=()):
    return lambda registry: edits.tag(registry, model, add=add, remove=remove)


def create(name, description="", owners=("@acme/risk",)):
    owners = () if "/" in name else owners
    return lambda registry: edits.create(registry, registry.reference(name), About(description, owners))


# --- commits --------------------------------------------------------------------------------------------------------


@dataclass
class History:
    """A bare repository, made if there is none, to which commits are written as objects; nothing is checked out."""

    path: Path
    repository: pygit2.Repository = field(init=False)
    clock: int = 1_790_000_000

    def __post_init__(self) -> None:
        if not self.path.exists():
            pygit2.init_repository(str(self.path), bare=True, initial_head="main")
        self.repository = pygit2.Repository(str(self.path))
        self._blobs: dict[bytes, pygit2.Oid] = {}

    def commit(self, files: Files, *parents: str, ref: str | None = None, message: str = "Change") -> str:
        """Commit these files and no others; a path may hold what Git itself would not write."""
        return self.commit_tree(self.tree(files), *parents, ref=ref, message=message)

    def commit_tree(self, tree: str, *parents: str, ref: str | None = None, message: str = "Change") -> str:
        """Commit a tree that is there."""
        self.clock += 60
        who = pygit2.Signature("Ada Lovelace", "ada@acme.dev", self.clock, 0)
        commit = str(self.repository.create_commit(None, who, who, message, tree, list(parents)))
        if ref is not None:
            self.repository.references.create(f"refs/heads/{ref}", commit, force=True)
        return commit

    def line(self, *states: Files, after: str | None = None) -> list[str]:
        """Commit one state after another."""
        found: list[str] = []
        for files in states:
            before = found[-1] if found else after
            found.append(self.commit(files, *([before] if before else [])))
        return found

    def merge(self, ours: str, theirs: str) -> str | None:
        """Merge as a forge does, by git itself; ``None`` where it conflicts."""
        tree = self.merged_tree(ours, theirs)
        return None if tree is None else self.commit_tree(tree, ours, theirs)

    def merged_tree(self, ours: str, theirs: str) -> str | None:
        """Give the tree of a merge by git itself; ``None`` where it conflicts."""
        ran = self.git("merge-tree", "--write-tree", ours, theirs, code=None)
        assert ran.returncode in (0, 1), ran.stderr
        return ran.stdout.split()[0] if ran.returncode == 0 else None

    def git(self, *arguments: str, code: int | None = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run git in the repository."""
        ran = subprocess.run(
            ["git", *arguments], cwd=self.path, capture_output=True, text=True, input=stdin, check=False
        )
        assert code is None or ran.returncode == code, ran.stderr
        return ran

    def tree(self, files: Files) -> str:
        """Write the tree object of files."""
        nested: dict = {}
        for path, content in files.items():
            *folders, name = os.fsencode(path).split(b"/")
            at = nested
            for folder in folders:
                at = at.setdefault(folder, {})
            at[name] = content
        return self._tree(nested)

    def _tree(self, nested: dict) -> str:
        rows = sorted(self._row(name, content) for name, content in nested.items())
        data = b"".join(b"%o %s\0%s" % (mode, name, id_) for _, name, mode, id_ in rows)
        return str(self.repository.write(pygit2.enums.ObjectType.TREE, data))

    def _row(self, name: bytes, content: dict | Content) -> tuple[bytes, bytes, int, bytes]:
        if isinstance(content, dict):
            return name + b"/", name, 0o040000, bytes.fromhex(self._tree(content))
        data, mode = (content, FILE) if isinstance(content, bytes) else content
        if isinstance(data, str):
            return name, name, mode, bytes.fromhex(data)
        if data not in self._blobs:
            self._blobs[data] = self.repository.create_blob(data)
        return name, name, mode, self._blobs[data].raw

    def files(self, tree: str) -> dict[str, bytes]:
        """Read the plain files of a tree or commit, by Git itself."""
        top = self.repository[tree].peel(pygit2.Tree)
        found: dict[str, bytes] = {}

        def read(folder: pygit2.Tree, prefix: str) -> None:
            for entry in folder:
                if isinstance(entry, pygit2.Tree):
                    read(entry, f"{prefix}{entry.name}/")
                elif isinstance(entry, pygit2.Blob):
                    found[f"{prefix}{entry.name}"] = entry.data

        read(top, "")
        return found


# --- verdicts -------------------------------------------------------------------------------------------------------


def errors(findings: Sequence[review.Finding]) -> list[tuple[str, str]]:
    """Give rule and path of what is wrong; warnings are left out."""
    return [(found.rule, found.path) for found in findings if found.severity == "error"]


def judged(history: History, base: str, head: str) -> review.Checked:
    """Judge what merging head into base would give."""
    with review.review(history.repository, base, head) as reviewed:
        return reviewed.checked


@dataclass(frozen=True)
class Outcome:
    """
    How a pair of concurrent changes ended.

    ``said`` is ``right``, ``conflict``, or the rules that the second one breaks; with ``first: `` before them the rules
    that the first one broke by itself. ``files`` is what the merge gives, where the second one may merge; ``tip`` the
    base that has the first one, ``tree`` the result.
    """

    said: str
    files: Mapping[str, bytes] | None = None
    tip: str = ""
    tree: str = ""


def second(history: History, base: str, first: str, other: str) -> Outcome:
    """Let a first change land on its base by a merge, then judge the second one against what is there."""
    own = errors(judged(history, base, first).findings)
    if own:
        return Outcome(f"first: {_listed(own)}")
    tip = history.commit_tree(str(history.repository[first].peel(pygit2.Tree).id), base, first)
    with review.review(history.repository, tip, other) as reviewed:
        found = errors(reviewed.checked.findings)
        if reviewed.conflicts:
            assert {rule for rule, _ in found} >= {"merge-clean"}
            return Outcome("conflict")
        if found:
            return Outcome(_listed(found))
        return Outcome("right", plain_files(reviewed), tip, reviewed.result)


def plain_files(reviewed: review.Reviewed) -> Mapping[str, bytes]:
    """Read every plain file of what a review judged."""
    tree = reviewed.step.after.tree
    return {path: tree.read(path) for path, entry in walk(tree, "") if entry.is_file}


def _listed(found: Sequence[tuple[str, str]]) -> str:
    return ", ".join(sorted({rule for rule, _ in found}))


# --- what is right, told without podium -----------------------------------------------------------------------------


def wrongs(files: Mapping[str, bytes]) -> list[str]:
    """
    Say what is wrong with a registry, by a plain YAML reader and nothing of podium's rules.

    Only what two right changes can make wrong together: names, numbers, targets, withdrawals, tags, doubles.
    """
    docs = {
        path: _loaded(content)
        for path, content in files.items()
        if path.endswith((".yaml", ".dvc")) and path.startswith(("models/", "artifacts/", "registry.yaml"))
    }
    entities = _entities(docs)
    return [*_twins(docs), *(said for folder in entities for said in _wrong(folder, docs))]


def _loaded(content: bytes) -> dict:
    return yaml.load(content, Loader=yaml.CSafeLoader)


def _entities(docs: Mapping[str, dict]) -> set[str]:
    return {path.rpartition("/")[0] for path in docs if path.endswith(("/model.yaml", "/artifact.yaml"))}


def _twins(docs: Mapping[str, dict]) -> list[str]:
    prefixes = {"/".join(path.split("/")[: n + 1]) for path in docs for n in range(path.count("/") + 1)}
    lower = [prefix.lower() for prefix in prefixes]
    return [f"{prefix} has a twin" for prefix in prefixes if lower.count(prefix.lower()) > 1]


def _wrong(folder: str, docs: Mapping[str, dict]) -> list[str]:
    members = {path[len(folder) + 1 :]: doc for path, doc in docs.items() if path.startswith(f"{folder}/")}
    about = members["model.yaml" if folder.startswith("models/") else "artifact.yaml"]
    versions = {path[9:].rpartition(".")[0]: doc for path, doc in members.items() if path.startswith("versions/")}
    aliases = {path[8:-5]: doc for path, doc in members.items() if path.startswith("aliases/")}
    said = []
    if set(versions) != {f"v{n}" for n in range(len(versions))}:
        said.append(f"{folder} has the versions {sorted(versions)}")
    contents = [repr(doc["outs"][0]["md5"] if "outs" in doc else sorted(doc.items())) for doc in versions.values()]
    if len(set(contents)) != len(contents):
        said.append(f"{folder} has a content twice")
    vocabulary = docs[layout.REGISTRY].get("tags")
    said += [f"{folder} has the tag {tag}" for tag in about.get("tags", []) if vocabulary and tag not in vocabulary]
    for alias, doc in aliases.items():
        if doc["version"] is not None and _unusable(doc["version"], about, versions, docs):
            said.append(f"{folder} {alias} names {doc['version']}, which is withdrawn or is not there")
    for number, doc in versions.items():
        if "artifact" in doc and f"artifacts/{doc['artifact']}/versions/{doc['version']}.dvc" not in docs:
            said.append(f"{folder} {number} leads nowhere")
    return said


def _unusable(number: str, about: dict, versions: Mapping[str, dict], docs: Mapping[str, dict]) -> bool:
    if number not in versions or number in about.get("withdrawn", {}):
        return True
    target = versions[number]
    if "artifact" not in target:
        return False
    return target["version"] in docs[f"artifacts/{target['artifact']}/artifact.yaml"].get("withdrawn", {})


def lost(base: Files, mine: Changes, files: Mapping[str, bytes], *, shared: Files) -> list[str]:
    """
    Say what of a change is not in a merged registry.

    Versions, aliases and whole new files are to be as the change wrote them; of other documents each value that it
    changed is to be as it left it, unless ``shared`` (what the other change left) moved it too.
    """
    said = []
    for path, content in mine.items():
        if content is None or base.get(path) == content:
            if content is None and path in files:
                said.append(f"{path} is back")
        elif path not in files:
            said.append(f"{path} is lost")
        elif path not in base or not path.endswith(".yaml") or "/aliases/" in path:
            if files[path] != content and shared.get(path) == base.get(path):
                said.append(f"{path} is not as written")
        else:
            old, new, now, other = (_loaded(text) for text in (base[path], content, files[path], shared[path]))
            said += [f"{path}: {key}" for key in _overwritten(old, new, now, other)]
    return said


_NONE = object()


def _overwritten(old, new, now, other, at=""):
    if isinstance(old, dict) and isinstance(new, dict) and isinstance(now, dict) and isinstance(other, dict):
        for key in {*old, *new}:
            values = (side.get(key, _NONE) for side in (old, new, now, other))
            yield from _overwritten(*values, f"{at}.{key}")
    elif new not in (old, now) and other == old:
        yield at or "all"


def generations_kept(base: Mapping[str, bytes], files: Mapping[str, bytes]) -> list[str]:
    """Say which aliases count otherwise than one up at a move; both are registries that podium accepted."""
    said = []
    for path, content in files.items():
        if "/aliases/" not in path:
            continue
        new = _loaded(content)
        old = _loaded(base[path]) if path in base else {"version": None, "generation": 0}
        moved = old["version"] != new["version"] or path not in base
        if new["generation"] - old["generation"] != int(moved):
            said.append(f"{path} counts from {old['generation']} to {new['generation']}")
    return said


def versions_kept(base: Mapping[str, bytes], files: Mapping[str, bytes]) -> list[str]:
    """Say which versions are not what they were."""
    return [path for path, content in base.items() if "/versions/" in path and files.get(path) != content]


def state_errors(files: Files) -> list[tuple[str, str]]:
    """Give what a full check of files finds wrong."""
    return errors(review.check(MemoryTree(files)).findings)


# --- changes at random ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chance:
    """
    Changes drawn at random, mostly as podium makes them, some as a hand in a hurry does; a seed gives the same again.

    ``narrow``: they are about few versions of one registered model and its artifact, so that two of them meet often.
    """

    draw: random.Random
    narrow: bool = False

    def registry(self) -> dict[str, Content]:
        """Grow a registry from the start, a few edits on."""
        files: dict[str, Content] = dict(START)
        for _ in range(self.draw.randint(0, 6)):
            files = laid(files, self._edit(files, files))
        return files

    def change(self, files: Files) -> Changes:
        """Make one to three edits in a row; one edit in ten is by hand and may be wrong."""
        found: dict[str, Content | None] = {}
        for _ in range(self.draw.randint(1, 3)):
            now = laid(files, found)
            found |= self._by_hand(now) if self.draw.random() < 0.1 else self._edit(now, files)
        return {path: content for path, content in found.items() if files.get(path) != content}

    def hostile(self, files: Files) -> Changes:
        """Write one file as somebody does who wants to deceive, or who knows nothing of the format."""
        ours = ("models/", "artifacts/", "schemas/", "registry")
        path = self.draw.choice(sorted(path for path in files if path.startswith(ours)))
        folder, content = path.rpartition("/")[0] or "models", self.draw.choice(_CONTENTS)
        record = self.draw.choice(sorted(path for path in files if path.endswith(".dvc")))
        name, number = self.draw.choice(_NAMES), self.draw.randrange(6)
        return self.draw.choice(
            [
                {path: None},
                {path: content},
                {path: (content, EXECUTABLE)},
                {f"{folder}/{name}": self.draw.choice([content, files[path]])},
                {f"models/{self.draw.choice(['A', 'a', 'con'])}/{name}": content},
                {
                    f"artifacts/{self.draw.choice(['vision', 'Vision'])}/"
                    f"{self.draw.choice(['new', 'New'])}/{name}": content
                },
                {f"{record.rpartition('/')[0]}/v{number}.dvc": files[record]},
                {f"{MODEL}/versions/v{number}.yaml": self.draw.choice(_CONTENTS)},
                {"schemas/team/link.schema.json": self.draw.choice(_TEAM_SCHEMAS)},
            ]
        )

    def _edit(self, files: Files, base: Files) -> Changes:
        registry = codec.read(MemoryTree(files))
        edit = self.draw.choice(_EDITS)
        try:
            return _changes(edit(self, registry, codec.read(MemoryTree(base))))
        except Refused:
            return {}

    def _by_hand(self, files: Files) -> Changes:
        path = self.draw.choice(sorted(path for path in files if path.startswith(("models/", "artifacts/"))))
        return self.draw.choice(_SLIPS)(self, files, path)

    def _model(self, registry: Registry) -> str:
        others = [] if self.narrow else [*registry.models, "ImageClassifier", "Fraud", "fraud"]
        return self.draw.choice(["ImageClassifier", *others])

    def _artifact(self, registry: Registry) -> str:
        others = [] if self.narrow else [*registry.artifacts, "vision/resnet50", "vision/Net", "vision/net"]
        return self.draw.choice(["vision/resnet50", *others])

    def _version(self, registry: Registry) -> str:
        if self.narrow:
            return self.draw.choice(["ImageClassifier:v0", "vision/resnet50:v0", "vision/resnet50:v3"])
        name = self.draw.choice([*registry.models, *registry.artifacts, "ImageClassifier", "vision/resnet50"])
        entity = registry.named(registry.reference(name))
        return f"{name}:{self.draw.choice(list(entity.numbers) or ['v0'])}"

    def _logged(self, registry: Registry, _: Registry) -> edits.Edited:
        content = b"content %d" % self.draw.randint(0, 5)
        accuracy = self.draw.choice([0.85, 0.92, 0.97])
        return log(self._artifact(registry), content, metrics={"accuracy": accuracy})(registry)

    def _linked(self, registry: Registry, _: Registry) -> edits.Edited:
        artifact = registry.artifacts[self.draw.choice(list(registry.artifacts))]
        number = self.draw.choice(list(artifact.numbers) or ["v0"])
        return link(f"{artifact.name}:{number}", self._model(registry))(registry)

    def _promoted(self, registry: Registry, base: Registry) -> edits.Edited:
        alias = self.draw.choice(["canary", "staging", "production", "best", "Canary"])
        reference = registry.reference(self._version(registry))
        return edits.promote(registry, reference, alias, base)

    def _unaliased(self, registry: Registry, base: Registry) -> edits.Edited:
        reference = registry.reference(self.draw.choice([*registry.models, *registry.artifacts]))
        aliases = list(registry.named(reference).assignments) or ["canary"]
        return edits.unalias(registry, reference, self.draw.choice(aliases), base)

    def _withdrawn(self, registry: Registry, _: Registry) -> edits.Edited:
        return withdraw(self._version(registry), self.draw.choice(["wrong data", "its licence ended"]))(registry)

    def _restored(self, registry: Registry, _: Registry) -> edits.Edited:
        return restore(self._version(registry))(registry)

    def _tagged(self, registry: Registry, _: Registry) -> edits.Edited:
        words = ["image-classification", "detection"]
        which = {self.draw.choice(["add", "remove"]): [self.draw.choice(words)]}
        return tag(self.draw.choice(list(registry.models)), **which)(registry)

    def _created(self, registry: Registry, _: Registry) -> edits.Edited:
        name = self.draw.choice([self._model(registry), self._artifact(registry)])
        return create(name, self.draw.choice(["", "New"]))(registry)

    def _settled(self, registry: Registry, _: Registry) -> edits.Edited:
        """Change the policies or the vocabulary, each line of it by itself, with what CODEOWNERS must then say."""
        text = registry.tree.read(layout.REGISTRY).decode()
        for old, new in self.draw.sample(_SETTINGS, 2):
            text = text.replace(old, new)
        after = codec.read(overlay(registry.tree, {layout.REGISTRY: text.encode()}))
        owners = codeowners.merged(registry.tree.read(layout.CODEOWNERS).decode(), after)
        return edits.Edited(codec.read(overlay(after.tree, {layout.CODEOWNERS: owners.encode()})), "")

    def _carded(self, registry: Registry, _: Registry) -> edits.Edited:
        card = self.draw.choice([None, b"What it is for.\n", b"Another card.\n"])
        path = layout.card(self.draw.choice(list(registry.models)))
        return edits.Edited(codec.read(overlay(registry.tree, {path: card})), "")

    def _gone(self, _: Files, path: str) -> Changes:
        return {path: None}

    def _moved(self, files: Files, path: str) -> Changes:
        return {path: None, path.replace("v", "x", 1): files[path]}

    def _folder_moved(self, files: Files, path: str) -> Changes:
        folder = path.rpartition("/")[0]
        inside = [other for other in files if other.startswith(f"{folder}/")]
        return dict.fromkeys(inside) | {f"{folder}2{other[len(folder) :]}": files[other] for other in inside}

    def _rewritten(self, files: Files, path: str) -> Changes:
        content = files[path]
        return {path: content + b"# a word\n"} if isinstance(content, bytes) else {}

    def _counted(self, files: Files, path: str) -> Changes:
        content = files[path]
        assert isinstance(content, bytes)
        step = b"generation: %d" % self.draw.randint(1, 6)
        return {path: re.sub(rb"generation: [0-9]+", step, content)}

    def _copied(self, files: Files, path: str) -> Changes:
        numbers = [int(number) for number in re.findall(r"/v([0-9]+)\.", path)]
        return (
            {re.sub(r"/v[0-9]+\.", f"/v{numbers[0] + self.draw.randint(1, 4)}.", path): files[path]} if numbers else {}
        )

    def _executable(self, files: Files, path: str) -> Changes:
        return {path: (files[path], EXECUTABLE)} if isinstance(files[path], bytes) else {}

    def _twin(self, files: Files, path: str) -> Changes:
        head, _, name = path.rpartition("/")
        return {f"{head}/{name.swapcase()}": files[path]}

    def _unioned(self, files: Files, _: str) -> Changes:
        return {".gitattributes": b"models/** merge=union\n"}


_EDITS = (
    *(Chance._logged, Chance._logged, Chance._linked, Chance._linked),
    *([Chance._promoted] * 4),
    *([Chance._withdrawn] * 4),
    *(Chance._unaliased, Chance._restored, Chance._tagged, Chance._created, Chance._settled, Chance._carded),
)
_SLIPS = (
    *(Chance._gone, Chance._moved, Chance._folder_moved, Chance._rewritten, Chance._counted, Chance._copied),
    *(Chance._executable, Chance._twin, Chance._unioned),
)
_CONTENTS = (
    *(b"x", b"", b"description: [\n", b"generation: 1\nversion: v9\n", b"generation: 1\nversion: v1\n"),
    *(b"artifact: vision/resnet50\nversion: v0\n", b"artifact:  vision/resnet50 # odd\nversion: v1\n"),
    *(b"description: A\nwithdrawn: {v0: bad, v1: bad}\n", b"outs:\n- md5: 00000000000000000000000000000000.dir\n"),
)
_NAMES = (
    *("v3.yaml", "v4.dvc", "V2.dvc", "v02.dvc", "best.yaml", "Canary.yaml", "model.yaml", "artifact.yaml", "x/y"),
    *("versions/v0.dvc", "versions/v0.yaml", "aliases/a.yaml", "aliases/staging.yaml"),
)
_TEAM_SCHEMAS = (b"[", b"{}", b'{"properties": {"artifact": {"pattern": "^speech/"}}}\n')
_SETTINGS = (
    ("min: 0.9}", "min: 0.95}"),
    ("min: 0.9}", "min: 0.9, max_drop: 0.001}"),
    ("min: 0.95}", "min: 0.9}"),
    ("metadata: [license]", "metadata: [license, dataset]"),
    ("      card: true\n", ""),
    ("tags:\n", "tags:\n  detection: Finds things\n"),
    ("  image-classification: Assigns one label to an image\n", ""),
    ('["@acme/ml-leads"]', '["@acme/ml-leads", "@acme/sre"]'),
    ("    description: In shadow traffic\n", '    description: In shadow traffic\n    approvers: ["@acme/sre"]\n'),
    ("    after: [staging]\n", ""),
)
