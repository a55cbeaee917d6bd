"""The other side: what a remote has, fetching it, pushing to it; always by the git program, so that hooks see it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from podium.errors import Denied, Error, Unavailable
from podium.git import ids, program
from podium.git.bounds import ASKED, FETCHED, PUSHED, GivenUp, clear

_LOST = re.compile(
    r"fetch first|non-fast-forward|stale info|failed to update ref|cannot lock ref|incorrect old value|failed to lock|"
    r"reference already exists|needs force|remote ref updated since checkout"
)
_KEPT_BACK = re.compile(r"error: failed to push some refs to ")
_UNABLE = re.compile(r"unpacker error|failed to update ref|unable to (?:migrate|write|create)|failed to write")
QUIET = (
    "--quiet",
    "--no-write-fetch-head",
    "--no-tags",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
    "--refmap=",
)
"""What keeps a fetch from doing more than it was asked for."""


@dataclass(frozen=True)
class Advertised:
    """What a remote says it has: its default branch by name (``None``: can't be told), each branch's and tag's tip."""

    default: str | None
    refs: Mapping[str, str]

    @property
    def tip(self) -> str | None:
        """The commit at the tip of the default branch; ``None`` where there is no such commit."""
        return self.refs.get(f"refs/heads/{self.default}") if self.default is not None else None


@dataclass(frozen=True)
class Remote:
    """
    Another repository, as seen from one of ours.

    ``folder`` is where the objects go (``bare``: the repository itself), ``address`` a remote's name or a URL,
    ``label`` what people read.
    """

    folder: Path
    bare: bool
    address: str
    label: str

    def advertised(self) -> Advertised:
        """Ask the remote what it has; raises Unavailable."""
        return _advertised(self._listed("HEAD", "refs/heads/*", "refs/tags/*"))

    def head(self) -> Advertised:
        """Ask the remote for its default branch only, which is cheap whatever else it has; raises Unavailable."""
        listing = self._listed("HEAD")
        default = _advertised(listing).default
        tip = re.search(r"^([0-9a-f]{40,64})\tHEAD$", listing, re.MULTILINE)
        return Advertised(default, {f"refs/heads/{default}": tip[1]} if default is not None and tip is not None else {})

    def _listed(self, *patterns: str) -> str:
        ran = self._run("ls-remote", "--symref", "--quiet", "--", self.address, *patterns)
        if ran.code != 0:
            raise self._unavailable("cannot be read", ran.messages)
        _check_listing(ran.text)
        return ran.text

    def all_refs(self) -> dict[str, str]:
        """Ask the remote for every ref it shows, those of pull requests included, and ``HEAD``; raises Unavailable."""
        ran = self._run("ls-remote", "--quiet", "--", self.address)
        if ran.code != 0:
            raise self._unavailable("cannot be read", ran.messages)
        _check_listing(ran.text)
        pairs = (line.partition("\t") for line in ran.text.splitlines())
        return {ref: id_ for id_, tab, ref in pairs if tab and not ref.endswith("^{}")}

    def fetch(self, *refspecs: str, prune: bool = False, hold: int | None = None) -> None:
        """Fetch the objects of some refs, and move no ref but those that the refspecs name; raises Unavailable."""
        pruning = "--prune" if prune else "--no-prune"
        began, ran = time.time(), None
        try:
            ran = self._run("fetch", *QUIET, pruning, "--", self.address, *refspecs, hold=hold)
        finally:
            if ran is None or ran.code != 0:
                self._clear(began)
        if ran.code != 0:
            raise self._unavailable("cannot be fetched", ran.messages)

    def _clear(self, began: float) -> None:
        """Leave no half of a pack where a fetch failed; that this cannot be done is no error."""
        with suppress(Unavailable):
            packs = program.run(self.folder, "rev-parse", "--git-path", "objects/pack", bare=self.bare).text
            clear(self.folder / packs, began)

    def push(self, commit: str, branch: str, expected: str) -> bool:
        """
        Push a commit to a branch that is expected to be at another; tell whether it landed, or somebody was first.

        Raises Denied with the remote's words where it refuses, and Unavailable where it does not answer.
        """
        ref = f"refs/heads/{branch}"
        lease = f"--force-with-lease={ref}:{expected}"  # compare and swap: it must be what we built upon
        options = ("--porcelain", "--no-follow-tags", "--recurse-submodules=no")
        ran = self._run("push", *options, lease, "--", self.address, f"{commit}:{ref}")
        status = _status(ran.text, ref)
        if status is None:
            raise self._not_pushed(ran.messages)
        if not status.startswith("!"):
            return True
        reason = status.rpartition("\t")[2]
        if _LOST.search(reason):
            return False
        raise self._refused(reason, ran.messages)

    def create(self, commit: str, branch: str, options: Sequence[str] = ()) -> str | None:
        """
        Push a commit as a branch that is not there yet; give what the remote said, ``None`` where the branch appeared.

        ``options`` are push options; a remote that knows none gets none. Raises what ``push`` raises.
        """
        ref = f"refs/heads/{branch}"
        chosen = [f"--push-option={option}" for option in options]
        how = ("--porcelain", "--no-follow-tags", "--recurse-submodules=no", f"--force-with-lease={ref}:")
        ran = self._run("push", *how, *chosen, "--", self.address, f"{commit}:{ref}")
        if options and "does not support push options" in ran.messages:
            return self.create(commit, branch)
        status = _status(ran.text, ref)
        if status is None:
            raise self._not_pushed(ran.messages)
        if not status.startswith("!"):
            return ran.messages
        reason = status.rpartition("\t")[2]
        if _LOST.search(reason) and ref in self.advertised().refs:
            return None
        raise self._refused(
            reason, ran.messages, "do what it says, or ask whoever runs it for the right to push branches"
        )

    def url(self) -> str:
        """Give the URL behind the address, as Git's settings have it; it may hold credentials: never show it."""
        ran = self._run("ls-remote", "--get-url", "--", self.address)
        if "\0" in ran.text:
            raise ids.strange("ls-remote --get-url")
        return ran.text if ran.code == 0 else self.address

    def _run(self, command: str, *arguments: str, hold: int | None = None) -> program.Ran:
        far = {"fetch": FETCHED, "push": PUSHED}.get(command, ASKED)
        try:
            return program.run(self.folder, command, *arguments, bare=self.bare, hold=hold, far=far)
        except GivenUp as given_up:
            raise GivenUp(f"{self.label} is given up: {given_up.what}", given_up.do) from None

    def _unavailable(self, what: str, messages: str) -> Unavailable:
        return program.unavailable(f"{self.label} {what}", messages, where=self.label)

    def _not_pushed(self, messages: str) -> Error:
        """Make the error for a push of which the remote says nothing: out of reach, or kept back by a hook here."""
        lines = [line for line in messages.splitlines() if line.strip()]
        if lines and _KEPT_BACK.match(lines[-1]) and not any(line.startswith("fatal:") for line in lines):
            said = "\n".join(["the hook pre-push here refused the push:", *lines[:-1]])
            return Denied(said, "mend what it says, then try again")
        return self._unavailable("cannot be pushed to", messages)

    def _refused(
        self, reason: str, messages: str, do: str = "do what it says, or propose the change in a pull request: --pr"
    ) -> Error:
        said = [line.removeprefix("remote:").strip() for line in messages.splitlines() if line.startswith("remote:")]
        if _UNABLE.search(reason):
            lines = [f"{self.label} could not take the push: {program.cleaned(reason)}", *said]
            return Unavailable("\n".join(filter(None, lines)), "see to the disk of whoever runs it, then try again")
        lines = [f"{self.label} refused the push: {program.cleaned(reason)}", *said]
        return Denied("\n".join(filter(None, lines)), do)


def _status(report: str, ref: str) -> str | None:
    """Give the line of a porcelain report that says what became of a ref."""
    return next((line for line in report.splitlines() if line[1:2] == "\t" and f":{ref}\t" in line), None)


_LISTED = re.compile("(?:[0-9a-f]{40,64}|ref: [^\0]+)\t[^\0]+")


def _check_listing(listing: str) -> None:
    if not all(_LISTED.fullmatch(line) for line in listing.split("\n") if line):
        raise ids.strange("ls-remote")


def _advertised(listing: str) -> Advertised:
    default, refs = None, {}
    for line in listing.splitlines():
        value, _, ref = line.partition("\t")
        if value.startswith("ref: refs/heads/") and ref == "HEAD":
            default = value.removeprefix("ref: refs/heads/")
        elif ref.startswith("refs/") and not ref.endswith("^{}"):  # what an annotated tag points to is no ref
            refs[ref] = value
    branches = [ref.removeprefix("refs/heads/") for ref in refs if ref.startswith("refs/heads/")]
    if f"refs/heads/{default}" not in refs and len(branches) == 1:
        default = branches[0]  # a new bare repository's HEAD may name a branch that nobody uses
    return Advertised(default, refs)
