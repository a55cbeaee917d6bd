"""An object that has another's bytes, on every kind of remote: named by `verify` and `use`, and never handed out."""

import pytest

from podium import resolve
from podium.errors import Denied
from podium.storage import Storage
from tests.far import Far
from tests.servers import FolderStore, object_path
from tests.storage_helpers import files_below, member, record, registry, version, write

pytestmark = [pytest.mark.usefixtures("closed"), pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

GROUPS = {"folder": "folder", "s3": "s3", "sshd": "sshd", "web": "web", "http": "web"}
FILES = {"one.bin": b"1" * 70_000, "two.bin": b"2" * 70_000, "config.json": b"{}"}


def on_folder(tmp_path):
    (tmp_path / "store").mkdir()
    root = registry(tmp_path / "registry", tmp_path / "store")
    return Far(Storage.at(root), root, None, FolderStore(tmp_path / "store"), None)


def read_over_http(far):
    """Let the same bytes be read as plain files."""
    for name in ("config", "config.local"):
        (far.root / ".dvc" / name).unlink()
    far.server.reading(far.store.folder.name, far.wire.port).add(far.root, default=True)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.xdist_group(group)) for kind, group in GROUPS.items()]
)
def test_bytes_that_were_swapped_are_named_and_not_handed_out(kind, reach, tmp_path):
    far = on_folder(tmp_path) if kind == "folder" else reach(GROUPS[kind])
    content = far.storage.add(write(tmp_path / "out", FILES))
    far.storage.push([record(content)])
    one, two = (object_path(member(content, path).md5) for path in ("one.bin", "two.bin"))
    first, second = far.store.read(one), far.store.read(two)
    far.store.write(one, second)
    far.store.write(two, first)
    if kind == "http":
        read_over_http(far)
    fresh = far.fresh()
    found = fresh.problems([record(content)], deep=True)
    assert {(problem.path, problem.problem) for problem in found} == {("one.bin", "hash"), ("two.bin", "hash")}
    for path in ("one.bin", "two.bin"):
        with pytest.raises(Denied, match=f"'{path}' damaged"):
            resolve.use(version(record(content)), lambda: fresh, tmp_path / "used", patterns=[path])
    with pytest.raises(Denied, match="damaged"):
        resolve.use(version(record(content)), lambda: fresh, tmp_path / "used", to=tmp_path / "to")
    assert not any((tmp_path / "to").rglob("*"))
    assert not any(file.read_bytes() in {first, second} for file in files_below(far.root / ".dvc/cache"))
    assert not any((tmp_path / "used").rglob("*.bin"))


@pytest.mark.xdist_group("web")
@pytest.mark.parametrize("problem", ["missing", "hash", "size"])
def test_whatever_is_damaged_is_named_over_plain_http(problem, reach, tmp_path):
    far = reach("web")
    content = far.storage.add(write(tmp_path / "out", FILES))
    far.storage.push([record(content)])
    place = object_path(member(content, "one.bin").md5)
    if problem == "missing":
        far.store.remove(place)
    else:
        far.store.write(place, b"0" * (70_000 if problem == "hash" else 69_999))
    read_over_http(far)
    fresh = far.fresh()
    found = fresh.problems([record(content)], deep=problem == "hash")
    assert [(one.path, one.problem) for one in found] == [("one.bin", problem)]
    with pytest.raises(Denied, match=r"'one\.bin'"):
        resolve.use(version(record(content)), lambda: fresh, tmp_path / "used", to=tmp_path / "to")
    assert not any((tmp_path / "to").rglob("*"))
