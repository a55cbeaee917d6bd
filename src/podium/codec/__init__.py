"""YAML bytes ⇄ model; strict, with positions; edits that keep comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podium import deferred
from podium.codec.read import (
    API_VERSION,
    Source,
    Sources,
    about_of,
    alias_of,
    link_of,
    policy,
    read,
    record_of,
    refuse_newer,
)
from podium.codec.strict import FORBIDDEN, MAX_BYTES, TOO_LARGE, Malformed, Pointer, Value, decode, has_comments, locate

if TYPE_CHECKING:
    from podium.codec import write
    from podium.codec.canon import encode
    from podium.codec.keep import canonical, is_canonical, rewrite
else:  # what only edits and checks need
    __getattr__ = deferred.names(__name__, {"canon": "encode", "keep": "canonical is_canonical rewrite", "write": ""})

__all__ = [
    "API_VERSION",
    "FORBIDDEN",
    "MAX_BYTES",
    "TOO_LARGE",
    "Malformed",
    "Pointer",
    "Source",
    "Sources",
    "Value",
    "about_of",
    "alias_of",
    "canonical",
    "decode",
    "encode",
    "has_comments",
    "is_canonical",
    "link_of",
    "locate",
    "policy",
    "read",
    "record_of",
    "refuse_newer",
    "rewrite",
    "write",
]
