"""``podium check``: every rule, on the registry as it stands or on what merging a branch would make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from podium.cli import options, say, session
from podium.cli.progress import Bar

if TYPE_CHECKING:
    from podium.api import Registry
    from podium.checks import Finding
    from podium.review import Checked, Reviewed


@click.command("check")
@click.argument("paths", nargs=-1, type=options.PLACE)
@click.option("--base", metavar="REV", help="Judge what merging HEAD into this revision would give, as a step from it.")
@click.option("--head", metavar="REV", help="With --base: the revision to merge. Default: HEAD.")
@click.option(
    "--each", is_flag=True, help="With --base: judge every first-parent commit since it by itself, as for a push."
)
@click.option(
    "--storage", is_flag=True, help="Also look whether the remote has the bytes: all, or those the step asks for."
)
@click.option("--fix", is_flag=True, help="Mend what can be mended safely.")
@options.rev
@options.output("text", "json", "github")
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[Path, ...],
    base: str | None,
    head: str | None,
    each: bool,
    storage: bool,
    fix: bool,
    rev: str | None,
    form: str,
) -> int:
    """
    Check the registry against every rule.

    PATHS are files or folders of the registry; without them everything is checked. Exits with 1 where a rule is broken;
    warnings alone are 0; 3 means that it could not tell.

    \b
    podium check
    podium check models/ImageClassifier --fix
    podium check --base origin/main --format github
    podium check --rev main --format json
    """
    _refuse_mixtures(paths, base=base, head=head, each=each, fix=fix, rev=rev)
    registry = session.registry(context, rev)
    still = _settle(registry) if fix else None
    if base is None or still is not None:
        found = _state(registry, paths, storage=storage, fix=fix)
    else:
        tip = _fit(registry, base) if fix else "HEAD" if head is None else head
        found = _step(registry, base, tip, each=each, storage=storage)
    found = replace(found, findings=(*found.findings, *(still or ())))
    _print(found, form)
    return 0 if found.ok else 1


def _refuse_mixtures(
    paths: tuple[Path, ...], *, base: str | None, head: str | None, each: bool, fix: bool, rev: str | None
) -> None:
    if base is None and (head is not None or each):
        raise click.UsageError("--head and --each go with --base")
    if base is not None and (rev is not None or paths):
        raise click.UsageError(
            "--base judges a whole change: leave --rev and PATHS out, or name the change with --head"
        )
    if fix and (rev is not None or head is not None or each):
        raise click.UsageError("--fix mends the checkout: leave --rev, --head and --each out")


def _settle(registry: Registry) -> tuple[Finding, ...] | None:
    """Settle a merge that git stopped; gives what people must settle, and None where no merge is open."""
    from podium.publish import conflicts

    settled = conflicts.settle(session.checkout(registry))
    if settled is None:
        return None
    for note in settled.notes:
        say.note(note)
    for path in settled.files:
        say.note(f"settled {path}")
    if not settled.open:
        say.note(f"the merge is settled; `{settled.end}` ends it")
    return tuple(conflicts.finding(one) for one in settled.open)


def _fit(registry: Registry, base: str) -> str:
    """Mend what keeps HEAD from being merged into a base; gives the commit to judge: HEAD with that."""
    from podium import git
    from podium.publish import conflicts

    checkout = session.checkout(registry)
    fitted = conflicts.fit(checkout, git.resolve_rev(checkout.repository, base))
    for path in fitted.files:
        say.note(f"mended {path}")
    if fitted.files:
        say.note("commit that; what follows is as if you had")
    return fitted.head


def _state(registry: Registry, paths: tuple[Path, ...], *, storage: bool, fix: bool) -> Checked:
    from podium import custody, review, upkeep

    wanted = session.inside(registry, paths)
    if fix:
        for path in session.mend(registry, lambda value: upkeep.fixed(value, wanted)):
            say.note(f"mended {path}")
    tree = registry.value.tree
    checked = review.check(tree, wanted, remember=True)
    if not fix and registry.rev is None:
        checked = review.with_clashes(checked, registry.source)
    if not storage:
        return checked
    with Bar() as bar:
        return review.with_bytes(checked, tree, custody.sound_versions(registry.value), registry.storage, bar)


def _step(registry: Registry, base: str, head: str, *, each: bool, storage: bool) -> Checked:
    from podium import contents, folders, git, review

    repository = registry.source.repository
    known = contents.Contents(repository.path, folders.cache_if_any())
    from_commit, to_commit = git.resolve_rev(repository, base), git.resolve_rev(repository, head)
    if each:
        steps = review.each_step(repository, from_commit, to_commit, known)
        return review.together(_stored(registry, steps, storage=storage))
    with review.review(repository, from_commit, to_commit, known) as reviewed:
        return next(_stored(registry, iter([reviewed]), storage=storage))


def _stored(registry: Registry, steps: Iterator[Reviewed], *, storage: bool) -> Iterator[Checked]:
    from podium import review

    for reviewed in steps:
        if not storage:
            yield reviewed.checked
            continue
        versions = review.new_bytes(reviewed.step)
        with Bar() as bar:
            storage_of_base = registry.storage_as_of(reviewed.base)
            yield review.with_bytes(reviewed.checked, reviewed.step.after.tree, versions, storage_of_base, bar)


def _print(checked: Checked, form: str) -> None:
    from podium.render import findings as render
    from podium.render.plain import counted

    if form == "json":
        say.document(
            {
                "ok": checked.ok,
                "base": checked.base,
                "head": checked.head,
                "checked": {"files": checked.files, "skipped": checked.skipped},
                "findings": render.values(checked.findings),
            }
        )
        return
    if checked.findings:
        say.result(render.github(checked.findings) if form == "github" else render.text(checked.findings))
    if checked.note:
        say.note(checked.note)
    errors = sum(finding.severity == "error" for finding in checked.findings)
    warnings = len(checked.findings) - errors
    known = f", {checked.skipped} as they were" if checked.skipped else ""
    found = ", ".join(
        counted(many, what) if many else f"no {what}s" for many, what in ((errors, "error"), (warnings, "warning"))
    )
    say.note(f"{counted(checked.files, 'file')} checked{known}: {found}")
