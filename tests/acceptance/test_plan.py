"""``podium plan`` as people and pull request checks type it: on checkouts and bare repositories, in three formats."""

import pytest

from podium.rules.examples import REGISTRY

ALIAS = "models/ImageClassifier/aliases/production.yaml"


@pytest.fixture
def registry(tmp_path, origin):
    """A checkout with models and policies, pushed, on a branch that promotes one version and puts it under staging."""
    from tests.acceptance.conftest import Place

    place = Place(tmp_path / "registry")
    Place(tmp_path).git("clone", "-q", str(origin.root), "registry")
    for path, text in REGISTRY.items():
        place.write(path, text)
    place.commit("Start")
    place.git("push", "-q", "origin", "HEAD:main")
    place.git("checkout", "-q", "-b", "work")
    return place


def test_the_effect_comes_first_and_a_clean_plan_exits_0(registry):
    registry.write("models/ImageClassifier/aliases/staging.yaml", "generation: 3\nversion: v0\n")
    head = registry.commit("Stage v0")
    said = registry.podium("plan", "main")
    assert said.out.startswith("ImageClassifier staging: v1 → v0\n")
    found = registry.podium("plan", "main", "--format", "json").json
    assert (found["ok"], found["head"], len(found["result"])) == (True, head, 40)
    assert found["undo"] == ["podium rollback ImageClassifier staging"]
    written = registry.podium("plan", "main", "work", "--format", "markdown").out
    assert written.startswith("<!-- podium-plan -->\n\n### Merging moves `ImageClassifier` `staging`: `v1` → `v0`\n")


def test_a_plan_that_breaks_a_rule_exits_1_in_every_format(registry):
    registry.write(ALIAS, "generation: 3\nversion: v0\n")
    registry.commit("Promote v0 too early")
    for form in ("text", "json", "markdown"):
        assert "alias-after" in registry.podium("plan", "main", "--format", form, code=1).out


def test_a_bare_repository_is_planned_at_its_default_branch_or_a_named_one(registry, origin):
    registry.write("models/ImageClassifier/aliases/staging.yaml", "generation: 3\nversion: v0\n")
    registry.commit("Stage v0")
    registry.git("push", "-q", "origin", "work")
    assert "nothing to judge" in registry.podium("-R", origin.root, "plan", "main").out
    assert "staging: v1 → v0" in registry.podium("-R", origin.root, "plan", "main", "work").out
    assert "staging: v1 → v0" in registry.podium("-R", f"file://{origin.root}", "plan", "main", "work").out


def test_a_conflict_cannot_be_merged(registry):
    registry.write(ALIAS, "generation: 3\nversion: null\n")
    registry.commit("Take production away")
    registry.git("checkout", "-q", "main")
    registry.write(ALIAS, "generation: 3\nversion: v0\n")
    registry.commit("Promote v0")
    found = registry.podium("plan", "main", "work", "--format", "json", code=1).json
    assert found["conflicts"] == [ALIAS]
    assert "Cannot be merged" in registry.podium("plan", "main", "work", "--format", "markdown", code=1).out


def test_what_cannot_be_told_is_exit_3_and_what_is_not_there_exit_1(registry):
    registry.git("checkout", "-q", "--orphan", "alone")
    registry.commit("Another start")
    assert "no common ancestor" in registry.podium("plan", "main", code=3).err
    said = registry.podium("plan", "nowhere", "--format", "json", code=1)
    assert (said.out, "nowhere" in said.err) == ("", True)


def test_a_later_promotion_back_is_a_rollback(registry):
    registry.write("models/ImageClassifier/aliases/staging.yaml", "generation: 3\nversion: v0\n")
    registry.commit("Stage v0")
    registry.git("checkout", "-q", "-b", "back")
    registry.write("models/ImageClassifier/aliases/staging.yaml", "generation: 4\nversion: v1\n")
    registry.commit("Back to v1")
    assert "staging: v0 → v1  ROLLBACK" in registry.podium("plan", "work").out
