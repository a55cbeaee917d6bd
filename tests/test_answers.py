"""What ``use`` answered is said again only while everything it came from looks as it did."""

from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import podium
from podium import answers, git, kept
from podium.errors import Error
from podium.git import worktree
from tests.storage_helpers import write
from tests.test_start import loaded, loaded_by

NAME = "Classifier:production"
LATER = 10**10
"""Nanoseconds after which nothing counts as changed just now."""


@pytest.fixture
def root(tmp_path, own_settings):
    """Give a checkout with two versions of an artifact, both linked, and an alias at the first."""
    root, store = tmp_path / "registry", tmp_path / "store"
    store.mkdir()
    root.mkdir()
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {store}\n")
    (root / "registry.yaml").write_text("apiVersion: podium/v1\nentity: acme\n")
    for number in range(2):
        with podium.open(root).edit() as edit:
            files = write(tmp_path / f"out{number}", {"weights.bin": b"w" * (number + 1), "deep/er/config": b"{}"})
            edit.link(edit.log("vision/resnet", files), "Classifier")
    with podium.open(root).edit() as edit:
        edit.promote("Classifier:v0", "production")
    return root


def ask(start, name=NAME):
    """Ask as the command does, and compare what was kept with what the registry says; tell whether it was kept."""
    question = answers.Question(str(start), name, time.time_ns() + LATER)
    known = question.answered()
    try:
        registry = podium.open(start)
        version = registry.resolve(name)
        used = registry.use(version)
    except Error:
        assert known is None
        return False
    if version.withdrawn is not None:
        assert known is None  # a withdrawn version comes with a warning
    assert known is None or (known.folder, known.version) == (str(used.folder), version.version)
    assert known is None or known.files == tuple(map(str, used.files))
    question.keep(registry.place, registry.value.tree, version, used.folder)
    return known is not None


def test_an_answer_is_said_again_and_nothing_is_read_for_it(root, tmp_path):
    assert [ask(root), ask(root), ask(root)] == [False, True, True]
    files = sorted(path for path in tmp_path.joinpath("cache", "answers").iterdir())
    assert len(files) == 1
    loads = loaded_by("use", NAME, folder=root)
    assert "podium.answers" in loads
    assert not loads & {
        "yaml",
        "pygit2",
        "podium.api",
        "podium.codec",
        "podium.model",
        "jsonschema_rs",
        "secrets",
        "pathlib",
        "urllib.parse",
    }


@pytest.fixture
def crowd(root, monkeypatch):
    """Let Git look at the files that were handed out, old enough to it, which counts seconds; gives how often."""
    monkeypatch.setattr(answers, "MANY", 2)
    looks = []

    class Look(git.Look):
        def same(self):
            looks.append(super().same())
            return looks[-1]

    monkeypatch.setattr(git, "Look", Look)
    ask(root)
    time.sleep(1.02 - time.time() % 1)  # till another second begins
    monkeypatch.setattr(worktree, "RACY_NS", 0)
    assert ask(root)  # which takes note of them
    assert ask(root)
    assert looks == [True]
    return looks


def test_of_many_files_all_are_named(root, crowd):
    used = podium.open(root).use(NAME)
    answer = answers.question(str(root), NAME).answered()
    assert answer.names is None
    assert (answer.path, answer.files) == (str(used.folder), tuple(map(str, used.files)))


def test_what_changed_just_now_is_not_kept(root):
    registry = podium.open(root)
    question = answers.question(str(root), NAME)
    version = registry.resolve(NAME)
    question.keep(registry.place, registry.value.tree, version, registry.use(version).folder)
    assert question.answered() is None


def promote(root):
    with podium.open(root).edit() as edit:
        edit.promote("Classifier:v1", "production")


def withdraw(root):
    promote(root)
    with podium.open(root).edit() as edit:
        edit.withdraw("vision/resnet:v0", "it was trained on the test set")


def broken_alias(root):
    (root / "models/Classifier/aliases/production.yaml").write_text("version: [")


def same_size_and_time(root):
    file = root / "models/Classifier/aliases/production.yaml"
    before = file.stat()
    file.write_bytes(file.read_bytes().replace(b"v0", b"v1"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def no_alias(root):
    (root / "models/Classifier/aliases/production.yaml").unlink()


def models_behind_a_link(root):
    (root / "models").rename(root / "elsewhere")
    (root / "models").symlink_to("elsewhere")


def no_registry(root):
    (root / "registry.yaml").unlink()


def folder_of(root):
    return podium.open(root).use(NAME).folder


def other_bytes(root):
    file = folder_of(root) / "weights.bin"
    before = file.stat()
    file.chmod(0o644)
    file.write_bytes(b"x")
    file.chmod(0o444)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def a_file_less(root):
    (folder_of(root) / "deep/er/config").unlink()


def a_file_more(root):
    (folder_of(root) / "stranger").write_bytes(b"")


def no_folder(root):
    folder = folder_of(root)
    shutil.rmtree(folder)


def planted_link(root):
    shutil.rmtree(root / ".dvc/cache")
    (root / ".dvc/cache").symlink_to(root.parent)
    subprocess.run(["git", "add", "-f", ".dvc/cache"], cwd=root, check=True)


def planted_settings(root):
    (root / ".dvc/config.local").write_text("[core]\n")
    subprocess.run(["git", "add", "-f", ".dvc/config.local"], cwd=root, check=True)


CHANGES = (
    promote, withdraw, broken_alias, same_size_and_time, no_alias, models_behind_a_link, no_registry,
    other_bytes, a_file_less,
    a_file_more, no_folder, planted_link, planted_settings,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_makes_it_no_answer(root, change):
    ask(root)
    assert ask(root)
    change(root)
    assert not ask(root)


@pytest.mark.parametrize("change", [other_bytes, a_file_less, a_file_more, no_folder, promote])
def test_whatever_changes_among_many_files_makes_it_no_answer(root, change, crowd):
    change(root)
    assert not ask(root)


def test_a_file_in_a_folder_that_was_empty_makes_it_no_answer(root, crowd):
    folder = folder_of(root) / "deep" / "new"
    folder.mkdir()
    assert ask(root)
    assert ask(root)
    assert crowd[-1]  # the folder is known
    (folder / "stranger").write_bytes(b"")
    assert not ask(root)


def test_many_files_are_taken_note_of_only_as_they_were_when_it_was_asked(root, crowd, tmp_path):
    """Between Python's look at a file and the note, seconds may pass on a slow disk."""
    (index,) = (tmp_path / "cache" / "answers").glob("*.index")
    index.unlink()
    changed = max(path.stat().st_ctime_ns for path in folder_of(root).rglob("*"))
    assert answers.Question(str(root), NAME, changed - 1).answered() is not None
    assert not index.exists()
    assert answers.question(str(root), NAME).answered() is not None
    assert index.exists()


def no_index(index):
    index.unlink()


def an_empty_index(index):
    index.write_bytes(b"")


def a_broken_index(index):
    index.write_bytes(index.read_bytes()[:-30])


def another_s_index(index):
    index.chmod(0o666)


def a_pipe(index):
    index.unlink(missing_ok=True)
    os.mkfifo(index)


@pytest.mark.parametrize("change", [no_index, an_empty_index, a_broken_index, another_s_index, a_pipe])
def test_without_git_s_index_the_files_are_looked_at_all_the_same(root, change, crowd, tmp_path):
    (index,) = (tmp_path / "cache" / "answers").glob("*.index")
    change(index)
    assert ask(root)  # and makes another
    assert crowd == [True]  # Git was stopped
    assert ask(root)
    assert crowd == [True, True]
    change(index)
    a_file_more(root)
    assert not ask(root)


def test_without_a_git_the_files_are_looked_at_all_the_same(root, crowd, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    question = answers.question(str(root), NAME)
    assert question.answered() is not None
    other_bytes(root)
    assert question.answered() is None
    assert crowd == [True]


def test_settings_of_this_machine_that_git_comes_to_track_end_it(root):
    (root / ".dvc/config.local").write_text("[core]\n")
    subprocess.run(["git", "add", "registry.yaml"], cwd=root, check=True)
    ask(root)
    assert ask(root)
    subprocess.run(["git", "add", "-f", ".dvc/config.local"], cwd=root, check=True)
    assert not ask(root)


def test_a_checkout_that_comes_to_lack_files_ends_it(root):
    """Of others, too: a version that is not seen is not one that is not there."""
    about = root / "models" / "Other" / "model.yaml"
    about.parent.mkdir()
    about.write_text("description: x\n")
    (about.parent / "README.md").write_text("A card\n")
    git_do(root, "add", "-A")
    git_do(root, "commit", "-qm", "Start")
    ask(root)
    assert ask(root)
    git_do(root, "sparse-checkout", "set", "--no-cone", "/*", "!/models/Other/README.md")
    assert not ask(root)
    git_do(root, "sparse-checkout", "set", "--no-cone", "/*")  # where it leaves out nothing, the index says so
    ask(root)
    assert ask(root)
    git_do(root, "sparse-checkout", "set", "--no-cone", "/*", "!/models/Other/README.md")
    assert not ask(root)


def git_do(root, *words):
    subprocess.run(["git", *words], cwd=root, check=True)


def test_a_nearer_registry_is_found(root):
    inside = root / "a" / "b"
    inside.mkdir(parents=True)
    ask(inside)
    assert ask(inside)
    (root / "a" / "registry.yaml").write_text("apiVersion: podium/v1\nentity: other\n")
    assert not ask(inside)


def test_each_question_has_its_own_answer(root):
    for _ in range(3):  # the second time files that versions share have got one more name, which changes their looks
        asked = [ask(root, name) for name in (NAME, "Classifier:v1", "vision/resnet:v0", "acme/vision/resnet")]
    assert asked == [True] * 4


def spoilt(content):
    head, _, body = content.partition(b"\n")
    return (b"", b"{}", head + b"\n" + body.replace(b"\0v0\0", b"\0v9\0"), content[:-3], b"\xff" * 300, b"[" * 100_000)


def test_what_is_kept_is_dropped_where_it_was_touched(root, tmp_path):
    ask(root)
    (file,) = (tmp_path / "cache" / "answers").iterdir()
    whole = file.read_bytes()
    for content in spoilt(whole):
        file.write_bytes(content)
        assert not ask(root)
    assert ask(root)
    file.chmod(stat.S_IMODE(file.stat().st_mode) | 0o022)
    assert not ask(root)


@pytest.mark.parametrize(
    "said",
    [b"", b"\0\0", b"asked\0\0x\0\0", b"asked\0\0a\0b\0c\0d\0\0e\0\0f\0\0g", b"\xff" * 99, b"asked" + b"\0\0" * 4],
)
def test_what_makes_no_sense_is_no_answer(root, said):
    asked = f"{root}\0{NAME}".encode()
    question = answers.question(str(root), NAME)
    kept.write_bytes(Path(question._place), answers.FORM, said.replace(b"asked", asked))
    assert question.answered() is None


def test_after_any_changes_the_answer_is_the_registry_s(root, tmp_path):
    dice = random.Random(11)
    shutil.copytree(root, tmp_path / "as it was", symlinks=True)
    hits = 0
    for _ in range(40):
        match dice.randrange(4):
            case 0:
                with open_if_sound(root) as sound:
                    if sound:
                        dice.choice(CHANGES)(root)
            case 1:
                shutil.rmtree(root)
                shutil.copytree(tmp_path / "as it was", root, symlinks=True)
        hits += ask(root, dice.choice((NAME, NAME, "Classifier")))
    assert hits > 3


class open_if_sound:  # noqa: N801 - reads as a phrase
    """Tell whether a registry can be read, for what follows; what a broken one makes impossible is passed over."""

    def __init__(self, root):
        self.root = root

    def __enter__(self):
        try:
            podium.open(self.root).use(NAME)
        except Error:
            return False
        return True

    def __exit__(self, kind, error, _trace):
        return kind is not None and issubclass(kind, Error | FileExistsError | FileNotFoundError)


def test_a_path_is_written_in_full_or_it_is_asked_for_anew(monkeypatch):
    assert answers.question("registry", NAME) is None
    assert answers.question("~/registry", NAME) is None
    assert answers.question("https://host/registry", NAME) is None
    assert answers.question("/link/../registry", NAME) is None  # it is where the link leads to
    asked = answers.question("/registry", NAME)
    assert (asked.start, asked.reference) == ("/registry", NAME)
    monkeypatch.setenv("PODIUM_OFFLINE", "1")
    assert answers.question("/registry", NAME) is None


PROGRAM = """
import atexit, sys
sys.argv[0] = "podium"
atexit.register(lambda: print("loaded:", *sys.modules, file=sys.stderr))
from podium.cli import process
process()
"""


def run(words, **options):
    """Run the program; what it loaded is its last line on stderr."""
    command = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **options)


@pytest.fixture
def known(root):
    """Give a checkout in which ``use`` was answered, in it and from elsewhere."""
    assert [ask(root), ask(root)] == [False, True]
    return root


def in_it(root):
    return ["use", NAME], {"cwd": root}


def from_elsewhere(root):
    return ["-R", str(root), "use", NAME], {"cwd": "/"}


def in_full(root):
    return ["--registry", str(root), "use", NAME], {"cwd": "/"}


def by_the_environment(root):
    return ["use", NAME], {"cwd": "/", "env": os.environ | {"PODIUM_REGISTRY": str(root)}}


@pytest.mark.parametrize("way", [in_it, from_elsewhere, in_full, by_the_environment])
def test_what_is_known_is_said_before_the_command_line_is_read(known, way):
    words, options = way(known)
    ran = run(words, stdout=subprocess.PIPE, **options)
    assert (ran.returncode, ran.stdout) == (0, f"{podium.open(known).use(NAME).path}\n")
    assert "podium.answers" in ran.stderr.split()
    assert not {"click", "contextlib", "re", "typing"} & (set(ran.stderr.split()) - loaded(""))
    promote(known)
    assert run(words, stdout=subprocess.PIPE, **options).stdout == f"{podium.open(known).use(NAME).path}\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["use", "--help"], "Usage: podium use"),
        (["use", NAME, "--format", "json"], '"path"'),
        (["use"], ""),
        (["use", NAME, NAME], ""),
    ],
)  # fmt: skip
def test_all_else_is_read_by_click(known, words, says):
    ran = run(words, cwd=known, stdout=subprocess.PIPE)
    assert says in ran.stdout
    assert ran.returncode == (0 if says else 2)
    assert "click" in ran.stderr.split()


def test_an_answer_that_cannot_be_written_is_told_as_ever(known):
    with Path("/dev/full").open("w") as full:
        ran = run(["use", NAME], cwd=known, stdout=full)
    assert ran.returncode == 3
    assert ran.stderr.startswith("error: the output cannot be written: No space left on device\n")
    ends = os.pipe()
    os.close(ends[0])
    with os.fdopen(ends[1], "w") as unread:
        assert run(["use", NAME], cwd=known, stdout=unread).returncode == 1


@pytest.mark.parametrize(("closed", "said"), [(">&-", False), ("2>&-", True), ("<&-", True), ("<&- 2>&-", True)])
def test_it_is_said_also_where_a_stream_is_closed(known, closed, said):
    program = "import sys; sys.argv[0] = 'podium'; from podium.cli import process; process()"
    command = ["bash", "-c", f'exec "$@" {closed}', "bash", sys.executable, "-c", program, "use", NAME]
    ran = subprocess.run(command, cwd=known, check=False, stdout=subprocess.PIPE, text=True)
    assert (ran.returncode, ran.stdout) == (0, f"{podium.open(known).use(NAME).path}\n" * said)
