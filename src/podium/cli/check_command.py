"""``podium check``: every rule, on the registry as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from podium.cli import options, say, session
from podium.cli.progress import Bar

if TYPE_CHECKING:
    from podium.review import Checked


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--storage", is_flag=True, help="Also look whether the remote has the bytes.")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely.")
@options.rev
@options.output("text", "json", "github")
@click.pass_context
def command(
    context: click.Context, paths: tuple[Path, ...], storage: bool, fix: bool, rev: str | None, form: str
) -> int:
    r"""
    Check the registry against every rule.

    PATHS are files or folders of the registry; without them everything is checked. Exits with 1 where a rule is broken;
    warnings alone are 0.

    \b
    podium check
    podium check models/ImageClassifier --fix
    podium check --rev main --format json
    """
    from podium import review, upkeep

    if fix and rev is not None:
        raise click.UsageError("--fix mends the checkout: leave --rev out")
    registry = session.registry(context, rev)
    wanted = session.inside(registry, paths)
    if fix:
        for path in session.mend(registry, lambda value: upkeep.fixed(value, wanted)):
            say.note(f"mended {path}")
    checked = review.check(registry.value.tree, wanted)
    if storage:
        with Bar() as bar:
            checked = review.with_bytes(checked, registry.value.tree, registry.storage, bar)
    _print(checked, form)
    return 0 if checked.ok else 1


def _print(checked: Checked, form: str) -> None:
    from podium.render import findings as render

    if form == "json":
        say.document(
            {
                "ok": checked.ok,
                "base": None,
                "head": checked.head,
                "checked": {"files": checked.files, "skipped": checked.skipped},
                "findings": render.values(checked.findings),
            }
        )
        return
    if checked.findings:
        say.result(render.github(checked.findings) if form == "github" else render.text(checked.findings))
    errors = sum(finding.severity == "error" for finding in checked.findings)
    warnings = len(checked.findings) - errors
    say.note(f"{checked.files} files checked: {_count(errors, 'error')}, {_count(warnings, 'warning')}")


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
