"""``podium verify``: prove that the remote has every byte."""

from __future__ import annotations

import click

from podium.cli import options, say, session
from podium.cli.progress import Bar


@click.command("verify")
@click.argument("reference", required=False, metavar="[NAME[:SEL]]")
@click.option("--deep", is_flag=True, help="Read every byte and hash it, instead of comparing sizes.")
@options.rev
@options.output("text", "json")
@click.pass_context
def command(context: click.Context, reference: str | None, deep: bool, rev: str | None, form: str) -> int:
    """
    Prove that the remote has every byte.

    Looks at every file of every version, or of those named, and compares its size; with --deep its hashes.

    \b
    podium verify
    podium verify ImageClassifier:production --deep
    """
    from podium import custody

    registry = session.registry(context, rev)
    with Bar() as bar:
        verdict = custody.verify(registry.storage, custody.named(registry.value, reference), deep=deep, progress=bar)
    if form == "json":
        say.document(
            {
                "ok": not verdict.problems,
                "checked": verdict.checked,
                "findings": [{"name": p.name, "path": p.path, "problem": p.problem} for p in verdict.problems],
            }
        )
    else:
        from podium.render.plain import counted

        for problem in verdict.problems:
            say.result(f"{problem.name}: {problem.path}: {problem.problem}")
        problems = counted(len(verdict.problems), "problem") if verdict.problems else "no problems"
        say.note(f"{counted(verdict.checked, 'version')} looked at, {problems}")
    return 1 if verdict.problems else 0
