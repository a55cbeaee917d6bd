"""``podium create``: make an empty registered model or model artifact."""

from __future__ import annotations

import click

from podium.cli import options, session


@click.command("create")
@click.argument("name", metavar="MODEL|PROJECT/ARTIFACT")
@click.option("--desc", default="", metavar="TEXT", help="What it is for.")
@click.option("--owner", "owners", multiple=True, metavar="OWNER", help="@user, @org/team or an e-mail address.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A label, to group and find models.")
@click.option("--remote", metavar="NAME", help="The DVC remote for an artifact's versions. Default: DVC's.")
@options.landing
@click.pass_context
def command(
    context: click.Context,
    name: str,
    desc: str,
    owners: tuple[str, ...],
    tags: tuple[str, ...],
    remote: str | None,
    landing: options.Landing,
) -> None:
    """
    Make an empty registered model or model artifact.

    \b
    podium create ImageClassifier --desc "Labels product photographs" --owner @acme/vision
    podium create vision/resnet50 --remote archive
    """
    if "/" in name and (owners or tags):
        raise click.UsageError("owners and tags belong to registered models, not to model artifacts")
    if "/" not in name and remote is not None:
        raise click.UsageError("a remote belongs to a model artifact: registered models have no bytes of their own")
    if remote == "":
        raise click.UsageError("--remote is empty; leave it out for the default remote")
    with session.edit(context, landing) as edit:
        edit.create(name, desc=desc, owners=owners, tags=tags, remote=remote or "")
