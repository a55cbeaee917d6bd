"""``podium show``: the card of a registered model or model artifact, or all that is known of one version."""

from __future__ import annotations

import click

from podium.cli import options, say, session


@click.command("show")
@click.argument("reference", metavar="NAME[:SEL]")
@options.rev
@options.output("text", "json")
@click.pass_context
def command(context: click.Context, reference: str, rev: str | None, form: str) -> None:
    """
    Show the card of a model or artifact, or one version.

    \b
    podium show ImageClassifier
    podium show ImageClassifier:production
    podium show vision/resnet50:v12 --format json
    """
    from podium.render import registry as render

    registry = session.registry(context, rev)
    parsed = registry.value.reference(reference)
    if parsed.selector is not None:
        version = registry.resolve(reference)
        if form == "json":
            say.document(render.version(version))
        else:
            say.result(render.details(version))
        return
    entity = registry.value.named(parsed)
    if form == "json":
        say.document(render.shown(entity))
    else:
        say.result(render.card(entity))
