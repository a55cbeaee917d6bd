"""``podium upload``: send to the remote what it lacks."""

from __future__ import annotations

import click

from podium.cli import options, say, session
from podium.cli.progress import Bar


@click.command("upload")
@click.argument("reference", required=False, metavar="[NAME[:SEL]]")
@click.option("--repair", is_flag=True, help="Also replace what `podium verify` finds wrong on the remote.")
@options.output("text", "json")
@click.pass_context
def command(context: click.Context, reference: str | None, repair: bool, form: str) -> None:
    """
    Send to the remote what it lacks, from DVC's cache on this machine.

    Without a name: every version of the registry.

    \b
    podium upload
    podium upload vision/resnet50:v3 --repair
    """
    from podium import custody

    registry = session.registry(context)
    with Bar() as bar:
        records = custody.named(registry.value, reference)
        settled = custody.settled(registry.source, records)
        sent = custody.upload(registry.storage, records, repair=repair, settled=settled, progress=bar)
    if form == "json":
        say.document({"ok": True, "objects": sent.objects, "bytes": sent.size})
    else:
        from podium.render.plain import counted, size

        say.result(
            f"sent {counted(sent.objects, 'object')}, {size(sent.size)}"
            if sent.objects
            else "the remote has everything"
        )
