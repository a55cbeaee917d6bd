"""``podium codeowners``: write CODEOWNERS from the policies."""

from __future__ import annotations

import click

from podium.cli import say, session


@click.command("codeowners")
@click.pass_context
def command(context: click.Context) -> None:
    """
    Write CODEOWNERS from the approvers in registry.yaml: .github/CODEOWNERS, or .gitlab/CODEOWNERS on GitLab.

    Only the block between podium's two marker lines is written; the rest of the file is yours.

    \b
    podium codeowners
    """
    from podium import upkeep

    changed = session.mend(session.registry(context), upkeep.owned)
    say.result(f"wrote {', '.join(changed)}" if changed else "CODEOWNERS is current")
