"""
The archive: a plain tar of an index, Git's bundle and the objects, each under the one name it can have.

What the index says decides where each member lies and how long it is, and its header has to be the very bytes that
podium writes for that. So nothing in a hostile archive is parsed but the index: no path is formed, no link is followed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from podium.errors import Denied, Unavailable
from podium.storage import arrivals, hashing
from podium.storage.hashing import Sums

INDEX, HISTORY = "podium-bundle.json", "history.bundle"
FORMAT = 1
_LARGEST_INDEX = 256 << 20
"""Bytes: more than a million objects."""
_LEAST, _FEW = 25, 10
"""Bytes of an index for each comma in it, but for some: what holds more would take far more memory than its bytes."""
_LARGEST = 1 << 60
_BLOCK = 512
_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REF = re.compile(r"refs/(?:heads|tags)/[^\x00-\x20\x7f~^:?*\[\\]+")
_ID = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Index:
    """What an archive holds: refs with ids, the branch to be on, the history's sums, and each object's, by name."""

    refs: Mapping[str, str]
    head: str | None
    history: Sums
    objects: Mapping[str, Sums]

    def encoded(self) -> bytes:
        """Give it as JSON."""
        objects = [{"name": name, "size": sums.size, "sha256": sums.sha256} for name, sums in self.objects.items()]
        history = {"size": self.history.size, "md5": self.history.md5, "sha256": self.history.sha256}
        data = {"format": FORMAT, "head": self.head, "refs": dict(self.refs), "history": history, "objects": objects}
        return json.dumps(data, indent=0).encode()

    @classmethod
    def decoded(cls, content: bytes, where: str) -> Index:
        """Read it; raises Denied where it is not what podium writes, Unavailable where a newer podium wrote it."""
        if content.count(b"[") != 1 or content.count(b",") > len(content) // _LEAST + _FEW:
            raise damaged(where, "its index is not what podium writes")
        try:
            data: dict[str, Any] = json.loads(content)
            if isinstance(data["format"], int) and data["format"] > FORMAT:
                raise Unavailable(
                    f"{where} was made by a newer podium", "install a newer one here, too, from where this one came"
                )
            objects = {str(one["name"]): _sums(one, str(one["name"])[:32]) for one in data["objects"]}
            head, refs = data["head"], {str(ref): str(id_) for ref, id_ in data["refs"].items()}
            history = _sums(data["history"], str(data["history"]["md5"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise damaged(where, "its index cannot be read") from None
        sound = (
            data["format"] == FORMAT
            and len(objects) == len(data["objects"])
            and all(map(_MD5.fullmatch, objects))
            and all(_REF.fullmatch(ref) and _ID.fullmatch(id_) for ref, id_ in refs.items())
            and (head is None or (isinstance(head, str) and head in refs and head.startswith("refs/heads/")))
        )
        if not sound:
            raise damaged(where, "its index is not what podium writes")
        index = cls(refs, head, history, objects)
        if index.encoded() != content:
            raise damaged(where, "its index is not what podium writes")
        return index


def _sums(entry: Mapping[str, Any], md5: str) -> Sums:
    size, sha256 = entry["size"], entry["sha256"]
    if type(size) is not int or not 0 <= size < _LARGEST or not _SHA256.fullmatch(sha256):
        raise ValueError(size)
    return Sums(size, md5, sha256)


def damaged(where: str, what: str) -> Denied:
    """Make the error for an archive that is not sound."""
    return Denied(
        f"{where} is damaged, or no bundle of podium's: {what}",
        "make it anew with `podium bundle create`, or copy it again",
    )


# --- writing --------------------------------------------------------------------------------------------------------


def write(stream: BinaryIO, index: Index, contents: Iterable[tuple[str, Iterable[bytes]]]) -> None:
    """Write an archive: the history and the objects, in the order of the index. Raises Denied where one has changed."""
    encoded = index.encoded()
    _write_member(stream, INDEX, len(encoded), [encoded])
    expected = [(HISTORY, index.history), *((_name(name), sums) for name, sums in index.objects.items())]
    for (name, sums), (of, chunks) in zip(expected, contents, strict=True):
        written = _write_member(stream, name, sums.size, chunks)
        if written != (sums.size, sums.sha256):
            raise Denied(f"{of} changed while it was bundled", "run it again")
    stream.write(bytes(2 * _BLOCK))


def _write_member(stream: BinaryIO, name: str, size: int, chunks: Iterable[bytes]) -> tuple[int, str]:
    stream.write(_header(name, size))
    written, digest = 0, hashlib.sha256()
    for chunk in chunks:
        stream.write(chunk)
        digest.update(chunk)
        written += len(chunk)
    stream.write(bytes(-size % _BLOCK))
    return written, digest.hexdigest()


def _header(name: str, size: int) -> bytes:
    """Give the one header that a member of this name and size has."""
    about = tarfile.TarInfo(name)
    about.size = size
    return about.tobuf(tarfile.GNU_FORMAT)


def _name(md5: str) -> str:
    return f"objects/{md5[:2]}/{md5[2:]}"


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Archive:
    """An archive that is open, whose length is the one its index asks for."""

    where: str
    stream: BinaryIO
    index: Index
    places: Mapping[str, int]

    def history(self) -> Iterator[bytes]:
        """Read Git's bundle; raises Denied where it is not what the index says."""
        return self._member(HISTORY, HISTORY, self.index.history)

    def object(self, md5: str) -> Iterator[bytes]:
        """Read an object; raises Denied, at the end, where it is not what the index and its own name say."""
        return self._member(md5, _name(md5), self.index.objects[md5])

    def _member(self, key: str, name: str, sums: Sums) -> Iterator[bytes]:
        self.stream.seek(self.places[key])
        if self.stream.read(_BLOCK) != _header(name, sums.size):
            raise damaged(self.where, f"{name} is not where it has to be")
        left = sums.size
        with hashing.Hasher() as hasher:
            while left:
                chunk = self.stream.read(min(hashing.CHUNK, left))
                if not chunk:
                    raise damaged(self.where, f"it ends within {name}")
                left -= len(chunk)
                hasher.update(chunk)
                yield chunk
            if hasher.sums() != sums:
                raise damaged(self.where, f"{name} is not what it was")


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """Open an archive; raises Denied where it is none or is cut off, Unavailable where it cannot be read."""
    where = repr(str(file))
    try:
        with os.fdopen(arrivals.plain(str(file)), "rb") as stream:
            yield _archive(stream, where)
    except OSError as error:
        raise Unavailable(
            f"{where} cannot be read: {error.strerror or error}", "see to the file and the disk"
        ) from None


def _archive(stream: BinaryIO, where: str) -> Archive:
    size = _index_size(stream.read(_BLOCK), where)
    content = stream.read(size)
    if len(content) != size:
        raise damaged(where, "it is cut off within its index")
    index = Index.decoded(content, where)
    places, at = {}, _BLOCK + _padded(size)
    for key, sums in ((HISTORY, index.history), *index.objects.items()):
        places[key] = at
        at += _BLOCK + _padded(sums.size)
    length = stream.seek(0, 2)
    if length < at:
        raise damaged(where, f"it is cut off: {length} of {at + 2 * _BLOCK} bytes are there")
    if length > at + 2 * _BLOCK:
        raise damaged(where, "it holds more than its index says")
    return Archive(where, stream, index, places)


def _index_size(header: bytes, where: str) -> int:
    """Read how long the index is: the one field of a header that is read."""
    field = header[124:135]
    if len(header) < _BLOCK or not re.fullmatch(rb"[0-7]{11}", field):
        raise damaged(where, "it does not begin like one")
    size = int(field, 8)
    if size > _LARGEST_INDEX or header != _header(INDEX, size):
        raise damaged(where, "it does not begin like one")
    return size


def _padded(size: int) -> int:
    return size + -size % _BLOCK
