"""``podium promote``: point an alias at a version."""

from __future__ import annotations

import click

from podium.cli import options, session


@click.command("promote")
@click.argument("reference", metavar="NAME:SEL")
@click.argument("alias")
@options.landing
@click.pass_context
def command(context: click.Context, reference: str, alias: str, landing: options.Landing) -> None:
    """
    Point an alias at a version.

    NAME is a registered model or a model artifact (PROJECT/ARTIFACT).

    \b
    podium promote ImageClassifier:v5 production
    podium promote ImageClassifier:staging production --commit -m "Promote what staging has proven"
    """
    with session.edit(context, landing) as edit:
        edit.promote(reference, alias)
