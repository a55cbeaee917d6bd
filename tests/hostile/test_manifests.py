"""Records and lists of files that lie: no path outside a folder is formed, and whoever looks is told."""

import gzip
import json
import tracemalloc

import pytest

from podium import manifest, resolve
from podium.errors import Denied
from podium.model import File, Record
from podium.storage import Storage
from podium.storage.hashing import of_bytes
from tests.storage_helpers import at, registry, version

BYTES = of_bytes(b"evil")
PATHS = [
    ["../evil"], ["a/../../evil"], ["a/../b"], [".."], ["."], ["./a"], ["a//b"], ["a/"], [""], ["/tmp/evil"],
    ["C:\\evil"],
    ["C:evil"], ["C:/evil"], ["\\\\server\\share"], ["//server/share"], ["a\\b"], ["..\\evil"], ["a:stream"],
    ["a", "a"],
    ["a", "A"], ["é", "e\u0301"], ["a", "a/b"], ["A", "a/b"], ["con"], ["nul.txt"], ["deep/COM1"], ["com¹"], ["a\x1bb"],
    ["a\nb"], ["a\0b"], ["a\u202eb"], [".g\u200cit/config"], [".git/config"], [".GIT/hooks/x"], ["GIT~1/x"], ["a."],
    ["a "],
    ["a" * 5000], ["/".join(["a" * 200] * 30)], ["/".join("a" * 3000)], ["/".join("a" * 102)],
    [".podium-0123456789abcdef.tmp"],
]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    (tmp_path / "store").mkdir()
    return registry(tmp_path / "registry", tmp_path / "store")


def put(root, md5, content):
    place = at(root.parent / "store", md5)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def lists(root, files, **other):
    """Put a list of files on the remote; gives a record that leaves the list to it, and says other things of it."""
    put(root, BYTES.md5, b"evil")
    content = files if isinstance(files, bytes) else manifest.dir_object(files)
    md5 = manifest.md5_of(content) + ".dir"
    put(root, md5, content)
    said = {"size": 4 * len(files), "nfiles": len(files)} if not isinstance(files, bytes) else {"size": 8, "nfiles": 2}
    whole = manifest.manifest_sha256(files) if not isinstance(files, bytes) else "0" * 64
    return Record(**{"md5": md5, **said, "created": "", "author": "", "files": None, "sha256": whole} | other)


def files_of(paths):
    return [File(path, 4, BYTES.md5, BYTES.sha256) for path in paths]


def refused(root, record, match="."):
    """See that nothing is handed out, with and without a folder of one's own, and nothing is written beside it."""
    for to in (None, root.parent / "target"):
        with pytest.raises(Denied, match=match):
            resolve.use(version(record), lambda: Storage.at(root), root / ".dvc/cache/podium", to=to)
    assert {place.name for place in root.parent.iterdir()} == {"registry", "store"}
    assert not any((root / ".dvc/cache/podium").glob("*/*"))


@pytest.mark.parametrize("paths", PATHS, ids=lambda paths: ascii(paths)[:40])
def test_no_path_that_leads_elsewhere_is_formed(paths, root):
    listed = files_of(paths)
    unlisted = lists(root, listed)
    whole = Record(unlisted.md5, unlisted.size, unlisted.nfiles, "", "", tuple(listed), unlisted.sha256)
    refused(root, whole, "not safe")
    refused(root, unlisted, "not safe")
    problems = Storage.at(root).problems([unlisted])
    assert problems
    assert {problem.path for problem in problems} <= set(paths)


ENTRY = {"md5": BYTES.md5, "relpath": "a"}
LISTS = {
    "no JSON": b"hello", "nothing": b"", "null": b"null", "a number": b"3", "text": b'"x"', "a mapping": b"{}",
    "lists": b"[[[]]]",
    "deep lists": b"[" * 100_000, "texts": b'["a", "b"]', "numbers": b"[1, 2]",
    "no path": json.dumps([{"md5": BYTES.md5}]).encode(),
    "a hash that is a path": json.dumps(
        [{"md5": "../../../../../etc/passwd", "relpath": "a"}, ENTRY | {"relpath": "b"}]
    ).encode(),
    "a hash in capitals": json.dumps([{"md5": BYTES.md5.upper(), "relpath": "a"}, ENTRY | {"relpath": "b"}]).encode(),
    "a folder in it": json.dumps([{"md5": BYTES.md5 + ".dir", "relpath": "a"}, ENTRY | {"relpath": "b"}]).encode(),
    "doubled keys": b'[{"md5": "%s", "relpath": "../x", "relpath": "a"}]' % BYTES.md5.encode(),
    "not in order": json.dumps([ENTRY | {"relpath": "b"}, ENTRY]).encode(),
    "more keys": json.dumps([ENTRY | {"isexec": True}]).encode(),
    "packed": gzip.compress(b"[" + b" " * (20 << 20) + b"]"), "blanks": b"[" + b" " * (9 << 20) + b"]",
    "a long number": b"[" + b"9" * 6000 + b"]",
    "NaN": b"[NaN]", "UTF-16": json.dumps([ENTRY]).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps([ENTRY]).encode(),
    "no UTF-8": b'[{"md5": "\xff", "relpath": "\xff"}]',
    "half a character": json.dumps([ENTRY, ENTRY | {"relpath": "\ud800"}]).encode(),
    "a number for a path": json.dumps([ENTRY | {"relpath": 3}]).encode(),
    "three of two": manifest.dir_object(files_of("abc")),
    "100,000 of two": manifest.dir_object(files_of(f"f{number}" for number in range(100_000))),
}  # fmt: skip


@pytest.mark.parametrize("what", LISTS)
def test_a_list_of_files_with_the_right_hash_is_not_believed_for_that(what, root):
    record = lists(root, LISTS[what])
    refused(root, record)
    assert Storage.at(root).problems([record], deep=True) != []


OTHERS = [{"sha256": "0" * 64}, {"size": 7}, {"size": 2**63 - 1}, {"nfiles": 1}, {"nfiles": 3}, {"nfiles": 2**40}]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_what_a_record_says_of_all_files_together_has_to_be_so(other, root):
    record = lists(root, files_of("ab"), **other)
    refused(root, record)
    (problem,) = Storage.at(root).problems([record], deep=True)
    assert problem.path == record.md5


def test_an_honest_list_on_the_remote_is_no_problem(root):
    record = lists(root, files_of(["a", "deep/b"]))
    assert Storage.at(root).problems([record], deep=True) == []


@pytest.mark.parametrize("value", [b"{}", b"[]", b"0"])
def test_a_long_list_of_something_else_takes_no_memory(value):
    content = b"[" + (value + b",") * 600_000 + value + b"]"
    tracemalloc.start()
    assert manifest.listed(manifest.md5_of(content) + ".dir", content) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(content) + (1 << 20)


def test_a_long_list_of_files_is_read():
    files = files_of(f'données/"{number}\\' for number in range(15_000))
    content = manifest.dir_object(files)
    assert len(content) > 1 << 20
    found = manifest.listed(manifest.md5_of(content) + ".dir", content)
    assert [file.path for file in found] == sorted(file.path for file in files)
