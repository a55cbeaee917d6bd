"""
Real servers on loopback for tests: S3 (SeaweedFS), ssh (sshd), WebDAV, HTTP and Git over HTTP (nginx), and a wire to
them that can be slowed and cut.

Each server has ports of its own, is ready when its fixture gives it, and is stopped by its process id. `stop`, `start`
and `restart` keep what it holds and its ports. A test that stops one starts it again, and wears
`@pytest.mark.xdist_group("<fixture>")`, as all tests of one server should: it is started once a worker.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

WEED = Path(sys.executable).with_name("weed")
SSHD = Path("/usr/sbin/sshd")
NGINX = Path("/usr/sbin/nginx")
NGINX_DAV = Path("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so")
APACHE = Path("/usr/sbin/apache2")
APACHE_MODULES = Path("/usr/lib/apache2/modules")
FCGIWRAP = Path("/usr/sbin/fcgiwrap")
GIT_BACKEND = Path("/usr/lib/git-core/git-http-backend")

PATIENCE = 180
"""Seconds a server may take to answer on a busy machine."""


# --- a remote, as DVC is told of it ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class DvcRemote:
    """The address and options of a DVC remote, and what only `config.local` should say."""

    url: str
    options: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def add(self, root: Path, name: str = "storage", *, default: bool = False) -> None:
        """Write it into a checkout's `.dvc/config`, its secrets into `.dvc/config.local`."""
        core = f"[core]\n    remote = {name}\n" if default else ""
        _append(root / ".dvc/config", core + _section(name, {"url": self.url, **self.options}))
        self.keep_secrets(root, name)

    def set(self, root: Path) -> None:
        """Write its options below the address that `podium init --remote` wrote last in `.dvc/config`."""
        _append(root / ".dvc/config", _section("storage", self.options).partition("\n")[2])
        self.keep_secrets(root)

    def keep_secrets(self, root: Path, name: str = "storage") -> None:
        """Write what is secret into `.dvc/config.local`."""
        if self.secrets:
            _append(root / ".dvc/config.local", _section(name, self.secrets))


def _section(name: str, values: dict[str, str]) -> str:
    return f"['remote \"{name}\"']\n" + "".join(f"    {key} = {value}\n" for key, value in values.items())


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as stream:
        stream.write(text)


def object_path(md5: str) -> str:
    """Give where DVC keeps an object on a remote."""
    return f"files/md5/{md5[:2]}/{md5[2:]}"


@dataclass(frozen=True)
class FolderStore:
    """What lies on a remote, seen from the server's side: a folder."""

    folder: Path

    def paths(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(content)

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()


@dataclass(frozen=True)
class S3Store:
    """What lies on a remote, seen from the server's side: keys below a prefix."""

    server: S3
    prefix: str

    def paths(self) -> set[str]:
        pages = self.server.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{self.prefix}/")
        return {found["Key"].removeprefix(f"{self.prefix}/") for page in pages for found in page.get("Contents", ())}

    def read(self, path: str) -> bytes:
        return self.server.client().get_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}")["Body"].read()

    def write(self, path: str, content: bytes) -> None:
        self.server.client().put_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}", Body=content)

    def remove(self, path: str) -> None:
        self.server.client().delete_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}")

    def unfinished(self) -> list[str]:
        """Give the objects of which only some parts were sent."""
        found = self.server.client().list_multipart_uploads(Bucket=BUCKET, Prefix=self.prefix).get("Uploads", ())
        return [upload["Key"].removeprefix(f"{self.prefix}/") for upload in found]

    def begin(self, path: str, part: bytes) -> None:
        """Send the first part of an object, and no more."""
        client, key = self.server.client(), f"{self.prefix}/{path}"
        upload = client.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
        client.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=part)


# --- S3 --------------------------------------------------------------------------------------------------------------

BUCKET = "models"


class S3:
    """SeaweedFS: keeps its data on disk, checks signatures, does multipart uploads and ranges."""

    access_key, secret_key = "RWKEY", "rw-secret"
    reader_key, reader_secret = "ROKEY", "ro-secret"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self._client = None
        (folder / "data").mkdir(parents=True)
        (folder / "s3.json").write_text(json.dumps({"identities": [
            _identity("rw", self.access_key, self.secret_key, ["Admin", "Read", "Write", "List", "Tagging"]),
            _identity("ro", self.reader_key, self.reader_secret, ["Read", "List"]),
        ]}))  # fmt: skip
        for _ in range(3):
            self._first = _free_block()
            try:
                self.start()
            except ServerEnded:  # somebody took a port meanwhile
                continue
            return
        raise ServerEnded(f"weed did not start, see {folder}/log")

    @property
    def port(self) -> int:
        return self._first + 3

    def endpoint(self, port: int | None = None) -> str:
        return f"http://127.0.0.1:{port or self.port}"

    @property
    def env(self) -> dict[str, str]:
        """The credentials as S3's clients take them from the environment."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def remote(self, prefix: str, port: int | None = None) -> DvcRemote:
        """Give a DVC remote with its credentials; `port` is that of a wire."""
        return DvcRemote(
            f"s3://{BUCKET}/{prefix}",
            {"endpointurl": self.endpoint(port), "region": "us-east-1"},
            {"access_key_id": self.access_key, "secret_access_key": self.secret_key},
        )

    def store(self, prefix: str) -> S3Store:
        return S3Store(self, prefix)

    def client(self):
        """Give a client of the whole server, made once: that takes botocore half a second."""
        import botocore.session

        if self._client is None:
            self._client = botocore.session.Session().create_client(
            "s3", endpoint_url=self.endpoint(), region_name="us-east-1",
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key,
        )  # fmt: skip
        return self._client

    def start(self) -> None:
        ports = dict(
            zip(("master", "volume", "filer", "s3", "admin"), range(self._first, self._first + 5), strict=True)
        )
        arguments = [
            "mini", f"-dir={self.folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={BUCKET}",
            *(f"-{name}.port={port}" for name, port in ports.items()), "-s3.port.iceberg=0", "-s3.port.lance=0",
            f"-s3.config={self.folder / 's3.json'}", f"-s3.localSocket={self.folder / 's3.sock'}",
            "-admin.ui=false", "-webdav=false", "-master.telemetry=false",
        ]  # fmt: skip
        self.process = _run(WEED, arguments, self.folder / "log", {"TMPDIR": str(self.folder)})
        _until(lambda: _status(f"{self.endpoint()}/healthz") == 200, self.process)
        _until(self._has_bucket, self.process)
        _until(self._keeps, self.process)

    def _keeps(self) -> bool:
        """Tell whether what was written can be read: its volumes come a while after it answers."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            kept = self.client().list_objects_v2(Bucket=BUCKET, Prefix="ready")["KeyCount"]
            if not kept:
                self.client().put_object(Bucket=BUCKET, Key="ready", Body=bytes(1 << 16))
            return len(self.client().get_object(Bucket=BUCKET, Key="ready")["Body"].read()) == 1 << 16
        except (BotoCoreError, ClientError):
            return False

    def _has_bucket(self) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return any(bucket["Name"] == BUCKET for bucket in self.client().list_buckets()["Buckets"])
        except (BotoCoreError, ClientError):
            return False

    def stop(self) -> None:
        """Kill it: no client gets an answer any more; what it said it has is on the disk."""
        _kill(self.process)
        if self._client is not None:
            self._client.close()

    def restart(self) -> None:
        self.stop()
        self.start()


def _identity(name: str, key: str, secret: str, actions: list[str]) -> dict[str, object]:
    return {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}


# --- ssh -------------------------------------------------------------------------------------------------------------


class Ssh:
    """OpenSSH's server for this user, with host keys and a login key of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = getpass.getuser()
        self.process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        self.key = make_key(folder / "id")
        make_key(folder / "host")
        (folder / "authorized").write_text((folder / "id.pub").read_text())
        (folder / "authorized").chmod(0o600)
        self.port = free_port()
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n"
            f"AuthorizedKeysFile {folder}/authorized\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin prohibit-password\nUsePAM no\nStrictModes no\nSubsystem sftp internal-sftp\n"
            "MaxStartups 200\nMaxSessions 200\n"
            f"SetEnv HOME={folder}\n"  # so that no start-up script of this machine's user runs for each session
        )
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(self.known())
        self.start()

    def known(self, port: int | None = None, key: str = "host") -> str:
        """Give the line of a `known_hosts` file; `port` is that of a wire."""
        kind, public = (self.folder / f"{key}.pub").read_text().split()[:2]
        return f"[127.0.0.1]:{port or self.port} {kind} {public}\n"

    def remote(self, name: str, port: int | None = None) -> DvcRemote:
        """Give a DVC remote with its key; it is made as a folder on the server."""
        self.store(name).folder.mkdir(parents=True, exist_ok=True)
        url = f"ssh://{self.user}@127.0.0.1:{port or self.port}{self.store(name).folder}"
        return DvcRemote(url, {}, {"keyfile": str(self.key)})

    def store(self, name: str) -> FolderStore:
        return FolderStore(self.folder / "store" / name)

    def git(self, repository: Path) -> tuple[str, dict[str, str]]:
        """Give the URL of a repository on this machine over ssh, and the environment in which git can use it."""
        options = (
            f"-F none -i {self.key} -o IdentitiesOnly=yes -o UserKnownHostsFile={self.known_hosts} -o LogLevel=ERROR"
        )
        url = f"ssh://{self.user}@127.0.0.1:{self.port}{repository}"
        return url, {"GIT_SSH_COMMAND": f"ssh {options}"}

    def start(self) -> None:
        arguments = ["-D", "-f", str(self.folder / "sshd_config"), "-E", str(self.folder / "log")]
        self.process = _run(SSHD, arguments, self.folder / "out")
        _until(lambda: listens(self.port), self.process)

    def stop(self) -> None:
        """End it and every session."""
        self.cut()
        _kill(self.process)
        self.cut()

    def cut(self) -> None:
        """Kill the sessions; new connections are taken."""
        _kill_below(self.process)

    def restart(self) -> None:
        self.stop()
        self.start()


def make_key(path: Path) -> Path:
    """Make a key pair without a passphrase."""
    for file in (path, path.with_name(path.name + ".pub")):
        file.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)], check=True)
    return path


# --- WebDAV, HTTP, Git over HTTP -------------------------------------------------------------------------------------

_NGINX_CONF = """worker_processes 1; daemon off; user {user}; pid {d}/pid; error_log {d}/err warn;
load_module {dav};
events {{ worker_connections 4096; }}
http {{ access_log {d}/access; client_max_body_size 0; dav_ext_lock_zone zone=dl:1m;
 client_body_temp_path {d}/t0; proxy_temp_path {d}/t1; fastcgi_temp_path {d}/t2;
 uwsgi_temp_path {d}/t3; scgi_temp_path {d}/t4;
 server {{ listen 127.0.0.1:{port};
  location /ready {{ return 200; }}
  location /dav/ {{ alias {d}/dav/; auth_basic r; auth_basic_user_file {d}/htpasswd;
    dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK; dav_ext_lock zone=dl;
    create_full_put_path on; }}
  location /files/ {{ alias {d}/dav/; }}
  location /whole/ {{ alias {d}/dav/; max_ranges 0; }}
  location ~ ^/git(/.*)$ {{ auth_basic r; auth_basic_user_file {d}/htpasswd; fastcgi_pass unix:{d}/fcgi;
    include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME {git};
    fastcgi_param GIT_HTTP_EXPORT_ALL ""; fastcgi_param GIT_PROJECT_ROOT {d}/repos; fastcgi_param PATH_INFO $1;
    fastcgi_param REMOTE_USER $remote_user; fastcgi_param GIT_PROTOCOL $http_git_protocol;
    fastcgi_request_buffering off; fastcgi_buffering off; }} }} }}
"""


class Web:
    """nginx: WebDAV with accounts below /dav, the same files to read below /files, Git repositories below /git."""

    accounts = {"alice": "alicepw", "bob": "bobpw"}  # noqa: RUF012

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._cgi: subprocess.Popen[bytes] | None = None
        for name in ("dav", "repos"):
            (folder / name).mkdir(parents=True)
        (folder / "htpasswd").write_text("".join(f"{who}:{_crypted(word)}\n" for who, word in self.accounts.items()))
        (folder / "nginx.conf").write_text(_NGINX_CONF.format(
            d=folder, port=self.port, user=getpass.getuser(), dav=NGINX_DAV, git=GIT_BACKEND
        ))  # fmt: skip
        self.start()

    def url(self, port: int | None = None) -> str:
        return f"http://127.0.0.1:{port or self.port}"

    def remote(self, name: str, port: int | None = None, *, made: bool = True) -> DvcRemote:
        """Give a WebDAV remote with its account; its folder is made on the server unless told otherwise."""
        if made:
            self.store(name).folder.mkdir(parents=True, exist_ok=True)
        url = f"webdav://127.0.0.1:{port or self.port}/dav/{name}"
        return DvcRemote(url, {"user": "alice"}, {"password": self.accounts["alice"]})

    def reading(self, name: str, port: int | None = None) -> DvcRemote:
        """Give the same store as plain HTTP."""
        return DvcRemote(f"{self.url(port)}/files/{name}")

    def store(self, name: str) -> FolderStore:
        return FolderStore(self.folder / "dav" / name)

    def repository(self, name: str) -> tuple[Path, str]:
        """Make a bare repository that alice and bob may push to; gives its folder and its URL with alice's account."""
        folder = self.folder / "repos" / name
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
        return folder, f"http://alice:{self.accounts['alice']}@127.0.0.1:{self.port}/git/{name}"

    def requests(self) -> list[str]:
        """Give the requests so far, as nginx logs them."""
        return (self.folder / "access").read_text().splitlines()

    def start(self) -> None:
        (self.folder / "fcgi").unlink(missing_ok=True)
        self._cgi = _run(FCGIWRAP, ["-c", "4", "-s", f"unix:{self.folder / 'fcgi'}"], self.folder / "cgi")
        self.process = _run(NGINX, ["-c", str(self.folder / "nginx.conf")], self.folder / "out")
        _until(lambda: _status(f"{self.url()}/ready") == 200, self.process)

    def stop(self) -> None:
        _kill(self.process)
        _kill(self._cgi)

    def restart(self) -> None:
        self.stop()
        self.start()


def _crypted(word: str) -> str:
    return subprocess.check_output(["openssl", "passwd", "-apr1", word], text=True).strip()


_APACHE_CONF = """ServerName localhost
Listen 127.0.0.1:{port}
PidFile {d}/pid
ErrorLog {d}/err
DefaultRuntimeDir {d}
DavLockDB {d}/locks
DocumentRoot {d}/dav
Alias /deaf {d}/dav
Alias /dav {d}/dav
<Location /deaf>
RequestHeader unset Content-Range
</Location>
<Directory {d}/dav>
Dav On
Require all granted
</Directory>
"""


class Apache:
    """Apache's WebDAV, open to all of this machine: /dav takes parts of files, /deaf takes a part for the whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "dav").mkdir(parents=True)
        names = ("mpm_event", "authz_core", "alias", "headers", "dav", "dav_fs")
        modules = "".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n" for name in names)
        own = f"User #{os.getuid()}\nGroup #{os.getgid()}\n"
        if os.geteuid() == 0:  # it does not run as root: let it write as somebody else
            for place in (folder, folder / "dav"):
                place.chmod(0o777)
            own = "User nobody\nGroup nogroup\n"
        (folder / "apache.conf").write_text(modules + own + _APACHE_CONF.format(d=folder, port=self.port))
        self.start()

    def remote(self, name: str, port: int | None = None, *, place: str = "dav") -> DvcRemote:
        """Give a WebDAV remote whose folder is there."""
        folder = self.store(name).folder
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        return DvcRemote(f"webdav://127.0.0.1:{port or self.port}/{place}/{name}")

    def store(self, name: str) -> FolderStore:
        return FolderStore(self.folder / "dav" / name)

    def start(self) -> None:
        self.process = _run(APACHE, ["-D", "FOREGROUND", "-f", str(self.folder / "apache.conf")], self.folder / "out")
        _until(lambda: listens(self.port), self.process)

    def stop(self) -> None:
        _kill(self.process)


# --- the wire --------------------------------------------------------------------------------------------------------


class Wire:
    """
    A TCP proxy to a server: slow, cut, or doing something once so many bytes have passed.

    Use it as a context manager; `port` takes the connections.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.rate: float | None = None
        """Bytes a second in both directions together; None is as fast as can be."""
        self.passed = 0
        """Bytes so far, in both directions."""
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._due: tuple[int, Callable[[], object]] | None = None
        self._refusing = False
        self._ended = False

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def after(self, size: int, act: Callable[[], object]) -> None:
        """Do something, once, as soon as so many more bytes have passed."""
        with self._lock:
            self._due = (self.passed + size, act)

    def cut(self) -> None:
        """Break every connection there is: who goes on sending is told that nobody is there."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Break every connection at once, with what was under way: both ends are told that there is none."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RD)  # wakes the threads that wait for it
        for pair in pairs:
            for end in pair:
                end.close()

    def down(self) -> None:
        """Break every connection, and take no new ones until `up`."""
        self._refusing = True
        self.cut()

    def up(self) -> None:
        self._refusing = False

    def _spawn(self, function: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target)) if not self._refusing else None
            except OSError:
                server = None
            if server is None:
                client.close()
                continue
            for end in (client, server):  # a wire does not hold small packets back until there are more
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.append((client, server))
            self._spawn(self._carry, client, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        """
        Carry bytes in both directions, and let go of both ends when there are no more.

        An end that is only shut down still takes what comes until the kernel's room for it is full; who sends then
        waits.
        """
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()
        with self._lock:
            if (client, server) in self._pairs:
                self._pairs.remove((client, server))
        for end in (client, server):
            end.close()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while chunk := source.recv(1 << 16):
                self._count(len(chunk))
                target.sendall(chunk)
        except OSError:  # one end is gone: the other must not go on sending into nothing
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            return
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _count(self, size: int) -> None:
        with self._lock:
            self.passed += size
            act = None
            if self._due is not None and self.passed >= self._due[0]:
                (_, act), self._due = self._due, None
            if self.rate is not None:
                time.sleep(size / self.rate)  # the lock is held: the rate is that of all connections together
        if act is not None:
            act()


# --- processes and ports ---------------------------------------------------------------------------------------------


class ServerEnded(Exception):
    """A server's process ended, or never answered."""


def _run(program: Path, arguments: list[str], log: Path, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that it can be ended with all its children."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            [str(program), *arguments], env={**os.environ, **(env or {})}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    if process is None or process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _kill_below(process: subprocess.Popen[bytes] | None) -> None:
    import psutil

    if process is None or process.poll() is not None:
        return
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


@contextlib.contextmanager
def hanging(server: S3 | Ssh | Web) -> Iterator[None]:
    """Let a server and its sessions take connections and bytes, as far as the kernel does, and say nothing."""
    import psutil

    own = psutil.Process(server.process.pid)
    everything = [own, *own.children(recursive=True)]
    for process in everything:
        process.suspend()
    try:
        yield
    finally:
        for process in everything:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ServerEnded(f"{process.args} ended with {process.returncode}")
        if ready():
            return
        time.sleep(0.03)
    _kill(process)
    raise ServerEnded(f"{process.args} never answered")


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def listens(port: int) -> bool:
    """Tell whether something listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Give a port on which nothing listens."""
    return next(port for port in _ports().sample(range(20000, 30000), 200) if _is_free(port))


def _free_block() -> int:
    """Give the first of five free ports whose twins 10,000 above are free, too: SeaweedFS speaks gRPC there."""
    starts = _ports().sample(range(20000, 30000, 10), 200)
    return next(start for start in starts if all(_is_free(start + n) and _is_free(start + n + 10000) for n in range(5)))


def _ports() -> random.Random:
    return random.SystemRandom()  # pytest-randomly seeds the other one alike in every worker


# --- fixtures --------------------------------------------------------------------------------------------------------


def _need(*programs: Path) -> None:
    missing = [str(program) for program in programs if not program.exists()]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed: .ci/servers and the test extra bring it")


@pytest.fixture(scope="session")
def s3(tmp_path_factory) -> Iterator[S3]:
    """An S3 server with the bucket `models`."""
    _need(WEED)
    server = S3(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sshd(tmp_path_factory) -> Iterator[Ssh]:
    """An ssh server that this user may log in to with its key."""
    _need(SSHD)
    server = Ssh(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def web(tmp_path_factory) -> Iterator[Web]:
    """A web server: WebDAV, plain files, Git."""
    _need(NGINX, NGINX_DAV, FCGIWRAP, GIT_BACKEND)
    server = Web(tmp_path_factory.mktemp("web"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def apache() -> Iterator[Apache]:
    """Another web server: WebDAV that takes parts of files."""
    _need(APACHE, APACHE_MODULES / "mod_dav_fs.so")
    with tempfile.TemporaryDirectory(prefix="podium-apache-") as folder:  # where somebody else than root may look
        server = Apache(Path(folder))
        yield server
        server.stop()


@pytest.fixture
def wire() -> Iterator[Callable[[int], Wire]]:
    """Give wires to ports; they end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda port: stack.enter_context(Wire(port))
