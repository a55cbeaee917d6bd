"""``podium rollback``: point an alias back at what it held before."""

from __future__ import annotations

import click

from podium.cli import options, say, session


@click.command("rollback")
@click.argument("name")
@click.argument("alias")
@click.option("--to", metavar="vN", help="Go back to this version. Default: the one held before the present one.")
@click.option("--reason", default="", metavar="TEXT", help="Why; it goes into the commit's message, under the subject.")
@options.landing
@click.pass_context
def command(
    context: click.Context, name: str, alias: str, to: str | None, reason: str, landing: options.Landing
) -> None:
    """
    Point an alias back at what it held before.

    The version held before the present one is looked up in Git; a withdrawn one is refused, and so is one whose files
    are not all on the remote. It is a move forward: a new commit, and the alias's generation goes on counting. With
    --push, an alias that somebody else moved and that this checkout has not seen is left alone.

    \b
    podium rollback ImageClassifier production --push --reason "v5 is slow on large photographs"
    podium rollback ImageClassifier production --to v3 --commit
    """
    if reason and not landing.dry_run and not (landing.commit or landing.push or landing.pr):
        say.note("the reason is for the commit's message: add --commit, --push or --pr, or write it there yourself")
    with session.edit(context, landing) as edit:
        edit.rollback(name, alias, to=to, reason=reason)
