"""``podium gc``: find, and on request delete, what no version needs."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from podium.cli import options, say, session
from podium.cli.progress import Bar

if TYPE_CHECKING:
    from podium.api import Registry
    from podium.garbage import Found, Leftover

_SPAN = re.compile(r"([0-9]{1,6})([dh])")
_SECONDS = {"d": 86400, "h": 3600}


def _span(_context: click.Context, _option: click.Parameter, text: str) -> float:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no span of time: write 14d or 36h")
    return float(int(found[1]) * _SECONDS[found[2]])


@click.command("gc")
@click.option("--delete", is_flag=True, help="Delete it, in the places that --remote and --cache name.")
@click.option("--remote", "remotes", multiple=True, metavar="NAME", help="Look at this DVC remote only; repeatable.")
@click.option("--cache", "only_cache", is_flag=True, help="Look at the cache on this machine only.")
@click.option(
    "--older-than", "grace", default="14d", show_default=True, callback=_span, help="What is younger stays: 14d, 36h."
)
@click.option("--withdrawn", is_flag=True, help="Withdrawn versions need no bytes.")
@click.option(
    "--also",
    multiple=True,
    metavar="PATH|URL",
    help="What this registry needs stays as well; it keeps its bytes in the same place; repeatable.",
)
@options.output("text", "json")
@click.pass_context
def command(
    context: click.Context,
    delete: bool,
    remotes: tuple[str, ...],
    only_cache: bool,
    grace: float,
    withdrawn: bool,
    also: tuple[str, ...],
    form: str,
) -> None:
    """
    Find what no version needs, on the remote and in the cache; with --delete, delete it.

    Needed is what a version has that any branch, open pull request, tag, stash or working tree holds, or ever held.
    What killed uploads and downloads left goes as well.

    \b
    podium gc
    podium gc --delete --remote store --older-than 30d
    podium gc --delete --cache
    """
    _check_places(delete, remotes, only_cache)
    if delete and remotes:
        _warn_of_haste(grace)
    from podium import garbage, git

    registry = session.registry(context)
    storage = registry.storage
    keeper = garbage.Keeper(
        sources=[registry.source, *(git.locate(where, Path.cwd()) for where in also)],
        storage=storage,
        remotes=remotes if remotes or only_cache else _remotes(registry),
        cache=only_cache or not remotes,
        home=registry.source.home,
        now=time.time(),
        grace=grace,
        without_withdrawn=withdrawn,
    )
    with Bar() as bar:
        found = keeper.delete(bar) if delete else keeper.find()
    if form == "json":
        say.document(_document(found, deleted=delete))
    else:
        _print(found, deleted=delete)


def _check_places(delete: bool, remotes: tuple[str, ...], only_cache: bool) -> None:
    if "" in remotes:
        raise click.UsageError("--remote is empty; leave it out for the default remote, and name that with --delete")
    if delete and not (remotes or only_cache):
        raise click.UsageError(
            "--delete needs to know where: --remote NAME, for a remote that nobody else keeps bytes on, or --cache"
        )


def _warn_of_haste(grace: float) -> None:
    from podium.storage.stored import RENEWAL

    if grace <= RENEWAL:
        days = f"{RENEWAL / 86400:.0f} days"
        say.note(
            f"with --older-than {days} or less, what others have logged and not pushed yet may go, too: "
            "that is for a remote that nobody else writes to"
        )


def _remotes(registry: Registry) -> list[str]:
    """Give the default remote, and those that versions name."""
    from podium import custody

    named = {record.remote for record in custody.named(registry.value, None).values()}
    return sorted({registry.storage.remote(None, name).name for name in named | {""}})


def _document(found: Found, *, deleted: bool) -> dict[str, Any]:
    return {
        "deleted": deleted,
        "refs": found.refs,
        "places": [_place(left) for left in found.leftovers],
        "handed_out": list(found.handed_out),
    }


def _place(left: Leftover) -> dict[str, Any]:
    return {
        "name": left.store,
        "needed": left.needed,
        "young": len(left.young),
        "objects": [{"md5": stored.md5, "size": stored.size} for stored in left.garbage],
        "bytes": left.size,
        "unfinished": [{"path": one.name, "size": one.size} for one in left.unfinished],
    }


def _print(found: Found, *, deleted: bool) -> None:
    from podium.render.plain import counted, size

    for left in found.leftovers:
        young = f"; {len(left.young)} more are too young to tell" if left.young else ""
        garbage = f"{counted(len(left.garbage), 'object')}, {size(left.size)}"
        what = f"deleted {garbage}" if deleted else f"{garbage}, that no version needs"
        say.result(f"{left.store}: {what}; {left.needed} are needed{young}")
        if left.unfinished:
            what = "deleted" if deleted else "has"
            sizes = sum(one.size for one in left.unfinished)
            say.result(f"{left.store}: {what} {counted(len(left.unfinished), 'unfinished transfer')}, {size(sizes)}")
    if found.handed_out:
        done = "removed" if deleted else "has"
        say.result(f"this machine {done} the files of {counted(len(found.handed_out), 'version')} that nothing needs")
    if found.lost:
        say.note(
            f"{len(found.lost)} folders of plain DVC files are nowhere: what they list cannot be told, nor fetched"
        )
    say.note(f"{found.refs} refs were looked at" + ("" if deleted else "; nothing was deleted" + _how(found)))


def _how(found: Found) -> str:
    """Say with which options the garbage goes away; nothing where there is none."""
    names = [left.store for left in found.leftovers if left.garbage or left.unfinished]
    places = ["--cache" if name == "cache" else f"--remote {name}" for name in names]
    return f": `podium gc --delete {' '.join(places)}` does" if places else ""
