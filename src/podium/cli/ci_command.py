"""``podium ci``: put the check where a team needs it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from podium.cli import options, say, session
from podium.version import VERSION

if TYPE_CHECKING:
    from podium.ci import Written

F = TypeVar("F", bound=Callable[..., Any])


def _of_jobs(command: F) -> F:
    """Add ``--install`` and ``--force``."""
    install = click.option(
        "--install",
        metavar="SPEC",
        help="What pip is to install there: podium==VERSION, or podium @ URL. Default: what the file there says, else "
        "where this podium came from.",
    )
    force = click.option(
        "--force", is_flag=True, help="Write anew what is there and says something else; where podium comes from stays."
    )
    return install(force(command))


@click.group("ci")
def command() -> None:
    """
    Install a check: in GitHub's or GitLab's pipelines, before commits, or on the server that people push to.

    \b
    podium ci github
    podium ci pre-receive /srv/git/models.git
    """


@command.command("github", short_help="Write the workflows that check pull requests.")
@_of_jobs
@click.pass_context
def github(context: click.Context, install: str | None, force: bool) -> None:
    """
    Write the workflows that check pull requests on GitHub, and comment on them.

    The check annotates lines and writes a summary with read access only; the comment is made by a second workflow,
    which never checks out a pull request.

    \b
    podium ci github
    podium ci github --install 'podium @ git+https://git.acme.dev/ml/podium@v0.1.0'
    """
    from podium import ci

    _write(context, ci.write, ci.github, install, force)


@command.command("gitlab")
@_of_jobs
@click.pass_context
def gitlab(context: click.Context, install: str | None, force: bool) -> None:
    """
    Write the job that checks merge requests on GitLab.

    \b
    podium ci gitlab
    podium ci gitlab --install 'podium @ git+https://git.acme.dev/ml/podium@v0.1.0'
    """
    from podium import ci

    _write(context, ci.write_included, ci.gitlab, install, force)


@command.command("github-pages")
@_of_jobs
@click.pass_context
def github_pages(context: click.Context, install: str | None, force: bool) -> None:
    """
    Write the workflow that publishes the site on GitHub Pages.

    \b
    podium ci github-pages
    podium ci github-pages --install 'podium @ git+https://git.acme.dev/ml/podium@v0.1.0'
    """
    from podium import ci

    _write(context, ci.write, ci.github_pages, install, force)
    say.note("once, by hand: Settings > Pages > Source: GitHub Actions")


@command.command("gitlab-pages")
@_of_jobs
@click.pass_context
def gitlab_pages(context: click.Context, install: str | None, force: bool) -> None:
    """
    Write the job that publishes the site on GitLab Pages.

    \b
    podium ci gitlab-pages
    podium ci gitlab-pages --install 'podium @ git+https://git.acme.dev/ml/podium@v0.1.0'
    """
    from podium import ci

    _write(context, ci.write_included, ci.gitlab_pages, install, force)


@command.command("pre-commit", short_help="Check what is committed, by pre-commit.")
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

    BARE is the repository on the server that people push to (or name it with -R). Only its default branch is guarded. A
    hook that is there already is called first.

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


def _write(
    context: click.Context,
    write: Callable[..., Written],
    job: Callable[[str], Mapping[str, str]],
    install: str | None,
    force: bool,
) -> None:
    from podium.ci import source

    origin = source.own(VERSION) if install is None else source.Origin(source.named(install))
    written = write(_root(context), job(origin.install), chosen=install is not None, force=force)
    _say(written)
    if written.installs != shlex.quote(origin.install):
        say.note(f"the job goes on installing {written.installs}; --install SPEC changes that")
    elif origin.instead and written.paths:
        say.note(origin.doubt("--install SPEC"))


def _say(written: Written) -> None:
    for path in written.paths:
        say.result(f"wrote {path}")
    if not written.paths:
        say.result("everything is there already")
    if written.by_hand:
        say.note(f"add to .gitlab-ci.yml:\n\n{written.by_hand}")
