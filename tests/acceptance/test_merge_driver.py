"""Two people, two clones: what each logs, links and promotes meets in a merge, with podium's driver and without."""

import subprocess

import pytest

from tests.acceptance.conftest import Place, again

ARTIFACT = "artifacts/vision/resnet50"
MODEL = "models/Classifier"


@pytest.fixture(scope="module")
def made(started, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    registry = again(started, folder)
    registry.podium("log", "vision/resnet50", str(registry.model("m0", "w0")), "--link", "Classifier", "--commit")
    registry.podium("promote", "Classifier:v0", "production", "--commit")
    registry.git("push", "-q", "origin", "HEAD:main")
    return folder


@pytest.fixture
def ada(made, tmp_path):
    """A registry with one artifact and one registered model, pushed."""
    return again(made, tmp_path)


@pytest.fixture
def bob(ada, origin, tmp_path):
    """A second clone, on a branch."""
    ada.git("clone", "-q", str(origin.root), str(tmp_path / "bob"))
    place = Place(tmp_path / "bob")
    place.git("config", "user.name", "Bob")
    place.git("switch", "-q", "-c", "feature")
    return place


@pytest.fixture(params=["driver", "plain"])
def merging(request, bob, ada):
    """Every merge goes the same way with the driver and without."""
    if request.param == "driver":
        for place in (ada, bob):
            place.podium("merge-driver", "install")
    return request.param


def log(place, content, *more):
    return place.podium(
        "log", "vision/resnet50", str(place.model(f"model-{content}", content)), *more, "--commit"
    ).out.strip()


def advance(ada, content="ada"):
    """Log and link on the default branch, and push."""
    log(ada, content, "--link", "Classifier")
    ada.git("push", "-q", "origin", "HEAD:main")


def stopped(place, *arguments):
    """Run git, which is to stop at a conflict; gives what it said."""
    ran = subprocess.run(["git", *arguments], cwd=place.root, capture_output=True, text=True, check=False)
    assert ran.returncode != 0, ran.stdout
    return ran.stdout + ran.stderr


def clean(place, base="origin/main"):
    assert place.git("status", "--porcelain") == ""
    assert place.podium("check").code == 0
    assert place.podium("check", "--base", base).code == 0


def resolved(place, name):
    found = place.podium("resolve", name, "--format", "json").json
    return found["artifact"]["version"], found["md5"]


def test_both_log_link_and_promote(ada, bob, merging):
    log(bob, "bob", "--link", "Classifier", "--alias", "best")
    bob.podium("promote", "Classifier:v1", "staging", "--commit")
    mine = resolved(bob, "Classifier:staging")[1]
    advance(ada)
    bob.git("fetch", "-q")
    said = bob.podium("check", "--base", "origin/main", code=1)
    assert f"{ARTIFACT}/versions/v1.dvc" in said.out
    said = stopped(bob, "merge", "origin/main")
    assert ("podium check --fix" in said) == (merging == "driver")
    fixed = bob.podium("check", "--fix")
    assert "vision/resnet50:v1 is now vision/resnet50:v2" in fixed.err
    assert "Classifier:v1 is now Classifier:v2" in fixed.err
    assert "`git commit` ends it" in fixed.err
    bob.git("commit", "-q", "--no-edit")
    clean(bob)
    assert resolved(bob, "Classifier:staging") == ("v2", mine)
    assert resolved(bob, "vision/resnet50:best") == ("v2", mine)
    assert bob.read(f"{ARTIFACT}/versions/v1.dvc") == ada.read(f"{ARTIFACT}/versions/v1.dvc")
    assert bob.read(f"{MODEL}/versions/v1.yaml") == ada.read(f"{MODEL}/versions/v1.yaml")


def test_a_branch_merged_into_the_default_branch_is_the_later_one(ada, bob, merging):
    log(bob, "bob", "--link", "Classifier")
    bob.git("push", "-q", "origin", "feature")
    advance(ada)
    before = ada.read(f"{ARTIFACT}/versions/v1.dvc")
    ada.git("fetch", "-q")
    stopped(ada, "merge", "origin/feature")
    ada.podium("check", "--fix")
    ada.git("commit", "-q", "--no-edit")
    assert ada.read(f"{ARTIFACT}/versions/v1.dvc") == before
    clean(ada)


def test_a_pull_of_unpushed_work_renumbers_the_unpushed(ada, bob, merging):
    bob.git("switch", "-q", "main")
    log(bob, "bob")
    advance(ada)
    stopped(bob, "pull", "-q", "--no-rebase")
    bob.podium("check", "--fix")
    bob.git("commit", "-q", "--no-edit")
    assert bob.read(f"{ARTIFACT}/versions/v1.dvc") == ada.read(f"{ARTIFACT}/versions/v1.dvc")
    clean(bob)
    bob.git("push", "-q", "origin", "main")


def test_a_rebase_of_one_commit(ada, bob, merging):
    log(bob, "bob", "--link", "Classifier")
    advance(ada)
    bob.git("fetch", "-q")
    stopped(bob, "rebase", "origin/main")
    fixed = bob.podium("check", "--fix")
    assert "`git rebase --continue` ends it" in fixed.err
    bob.git("-c", "core.editor=true", "rebase", "--continue")
    clean(bob)
    assert resolved(bob, "Classifier:v2")[0] == "v2"


def test_a_rebase_whose_later_commits_name_the_old_numbers_is_told_to_merge(ada, bob, merging):
    log(bob, "bob")
    bob.podium("link", "vision/resnet50:v1", "Other", "--commit")
    advance(ada)
    bob.git("fetch", "-q")
    stopped(bob, "rebase", "origin/main")
    said = bob.podium("check", "--fix", code=1)
    assert "git rebase --abort" in said.err
    bob.git("rebase", "--abort")
    mine = resolved(bob, "Other")[1]
    stopped(bob, "merge", "origin/main")
    bob.podium("check", "--fix")
    bob.git("commit", "-q", "--no-edit")
    assert resolved(bob, "Other") == ("v2", mine)
    clean(bob)


def test_two_moves_of_one_alias_say_who_and_what_to_do(ada, bob, merging):
    log(bob, "bob", "--link", "Classifier")
    bob.podium("promote", "Classifier:v1", "production", "--commit", "-m", "Try Bob's")
    advance(ada)
    ada.podium("promote", "Classifier:v1", "production", "--commit", "-m", "Ship Ada's")
    ada.git("push", "-q", "origin", "HEAD:main")
    bob.git("fetch", "-q")
    stopped(bob, "merge", "origin/main")
    path = f"{MODEL}/aliases/production.yaml"
    said = bob.podium("check", "--fix", code=1)
    assert path in said.out
    assert 'origin/main moves it v0 → v1 (Ada Lovelace: "Ship Ada\'s")' in said.out
    assert 'feature moves it v0 → v2 (Bob: "Try Bob\'s")' in said.out
    assert "podium promote Classifier:v2 production" in said.out
    assert "<<<" not in bob.read(path)
    assert bob.git("diff", "--name-only", "--diff-filter=U").split() == [path]
    bob.podium("promote", "Classifier:v2", "production")
    bob.git("add", path)
    bob.git("commit", "-q", "--no-edit")
    assert bob.read(path) == "generation: 3\nversion: v2\n"
    clean(bob)


def test_tags_and_withdrawals_of_both_merge(ada, bob):
    bob.podium("merge-driver", "install")
    bob.podium("tag", "add", "Classifier", "b", "--commit")
    ada.podium("tag", "add", "Classifier", "a", "--commit")
    ada.git("push", "-q", "origin", "HEAD:main")
    bob.git("pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
    assert bob.podium("show", "Classifier", "--format", "json").json["tags"] == ["b", "a"]
    clean(bob)


def test_no_program_is_taken_from_the_registry(ada, bob):
    bob.podium("merge-driver", "install")
    for place, tag in ((bob, "b"), (ada, "a")):
        place.podium("tag", "add", "Classifier", tag, "--commit")
    for name in ("podium", "click"):
        ada.write(f"{name}/__init__.py", "raise SystemExit(9)\n")
        bob.write(f"{name}/__init__.py", "raise SystemExit(9)\n")
    ada.commit("Ours to run")
    ada.git("push", "-q", "origin", "HEAD:main")
    bob.commit("Ours to run")
    bob.git("pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
    assert "<<<" not in bob.read(f"{MODEL}/model.yaml")


def test_a_card_is_merged_as_git_merges_text(ada, bob):
    bob.podium("merge-driver", "install")
    ada.write(f"{MODEL}/README.md", "first\n\n\n\nlast\n")
    ada.commit("A card")
    ada.git("push", "-q", "origin", "HEAD:main")
    bob.git("fetch", "-q")
    bob.git("reset", "-q", "--hard", "origin/main")
    for place, text in ((ada, "ada\n\n\n\nlast\n"), (bob, "first\n\n\n\nbob\n")):
        place.write(f"{MODEL}/README.md", text)
        place.commit("Change the card")
    ada.git("push", "-q", "origin", "HEAD:main")
    bob.git("fetch", "-q")
    bob.git("merge", "-q", "--no-edit", "origin/main")
    assert bob.read(f"{MODEL}/README.md") == "ada\n\n\n\nbob\n"


def test_what_somebody_edited_meanwhile_is_left(ada, bob):
    log(bob, "bob", "--link", "Other")
    advance(ada)
    bob.git("fetch", "-q")
    stopped(bob, "merge", "origin/main")
    bob.write("models/Other/versions/v0.yaml", "artifact: vision/resnet50\nversion: v0\n")
    bob.podium("check", "--fix")
    assert bob.read("models/Other/versions/v0.yaml").endswith("v0\n")
    assert bob.read(f"{ARTIFACT}/versions/v1.dvc") == ada.read(f"{ARTIFACT}/versions/v1.dvc")


def test_conflicts_without_a_merge_are_told_apart(ada, bob):
    bob.podium("promote", "Classifier:v0", "x", "--commit")
    bob.write(f"{MODEL}/aliases/x.yaml", "generation: 1\nversion: null\n")
    bob.git("stash", "-q")
    bob.write(f"{MODEL}/aliases/x.yaml", "generation: 7\nversion: v0\n")
    bob.commit("x")
    stopped(bob, "stash", "pop")
    assert "no merge is under way" in bob.podium("check", "--fix", code=1).err


# --- check --base --fix ---------------------------------------------------------------------------------------------


def test_a_revert_of_a_promotion_is_found_and_mended(ada, bob):
    log(ada, "two", "--link", "Classifier")
    ada.podium("promote", "Classifier:v1", "production", "--commit")
    ada.git("push", "-q", "origin", "HEAD:main")
    ada.git("switch", "-q", "-c", "back")
    ada.git("revert", "--no-edit", "HEAD")
    found = ada.podium("check", "--base", "main", "--format", "json", code=1).json
    assert [one["rule"] for one in found["findings"]] == ["alias-generation-next"]
    fixed = ada.podium("check", "--base", "main", "--fix")
    assert "mended models/Classifier/aliases/production.yaml" in fixed.err
    assert ada.read(f"{MODEL}/aliases/production.yaml") == "generation: 3\nversion: v0\n"
    ada.commit("Count the way back")
    clean(ada, "main")


def test_a_branch_that_is_behind_and_clashes_is_told_to_merge(ada, bob):
    log(bob, "bob", "--link", "Classifier")
    advance(ada)
    bob.git("fetch", "-q")
    said = bob.podium("check", "--base", "origin/main", "--fix", code=1)
    assert "vision/resnet50:v1 is now vision/resnet50:v2" in said.err
    assert "`git merge origin/main`, then `podium check --fix`" in said.err
    assert bob.git("status", "--porcelain") == ""


def test_a_gap_is_closed_with_what_refers_to_it(ada, bob):
    log(bob, "bob")
    record = bob.read(f"{ARTIFACT}/versions/v1.dvc").replace("path: v1", "path: v7")
    bob.write(f"{ARTIFACT}/versions/v7.dvc", record)
    (bob.root / ARTIFACT / "versions/v1.dvc").unlink()
    bob.write(f"{MODEL}/versions/v1.yaml", "artifact: vision/resnet50\nversion: v7\n")
    bob.commit("A gap")
    assert bob.podium("check", "--base", "main", code=1)
    bob.podium("check", "--base", "main", "--fix")
    bob.commit("Close it")
    assert resolved(bob, "Classifier:v1")[0] == "v1"
    clean(bob, "main")


def test_what_is_not_committed_is_not_overwritten(ada, bob):
    path = f"{MODEL}/aliases/production.yaml"
    bob.write(path, "generation: 7\nversion: null\n")
    bob.commit("Count wrong")
    bob.write(path, "generation: 9\nversion: null\n")
    assert "differ from the last commit" in bob.podium("check", "--base", "main", "--fix", code=1).err


def test_fix_is_for_checkouts_and_for_head(ada, origin):
    ada.podium("-R", str(origin.root), "check", "--fix", code=2)
    ada.podium("check", "--base", "main", "--head", "HEAD", "--fix", code=2)
    ada.podium("-R", str(origin.root), "merge-driver", "install", code=2)
