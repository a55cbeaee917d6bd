"""What a step makes judge anew: the units it touches, what depends on these, and of each only what may have changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from podium import checks, codec, layout
from podium.checks import Part, Unit
from podium.codec import Malformed
from podium.diff import Change
from podium.errors import Refused
from podium.history import Step
from podium.model import Registry
from podium.tree import FILE, Entry, Tree, read_again

_MD5 = re.compile(rb"outs:\n- md5: ([0-9a-f]{32}\.dir)\n")


def parts(step: Step, *, same_ground: bool) -> Iterator[tuple[Unit, Part | None]]:
    """
    Give each unit that has to be judged, and which part of it: what is found in the rest was found before.

    ``same_ground`` tells whether the settings and the team's schemas, by which every file is judged, are as they were;
    where they are not, all of a unit is judged: no part is given.
    """
    by_unit: dict[Unit, list[str]] = {}
    for path in step.paths:
        by_unit.setdefault(checks.unit_of(path), []).append(path)
    for unit in _touched(step, by_unit):
        paths = frozenset(by_unit.get(unit, ()))
        if unit.kind is None:
            yield unit, Part(paths, folders=frozenset(_own_folders(step, by_unit)))
        elif same_ground and _is_there(step.before, unit):
            yield unit, Part(paths, frozenset(_versions(step, unit, paths)))
        else:
            yield unit, None


# --- which units ----------------------------------------------------------------------------------------------------


def _touched(step: Step, by_unit: Mapping[Unit, Iterable[str]]) -> Iterable[Unit]:
    """Give what a step touches, and what depends on that, in order and each once."""
    units = list(by_unit)
    if any(unit.kind is not None and not _is_there(step.before, unit) for unit in by_unit):
        units.append(Unit(None))  # a new name stands beside others
    for change in step.changes:
        units += _dependents(step, change)
    if layout.REGISTRY in step.paths:
        units += _losers_of_tags(step)
    return [unit for unit in dict.fromkeys(units) if unit.kind is None or _is_there(step.after, unit)]


def _is_there(registry: Registry, unit: Unit) -> bool:
    entry = registry.tree.entry(unit.folder)
    return entry is not None and entry.is_folder


def _dependents(step: Step, change: Change) -> Iterator[Unit]:
    """Give the models that link a version which the step withdraws in its artifact, or may have: its file is mended."""
    place = layout.place(change.path)
    if change.kind not in ("version-withdrawn", "other") or place is None or place.document != "artifact":
        return
    if not _has_withdrawals(step.after, place.name):
        return
    needle = place.name.encode()
    for name, model in step.after.models.items():
        for version in model.numbers:
            # most links are told apart by their bytes alone
            if needle in step.after.tree.read(layout.version("model", name, version)):
                yield Unit("model", name)
                break


def _has_withdrawals(registry: Registry, artifact: str) -> bool:
    entity = registry.artifacts.get(artifact)
    try:
        return entity is not None and bool(entity.withdrawn)
    except Refused:
        return False


def _losers_of_tags(step: Step) -> Iterator[Unit]:
    """Give the models whose tags a shrunken vocabulary no longer has."""
    try:
        old, new = step.before.settings.tags, step.after.settings.tags
    except Refused:
        return
    if new is None or (old is not None and set(old) <= set(new)):
        return
    for name, model in step.after.models.items():
        try:
            lost = [tag for tag in model.tags if tag not in new]
        except Refused:
            continue
        if lost:
            yield Unit("model", name)


# --- which part of them ---------------------------------------------------------------------------------------------


def _own_folders(step: Step, by_unit: Mapping[Unit, Iterable[str]]) -> Iterator[str]:
    """Give the folders around what is not of a model or artifact, and around models and artifacts that come or go."""
    for unit, paths in by_unit.items():
        if unit.kind is None or not (_is_there(step.before, unit) and _is_there(step.after, unit)):
            yield ""
            for path in paths:
                yield from _around(path)


def _around(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _versions(step: Step, unit: Unit, paths: Iterable[str]) -> Iterator[str]:
    """Give the versions whose content may matter: those written, their equals in content, and those aliases name."""
    places = [(path, place) for path in paths if (place := layout.place(path)) is not None]
    written = {place.member: path for path, place in places if place.document in ("link", "version")}
    yield from written
    if written:
        yield from _of_equal_content(step, unit, written)
    if unit.kind == "model":
        for registry in (step.before, step.after):
            yield from _named_by_aliases(registry.tree, unit)


def _of_equal_content(step: Step, unit: Unit, written: Mapping[str, str]) -> Iterator[str]:
    wanted = {_content(registry.tree, path) for registry in (step.before, step.after) for path in written.values()}
    wanted.add(None)  # what is not seen may be equal
    tree, folder = step.after.tree, f"{unit.folder}/versions"
    known = step.contents(folder)
    names = {path.rpartition("/")[2] for path in written.values()}
    same = {id_ for id_, content in known.items() if content in wanted}
    # of thousands nearly all are plain files with other content
    for entry in [one for one in tree.list(folder) if one[1] != FILE or one[2] not in known or one[2] in same]:
        content = known.get(entry.id) if entry.id is not None and entry.is_file else None
        if content is None:
            content = _content(tree, f"{folder}/{entry.name}", entry if entry.name not in names else None)
            if content is not None and entry.id is not None:
                known[entry.id] = content
        if content in wanted and (number := entry.name.rpartition(".")[0]) not in written:
            yield number


def _content(tree: Tree, path: str, unchanged: Entry | None = None) -> str | None:
    """
    Give what is not to be there twice: of a record its hash, of a link its target; ``None`` where that is not seen.

    ``unchanged`` is the entry of a file that the step leaves as it was.
    """
    try:
        if unchanged is None:
            return _said(tree.read(path))
        return _said(read_again(tree, path, unchanged)) if unchanged.is_file else None
    except (KeyError, Refused):
        return None


def _said(raw: bytes) -> str | None:
    quick = _MD5.match(raw)  # where the rest is sound, this is what the parser reads, too
    if quick is not None:
        return quick[1].decode()
    try:
        data = codec.decode(raw)
    except Malformed:
        return None
    return f"{data['artifact']}:{data['version']}" if {"artifact", "version"} <= data.keys() else None


def _named_by_aliases(tree: Tree, unit: Unit) -> Iterator[str]:
    folder = f"{unit.folder}/aliases"
    for entry in tree.list(folder):
        try:
            version = codec.decode(tree.read(f"{folder}/{entry.name}")).get("version")
        except (KeyError, Malformed, Refused):
            continue
        if isinstance(version, str):
            yield version
