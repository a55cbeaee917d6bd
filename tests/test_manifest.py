import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium import manifest
from podium.model import File

GOOD = [
    "a",
    "model.safetensors",
    "a/b/c.json",
    "-x/_y/0",
    ".hidden/..data",
    "ünï/日本.bin",
    "with blank/a b.txt",
    "console.txt",
    "nul_",
    "a" * 255,
    "git",
    ".gitignore",
    "ab:c",
]
BAD = [
    "",
    "/a",
    "a//b",
    "a/",
    ".",
    "..",
    "a/../b",
    "./a",
    "a\\b",
    "C:",
    "c:x",
    "a/C:/b",
    "con",
    "Nul.txt",
    "a/COM1.tar.gz",
    "lpt9",
    "conin$",
    "a.",
    "a/b./c",
    "a ",
    ".git",
    ".GIT/config",
    "a/.git",
    "git~1",
    ".g\u200cit",
    "a\nb",
    "a\x00",
    "a\x85",
    "a\u202eb",
    "\udcff",
    "a" * 256,
    "é" * 128,
    "a\n",
]


@pytest.mark.parametrize("path", GOOD)
def test_a_path_that_every_system_can_have_is_allowed(path):
    assert manifest.why_not_path(path) is None


@pytest.mark.parametrize("path", BAD)
def test_a_path_that_leaves_the_folder_or_means_something_elsewhere_is_refused(path):
    assert manifest.why_not_path(path)


@given(
    st.lists(st.sampled_from(["a", "B.c", "con", "nul.x", "..", ".", "", "x.", "com1", "-", "a b", ".git"]), max_size=4)
)
def test_the_quick_answer_agrees_with_the_slow_one(parts):
    path = "/".join(parts)
    quick, manifest._PLAIN = manifest._PLAIN, manifest.re.compile(r"(?!)")
    try:
        slow = manifest.why_not_path(path)
    finally:
        manifest._PLAIN = quick
    assert manifest.why_not_path(path) == slow


@pytest.mark.parametrize(
    ("paths", "refused"),
    [
        (["a", "b/a"], []),
        (["a", "a"], ["a"]),
        (["A/x", "a/X"], ["a/X"]),
        (["caf\u00e9", "cafe\u0301"], ["cafe\u0301"]),
        (["stra\u00dfe", "STRASSE"], ["STRASSE"]),
        (["a", "a/b"], ["a"]),
        (["a/b", "A"], ["A"]),
        (["a", "../a"], ["../a"]),
    ],
)
def test_paths_that_cannot_be_together_are_named(paths, refused):
    assert [path for path, _ in manifest.unsafe(paths)] == refused


def test_the_dir_object_is_what_dvc_writes():
    files = [File("b/ü.txt", 1, "2" * 32, ""), File('a"\\', 1, "1" * 32, "")]
    dvc = json.dumps(
        sorted(({"md5": file.md5, "relpath": file.path} for file in files), key=lambda entry: entry["relpath"]),
        sort_keys=True,
    ).encode()
    assert manifest.dir_object(files) == dvc
    assert manifest.directory_hash(files) == hashlib.md5(dvc).hexdigest() + ".dir"


def test_a_dir_object_is_read_only_if_it_is_what_its_name_says():
    content = manifest.dir_object([File("a", 3, "1" * 32, "f" * 64)])
    name = manifest.md5_of(content) + ".dir"
    assert manifest.listed(name, content) == (File("a", manifest.UNKNOWN, "1" * 32, ""),)
    assert manifest.listed(name, content + b" ") is None
    for nonsense in (b"{}x", b"[1]", b'[{"md5": "x"}]', b"[" * 100_000):
        assert manifest.listed(manifest.md5_of(nonsense) + ".dir", nonsense) is None


def test_the_hash_of_a_long_manifest_is_over_the_sorted_lines():
    files = [File("a", 1, "", "2" * 64), File("b", 1, "", "1" * 64)]
    lines = f"{'1' * 64}  b\n{'2' * 64}  a\n"
    assert manifest.manifest_sha256(files) == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    ("path", "pattern", "yes"),
    [
        ("a/b.json", "*.json", True),
        ("a/b.json", "b.*", True),
        ("a/b.json", "a/*", True),
        ("a/b.json", "a", False),
        ("a/b.json", "b/*", False),
        ("b.JSON", "*.json", False),
    ],
)
def test_a_pattern_means_the_whole_path_or_without_a_slash_the_name(path, pattern, yes):
    assert manifest.matches(path, pattern) is yes
