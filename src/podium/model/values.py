"""What the files of a registry hold, and a version as a reference found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from podium.model.fixed import Fixed
from podium.refs import Kind

# Of what is a tuple with names here, a list or a history makes ten thousand: a frozen dataclass takes four times as
# long.

Scalar = str | int | float | bool
Fact = Scalar | Sequence[Scalar]
"""What ``params`` and ``metadata`` hold: a string, a number, a truth value, or a list of these."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model version: its path inside the version, its size in bytes, and its hashes in hex."""

    path: str
    size: int
    md5: str
    sha256: str


@dataclass(frozen=True)
class Record:
    """
    What is known of a model version: DVC's hash of the directory, and podium's facts.

    ``files`` is the manifest; ``None`` where it is too long for the record and lies on the remote, as the ``.dir``
    object: then ``sha256`` is the hash over its sorted lines ``sha256  path``. ``remote`` is the DVC remote that has
    the bytes, empty for the default one.
    """

    md5: str
    size: int
    nfiles: int
    created: str
    author: str
    files: tuple[File, ...] | None
    sha256: str | None = None
    desc: str = ""
    metrics: Mapping[str, int | float] = field(default_factory=dict)
    params: Mapping[str, Fact] = field(default_factory=dict)
    metadata: Mapping[str, Fact] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)
    remote: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A bookmark in a registered model: which version of which artifact it points to."""

    artifact: str
    version: str


class Alias(NamedTuple):
    """An alias as its file has it: ``version`` is ``None`` where it was removed; the generation counts its moves."""

    version: str | None
    generation: int


class About(NamedTuple):
    """
    What ``model.yaml`` or ``artifact.yaml`` says; ``withdrawn`` gives the reason by version.

    ``remote`` is the DVC remote that an artifact's new versions go to, empty for the default one.
    """

    description: str = ""
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    type: str = "model"
    remote: str = ""
    withdrawn: Mapping[str, str] = Fixed()


@dataclass(frozen=True, slots=True)
class Bound:
    """What a policy asks of one metric; with every field ``None`` only that it is there."""

    min: int | float | None = None
    max: int | float | None = None
    max_drop: int | float | None = None
    max_rise: int | float | None = None


@dataclass(frozen=True)
class Policy:
    """
    What an alias asks of the version that it is to name.

    ``allow`` and ``deny`` are patterns for the version's files (``allow`` ``None``: any), ``max_size`` is in bytes and
    for each file.
    """

    description: str = ""
    approvers: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    metrics: Mapping[str, Bound] = field(default_factory=dict)
    metadata: tuple[str, ...] = ()
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    max_size: int | None = None
    card: bool = False


@dataclass(frozen=True)
class Settings:
    """What ``registry.yaml`` says; ``tags`` is the vocabulary, ``None`` where any tag is allowed."""

    entity: str
    description: str = ""
    tags: Mapping[str, str] | None = None
    policies: Mapping[str, Policy] = field(default_factory=dict)
    owners_in_codeowners: bool = False


class Row(NamedTuple):
    """
    What a list says of a registered model or a model artifact; ``versions`` is how many it has.

    ``aliases`` gives the version that each alias names, for those that name one.
    """

    kind: Kind
    name: str
    about: About
    latest: str | None
    aliases: Mapping[str, str]
    versions: int


@dataclass(frozen=True)
class ArtifactVersion:
    """Where a model version belongs: its artifact, its number there, and the artifact's aliases for it."""

    name: str
    version: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Version:
    """
    One model version, as a reference found it. The attributes are the keys of ``podium resolve --format json``.

    ``model`` is ``None`` and ``version`` the artifact's own number where the reference named an artifact. ``files`` is
    ``None`` where the manifest is on the remote. ``size`` is in bytes. ``withdrawn`` is the reason, or ``None``.
    ``commit`` is the commit that was read, ``None`` for a working tree.
    """

    reference: str
    model: str | None
    version: str
    alias: str | None
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    artifact: ArtifactVersion
    record: Record = field(repr=False)
    withdrawn: str | None
    commit: str | None

    @property
    def name(self) -> str:
        """The registered model, or the artifact, through which the version was reached."""
        return self.model or self.artifact.name

    @property
    def md5(self) -> str:
        """DVC's hash of the directory, with ``.dir`` at its end."""
        return self.record.md5

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return self.record.size

    @property
    def files(self) -> tuple[File, ...] | None:
        """The manifest; ``None`` where it lies on the remote."""
        return self.record.files

    @property
    def sha256(self) -> str | None:
        """The hash of a manifest that lies on the remote."""
        return self.record.sha256

    @property
    def desc(self) -> str:
        """What the one who logged it said of it."""
        return self.record.desc

    @property
    def created(self) -> str:
        """When it was logged: RFC 3339, UTC."""
        return self.record.created

    @property
    def author(self) -> str:
        """Who logged it: ``Name <mail>``."""
        return self.record.author

    @property
    def metrics(self) -> Mapping[str, int | float]:
        """The metrics it was logged with."""
        return self.record.metrics

    @property
    def params(self) -> Mapping[str, Fact]:
        """The parameters it was trained with."""
        return self.record.params

    @property
    def metadata(self) -> Mapping[str, Fact]:
        """Free facts."""
        return self.record.metadata

    @property
    def source(self) -> Mapping[str, str]:
        """Where it was made: ``repository``, ``commit``, ``run``."""
        return self.record.source
