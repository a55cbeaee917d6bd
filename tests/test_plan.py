"""plan.py and its text and JSON: what a change means, by steps between registries in memory."""

import pytest

from podium import codec, plan, review, rules
from podium.errors import Unavailable
from podium.history import Difference, Step
from podium.render import comment
from podium.render import plan as render
from podium.rules import examples
from podium.tree import MemoryTree

BASE, HEAD, RESULT = "1" * 40, "2" * 40, "3" * 40
PRODUCTION = "models/ImageClassifier/aliases/production.yaml"
STAGING = "models/ImageClassifier/aliases/staging.yaml"
LINK = {"models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v2\n"}
STRICT = examples.REGISTRY["registry.yaml"].replace("min: 0.9", "min: 0.9, max_drop: 0.005, max_rise: 0.01")


def moved(version, generation=3):
    return f"generation: {generation}\nversion: {version}\n"


def step(change, before=None, earlier=lambda model, alias: frozenset()):
    old, new = (codec.read(examples.tree(files)) for files in (before or {}, {**(before or {}), **change}))
    paths = sorted({*old.tree.files, *new.tree.files})
    differing = [path for path in paths if old.tree.files.get(path) != new.tree.files.get(path)]
    assert isinstance(old.tree, MemoryTree)
    return Step(old, new, tuple(Difference(p, old.tree.entry(p), new.tree.entry(p)) for p in differing), earlier)


def planned(change, before=None, earlier=lambda model, alias: frozenset()):
    made = step(change, before, earlier)
    found = rules.judge_step(made)
    return plan.of(review.Reviewed(BASE, HEAD, RESULT, made, review.Checked(found.findings, None, 1, 0)))


def test_a_promotion_is_said_with_its_metrics_gates_reviewers_and_way_back():
    found = planned({PRODUCTION: moved("v0")}, {STAGING: moved("v0", 2)})
    assert found.ok
    assert render.value(found)["changes"] == [
        {
            "kind": "alias-moved",
            "name": "ImageClassifier",
            "alias": "production",
            "from": "v1",
            "to": "v0",
            "generation": 3,
            "metrics": {"accuracy": {"from": 0.93, "to": 0.93, "delta": 0.0}},
            "params": {},
            "metadata": {"license": {"from": "apache-2.0", "to": "apache-2.0"}},
            "files": {"added": [], "removed": ["config.json"], "changed": ["model.safetensors"]},
            "size": {"from": 8, "to": 5},
            "path": PRODUCTION,
            "rollback": False,
            "gates": [
                {"asks": asks, "met": True, "unmet": None}
                for asks in (
                    "was under staging before",
                    "accuracy at least 0.9",
                    "states license",
                    "no files *.pkl",
                    "has a model card",
                )
            ],
        }
    ]
    assert render.value(found)["reviewers"] == [
        {"who": "@acme/ml-leads", "why": "approves production", "paths": [PRODUCTION]},
        {"who": "@acme/vision", "why": "owns ImageClassifier", "paths": [PRODUCTION]},
    ]
    assert found.undo == ("podium rollback ImageClassifier production",)
    assert render.text(found).startswith("ImageClassifier production: v1 → v0\n")


def test_gates_say_what_the_rules_find():
    weak = {"artifacts/vision/resnet50/versions/v3.dvc": examples.record("v3", {"m.pkl": b"x"}, accuracy=0.5)}
    before = {
        "registry.yaml": STRICT,
        **weak,
        "models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v3\n",
    }
    found = planned({PRODUCTION: moved("v2")}, before)
    assert not found.ok
    unmet = [gate.asks for gate in found.moves[0].gates if not gate.met]
    assert unmet == [
        "was under staging before",
        "accuracy at least 0.9",
        "accuracy drops by at most 0.005",
        "no files *.pkl",
    ]
    assert {finding.rule for finding in found.findings} >= {
        "alias-after",
        "alias-requires-metrics",
        "alias-requires-files",
    }
    text = render.text(found)
    assert "NOT MET: accuracy drops by at most 0.005 (accuracy drops from 0.93 to 0.5, by more than 0.005)" in text
    assert "❌ **Do not merge yet:**" in comment.markdown(found)


def test_a_rollback_is_called_one_and_need_not_come_after_others():
    found = planned({PRODUCTION: moved("v0")}, {"registry.yaml": STRICT}, lambda model, alias: frozenset({"v0"}))
    assert found.moves[0].rollback
    assert "was under staging before" not in [gate.asks for gate in found.moves[0].gates]
    assert "accuracy drops by at most 0.005" not in [gate.asks for gate in found.moves[0].gates]
    assert "ROLLBACK" in render.text(found)
    assert "**ROLLBACK**" in comment.markdown(found)
    assert found.undo == ("podium promote ImageClassifier:v1 production",)


def test_history_that_a_shallow_clone_hides_is_not_taken_for_none():
    def hidden(model, alias):
        raise Unavailable("not in this shallow clone", "fetch the rest")

    with pytest.raises(Unavailable):
        planned({PRODUCTION: moved("v0")}, earlier=hidden)


def test_aliases_that_begin_and_end():
    ends = planned({STAGING: "generation: 3\nversion: null\n"})
    assert [(each.kind, each.before, each.after) for each in ends.changes] == [("alias-removed", "v1", None)]
    assert ends.undo == ("podium promote ImageClassifier:v1 staging",)
    assert "takes `staging` away from `ImageClassifier`" in comment.markdown(ends)
    begins = planned({"models/ImageClassifier/aliases/canary.yaml": moved("v0", 1)})
    assert begins.undo == ("podium unalias ImageClassifier canary",)
    assert "points `ImageClassifier` `canary` at `v0`" in comment.markdown(begins)


def test_a_guarded_alias_comes_first():
    found = planned(
        {"models/ImageClassifier/aliases/canary.yaml": moved("v0", 1), STAGING: moved("v0"), PRODUCTION: moved("v0")}
    )
    assert found.moves[0].change.alias == "production"


def test_latest_is_said_to_move():
    found = planned(LINK)
    assert found.latest == (plan.Latest("ImageClassifier", "v1", "v2"),)
    assert "ImageClassifier:latest: v1 → v2" in render.text(found)
    assert "### Merging means: `ImageClassifier:v2` is linked to `vision/resnet50:v2`" in comment.markdown(found)


def test_a_withdrawal_is_undone_before_the_move():
    about = "description: Labels product photographs\nowners: ['@acme/vision']\n"
    found = planned(
        {
            "models/ImageClassifier/model.yaml": f"{about}withdrawn:\n  v1: its licence ended\n",
            PRODUCTION: moved("v0"),
            STAGING: moved("v0"),
        }
    )
    assert found.undo == (
        "podium restore ImageClassifier:v1",
        "podium rollback ImageClassifier production",
        "podium rollback ImageClassifier staging",
        "podium tag add ImageClassifier image-classification",
    )


def test_a_looser_policy_says_what_it_no_longer_asks_and_who_approves():
    looser = examples.REGISTRY["registry.yaml"].replace("min: 0.9", "min: 0.5").replace("card: true", "card: false")
    found = planned({"registry.yaml": looser})
    assert render.effect(found.changes[0]) == (
        "policy of production: no longer asks: accuracy at least 0.9; no longer asks: has a model card; "
        "now asks: accuracy at least 0.5"
    )
    why = "approves production, whose policy changes"
    assert found.reviewers == (plan.Reviewer("@acme/ml-leads", why, ("registry.yaml",)),)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".dvc/config", "changes where the bytes are"),
        (".gitattributes", "changes how Git merges and stores files"),
        (".gitlab/CODEOWNERS", "changes who must review"),
        (".github/workflows/check.yml", "changes which checks run"),
        ("models/ImageClassifier/notes.txt", "changes in a way that has no meaning in the format"),
    ],
)
def test_files_around_the_registry_are_named_with_who_should_look(path, why):
    found = planned({path: "x\n"})
    assert [(each.kind, each.name) for each in found.changes] == [("other", path)]
    assert plan.Reviewer(plan.MAINTAINER, why, (path,)) in found.reviewers


def test_files_elsewhere_are_counted_and_not_judged():
    found = planned({"train.py": "x\n", "docs/index.md": "x\n"})
    assert (found.changes, found.elsewhere, found.ok) == ((), 2, True)
    assert "2 files outside the registry" in render.text(found)
    assert "Merging changes nothing in the registry" in comment.markdown(found)


def test_a_file_that_cannot_be_read_is_listed_and_does_not_stop_the_plan():
    found = planned({PRODUCTION: "generation: [\n", "models/ImageClassifier/model.yaml": "- no mapping\n"})
    assert not found.ok
    assert {each.kind for each in found.changes} == {"other"}
    assert comment.markdown(found)
    assert render.text(found)
