"""``podium compare``: two versions side by side."""

from __future__ import annotations

import click

from podium.cli import options, say, session


@click.command("compare")
@click.argument("before", metavar="NAME:SEL")
@click.argument("after", metavar="NAME:SEL")
@options.rev
@click.option("--rev-from", metavar="REV", help="Read the first one at this revision or date.")
@click.option("--rev-to", metavar="REV", help="Read the second one at this revision or date.")
@options.output("text", "json")
@click.pass_context
def command(
    context: click.Context,
    before: str,
    after: str,
    rev: str | None,
    rev_from: str | None,
    rev_to: str | None,
    form: str,
) -> None:
    """
    Lay two versions side by side: metrics, params, metadata, files.

    What stood for a name at two times is compared with --rev-from and --rev-to; one that is left out is read at --rev,
    or as it is now.

    \b
    podium compare ImageClassifier:production ImageClassifier:latest
    podium compare vision/resnet50:v3 vision/resnet50:v12 --format json
    podium compare ImageClassifier:production ImageClassifier:production --rev-from 2026-03-01
    """
    from podium import diff
    from podium.render import comparison

    sides = session.registry(context, rev_from or rev), session.registry(context, rev_to or rev)
    compared = diff.compare(sides[0].resolve(before), sides[1].resolve(after))
    if form == "json":
        say.document(comparison.value(compared))
    else:
        say.result(comparison.text(compared))
