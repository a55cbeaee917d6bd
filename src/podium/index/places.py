"""Where the files of a static index lie, below the address of the index."""

from __future__ import annotations

import re

from podium import layout, refs

FORMAT = "podium-index/v1"
"""What every file says it is; a later one that this podium cannot read has another number."""
LARGEST = 2 << 20
"""Bytes that a file of an index may have: a thousand servers read it, and a hostile one must not fill their memory."""

ROOT = "index.json"
NAMES = "index/names.json"
RECORDS = "index/v"
CARDS = "index/c"

_SHA256 = re.compile(r"[0-9a-f]{64}")


def entity(kind: refs.Kind, name: str) -> str:
    """Give the file of a registered model, or of a model artifact named ``project/artifact``."""
    return f"index/{layout.folder(kind, name)}.json"


def record(sha256: str) -> str:
    """Give the file of a model version's record, by the hash of its content."""
    return f"{RECORDS}/{sha256}.json"


def card(sha256: str) -> str:
    """Give the file of a model card, by the hash of its content."""
    return f"{CARDS}/{sha256}.md"


def is_sha256(value: object) -> bool:
    """Tell whether this is a SHA-256 in hex."""
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None
