"""What podium's storage and DVC 3 must agree on; DVC's library is no public API, so its real command is asked."""

import inspect
import subprocess

import asyncssh
import pytest
import s3fs
import sshfs
import yaml

from podium import resolve
from podium.storage import Storage
from tests.acceptance.conftest import Place
from tests.storage_helpers import at, files_below, record, registry, version, write

VERSION = "artifacts/vision/resnet50/versions/v0"


def dvc(root, *arguments):
    return Place(root).dvc(*arguments)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "store").mkdir()
    root = registry(tmp_path / "registry", tmp_path / "store")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    (root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    return root


def log(root, content):
    """Write a version's record as the format lays it out."""
    place = root / f"{VERSION}.dvc"
    place.parent.mkdir(parents=True)
    out = {"md5": content.md5, "size": content.size, "nfiles": content.nfiles, "hash": "md5", "path": "v0"}
    files = [{"path": file.path, "size": file.size, "md5": file.md5, "sha256": file.sha256} for file in content.files]
    place.write_text(yaml.safe_dump({"outs": [out], "meta": {"author": "Ada", "files": files}}, allow_unicode=True))
    (root / "artifacts/.gitignore").write_text("/*/*/versions/v*/\n")
    return str(place.relative_to(root))


def folder_of(tmp_path, kind):
    if kind == "many":
        return write(tmp_path / kind, {f"{number % 100}/{number}.txt": b"%d" % number for number in range(3_000)})
    files = {
        "config.json": b"{}\r\n",
        "a/b/c/deep": b"d" * 5_000_000,
        "ünï cödé/日本語.bin": b"u",
        "nfd-cafe\u0301": b"n",
        'quo"te': b"q",
        "empty": b"",
        "run.sh": b"#!/bin/sh\n",
        "twin": b"{}\r\n",
        ".hidden": b"h",
    }
    folder = write(tmp_path / kind, files)
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("a/b/c/deep")
    (folder / "no files/here").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("kind", ["odd", "many"])
def test_the_hash_of_a_folder_is_that_of_dvc_add(root, tmp_path, kind):
    folder = folder_of(tmp_path, kind)
    content = Storage.at(root).add(folder)
    copied = registry(tmp_path / "other", tmp_path / "store")
    (copied / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    subprocess.run(["cp", "-a", str(folder), str(copied / "v0")], check=True)
    dvc(copied, "add", "-q", "v0")
    out = yaml.safe_load((copied / "v0.dvc").read_text())["outs"][0]
    assert (out["md5"], out["size"], out["nfiles"]) == (content.md5, content.size, content.nfiles)
    ours = {path.relative_to(root): path.stat().st_mode for path in files_below(root / ".dvc/cache/files")}
    theirs = {path.relative_to(copied): path.stat().st_mode for path in files_below(copied / ".dvc/cache/files")}
    assert ours == theirs


def test_plain_dvc_pulls_lists_and_finds_everything_in_place(root, tmp_path):
    folder = folder_of(tmp_path, "odd")
    storage = Storage.at(root)
    content = storage.add(folder)
    storage.push([record(content)])
    target = log(root, content)
    assert "Cache and remote 'store' are in sync" in dvc(root, "status", "-c", target)
    subprocess.run(["rm", "-rf", str(root / ".dvc/cache")], check=True)
    dvc(root, "pull", "-q", target)
    pulled = root / VERSION
    assert {str(path.relative_to(pulled)) for path in files_below(pulled)} == {file.path for file in content.files}
    assert all((pulled / file.path).read_bytes() == (folder / file.path).read_bytes() for file in content.files)
    assert "up to date" in dvc(root, "status", target)
    listed = dvc(root, "list", "-R", str(root), VERSION)
    assert "ünï cödé/日本語.bin" in listed
    dvc(root, "get", "-q", str(root), VERSION, "-o", str(tmp_path / "got"))
    assert len(files_below(tmp_path / "got")) == content.nfiles


def test_what_dvc_pushed_podium_takes(root, tmp_path):
    folder = folder_of(tmp_path, "odd")
    content = Storage.at(root).add(folder)
    target = log(root, content)
    dvc(root, "push", "-q", target)
    assert Storage.at(root).problems([record(content)], deep=True) == []
    subprocess.run(["rm", "-rf", str(root / ".dvc/cache")], check=True)
    used = resolve.use(version(record(content)), lambda: Storage.at(root), root / ".dvc/cache/podium")
    assert len(used.files) == content.nfiles


def test_dvcs_garbage_collection_keeps_what_a_record_names(root, tmp_path):
    storage = Storage.at(root)
    content = storage.add(folder_of(tmp_path, "odd"))
    storage.push([record(content)])
    log(root, content)
    used = resolve.use(version(record(content)), lambda: Storage.at(root), root / ".dvc/cache/podium")
    stranger = storage.add(write(tmp_path / "stranger", {"en/vocab.txt": b"unused"}))
    resolve.use(version(record(stranger)), lambda: storage, root / ".dvc/cache/podium")
    assert "2 objects" in dvc(root, "gc", "-w", "--dry")
    dvc(root, "gc", "-w", "-f", "-q")
    assert not at(root / ".dvc/cache", stranger.md5).exists()
    assert all(at(root / ".dvc/cache", file.md5).exists() for file in content.files)
    assert all(path.exists() for path in used.files)


def test_dvc_sees_the_same_configuration(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    dvc(root, "cache", "dir", str(tmp_path / "elsewhere"))
    dvc(root, "remote", "add", "--local", "private", str(tmp_path / "store"))
    storage = Storage.at(root)
    content = storage.add(write(tmp_path / "f", {"a": b"1"}))
    storage.push([record(content)], "private")
    assert at(tmp_path / "elsewhere", content.md5).exists()


def test_the_clients_have_what_podium_steers_them_by():
    """Not public either: S3's client holds parts in memory as it is told, ssh's writes to the name that is given."""
    from dvc_s3 import S3FileSystem
    from dvc_ssh import SSHFileSystem

    client = S3FileSystem(url="s3://bucket/path")
    assert client.fs_args is client.fs_args
    assert {"chunksize", "max_concurrency"} <= inspect.signature(s3fs.S3FileSystem._put_file).parameters.keys()
    assert {"lpath", "rpath", "callback"} <= inspect.signature(sshfs.SSHFileSystem._put_file).parameters.keys()
    assert callable(sshfs.SSHFileSystem.clear_instance_cache)
    assert callable(asyncssh.SSHClientConnection.is_closed)
    assert "fs" not in SSHFileSystem(host="127.0.0.1").__dict__
