"""
Large objects on S3 go in parts, and go on where an earlier run broke off.

S3 keeps the parts of an upload that did not come to its end. A part is taken for sent only if the server tells the MD5
and the size that this part has here; a server that tells another kind of hash is sent all of it again. So whatever
becomes an object is what lies here, whoever sent its parts. Two runs may work on one upload: both send the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.errors import Unavailable
from podium.storage import hashing, stored
from podium.storage.progress import Meter, each
from podium.storage.servers.failures import Broken
from podium.storage.stored import Absent, Unfinished

LEAST = 5 << 20
"""Bytes in a part, the least that S3 takes."""
_MOST_PARTS = 10_000
_PAGE = 100
"""Parts that a server lists at a time, at least; S3 itself lists a thousand."""
_MOST_PAGES = 1000
"""Lists of a thousand unfinished uploads each that are read: a server could go on without end."""
_TRIES = 4
"""How often an object is begun that is gone when it should be whole."""
_AT_ONCE = 3
"""Parts of one object under way at a time."""

Call = Callable[..., dict[str, Any]]
"""
One request to S3 by its name and arguments, tried again for as long as that is worth it; raises Absent, Unavailable.

``body`` opens what is sent: anew for each try, since the one before may still read.
"""
Part = dict[str, Any]


class Answer(dict[str, Any]):
    """What S3 answered, or a part of it: what it leaves out raises Unavailable when it is asked for."""

    def __missing__(self, key: str) -> Any:
        raise Unavailable(f"a server of S3 leaves {key} out of its answer", "see whether it is one, and well")


def answer_of(said: dict[str, Any]) -> Answer:
    """Give an answer as S3's client understood it."""
    return Answer({key: _part(value) for key, value in said.items()})


def _part(value: Any) -> Any:
    if isinstance(value, dict):
        return answer_of(value)
    return [_part(inner) for inner in value] if isinstance(value, list) else value


def is_large(size: int) -> bool:
    """Tell whether an object goes in parts: a smaller one goes in one request."""
    return size >= 2 * LEAST


def part_size(size: int) -> int:
    """Give the bytes of each part but the last: always the same for an object, so that a later run finds its parts."""
    least = -(-size // _MOST_PARTS)
    return max(LEAST, -(-least // (1 << 20)) << 20)


@dataclass(frozen=True)
class Sending:
    """An object that is to be sent: how S3 is asked, where to, and the file it is in."""

    call: Call
    bucket: str
    key: str
    source: Path

    def send(self, told: Callable[[int], object]) -> None:
        """
        Send what the server has not yet, and make an object of it; says how many bytes, every now and then.

        What arrived stays for a later run where the server went away, and is thrown away where it refused.
        """
        for _ in range(_TRIES):
            upload = self._begun() or self._begin()
            try:
                self._finish(upload, self._parts(upload, told))
            except Absent:  # somebody else, who sent the same, was first; or an administrator took it away
                if self._is_there():
                    return
            except Broken:
                raise
            except Unavailable:
                with suppress(Absent, Unavailable):
                    self._ask("abort_multipart_upload", UploadId=upload)
                raise
            else:
                return
        gone = f"what is sent to S3 disappears there before it is whole ({self.key})"
        raise Unavailable(gone, "see who takes it away, then run it again")

    def _begin(self) -> str:
        return str(self._ask("create_multipart_upload")["UploadId"])

    def _begun(self) -> str | None:
        """Give the last upload of this object that did not come to its end; none where the server does not say."""
        try:
            found = self.call("list_multipart_uploads", Bucket=self.bucket, Prefix=self.key).get("Uploads", [])
        except Broken:
            raise
        except (Absent, Unavailable):  # not everybody who may write may list
            return None
        own = [upload for upload in found if upload.get("Key") == self.key]
        return str(max(own, key=lambda upload: upload["Initiated"])["UploadId"]) if own else None

    def _parts(self, upload: str, told: Callable[[int], object]) -> list[Part]:
        """Send the parts that are not there; gives what the server calls each."""
        there = {part["PartNumber"]: part for part in arrived(self._ask, upload)}
        size = self.source.stat().st_size
        length = part_size(size)
        before = 0

        def forward(_what: str, done: int, _total: int) -> None:
            nonlocal before
            before, new = done, done - before
            told(new)

        meter = Meter(forward, "", 0)

        def send(number: int) -> Part:
            part = there.get(number)
            with _Slice(self.source, (number - 1) * length, length) as content:
                if part is None or not _is_same(part, content):
                    part = self._ask("upload_part", UploadId=upload, PartNumber=number, body=content.anew)
                meter.add(content.length)
            return {"PartNumber": number, "ETag": part["ETag"]}

        sent = each(send, range(1, -(-size // length) + 1), _AT_ONCE, meter)
        return sorted(sent, key=lambda part: part["PartNumber"])

    def _finish(self, upload: str, parts: list[Part]) -> None:
        self._ask("complete_multipart_upload", UploadId=upload, MultipartUpload={"Parts": parts})

    def _is_there(self) -> bool:
        try:
            found = self._ask("head_object")
        except Absent:
            return False
        return int(found["ContentLength"]) == self.source.stat().st_size

    def _ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        return self.call(request, Bucket=self.bucket, Key=self.key, **arguments)


def unfinished(call: Call, bucket: str, prefix: str) -> Iterator[Unfinished]:
    """
    Give the uploads that did not come to their end, with what has arrived of each; none where this user may not see
    them.

    Their time is that of the newest part: one that is gone on with is younger than it began.
    """
    marker: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        try:
            page = call("list_multipart_uploads", Bucket=bucket, Prefix=f"{prefix}/", **marker)
        except Broken:
            raise
        except (Absent, Unavailable):
            return
        for upload in page.get("Uploads", []):
            name = stored.object_at(str(upload.get("Key")))
            if name is not None:
                yield _unfinished(call, bucket, upload, name)
        if not page.get("IsTruncated"):
            return
        marker = {"KeyMarker": page.get("NextKeyMarker", ""), "UploadIdMarker": page.get("NextUploadIdMarker", "")}


def _unfinished(call: Call, bucket: str, upload: dict[str, Any], name: str) -> Unfinished:
    key, id_ = str(upload["Key"]), str(upload["UploadId"])
    parts: list[Part] = []
    with suppress(Absent):  # it has come to its end in this moment
        parts = list(arrived(lambda request, **more: call(request, Bucket=bucket, Key=key, **more), id_))
    times = [stored.time_of(about) for about in ({"LastModified": upload["Initiated"]}, *parts)]
    known = [moment for moment in times if moment is not None]
    return Unfinished(name, sum(int(part["Size"]) for part in parts), max(known, default=None), id_)


def arrived(ask: Callable[..., dict[str, Any]], upload: str) -> Iterator[Part]:
    """Give the parts of an upload that S3 has; none where it does not say, and no more than there may be."""
    marker: dict[str, int] = {}
    for _ in range(_MOST_PARTS // _PAGE):
        try:
            page = ask("list_parts", UploadId=upload, **marker)
        except Broken:
            raise
        except Unavailable:  # not everybody who may write may list
            return
        yield from page.get("Parts", [])
        if not page.get("IsTruncated"):
            return
        before, marker = marker, {"PartNumberMarker": int(page["NextPartNumberMarker"])}
        if marker == before:
            return


def _is_same(part: Part, content: _Slice) -> bool:
    """Tell whether a part that the server has is these bytes: by its size, and by its MD5, where it is told."""
    return part.get("Size") == content.length and str(part.get("ETag", "")).strip('"') == content.md5()


class _Slice(io.RawIOBase):
    """A part of a file that reads like a file: the client takes it by pieces, so that it is never all in memory."""

    def __init__(self, source: Path, start: int, length: int) -> None:
        self._source = source
        self._file = source.open("rb", buffering=0)
        self._start = start
        self.length = max(0, min(length, os.fstat(self._file.fileno()).st_size - start))
        self.seek(0)

    def anew(self) -> _Slice:
        """Open it once more, at its beginning."""
        return _Slice(self._source, self._start, self.length)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.length}[whence]
        return self._file.seek(self._start + max(0, origin + offset)) - self._start

    def readinto(self, buffer: Any) -> int:
        left = max(0, self.length - self.tell())
        return self._file.readinto(memoryview(buffer)[:left]) or 0

    def close(self) -> None:
        self._file.close()
        super().close()

    def md5(self) -> str:
        """Give the MD5 of the part."""
        self.seek(0)
        found = hashlib.md5(usedforsecurity=False)
        for chunk in hashing.chunks_of(self):
            found.update(chunk)
        return found.hexdigest()
