"""``podium log``: store files with DVC and record them as the next version of a model artifact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from podium.cli import options, say, session


@click.command("log")
@click.argument("artifact", metavar="PROJECT/ARTIFACT")
@click.argument("path", type=options.PLACE)
@click.option("--metric", "metrics", multiple=True, metavar="K=V", help="A metric: a finite number.")
@click.option("--param", "params", multiple=True, metavar="K=V", help="A parameter it was trained with.")
@click.option("--metadata", multiple=True, metavar="K=V", help="A free fact.")
@click.option(
    "--metadata-file",
    type=options.PLACE,
    metavar="FILE",
    help="Facts from a YAML or JSON file with a mapping.",
)
@click.option("--desc", default="", metavar="TEXT", help="What this version is, in a sentence.")
@click.option(
    "--source-repository", metavar="URL", help="Where the training code is. Default: this Git checkout's origin."
)
@click.option("--source-commit", metavar="ID", help="Its commit. Default: this Git checkout's.")
@click.option("--source-run", metavar="URL", help="The training run.")
@click.option("--alias", "aliases", multiple=True, metavar="ALIAS", help="Point this alias of the artifact at it.")
@click.option("--link", "links", multiple=True, metavar="MODEL", help="Bookmark it in this registered model.")
@click.option("--no-upload", is_flag=True, help="Leave the remote for `podium upload`.")
@click.option("--force", is_flag=True, help="Push a version whose bytes were not uploaded (--no-upload).")
@options.landing
@click.pass_context
def command(
    context: click.Context,
    artifact: str,
    path: Path,
    metrics: tuple[str, ...],
    params: tuple[str, ...],
    metadata: tuple[str, ...],
    metadata_file: Path | None,
    desc: str,
    aliases: tuple[str, ...],
    links: tuple[str, ...],
    no_upload: bool,
    force: bool,
    source_repository: str | None,
    source_commit: str | None,
    source_run: str | None,
    landing: options.Landing,
) -> None:
    """
    Record the next version of a model artifact.

    PATH is a file or a folder. Its bytes go to DVC's cache and to the remote; what is known of it goes into the
    registry. Content that a version of the artifact has already makes no new version.

    \b
    podium log vision/resnet50 out/ --metric accuracy=0.934 --param lr=0.001
    podium log vision/resnet50 model.safetensors --alias best --link ImageClassifier --push
    """
    with session.edit(context, landing) as edit:
        version = edit.log(
            artifact,
            path,
            metrics={name: _number(name, text) for name, text in options.facts(metrics, "--metric").items()},
            params={name: _value(text) for name, text in options.facts(params, "--param").items()},
            metadata=_metadata(metadata_file)
            | {k: _value(v) for k, v in options.facts(metadata, "--metadata").items()},
            source=_source({"repository": source_repository, "commit": source_commit, "run": source_run}),
            desc=desc,
            upload=not no_upload,
            force=force,
        )
        for alias in aliases:
            edit.promote(version, alias)
        for model in links:
            edit.link(version, model)


def _number(name: str, text: str) -> float:
    value = _value(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise click.UsageError(f"--metric takes NAME=NUMBER, not {f'{name}={text}'!r}")
    return value


def _value(text: str) -> Any:
    """Read one value the way a file of the registry would; what is no number or truth value is text."""
    from podium import codec

    try:
        value = codec.decode(b"value: " + text.encode()).get("value")
    except (codec.Malformed, UnicodeEncodeError):
        return text
    return value if isinstance(value, (bool, int, float)) else text


def _metadata(file: Path | None) -> dict[str, Any]:
    from podium import codec
    from podium.errors import Denied

    if file is None:
        return {}
    try:
        return codec.decode(file.read_bytes())
    except OSError as error:
        raise Denied(f"{file} cannot be read: {error.strerror}", "name a file that is there, and may be read") from None
    except codec.Malformed as problem:
        raise click.UsageError(f"{file}:{problem}") from None


def _source(given: dict[str, str | None]) -> dict[str, str]:
    from podium import git

    found = git.training_source(Path.cwd())
    named = {key: value for key, value in given.items() if value is not None}
    if "repository" in named or "commit" in named:
        return named
    if found.get("commit", "").endswith("-dirty"):
        say.note(f"the training code has uncommitted changes: recorded as {found['commit']}")
    return {**found, **named}
