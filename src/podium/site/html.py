"""Templates: every value is escaped, and every character of it shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from podium.render.plain import number, one_line, size
from podium.render.registry import fact
from podium.site.past import BEGIN, END, Commit, Happening
from podium.visible import inert, redacted, redacted_in


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """Fill a template in; what would steer a reader's screen becomes visible in the whole page at once."""
    return inert(_environment().get_template(template).render(values)).encode()


def part(template: str, values: Mapping[str, Any]) -> Markup:
    """Fill in a template that is part of pages."""
    return Markup(_environment().get_template(template).render(values))  # noqa: S704 - it escapes


def script(name: str, value: Any) -> bytes:
    """Give a script that hands a value over: pages opened from disk may load scripts, and nothing else."""
    return f"podium.take({_json(name)}, {_json(value)});\n".encode()


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("podium.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finished,
    )
    made.filters.update(
        json=lambda value: Markup(_json(value)),  # noqa: S704 - escaped for where it stands
        effect=effect,
        size=size,
        fact=fact,
        number=number,
        day=lambda date: date[:10],
        minute=_minute,
        steps=steps,
    )
    return made


def _finished(value: Any) -> Any:
    """Take credentials out of what a template writes; what is HTML already was looked after where it was made."""
    return redacted(value) if type(value) is str else value


def _json(value: Any) -> str:
    text = json.dumps(redacted_in(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _minute(date: str) -> str:
    """Write a moment to the minute, with its offset."""
    return f"{date[:10]} {date[11:16]} {date[19:].replace('+00:00', 'UTC')}"


def effect(text: str, name: str = "", href: str | None = None) -> Markup:
    """Give an effect's sentence, in which values stand between marks; the first that is the name becomes a link."""
    found = Markup("")
    for part in one_line(redacted(text)).split(BEGIN):
        value, mark, rest = part.rpartition(END)
        linked = href is not None and mark and (value == name or value.startswith(f"{name}:"))
        if linked:
            found += Markup('<a href="{}">{}</a>').format(href, value)
            href = None
        elif mark:
            found += Markup("<b>{}</b>").format(value)
        found += escape(rest)
    return found


def steps(happenings: Iterable[Happening]) -> list[tuple[Commit, list[Happening]]]:
    """Put together what one commit did."""
    together = ((id_, list(each)) for id_, each in groupby(happenings, key=lambda each: each.commit.id))
    return [(each[0].commit, each) for _, each in together]
