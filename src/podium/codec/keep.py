"""
Edits that keep what a person wrote: comments, the order of keys, quotes.

A file that is canonical is simply written anew. In any other, ruamel.yaml changes what differs and leaves the rest; the
result is read back by the strict loader, so that an edit never says something else than was meant.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from podium.codec.canon import encode
from podium.codec.strict import Malformed, Value, decode, has_comments
from podium.layout import Document

if TYPE_CHECKING:
    from ruamel.yaml import YAML

LARGEST_COMMENTED = 32 * 1024
"""Bytes up to which a file with a person's comments is put into canonical form."""
_BY_HAND = "podium cannot change this file and keep its comments; change it by hand"


def canonical(document: Document, raw: bytes) -> bytes:
    """
    Give the canonical form of a file; raises Malformed where it cannot be read.

    Comments at the top stay where they are. A file with comments elsewhere keeps the order of its keys too, since a
    comment belongs to what stands next to it; a large one stays as it is, since going through it takes a second or
    more.
    """
    data = decode(raw)
    head, rest = _header(raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    if not has_comments(rest):
        return head + encode(document, data)
    if len(rest) > LARGEST_COMMENTED:
        return raw
    return head + _with_ruamel(rest, data)


def is_canonical(document: Document, raw: bytes, data: dict[str, Value]) -> bool:
    """Tell whether a file that reads as ``data`` is in its canonical form."""
    if len(raw) < _LARGE:
        return _is_canonical(document, raw, data)
    known = _SAID.get((document, raw))
    if known is None:
        if len(_SAID) >= _MOST_SAID:
            _SAID.clear()
        known = _SAID[document, raw] = _is_canonical(document, raw, data)
    return known


def _is_canonical(document: Document, raw: bytes, data: dict[str, Value]) -> bool:
    return raw == (encode(document, data) if b"#" not in raw else canonical(document, raw))


_LARGE = 50_000
"""Bytes of a file of which it is worth to keep what was said: to write it takes a tenth of a second."""
_MOST_SAID = 4
_SAID: dict[tuple[Document, bytes], bool] = {}
"""Whether a large file is canonical, which follows from its bytes alone: one that is logged is judged several times."""


def rewrite(document: Document, raw: bytes, data: dict[str, Value]) -> bytes:
    """Give the file's bytes with ``data`` in it, keeping what a person wrote; raises Malformed."""
    old = decode(raw)
    if old == data:
        return raw
    head, rest = _header(raw)
    if rest == encode(document, old):
        return head + encode(document, data)
    return head + _with_ruamel(rest, data)


def _header(raw: bytes) -> tuple[bytes, bytes]:
    """Split off the comment and blank lines a file begins with."""
    lines = raw.splitlines(keepends=True)
    count = next((n for n, line in enumerate(lines) if not line.startswith(b"#") and line.strip()), len(lines))
    return b"".join(lines[:count]), b"".join(lines[count:])


def _with_ruamel(raw: bytes, data: dict[str, Value]) -> bytes:
    from ruamel.yaml.error import YAMLError

    yaml = _ruamel()
    try:
        document = yaml.load(raw)
    except YAMLError:  # it reads a few files otherwise than libyaml does: a comment right after a bracket
        raise Malformed(1, 1, _BY_HAND) from None
    _merge(document, data)
    out = BytesIO()
    yaml.dump(document, out)
    written = out.getvalue()
    if decode(written) != data:
        raise Malformed(1, 1, _BY_HAND)
    return written


def _ruamel() -> YAML:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 2**31
    yaml.indent(mapping=2, sequence=2, offset=0)
    yaml.representer.add_representer(
        type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def _merge(into: Any, data: Value) -> None:
    """Make ``into`` equal to ``data``, touching only what differs."""
    if isinstance(data, dict):
        for key in [key for key in into if key not in data]:
            del into[key]
        for key, value in data.items():
            _set(into, key, value)
    else:
        for position, value in enumerate(data):
            if position < len(into):
                _set(into, position, value)
            else:
                into.append(value)
        del into[len(data) :]


def _set(into: Any, key: str | int, value: Value) -> None:
    old = into.get(key, into) if isinstance(into, dict) else into[key]
    if isinstance(old, dict) and isinstance(value, dict) and old is not into:
        _merge(old, value)
    elif isinstance(old, list) and isinstance(value, list):
        _merge_list(old, value)
    elif old is into or old != value or type(old) is not type(value):
        into[key] = value


def _merge_list(old: Any, new: list[Value]) -> None:
    """Take away and append first, so that the comments of the items that stay keep their place."""
    if all(not isinstance(item, (dict, list)) for item in [*old, *new]):
        for item in [item for item in old if item not in new]:
            old.remove(item)
        for item in new:
            if item not in old:
                old.append(item)
    if list(old) != new:
        _merge(old, new)
