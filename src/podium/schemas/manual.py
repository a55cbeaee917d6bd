"""The reference page of the registry's files, made of the descriptions in the schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_HEAD = """\
# The registry's files

Made from the schemas that podium ships: edit those, then make this page anew. Keys that are not listed are refused.
An editor checks a file as you type where its first line says which schema it follows, for example
`# yaml-language-server: $schema=../../schemas/model.schema.json` in `models/<model>/model.yaml`.
"""
_MARKUP = re.compile(r"[<>*_\[\]]")
_WORDS = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
    "null": "null",
}


@dataclass(frozen=True)
class Row:
    """One key: where it stands, what it holds, whether it must be there, what it means."""

    key: str
    type: str
    required: str
    meaning: str


def page(documents: Mapping[str, dict[str, Any]]) -> str:
    """Give the page for the schemas of the given kinds of document, as Markdown."""
    return _HEAD + "".join(_section(schema) for schema in documents.values())


def _section(schema: dict[str, Any]) -> str:
    lines = ["", f"## {schema['title']}", "", _cell(schema["description"]), ""]
    lines += ["| key | type | required | meaning |", "| --- | --- | --- | --- |"]
    lines += [f"| `{row.key}` | {row.type} | {row.required} | {row.meaning} |" for row in _rows(schema, schema, "")]
    return "\n".join(lines) + "\n"


def _rows(schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[Row]:
    for name, stated in schema.get("properties", {}).items():
        inner = _resolved(stated, root)
        key = f"{path}.{name}" if path else name
        yield Row(key, _cell(_type(inner, root)), _required(schema, name), _cell(_meaning(inner)))
        yield from _below(inner, root, key)


def _below(schema: dict[str, Any], root: dict[str, Any], key: str) -> Iterator[Row]:
    yield from _rows(schema, root, key)
    if isinstance(schema.get("items"), dict):
        yield from _rows(_resolved(schema["items"], root), root, f"{key}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _below(_resolved(schema["additionalProperties"], root), root, f"{key}.<{_keys(schema, root)}>")


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Give a schema with what it refers to; its own description and examples win."""
    reference = schema.get("$ref")
    return schema if reference is None else {**root["$defs"][reference.rpartition("/")[2]], **schema}


def _required(schema: dict[str, Any], name: str) -> str:
    if name in schema.get("required", ()):
        return "yes"
    alternative = [*schema.get("then", {}).get("required", ()), *schema.get("else", {}).get("required", ())]
    return "see meaning" if name in alternative else "no"


def _keys(schema: dict[str, Any], root: dict[str, Any]) -> str:
    keys = _resolved(schema.get("propertyNames", {}), root)
    return str(keys.get("title", "key")).lower()


def _type(schema: dict[str, Any], root: dict[str, Any]) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = ", ".join(_WORDS[kind] for kind in kinds)
    if kinds == ["array"]:
        return f"list of {_type(_resolved(schema['items'], root), root)}"
    if kinds == ["object"] and isinstance(schema.get("additionalProperties"), dict):
        return f"mapping of {_keys(schema, root)} to {_type(_resolved(schema['additionalProperties'], root), root)}"
    return words


def _meaning(schema: dict[str, Any]) -> str:
    meaning = str(schema["description"])
    if "default" in schema:
        meaning += f" Default: `{schema['default']}`."
    examples = schema.get("examples", ())
    if examples:
        meaning += " Example: " + ", ".join(f"`{_example(example)}`" for example in examples)
    return meaning


def _example(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    """Escape what Markdown would take for its own, outside of code; a bar ends a cell everywhere."""
    parts = text.replace("|", "\\|").replace("\n", " ").split("`")
    return "`".join(part if index % 2 else _MARKUP.sub(r"\\\g<0>", part) for index, part in enumerate(parts))
