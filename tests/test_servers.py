"""The servers that tests run against do what tests believe of them."""

import socket
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.servers import BUCKET


@pytest.mark.xdist_group("s3")
def test_the_s3_server_keeps_its_data_over_a_restart_and_checks_signatures(s3):
    s3.store("kept").write("a/b", b"content")
    s3.restart()
    assert s3.store("kept").read("a/b") == b"content"
    assert s3.store("kept").paths() == {"a/b"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{s3.endpoint()}/{BUCKET}/kept/a/b")
    assert refused.value.code == 403
    refused.value.close()


@pytest.mark.xdist_group("web")
def test_the_web_server_serves_over_http_what_was_written_over_webdav(web):
    manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, web.url(), "alice", web.accounts["alice"])
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager))
    with opener.open(urllib.request.Request(f"{web.url()}/dav/x/y", data=b"content", method="PUT")) as answer:
        assert answer.status == 201
    with urllib.request.urlopen(f"{web.url()}/files/x/y") as answer:
        assert answer.read() == b"content"
    assert web.store("x").paths() == {"y"}


@pytest.fixture
def echo():
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:

        def serve():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    while chunk := client.recv(1000):
                        client.sendall(chunk)

        pool.submit(serve)
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_a_wire_passes_bytes_acts_once_and_can_be_cut(wire, echo):
    line, acted = wire(echo), []
    with socket.create_connection(("127.0.0.1", line.port)) as client:
        line.after(6, lambda: acted.append(line.passed))
        for _ in range(3):
            client.sendall(b"four")
            assert client.recv(10) == b"four"
        assert acted == [8]
        line.down()
        assert client.recv(10) == b""
    with socket.create_connection(("127.0.0.1", line.port)) as client:
        assert client.recv(10) == b""
    line.up()
    with socket.create_connection(("127.0.0.1", line.port)) as client:
        client.sendall(b"again")
        assert client.recv(10) == b"again"
