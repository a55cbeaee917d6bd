"""``podium tag``: add or remove tags of a registered model."""

from __future__ import annotations

import click

from podium.cli import options, session


@click.group("tag")
def command() -> None:
    """
    Add or remove tags of a registered model.

    \b
    podium tag add ImageClassifier image-classification team-vision
    podium tag remove ImageClassifier team-vision
    """


@command.command("add")
@click.argument("model")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@options.landing
@click.pass_context
def add(context: click.Context, model: str, tags: tuple[str, ...], landing: options.Landing) -> None:
    """
    Add tags to a registered model.

    \b
    podium tag add ImageClassifier image-classification
    """
    with session.edit(context, landing) as edit:
        edit.tag(model, add=tags)


@command.command("remove")
@click.argument("model")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@options.landing
@click.pass_context
def remove(context: click.Context, model: str, tags: tuple[str, ...], landing: options.Landing) -> None:
    """
    Remove tags from a registered model.

    \b
    podium tag remove ImageClassifier team-vision
    """
    with session.edit(context, landing) as edit:
        edit.tag(model, remove=tags)
