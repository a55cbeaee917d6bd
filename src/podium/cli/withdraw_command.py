"""``podium withdraw``: withdraw a version, with the reason."""

from __future__ import annotations

import click

from podium.cli import options, session


@click.command("withdraw")
@click.argument("reference", metavar="NAME:vN")
@click.option("--reason", required=True, metavar="TEXT", help="Why nobody should use it any more.")
@options.landing
@click.pass_context
def command(context: click.Context, reference: str, reason: str, landing: options.Landing) -> None:
    """
    Withdraw a version, with the reason.

    The version stays, and can be fetched by its number; no alias may name it, and latest passes over it.

    \b
    podium withdraw vision/resnet50:v3 --reason "trained on a dataset whose licence ended"
    """
    with session.edit(context, landing) as edit:
        edit.withdraw(reference, reason)
