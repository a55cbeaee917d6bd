"""
Canonical form at a glance: one pattern for a whole file says yes to nearly all that podium wrote, and never wrongly.

Writing a document anew only to compare it costs more than reading it. What the patterns do not know (quoted text,
folded lines, comments) is not refused: it is looked at the slow way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from podium.codec.swift import Patiently
from podium.layout import Document

_MAYBE_LONG = re.compile(rb"\.[0-9]{9}")
_LONG_FLOAT = re.compile(rb"[0-9]+\.[0-9]{9,}")
"""Floats that may have more digits than are needed; up to 15 digits are always the shortest way to write one."""

# Text that needs no quotes, be it in block or in flow style: it cannot read as a number, a word or a date.
_WORD = r"(?!(?:y|n|yes|no|on|off|true|false|null)[,}\]\n:])[a-z][a-z0-9_]*"
_TEXT = r"(?!(?i:y|n|yes|no|on|off|true|false|null)[,}\]\n])[A-Za-z](?:[A-Za-z0-9_./@<>()+-]++| (?![ #,}\]\n]))*+"
_QUOTED = r'"(?:https?|ssh|git)://[A-Za-z0-9._~/?#@!$&()*+;=%:-]*"'
_HEX = r"(?!0b[01]+\b)(?=[0-9e]*[abcdf])[0-9a-f]"
_INTEGER = r"(?:0|-?[1-9][0-9]{0,17})"
_FLOAT = r"-?(?:0\.(?!0000)|[1-9][0-9]{0,5}\.)(?:[0-9]{0,16}[1-9]|0)"
_SCALAR = rf"(?:{_FLOAT}|{_INTEGER}|true|false|{_TEXT})"
_FACTS = rf"\{{{_WORD}: {_SCALAR}(?:, {_WORD}: {_SCALAR})*\}}"
_LIST = rf'\[(?:"@[A-Za-z0-9_./-]+"|{_TEXT})(?:, (?:"@[A-Za-z0-9_./-]+"|{_TEXT}))*\]'
_VERSION = r"v(?:0|[1-9][0-9]{0,8})"
_FILE = rf"  - \{{path: {_TEXT}, size: {_INTEGER}, md5: {_HEX}{{32}}, sha256: {_HEX}{{64}}\}}\n"
_SOURCE_PARTS = (
    rf"repository: {_QUOTED}(?:, commit: {_HEX}{{7,64}})?(?:, run: {_QUOTED})?"
    rf"|commit: {_HEX}{{7,64}}(?:, run: {_QUOTED})?|run: {_QUOTED}"
)
_RECORD = (
    rf"outs:\n- md5: {_HEX}{{32}}\.dir\n  size: {_INTEGER}\n  nfiles: {_INTEGER}\n  hash: md5\n  path: {_VERSION}\n"
    rf"(?:desc: {_TEXT}\n)?"
    rf'meta:\n  created: "[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:.]+Z"\n  author: {_TEXT}\n'
    rf"  files:\n(?:{_FILE})+"
    rf"(?:  metrics: {_FACTS}\n)?(?:  params: {_FACTS}\n)?(?:  metadata: {_FACTS}\n)?"
    rf"(?:  source: \{{(?:{_SOURCE_PARTS})\}}\n)?"
)
_FORMS: Mapping[Document, str] = {
    "version": _RECORD,
    "link": rf"artifact: {_TEXT}\nversion: {_VERSION}\n",
    "alias": rf"generation: {_INTEGER}\nversion: (?:{_VERSION}|null)\n",
    "model": rf"description: {_TEXT}\n(?:owners: {_LIST}\n)?(?:tags: {_LIST}\n)?",
    "artifact": rf"description: {_TEXT}\n(?:type: {_TEXT}\n)?",
}
_PATTERNS: Mapping[Document, Patiently] = {document: Patiently(form.encode()) for document, form in _FORMS.items()}


def is_surely_canonical(document: Document, raw: bytes) -> bool:
    """Tell whether a file is seen to be in its canonical form without decoding it; no is no answer."""
    pattern = _PATTERNS.get(document)
    if pattern is None or not pattern.fullmatch(raw):
        return False
    return _MAYBE_LONG.search(raw) is None or all(
        repr(float(number)).encode() == number for number in _LONG_FLOAT.findall(raw)
    )
