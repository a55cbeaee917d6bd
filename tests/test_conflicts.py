"""Merges that git stopped, settled: the same by way of a real repository as by the values alone."""

import random
import subprocess

import pytest

from podium import codec, git, merging
from podium.errors import Denied
from podium.publish import conflicts
from podium.tree import MemoryTree, overlay, walk
from tests import example
from tests.hostile.typed import typed
from tests.test_merging import ARTIFACTS, DO, MODELS, is_sound, played


def run(folder, *arguments, code=0):
    ran = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert code is None or ran.returncode == code, ran.stderr
    return ran.stdout.strip()


def a_step(chance):
    what = chance.choice(["log", "log", "link", "link", "promote", "promote", "unalias", "withdraw", "tag"])
    number = f"v{chance.randrange(5)}"
    alias = chance.choice(["production", "best"])
    return {
        "log": ("log", chance.choice(ARTIFACTS), chance.randrange(9)),
        "link": ("link", chance.choice(ARTIFACTS), number, chance.choice(MODELS)),
        "promote": ("promote", chance.choice(ARTIFACTS + MODELS), number, alias),
        "unalias": ("unalias", chance.choice(ARTIFACTS + MODELS), alias),
        "withdraw": ("withdraw", chance.choice(ARTIFACTS + MODELS), number),
        "tag": ("tag", chance.choice(MODELS), chance.choice("ab"), chance.random() < 0.6),
    }[what]


def lay_out(root, registry):
    """Write a registry's files, and stage them."""
    run(root, "rm", "-rq", "--ignore-unmatch", ".")
    for path, _ in walk(registry.tree, ""):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(registry.tree.read(path))
    run(root, "add", "-A")


def commit(root, registry, branch, *new):
    run(root, "switch", "-q", *new, branch)
    lay_out(root, registry)
    run(root, "commit", "-q", "--allow-empty", "-m", branch)


@pytest.fixture
def root(tmp_path):
    run(tmp_path, "init", "-q", "-b", "main", "registry")
    return tmp_path / "registry"


def branches(root, base, mine, theirs):
    lay_out(root, base)
    run(root, "commit", "-q", "-m", "base")
    commit(root, mine, "mine", "-c")
    run(root, "switch", "-q", "main")
    commit(root, theirs, "main")
    run(root, "switch", "-q", "mine")
    return git.Checkout(root)


@pytest.mark.parametrize("seed", range(16))
def test_a_merge_by_git_gives_what_the_values_give(root, seed):
    chance = random.Random(seed)
    base = codec.read(MemoryTree(example.files()))
    later, first = (played(base, [a_step(chance) for _ in range(chance.randrange(2, 9))]) for _ in range(2))
    checkout = branches(root, base, later, first)
    run(root, "merge", "-q", "--no-edit", "main", code=None)
    settled = conflicts.settle(checkout)
    expected = merging.merge(base, first, later)
    if settled is None:
        assert not expected.renumbered
        return
    assert {one.path for one in settled.open} == {clash.path for clash in expected.clashes}
    for one in settled.open:
        run(root, "add", one.path)
    run(root, "commit", "-q", "--no-edit")
    assert run(root, "status", "--porcelain") == ""
    after = codec.read(checkout.tree("HEAD"))
    found = {path: after.tree.read(path) for path, _ in walk(after.tree, "")}
    given = {path: first.tree.read(path) for path, _ in walk(first.tree, "")} | dict(expected.changes)
    assert found == given
    is_sound(first, after)
    assert conflicts.settle(checkout) is None


def logged(registry, content, model=None):
    after = DO["log"](registry, registry, "vision/resnet50", content).registry
    newest = list(after.artifact("vision/resnet50").numbers)[-1]
    return DO["link"](after, after, "vision/resnet50", newest, model).registry if model else after


@pytest.fixture
def base():
    return codec.read(MemoryTree(example.files()))


def test_a_linked_work_tree_is_settled_by_itself(root, base):
    branches(root, base, logged(base, 7, "Other"), logged(base, 8))
    run(root, "switch", "-q", "--detach", "main")
    run(root, "worktree", "add", "-q", str(root.parent / "linked"), "mine")
    linked = git.Checkout(root.parent / "linked")
    run(linked.root, "merge", "-q", "main", code=1)
    assert conflicts.settle(git.Checkout(root)) is None
    settled = conflicts.settle(linked)
    assert settled.notes == ("vision/resnet50:v3 is now vision/resnet50:v4",)
    run(linked.root, "commit", "-q", "--no-edit")
    assert codec.read(linked.tree("HEAD")).resolve("Other").artifact.version == "v4"


def test_a_cherry_pick_takes_the_next_number(root, base):
    checkout = branches(root, base, logged(base, 7, "Other"), logged(base, 8))
    run(root, "switch", "-q", "main")
    run(root, "cherry-pick", "mine", code=1)
    settled = conflicts.settle(checkout)
    assert (settled.notes, settled.end) == (
        ("vision/resnet50:v3 is now vision/resnet50:v4",),
        "git cherry-pick --continue",
    )
    run(root, "-c", "core.editor=true", "cherry-pick", "--continue")
    assert codec.read(checkout.tree("HEAD")).resolve("Other").artifact.version == "v4"


def test_branches_that_merged_each_other_settle_again(root, base):
    """A criss-cross: there is more than one base, and what both have of each other is no news."""
    checkout = branches(
        root, base, logged(base, 7, "Other"), DO["tag"](base, base, "ImageClassifier", "a", True).registry
    )
    mine, main = run(root, "rev-parse", "mine"), run(root, "rev-parse", "main")
    run(root, "merge", "-q", "--no-edit", main)
    run(root, "switch", "-q", "main")
    run(root, "merge", "-q", "--no-edit", mine)
    commit(root, logged(codec.read(checkout.tree("HEAD")), 5), "main")
    commit(root, logged(codec.read(checkout.tree("mine")), 6, "Other"), "mine")
    assert len(run(root, "merge-base", "--all", "mine", "main").split()) == 2
    run(root, "merge", "-q", "main", code=1)
    settled = conflicts.settle(checkout)
    assert settled.open == ()
    run(root, "commit", "-q", "--no-edit")
    after = codec.read(checkout.tree("HEAD"))
    assert list(after.artifact("vision/resnet50").numbers) == ["v0", "v1", "v2", "v3", "v4", "v5"]
    is_sound(codec.read(checkout.tree("main")), after)


def test_what_is_not_podiums_stays_open(root, base):
    def titled(registry, text):
        return codec.read(
            overlay(registry.tree, {"registry.yaml": f"apiVersion: podium/v1\nentity: {text}\n".encode()})
        )

    checkout = branches(root, base, titled(logged(base, 7), "a"), titled(logged(base, 8), "b"))
    run(root, "merge", "-q", "main", code=1)
    assert [one.path for one in conflicts.settle(checkout).open] == ["registry.yaml"]
    assert conflicts.settle(checkout) is None


def test_a_revert_that_conflicts_is_told_the_way_back(root, base):
    checkout = branches(root, base, DO["promote"](base, base, "ImageClassifier", "v1", "production").registry, base)
    commit(root, DO["unalias"](base, base, "ImageClassifier", "production").registry, "mine")
    run(root, "revert", "--no-edit", "HEAD~1", code=1)
    with pytest.raises(Denied, match="a revert is under way"):
        conflicts.settle(checkout)


def test_a_rebase_by_patches_is_told_to_merge(root, base):
    checkout = branches(root, base, logged(base, 7), logged(base, 8))
    run(root, "rebase", "--apply", "-q", "main", code=1)
    with pytest.raises(Denied, match="a rebase by patches"):
        conflicts.settle(checkout)


def test_a_squash_leaves_no_merge_to_settle(root, base):
    checkout = branches(root, base, logged(base, 7), logged(base, 8))
    run(root, "merge", "-q", "--squash", "main", code=1)
    with pytest.raises(Denied, match="no merge is under way"):
        conflicts.settle(checkout)


def test_a_description_that_both_changed_stays_open(root, base):
    def described(text):
        return codec.read(
            overlay(base.tree, {"artifacts/vision/resnet50/artifact.yaml": f"description: {text}\n".encode()})
        )

    checkout = branches(root, base, logged(described("a"), 7), logged(described("b"), 8))
    run(root, "merge", "-q", "main", code=1)
    (still,) = conflicts.settle(checkout).open
    assert (still.path, still.what) == ("artifacts/vision/resnet50/artifact.yaml", "both sides changed it")


def test_a_folder_without_git_has_no_conflicts(tmp_path):
    assert conflicts.settle(git.Checkout(tmp_path)) is None


def test_the_driver_runs_from_any_folder(monkeypatch):
    from podium.cli import merge_driver_command

    monkeypatch.setattr("sys.executable", "/opt/my tools/100%/python")
    assert merge_driver_command.driver().startswith("'/opt/my tools/100%%/python' -P -m podium merge-driver run ")


@pytest.mark.parametrize(
    "path", ["--help", "-h", "--version", "-x", "models/$(id)/model.yaml", "models/a\nb/model.yaml"]
)
@pytest.mark.parametrize("end", [("--",), ()], ids=["as it is installed", "as it was installed"])
def test_no_path_is_an_option_to_the_driver(tmp_path, path, end):
    contents = {"base": "description: a\n", "ours": "description: b\n", "theirs": "description: c\n"}
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    assert typed("merge-driver", "run", *end, *(tmp_path / name for name in contents), "7", path).code == 1
    assert "<<<<<<<" in (tmp_path / "ours").read_text()


def test_the_driver_ends_its_options():
    from podium.cli import merge_driver_command

    assert " run -- %O " in merge_driver_command.driver()
