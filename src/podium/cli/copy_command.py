"""``podium copy``: the bytes of versions from one remote to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from podium.cli import options, say, session
from podium.cli.progress import Bar

if TYPE_CHECKING:
    from podium.mirroring import Copied


@click.command("copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.argument("reference", required=False, metavar="[NAME[:SEL]]")
@click.option("--all", "everything", is_flag=True, help="The versions of every branch and open pull request, too.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; send nothing.")
@options.rev
@options.output("text", "json")
@click.pass_context
def command(
    context: click.Context,
    source: str,
    target: str,
    reference: str | None,
    everything: bool,
    dry_run: bool,
    rev: str | None,
    form: str,
) -> int:
    """
    Copy the bytes of versions from one DVC remote to another, and prove them on the way.

    Without a name: of every version but those that name another remote than these two. What is there already is left
    out, so it can be run again.

    \b
    podium copy storage mirror
    podium copy storage mirror ImageClassifier:production --dry-run
    """
    if not source or not target:
        raise click.UsageError("FROM and TO are the names of two remotes, and one of them is empty")
    if everything and (reference or rev):
        raise click.UsageError("--all means every version there is: leave the name and --rev out")
    from podium import custody, mirroring

    registry = session.registry(context, rev)
    with Bar() as bar:
        chosen = (
            mirroring.records_everywhere(registry.source) if everything else custody.named(registry.value, reference)
        )
        if reference is None:
            chosen = mirroring.concerned(chosen, source, target)
        settled = custody.settled(registry.source, chosen)
        copied = mirroring.copy(
            registry.storage, chosen, source, target, settled=settled, dry_run=dry_run, progress=bar
        )
    if form == "json":
        problems = [{"name": p.name, "path": p.path, "problem": p.problem} for p in copied.problems]
        document = {"ok": not problems, "objects": copied.objects, "bytes": copied.size, "there": copied.there}
        say.document(document | {"dry_run": dry_run, "findings": problems})
    else:
        _print(copied, source, target, dry_run=dry_run)
    return 1 if copied.problems else 0


def _print(copied: Copied, source: str, target: str, *, dry_run: bool) -> None:
    from podium.render.plain import counted, size

    for problem in copied.problems:
        say.result(f"{problem.name}: {problem.path}: {problem.problem} on {source}")
    done = "would copy" if dry_run else "copied"
    what = f"{counted(copied.objects, 'object')}, {size(copied.size)}"
    say.result(f"{done} {what}, from {source} to {target}; {copied.there} were there")
