"""
A file on its way to a WebDAV server that takes parts of one: piece by piece, gone on with where a connection or a run
broke off.

Parts (PUT with Content-Range) are nothing that a server has to know. Apache's takes them; nginx and Nextcloud refuse;
others take the part for the whole file. So the first two bytes go one by one, and the server is asked how many it has:
only one that says two is sent parts. What counts afterwards is what it answered to, and the last of that is read back
as over ssh.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from podium.storage.servers.reasons import status_of
from podium.storage.servers.under_way import TAIL, Upload

_PIECE = 8 << 20
"""Bytes in a request."""
_CHUNK = 1 << 20
_PARTIAL = 206
_REFUSED = {400, 405, 409, 411, 412, 415, 416, 422, 501}
"""What servers say to a part that take none."""


class NoParts(Exception):  # an answer, not an error
    """The server takes no parts of files."""


def put(upload: Upload, client: Any, callback: Any) -> None:
    """Send what has not arrived; tells ``callback`` of all, what had arrived included. Raises NoParts before it has."""
    size = upload.source.stat().st_size
    if upload.arrived < _PIECE or not _is_there(upload, client):
        upload.note(0)
        _try_out(upload, client, size)
    callback.relative_update(upload.arrived)
    while upload.arrived < size:
        _put(upload, client, min(upload.arrived + _PIECE, size), size, callback)
    upload.compare(client.content_length(upload.target), "a WebDAV server")


def _try_out(upload: Upload, client: Any, size: int) -> None:
    _put(upload, client, 1)
    try:
        _put(upload, client, 2, size)
    except Exception as error:
        if status_of(error) in _REFUSED:
            raise NoParts from None
        raise
    if client.content_length(upload.target) != upload.arrived:
        raise NoParts


def _put(upload: Upload, client: Any, end: int, size: int = 0, callback: Any = None) -> None:
    """Send the bytes up to ``end``; as a part of ``size``, where that is told."""
    start = upload.arrived
    headers = {"Content-Length": str(end - start)}
    if size:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"

    def content() -> Iterator[bytes]:
        with upload.source.open("rb") as near:
            near.seek(start)
            for place in range(start, end, _CHUNK):
                chunk = near.read(min(_CHUNK, end - place))
                if callback is not None:
                    callback.relative_update(len(chunk))
                yield chunk

    client.request("PUT", upload.target, content=content(), headers=headers)
    upload.note(end)


def _is_there(upload: Upload, client: Any) -> bool:
    """Tell whether the end of what arrived is what was sent."""
    start = max(0, upload.arrived - TAIL)
    part = {"Range": f"bytes={start}-{upload.arrived - 1}"}
    with (
        upload.source.open("rb") as near,
        client.http.stream("GET", client.join_url(upload.target), headers=part) as answer,
    ):
        near.seek(start)
        if answer.status_code != _PARTIAL:
            return False
        return all(chunk == near.read(len(chunk)) for chunk in answer.iter_raw()) and near.tell() == upload.arrived
