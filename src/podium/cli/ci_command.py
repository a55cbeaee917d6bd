"""``podium ci``: put the check where a team needs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from podium.cli import options, say, session
from podium.version import VERSION

if TYPE_CHECKING:
    from podium.ci import Written

_force = click.option("--force", is_flag=True, help="Write anew what is there and says something else.")


@click.group("ci")
def command() -> None:
    """
    Install a check: in GitHub's or GitLab's pipelines, before commits, or on the server that people push to.

    \b
    podium ci github
    podium ci pre-receive /srv/git/models.git
    """


@command.command("github")
@_force
@click.pass_context
def github(context: click.Context, force: bool) -> None:
    """
    Write the workflows that check pull requests on GitHub, and comment on them.

    The check annotates lines and writes a summary with read access only; the comment is made by a second workflow, which
    never checks out a pull request.

    \b
    podium ci github
    """
    from podium import ci

    _say(ci.Written(ci.write(_root(context), ci.github(VERSION), force=force)))


@command.command("gitlab")
@_force
@click.pass_context
def gitlab(context: click.Context, force: bool) -> None:
    """
    Write the job that checks merge requests on GitLab.

    \b
    podium ci gitlab
    """
    from podium import ci

    _say(ci.write_gitlab(_root(context), VERSION, force=force), ".gitlab-ci.yml")


@command.command("github-pages")
@_force
@click.pass_context
def github_pages(context: click.Context, force: bool) -> None:
    """
    Write the workflow that publishes the site on GitHub Pages.

    \b
    podium ci github-pages
    """
    from podium import ci

    _say(ci.Written(ci.write(_root(context), ci.github_pages(VERSION), force=force)))
    say.note("once, by hand: Settings > Pages > Source: GitHub Actions")


@command.command("gitlab-pages")
@_force
@click.pass_context
def gitlab_pages(context: click.Context, force: bool) -> None:
    """
    Write the job that publishes the site on GitLab Pages.

    \b
    podium ci gitlab-pages
    """
    from podium import ci

    _say(ci.write_gitlab_pages(_root(context), VERSION, force=force), ".gitlab-ci.yml")


@command.command("pre-commit")
@click.pass_context
def pre_commit(context: click.Context) -> None:
    """
    Add podium to .pre-commit-config.yaml, so that what is committed was checked.

    \b
    podium ci pre-commit && pre-commit install
    """
    from podium import ci

    _say(ci.write_pre_commit(_root(context)))


@command.command("pre-receive")
@click.argument("bare", required=False, type=options.PLACE, metavar="[BARE]")
@click.option("--protect-aliases", is_flag=True, help="Aliases with approvers move only by the merge of a branch.")
@click.option("--remove", "undo", is_flag=True, help="Take the hook away again.")
@click.pass_context
def pre_receive(context: click.Context, bare: Path | None, protect_aliases: bool, undo: bool) -> None:
    """
    Make a bare repository refuse pushes that break a rule.

    BARE is the repository on the server that people push to (or name it with -R). Only its default branch is guarded. A hook
    that is there already is called first.

    \b
    podium ci pre-receive /srv/git/models.git
    podium ci pre-receive /srv/git/models.git --protect-aliases
    podium ci pre-receive /srv/git/models.git --remove
    """
    from podium import githooks

    folder = bare or _bare(context)
    if undo:
        say.result(f"removed the hook of {folder}" if githooks.remove(folder) else "there is no hook of podium's")
        return
    say.result(f"wrote {githooks.install(folder, protect_aliases=protect_aliases)}")
    say.note(githooks.whom(folder))


def _root(context: click.Context) -> Path:
    return session.checkout(session.registry(context)).root


def _bare(context: click.Context) -> Path:
    from podium import git
    from podium.errors import Usage

    source = git.locate(context.obj.where, Path.cwd())
    if not isinstance(source, git.Bare):
        raise Usage(
            f"{source.label} is no bare repository on this machine", "podium ci pre-receive /srv/git/models.git"
        )
    return source.path


def _say(written: Written, where: str = "") -> None:
    for path in written.paths:
        say.result(f"wrote {path}")
    if not written.paths:
        say.result("everything is there already")
    if written.by_hand:
        say.note(f"add to {where}:\n\n{written.by_hand}")
