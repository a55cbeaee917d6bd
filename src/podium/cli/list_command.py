"""``podium list``: registered models, or model artifacts, as a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from podium.cli import options, say, session

if TYPE_CHECKING:
    from podium.model import About, Row


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
    from podium import collector, refs

    for tag in tags:
        refs.checked_tag(tag)
    if alias is not None:
        refs.checked_alias(alias)
    with collector.paused():
        rows = session.registry(context, rev).rows(
            "artifact" if artifacts else "model", _filter(tags, (search or "").casefold())
        )
        found = [row for row in rows if alias is None or alias in row.aliases]
        if found or form == "json":
            _show(found, form)
        else:
            what = "model artifact" if artifacts else "registered model"
            say.note(f"no {what} {'matches' if tags or alias or search else 'yet'}")


def _show(rows: list[Row], form: str) -> None:
    from podium.render import registry as render

    if form == "json":
        say.document([render.row(row) for row in rows])
    else:
        say.result(render.table(rows))


def _filter(tags: tuple[str, ...], search: str) -> Callable[[str, About], bool] | None:
    def wanted(name: str, about: About) -> bool:
        if not set(tags) <= set(about.tags):
            return False
        texts = (name, about.description, *about.owners, *about.tags)
        return not search or any(search in text.casefold() for text in texts)

    return wanted if tags or search else None
