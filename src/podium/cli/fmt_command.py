"""``podium fmt``: canonical YAML."""

from __future__ import annotations

from pathlib import Path

import click

from podium.cli import options, say, session


@click.command("fmt")
@click.argument("paths", nargs=-1, type=options.PLACE)
@click.option("--check", "only_look", is_flag=True, help="Change nothing; exit with 1 where something would change.")
@click.pass_context
def command(context: click.Context, paths: tuple[Path, ...], only_look: bool) -> int:
    """
    Rewrite YAML files in canonical form; comments are kept.

    \b
    podium fmt
    podium fmt models/ImageClassifier --check
    """
    from podium import upkeep

    registry = session.registry(context)
    wanted = session.inside(registry, paths)
    changed = session.mend(registry, lambda value: upkeep.formatted(value, wanted), dry_run=only_look)
    for path in changed:
        say.result(f"{'would rewrite' if only_look else 'rewrote'} {path}")
    return 1 if only_look and changed else 0
