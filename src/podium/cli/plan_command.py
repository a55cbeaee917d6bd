"""``podium plan``: what a change means, before it is merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from podium.cli import options, say, session

if TYPE_CHECKING:
    from podium.api import Registry
    from podium.plan import Plan


@click.command("plan")
@click.argument("base")
@click.argument("head", required=False)
@options.fresh
@options.output("text", "json", "markdown")
@click.pass_context
def command(context: click.Context, base: str, head: str | None, form: str) -> int:
    """
    Say what a change means, before it is merged.

    BASE is where it would be merged into, HEAD what would be merged (default: what is checked out; the default branch
    of a bare repository or URL). Aliases that move come first, with metrics and policies; then who must look, and how
    to go back. Exits with 1 where a rule is broken. The Markdown is made for a comment on the pull request.

    \b
    podium plan main
    podium plan origin/main my-branch --format markdown
    podium -R https://git.acme.dev/models.git plan main promote-v5 --format json
    """
    from podium import contents, folders, plan, review

    registry = session.registry(context)
    base_commit, head_commit = _commits(registry, base, head)
    repository = registry.source.repository
    known = contents.Contents(repository.path, folders.cache_if_any())
    with review.review(repository, base_commit, head_commit, known) as reviewed:
        found = plan.of(reviewed)
        _print(found, form)
    return 0 if found.ok else 1


def _commits(registry: Registry, base: str, head: str | None) -> tuple[str, str]:
    from podium import git
    from podium.errors import Denied

    source = registry.source
    repository = source.repository
    base_commit = git.resolve_rev(repository, base)
    if head is None and not isinstance(source, git.Checkout):
        tip = git.default_tip(repository)
        if tip is None:
            raise Denied(f"{source.label} has no commit on its default branch", "name the head: podium plan BASE HEAD")
        return base_commit, tip
    return base_commit, git.resolve_rev(repository, "HEAD" if head is None else head)


def _print(found: Plan, form: str) -> None:
    from podium.render import comment
    from podium.render import plan as render

    if form == "json":
        say.document(render.value(found))
    elif form == "markdown":
        say.result(comment.markdown(found).rstrip("\n"))
    else:
        say.result(render.text(found))
