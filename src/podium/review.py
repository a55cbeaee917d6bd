"""Base and head → merged tree → plan and findings; and every rule on a registry as it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from podium import checks, codec, custody, git, layout, rules
from podium.checks import Finding
from podium.contents import Contents
from podium.errors import Denied, Refused, Unavailable, Usage
from podium.history import Step
from podium.model import Version
from podium.progress import Progress, silent
from podium.tree import Tree

if TYPE_CHECKING:
    from pygit2 import Repository

    from podium.storage import Storage


@dataclass(frozen=True)
class Checked:
    """
    What a check found, on which commit (``None``: a working tree), and how many files it looked at.

    ``base`` is the commit that a step was judged from; ``note`` says where there was nothing to judge.
    """

    findings: tuple[Finding, ...]
    head: str | None
    files: int
    skipped: int
    base: str | None = None
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether no rule is broken; warnings alone are fine."""
        return all(finding.severity != "error" for finding in self.findings)


# --- a registry as it stands ----------------------------------------------------------------------------------------


def check(tree: Tree, paths: Sequence[str] | None = None, *, remember: bool = False) -> Checked:
    """
    Judge a registry as it stands, or what touches some paths of it; raises NewerFormat, Unavailable.

    ``remember``: of a whole commit, what is known of models and artifacts that did not change is taken over, and what
    is found is kept for the next time.
    """
    if remember and paths is None and isinstance(tree, git.ObjectTree):
        from podium import verdicts

        report = verdicts.check(tree, rules.ALL)
    else:
        report = checks.check(tree, rules.ALL, paths)
    return Checked(report.findings, tree.commit, report.files, report.skipped)


def with_bytes(
    checked: Checked, tree: Tree, versions: Iterable[Version], storage: Storage, progress: Progress = silent
) -> Checked:
    """Add to a check what it finds on the remote: the bytes of these versions are to be there. Raises Unavailable."""
    chosen = list(versions)
    problems = custody.problems(storage, [version.record for version in chosen], progress)
    lacks = tuple(rules.BytesArePresent().judge(tree, chosen, problems))
    return replace(checked, findings=(*checked.findings, *lacks))


def with_clashes(checked: Checked, source: git.Source) -> Checked:
    """Add the files of a checkout that git has not merged: what lies on disk there is nobody's decision."""
    if not isinstance(source, git.Checkout) or git.top_level(source.root) != source.root:
        return checked
    paths = {path for path in git.unmerged(source) if layout.place(path) is not None}
    fix = "`podium check --fix` settles what can be settled, and says what people must"
    said = "git stopped in a merge here, and nobody has settled it"
    clashes = [rules.by_id["merge-clean"].finding(checks.Flaw(path, said, fix=fix)) for path in sorted(paths)]
    return replace(checked, findings=(*clashes, *(f for f in checked.findings if f.path not in paths)))


def inside(tree: Tree, paths: Iterable[Path], root: Path | None) -> list[str]:
    """
    Give paths that somebody typed as paths of the registry whose files are ``tree``; ``root`` is its folder on this
    disk.

    Where it has none, they are taken from its top. Raises Usage for a path outside of it, and Denied for one that is
    not there: nothing was found in it because nothing was looked at.
    """
    found = [_in_folder(root, path) if root is not None else _from_the_top(path) for path in paths]
    for name, path in zip(found, paths, strict=True):
        if name != "." and tree.entry(name) is None:
            raise Denied(f"there is no {path} in the registry", _NAME)
    return found


_NAME = "name files or folders of the registry"


def _in_folder(root: Path, path: Path) -> str:
    # the folder is resolved, the name is not: a link in a registry is looked at, never followed
    full = path.absolute().parent.resolve() / path.name if path.name not in ("", "..") else path.resolve()
    try:
        return full.relative_to(root.resolve()).as_posix()
    except ValueError:
        raise Usage(f"{path} is not in the registry {root}", _NAME) from None


def _from_the_top(path: Path) -> str:
    if path.is_absolute() or ".." in path.parts:
        raise Usage(f"{path} is not in the registry, whose paths begin at its top", _NAME)
    return path.as_posix()


# --- a step from a base ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reviewed:
    """
    What merging a head into a base gives: ``step`` is read while the ``with`` block lasts.

    ``result`` is the id of the merged tree; ``conflicts`` are the paths that two people must agree on.
    """

    base: str
    head: str
    result: str
    step: Step = field(repr=False)
    checked: Checked
    conflicts: tuple[str, ...] = ()


@contextmanager
def review(repository: Repository, base: str, head: str, known: Contents | None = None) -> Iterator[Reviewed]:
    """
    Judge what merging a head commit into a base commit would give, as a step from the base.

    Policy, team schemas and rules come from the base; for policies the stricter of base and result decides. ``known``
    is what is known of versions' files by their ids; without it, what follows from the repository alone. Raises
    Unavailable where the two have no common ancestor, where history or objects are missing, or where the base is no
    registry.
    """
    ancestor = git.merge_base(repository, base, head)
    if ancestor is None:
        raise Unavailable(
            f"{head[:12]} and {base[:12]} have no common ancestor, so there is nothing to merge",
            "make the branch from the base, or fetch the history that joins them",
        )
    with git.merge_result(repository, base, head, ancestor) as merge:
        before = git.commit_tree(repository, base)
        _refuse_no_base(before, base)
        step = Step(
            codec.read(before),
            codec.read(merge.tree),
            tuple(git.differences(merge.repository, before.id, merge.tree.id)),
            _earlier(repository, base),
            (known or Contents(repository.path)).of,
        )
        _refuse_hidden_policies(step, base)
        checked = _judged(step, merge.conflicts)
        if known is not None:
            known.keep()
        note = (
            f"{head[:12]} has nothing that {base[:12]} does not have: there is nothing to judge"
            if ancestor == head
            else ""
        )
        yield Reviewed(
            base, head, merge.tree.id, step, replace(checked, base=base, head=head, note=note), merge.conflicts
        )


def _refuse_no_base(tree: Tree, base: str) -> None:
    entry = tree.entry(layout.REGISTRY)
    if entry is not None and not entry.is_file:
        raise Unavailable(f"registry.yaml is no plain file in the base {base[:12]}", "name another base")


def _refuse_hidden_policies(step: Step, base: str) -> None:
    """See that the policies of the base can be read where an alias moves; a change that mends them goes through."""
    if step.before.tree.entry(layout.REGISTRY) is None or not any(change.entity == "model" for change in step.moved()):
        return
    try:
        assert step.before.settings
    except Refused as error:
        raise Unavailable(
            f"an alias moves, and the policies of the base {base[:12]} cannot be read: {error.sentence}",
            "mend registry.yaml there first, in a change that moves no alias",
        ) from None


def _judged(step: Step, conflicts: Sequence[str]) -> Checked:
    clashes = [_clash(path) for path in conflicts]
    report = rules.judge_step(step, ignored=frozenset(conflicts))
    return Checked((*clashes, *report.findings), None, report.files, report.skipped)


def _clash(path: str) -> Finding:
    fix = "merge the base into the branch; `podium check --base BASE --fix` then re-numbers what clashes"
    return rules.by_id["merge-clean"].finding(checks.Flaw(path, "the change conflicts with its base here", fix=fix))


def _earlier(repository: Repository, base: str) -> Callable[[str, str], frozenset[str]]:
    """Look up which versions held an alias on the base's first-parent line."""

    def holders(model: str, alias: str) -> frozenset[str]:
        found = set()
        for raw in git.contents_over_time(repository, base, layout.alias("model", model, alias)):
            try:
                version = codec.decode(raw).get("version")
            except codec.Malformed:
                continue
            if isinstance(version, str):
                found.add(version)
        return frozenset(found)

    return holders


def each_step(repository: Repository, base: str, head: str, known: Contents | None = None) -> Iterator[Reviewed]:
    """
    Judge every first-parent commit since a base as a step of its own, oldest first: for pushes.

    Each is to be looked at before the next is asked for; what one read is known to the next. Raises what ``review``
    raises, and Denied where the base is not on the head's first-parent line.
    """
    commits = git.first_parents_until(repository, head, base)
    known = known or Contents(repository.path)
    for parent, commit in zip([base, *commits], commits, strict=False):
        with review(repository, parent, commit, known) as reviewed:
            yield reviewed


def together(steps: Iterable[Checked]) -> Checked:
    """Put the verdicts on several steps together; each finding says in which commit it is."""
    found = list(steps)
    if not found:
        return Checked((), None, 0, 0, note="there is no commit after the base: there is nothing to judge")
    findings = tuple(
        replace(finding, message=f"{finding.message} (in commit {(step.head or '')[:12]})")
        for step in found
        for finding in step.findings
    )
    files, skipped = sum(step.files for step in found), sum(step.skipped for step in found)
    return Checked(findings, found[-1].head, files, skipped, base=found[0].base)


def new_bytes(step: Step) -> list[Version]:
    """Give the versions whose bytes a step asks for: those it logs, and those it points aliases at."""
    found: dict[tuple[str, str], Version] = {}
    for change in step.changes:
        version = change.comparison.after if change.comparison is not None else None
        if version is not None:
            found[version.artifact.name, version.artifact.version] = version
        if change.kind == "version-linked" and change.artifact is not None:
            name, number = change.artifact
            try:
                found[name, number] = step.after.artifact(name).version(number)
            except Refused:
                continue
    return list(found.values())
