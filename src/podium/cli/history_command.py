"""``podium history``: who moved what, when, in which commit."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING

import click

from podium import collector
from podium.cli import options, say, session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podium.errors import CannotTell
    from podium.history import Event


@click.command("history")
@click.argument("name", required=False)
@click.argument("alias", required=False)
@click.option("--since", metavar="DATE", help="Nothing before this day or moment (2026-03-01, 2026-03-01T08:30+01:00).")
@click.option("--until", metavar="DATE", help="Nothing after this day's beginning, or this moment.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many changes.")
@options.rev
@options.output("text", "json", "markdown")
@click.pass_context
def command(
    context: click.Context,
    name: str | None,
    alias: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
    rev: str | None,
    form: str,
) -> int:
    """
    Say who moved what, when, in which commit.

    Each commit on the branch's first-parent line is one step; a merge is what it brought in. The newest comes first, in
    the order of the commits, whatever their clocks say. NAME is a registered model or a model artifact. A day begins at
    00:00 UTC. Where a shallow clone hides the rest, what is known is printed, and the exit code is 3.

    \b
    podium history ImageClassifier production
    podium history vision/resnet50 --since 2026-03-01 --limit 20
    podium history --format markdown --until 2026-04-01
    """
    begin, end = _moment(since, "--since"), _moment(until, "--until")
    registry = session.registry(context, rev)
    stopped: list[CannotTell] = []
    known = _known(registry.history(name, alias, since=begin, until=end), stopped)
    said = _print(islice(known, limit), form)
    if not said and not stopped:
        say.note("nothing like that has happened")
    for problem in stopped:
        say.error(problem.sentence, problem.hint)
        return problem.exit_code
    return 0


def _known(events: Iterator[Event], stopped: list[CannotTell]) -> Iterator[Event]:
    """Give events one by one, so that none is held longer than it is written, and put down what ended them early."""
    from podium.errors import CannotTell

    try:
        yield from events
    except CannotTell as problem:
        stopped.append(problem)


def _moment(text: str | None, option: str) -> datetime | None:
    """Read a day or a moment; UTC where it names no offset."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{option} takes a day (2026-03-01) or a moment, not {text!r}") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _print(events: Iterator[Event], form: str) -> bool:
    """Print the events; tells whether anything was said, which for text without events is not so."""
    events = chain([*islice(events, 1)], events)
    from podium.render import timeline as render  # loaded while Git is at work

    with collector.paused():
        if form == "json":
            say.document(render.values(events))
        elif form == "markdown":
            say.result(render.markdown(events))
        elif text := render.text(events):
            say.result(text)
        else:
            return False
    return True
