"""What of a registry is judged in one go, and what of it has to be judged for paths that somebody asks about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from podium import layout, refs
from podium.tree import Tree


@dataclass(frozen=True)
class Unit:
    """What is judged in one go: the registry's own files, a registered model, or a model artifact."""

    kind: refs.Kind | None
    name: str = ""

    @property
    def folder(self) -> str:
        """Where its files are; the top for the registry's own."""
        return "" if self.kind is None else layout.folder(self.kind, self.name)


@dataclass(frozen=True)
class Part:
    """
    What of a unit is judged where only that has changed; what is found in the rest was found before.

    ``files`` are judged by themselves. The rules on a whole model or artifact are told of ``versions`` what they hold,
    of all others only that they are there. Of the registry's own, ``folders`` are looked into for their names.
    """

    files: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()


def units(tree: Tree) -> Iterator[Unit]:
    """Give what a registry is judged by, in order."""
    yield Unit(None)
    for project in folders_in(tree, layout.ARTIFACTS):
        for artifact in folders_in(tree, f"{layout.ARTIFACTS}/{project}"):
            yield Unit("artifact", f"{project}/{artifact}")
    for model in folders_in(tree, layout.MODELS):
        yield Unit("model", model)


def unit_of(path: str) -> Unit:
    """Give the unit that a path belongs to."""
    parts = path.split("/")
    if parts[0] == layout.MODELS and len(parts) > 2:
        return Unit("model", parts[1])
    if parts[0] == layout.ARTIFACTS and len(parts) > 3:
        return Unit("artifact", f"{parts[1]}/{parts[2]}")
    return Unit(None)


def folders_in(tree: Tree, folder: str) -> list[str]:
    """Give the names of the folders in a folder."""
    return [entry.name for entry in tree.list(folder) if entry.is_folder]


# --- paths that are asked about -------------------------------------------------------------------------------------


def touches(unit: Unit, paths: Sequence[str]) -> bool:
    """Tell whether a unit has to be judged for one of these paths: one in it, it itself, or a folder around it."""
    if unit.kind is None:
        return any(_of_the_registry(path) for path in paths)
    folder = unit.folder
    return any(
        path in ("", ".", folder) or path.startswith(f"{folder}/") or folder.startswith(f"{path}/") for path in paths
    )


_OWN = ("", ".", layout.REGISTRY, layout.SCHEMAS, ".gitattributes", ".github", ".gitlab")


def _of_the_registry(path: str) -> bool:
    """Tell whether a path is podium's, but in no registered model and no model artifact."""
    parts = path.split("/")
    return parts[0] in _OWN or len(parts) < {layout.MODELS: 3, layout.ARTIFACTS: 4}.get(parts[0], 0)


def is_about(found: str, path: str) -> bool:
    """Tell whether a finding belongs to a path that was asked for: one in it, or in the same unit."""
    if path in ("", ".", found) or found.startswith(f"{path}/"):
        return True
    unit = unit_of(path)
    return unit == unit_of(found) and (unit.kind is not None or not (_is_below(path) or _is_below(found)))


def _is_below(path: str) -> bool:
    return path.split("/", 1)[0] in (layout.MODELS, layout.ARTIFACTS)
