"""``podium site``: the registry as static pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from podium.cli import options, say, session
from podium.cli.progress import Bar

if TYPE_CHECKING:
    from podium.api import Registry
    from podium.site import Built

_repository = click.option(
    "--repository",
    metavar="URL",
    help="The repository's page on its forge: then commits, pull requests and files link there.",
)


@click.group("site")
def command() -> None:
    """
    Show the registry as static pages: models, versions, metrics, history, findings.

    \b
    podium site build public
    podium site serve
    """


@command.command("build", short_help="Build the pages into a folder.")
@click.argument("folder", type=options.PLACE, metavar="DIR")
@_repository
@click.option(
    "--bytes-url",
    metavar="URL",
    help="For the static index: the public address of the default DVC remote, where readers have another than writers.",
)
@options.rev
@click.pass_context
def build(context: click.Context, folder: Path, repository: str | None, bytes_url: str | None, rev: str | None) -> None:
    """
    Build the site into DIR, a new or empty folder or one that was built before.

    The pages follow from one commit and its history: a checkout's HEAD, or REV. They need no server and no network, and
    work below any address. What is there already and would be the same is not written again; files that podium did not
    write are never touched.

    A static index for readers goes with them: `podium -R` and `podium.use_model` read it where the site is published.

    \b
    podium site build public
    podium site build public --repository https://github.com/acme/models
    podium -R https://git.acme.dev/models.git site build /srv/www/models
    """
    registry = session.registry(context, rev)
    _say_edits(registry)
    built = _build(registry, folder, repository)
    _index(registry, built.commit, folder, bytes_url)
    say.result(f"{folder}: {built.files:,} files, {built.written:,} written, from {built.commit[:12]}")


def _index(registry: Registry, commit: str, folder: Path, bytes_url: str | None) -> None:
    """Write the static index beside the pages; raises what ``index.write`` does, when the pages are there."""
    from podium import codec, git, index

    index.write(codec.read(git.commit_tree(registry.source.repository, commit)), folder, bytes_url=bytes_url)


def _build(registry: Registry, folder: Path, repository: str | None) -> Built:
    from podium import site, timeline

    with Bar() as bar:
        commit = timeline.tip(registry.source, registry.rev)
        built = site.build(registry.source.repository, commit, folder, site.Forge.at(repository), bar)
    for path in built.left:
        say.note(f"{path} is no longer part of the site, and was changed since podium wrote it: it was left")
    if built.hidden:
        say.note(f"{built.hidden}: the pages say so")
    return built


def _say_edits(registry: Registry) -> None:
    """Say that what is not committed is not shown."""
    from podium import git, layout

    if registry.rev is None and isinstance(registry.source, git.Checkout):
        paths = (layout.REGISTRY, layout.MODELS, layout.ARTIFACTS, layout.SCHEMAS)
        if git.output(registry.source.root, "status", "--porcelain", "--", *paths).strip():
            say.note("there are edits that are not committed: the site shows HEAD, without them")


@command.command("serve")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes any that is free."
)
@_repository
@options.rev
@click.pass_context
def serve(context: click.Context, port: int, repository: str | None, rev: str | None) -> None:
    """
    Show the site in a browser on this machine, until Ctrl-C.

    It is built into a temporary folder and served on 127.0.0.1. When a page is loaded after a new commit, the site is
    built anew first. A registry by URL is read as it was at the start.

    \b
    podium site serve
    podium site serve --port 0 --rev 2026-03-01
    """
    import tempfile

    from podium.site.serve import Server

    registry = session.registry(context, rev)
    _say_edits(registry)
    with tempfile.TemporaryDirectory(prefix="podium-site-") as name:
        folder = Path(name)
        shown = [_build(registry, folder, repository).commit]
        with Server(folder, port, lambda: _rebuild(registry, folder, repository, shown)) as server:
            say.result(server.url)
            say.note("Ctrl-C ends it")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                say.note("ended")


def _rebuild(registry: Registry, folder: Path, repository: str | None, shown: list[str]) -> None:
    """Build the site anew where the revision means another commit than the one that is shown."""
    from podium import site, timeline

    now = timeline.tip(registry.source, registry.rev)
    if now != shown[0]:
        site.build(registry.source.repository, now, folder, site.Forge.at(repository))
        shown[0] = now
