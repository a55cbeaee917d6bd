"""
The manifest of a model version: which paths it may hold, and the hashes that stand for all of it.

Pure: the rules judge manifests with it, ``storage`` and ``resolve`` look again before a path touches a disk.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from json.encoder import encode_basestring_ascii

from podium import patterns, refs
from podium.model import File, Record

UNKNOWN = -1
"""The size of a file of which only DVC's ``.dir`` object is known, which lists neither sizes nor sha256."""
LONGEST_PART = 255
"""Bytes in one part of a path; what the common file systems allow."""
LONGEST = 2048
"""Bytes in a path: half of what Linux takes, so that a folder can hold it."""

DEEPEST = 100
"""Folders within each other that a path may have."""

_RESERVED = r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|conin|conout)"
_PLAIN = re.compile(
    rf"(?:(?!{_RESERVED}(?:[./]|\Z))[A-Za-z0-9_-][A-Za-z0-9_.-]{{0,199}}(?<!\.)(?:/(?!\Z)|\Z))+",
    re.IGNORECASE | re.ASCII,
)
"""The paths nearly every version has, which need no closer look."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_MD5 = re.compile(r"[0-9a-f]{32}")
_LIST = rb'\[(?:\{"md5": "[0-9a-f]{32}", "relpath": "[^"\\]*+(?:\\.[^"\\]*+)*+"\}(?:, (?=\{)|(?=\])))*+\]'
"""A list of files as DVC writes it; compiled where one is long."""
_SHORT = 1 << 20
"""Bytes of a list that is read whatever it holds: the values of another one could take thirty times its own bytes."""
_UNFINISHED = re.compile(r"\.podium-.*\.tmp", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
_UNSEEN_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""Characters that Apple's HFS+ drops from names, so that ``.g\u200cit`` is ``.git`` there (CVE-2014-9390)."""


def why_not_path(path: str) -> str | None:
    """Say why a model version may not hold a file at this path; ``None`` where it may."""
    if len(path) <= LONGEST and path.count("/") <= DEEPEST and _PLAIN.fullmatch(path):
        return None
    try:
        path.encode()
    except UnicodeEncodeError:
        return "it is not valid UTF-8"
    reasons = (reason for broken, reason in _PATH_RULES if broken(path))
    return next(reasons, None) or next((why for part in path.split("/") if (why := _why_not_part(part))), None)


_PATH_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda path: len(path.encode()) > LONGEST, f"it is longer than {LONGEST} bytes"),
    (lambda path: path.count("/") > DEEPEST, f"it lies in more than {DEEPEST} folders"),
    (_CONTROL.search, "it holds a control character"),
    (lambda path: "\\" in path, "it holds a backslash"),
)
_PART_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda part: not part, "it is absolute, or a part of it is empty"),
    (lambda part: part in {".", ".."}, "it does not stay inside: a part of it is . or .."),
    (lambda part: _UNSEEN_BY_HFS.sub("", part).lower().rstrip(". ") in {".git", "git~1"}, "a part of it is .git"),
    (_DRIVE.match, "it names a drive"),
    (_UNFINISHED.fullmatch, "podium calls unfinished files so, and takes old ones away"),
    (lambda part: part[-1] in ". ", "a part of it ends with a dot or a blank"),
    (refs.reserved_by_windows, "Windows reserves a part of it for a device"),
    (lambda part: len(part.encode()) > LONGEST_PART, f"a part of it is longer than {LONGEST_PART} bytes"),
)


def _why_not_part(part: str) -> str | None:
    return next((reason for broken, reason in _PART_RULES if broken(part)), None)


def unsafe(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """
    Give each path that these paths may not hold together, with the reason.

    Beside what ``why_not_path`` says: doubles, ignoring case and Unicode form, and files that are also folders.
    """
    paths = list(paths)
    first: dict[str, str] = {}
    for path in paths:
        reason = why_not_path(path)
        if reason is not None:
            yield path, reason
            if len(path) > LONGEST or path.count("/") > DEEPEST:  # its parents could fill the memory
                continue
        folded = _folded(path)
        if folded not in first:
            first[folded] = path
        elif first[folded] == path:
            yield path, "it is there twice"
        else:
            yield path, f"it differs from {first[folded]!r} in case or Unicode form only"
    if _folders(first).isdisjoint(first):
        return
    for folded, path in first.items():
        for end in _ends_of_parents(folded):
            if folded[:end] in first:
                yield first[folded[:end]], f"it is a file, and also the folder of {path!r}"
                break


def _folded(path: str) -> str:
    """Give what is equal for paths that some file system takes for one (Unicode's canonical caseless matching)."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def _folders(paths: Iterable[str]) -> set[str]:
    """Give every folder that is part of a path."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def _ends_of_parents(path: str) -> Iterator[int]:
    end = path.find("/")
    while end != -1:
        yield end
        end = path.find("/", end + 1)


def matches(path: str, pattern: str) -> bool:
    """Tell whether a pattern (``*.json``) means this path: the whole path or, without a slash, the name."""
    return patterns.matches(path if "/" in pattern else path.rpartition("/")[2], pattern)


def dir_object(files: Iterable[File]) -> bytes:
    """Give the bytes of DVC's ``.dir`` object for these files, as ``dvc add`` writes them."""
    entries = sorted((file.path, file.md5) for file in files)
    listed = ", ".join(
        f'{{"md5": {encode_basestring_ascii(md5)}, "relpath": {encode_basestring_ascii(path)}}}'
        for path, md5 in entries
    )
    return f"[{listed}]".encode()


def listed(md5: str, content: bytes | None) -> tuple[File, ...] | None:
    """Read a ``.dir`` object; ``None`` where it is missing or not what its name says."""
    if content is None or md5_of(content) + ".dir" != md5:
        return None
    if len(content) > _SHORT and not re.fullmatch(_LIST, content):
        return None
    try:
        entries = [(entry["relpath"], entry["md5"]) for entry in json.loads(content)]
        if not all(isinstance(path, str) and _MD5.fullmatch(own) for path, own in entries):
            return None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return tuple(File(path, UNKNOWN, own, "") for path, own in sorted(entries))


def directory_hash(files: Iterable[File]) -> str:
    """Give DVC's hash of a folder that holds these files: hex, with ``.dir`` at its end."""
    return md5_of(dir_object(files)) + ".dir"


def md5_of(content: bytes) -> str:
    """Give the MD5 of some bytes, in hex, also where FIPS forbids it for security."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def most(record: Record, file: File) -> int:
    """Give the bytes that a file has by its record: at most those of all files, where nothing else is known."""
    return file.size if file.size != UNKNOWN else record.size


def manifest_sha256(files: Iterable[File]) -> str:
    """Give the one hash that stands for the sha256 of all files: over the sorted lines ``sha256  path``."""
    lines = sorted(f"{file.sha256}  {file.path}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
