"""``podium compare``: two versions side by side."""

from __future__ import annotations

import click

from podium.cli import options, say, session


@click.command("compare")
@click.argument("before", metavar="NAME:SEL")
@click.argument("after", metavar="NAME:SEL")
@options.rev
@options.output("text", "json")
@click.pass_context
def command(context: click.Context, before: str, after: str, rev: str | None, form: str) -> None:
    """
    Lay two versions side by side: metrics, params, metadata, files.

    \b
    podium compare ImageClassifier:production ImageClassifier:latest
    podium compare vision/resnet50:v3 vision/resnet50:v12 --format json
    """
    from podium import diff
    from podium.render import comparison

    registry = session.registry(context, rev)
    compared = diff.compare(registry.resolve(before), registry.resolve(after))
    if form == "json":
        say.document(comparison.value(compared))
    else:
        say.result(comparison.text(compared))
