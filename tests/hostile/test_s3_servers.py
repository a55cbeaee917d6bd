"""A server that speaks S3 and lies in one answer: that ends, in words, no bug of ours, and no list without end."""

from __future__ import annotations

import http.server
import threading
from contextlib import suppress
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from podium.errors import Unavailable
from podium.storage import Storage
from podium.storage.servers import multipart, patience
from tests.storage_helpers import record, registry, write

pytestmark = pytest.mark.usefixtures("closed")

LISTED = "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>"
UPLOAD = "<Upload><Key>{key}</Key><UploadId>u</UploadId><Initiated>2020-01-01T00:00:00.000Z</Initiated></Upload>"
PARTS = "<ListPartsResult>{}</ListPartsResult>"
HONEST = {
    "list": (200, LISTED.format("")),
    "uploads": (200, "<ListMultipartUploadsResult/>"),
    "create": (200, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"),
    "parts": (200, "<ListPartsResult/>"),
    "part": (200, "", {"ETag": '"x"'}),
    "complete": (200, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"),
    "object": (404, "<Error><Code>NoSuchKey</Code></Error>"),
    "abort": (204, ""),
    "put": (200, "", {"ETag": '"x"'}),
}
"""What a server answers that has nothing yet."""
BEGUN = {"uploads": (200, f"<ListMultipartUploadsResult>{UPLOAD}</ListMultipartUploadsResult>")}
LOGIN = (200, "<html><form>Please log in</form></html>")
MORE = "<IsTruncated>true</IsTruncated><NextPartNumberMarker>{}</NextPartNumberMarker>"
LIES = {
    "a page instead of a list": {"list": LOGIN},
    "many tags": {"list": (200, LISTED.format("<a/>" * 500_000))},
    "no upload": {"create": (200, "<InitiateMultipartUploadResult/>")},
    "a part without its hash": {"part": (200, "")},
    "uploads without names": {
        "uploads": (200, "<ListMultipartUploadsResult><Upload><Key>{key}</Key></Upload></ListMultipartUploadsResult>"),
    },
    "parts without numbers": {**BEGUN, "parts": (200, PARTS.format("<Part/>"))},
    "parts without a next page": {**BEGUN, "parts": (200, PARTS.format("<IsTruncated>true</IsTruncated>"))},
    "an object that is never whole": {"complete": (404, "<Error><Code>NoSuchUpload</Code></Error>")},
}  # fmt: skip
ENDLESS = {
    "the same page of parts": {**BEGUN, "parts": (200, PARTS.format(MORE.format("1")))},
    "pages of parts without end": {**BEGUN, "parts": (200, PARTS.format(MORE.format("{count}")))},
}  # fmt: skip


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked, server = urlsplit(self.path), self.server
        kind = self.kind(parse_qs(asked.query, keep_blank_values=True))
        server.asked.append(kind)
        status, body, headers = (*(HONEST | server.lie)[kind], {})[:3]
        if kind in {"create", "part", "complete"}:
            server.key = unquote(asked.path).removeprefix("/b/")
        content = body.replace("{key}", server.key).replace("{count}", str(len(server.asked))).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(content if self.command != "HEAD" else b"")

    def __getattr__(self, name: str):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def kind(self, query) -> str:
        if "uploadId" in query:
            return {"GET": "parts", "PUT": "part", "POST": "complete", "DELETE": "abort"}[self.command]
        if "uploads" in query:
            return "uploads" if self.command == "GET" else "create"
        return "list" if "list-type" in query else "put" if self.command == "PUT" else "object"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.lie, server.key = [], {}, ""
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def storage(server, tmp_path, monkeypatch):
    """A storage on that server, and a version of one file that goes in parts."""
    monkeypatch.setattr(multipart, "LEAST", 1000)
    monkeypatch.setattr(multipart, "_PAGE", 1000)
    monkeypatch.setattr(patience, "_SHORTEST", 0.01)
    monkeypatch.setattr(patience, "_LONGEST", 0.02)
    more = f"    endpointurl = http://127.0.0.1:{server.server_port}\n    region = us-east-1\n"
    more += "    access_key_id = a\n    secret_access_key = b\n"
    storage = Storage.at(registry(tmp_path / "registry", "s3://b/x", more))
    content = storage.add(write(tmp_path / "out", {"weights.bin": b"w" * 2500}))
    md5 = content.files[0].md5
    server.key = f"x/files/md5/{md5[:2]}/{md5[2:]}"
    return storage, [record(content)]


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_said_in_words(lie, server, storage):
    server.lie = LIES[lie]
    with pytest.raises(Unavailable):
        storage[0].push(storage[1])
    assert len(server.asked) < 100


@pytest.mark.parametrize("lie", ENDLESS)
def test_no_list_of_parts_goes_on_without_end(lie, server, storage):
    server.lie = ENDLESS[lie]
    storage[0].push(storage[1])
    storage[0].remote().contents()
    assert server.asked.count("parts") < 50


def test_an_honest_server_is_sent_all(server, storage):
    assert storage[0].push(storage[1]).objects == 2
    assert server.asked.count("part") == 1
