"""Rules on one file at a time: strict YAML, podium's schema, the team's schema, canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from podium import codec, layout, schemas
from podium.checks import Around, Example, File, Flaw, Rule
from podium.codec import Malformed, Value
from podium.codec.glance import is_surely_canonical
from podium.schemas import Problem

_HOW_TO_SEE = "look at the schema in schemas/{}.schema.json, or at the reference of the registry's files"


class FilesAreStrictYaml(Rule):
    """
    A file is YAML of the strict subset that every reader takes for the same.

    Why: doubled keys, anchors, tags and YAML 1.1's words mean different things to different parsers, so what a reviewer
    reads is not what a machine does.

    Fix: write what you mean in plain YAML: text, numbers, true and false, null, lists and mappings with text as keys.
    """

    id = "yaml-strict"
    needs = "bytes"
    good: ClassVar[Example] = {"models/ImageClassifier/aliases/shadow.yaml": "generation: 1\nversion: v1\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/aliases/shadow.yaml": "generation: 1\nversion: v1\nversion: v0\n"}

    def in_file(self, file: File) -> Iterator[Flaw]:
        """Look at one file."""
        problem = file.decoded
        if isinstance(problem, Malformed):
            line, column = problem.line, problem.column
            fix = (
                "write it in plain YAML: UTF-8, one document of at most 1 MiB, "
                "nothing but text, numbers, lists and mappings"
            )
            yield Flaw(file.path, problem.problem, fix=fix, line=line, column=column)


class FilesFollowTheSchema(Rule):
    """
    A file holds what podium's schema of it asks for, and nothing else.

    Why: a misspelt key that is silently ignored is a policy that does not hold. A ``.dvc`` file without podium's
    ``meta`` has no manifest, so nothing could be proven when it is used.

    Fix: the message names the key and what it may be; an editor that knows ``schemas/`` completes and checks as you
    type. Versions are recorded with ``podium log``, not with ``dvc add``.
    """

    id = "schema"
    needs = "yaml"
    good: ClassVar[Example] = {"models/ImageClassifier/aliases/shadow.yaml": "generation: 1\nversion: v1\n"}
    bad: ClassVar[Example] = {"models/ImageClassifier/aliases/shadow.yaml": "generation: 1\nversion: 1\n"}

    def in_file(self, file: File) -> Iterator[Flaw]:
        """Look at one file."""
        if file.sound:
            return
        document = file.place.document
        if document == "version" and "meta" not in file.data and "outs" in file.data:
            yield Flaw(file.path, _NO_META, (), "take the file away and record the version with `podium log`")
            return
        for problem in schemas.problems(document, file.data):
            if document != "registry" or problem.pointer != ("entity",) or not isinstance(file.data["entity"], str):
                yield _flaw(file.path, problem, _HOW_TO_SEE.format(document))

    def of_registry(self, around: Around) -> Iterator[Flaw]:
        """Say where a schema that podium ships was edited."""
        for document in layout.DOCUMENTS:
            path = layout.shipped_schema(document)
            entry = around.tree.entry(path)
            if entry is not None and (not entry.is_file or around.tree.read(path) != schemas.text(document)):
                said = "it differs from the schema that this podium ships, and is without effect"
                yield Flaw(path, said, fix=f"`podium check --fix` renews it; {_TEAM}", severity="warning")


_NO_META = (
    "a .dvc file without podium's `meta`: it has no manifest, so nothing could prove the bytes, and it can't be used"
)
_TEAM = "a team's own rules belong in schemas/team/"


def _flaw(path: str, problem: Problem, fix: str) -> Flaw:
    return Flaw(path, problem.message, problem.pointer, fix)


class FilesFollowTheTeamsSchema(Rule):
    """
    A file holds what the team's own schema asks for, and that schema is one that can be trusted to run.

    Why: a team's schema in ``schemas/team/`` tightens podium's (metadata that must be there, a narrower pattern for
    names); it never loosens. One that is no JSON, fetches something, or has a pattern that can take for ever is not
    run.

    Fix: give the file what the message asks for, or mend the schema.
    """

    id = "team-schema"
    good: ClassVar[Example] = {
        "schemas/team/link.schema.json": '{"properties": {"artifact": {"pattern": "^vision/"}}}\n',
    }
    bad: ClassVar[Example] = {
        "schemas/team/link.schema.json": '{"properties": {"artifact": {"pattern": "^speech/"}}}\n',
    }
    shown_at = "models/ImageClassifier/versions/v0.yaml"

    def in_file(self, file: File) -> Iterator[Flaw]:
        """Look at one file."""
        schema = file.around.team.get(file.place.document)
        for problem in () if schema is None else schema.problems(file.data):
            yield _flaw(file.path, problem, f"the team asks for it in {layout.team_schema(file.place.document)}")

    def of_registry(self, around: Around) -> Iterator[Flaw]:
        """Look at the team's schemas themselves."""
        for path, flaws in around.team_flaws.items():
            for flaw in flaws:
                yield Flaw(path, flaw.message, fix=_UNTIL, line=flaw.line, column=flaw.column)


_UNTIL = "mend the schema; until then it is not applied"


class FilesAreCanonical(Rule):
    """
    A file is written the way podium writes it.

    Why: with one way to write a thing, a pull request shows what changed and nothing else, and an edit by podium keeps
    the rest of the file as it is.

    Fix: ``podium fmt`` or ``podium check --fix``. A tab inside a text is yours to replace.
    """

    id = "canonical-yaml"
    severity = "warning"
    good: ClassVar[Example] = {
        "models/ImageClassifier/aliases/shadow.yaml": "# for the load test\ngeneration: 1\nversion: v1\n"
    }
    bad: ClassVar[Example] = {"models/ImageClassifier/aliases/shadow.yaml": "version:   v1\ngeneration: 1\n"}

    def in_file(self, file: File) -> Iterator[Flaw]:
        """Look at one file."""
        raw = file.raw
        if not _is_canonical(file):
            yield Flaw(
                file.path, "not in canonical form", fix="`podium fmt` writes it so", line=_first_difference(file)
            )
        elif b"\t" in raw or b"\\t" in raw:
            for pointer in _tabs(file.data, ()):
                yield Flaw(file.path, "a tab inside a text", pointer, "use spaces")


def _is_canonical(file: File) -> bool:
    try:
        return is_surely_canonical(file.place.document, file.raw) or codec.is_canonical(
            file.place.document, file.raw, file.data
        )
    except Malformed:  # comments where podium cannot keep them: the file stays as the person wrote it
        return True


def _first_difference(file: File) -> int:
    """Give the first line, from 1, that podium would write otherwise."""
    written = codec.canonical(file.place.document, file.raw).split(b"\n")
    lines = file.raw.split(b"\n")
    pairs = zip(lines, written, strict=False)
    return next(
        (number for number, (line, other) in enumerate(pairs, 1) if line != other), min(len(lines), len(written))
    )


def _tabs(value: Value, pointer: codec.Pointer) -> Iterator[codec.Pointer]:
    if isinstance(value, str):
        if "\t" in value:
            yield pointer
        return
    members: Iterable[tuple[str | int, Value]] = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for key, inner in members:
        if isinstance(key, str) and "\t" in key:
            yield (*pointer, key)
        else:
            yield from _tabs(inner, (*pointer, key))


RULES = (FilesAreStrictYaml, FilesFollowTheSchema, FilesFollowTheTeamsSchema, FilesAreCanonical)
