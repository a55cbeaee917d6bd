"""What the tests of the storage share: a DVC folder, a record, and ways to do harm."""

import shutil

from podium.model import ArtifactVersion, Record, Version
from podium.storage import Storage


def registry(root, remote, more=""):
    (root / ".dvc").mkdir(parents=True)
    config = f"[core]\n    remote = store\n    analytics = false\n['remote \"store\"']\n    url = {remote}\n{more}"
    (root / ".dvc/config").write_text(config)
    return root


def write(folder, files):
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def record(content, *, listed=True):
    files = content.files if listed else None
    return Record(content.md5, content.size, content.nfiles, "", "", files, content.manifest_sha256)


def at(folder, md5):
    return folder / "files/md5" / md5[:2] / md5[2:]


def member(content, path):
    return next(file for file in content.files if file.path == path)


def spoil(place, content):
    place.chmod(0o644)
    place.write_bytes(content)
    place.chmod(0o444)


def forget_cache(root):
    shutil.rmtree(root / ".dvc/cache")
    return Storage.at(root)


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def version(record):
    artifact = ArtifactVersion("vision/resnet50", "v0")
    return Version("vision/resnet50:v0", None, "v0", None, (), (), artifact, record, None, None)
