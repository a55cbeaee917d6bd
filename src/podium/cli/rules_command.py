"""``podium rules``: the rules, or one rule's page."""

from __future__ import annotations

import click

from podium.cli import options, say
from podium.errors import Denied


@click.command("rules")
@click.argument("rule_id", required=False, metavar="[ID]")
@options.output("text", "json")
def command(rule_id: str | None, form: str) -> None:
    """
    List the rules, or show one rule's page, with a good and a bad example.

    \b
    podium rules
    podium rules alias-target-exists
    """
    from podium import rules
    from podium.render.plain import columns

    if rule_id is not None and rule_id not in rules.by_id:
        raise Denied(f"there is no rule {rule_id!r}", "`podium rules` lists them")
    chosen = [rules.by_id[rule_id]] if rule_id is not None else list(rules.ALL)
    if form == "json":
        say.document([{"id": rule.id, "severity": rule.severity, "title": rules.title(rule)} for rule in chosen])
    elif rule_id is not None:
        say.result(rules.page(chosen[0]))
    else:
        say.result(
            columns(
                [(rule.id, rule.severity, rules.title(rule)) for rule in chosen], ("RULE", "SEVERITY", "WHAT HOLDS")
            )
        )
