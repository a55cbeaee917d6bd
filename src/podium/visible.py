"""
Text fit to show: what would steer a terminal, or is no UTF-8, is written as its escape, and credentials are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_BEYOND = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ud800-\udfff"
STEERING = f"\x00-\x1f{_BEYOND}"
"""As part of a character class: control characters, the bidirectional ones, line separators, lone surrogates."""
STEERING_BUT_LINES = f"\x00-\x08\x0b-\x1f{_BEYOND}"
"""The same without tabs and line ends. One class for a search: to look ahead first would take it five times as long."""

_ANY = re.compile(f"[{STEERING}]")
_BUT_LINES = re.compile(f"[{STEERING_BUT_LINES}]")


# One slash is what a path makes of two. Bounded, since each `://` of a hostile text would else look for its @ up to the
# end.
_CREDENTIALS = (
    re.compile(r"(?i)(https?:/{1,2})[^\s/]{0,4096}@"),
    re.compile(r"(?i)((?<=[a-z0-9+.-]{2}):/{1,2})[^\s/@:]{0,4096}:[^\s/]{0,4096}@"),
    re.compile(  # a password with a slash
        r"(?i)((?<=[a-z0-9+.-]{2}):/{1,2})[^\s/@:]{0,4096}:(?![0-9]{1,5}(?:[/?#\s]|$))[^\s@]{0,4096}@"
    ),
)
_TELLING = "token|secret|passw|signature|credential|api_?key|access_?key"
_IN_QUERIES = re.compile(
    rf"(?i)([?&;](?=[a-z0-9_.-]{{0,60}}(?:{_TELLING})|sig=|key=|auth=)[a-z0-9_.-]{{1,80}}=)[^&\s'\"#;]+"
)

_USER_OF_HTTP = re.compile(r"(?i)^(https?://)[^\s/]*@")


def redacted(text: str) -> str:
    """Take the credentials out of every URL in a text: names and passwords before the host, and tokens in a query."""
    if ":/" in text and "@" in text:
        for credentials in _CREDENTIALS:
            text = credentials.sub(r"\1***@", text)
    return _IN_QUERIES.sub(r"\1***", text) if "=" in text else text


def without_user(url: str) -> str:
    """Give a URL without http's user, who is a token more often than not: tokens change, what they open stays."""
    return _USER_OF_HTTP.sub(r"\1", url)


def bare(url: str) -> str:
    """Give a URL as it may be kept for good: without a user of http, and any credentials."""
    return redacted(without_user(url))


def redacted_in(value: Any) -> Any:
    """Take the credentials out of every text in a value that is made of lists, mappings and plain values."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {key: redacted_in(one) for key, one in value.items()}
    return [redacted_in(one) for one in value] if isinstance(value, list | tuple) else value


def visible(text: str) -> str:
    """Escape every character that steers, line ends too."""
    return _ANY.sub(_escape, text)


def inert(text: str) -> str:
    """Escape every character that steers but line ends and tabs."""
    return _BUT_LINES.sub(_escape, text)


def steers(text: str) -> bool:
    """Tell whether a text holds a character that steers, other than line ends and tabs."""
    return _BUT_LINES.search(text) is not None


_LONG_LINE = re.compile(r"[^\n]{2000,}")


def fit(text: str) -> str:
    """Make a message fit to be shown: inert, without credentials; of an endless line its beginning and end."""
    return _LONG_LINE.sub(lambda line: f"{line[0][:1000]} … {line[0][-500:]}", redacted(inert(text)))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8 (os.fsdecode)
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
