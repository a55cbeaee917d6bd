"""Text in which every character shows: what would steer a terminal, or is no UTF-8, is written as its escape."""

from __future__ import annotations

import re

STEERING = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ud800-\udfff"
"""As part of a character class: control characters, the bidirectional ones, line separators, lone surrogates."""

_ANY = re.compile(f"[{STEERING}]")
_BUT_LINES = re.compile(f"(?![\n\t])[{STEERING}]")


def visible(text: str) -> str:
    """Escape every character that steers, line ends too."""
    return _ANY.sub(_escape, text)


def inert(text: str) -> str:
    """Escape every character that steers but line ends and tabs."""
    return _BUT_LINES.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8 (os.fsdecode)
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
