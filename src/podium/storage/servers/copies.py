"""S3's copy of an object onto itself: it counts as written now then, and no byte of it is sent."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from podium.errors import Unavailable
from podium.progress import silent
from podium.storage.progress import Meter, each
from podium.storage.servers.multipart import Call
from podium.storage.stored import Absent

_WHOLE = 1 << 30
"""Bytes that S3 is asked to copy in one request: a fifth of what it takes, so that none is waited for long."""
_AT_ONCE = 3
_KEPT = ("ContentType", "ContentEncoding", "Metadata", "StorageClass")
"""What an object on S3 has besides its bytes, and loses where it is not said again."""


def onto_itself(call: Call, bucket: str, key: str) -> None:
    """Let S3 copy an object onto itself, so that it counts as written now; raises Absent, Unavailable."""
    about = call("head_object", Bucket=bucket, Key=key)
    place = {"Bucket": bucket, "Key": key}
    source = {"CopySource": place, "CopySourceIfMatch": about["ETag"]}
    kept = {name: about[name] for name in _KEPT if about.get(name)}
    if int(about["ContentLength"]) <= _WHOLE:
        call("copy_object", **place, **source, MetadataDirective="REPLACE", **kept)
    else:
        _copy_in_parts(call, place, source, kept, int(about["ContentLength"]))


def _copy_in_parts(call: Call, place: dict[str, str], source: dict[str, Any], kept: dict[str, Any], size: int) -> None:
    upload = {**place, "UploadId": call("create_multipart_upload", **place, **kept)["UploadId"]}

    def copied(number: int) -> dict[str, Any]:
        first = (number - 1) * _WHOLE
        part = f"bytes={first}-{min(first + _WHOLE, size) - 1}"
        done = call("upload_part_copy", **upload, **source, PartNumber=number, CopySourceRange=part)
        return {"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]}

    try:
        meter = Meter(silent, "", 0)
        parts = sorted(each(copied, range(1, -(-size // _WHOLE) + 1), _AT_ONCE, meter), key=lambda p: p["PartNumber"])
        call("complete_multipart_upload", **upload, MultipartUpload={"Parts": parts})
    except BaseException:
        with suppress(Absent, Unavailable):
            call("abort_multipart_upload", **upload)
        raise
