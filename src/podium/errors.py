"""
What stops a run: each error has fields, a sentence, a next step.

A problem *in a registry* that a check looks for is a ``Finding``; these are the problems *of a run*. ``str(error)``
says what is the case, ``error.hint`` what to do next, ``error.exit_code`` which of the exit codes of the command line
it is. Both texts are fit to be shown, whatever they quote; the fields are as they were handed in.
"""

from __future__ import annotations

import copyreg
from dataclasses import dataclass
from typing import Any, ClassVar

from podium.visible import fit


@dataclass(eq=False, repr=False)
class Error(Exception):
    """The base of everything podium raises on purpose."""

    exit_code: ClassVar[int] = 1

    @property
    def sentence(self) -> str:
        """Say what is the case, in one sentence without a full stop."""
        return fit(self._sentence)

    @property
    def hint(self) -> str:
        """Say what to do next; empty where nothing can be advised."""
        return fit(self._hint)

    @property
    def _sentence(self) -> str:
        raise AssertionError(f"{type(self).__name__} says nothing")

    @property
    def _hint(self) -> str:
        return ""

    def __str__(self) -> str:
        return self.sentence

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.sentence!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # How exceptions are pickled otherwise forgets the fields that were handed in by name.
        return copyreg.__newobj__, (type(self),), self.__dict__  # type: ignore[attr-defined]


class Refused(Error):
    """What was asked for is well formed, and the answer is no."""


class Misused(Error):
    """The question itself is malformed: a name, a reference, an option, or no registry here."""

    exit_code = 2


class CannotTell(Error):
    """The answer is not known: storage or network down, history or objects missing. Never taken for clean."""

    exit_code = 3


@dataclass(eq=False, repr=False)
class Because(Error):
    """An error whose sentence and hint are made where it is raised; the classes below name the frequent ones."""

    what: str
    do: str

    @property
    def _sentence(self) -> str:
        return self.what

    @property
    def _hint(self) -> str:
        return self.do


class Denied(Because, Refused):
    """Podium will not do this, for the reason given."""


class Usage(Because, Misused):
    """The command or call was put together wrongly."""


class Unavailable(Because, CannotTell):
    """Something that would have to be looked at is out of reach."""


# --- names and references -------------------------------------------------------------------------------------------

_EXAMPLES = {
    "entity": "acme",
    "project": "vision/resnet50",
    "artifact": "vision/resnet50",
    "model": "ImageClassifier",
    "alias": "production",
    "tag": "image-classification",
}


@dataclass(eq=False, repr=False)
class BadName(Misused):
    """A name that the format does not allow."""

    kind: str
    name: str
    reason: str

    @property
    def _sentence(self) -> str:
        return f"{self.name!r} is no valid {self.kind} name: {self.reason}"

    @property
    def _hint(self) -> str:
        return f"write it like {_EXAMPLES[self.kind]}"


@dataclass(eq=False, repr=False)
class BadReference(Misused):
    """A reference that cannot be read."""

    text: str
    reason: str

    @property
    def _sentence(self) -> str:
        return f"{self.text!r} is no reference: {self.reason}"

    @property
    def _hint(self) -> str:
        return "write MODEL:SELECTOR or PROJECT/ARTIFACT:SELECTOR, where SELECTOR is v3, an alias, or latest"


@dataclass(eq=False, repr=False)
class OtherEntity(Misused):
    """A reference that names another registry's entity."""

    text: str
    entity: str
    own: str

    @property
    def _sentence(self) -> str:
        return f"{self.text!r} is of entity {self.entity!r}; this registry is {self.own!r}"

    @property
    def _hint(self) -> str:
        return f"leave the entity out, or name the registry of {self.entity!r} with -R"


@dataclass(eq=False, repr=False)
class NotARegistry(Misused):
    """There is no registry where one was looked for."""

    where: str

    @property
    def _sentence(self) -> str:
        where = self.where if self.where.isprintable() else repr(self.where)
        return f"there is no registry.yaml in {where} or above it"

    @property
    def _hint(self) -> str:
        return "make a registry with `podium init`, or name one with -R PATH|URL or PODIUM_REGISTRY"


# --- what a registry does not have ----------------------------------------------------------------------------------
# KeyErrors too: that is how a mapping says so, and ``registry.models[name]`` is one.


@dataclass(eq=False, repr=False)
class NoSuchModel(Refused, KeyError):
    """The registry has no such registered model."""

    name: str

    @property
    def _sentence(self) -> str:
        return f"there is no registered model {self.name!r}"

    @property
    def _hint(self) -> str:
        return "`podium list` shows what there is; `podium create` makes one"


@dataclass(eq=False, repr=False)
class NoSuchArtifact(Refused, KeyError):
    """The registry has no such model artifact."""

    name: str

    @property
    def _sentence(self) -> str:
        return f"there is no model artifact {self.name!r}"

    @property
    def _hint(self) -> str:
        return "`podium list --artifacts` shows what there is; `podium log` makes one"


@dataclass(eq=False, repr=False)
class NoSuchVersion(Refused, KeyError):
    """A model or artifact has no such version."""

    name: str
    version: str

    @property
    def _sentence(self) -> str:
        return f"{self.name} has no version {self.version}"

    @property
    def _hint(self) -> str:
        return f"`podium show {self.name}` lists its versions"


@dataclass(eq=False, repr=False)
class NoVersions(Refused):
    """``latest`` was asked of something that has no version which is not withdrawn."""

    name: str

    @property
    def _sentence(self) -> str:
        return f"{self.name} has no version that is not withdrawn, so it has no latest"

    @property
    def _hint(self) -> str:
        return f"`podium show {self.name}` lists its versions"


@dataclass(eq=False, repr=False)
class NoSuchAlias(Refused, KeyError):
    """A model or artifact has no such alias."""

    name: str
    alias: str

    @property
    def _sentence(self) -> str:
        return f"{self.name} has no alias {self.alias!r}"

    @property
    def _hint(self) -> str:
        return f"`podium promote {self.name}:VERSION {self.alias}` sets it; `podium show {self.name}` lists the others"


@dataclass(eq=False, repr=False)
class Unreadable(Refused):
    """A file of the registry is not what the format says; ``podium check`` lists all of them."""

    path: str
    line: int
    column: int
    problem: str

    @property
    def _sentence(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.problem}"

    @property
    def _hint(self) -> str:
        return "mend the file; `podium check` lists every problem of the registry"


@dataclass(eq=False, repr=False)
class TooLarge(Refused):
    """A file of a commit is larger than any file of a registry can be, in bytes; it was not read."""

    path: str
    size: int

    @property
    def _sentence(self) -> str:
        return f"{self.path} has {self.size} bytes, more than any file of a registry"

    @property
    def _hint(self) -> str:
        return "take the file out of the commit; bytes of models belong in DVC: `podium log`"


@dataclass(eq=False, repr=False)
class NewerFormat(CannotTell):
    """The registry was written for a newer podium."""

    found: str
    known: str

    @property
    def _sentence(self) -> str:
        return f"the registry's apiVersion is {self.found}; this podium reads {self.known}"

    @property
    def _hint(self) -> str:
        return f"install a podium that reads {self.found}, from where this one came"
