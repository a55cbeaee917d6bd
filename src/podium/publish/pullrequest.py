"""
An edit → a branch of its own, pushed, and a pull or merge request with the plan as its description.

The branch's name ends in an id of what the edit means, so that the same command run again, because its answer was lost,
finds the branch of the first time instead of making a second one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from podium import codec, git, layout, review
from podium import plan as plans
from podium.edits import Edit, Edited
from podium.errors import CannotTell, Denied, Refused, Unavailable
from podium.git import Target
from podium.model import Registry
from podium.publish import forges
from podium.publish.forges import Request
from podium.render import comment
from podium.render import plan as rendered
from podium.render.plain import one_line
from podium.visible import inert

PREFIX = "podium/"
_LONGEST_SLUG, _LONGEST_TITLE = 60, 200

Changes = Mapping[str, "bytes | None"]


@dataclass(frozen=True)
class Proposal:
    """
    What was proposed: the branch and its commit, the request's address or the one at which to open it, and what to say.

    ``opened`` tells which of the two addresses ``url`` is; it is ``None`` where no such page is known.
    """

    branch: str
    commit: str
    url: str | None
    opened: bool
    notes: tuple[str, ...]


def propose(
    target: Target, edit: Edit, *, edited: Edited, changes: Changes, subject: str, before: Callable[[], object]
) -> Proposal:
    """
    Push an edit of a remote's tip as a branch of its own, and open a pull or merge request for it.

    ``before`` is called before anything can be seen by others. Raises Denied where the remote refuses the branch,
    Unavailable where it does not answer; a request that could not be opened is said in the notes.
    """
    there = _pending(target, edit, _id(edited.registry, changes))
    if there is not None:
        branch, commit = there
    else:
        commit = git.commit_objects(target.repository, target.commit, changes, subject)
        branch = _name(target, edited.result, _id(edited.registry, changes))
    title = inert(one_line(subject.split("\n", 1)[0]))[:_LONGEST_TITLE]
    request = Request(branch, target.branch, title, _description(target, commit))
    before()
    return _requested(target, request, commit, there is not None)


def outline(target: Target, changes: Changes) -> str:
    """Give the plan that a proposal would have, as text; nothing is written anywhere near the repository."""
    with git.scratch(target.repository) as repository:
        try:
            commit = git.commit_objects(repository, target.commit, changes, "Proposed")
            with review.review(repository, target.commit, commit) as reviewed:
                return rendered.text(plans.of(reviewed))
        except CannotTell as error:
            return f"the plan cannot be told: {error.sentence}"


def _description(target: Target, commit: str) -> str:
    try:
        with review.review(target.repository, target.commit, commit) as reviewed:
            return comment.markdown(plans.of(reviewed))
    except CannotTell:
        return "`podium plan` says what this change means; it could not be told where the change was made.\n"


# --- the branch -------------------------------------------------------------------------------------------------------


def _id(after: Registry, changes: Changes) -> str:
    """Give an id of what an edit means, the same at every run: versions count by content, not by number or time."""
    meant = [_meant(after, path, content) for path, content in sorted(changes.items())]
    return hashlib.sha256(json.dumps(sorted(map(json.dumps, meant))).encode()).hexdigest()[:8]


def _meant(after: Registry, path: str, content: bytes | None) -> list[object]:
    place = layout.place(path)
    try:
        if content is not None and place is not None and place.kind is not None:
            entity = after.model(place.name) if place.kind == "model" else after.artifact(place.name)
            if place.document in ("link", "version"):
                version = entity.version(place.member)
                return [place.name, version.artifact.name, version.md5]
            if place.document == "alias":
                alias = entity.assignments[place.member]
                held = entity.version(alias.version).md5 if alias.version is not None else None
                return [path, alias.generation, held]
    except Refused:
        pass  # then it is told by its bytes
    return [path, hashlib.sha256(content).hexdigest() if content is not None else None]


def _pending(target: Target, edit: Edit, id_: str) -> tuple[str, str] | None:
    """Find the branch that an earlier run of the same edit has pushed, and its commit, if that is not merged yet."""
    for ref, commit in target.remote.advertised().refs.items():
        if not re.fullmatch(rf"refs/heads/{PREFIX}.*-{id_}(-[0-9]+)?", ref):
            continue
        target.remote.fetch(ref)
        if git.contains(target.repository, target.commit, commit):
            continue
        try:
            if not edit(codec.read(git.commit_tree(target.repository, commit))).changed:
                return ref.removeprefix("refs/heads/"), commit
        except Refused:
            continue
    return None


def _name(target: Target, result: str, id_: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", result.lower())[:_LONGEST_SLUG].strip("-") or "change"
    taken = target.remote.advertised().refs
    names = (f"{PREFIX}{slug}-{id_}{suffix}" for suffix in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(name for name in names if f"refs/heads/{name}" not in taken)


# --- the request ------------------------------------------------------------------------------------------------------


def _requested(target: Target, request: Request, commit: str, is_there: bool) -> Proposal:
    forge = forges.forge_of(target.remote.url())
    by_push = forge is not None and forge.kind == "gitlab" and not forges.has_program("gitlab")
    said = ""
    if not is_there:
        said = _push(target, request, commit, request.push_options if by_push else ())
    notes = (f"{'found' if is_there else 'pushed'} the branch {request.branch}",)
    proposal = Proposal(request.branch, commit, None, opened=False, notes=notes)
    if forge is None:
        return replace(proposal, notes=(*notes, "open a pull request from it"))
    answer = forges.ask(forge, request, target.remote.folder)
    url = answer.url or forge.found_in(said) or forge.page(request.branch, request.base)
    opened = url is not None and re.search(r"/(pull|-/merge_requests)/[0-9]+$", url) is not None
    problem = (answer.problem,) if answer.problem else ()
    return replace(proposal, url=url, opened=opened, notes=(*notes, *problem))


def _push(target: Target, request: Request, commit: str, options: tuple[str, ...]) -> str:
    """Push the new branch; one that got there although its answer was lost counts as pushed."""
    try:
        said = target.remote.create(commit, request.branch, options)
    except Unavailable:
        if target.remote.advertised().refs.get(f"refs/heads/{request.branch}") != commit:
            raise
        return ""
    if said is None:
        raise Denied(
            f"the branch {request.branch} appeared on {target.remote.label} meanwhile", "run the command again"
        )
    return said
