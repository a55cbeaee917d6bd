"""Files and objects that are far longer than what belongs in their place: nobody reads them to their end."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from podium import resolve
from podium.errors import Denied
from podium.storage import Storage
from tests.storage_helpers import at, forget_cache, member, record, registry, version, write

FILES = {"config.json": b"{}", "weights.bin": b"\1\2w" * 1000}
LENGTH = 3 << 30
"""Bytes that take no room on a disk, and seconds to read."""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "store").mkdir()
    return registry(tmp_path / "registry", tmp_path / "store")


@pytest.fixture
def content(tmp_path, root):
    storage = Storage.at(root)
    content = storage.add(write(tmp_path / "out", FILES))
    storage.push([record(content)])
    return content


def giant(place):
    place.unlink(missing_ok=True)
    with place.open("wb") as stream:
        stream.truncate(LENGTH)


@contextmanager
def reading_little():
    """Make sure that next to nothing is read from files."""
    counted = Path("/proc/self/io")
    if not counted.exists():
        pytest.skip("this system does not tell how much a process read")
    before = int(counted.read_text().split()[1])
    yield
    assert int(counted.read_text().split()[1]) - before < LENGTH // 50


def use(root, content, to=None, *, listed=True, **options):
    home = root / ".dvc/cache/podium"
    return resolve.use(version(record(content, listed=listed)), lambda: Storage.at(root), home, to=to, **options).folder


def weights(content):
    return member(content, "weights.bin").md5


HERE = {
    "an object in the cache": lambda root, content: at(root / ".dvc/cache", weights(content)),
    "a list in the cache": lambda root, content: at(root / ".dvc/cache", content.md5),
    "proofs of the cache": lambda root, content: root / ".dvc/cache/podium-proofs" / f"{content.md5[:32]}.json",
    "a file handed out": lambda root, content: root / ".dvc/cache/podium" / content.md5[:32] / "weights.bin",
    **{
        f"a note beside it: {suffix}": lambda root, content, suffix=suffix: (
            root / ".dvc/cache/podium" / f"{content.md5[:32]}{suffix}"
        )
        for suffix in (".json", ".seal", ".dir")
    },
}


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "on the remote"])
@pytest.mark.parametrize("what", HERE)
def test_what_is_too_long_on_this_machine_is_replaced(what, listed, root, content, tmp_path):
    use(root, content, listed=listed)
    giant(HERE[what](root, content))
    with reading_little():
        for to in (None, tmp_path / "to"):
            found = use(root, content, to, listed=listed)
            assert {path: (found / path).read_bytes() for path in FILES} == FILES


def test_a_file_that_is_too_long_in_somebodys_folder_is_not_read(root, content, tmp_path):
    (tmp_path / "to").mkdir()
    giant(tmp_path / "to/weights.bin")
    with reading_little():
        with pytest.raises(Denied, match="other content"):
            use(root, content, tmp_path / "to")
        use(root, content, tmp_path / "to", force=True)
    assert (tmp_path / "to/weights.bin").read_bytes() == FILES["weights.bin"]


def test_an_object_that_is_too_long_is_not_sent(root, content, tmp_path):
    giant(at(root / ".dvc/cache", weights(content)))
    at(tmp_path / "store", weights(content)).unlink()
    with reading_little(), pytest.raises(Denied, match=r"'weights\.bin'"):
        Storage.at(root).push([record(content)])


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "on the remote"])
def test_an_object_that_is_too_long_on_the_remote_is_named(listed, root, content, tmp_path):
    giant(at(tmp_path / "store", weights(content)))
    forget_cache(root)
    with reading_little():
        with pytest.raises(Denied, match=r"'weights\.bin' damaged"):
            use(root, content, tmp_path / "to", listed=listed)
        (found,) = Storage.at(root).problems([record(content, listed=listed)], deep=True)
    assert (found.path, found.problem) == ("weights.bin", "size")
    assert not (tmp_path / "to").exists()


BROKEN = [
    *('{"%s": [[1, Infinity, 2, 3], "x", "y"]}', '{"%s": [[1, 1e400, 2, 3], 1, 1]}'),
    *('{"%s": [[1, NaN, 2, 3], "x", "y"]}', '{"%s": [{"a": 1, "b": 2, "c": 3, "d": 4}, "x", "y"]}'),
    *('{"%s": ["1234", "x", "y"]}', '{"%s": null}', "[1]", "null"),
    *('{"%s": [["1", "2", "3", "4"], "x", "y"]}', '{"%s": [[null, "2", null, null], 1, 1]}', "[" * 100_000, "\xff"),
    *(f'{{"%s": [[1, {"9" * 5000}, 2, 3], 1, 1]}}', '{"%s": [[1, 2, 3, 4], "\\ud800", "b"]}'),
]  # fmt: skip


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "on the remote"])
@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:40])
def test_a_note_that_is_no_note_counts_for_nothing(text, listed, root, content, tmp_path):
    for place in (HERE["proofs of the cache"], HERE["a note beside it: .json"], HERE["a note beside it: .seal"]):
        use(root, content, listed=listed)
        key = weights(content) if "proofs" in str(place(root, content)) else "weights.bin"
        place(root, content).write_bytes((text % key if "%s" in text else text).encode("latin-1"))
        found = use(root, content, listed=listed)
        assert {path: (found / path).read_bytes() for path in FILES} == FILES
