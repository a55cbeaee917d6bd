"""
What a list says of every registered model or artifact: read once, then kept as long as nothing it came from changed.

A row comes from its own folder and, since a version withdrawn in its artifact counts as withdrawn, from the artifacts
of the links that were read for ``latest``. How these look is kept with it: Git's ids where a commit is read; size,
times and inode of every file and folder where a checkout is. A row whose sources look otherwise is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from podium import kept, layout, refs
from podium.errors import Error
from podium.model import About, Artifact, RegisteredModel, Registry, Row

FORM = "rows 4"
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

    def is_folder(self, path: str) -> bool:
        """Tell whether a folder of this tree is at a path: through no link, and inside no other repository."""

    def telling(self, folder: str, names: Iterable[str]) -> Sequence[str]:
        """Give the paths that look otherwise when what is named in a folder does, or the folder itself."""

    def looks(self, paths: Sequence[str]) -> bytes:
        """Give how paths look: as many bytes of each, which are others when what is there may be other."""

    def are_settled(self, looks: bytes) -> bool:
        """Tell whether nothing changed so lately that it may have changed after it was read, and look the same."""


def of(
    registry: Registry, kind: refs.Kind, folder: Path, only: Only | None = None, *, worth_keeping: int = WORTH_KEEPING
) -> list[Row]:
    """
    Give the rows of the registered models, or artifacts, in order: all, or those that are wanted by name and
    description.

    ``folder`` is where rows are kept. Raises what reading a row that is wanted raises.
    """
    wanted = only or (lambda _name, _about: True)
    entities = registry.entities(kind)
    tree: Any = registry.tree
    names = _names(tree, kind) if hasattr(tree, "looks") else None
    if names is None or len(names) < worth_keeping:
        return [entity.row for entity in entities.values() if wanted(entity.name, entity.about)]
    rows = _Rows(tree, kind, folder)
    known = rows.known(names)
    found = [known.get(name) or (rows.made(entities[name], wanted) if name in entities else None) for name in names]
    rows.keep()
    return [row for row in found if row is not None and (only is None or only(row.name, row.about))]


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
        self._file = folder / f"{kept.name(f'{kind} {tree.place}')}.json"
        self._before = _kept_rows(kept.read(self._file, FORM))
        self._now: dict[str, _KeptRow] = {}
        self._new = 0

    def known(self, names: Iterable[str]) -> Mapping[str, Row]:
        """Give the rows that were kept, and whose sources look as they did."""
        asked = {name: self._before[name] for name in names if name in self._before}
        within = {row.within for row in asked.values()}
        gone = {folders for folders in within if not all(map(self._tree.is_folder, folders.split("\n")))}
        asked = {name: row for name, row in asked.items() if row.within not in gone}
        paths = [row.paths.split("\n") for row in asked.values()]
        looks = _digests(self._tree.looks(list(chain.from_iterable(paths))), list(map(len, paths)))
        self._now = {name: row for (name, row), look in zip(asked.items(), looks, strict=True) if look == row.looks}
        return {name: row.row(self._kind, name) for name, row in self._now.items()}

    def made(self, entity: RegisteredModel | Artifact, wanted: Only) -> Row | None:
        """Make a row, and keep it for the next time; ``None`` for one that is neither wanted nor to be kept."""
        if wanted(entity.name, entity.about):
            self._note(entity)
            return entity.row
        looks = self._tree.looks(self._tree.telling(layout.folder(self._kind, entity.name), ()))
        if self._tree.are_settled(looks):
            with suppress(Error):
                self._note(entity)
        return None

    def keep(self) -> None:
        """Write what is known now, where that is worth it."""
        if self._new * WORTH_WRITING > len(self._now):
            kept.write(self._file, FORM, self._now)

    def _note(self, entity: RegisteredModel | Artifact) -> None:
        links, artifacts = _sources(entity)
        names = [part for name in (entity.name, *artifacts) for part in name.split("/")]
        if any(map(refs.why_not_name, names)) or any(name not in entity.registry.artifacts for name in artifacts):
            return  # Git, and what it ignores, says whether such a folder is there: that has no looks
        row = entity.row
        own = layout.folder(self._kind, entity.name)
        others = [layout.artifact_folder(artifact) for artifact in artifacts]
        paths = list(self._tree.telling(own, _files(self._kind, entity.assignments, links)))
        paths += [path for other in others for path in self._tree.telling(other, ["artifact.yaml"])]
        looks = self._tree.looks(paths)
        if self._tree.are_settled(looks):
            within = "\n".join(sorted({folder.rpartition("/")[0] for folder in (own, *others)}))
            (digest,) = _digests(looks, [len(paths)])
            kept_row = [digest, "\n".join(paths), within, *row.about, row.latest, row.aliases, row.versions]
            self._now[entity.name] = _KeptRow._make(kept_row)
            self._new += 1


def _digests(looks: bytes, counts: Sequence[int]) -> Iterator[str]:
    """Give one text for the looks of so many paths each."""
    width, at = len(looks) // max(1, sum(counts)), 0
    for count in counts:
        end = at + width * count
        yield hashlib.blake2b(looks[at:end], digest_size=20).hexdigest()
        at = end


def _sources(entity: RegisteredModel | Artifact) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the links that were read to find the latest version, and the artifacts that were asked for withdrawals."""
    if isinstance(entity, Artifact):
        return (), ()
    numbers = list(entity.numbers)
    latest = numbers.index(entity.latest) if entity.latest is not None else 0
    links = tuple(number for number in numbers[latest:] if number not in entity.withdrawn)
    return links, tuple(dict.fromkeys(entity.links[number].artifact for number in links))


def _files(kind: refs.Kind, aliases: Iterable[str], links: Iterable[str]) -> list[str]:
    """Give the files and folders that a row comes from, in the folder of its model or artifact."""
    suffix = ".yaml" if kind == "model" else ".dvc"
    own = [f"{kind}.yaml", "aliases", "versions"]
    return own + [f"aliases/{alias}.yaml" for alias in aliases] + [f"versions/{link}{suffix}" for link in links]


# --- what is kept -----------------------------------------------------------------------------------------------------


class _KeptRow(NamedTuple):
    """A row, and what it came from: paths, which looked so, and the folders of models and artifacts; one a line."""

    looks: str
    paths: str
    within: str
    description: str
    owners: Sequence[str]
    tags: Sequence[str]
    type: str
    remote: str
    withdrawn: Mapping[str, str]
    latest: str | None
    aliases: Mapping[str, str]
    versions: int

    def row(self, kind: refs.Kind, name: str) -> Row:
        """Give the row itself."""
        owners, tags = tuple(self.owners), tuple(self.tags)
        about = About(self.description, owners, tags, self.type, self.remote, self.withdrawn)
        return Row(kind, name, about, self.latest, self.aliases, self.versions)


def _kept_rows(found: Any) -> dict[str, _KeptRow]:
    """Read what was kept; nothing where it is not of the shape that is written here, whoever wrote it."""
    with suppress(TypeError, ValueError, AttributeError):
        rows = {name: _KeptRow._make(raw) for name, raw in found.items()}
        if not rows or _is_of_its_kind(_KeptRow(*zip(*rows.values(), strict=True))):
            return rows
    return {}


def _is_of_its_kind(column: _KeptRow) -> bool:
    """Tell whether each fact of all rows is what it has to be: asked of a column at once, ten thousand take no time."""
    flat: Any = chain.from_iterable
    lists = flat((column.owners, column.tags))
    mappings = flat((column.withdrawn, column.aliases))
    facts: Any = (*column, flat(lists), flat(map(dict.values, mappings)))
    return all(kind.issuperset(map(type, some)) for some, kind in zip(facts, _KINDS, strict=True))


_TEXT: set[type] = {str}
_TEXT_OR_NONE: set[type] = {str, type(None)}
_LIST: set[type] = {list}
_MAPPING: set[type] = {dict}
_NUMBER: set[type] = {int}
_KINDS = [*[_TEXT] * 4, _LIST, _LIST, _TEXT, _TEXT, _MAPPING, _TEXT_OR_NONE, _MAPPING, _NUMBER, _TEXT, _TEXT]
"""Of what kind each fact is that is kept, in their order; then what the lists hold, and the mappings."""
