"""``podium bundle``: history and bytes in one archive, for sites without a network."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from podium.cli import options, say, session
from podium.cli.progress import Bar

if TYPE_CHECKING:
    from podium.bundle import Bundled


@click.group("bundle")
def command() -> None:
    """
    Carry a registry to a site without a network: its history and its bytes in one archive.

    \b
    podium bundle create models.podium
    podium bundle verify models.podium
    podium bundle import models.podium registry
    """


@command.command("create", short_help="Write an archive of branches, and of their bytes.")
@click.argument("file", type=options.PLACE)
@click.argument("refs", nargs=-1, metavar="[BRANCH|TAG]...")
@options.output("text", "json")
@click.pass_context
def create(context: click.Context, file: Path, refs: tuple[str, ...], form: str) -> None:
    """
    Write an archive of some branches and tags, with the bytes of all their versions.

    Without a name: of the current branch, or the default one of a bare repository or URL.

    \b
    podium bundle create models.podium
    podium bundle create models.podium main v1.0
    """
    from podium import bundle

    registry = session.registry(context)
    with Bar() as bar:
        made = bundle.create(registry.source, registry.storage, file, refs, bar)
    _print(made, form, f"{file}: ")


@command.command("verify", short_help="Prove that an archive is whole and unchanged.")
@click.argument("file", type=options.PLACE)
@options.output("text", "json")
def verify(file: Path, form: str) -> None:
    """
    Prove an archive: whole, unchanged, and with every byte that its versions need.

    \b
    podium bundle verify models.podium
    """
    from podium import bundle

    with Bar() as bar:
        proven = bundle.verify(file, bar)
    _print(proven, form, f"{file} is whole: ")


@command.command("import", short_help="Import an archive into a folder or a clone.")
@click.argument("file", type=options.PLACE)
@click.argument("folder", type=options.PLACE, default=".", metavar="[DIR]")
@options.output("text", "json")
def take(file: Path, folder: Path, form: str) -> None:
    """
    Import an archive into a new folder, or into a clone of the registry.

    New: a clone, with its bytes in a folder beside it. There already: the bytes go to its own remote, the branches to
    bundle/….

    \b
    podium bundle import models.podium registry
    podium bundle import update.podium registry && git -C registry merge --ff-only bundle/main
    """
    from podium import bundle

    fresh = not (folder / "registry.yaml").is_file()
    with Bar() as bar:
        taken = bundle.take(file, folder, bar)
    _print(taken, form, f"{folder}: {taken.sent} objects were new; ")
    if form == "text" and not fresh:
        branch = next((ref.removeprefix("refs/heads/") for ref in taken.refs if ref.startswith("refs/heads/")), None)
        say.note(
            f"its history is in bundle/: `git merge --ff-only {shlex.quote(f'bundle/{branch}')}`"
            if branch
            else "its tags are there"
        )


def _print(done: Bundled, form: str, lead: str) -> None:
    from podium.render.plain import counted, size

    if form == "json":
        document = {"refs": list(done.refs), "versions": done.versions, "objects": done.objects, "bytes": done.size}
        say.document(document | ({"folder": str(done.folder), "sent": done.sent} if done.folder is not None else {}))
    else:
        refs = ", ".join(ref.split("/", 2)[2] for ref in done.refs)
        say.result(
            f"{lead}{refs}; {counted(done.versions, 'version')}, {counted(done.objects, 'object')}, {size(done.size)}"
        )
