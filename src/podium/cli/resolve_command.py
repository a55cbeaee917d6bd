"""``podium resolve``: what a name means, without fetching anything."""

from __future__ import annotations

import click

from podium.cli import options, say, session


@click.command("resolve")
@click.argument("reference")
@options.rev
@options.output("text", "json")
@click.pass_context
def command(context: click.Context, reference: str, rev: str | None, form: str) -> None:
    """
    Say what a name means, without fetching anything.

    \b
    podium resolve ImageClassifier:production
    podium resolve acme/vision/resnet50:best --format json
    podium resolve ImageClassifier:production --rev 2026-03-01
    """
    from podium.render import registry as render

    version = session.registry(context, rev).resolve(reference)
    if form == "json":
        say.document(render.version(version))
    else:
        say.result(render.line(version))
