"""Which objects are needed: by any version that a branch, pull request, tag, stash or working tree has or ever had."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice

from podium import codec, git, layout, manifest, refs, timeline
from podium.errors import Refused, Unavailable
from podium.model import File, Registry
from podium.tree import Tree

MOVES = 10
"""How many moves back a protected alias keeps what it held, withdrawn or not."""

Listing = Callable[[str, Collection[str]], bytes | None]
"""
Gives the content of a ``.dir`` object, ``None`` where no store has it; raises Unavailable where that cannot be told.

The names are those of the remotes that the file which names it names, none for the default one.
"""
Key = tuple[str, str]
"""A record as some commit has it: its path, and Git's id of its content. Or a version: its artifact and its number."""

_MD5 = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")


def wanted(path: str) -> bool:
    """Tell whether a file can name objects (what DVC reads), or say which of them are needed (what podium reads)."""
    name = path.rpartition("/")[2]
    return _names_objects(path) or (name.endswith(".yaml") and path.startswith((layout.MODELS, layout.ARTIFACTS)))


def _names_objects(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".dvc") or name == "dvc.lock"


@dataclass(frozen=True)
class Needs:
    """
    The objects that are needed, and the folders of plain DVC files that no store has: what those list cannot be told.

    DVC cannot fetch such a folder either, so nothing is lost with what it may have listed.
    """

    objects: frozenset[str]
    lost: frozenset[str] = frozenset()

    def __or__(self, other: Needs) -> Needs:
        return Needs(self.objects | other.objects, self.lost | other.lost)


def of(view: git.View, listing: Listing, *, without_withdrawn: bool = False) -> Needs:
    """
    Give what is needed by anything that can be seen.

    Every object that a ``.dvc`` file or a ``dvc.lock`` names, in any commit that can be reached or on disk, and what
    the folders among them list. ``without_withdrawn`` leaves out what only withdrawn versions need (see
    ``_Withdrawn``). Raises Unavailable where an object of Git's is missing, or where what a version consists of cannot
    be read.
    """
    files: dict[str, set[str]] = {}
    for path, id_ in view.files(wanted):
        files.setdefault(path, set()).add(id_)
    gone = _Withdrawn(view, files).records() if without_withdrawn else frozenset()
    passed_over = {(path, view.read(id_)) for path, id_ in gone}
    contents: dict[bytes, str] = {}
    for path, ids in files.items():
        if _names_objects(path):
            contents.update((view.read(id_), path) for id_ in ids if (path, id_) not in gone)
    contents |= {content: path for path, content in view.loose - passed_over if _names_objects(path)}
    return _expanded((_named(content, path) for content, path in contents.items()), listing)


# --- what one file names --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Named:
    """
    The objects that a file names, and the remotes that it says they are on.

    ``folders`` are those whose members it does not name; ``ours``: podium logged it.
    """

    path: str
    objects: frozenset[str]
    folders: frozenset[str]
    remotes: frozenset[str]
    ours: bool


def _named(content: bytes, path: str) -> _Named:
    """Read what a file names. All that looks like a hash counts: a file need not be sound for that to be needed."""
    data: object = None
    with suppress(codec.Malformed):
        data = codec.decode(content)
    found = {name.decode() for name in _MD5.findall(content)}
    if b"\\" in content:  # a hash may be written with escapes
        found |= {name.decode() for text in _texts(data) for name in _MD5.findall(text.encode("utf-8", "replace"))}
    folders = frozenset(name for name in found if name.endswith(".dir"))
    return _Named(path, frozenset(found), folders - _told(data), _remotes(data), _is_record(data))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from chain.from_iterable(map(_texts, value.values()))
    elif isinstance(value, list):
        yield from chain.from_iterable(map(_texts, value))


def _told(data: object) -> frozenset[str]:
    """Give the folder whose members a record names itself, as its hash proves."""
    try:
        files = data["meta"]["files"]  # type: ignore[index]
        return frozenset({manifest.directory_hash(File(entry["path"], 0, entry["md5"], "") for entry in files)})
    except (KeyError, TypeError, IndexError, AttributeError, UnicodeEncodeError):
        return frozenset()


def _remotes(data: object) -> frozenset[str]:
    """Give the values of every ``remote:`` there is."""
    if isinstance(data, dict):
        own = {value for key, value in data.items() if key == "remote" and isinstance(value, str) and value}
        return frozenset(own).union(*map(_remotes, data.values()))
    return frozenset().union(*map(_remotes, data)) if isinstance(data, list) else frozenset()


def _is_record(data: object) -> bool:
    return isinstance(data, dict) and isinstance(data.get("meta"), dict) and "author" in data["meta"]


def _expanded(named: Iterable[_Named], listing: Listing) -> Needs:
    """Add what folders list to what the files name."""
    objects: set[str] = set()
    folders: dict[str, _Named] = {}
    for found in named:
        objects |= found.objects
        folders |= {folder: found for folder in found.folders if folder not in folders or found.ours}
    lost: set[str] = set()
    for folder, by in folders.items():
        content = listing(folder, by.remotes)
        members = manifest.listed(folder, content)
        if members is not None:
            objects.update(member.md5 for member in members)
        elif content is None and not by.ours:
            lost.add(folder)
        else:
            what = "is nowhere to be found" if content is None else "is damaged"
            raise Unavailable(
                f"the list of files of {by.path} {what} ({folder}): what that version needs cannot be told",
                "`podium upload` on the machine that logged it sends it",
            )
    return Needs(frozenset(objects), frozenset(lost))


# --- withdrawn versions ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Withdrawn:
    """
    The records whose bytes may go when withdrawn versions need none.

    Those which the default branch withdrew in their artifact, unless a branch, a pull request or a working tree that
    has the version has not withdrawn it, an alias holds it at any ref, or an alias with a policy held it in its last
    ten moves.
    """

    view: git.View
    files: dict[str, set[str]]
    _seen: dict[str, frozenset[Key]] = field(default_factory=dict)

    def records(self) -> frozenset[Key]:
        """Give them, as path and id."""
        gone = dict(self._withdrawn())
        if not gone:
            return frozenset()
        branches = [*self._trees(self.view.tips), *(git.WorkingTree(folder) for folder in self.view.worktrees)]
        for tree in (*branches, *self._trees(self.view.tagged)):
            self._keep(gone, self._held(tree))
        for tree in branches:
            self._keep(gone, self._not_withdrawn(codec.read(tree), gone))
        self._keep(gone, self._moves())
        return frozenset(gone.values())

    def _trees(self, commits: Iterable[str]) -> list[Tree]:
        return [git.commit_tree(self.view.repository, commit) for commit in commits]

    @staticmethod
    def _keep(gone: dict[Key, Key], versions: Collection[Key]) -> None:
        for version in versions:
            gone.pop(version, None)

    def _withdrawn(self) -> Iterator[tuple[Key, Key]]:
        """Give what the default branch has withdrawn: the version, and its record."""
        if self.view.default is None:
            return
        tree = git.commit_tree(self.view.repository, self.view.default)
        for name, artifact in codec.read(tree).artifacts.items():
            for number in artifact.withdrawn:
                path = layout.version("artifact", name, number)
                entry = tree.entry(path)
                if entry is not None and entry.id is not None:
                    yield (name, number), (path, entry.id)

    @staticmethod
    def _not_withdrawn(registry: Registry, versions: Iterable[Key]) -> set[Key]:
        """Give those of some versions that a registry has, not withdrawn; all of them where it cannot be read."""
        found: set[Key] = set()
        for name, number in versions:
            artifact = registry.artifacts.get(name)
            if artifact is None or number not in artifact.numbers:
                continue
            try:
                if number not in artifact.withdrawn:
                    found.add((name, number))
            except Refused:
                found.add((name, number))
        return found

    def _held(self, tree: Tree) -> set[Key]:
        """Give the versions that aliases hold; each model's and artifact's folder is read once, whatever has it."""
        registry, found = codec.read(tree), set[Key]()
        kinds: tuple[refs.Kind, ...] = ("model", "artifact")
        for kind in kinds:
            for name in registry.entities(kind):
                entry = tree.entry(layout.folder(kind, name))
                id_ = entry.id if entry is not None and entry.id is not None else f"{id(tree)} {kind} {name}"
                if id_ not in self._seen:
                    self._seen[id_] = frozenset(_held_by(registry, kind, name))
                found |= self._seen[id_]
        return found

    def _moves(self) -> set[Key]:
        """Give what the aliases with a policy held in their last moves on the default branch."""
        assert self.view.default is not None
        tree = git.commit_tree(self.view.repository, self.view.default)
        registry = codec.read(tree)
        line = timeline.Line(self.view.repository, self.view.default, self.view.default)
        found: set[Key] = set()
        for name in registry.models:
            for alias in registry.settings.policies:
                held = timeline.held(line, layout.alias("model", name, alias))
                for number in islice(held, MOVES + 1):
                    found |= self._linked(tree, layout.version("model", name, number))
        return found

    def _linked(self, tree: Tree, path: str) -> set[Key]:
        """Give the version that a link names; where the link is gone, those that it ever named anywhere."""
        entry = tree.entry(path)
        found: set[Key] = set()
        for id_ in [entry.id] if entry is not None and entry.id is not None else self.files.get(path, ()):
            with suppress(codec.Malformed):
                data = codec.decode(self.view.read(id_))
                found.add((str(data.get("artifact")), str(data.get("version"))))
        return found


def _held_by(registry: Registry, kind: refs.Kind, name: str) -> Iterator[Key]:
    """Give the versions that the aliases of a model or artifact hold; what cannot be read cannot be used either."""
    with suppress(Refused):
        for version in registry.entities(kind)[name].held.values():
            with suppress(Refused, KeyError):  # a link that is not there is none that anybody could use
                if kind == "artifact":
                    yield name, version
                else:
                    link = registry.models[name].links[version]
                    yield link.artifact, link.version
