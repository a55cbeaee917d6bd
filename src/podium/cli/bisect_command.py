"""``podium bisect``: find the first bad version that an alias held."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from podium.cli import options, say, session
from podium.cli.progress import Bar
from podium.errors import Denied, Usage

if TYPE_CHECKING:
    from podium.api import Registry
    from podium.bisection import Found, Verdict
    from podium.model import Entity

SKIP = 125
NOT_RUN = (126, 127)


class _BeforeDashes(click.Command):
    """A command that leaves what follows ``--`` alone: an optional argument would take its first word."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words after the dashes aside."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta["podium.command"] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Say in the usage what follows the dashes."""
        return [*super().collect_usage_pieces(ctx), "-- COMMAND…"]


@click.command("bisect", cls=_BeforeDashes)
@click.argument("name")
@click.argument("alias", required=False)
@click.option("--all", "every", is_flag=True, help="Search all versions of NAME, in the order of their numbers.")
@options.rev
@options.output("text", "json")
@click.pass_context
def command(context: click.Context, name: str, alias: str | None, every: bool, rev: str | None, form: str) -> int:
    """
    Find the first bad version that an alias held.

    Runs the command that follows -- on some of the versions, with the folder of the version's files for each {}. Exit
    code 0 means good, 125 that it cannot be judged, any other below 128 bad; 128 and more end the search. Versions are
    taken to be good up to one point of time and bad from there on. What the command prints goes to stderr. Ends with 1
    where no version is bad, with 3 where those that could not be judged leave it open.

    \b
    podium bisect ImageClassifier production -- python test_model.py {}
    podium bisect vision/resnet50 --all -- sh -c 'test -s "$1/model.safetensors"' sh {}
    """
    from podium import bisection

    run = context.meta["podium.command"]
    if (alias is None) != every:
        raise click.UsageError("name an ALIAS, or --all, and not both")
    if not any("{}" in word for word in run):
        raise click.UsageError("write the command after --, with {} where the version's folder belongs")
    registry = session.registry(context, rev)
    entity, versions = _versions(registry, name, alias)
    found = bisection.search(versions, lambda version: _judged(registry, entity, version, run, first=versions[0]))
    return _print(entity, found, form)


def _versions(registry: Registry, name: str, alias: str | None) -> tuple[Entity, list[str]]:
    """Give the versions to search, oldest first."""
    from podium import refs, timeline

    reference = registry.named(name)
    entity = registry.value.named(reference)
    if alias is None:
        found = list(entity.numbers)
    else:
        line = timeline.line(registry.source, registry.value.tree)
        path = timeline.scope(reference, refs.checked_alias(alias))
        held = dict.fromkeys(reversed(list(timeline.held(line, path))))
        found = [version for version in held if version in entity.numbers]
    if not found:
        asked = f"{name} {alias}" if alias is not None else name
        raise Denied(
            f"{asked} has no version to search", f"`podium history {asked}` says what was committed; only that counts"
        )
    return entity, found


def _judged(registry: Registry, entity: Entity, version: str, run: Sequence[str], first: str) -> Verdict:
    try:
        with Bar() as bar:
            folder = registry.use(entity.version(version), progress=bar).folder
    except Denied as problem:
        say.note(f"{entity.name}:{version}: skipped: {problem.sentence}")
        return "skip"
    code = _run([word.replace("{}", str(folder)) for word in run])
    if version == first and code in NOT_RUN:
        raise Denied(
            f"{run[0]} could not be run (exit code {code})", "see that the command works on the oldest version"
        )
    if code < 0 or code >= 128:
        raise Denied(f"{run[0]} ended with {code} on {entity.name}:{version}, so the search ends", "see what it says")
    verdict: Verdict = "good" if code == 0 else "skip" if code == SKIP else "bad"
    say.note(f"{entity.name}:{version}: {verdict}")
    return verdict


def _run(words: Sequence[str]) -> int:
    sys.stderr.flush()
    try:
        return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(), check=False).returncode
    except OSError as problem:
        raise Usage(f"{words[0]} cannot be run: {problem.strerror}", "name a program and its arguments") from None


def _print(entity: Entity, found: Found, form: str) -> int:
    if form == "json":
        verdicts = [{"version": version, "verdict": verdict} for version, verdict in found.verdicts.items()]
        said = {"name": entity.name, "first_bad": found.first_bad, "last_good": found.last_good}
        say.document({**said, "suspects": list(found.suspects), "verdicts": verdicts})
    else:
        say.result(_text(entity.name, found))
    if found.first_bad is not None:
        return 0
    return 3 if found.suspects else 1


def _text(name: str, found: Found) -> str:
    good = f"last good: {name}:{found.last_good}" if found.last_good is not None else "no version before it is good"
    if not found.suspects:
        return f"no version is bad\n{good}"
    if found.first_bad is not None:
        return f"first bad: {name}:{found.first_bad}\n{good}"
    return f"the first bad one is among: {', '.join(found.suspects)}\n{good}"
