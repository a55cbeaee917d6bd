"""
What a list says of every registered model or artifact: read once, then kept as long as nothing it came from changed.

A row comes from its own folder and, since a version withdrawn in its artifact counts as withdrawn, from the artifacts of the
links that were read for ``latest``. How these look is kept with it: Git's ids where a commit is read; size, times and inode
of every file and folder where a checkout is. A row whose sources look otherwise is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from podium import kept, layout, refs
from podium.errors import Error
from podium.model import About, Artifact, RegisteredModel, Registry, Row

FORM = "rows 3"
"""Changes when what is kept, or what it means, does."""
WORTH_KEEPING = 64
"""With fewer models or artifacts a list is quick without anything kept."""
WORTH_WRITING = 50
"""The file is written anew when one row in so many is new; fewer are made anew each time at less cost."""

Only = Callable[[str, About], bool]


class Lasting(Protocol):
    """A tree that tells how files look without reading them: see ``git.WorkingTree`` and ``git.ObjectTree``."""

    @property
    def place(self) -> str:
        """Where on this machine it is."""

    def folders(self, folder: str) -> Sequence[str]:
        """Give the names of the folders in a folder, in order; there may be some that ``list`` does not give."""

    def looks(self, sources: Iterable[tuple[str, Iterable[str]]], *, settled: bool = False) -> str | None:
        """Give a text that is another one when what these folders hold may be another; of each, what is named."""


def of(
    registry: Registry, kind: refs.Kind, folder: Path, only: Only | None = None, *, worth_keeping: int = WORTH_KEEPING
) -> list[Row]:
    """
    Give the rows of the registered models, or artifacts, in order: all, or those that are wanted by name and description.

    ``folder`` is where rows are kept. Raises what reading a row that is wanted raises.
    """
    wanted = only or (lambda _name, _about: True)
    entities = registry.models if kind == "model" else registry.artifacts
    tree: Any = registry.tree
    names = _names(tree, kind) if hasattr(tree, "looks") else None
    if names is None or len(names) < worth_keeping:
        return [entity.row for entity in entities.values() if wanted(entity.name, entity.about)]
    rows = _Rows(tree, kind, folder)
    found = [rows.known(name) or (rows.made(entities[name], wanted) if name in entities else None) for name in names]
    rows.keep()
    return [row for row in found if row is not None and wanted(row.name, row.about)]


def _names(tree: Lasting, kind: refs.Kind) -> Sequence[str]:
    """Give all names that there may be, in order."""
    if kind == "model":
        return tree.folders(layout.MODELS)
    return [
        f"{project}/{name}"
        for project in tree.folders(layout.ARTIFACTS)
        for name in tree.folders(layout.artifact_folder(project))
    ]


class _Rows:
    """The rows of one kind in one registry: those that were kept, and those that are made now."""

    def __init__(self, tree: Lasting, kind: refs.Kind, folder: Path) -> None:
        self._tree = tree
        self._kind = kind
        place = hashlib.sha256(f"{kind} {tree.place}".encode("utf-8", "surrogateescape")).hexdigest()
        self._file = folder / f"{place[:24]}.json"
        found = kept.read(self._file, FORM)
        self._before: dict[str, Any] = found if type(found) is dict else {}
        self._now: dict[str, Any] = {}
        self._new = 0

    def known(self, name: str) -> Row | None:
        """Give a row that was kept, if its sources look as they did."""
        raw = self._before.get(name)
        one = _kept_row(self._kind, name, raw) if raw is not None else None
        if one is None or self._tree.looks(one.sources) != one.looks:
            return None
        self._now[name] = raw
        return one.row

    def made(self, entity: RegisteredModel | Artifact, wanted: Only) -> Row | None:
        """Make a row, and keep it for the next time; ``None`` for one that is neither wanted nor to be kept."""
        if wanted(entity.name, entity.about):
            self._note(entity)
            return entity.row
        if self._tree.looks([(layout.folder(self._kind, entity.name), ())], settled=True) is not None:
            with suppress(Error):
                self._note(entity)
        return None

    def keep(self) -> None:
        """Write what is known now, where that is worth it."""
        if self._new * WORTH_WRITING > len(self._now):
            kept.write(self._file, FORM, self._now)

    def _note(self, entity: RegisteredModel | Artifact) -> None:
        row, links, artifacts = entity.row, *_sources(entity)
        names = [part for name in (entity.name, *artifacts) for part in name.split("/")]
        if any(map(refs.why_not_name, names)) or any(name not in entity.registry.artifacts for name in artifacts):
            return  # Git, and what it ignores, says whether such a folder is there: that has no looks
        aliases = {alias: assignment.version for alias, assignment in entity.assignments.items()}
        looks = self._tree.looks(_KeptRow("", tuple(aliases), links, artifacts, row).sources, settled=True)
        if looks is not None:
            about = {name: getattr(row.about, name) for name in _ABOUT}
            self._now[entity.name] = [looks, aliases, links, artifacts, about, row.latest, row.versions]
            self._new += 1


def _sources(entity: RegisteredModel | Artifact) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the links that were read to find the latest version, and the artifacts that were asked for withdrawals."""
    if isinstance(entity, Artifact):
        return (), ()
    numbers = list(entity.numbers)
    latest = numbers.index(entity.latest) if entity.latest is not None else 0
    links = tuple(number for number in numbers[latest:] if number not in entity.withdrawn)
    return links, tuple(dict.fromkeys(entity.links[number].artifact for number in links))


# --- what is kept -----------------------------------------------------------------------------------------------------


class _KeptRow(NamedTuple):  # one is made for each of ten thousand rows: a frozen dataclass takes four times as long
    """A row, and what it came from: its aliases, the links that were read for ``latest``, and their artifacts."""

    looks: str
    aliases: Sequence[str]
    links: Sequence[str]
    artifacts: Sequence[str]
    row: Row

    @property
    def sources(self) -> list[tuple[str, Sequence[str]]]:
        """The folders that it came from, and what in them."""
        kind = self.row.kind
        suffix = ".yaml" if kind == "model" else ".dvc"
        own = [f"{kind}.yaml", "aliases", "versions"]
        own += [f"aliases/{alias}.yaml" for alias in self.aliases]
        own += [f"versions/{link}{suffix}" for link in self.links]
        others = [(layout.artifact_folder(artifact), _ABOUT_FILE) for artifact in self.artifacts]
        return [(layout.folder(kind, self.row.name), own), *others]


_ABOUT_FILE = ("artifact.yaml",)


def _kept_row(kind: refs.Kind, name: str, raw: Any) -> _KeptRow | None:
    """Read what was kept; ``None`` where it is not of the shape that is written here, whoever wrote it."""
    with suppress(TypeError, ValueError, AttributeError):
        looks, aliases, links, artifacts, facts, latest, versions = raw
        about = _about(facts)
        held = {alias: version for alias, version in aliases.items() if version is not None}
        _must_be_texts(looks, latest or "", *links, *artifacts, *held.values())
        if type(versions) is int:
            return _KeptRow(looks, tuple(aliases), links, artifacts, Row(kind, name, about, latest, held, versions))
    return None


def _about(facts: Any) -> About:
    """Read what a model's or artifact's own file says: each fact of its kind, lists as tuples; raises TypeError."""
    if tuple(facts) != _ABOUT or tuple(map(type, facts.values())) != _KINDS:
        raise TypeError(facts)
    read: Any = [tuple(fact) if type(fact) is list else fact for fact in facts.values()]
    about = About(*read)
    _must_be_texts(*about.owners, *about.tags, *about.withdrawn.values())
    return about


def _must_be_texts(*values: str) -> None:
    """Raise TypeError where one of these is no text: joining them is the quickest way to look at each."""
    "".join(values)


_ABOUT = tuple(field.name for field in fields(About))
_KINDS = tuple({tuple: list}.get(type(fact), type(fact)) for fact in astuple(About()))
