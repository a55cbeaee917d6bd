"""A rule's manual page, made of its docstring and its examples."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from podium.checks import Example, Rule


def title(rule: Rule) -> str:
    """Give the sentence that holds."""
    return _paragraphs(rule)[0]


def page(rule: Rule) -> str:
    """Give the manual page of a rule, as Markdown."""
    sentence, *rest = _paragraphs(rule)
    head = [f"## {rule.id}", f"{sentence} Severity: **{rule.severity}**.", *map(_led, rest)]
    before: Example = getattr(rule, "before", {})
    examples = [("Before", before), ("Good", rule.good), ("Bad", rule.bad)]
    return (
        "\n\n".join([*head, *(line for name, example in examples if example for line in _example(name, example))])
        + "\n"
    )


def _paragraphs(rule: Rule) -> list[str]:
    return [" ".join(part.split()) for part in (inspect.getdoc(rule) or "").replace("``", "`").split("\n\n")]


def _led(paragraph: str) -> str:
    word, colon, rest = paragraph.partition(": ")
    return f"**{word}**{colon}{rest}" if word in ("Why", "Fix") else paragraph


def _example(head: str, example: Example) -> Iterator[str]:
    yield f"{head}:"
    for path, content in example.items():
        if content is None:
            yield f"`{path}` is not there."
        else:
            text, mode = (content, "") if isinstance(content, str) else (content[0], f", with mode {content[1]:o}")
            yield f"`{path}`{mode}\n\n```{'json' if path.endswith('.json') else 'yaml'}\n{text.rstrip()}\n```"
