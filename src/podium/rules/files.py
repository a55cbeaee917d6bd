"""Rules on the files of a registry: which there may be, and what they may be called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from podium import layout, refs
from podium.checks import Around, Example, File, Flaw, Folder, Rule, quoted
from podium.errors import Denied
from podium.rules import attributes
from podium.tree import EXECUTABLE, FILE, LINK, SUBMODULE, Entry, Tree, walk

_SUFFIXES = {("models", "versions"): ".yaml", ("models", "aliases"): ".yaml", ("artifacts", "aliases"): ".yaml"}
_SHOULD_BE_VERSION = re.compile(r"[vV]?[\W_]*\d.*", re.DOTALL)
_TEAM_SCHEMAS = frozenset(layout.team_schema(document).rpartition("/")[2] for document in layout.DOCUMENTS)
_MODES = {
    EXECUTABLE: ("an executable file", "take the bit away: `git update-index --chmod=-x`, `chmod -x`"),
    LINK: ("a symbolic link", "put a plain file or folder in its place"),
    SUBMODULE: ("a submodule", "take it out: the registry holds its files itself"),
}


def _suffix(parts: tuple[str, ...]) -> str:
    return _SUFFIXES.get((parts[0], parts[-1]), ".dvc")


def _depth_of_entity(parts: tuple[str, ...]) -> int:
    return 2 if parts[0] == layout.MODELS else 3


class OnlyKnownFiles(Rule):
    """
    Under models/, artifacts/ and schemas/team/ lie the files that the format names, as plain files, and no others.

    Why: what the format does not name, no rule looks at, and no reviewer expects. A symbolic link, a submodule or an
    attribute in ``.gitattributes`` can make a reader see something else than what was reviewed.

    Fix: take the file away, or keep it elsewhere in the repository. Make links and executables plain files.
    """

    id = "unknown-file"
    good: ClassVar[Example] = {"notes/plan.txt": "anything goes outside models/ and artifacts/\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/notes.txt": "not a file of the format\n"}

    def in_folder(self, folder: Folder) -> Iterator[Flaw]:
        """Look at each name in one folder."""
        parts = folder.parts
        for entry in folder.others:
            if entry.mode == FILE and _is_known_file(parts, entry.name):
                continue
            if not parts and entry.name not in _TOP:
                continue
            yield from _judge(folder, entry)

    def of_registry(self, around: Around) -> Iterator[Flaw]:
        """Look at what .gitattributes says about the registry's files."""
        for path, prefix in ((".gitattributes", ()), (f"{layout.SCHEMAS}/.gitattributes", (layout.SCHEMAS,))):
            entry = around.tree.entry(path)
            if entry is not None and entry.is_file:
                text = around.tree.read(path).decode(errors="surrogateescape")
                for line, pattern, names in attributes.foreign(text, prefix):
                    said = f"{', '.join(names)} for {quoted(pattern)} reaches files of the registry"
                    yield Flaw(path, f"{said}, which Git must keep and merge byte for byte", fix=_ATTRIBUTES, line=line)


_ATTRIBUTES = "narrow the pattern to files outside the registry, or put the line above podium's own"
_TOP = {layout.REGISTRY: False, layout.MODELS: True, layout.ARTIFACTS: True, layout.SCHEMAS: True}
"""The names at the top that belong to podium, and whether each is a folder."""


def _is_known_file(parts: tuple[str, ...], name: str) -> bool:
    """Tell whether the format knows a file by this name here, or a rule on names speaks of it."""
    if not parts:
        return name == layout.REGISTRY
    if parts[0] == layout.SCHEMAS:
        return (len(parts) == 1 and name != "team") or name in _TEAM_SCHEMAS
    depth = _depth_of_entity(parts)
    if len(parts) < depth:
        return False
    if len(parts) == depth:
        return name in ("model.yaml", "README.md") if parts[0] == layout.MODELS else name == "artifact.yaml"
    suffix = _suffix(parts)
    if not name.endswith(suffix):
        return False
    stem = name[: -len(suffix)]
    return parts[-1] == "aliases" or refs.is_version(stem) or _SHOULD_BE_VERSION.fullmatch(stem) is not None


def _is_known_folder(parts: tuple[str, ...], name: str) -> bool:
    if not parts:
        return _TOP.get(name, True)
    if parts[0] == layout.SCHEMAS:
        return len(parts) == 1
    depth = _depth_of_entity(parts)
    return len(parts) < depth or (len(parts) == depth and name in ("versions", "aliases"))


def _judge(folder: Folder, entry: Entry) -> Iterator[Flaw]:
    path = folder.at(entry.name)
    if path == layout.REGISTRY and not entry.is_file:
        return  # found by entity-file-present
    if entry.is_folder:
        if not _is_known_folder(folder.parts, entry.name):
            for inside in _some_inside(folder.tree, path):
                yield Flaw(inside, f"the format knows no folder {quoted(path)}", fix=f"take {quoted(path)} away")
    elif entry.mode in _MODES:
        if folder.parts == (layout.SCHEMAS,) and entry.name != "team":
            return  # without effect, whatever it is
        what, fix = _MODES[entry.mode]
        yield Flaw(path, f"{what}; the registry is made of plain files and folders", fix=fix)
    elif not _is_known_file(folder.parts, entry.name):
        yield _stray(path, folder, entry.name)
    elif entry.mode != FILE:
        yield Flaw(
            path, f"a file with mode {entry.mode:o}; files of the registry have 100644", fix="give it the mode 644"
        )


def _some_inside(tree: Tree, folder: str) -> Iterator[str]:
    """Give the files in a folder, and the folder itself where there are too many."""
    try:
        for path, _ in walk(tree, folder, _MOST_INSIDE):
            yield path
    except Denied:
        yield folder


_MOST_INSIDE = 100
"""Names that are looked at in a folder that should not be there."""


def _stray(path: str, folder: Folder, name: str) -> Flaw:
    if name == ".gitignore" and folder.parts[-1] == "versions":
        said = "left by `dvc add`; podium needs none, and it can hide versions from Git"
        return Flaw(path, said, fix="`podium check --fix` takes it away")
    if name == ".gitattributes":
        return Flaw(path, "attributes here change how Git keeps and merges the registry's files", fix="take it away")
    return Flaw(
        path, f"the format knows no file {quoted(name)} in {_where(folder)}", fix="take it away, or keep it elsewhere"
    )


def _where(folder: Folder) -> str:
    return f"{quoted(folder.path)}" if folder.parts else "the registry"


class NamesAreValid(Rule):
    """
    Names keep to the format's patterns.

    Why: a name is a folder on every system, a part of references and of URLs. What Windows reserves cannot be checked
    out there; ``v01`` or ``latest`` as a name would make a reference mean two things.

    Fix: rename the folder or file; a registered model or artifact that others use already is made anew under a good
    name.
    """

    id = "name-valid"
    needs = "yaml"
    documents = ("registry",)
    good: ClassVar[Example] = {"models/Fraud.v2/model.yaml": 'description: Finds fraud\nowners: ["@acme/risk"]\n'}
    bad: ClassVar[Example] = {"models/con/model.yaml": 'description: A device on Windows\nowners: ["@acme/risk"]\n'}

    def in_folder(self, folder: Folder) -> Iterator[Flaw]:
        """Look at each name in one folder."""
        parts = folder.parts
        if not parts or parts[0] not in (layout.MODELS, layout.ARTIFACTS):
            return
        depth = _depth_of_entity(parts)
        if len(parts) < depth:
            yield from _entity_names(folder)
        elif len(parts) == depth + 1:
            yield from _member_names(folder)

    def in_file(self, file: File) -> Iterator[Flaw]:
        """Look at the entity's name."""
        entity = file.data.get("entity")
        reason = refs.why_not_name(entity) if isinstance(entity, str) else None
        if isinstance(entity, str) and reason is not None:
            yield Flaw(file.path, f"{quoted(entity)} is no entity name: {reason}", ("entity",), "give it a good name")


def _entity_names(folder: Folder) -> Iterator[Flaw]:
    is_project = folder.parts == (layout.ARTIFACTS,)
    kind = "project" if is_project else "artifact" if folder.parts[0] == layout.ARTIFACTS else "registered model"
    for entry in folder.entries:
        reason = refs.why_not_project(entry.name) if is_project else refs.why_not_name(entry.name)
        if entry.is_folder and reason is not None:
            said = f"{quoted(entry.name)} is no name for a {kind}: {reason}"
            yield Flaw(own_file(folder, entry.name), said, fix=f"rename the folder {quoted(folder.at(entry.name))}")


def own_file(folder: Folder, name: str) -> str:
    """Give the file that stands for an entity's folder, or for a project's: its first artifact's."""
    path = folder.at(name)
    if folder.parts == (layout.MODELS,):
        return f"{path}/model.yaml"
    if folder.parts != (layout.ARTIFACTS,):
        return f"{path}/artifact.yaml"
    inside = next((entry.name for entry in folder.tree.list(path) if entry.is_folder), None)
    return path if inside is None else f"{path}/{inside}/artifact.yaml"


def _member_names(folder: Folder) -> Iterator[Flaw]:
    suffix = _suffix(folder.parts)
    for entry in folder.others:
        name = entry.name
        if not entry.is_file or not name.endswith(suffix):
            continue
        stem = name[: -len(suffix)]
        if folder.parts[-1] == "aliases":
            reason = refs.why_not_alias(stem)
            if reason is not None:
                yield Flaw(folder.at(name), f"{quoted(stem)} is no alias: {reason}", fix="give the file a good name")
        elif not refs.is_version(stem) and _SHOULD_BE_VERSION.fullmatch(stem):
            said = f"{quoted(stem)} is no version: versions are v0, v1, … without leading zeros"
            yield Flaw(folder.at(name), said, fix="give the file the next number that is free")


class NamesAreUniqueIgnoringCase(Rule):
    """
    Siblings differ in more than upper and lower case.

    Why: on Windows and macOS ``Fraud`` and ``fraud`` are one folder; a checkout there loses one of the two.

    Fix: rename the newer one.
    """

    id = "name-unique-ignoring-case"
    good: ClassVar[Example] = {"models/Fraud/model.yaml": 'description: Finds fraud\nowners: ["@acme/risk"]\n'}
    bad: ClassVar[Example] = {"models/imageclassifier/model.yaml": 'description: A twin\nowners: ["@acme/vision"]\n'}

    def in_folder(self, folder: Folder) -> Iterator[Flaw]:
        """Look at the siblings in one folder."""
        parts = folder.parts
        if len(folder.names) != len(folder.entries):
            yield from _doubles(folder)
        if not parts:
            yield from _twins_of_podiums_own(folder)
        elif parts[0] in (layout.MODELS, layout.ARTIFACTS):
            depth = _depth_of_entity(parts)
            if len(parts) < depth or parts[-1] == "aliases":
                yield from _twins_in(folder, entities=len(parts) < depth)


def _doubles(folder: Folder) -> Iterator[Flaw]:
    """Find names that a tree made by hand holds twice: each reader takes another one of the two."""
    for name, count in Counter(entry.name for entry in folder.entries).items():
        if count > 1:
            yield Flaw(folder.at(name), f"{quoted(name)} is there {count} times", fix="make the tree anew with git")


def _twins_of_podiums_own(folder: Folder) -> Iterator[Flaw]:
    for entry in folder.entries:
        twin = entry.name.lower()
        if entry.name != twin and twin in _TOP and twin in folder.names:
            inside = next(_some_inside(folder.tree, entry.name), entry.name)
            yield Flaw(inside, _same(entry.name, twin), fix=f"rename {quoted(entry.name)}")


def _twins_in(folder: Folder, *, entities: bool) -> Iterator[Flaw]:
    for name, twin in _twins(folder, entities=entities):
        path = own_file(folder, name) if entities else folder.at(name)
        yield Flaw(path, _same(name, twin), fix="rename one of the two")


def _same(name: str, twin: str) -> str:
    return f"{quoted(name)} and {quoted(twin)} differ in upper and lower case only"


def _twins(folder: Folder, *, entities: bool) -> Iterator[tuple[str, str]]:
    first: dict[str, str] = {}
    for entry in folder.entries:
        if entry.is_folder == entities:
            twin = first.setdefault(entry.name.lower(), entry.name)
            if twin != entry.name:
                yield entry.name, twin
                yield twin, entry.name


class EntityFilesArePresent(Rule):
    """
    A registry has its registry.yaml, a registered model its model.yaml, a model artifact its artifact.yaml.

    Why: without it there is nobody to ask and nothing to say what the folder is for; and a folder that lost its file in
    a merge is a sign that more was lost.

    Fix: write the file: a ``description`` is enough. ``podium create`` does it.
    """

    id = "entity-file-present"
    good: ClassVar[Example] = {"artifacts/vision/empty/artifact.yaml": "description: Nothing logged yet\n"}
    bad: ClassVar[Example] = {
        "artifacts/vision/lost/artifact.yaml": None,
        "artifacts/vision/lost/aliases/best.yaml": "generation: 1\nversion: null\n",
    }
    shown_at = "artifacts/vision/lost/artifact.yaml"

    def in_folder(self, folder: Folder) -> Iterator[Flaw]:
        """Look for the file in the top folder, or in that of a model or artifact."""
        parts = folder.parts
        if not parts:
            name, kind = layout.REGISTRY, "registry"
            entry = folder.tree.entry(name)
            if entry is not None and entry.is_file:
                return
        elif parts[0] in (layout.MODELS, layout.ARTIFACTS) and len(parts) == _depth_of_entity(parts):
            kind = "model" if parts[0] == layout.MODELS else "artifact"
            name = f"{kind}.yaml"
        else:
            return
        if not parts or (name not in folder.names and folder.entries):
            yield Flaw(folder.at(name), f"{name} is missing, or is no plain file", fix=_HOW_TO_MAKE[kind])


_HOW_TO_MAKE = {
    "registry": "`podium init` writes one",
    "model": "write one with a description and owners; `podium create MODEL` does it for a new model",
    "artifact": "write one with a description; `podium create PROJECT/ARTIFACT` does it for a new artifact",
}

RULES = (OnlyKnownFiles, NamesAreValid, NamesAreUniqueIgnoringCase, EntityFilesArePresent)
