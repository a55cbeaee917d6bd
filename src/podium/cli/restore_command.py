"""``podium restore``: bring a withdrawn version back."""

from __future__ import annotations

import click

from podium.cli import options, session


@click.command("restore")
@click.argument("reference", metavar="NAME:vN")
@options.landing
@click.pass_context
def command(context: click.Context, reference: str, landing: options.Landing) -> None:
    """
    Bring a withdrawn version back.

    \b
    podium restore vision/resnet50:v3
    """
    with session.edit(context, landing) as edit:
        edit.restore(reference)
