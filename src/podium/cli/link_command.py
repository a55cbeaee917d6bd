"""``podium link``: bookmark a model version in a registered model."""

from __future__ import annotations

import click

from podium.cli import options, session


@click.command("link")
@click.argument("reference", metavar="PROJECT/ARTIFACT[:SEL]")
@click.argument("model")
@options.landing
@click.pass_context
def command(context: click.Context, reference: str, model: str, landing: options.Landing) -> None:
    """
    Bookmark a model version in a registered model.

    It gets the model's next number. A version that is linked already is not linked again; a registered model that is
    not there yet is made.

    \b
    podium link vision/resnet50:best ImageClassifier
    podium link vision/resnet50:v12 ImageClassifier --push
    """
    with session.edit(context, landing) as edit:
        edit.link(reference, model)
