"""Steps: the rules of history and policy, and what is charged to a change."""

import random
from pathlib import Path

import pytest
from benchmarks import generate

from podium import codec, rules
from podium.checks import Rule
from podium.errors import Error
from podium.history import Difference, Step
from podium.rules import examples, touched
from podium.tree import MemoryTree, walk
from tests.acceptance import histories
from tests.counting import Counting

MODEL = "models/ImageClassifier"
ARTIFACT = "artifacts/vision/resnet50"
STEP_RULES = [rule for rule in rules.ALL if type(rule).in_step is not Rule.in_step]


def tree(*layers):
    files = {}
    for layer in layers:
        files |= layer
    return examples.tree(files)


def step(before, after, earlier=()):
    """Make a step between two trees in memory, comparing every file."""
    old, new = dict(walk(before, "")), dict(walk(after, ""))
    paths = [
        path
        for path in sorted({*old, *new})
        if path not in old
        or path not in new
        or old[path].mode != new[path].mode
        or before.read(path) != after.read(path)
    ]
    differences = tuple(Difference(path, old.get(path), new.get(path)) for path in paths)
    return Step(codec.read(before), codec.read(after), differences, lambda model, alias: frozenset(earlier))


def findings(before=None, after=None, earlier=(), severity=None):
    """Judge what a change to the example makes of it."""
    start = tree(before or {})
    report = rules.judge_step(step(start, tree(before or {}, after or {}), earlier))
    return [(f.rule, f.path) for f in report.findings if severity in (None, f.severity)]


@pytest.mark.parametrize(
    "rule",
    [rule for rule in STEP_RULES if getattr(rule, "bad", {}) and hasattr(rule, "before")],
    ids=lambda rule: rule.id,
)
def test_the_examples_of_a_rule_on_steps_show_it(rule):
    assert findings(rule.before, rule.good, severity="error") == []
    assert {rule_id for rule_id, _ in findings(rule.before, rule.bad)} == {rule.id}


def test_a_step_that_changes_nothing_has_no_findings():
    assert findings() == []


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ({f"{ARTIFACT}/versions/v1.dvc": examples.record("v1", {"m": b"x"})}, f"{ARTIFACT}/versions/v1.dvc"),
        ({f"{ARTIFACT}/versions/v2.dvc": None}, f"{ARTIFACT}/versions/v2.dvc"),
        (
        {f"{MODEL}/versions/v0.yaml": ("artifact: vision/resnet50\nversion: v0\n", 0o100755)},
        f"{MODEL}/versions/v0.yaml",
    ),
        ({f"{MODEL}/versions/v0.yaml": "artifact: [\n"}, f"{MODEL}/versions/v0.yaml"),
    ],
)  # fmt: skip
def test_whatever_happens_to_a_version_is_found_once(after, found):
    assert findings(after=after) == [("version-written-once", found)]


def test_a_renamed_version_is_a_version_taken_away():
    record = examples.REGISTRY[f"{ARTIFACT}/versions/v2.dvc"].replace("path: v2", "path: v3")
    after = {f"{ARTIFACT}/versions/v2.dvc": None, f"{ARTIFACT}/versions/v3.dvc": record}
    assert findings(after=after) == [("version-written-once", f"{ARTIFACT}/versions/v2.dvc")]


def test_a_gap_is_found_once():
    after = {f"{MODEL}/versions/v7.yaml": "artifact: vision/resnet50\nversion: v2\n"}
    assert findings(after=after) == [("version-number-next", f"{MODEL}/versions/v7.yaml")]


def test_several_new_versions_may_follow_each_other():
    after = {
        f"{ARTIFACT}/versions/v3.dvc": examples.record("v3", {"m": b"3"}),
        f"{ARTIFACT}/versions/v4.dvc": examples.record("v4", {"m": b"4"}),
    }
    assert findings(after=after) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("generation: 3\nversion: v0\n", None),
        ("generation: 2\nversion: v0\n", "alias-generation-next"),
        ("generation: 4\nversion: v0\n", "alias-generation-next"),
        ("generation: 3\nversion: v1\n", "alias-generation-next"),
        ("generation: 1\nversion: v1\n", "alias-generation-next"),
        ("generation: 3\nversion: null\n", None),
        (None, "entity-kept"),
    ],
)
def test_an_alias_counts_its_moves(text, rule):
    found = findings(after={f"{MODEL}/aliases/staging.yaml": text}, severity="error")
    assert found == ([] if rule is None else [(rule, f"{MODEL}/aliases/staging.yaml")])


def test_a_new_alias_begins_with_one():
    assert findings(after={f"{MODEL}/aliases/canary.yaml": "generation: 1\nversion: v0\n"}) == []
    found = findings(after={f"{MODEL}/aliases/canary.yaml": "generation: 2\nversion: v0\n"})
    assert found == [("alias-generation-next", f"{MODEL}/aliases/canary.yaml")]


def test_a_model_that_disappears_is_found_once():
    gone = {path: None for path in examples.REGISTRY if path.startswith(MODEL)}
    assert findings(after=gone) == [("entity-kept", f"{MODEL}/model.yaml")]


def test_the_entity_is_kept():
    settings = examples.REGISTRY["registry.yaml"].replace("entity: acme", "entity: other")
    assert findings(after={"registry.yaml": settings}) == [("entity-kept", "registry.yaml")]


def policy(text):
    """Give registry.yaml with this under ``requires`` of production, and nothing that comes before it."""
    head = "apiVersion: podium/v1\nentity: acme\ntags:\n  image-classification: x\n"
    return {"registry.yaml": f"{head}aliases:\n  production:\n    requires:\n{text}", ".github/CODEOWNERS": None}


def promoted(accuracy, contents=None, extra=""):
    """Give a new version with this accuracy, linked and promoted to production."""
    record = examples.record("v3", contents or {"m.safetensors": b"new"}, accuracy)
    return {
        f"{ARTIFACT}/versions/v3.dvc": record,
        f"{MODEL}/versions/v2.yaml": "artifact: vision/resnet50\nversion: v3\n",
        f"{MODEL}/aliases/production.yaml": f"generation: 3\nversion: v2\n{extra}",
    }


PRODUCTION = f"{MODEL}/aliases/production.yaml"


@pytest.mark.parametrize(
    ("requires", "accuracy", "rule"),
    [
        ("      metrics: {accuracy: {min: 0.9}}\n", 0.9, None),
        ("      metrics: {accuracy: {min: 0.9}}\n", 0.8999, "alias-requires-metrics"),
        ("      metrics: {accuracy: {max_drop: 0.01}}\n", 0.92, None),
        ("      metrics: {accuracy: {max_drop: 0.01}}\n", 0.9199, "alias-requires-metrics"),
        ("      metrics: {accuracy: {max_rise: 0.01}}\n", 0.95, "alias-requires-metrics"),
        ("      metrics: {f1: {}}\n", 0.99, "alias-requires-metrics"),
        ("      metadata: [license]\n", 0.9, None),
        ("      metadata: [dataset]\n", 0.9, "alias-requires-metadata"),
        ('      files: {allow: ["*.onnx"]}\n', 0.9, "alias-requires-files"),
        ('      files: {deny: ["*.SAFETENSORS"]}\n', 0.9, "alias-requires-files"),
        ("      files: {max_size: 2}\n", 0.9, "alias-requires-files"),
    ],
)
def test_a_promotion_meets_its_policy(requires, accuracy, rule):
    found = findings(policy(requires), promoted(accuracy))
    assert found == ([] if rule is None else [(rule, PRODUCTION)])


def test_a_change_is_judged_by_the_stricter_of_base_and_result():
    strict, loose = policy("      metrics: {accuracy: {min: 0.9}}\n"), policy("      metrics: {accuracy: {min: 0.1}}\n")
    assert findings(strict, loose | promoted(0.5)) == [
        ("alias-requires-metrics", PRODUCTION),
        ("policy-alone", "registry.yaml"),
    ]
    assert findings(loose, strict | promoted(0.5)) == [
        ("alias-requires-metrics", PRODUCTION),
        ("policy-alone", "registry.yaml"),
    ]


def test_a_tightened_policy_is_not_charged_to_what_holds_the_alias():
    assert (
        findings(policy("      card: true\n"), policy("      metrics: {accuracy: {min: 0.99}}\n"), severity="error")
        == []
    )


def test_a_rollback_needs_no_detour_and_may_drop():
    before = {
        PRODUCTION: "generation: 5\nversion: v1\n",
        f"{MODEL}/aliases/staging.yaml": "generation: 9\nversion: v1\n",
    }
    back = {PRODUCTION: "generation: 6\nversion: v0\n"}
    assert findings(before, back) == [("alias-after", PRODUCTION)]
    assert findings(before, back, earlier=["v0"]) == []


def test_a_card_that_goes_is_charged_to_the_alias_that_needs_it():
    assert findings(after={f"{MODEL}/README.md": None}, severity="error") == [("alias-requires-card", PRODUCTION)]
    assert findings(after={f"{MODEL}/README.md": " \n"}, severity="error") == [("alias-requires-card", PRODUCTION)]


def test_a_word_that_leaves_the_vocabulary_is_charged_where_it_is_used():
    settings = examples.REGISTRY["registry.yaml"].replace("image-classification: Assigns", "other: Assigns")
    assert findings(after={"registry.yaml": settings}) == [("tag-in-vocabulary", f"{MODEL}/model.yaml")]


def test_a_withdrawal_in_an_artifact_is_charged_where_an_alias_reaches_it():
    about = "description: ResNet-50\nwithdrawn:\n  v1: bad\n"
    found = findings({f"{ARTIFACT}/aliases/best.yaml": None}, {f"{ARTIFACT}/artifact.yaml": about}, severity="error")
    assert {rule for rule, _ in found} == {"alias-target-withdrawn"}
    assert {path for _, path in found} == {PRODUCTION, f"{MODEL}/aliases/staging.yaml"}


def test_a_loosened_team_schema_does_not_help_the_change_that_loosens_it():
    team = '{"properties": {"meta": {"required": ["metadata"], "properties": {"metadata": {"required": ["dataset"]}}}}}'
    loose = '{"properties": {}}'
    before = {"schemas/team/version.schema.json": team}
    new = {f"{ARTIFACT}/versions/v3.dvc": examples.record("v3", {"m": b"3"})}
    assert findings(before, new) == [("team-schema", f"{ARTIFACT}/versions/v3.dvc")]
    assert findings(before, new | {"schemas/team/version.schema.json": loose}) == [
        ("team-schema", f"{ARTIFACT}/versions/v3.dvc")
    ]


def test_what_was_wrong_before_is_not_charged():
    broken = {f"{MODEL}/aliases/canary.yaml": "generation: 1\nversion: v9\n"}
    assert findings(broken, {f"{MODEL}/model.yaml": "description: new\n"}, severity="error") == []


def test_twins_in_case_are_found_between_new_and_old():
    after = {"models/imageclassifier/model.yaml": 'description: x\nowners: ["@a/b"]\n'}
    assert {rule for rule, _ in findings(after=after)} == {"name-unique-ignoring-case"}


def test_many_standing_findings_hide_no_new_one():
    standing = "".join(f"  v{number}: none\n" for number in range(10, 610))
    about = f"description: ResNet-50\nwithdrawn:\n{standing}"
    found = findings({f"{ARTIFACT}/artifact.yaml": about}, {f"{ARTIFACT}/artifact.yaml": f"{about}  v700: none\n"})
    assert ("withdrawn-version-exists", f"{ARTIFACT}/artifact.yaml") in found


# --- what a step costs ----------------------------------------------------------------------------------------------


def reads_of_a_step(versions, per_artifact):
    """Judge one promotion and one new version of a registry of some size; give how often its files are read."""
    files = dict(generate.files(versions, per_artifact, Path("/store")))
    name, number = "project-0/line-0", f"v{per_artifact}"
    logged = codec.write.record(generate.record(random.Random(1), 1), number)
    files_after = files | {
        f"artifacts/{name}/versions/{number}.dvc": codec.encode("version", logged),
        "models/Model-0/aliases/new.yaml": b"generation: 1\nversion: v0\n",
    }
    before, after = Counting(MemoryTree(files)), Counting(MemoryTree(files_after))
    changed = [path for path in files_after if path not in files]
    entries = [Difference(path, None, after.entry(path)) for path in sorted(changed)]
    report = rules.judge_step(Step(codec.read(before), codec.read(after), tuple(entries)))
    assert report.findings == ()
    assert report.files == 2
    return before.reads + after.reads


def test_what_a_step_reads_does_not_depend_on_how_large_the_registry_is():
    assert reads_of_a_step(20, 10) == reads_of_a_step(200, 10)


def test_of_an_artifact_with_many_versions_a_step_reads_each_record_about_once():
    reads = reads_of_a_step(60, 60)
    others = {
        path: n for path, n in reads.items() if path.endswith(".dvc") and not path.endswith(("/v0.dvc", "/v60.dvc"))
    }
    assert set(others.values()) == {1}


def everything(parts):
    """Have every unit that a step touches judged whole."""
    return lambda step, *, same_ground: ((unit, None) for unit, _ in parts(step, same_ground=same_ground))


def verdict(before, after, differences):
    try:
        return rules.judge_step(Step(codec.read(before), codec.read(after), differences)).findings
    except Error as error:
        return str(error)


@pytest.mark.parametrize("seed", range(60))
def test_judging_what_changed_finds_what_judging_all_that_is_touched_finds(seed, monkeypatch):
    chance = histories.Chance(random.Random(seed))
    files = histories.laid(chance.registry(), *(chance.hostile(histories.START) for _ in range(seed % 3)))
    changes = [chance.change(histories.START) if n % 2 else chance.hostile(files) for n in range(seed % 4 + 1)]
    before, after = MemoryTree(files), MemoryTree(histories.laid(files, *changes))
    old, new = dict(walk(before, "")), dict(walk(after, ""))
    differences = tuple(
        Difference(path, old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if before.files.get(path) != after.files.get(path)
    )
    found = verdict(before, after, differences)
    monkeypatch.setattr(touched, "parts", everything(touched.parts))
    assert found == verdict(before, after, differences)
