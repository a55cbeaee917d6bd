"""``podium use``: fetch a version's files, verify them, print where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from podium import answers, git
from podium.cli import options, say, session
from podium.cli.progress import Bar

if TYPE_CHECKING:
    from pathlib import Path


@click.command("use")
@click.argument("reference", metavar="NAME[:SEL]")
@click.option("--to", metavar="DIR", type=options.PLACE, help="Write copies of the files into this folder.")
@click.option(
    "--file",
    "files",
    multiple=True,
    metavar="GLOB",
    help="Only files that match: the whole path, or without a slash the name.",
)
@click.option("--force", is_flag=True, help="Replace files in DIR that have a name of the version's but other content.")
@options.rev
@options.output("text", "json")
@click.pass_context
def command(
    context: click.Context,
    reference: str,
    to: Path | None,
    files: tuple[str, ...],
    force: bool,
    rev: str | None,
    form: str,
) -> None:
    """
    Fetch a version's files, verify them, print where they are.

    Prints the folder, or the file where there is only one. Every byte is compared with what was recorded before
    anything is handed out. Without --to the files are read-only and shared; with it they are copies.

    \b
    podium use ImageClassifier:production
    podium use vision/resnet50:v3 --file '*.safetensors' --to ./model
    """
    plain = not (to or files or force or rev)
    question = answers.question(context.obj.where, reference) if plain else None
    known = question.answered() if question is not None else None
    answer = known or _answer(context, reference, question, rev, to=to, files=files, force=force)
    if form == "json":
        say.document({"path": answer.path, "version": answer.version, "files": list(answer.files)})
    else:
        say.result(answer.path)


def _answer(
    context: click.Context, reference: str, question: answers.Question | None, rev: str | None, **chosen: Any
) -> answers.Answer:
    """Ask the registry, and keep what it says for the next time, where it is a checkout as it lies on disk."""
    registry = session.registry(context, rev)
    version = registry.resolve(reference)
    if version.withdrawn is not None:
        say.note(f"warning: {reference} was withdrawn: {version.withdrawn}")
    with Bar() as bar:
        used = registry.use(version, progress=bar, **chosen)
    if question is not None and isinstance(registry.place, git.Checkout):
        question.keep(registry.place, registry.value.tree, version, used.folder)
    return answers.Answer(str(used.folder), used.names, version.version)
