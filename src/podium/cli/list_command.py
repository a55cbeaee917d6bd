"""``podium list``: registered models, or model artifacts, as a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from podium.cli import options, say, session

if TYPE_CHECKING:
    from podium.model import Artifact, RegisteredModel


@click.command("list")
@click.option("--artifacts", is_flag=True, help="List model artifacts instead of registered models.")
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="Only models with this tag; several mean all of them."
)
@click.option("--alias", metavar="ALIAS", help="Only what has this alias.")
@click.option("--search", metavar="TEXT", help="Only what has this text in its name, description, owners or tags.")
@options.rev
@options.output("text", "json")
@click.pass_context
def command(
    context: click.Context,
    artifacts: bool,
    tags: tuple[str, ...],
    alias: str | None,
    search: str | None,
    rev: str | None,
    form: str,
) -> None:
    """
    List registered models, or model artifacts.

    \b
    podium list --tag team-vision
    podium list --alias production --search resnet
    podium list --artifacts --format json
    """
    from podium.render import registry as render

    registry = session.registry(context, rev)
    wanted = _filter(tags, alias, (search or "").casefold())
    found = [entity for entity in (registry.artifacts if artifacts else registry.models).values() if wanted(entity)]
    if form == "json":
        say.document([render.entity(entity) for entity in found])
    elif found:
        say.result(render.table(found))
    else:
        say.note(
            f"no {'model artifact' if artifacts else 'registered model'} {'matches' if tags or alias or search else 'yet'}"
        )


def _filter(tags: tuple[str, ...], alias: str | None, search: str) -> Callable[[RegisteredModel | Artifact], bool]:
    def wanted(entity: RegisteredModel | Artifact) -> bool:
        if alias is not None and alias not in entity.held:
            return False
        if not set(tags) <= set(entity.about.tags):
            return False
        texts = (entity.name, entity.description, *entity.about.owners, *entity.about.tags)
        return any(search in text.casefold() for text in texts)

    return wanted
