"""``podium init``: a new registry."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.core import ParameterSource

from podium.cli import options, say
from podium.version import VERSION


@click.command("init")
@click.argument("folder", required=False, type=options.PLACE, metavar="[DIR]")
@click.option("--entity", metavar="E", help="The registry's entity. Default: the folder's name.")
@click.option("--remote", metavar="URL", help="The DVC remote. Default: a folder in your data directory.")
@click.pass_context
def command(context: click.Context, folder: Path | None, entity: str | None, remote: str | None) -> None:
    """
    Make a new registry, or complete the one that is here.

    Works in an empty folder and in an existing repository, makes the Git repository where there is none, commits
    nothing, and changes nothing that is there already.

    \b
    podium init
    podium init models --entity acme --remote s3://acme-models/registry
    """
    from podium import ci, folders, founding
    from podium.ci import source

    if context.find_root().get_parameter_source("where") is ParameterSource.COMMANDLINE:
        raise click.UsageError("-R names a registry that is there: name the folder of a new one after init")
    if folder is None:
        folders.working()  # where it was removed, that is what is said
    root = folder or Path()
    origin = source.own(VERSION)
    made = founding.found(root, entity=entity, remote=remote, install=origin.install)
    for path in made.written:
        say.result(f"wrote {path}")
    if not made.written:
        say.result("everything is there already")
    say.note(f"the bytes of model versions go to {_from_here(root, made.remote)}")
    if origin.instead and ci.WORKFLOW in made.written:
        say.note(origin.doubt("`podium ci github --install SPEC`"))
    say.note("next: git add -A && git commit -m 'Start a model registry', then podium log PROJECT/ARTIFACT PATH")


def _from_here(root: Path, remote: str) -> str:
    """Give a remote as one would type it here: DVC's configuration names a folder as seen from its own."""
    is_address = "://" in remote or Path(remote).is_absolute()
    return remote if is_address else os.path.relpath(root / ".dvc" / remote)
