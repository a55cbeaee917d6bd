"""Servers whose certificate is wrong, or that speak no TLS: that is said, nobody is asked twice, nothing sent."""

import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager, suppress

import httpx
import pytest

from podium.errors import Unavailable
from podium.git import sources
from podium.storage import Storage
from podium.storage.servers import patience, reasons, watching
from tests.storage_helpers import registry

pytestmark = [
    pytest.mark.usefixtures("closed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # DVC's plugin for HTTP uses what aiohttp is to lose
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # and its clients are not closed
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SECRET = "hunter2-sekret"
KINDS = ("s3", "webdavs", "https")


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def new(folder, name, *arguments):
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")
    openssl(folder, "req", *key, "-subj", "/CN=127.0.0.1", *arguments)


def signed(folder, name, alternative, days):
    (folder / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
    new(folder, name, "-new", "-out", f"{name}.csr")
    by = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial")
    files = ("-in", f"{name}.csr", "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    openssl(folder, "x509", "-req", *files, *by, "-days", days)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    new(folder, "authority", "-x509", "-days", "30", "-out", "authority.pem")
    new(folder, "nobody's", "-x509", "-days", "30", "-addext", "subjectAltName=IP:127.0.0.1", "-out", "nobody's.pem")
    signed(folder, "good", "IP:127.0.0.1", "30")
    signed(folder, "another's", "DNS:models.acme.dev", "30")
    signed(folder, "old", "IP:127.0.0.1", "-1")
    return folder


@contextmanager
def serving(certificates, way):
    """Serve 404s over TLS with a certificate of that name, or do what is odder; gives the port and what was heard."""
    heard, ended = [], threading.Event()

    def answer(line):
        with line, suppress(OSError):
            if way == "hangs":
                ended.wait(60)
            elif way == "plain":
                heard.append(line.recv(1 << 16))
                line.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificates / f"{way}.pem", certificates / f"{way}.key")
                with context.wrap_socket(line, server_side=True) as inner:
                    heard.append(inner.recv(1 << 16))
                    inner.sendall(b"HTTP/1.1 404 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def accept():
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                threading.Thread(target=answer, args=(line,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1], heard
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def storage(folder, kind, port, authority):
    url = f"https://127.0.0.1:{port}/x"
    address = {"s3": "s3://models/x", "webdavs": f"webdavs://127.0.0.1:{port}/x", "https": url}[kind]
    more = f"    ssl_verify = {authority}\n"
    more += f"    endpointurl = {url}\n    region = us-east-1\n" if kind == "s3" else "    user = alice\n"
    root = registry(folder, address, more)
    name = "access_key_id = alice\n    secret_access_key" if kind == "s3" else "password"
    (root / ".dvc/config.local").write_text(f"['remote \"store\"']\n    {name} = {SECRET}\n")
    return Storage.at(root)


@pytest.fixture(params=KINDS)
def there(request, tmp_path, monkeypatch, certificates):
    """Give a storage on a server at a port; of one that hangs it soon has enough."""

    def made(way, port):
        if way == "hangs":
            monkeypatch.setattr(watching, "SILENT_CALL", 0.3)
            monkeypatch.setattr(patience, "_SHORTEST", 0.01)
        return storage(tmp_path / "registry", request.param, port, certificates / "authority.pem")

    return made


WAYS = {
    "nobody's": "its certificate is signed by nobody whom this machine trusts",
    "another's": "its certificate is that of another server",
    "old": "its certificate has expired",
    "plain": "it does not speak TLS there",
    "hangs": "says nothing, or next to nothing",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_server_without_a_good_certificate_is_told_nothing(way, there, certificates, caplog):
    with serving(certificates, way) as (port, heard), pytest.raises(Unavailable) as refused:
        there(way, port).remote().sizes(["0" * 32])
    assert WAYS[way] in refused.value.sentence
    said = f"{refused.value.sentence} {refused.value.hint} {caplog.text}"
    assert SECRET not in f"{said} {heard}"
    assert ("trying again" in caplog.text) == (way == "hangs")


def test_a_server_with_a_good_certificate_is_asked(certificates, tmp_path):
    with serving(certificates, "good") as (port, heard):
        there = storage(tmp_path / "registry", "https", port, certificates / "authority.pem")
        assert there.remote().sizes(["0" * 32]) == {"0" * 32: None}
    assert heard


@pytest.mark.parametrize(("way", "hint"), [("another's", "http.sslCAInfo"), ("plain", "http rather than https")])
def test_git_over_https_says_what_to_do(way, hint, certificates, tmp_path, monkeypatch):
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificates / "authority.pem"))
    with serving(certificates, way) as (port, heard), pytest.raises(Unavailable) as refused:
        sources.locate(f"https://alice:{SECRET}@127.0.0.1:{port}/x.git", tmp_path).tree()
    assert hint in refused.value.hint
    assert SECRET not in f"{refused.value.sentence} {heard}"


class Answer(Exception):
    def __init__(self, status):
        self.status = status


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "x"), "nothing listens at its address"),
        (ConnectionResetError(104, "x"), "the connection broke off"),
        (httpx.RemoteProtocolError("x"), "the connection broke off"),
        (TimeoutError(), "it does not answer"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "its name has no address"),
        (OSError(113, "x"), "there is no way to it"),
        (PermissionError(), "it denies access"),
        (Answer(403), "it denies access (HTTP 403)"),
        (Answer(503), "it is there, and cannot do it now (HTTP 503)"),
        (Answer(418), "it answers with HTTP 418"),
        (LookupError(f"at http://alice:{SECRET}@host"), "lookup error"),
    ],
)
def test_what_went_wrong_is_said_wherever_in_the_chain_it_stands(error, said):
    above = RuntimeError(f"https://alice:{SECRET}@host")
    above.__cause__ = error
    assert reasons.reason("r", error).what == said
    if not isinstance(error, LookupError):
        assert reasons.reason("r", above).what == said
