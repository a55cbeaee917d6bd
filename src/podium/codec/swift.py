"""
What podium itself writes, read without a parser: patterns that know the usual forms whole, and nothing else.

A registry is made of a few forms, written over and over. Where a pattern knows a whole file, its values stand in the
groups, at a fraction of the parser's time; where none does, nothing is said and the parser reads the file. A test
proves that the two always agree: a pattern may know too little, never too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, ClassVar


class Patiently:
    """A pattern that is compiled once it is asked for so often that this pays: it takes as long as dozens of files."""

    after: ClassVar[int] = 50

    def __init__(self, form: str | bytes) -> None:
        self._form = form
        self._asked = 0

    def fullmatch(self, text: Any) -> re.Match[Any] | None:
        """Match a whole file; ``None`` where it does not match, or as long as it does not pay to look."""
        if self._asked < self.after:
            self._asked += 1
            return None
        return self.compiled.fullmatch(text)

    @cached_property
    def compiled(self) -> re.Pattern[Any]:
        """The pattern."""
        return re.compile(self._form)


Plain = Callable[[str], Any]
"""What a text without quotes means: a word, a number, or itself."""

# \w are the letters and digits of all scripts: none of them ends a line, steers text or is refused.
_START = r"(?:[\w/(<.]|-(?=[0-9.]))"
_PLAIN = rf"{_START}(?:[\w./@<>()+=%$*!;'^|~&-]++| (?![ #,}}\]\n]))*+"
_LINE = rf"{_START}(?:[\w!-\"$-9;-\[\]-~]++| (?![ #\n]))*+"
_INSIDE = r"[\w !#-\[\]-~]*+"
_KEY = r"(?!(?:null|true|false):)[A-Za-z_][A-Za-z0-9_.-]{0,127}+"
_INTEGER = r"(?:0|[1-9][0-9]{0,17}+)"
_HEX = r"(?=[0-9e]*[abcdf])[0-9a-f]"  # with one of these letters in it, it cannot be a number

_ONE = rf'(?:"{_INSIDE}"|{_PLAIN})'
_LIST = rf"\[{_ONE}(?:, {_ONE})*+\]"
_FACT = rf"{_KEY}: (?:{_ONE}|{_LIST})"
_FACTS = rf"\{{{_FACT}(?:, {_FACT})*+\}}"
_FILE = (
    rf'  - \{{path: (?:"({_INSIDE})"|({_PLAIN})), size: ({_INTEGER}), md5: ({_HEX}{{32}}), '
    rf"sha256: ({_HEX}{{64}})\}}\n"
)
_RECORD = Patiently(
    rf"outs:\n- md5: (?P<md5>[0-9a-f]{{32}}\.dir)\n  size: (?P<size>{_INTEGER})\n  nfiles: (?P<nfiles>{_INTEGER})\n"
    rf"  hash: md5\n  path: (?P<path>v[0-9]+)\n"
    rf'(?:desc: (?:"(?P<quoted>{_INSIDE})"|(?P<desc>{_LINE}))\n)?'
    rf'meta:\n  created: "(?P<created>{_INSIDE})"\n  author: (?P<author>{_LINE})\n'
    rf"  files:\n(?P<files>(?:{_FILE})++)"
    rf"(?:  metrics: (?P<metrics>{_FACTS})\n)?(?:  params: (?P<params>{_FACTS})\n)?"
    rf"(?:  metadata: (?P<metadata>{_FACTS})\n)?(?:  source: (?P<source>{_FACTS})\n)?"
)
_EACH_FILE = Patiently(_FILE)
_EACH_FACT = Patiently(rf'({_KEY}): (?:"({_INSIDE})"|({_PLAIN})|({_LIST}))')
_EACH_ITEM = Patiently(rf'"({_INSIDE})"|({_PLAIN})')

_SHORT = Patiently(rf'(?:{_KEY}: (?:"{_INSIDE}"|{_LINE}|{_LIST})\n){{1,20}}+')
_EACH_LINE = Patiently(rf'({_KEY}): (?:"({_INSIDE})"|({_LINE})|({_LIST}))\n')


def read(text: str, plain: Plain) -> dict[str, Any] | None:
    """Read a file that is all of a form that podium writes; ``None`` where it is of none, or says a key twice."""
    if text.startswith("outs:"):
        found = _RECORD.fullmatch(text)
        return _record(found.groupdict(), plain) if found is not None else None
    return _mapping(_EACH_LINE.compiled.findall(text), plain) if _SHORT.fullmatch(text) else None


def _record(found: dict[str, str | None], plain: Plain) -> dict[str, Any] | None:
    out = {
        "md5": found["md5"],
        "size": int(found["size"] or 0),
        "nfiles": int(found["nfiles"] or 0),
        "hash": "md5",
        "path": found["path"],
    }
    meta: dict[str, Any] = {
        "created": found["created"],
        "author": plain(found["author"] or ""),
        "files": list(_files(found["files"] or "", plain)),
    }
    for name in ("metrics", "params", "metadata", "source"):
        facts = found[name]
        if facts is not None:
            meta[name] = _mapping(_EACH_FACT.compiled.findall(facts), plain)
            if meta[name] is None:
                return None
    if found["quoted"] is not None:
        return {"outs": [out], "desc": found["quoted"], "meta": meta}
    if found["desc"] is not None:
        return {"outs": [out], "desc": plain(found["desc"]), "meta": meta}
    return {"outs": [out], "meta": meta}


def _files(text: str, plain: Plain) -> Iterator[dict[str, Any]]:
    for quoted, path, size, md5, sha256 in _EACH_FILE.compiled.findall(text):
        yield {"path": plain(path) if path else quoted, "size": int(size), "md5": md5, "sha256": sha256}


def _mapping(rows: Iterable[tuple[str, str, str, str]], plain: Plain) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for key, quoted, text, listed in rows:
        if key in found:
            return None
        if text:
            found[key] = plain(text)
        elif listed:
            found[key] = [plain(item) if item else inside for inside, item in _EACH_ITEM.compiled.findall(listed[1:-1])]
        else:
            found[key] = quoted
    return found
