"""``podium unalias``: take an alias away."""

from __future__ import annotations

import click

from podium.cli import options, session


@click.command("unalias")
@click.argument("name")
@click.argument("alias")
@options.landing
@click.pass_context
def command(context: click.Context, name: str, alias: str, landing: options.Landing) -> None:
    """
    Take an alias away.

    Its file stays, without a version, and goes on counting the alias's moves.

    \b
    podium unalias ImageClassifier candidate
    """
    with session.edit(context, landing) as edit:
        edit.unalias(name, alias)
