"""What commands do alike: open the registry that is meant, land an edit and say what it made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from podium.cli import say
from podium.cli.options import Landing
from podium.cli.progress import Bar

if TYPE_CHECKING:
    from pathlib import Path

    from podium.api import Registry
    from podium.editing import Editing
    from podium.edits import Edit
    from podium.git import Checkout
    from podium.publish import Published


def registry(context: click.Context, rev: str | None = None) -> Registry:
    """Open the registry that -R, PODIUM_REGISTRY or the working folder names; say how old it is if it is not asked."""
    from podium import api, freshness

    max_age, offline = context.meta.get("podium.max_age"), context.meta.get("podium.offline")
    opened = api.open(context.obj.where, rev=rev, max_age=max_age, offline=offline)
    if opened.age is not None and not context.meta.setdefault("podium.told", False):
        say.note(f"as it was {freshness.words(opened.age)}: {opened.place.label}")
        context.meta["podium.told"] = True
    return opened


@contextmanager
def edit(context: click.Context, landing: Landing) -> Iterator[Editing]:
    """Make an edit land as the options say, and print what it made."""
    with Bar() as bar:
        opened = registry(context).edit(
            landing.message,
            commit=landing.commit,
            push=landing.push,
            pr=landing.pr,
            dry_run=landing.dry_run,
            progress=bar,
        )
        with opened:
            yield opened
    if opened.published is not None:
        _print(opened.published, landing)


def inside(registry: Registry, paths: Sequence[Path]) -> list[str] | None:
    """Give typed paths, in a checkout relative to the working folder, as the registry's; ``None`` for none."""
    from podium import git, review

    if not paths:
        return None
    root = registry.source.root if isinstance(registry.source, git.Checkout) else None
    return review.inside(registry.value.tree, paths, root)


def checkout(registry: Registry) -> Checkout:
    """Give the checkout whose files a command writes; raises Usage where the registry is none."""
    from podium import git
    from podium.errors import Usage

    if not isinstance(registry.source, git.Checkout):
        said = f"{registry.source.label} is no checkout, and this command is for one"
        raise Usage(said, "run it in a clone of the registry; commit and push what it writes")
    return registry.source


def mend(registry: Registry, edit: Edit, *, dry_run: bool = False) -> tuple[str, ...]:
    """Apply an edit to the checkout's files; gives those that changed, or would in a dry run."""
    from podium import publish

    return publish.write(checkout(registry), edit, dry_run=dry_run).files


def _print(published: Published, landing: Landing) -> None:
    for note in published.notes:
        say.note(note)
    if landing.form == "json":
        say.document(
            {
                "result": published.result,
                "changed": published.changed,
                "files": list(published.files),
                "commit": published.commit,
                "url": published.url,
            }
        )
        return
    say.result(published.result)
    if landing.dry_run:
        _print_dry(published)
    elif landing.pr and published.commit is not None:
        if published.url is not None:
            say.result(published.url)
    elif published.commit is not None:
        say.note(f"{'pushed' if landing.push else 'committed'} {published.commit[:12]}")
    elif published.files:
        say.note(f"wrote {', '.join(published.files)}; commit it, or use --commit, --push or --pr")


def _print_dry(published: Published) -> None:
    if published.plan:
        say.result(published.plan)
    for path in published.files:
        say.note(f"would write {path}")
