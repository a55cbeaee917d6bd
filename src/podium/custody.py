"""The bytes of the versions, on the remote: what is missing is sent, what is there is proven."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium import codec, git, layout, model
from podium.errors import Denied, NoVersions, Refused
from podium.progress import Progress, silent

if TYPE_CHECKING:
    from podium.storage import Sent, Storage
    from podium.tree import Tree


@dataclass(frozen=True)
class Lack:
    """One file of a version that the remote does not have as recorded; ``problem`` is missing, size or hash."""

    name: str
    path: str
    problem: str


@dataclass(frozen=True)
class Verdict:
    """How many versions were looked at, and what is wrong with their bytes."""

    checked: int
    problems: tuple[Lack, ...]


def named(registry: model.Registry, reference: str | None) -> dict[str, model.Record]:
    """
    Give the records that a reference means, by ``project/artifact:vN``; without one those of the whole registry.

    A name without a selector means all its versions. Raises what ``Registry.resolve`` raises.
    """
    if reference is None:
        return dict(_records(registry.artifacts.values()))
    parsed = registry.reference(reference)
    if parsed.selector is not None:
        version = registry.resolve(reference)
        return {f"{version.artifact.name}:{version.artifact.version}": version.record}
    entity = registry.named(parsed)
    if not entity.numbers:
        raise NoVersions(entity.name)
    versions = [entity.version(number) for number in entity.numbers]
    return {f"{found.artifact.name}:{found.artifact.version}": found.record for found in versions}


def _records(artifacts: Iterable[model.Artifact]) -> Iterator[tuple[str, model.Record]]:
    for artifact in artifacts:
        for number in artifact.numbers:
            yield f"{artifact.name}:{number}", artifact.records[number]


def sound_versions(registry: model.Registry) -> Iterator[model.Version]:
    """Give the versions that can be read; what is wrong with the others is for the rules to say."""
    for artifact in registry.artifacts.values():
        for number in artifact.numbers:
            with suppress(Refused):
                yield artifact.version(number)


def problems(storage: Storage, records: Sequence[model.Record], progress: Progress = silent) -> dict[str, list[str]]:
    """
    Say in words what the remotes lack of these records, by their md5.

    What a record names that is no remote of the registry's is asked for nothing, and is said, too. Raises Unavailable,
    and Denied where there is no default remote.
    """
    said: dict[str, list[str]] = {}
    for name in dict.fromkeys(record.remote for record in records):
        group = [record for record in records if record.remote == name]
        try:
            found = storage.problems(group, progress=progress)
        except Denied as denied:
            if not name:
                raise
            said |= {record.md5: [denied.sentence] for record in group}
            continue
        for problem in found:
            said.setdefault(problem.version, []).append(_WORDS[problem.problem].format(problem.path))
    return said


_WORDS = {
    "missing": "the remote does not have {}",
    "size": "the remote has {} in another size",
    "hash": "the remote has {} with other content",
}


def verify(
    storage: Storage, records: dict[str, model.Record], *, deep: bool = False, progress: Progress = silent
) -> Verdict:
    """
    Look for every file of these records on the remote, and read each version's list of them.

    ``deep`` reads and hashes the files too. Raises Unavailable.
    """
    names: dict[str, list[str]] = {}
    for name, record in records.items():
        names.setdefault(record.md5, []).append(name)
    found = storage.problems(list(records.values()), lists=True, deep=deep, progress=progress) if records else []
    lacks = [Lack(name, problem.path, problem.problem) for problem in found for name in names[problem.version]]
    return Verdict(len(records), tuple(sorted(lacks, key=lambda lack: (lack.name, lack.path))))


def upload(
    storage: Storage,
    records: dict[str, model.Record],
    *,
    repair: bool = False,
    settled: Collection[str] = (),
    progress: Progress = silent,
) -> Sent:
    """
    Send what the remote lacks, from the cache; with ``repair`` also what it has wrong.

    What is there and old gets a new time, but for what the versions ``settled`` have. Raises Unavailable, and Denied
    for a version that cannot be sent, when the others are.
    """
    chosen = list(records.values())
    wrong = storage.problems(chosen, deep=True, progress=progress) if repair else []
    again = {problem.md5 for problem in wrong}
    try:
        return storage.push(chosen, again=again, settled=settled, progress=progress)
    except Denied:
        if len(records) > 1:
            _upload_one_by_one(storage, records, again, settled, progress)
        raise


def _upload_one_by_one(
    storage: Storage, records: dict[str, model.Record], again: set[str], settled: Collection[str], progress: Progress
) -> None:
    """Send each version that lacks something by itself; raises Denied, at the end, with the first that cannot be."""
    lacking = {problem.version for problem in storage.problems(list(records.values()), progress=progress)}
    refused: dict[str, Denied] = {}
    for name, record in records.items():
        if record.md5 in lacking:
            try:
                storage.push([record], again=again, settled=settled, progress=progress)
            except Denied as denied:
                refused[name] = denied
    if refused:
        name, first = next(iter(refused.items()))
        more = f", nor {len(refused) - 1} more" if len(refused) > 1 else ""
        raise Denied(f"{name} cannot be sent{more}: {first.sentence}; what the others lacked was sent", first.hint)


def settled(source: git.Source, records: Mapping[str, model.Record]) -> frozenset[str]:
    """
    Give the hashes of those versions that the default branch of the remote has and has not withdrawn, as far as is
    known here.

    Whoever looks for garbage sees that they are needed. ``records`` are named ``project/artifact:vN``, and more after a
    blank.
    """
    tree = _published(source)
    if tree is None:
        return frozenset()
    artifacts = codec.read(tree).artifacts
    found: set[str] = set()
    for name, record in records.items():
        artifact, _, number = name.partition(" ")[0].rpartition(":")
        with suppress(KeyError, Denied, Refused):
            content = tree.read(layout.version("artifact", artifact, number))
            if record.md5.encode() in content and number not in artifacts[artifact].withdrawn:
                found.add(record.md5)
    return frozenset(found)


def _published(source: git.Source) -> Tree | None:
    """Give what everybody sees: a bare repository is that itself, a checkout knows of what it fetched last."""
    if not isinstance(source, git.Checkout):
        return source.tree()
    tip = git.published_tip(source.repository)
    return git.commit_tree(source.repository, tip) if tip is not None else None
