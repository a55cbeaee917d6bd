"""Object ids in what git answers: read, or said to be none, since somebody's wrapper may be what is called git here."""

from __future__ import annotations

import os
import re
from functools import partial

from podium.errors import Unavailable

try:  # the interpreter's own: for the few bytes of an alias OpenSSL's takes twice as long
    from _sha1 import sha1  # type: ignore[import-not-found]
except ImportError:
    from hashlib import sha1

_sha1 = partial(sha1, usedforsecurity=False)
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def of_file(content: bytes) -> str:
    """Give the id that Git has for a file of this content."""
    return str(_sha1(b"blob %d\0%b" % (len(content), content)).hexdigest())


def one(answer: bytes, verb: str) -> str:
    """Read the one id that git was asked for; raises Unavailable where it answers something else."""
    found = answer.decode("ascii", "replace").strip()
    if _ID.fullmatch(found) is None:
        raise strange(verb)
    return found


def rows(answer: bytes, verb: str) -> list[list[str]]:
    """Read lines of ids, with blanks between them; raises Unavailable where there is anything else."""
    found = [line.split(" ") for line in answer.decode("ascii", "replace").splitlines()]
    if not all(_ID.fullmatch(id_) for row in found for id_ in row):
        raise strange(verb)
    return found


def by_name(answer: bytes) -> dict[str, str]:
    """Read what `for-each-ref` lists as lines of an id, a tab and a name; raises Unavailable for anything else."""
    found = {}
    for line in filter(None, answer.split(b"\n")):
        id_, tab, name = os.fsdecode(line).partition("\t")
        if not tab or not name or "\0" in name or _ID.fullmatch(id_) is None:
            raise strange("for-each-ref")
        found[name] = id_
    return found


def strange(verb: str) -> Unavailable:
    """Make the error for an answer that git does not give."""
    return Unavailable(
        f"`git {verb}` answers as git does not", "see which program is called git here (`type -a git`), then try again"
    )
