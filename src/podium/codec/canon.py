"""
Canonical writing: stable order, two spaces, no line folding, so that a second write changes no byte.

What reviewers read line by line stands in block style, one thing a line; small groups of facts stand in flow style on
one line, as ``format.md`` shows them. Text that any YAML reader, of 1.1 or 1.2, could take for something else is
quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from podium import refs
from podium.codec.strict import FORBIDDEN, Value
from podium.layout import Document

# What YAML 1.1 (https://yaml.org/type/) or YAML 1.2's core schema reads as something other than text.
_AMBIGUOUS = re.compile(
    r"""
    [yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|true|True|TRUE|false|False|FALSE|null|Null|NULL|~|=|<<
    |[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+
    |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
    |[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)
    |[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?
    """,
    re.VERBOSE,
)
_PLAIN_START = frozenset("_/(<")
_NOT_IN_FLOW = re.compile(r"[,\[\]{}:]")
_NEEDS_QUOTES = re.compile(r":(?: |$)| #")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
_ESCAPED = re.compile(f'[\\\\"\n\t{FORBIDDEN}\r]|[^ -~]')


@dataclass(frozen=True)
class Shape:
    """How a collection is written: its known keys in order, how what is inside is shaped, and block style or flow."""

    keys: Mapping[str, Shape] = field(default_factory=dict)
    each: Shape | None = None
    block: bool = True
    by_number: bool = False


_FLOW = Shape(block=False)
_FACTS = Shape(block=True, each=_FLOW)
_WITHDRAWN = Shape(each=_FLOW, by_number=True)
_FILES_POLICY = Shape(dict.fromkeys(("allow", "deny", "max_size"), _FLOW), block=False)
_REQUIRES = Shape({"metrics": _FLOW, "metadata": _FLOW, "files": _FILES_POLICY, "card": _FLOW})
_POLICY = Shape({"description": _FLOW, "approvers": _FLOW, "after": _FLOW, "requires": _REQUIRES})
_MANIFEST = Shape(each=Shape(dict.fromkeys(("path", "size", "md5", "sha256"), _FLOW), block=False))
_META = Shape(
    {
        **dict.fromkeys(("created", "author", "manifest", "sha256"), _FLOW),
        "files": _MANIFEST,
        **dict.fromkeys(("metrics", "params", "metadata"), _FLOW),
        "source": Shape(dict.fromkeys(("repository", "commit", "run"), _FLOW), block=False),
    },
)
_OUTS = Shape(each=Shape(dict.fromkeys(("md5", "size", "nfiles", "hash", "path", "remote"), _FLOW)))
SHAPES: Mapping[Document, Shape] = {
    "registry": Shape(
        {
            **dict.fromkeys(("apiVersion", "entity", "description"), _FLOW),
            "tags": _FACTS,
            "aliases": Shape(each=_POLICY),
            "codeowners": _FLOW,
        },
    ),
    "model": Shape({"description": _FLOW, "owners": _FLOW, "tags": _FLOW, "withdrawn": _WITHDRAWN}),
    "link": Shape(dict.fromkeys(("artifact", "version"), _FLOW)),
    "alias": Shape(dict.fromkeys(("generation", "version"), _FLOW)),
    "artifact": Shape({**dict.fromkeys(("description", "type", "remote"), _FLOW), "withdrawn": _WITHDRAWN}),
    "version": Shape({"outs": _OUTS, "desc": _FLOW, "meta": _META}),
}


def encode(document: Document, data: Mapping[str, Value]) -> bytes:
    """Write a document canonically."""
    if not data:
        return b"{}\n"
    return ("\n".join(_block(data, SHAPES[document], "")) + "\n").encode()


def _block(value: Value, shape: Shape, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in _ordered(value, shape):
            inner = shape.keys.get(key) or shape.each or _FLOW
            yield from _entry(f"{indent}{_text(key, flow=False)}:", item, inner, indent)
    else:
        for item in value:
            yield from _item(item, shape.each or _FLOW, indent)


def _entry(head: str, item: Value, shape: Shape, indent: str) -> Iterator[str]:
    if shape.block and isinstance(item, (dict, list)) and item:
        yield head
        yield from _block(item, shape, indent if isinstance(item, list) else f"{indent}  ")
    else:
        yield f"{head} {_inline(item, shape, flow=False)}"


def _item(item: Value, shape: Shape, indent: str) -> Iterator[str]:
    if not (shape.block and isinstance(item, dict) and item):
        yield f"{indent}- {_inline(item, shape, flow=False)}"
        return
    dash = "- "
    for line in _block(item, shape, f"{indent}  "):
        yield f"{indent}{dash}{line[len(indent) + 2 :]}" if dash else line
        dash = ""


def _ordered(value: dict[str, Value], shape: Shape) -> Iterator[tuple[str, Value]]:
    if shape.by_number and all(refs.is_version(key) for key in value):
        yield from sorted(value.items(), key=lambda item: refs.number(item[0]))
        return
    for key in shape.keys:
        if key in value:
            yield key, value[key]
    for key, item in value.items():
        if key not in shape.keys:
            yield key, item


def _inline(value: Value, shape: Shape, *, flow: bool) -> str:
    if isinstance(value, dict):
        inside = (
            f"{_key(key)}: {_inline(item, shape.keys.get(key) or shape.each or _FLOW, flow=True)}"
            for key, item in _ordered(value, shape)
        )
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item, shape.each or _FLOW, flow=True) for item in value) + "]"
    return scalar(value, flow=flow)


def scalar(value: Value, *, flow: bool = False) -> str:
    """Write one text, number, truth value or null."""
    if isinstance(value, str):
        return _text(value, flow=flow)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _float(value) if isinstance(value, float) else str(value)


def _float(value: float) -> str:
    text = repr(value)
    if text in ("inf", "-inf", "nan"):
        return text.replace("inf", ".inf").replace("nan", ".nan")
    # YAML 1.1 reads 1e-05 as text: it wants a dot
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


@lru_cache(maxsize=256)
def _key(text: str) -> str:
    """Write a key inside braces: those of a manifest come 5,000 times."""
    return _text(text, flow=True)


def _text(text: str, *, flow: bool) -> str:
    if (
        text
        and (text[0].isalnum() or text[0] in _PLAIN_START)
        and text[-1] != " "
        and text.isprintable()
        and not _NEEDS_QUOTES.search(text)
        and not (flow and _NOT_IN_FLOW.search(text))
        and not _AMBIGUOUS.fullmatch(text)
    ):
        return text
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
