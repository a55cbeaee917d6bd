"""
A merge that git stopped in the middle → the registry's part of it settled, in the checkout's files and in the index.

The three sides are read from their commits, never from files with conflict markers in them, so that it makes no
difference whether podium's merge driver ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from podium import codec, git, layout, merging, review, rules
from podium.checks import Finding, Flaw, command
from podium.errors import Denied
from podium.git import Checkout, Joining
from podium.merging import Changes, Clash, Merged
from podium.model import Registry
from podium.publish import alone, files, fitting
from podium.publish.outcome import content
from podium.tree import Tree, overlay

_MARKER = b"<<<<<<< "


@dataclass(frozen=True)
class Open:
    """A path that people must settle: what is the case there, and what they can do."""

    path: str
    what: str
    do: str


@dataclass(frozen=True)
class Settled:
    """
    What became of a merge that had stopped: the files written and staged, what was re-numbered, what is still open.

    ``end`` is the command that ends the merge.
    """

    files: tuple[str, ...]
    notes: tuple[str, ...]
    open: tuple[Open, ...]
    end: str


@dataclass(frozen=True)
class _Sides:
    """The two sides of a merge; the first keeps its numbers."""

    joining: Joining
    first: str
    later: str

    @classmethod
    def of(cls, checkout: Checkout, joining: Joining) -> _Sides:
        pair = joining.ours, joining.theirs
        swapped = joining.what == "merge" and git.is_settled(checkout.repository, joining.theirs, joining.ours)
        return cls(joining, *(pair[::-1] if swapped else pair))


def first_side(checkout: Checkout) -> str | None:
    """Give the commit whose numbers and aliases stand in the merge that is under way; ``None`` where none is."""
    joining = git.joining(checkout)
    return _Sides.of(checkout, joining).first if joining is not None else None


def settle(checkout: Checkout) -> Settled | None:
    """
    Settle what podium can of the merge, rebase or cherry-pick that git stopped; ``None`` where nothing of it is open.

    The later side's versions are re-numbered, with everything of that side that refers to them. An alias that both
    sides moved stays open. A file that somebody has edited since is left alone. Raises Denied where the merge is none
    that podium can settle, Unreadable for a file of either side that is not what the format says.
    """
    if git.git_dir_of(checkout.root) is None or not any(map(_is_ours, git.unmerged(checkout))):
        return None
    with alone(checkout):
        return _settled(checkout, git.unmerged(checkout))


def _settled(checkout: Checkout, waiting: frozenset[str]) -> Settled:
    joining = git.joining(checkout)
    if joining is None:
        raise Denied(
            f"git has conflicts in {checkout.root}, but no merge is under way",
            "undo what made them (`git reset --merge` after a failed `git stash pop`), then merge the branches",
        )
    sides = _Sides.of(checkout, joining)
    merged, paths = _merged(checkout, sides)
    _refuse_half_a_rebase(checkout, joining, merged)
    wanted = _to_write(checkout, paths, waiting)
    asked = {
        clash.path: clash for clash in merged.clashes if clash.path in waiting or _is_reopened(clash, merged, waiting)
    }
    _write(checkout, sides, wanted, [clash for clash in asked.values() if clash.place.document == "alias"], waiting)
    still = [
        *(_open(checkout, sides, clash) for clash in asked.values()),
        *_foreign(waiting - wanted.keys() - asked.keys()),
    ]
    return Settled(tuple(sorted(wanted)), tuple(one.sentence for one in merged.renumbered), tuple(still), joining.end)


def _is_reopened(clash: Clash, merged: Merged, waiting: frozenset[str]) -> bool:
    """Tell whether to ask about an alias that git has settled: by the old numbers, which mean two things."""
    fresh = any(layout.version(one.kind, one.name, one.before) in waiting for one in merged.renumbered)
    return fresh and clash.place.document == "alias"


def finding(still: Open) -> Finding:
    """Give what is open the way a check says it."""
    return rules.by_id["merge-clean"].finding(Flaw(still.path, still.what, fix=still.do))


def _is_ours(path: str) -> bool:
    place = layout.place(path)
    return place is not None and merging.is_merged(place)


def _merged(checkout: Checkout, sides: _Sides) -> tuple[Merged, Changes]:
    """Merge the three commits; give also each path that has a say in it, with what it is to hold."""
    base, first, later = (_registry(checkout, commit) for commit in (sides.joining.base, sides.first, sides.later))
    touched = _between(checkout, sides.joining.base, sides.later)
    merged = merging.merge(base, first, later, touched)
    after = overlay(first.tree, merged.changes)
    clashing = {clash.path for clash in merged.clashes}
    wanted = {path: content(after, path) for path in {*touched, *merged.changes} if _is_ours(path)}
    return merged, {path: content for path, content in wanted.items() if path not in clashing}


def _registry(checkout: Checkout, commit: str) -> Registry:
    return codec.read(git.commit_tree(checkout.repository, commit))


def _between(checkout: Checkout, before: str, after: str) -> list[str]:
    trees = [git.commit_tree(checkout.repository, commit).id for commit in (before, after)]
    return [difference.path for difference in git.differences(checkout.repository, *trees)]


def _refuse_half_a_rebase(checkout: Checkout, joining: Joining, merged: Merged) -> None:
    """Stop where commits that are still to come may name the old numbers: git would apply them without a word."""
    if not merged.renumbered or not joining.left:
        return
    if any(_is_ours(path) for path in git.changed_by(checkout.repository, joining.left)):
        moved = "; ".join(one.sentence for one in merged.renumbered)
        raise Denied(
            f"this rebase has to re-number versions ({moved}), and later commits of the branch may name them",
            "`git rebase --abort`, then `git merge` the other branch and `podium check --fix`: "
            "a merge is settled as a whole",
        )


def _to_write(checkout: Checkout, paths: Changes, waiting: frozenset[str]) -> Changes:
    """Give what is to be written of it: not what is so already, and not over what somebody has edited since."""
    staged = git.staged(checkout, paths)

    def is_wanted(path: str, content: bytes | None) -> bool:
        kept = staged.get(path)
        return path in waiting or (kept != content and _on_disk(checkout, path) in (kept, content))

    return {path: content for path, content in paths.items() if is_wanted(path, content)}


def _on_disk(checkout: Checkout, path: str) -> bytes | None:
    return content(checkout.tree(), path)


def _write(checkout: Checkout, sides: _Sides, wanted: Changes, asked: list[Clash], waiting: frozenset[str]) -> None:
    """
    Write and stage what is settled. An alias that is asked about holds the first side's word meanwhile, without
    markers.

    So podium can read the registry, and `git add` says yes to what is there.
    """
    first = git.commit_tree(checkout.repository, sides.first)
    shown = {
        clash.path: content(first, clash.path)
        for clash in asked
        if clash.path not in waiting or _MARKER in (_on_disk(checkout, clash.path) or b"")
    }
    with files.written(checkout.root, checkout.git_dir, {**shown, **wanted}):
        git.stage(checkout, wanted)
        for clash in asked:
            if clash.path not in waiting:
                git.reopen(checkout, clash.path, _three(checkout, sides.joining, clash.path))


def _three(checkout: Checkout, joining: Joining, path: str) -> list[bytes | None]:
    commits = (joining.base, joining.ours, joining.theirs)
    return [content(git.commit_tree(checkout.repository, commit), path) for commit in commits]


# --- what people must settle ------------------------------------------------------------------------------------------


def _open(checkout: Checkout, sides: _Sides, clash: Clash) -> Open:
    if clash.place.document == "alias":
        return _two_moves(checkout, sides, clash)
    return Open(clash.path, "both sides changed it", f"edit it, then `git add {clash.path}`")


def _two_moves(checkout: Checkout, sides: _Sides, clash: Clash) -> Open:
    place = clash.place
    moves = [
        _move(checkout, sides.joining.base, tip, clash, to)
        for tip, to in ((sides.first, clash.first), (sides.later, clash.later))
    ]
    name = git.name_of(checkout.repository, sides.first)
    added = f"`git add {clash.path}`"
    if clash.later is None:
        other = command("unalias", place.name, place.member)
    else:
        other = command("promote", f"{place.name}:{clash.later}", place.member)
    return Open(
        clash.path,
        f"{place.name} {place.member}: {moves[0]}; {moves[1]}",
        f"to keep what {name} has: {added}; for the other: {other}, then {added}",
    )


def _move(checkout: Checkout, base: str, tip: str, clash: Clash, to: str | None) -> str:
    name = git.name_of(checkout.repository, tip)
    found = git.last_change(checkout.repository, base, tip, clash.path)
    who = f' ({found[0]}: "{found[1]}")' if found is not None else ""
    return f"{name} moves it {clash.before or 'none'} → {to or 'none'}{who}"


def _foreign(waiting: frozenset[str]) -> Iterator[Open]:
    """Name what is not podium's to settle."""
    for path in sorted(waiting):
        yield Open(path, "git could not merge it", f"edit it, then `git add {path}`")


# --- a branch and the base it is to be merged into --------------------------------------------------------------------


@dataclass(frozen=True)
class Fitted:
    """What was mended on a branch, and a commit (of objects only) of its tip with that: what is to be judged next."""

    files: tuple[str, ...]
    head: str


def fit(checkout: Checkout, base: str) -> Fitted:
    """
    Mend, in the checkout's files, what keeps its HEAD from being merged into a base: numbers, generations, what rules
    can fix.

    Raises Denied where the base has to be merged into the branch first, or where a file that is to be mended has edits
    that were not committed.
    """
    with alone(checkout):
        return _fitted(checkout, base, git.resolve_rev(checkout.repository, "HEAD"))


def _fitted(checkout: Checkout, base: str, head: str) -> Fitted:
    repository = checkout.repository
    changes = dict(_fitting(checkout, base, head))
    tip = git.commit_objects(repository, head, changes, "Mended") if changes else head
    with review.review(repository, base, tip) as reviewed:
        changes |= rules.fixes(_registry(checkout, tip), reviewed.checked.findings)
    if not changes:
        return Fitted((), head)
    _refuse_edited(checkout, git.commit_tree(repository, head), changes)
    with files.written(checkout.root, checkout.git_dir, changes):
        return Fitted(tuple(sorted(changes)), git.commit_objects(repository, head, changes, "Mended"))


def _fitting(checkout: Checkout, base: str, head: str) -> Changes:
    ancestor = git.merge_base(checkout.repository, base, head)
    if ancestor is None:
        raise Denied(
            f"the branch and {base[:12]} have no common ancestor", "make the branch from the base, then try again"
        )
    base_, ancestor_, head_ = (_registry(checkout, commit) for commit in (base, ancestor, head))
    found = fitting.fitting(base_, ancestor_, head_, _between(checkout, ancestor, head))
    if isinstance(found, Merged):
        name = git.name_of(checkout.repository, base)
        said = [one.sentence for one in found.renumbered] + [f"both moved {clash.path}" for clash in found.clashes]
        raise Denied(
            f"{name} has taken what the branch takes too; merged, {'; '.join(said)}",
            f"`git merge {name}`, then `podium check --fix`",
        )
    return found


def _refuse_edited(checkout: Checkout, head: Tree, changes: Changes) -> None:
    edited = [path for path in changes if content(head, path) != _on_disk(checkout, path)]
    if edited:
        raise Denied(f"{', '.join(sorted(edited))} differ from the last commit", "commit them first, then try again")
