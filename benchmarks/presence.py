"""Presence: whether a folder remote has the bytes of a thousand changed versions, in one batch, against DVC's way."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import generate
from measure import Cost
from registries import Registries
from rows import Row

from podium import manifest
from podium.model import File
from podium.storage import hashing

VERSIONS = 1_000
ROUNDS = 5

TIMED = """
import json, resource, sys, time
from pathlib import Path
root = Path(sys.argv[1])
versions = json.loads((root / "versions.json").read_text())
def timed(call):
    wall, cpu = time.perf_counter(), time.process_time()
    found = call()
    took = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps([*took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
    return found
"""
OURS = """
from podium.model import File, Record
from podium.storage import Storage
records = []
for md5, files in versions:
    files = tuple(File(*file) for file in files)
    records.append(Record(md5, sum(file.size for file in files), len(files), "", "", files))
storage = Storage.at(root)
storage.remote().probe()
assert timed(lambda: storage.problems(records)) == []
"""
THEIRS = """
from dvc.repo import Repo
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.status import status
remote = Repo(str(root)).cloud.get_remote_odb(None, "status")
names = {name for md5, files in versions for name in (md5, *(file[2] for file in files))}
assert not timed(lambda: status(remote, [HashInfo("md5", name) for name in names])).missing
"""


def rows(registries: Registries) -> Iterator[Row]:
    """Measure them: the calls alone, since importing DVC takes longer than either."""
    root = registries.work / "presence"
    shutil.rmtree(root, ignore_errors=True)
    versions = _made(root)
    ours, theirs = (_best(root, script) for script in (OURS, THEIRS))
    what = f"presence of the bytes of {VERSIONS:,} changed versions, {versions:,} objects in a folder"
    yield Row(what, ours, theirs, "DVC's `status` of these objects", 2)
    shutil.rmtree(root)


def _made(root: Path) -> int:
    """Make a DVC folder and its store, with files of the right sizes that take no room; gives how many objects."""
    store, chance = root / "store", random.Random(0)
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / ".dvc").mkdir()
    config = f"[core]\n    remote = store\n    analytics = false\n['remote \"store\"']\n    url = {store}\n"
    (root / ".dvc/config").write_text(config)
    records = [generate.record(chance, number) for number in range(VERSIONS)]
    sizes = {file.md5: file.size for record in records for file in record.files or ()}
    sizes |= {record.md5: len(manifest.dir_object(record.files or ())) for record in records}
    for md5, size in sizes.items():
        place = store / "files" / "md5" / hashing.name(md5)
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as stream:
            stream.truncate(size)
        place.chmod(0o444)
    listed = [(record.md5, [_plain(file) for file in record.files or ()]) for record in records]
    (root / "versions.json").write_text(json.dumps(listed))
    return len(sizes)


def _plain(file: File) -> tuple[str, int, str, str]:
    return file.path, file.size, file.md5, file.sha256


def _best(root: Path, script: str) -> Cost:
    runs = [_timed(root, script) for _ in range(ROUNDS)]
    return Cost(min(run.wall for run in runs), min(run.cpu for run in runs), max(run.memory for run in runs))


def _timed(root: Path, script: str) -> Cost:
    command = [sys.executable, "-c", TIMED + script, root]
    return Cost(*json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
