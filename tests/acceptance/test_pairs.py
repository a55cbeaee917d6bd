"""Two changes made at the same time, merged by git in both orders: each pair conflicts, is found, or is right."""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest

from podium import codeowners
from podium.rules import examples
from podium.tree import EXECUTABLE, LINK, SUBMODULE
from tests.acceptance import histories as h
from tests.acceptance.histories import (
    ARTIFACT,
    CANARY,
    MODEL,
    STAGING,
    START,
    by,
    create,
    link,
    log,
    promote,
    raw,
    replaced,
    restore,
    tag,
    unalias,
    withdraw,
)

IC = "ImageClassifier"
RESNET = "vision/resnet50"
YOLO = "vision/yolo"
STRICTER = replaced("registry.yaml", "min: 0.9}", "min: 0.95}")
METADATA = replaced("registry.yaml", "metadata: [license]", "metadata: [license, dataset]")
NO_SAFETENSORS = replaced("registry.yaml", '["*.pkl"]', '["*.pkl", "*.safetensors"]')
TEAM = raw({"schemas/team/version.schema.json": '{"properties": {"meta": {"required": ["source"]}}}\n'})
LINK_TEAM = raw({"schemas/team/link.schema.json": '{"properties": {"artifact": {"pattern": "^speech/"}}}\n'})
NO_TAG = replaced(
    "registry.yaml", "tags:\n  image-classification: Assigns one label to an image\n", "tags: {other: x}\n"
)
DETECTION = replaced("registry.yaml", "tags:\n", "tags:\n  detection: Finds things\n")
DETECTOR = "models/Detector"
GONE = {path: None for path in START if path.startswith(MODEL)}
RENAMED = GONE | {path.replace(MODEL, "models/Renamed"): START[path] for path in GONE}
ARTIFACT_GONE = {path: None for path in START if path.startswith(ARTIFACT)}
ARTIFACT_RENAMED = ARTIFACT_GONE | {
    path.replace(ARTIFACT, "artifacts/vision/net"): START[path] for path in ARTIFACT_GONE
}
VERSIONS_GONE = {path: None for path in START if path.startswith(f"{MODEL}/versions/")}
VERSIONS_RENAMED = VERSIONS_GONE | {path.replace("/versions/", "/old/"): START[path] for path in VERSIONS_GONE}
DETECTOR_CARD_GONE = raw({f"{DETECTOR}/README.md": None})
PROMOTE_DETECTOR = by(promote("Detector:v0", "production"))


def canary_policy(files):
    """Give canary approvers, with the block of CODEOWNERS that follows from it."""
    settings = files["registry.yaml"].decode() + '  canary:\n    approvers: ["@acme/sre"]\n'
    block = files[".github/CODEOWNERS"].decode()
    line = f"/models/*/aliases/canary.yaml @acme/sre\n{'/models/*/aliases/production.yaml'}"
    return {
        "registry.yaml": settings.encode(),
        ".github/CODEOWNERS": block.replace("/models/*/aliases/production.yaml", line).encode(),
    }


LONG_CODEOWNERS = {
    ".github/CODEOWNERS": START[".github/CODEOWNERS"] + b"".join(b"/docs/%d/ @acme/writers\n" % n for n in range(9))
}
CANARY_HELD = {CANARY: b"generation: 4\nversion: v0\n"}
WITHDRAWN = {
    f"{MODEL}/model.yaml": START[f"{MODEL}/model.yaml"] + b"withdrawn:\n  v0: its licence ended\n",
}
UNION = {".gitattributes": b"*.yaml merge=union\n"}
RIGHT, CONFLICT = "right", "conflict"
LATE = "right, since what is there already is not charged: "
WITHDRAWN_TARGET = "alias-target-withdrawn"
MADE_ANEW = "alias-after, alias-generation-next, entity-kept"
"""A model under a new name has no history: nothing was staged, and its aliases begin to count."""

PAIRS = [
    # what the second one may not see in the first one
    ("an alias moves, its version is withdrawn", by(promote(f"{IC}:v0", "canary")), by(withdraw(f"{IC}:v0")), WITHDRAWN_TARGET, WITHDRAWN_TARGET),
    ("an alias moves, its version is withdrawn in the artifact", by(promote(f"{IC}:v0", "canary")), by(withdraw(f"{RESNET}:v0")), WITHDRAWN_TARGET, WITHDRAWN_TARGET),
    ("an artifact's alias moves, its version is withdrawn", by(promote(f"{RESNET}:v3", "newest")), by(withdraw(f"{RESNET}:v3")), WITHDRAWN_TARGET, WITHDRAWN_TARGET),
    ("an alias leaves a version, which is withdrawn", by(promote(f"{IC}:v2", "canary")), raw({f"{MODEL}/model.yaml": WITHDRAWN[f"{MODEL}/model.yaml"]}), RIGHT, f"first: {WITHDRAWN_TARGET}", CANARY_HELD),
    ("a version is linked, it is withdrawn in the artifact", by(link(f"{RESNET}:v3", IC)), by(withdraw(f"{RESNET}:v3")), RIGHT, "link-target-withdrawn"),
    ("a version is linked and promoted, it is withdrawn in the artifact", by(link(f"{RESNET}:v3", IC), promote(f"{IC}:v3", "canary")), by(withdraw(f"{RESNET}:v3")), WITHDRAWN_TARGET, f"{WITHDRAWN_TARGET}, link-target-withdrawn"),
    ("a new model links a version, it is withdrawn", by(link(f"{RESNET}:v3", "Other"), promote("Other:v0", "canary")), by(withdraw(f"{RESNET}:v3")), WITHDRAWN_TARGET, f"{WITHDRAWN_TARGET}, link-target-withdrawn"),
    ("a tag leaves the vocabulary, a model takes it", by(tag("Detector", add=["image-classification"])), h.both(by(tag(IC, remove=["image-classification"])), NO_TAG), "tag-in-vocabulary", "tag-in-vocabulary"),
    ("a tag leaves the vocabulary, a new model has it", raw({"models/New/model.yaml": 'description: x\nowners: ["@a/b"]\ntags: [image-classification]\n'}), h.both(by(tag(IC, remove=["image-classification"])), NO_TAG), "tag-in-vocabulary", "tag-in-vocabulary"),
    ("a tag joins the vocabulary, another tag is used", DETECTION, by(tag("Detector", add=["image-classification"])), RIGHT, RIGHT),
    ("a policy gets stricter, an alias moves: metrics", STRICTER, by(promote(f"{IC}:v2", "production")), "alias-requires-metrics", RIGHT),
    ("a policy gets stricter, an alias moves: metadata", METADATA, by(promote(f"{IC}:v2", "production")), "alias-requires-metadata", RIGHT),
    ("a policy gets stricter, an alias moves: files", NO_SAFETENSORS, by(promote(f"{IC}:v2", "production")), "alias-requires-files", RIGHT),
    ("a policy gets stricter, an alias is made", h.both(canary_policy, replaced("registry.yaml", '["@acme/sre"]\n', '["@acme/sre"]\n    after: [staging]\n')), by(promote(f"{IC}:v0", "canary")), "alias-after", RIGHT),
    ("a policy gets stricter, an alias goes", STRICTER, by(unalias(IC, "production")), RIGHT, RIGHT),
    ("a policy gets stricter, a version is logged", STRICTER, by(log(RESNET, b"new")), RIGHT, RIGHT),
    ("two policies of one alias get stricter", STRICTER, METADATA, CONFLICT, CONFLICT),
    ("a card goes, an alias that needs one moves", DETECTOR_CARD_GONE, PROMOTE_DETECTOR, "alias-requires-card", "alias-requires-card"),
    ("a card is emptied, an alias that needs one moves", raw({f"{DETECTOR}/README.md": " \n"}), PROMOTE_DETECTOR, "alias-requires-card", "alias-requires-card"),
    ("a card is written, an alias moves", raw({f"{DETECTOR}/README.md": "More.\n"}), PROMOTE_DETECTOR, RIGHT, RIGHT),
    ("the alias before it goes, an alias moves on", by(unalias(IC, "staging")), by(promote(f"{IC}:v2", "production")), "alias-after", RIGHT),
    ("the alias before it moves away, an alias moves on", by(promote(f"{IC}:v0", "staging")), by(promote(f"{IC}:v2", "production")), "alias-after", RIGHT),
    ("a team's schema asks for more, a version is logged", TEAM, by(log(RESNET, b"new")), "team-schema", f"{LATE}team-schema"),
    ("a team's schema asks for more, a version is linked", LINK_TEAM, by(link(f"{RESNET}:v3", IC)), "team-schema", f"{LATE}team-schema"),
    # names
    ("two new models differ in case", by(create("Fraud")), by(create("fraud")), "name-unique-ignoring-case", "name-unique-ignoring-case"),
    ("two new projects differ in case", by(create("Audio/whisper")), by(create("audio/other")), "name-unique-ignoring-case", "name-unique-ignoring-case"),
    ("two new artifacts differ in case", by(create("vision/Net")), by(create("vision/net")), "name-unique-ignoring-case", "name-unique-ignoring-case"),
    ("two new aliases differ in case", by(promote(f"{IC}:v0", "Shadow")), by(promote(f"{IC}:v1", "shadow")), "name-unique-ignoring-case", "name-unique-ignoring-case"),
    ("a model is made twice, the same", by(create("Fraud")), by(create("Fraud")), RIGHT, RIGHT),
    ("a model is made twice, otherwise", by(create("Fraud", "Finds fraud")), by(create("Fraud", "Finds it")), CONFLICT, CONFLICT),
    ("two models are made", by(create("Fraud")), by(create("Churn")), RIGHT, RIGHT),
    ("a file is where the other makes a folder", raw({"models/Fraud": "notes\n"}), by(create("Fraud")), "first: unknown-file", CONFLICT),
    ("a submodule is where the other makes a folder", raw({"models/Fraud": ("1" * 40, SUBMODULE)}), by(create("Fraud")), "first: unknown-file", CONFLICT),
    # numbers and contents
    ("both log the same number", by(log(RESNET, b"one")), by(log(RESNET, b"two")), CONFLICT, CONFLICT),
    ("both log the same content", by(log(RESNET, b"one")), by(log(RESNET, b"one")), RIGHT, RIGHT),
    ("both log the same content with other metrics", by(log(RESNET, b"one")), by(log(RESNET, b"one", metrics={"accuracy": 0.99})), CONFLICT, CONFLICT),
    ("one logs a content as v4, the other as v5", by(log(RESNET, b"one")), by(log(RESNET, b"two"), log(RESNET, b"one")), CONFLICT, CONFLICT),
    ("one logs one, the other the same and one more", by(log(RESNET, b"one")), by(log(RESNET, b"one"), log(RESNET, b"two")), RIGHT, RIGHT),
    ("both log to different artifacts", by(log(RESNET, b"one")), by(log(YOLO, b"one")), RIGHT, RIGHT),
    ("a version is logged by hand under a far number", by(log(RESNET, b"one")), raw({f"{ARTIFACT}/versions/v5.dvc": examples.record("v5", {"m": b"x"})}), RIGHT, "first: version-number-next"),
    ("both link the same version", by(link(f"{RESNET}:v3", IC)), by(link(f"{RESNET}:v3", IC)), RIGHT, RIGHT),
    ("both link, other versions", by(link(f"{RESNET}:v3", IC)), by(link(f"{YOLO}:v0", IC)), CONFLICT, CONFLICT),
    ("both link the same version as other numbers", by(link(f"{RESNET}:v3", IC)), by(link(f"{YOLO}:v0", IC), link(f"{RESNET}:v3", IC)), CONFLICT, CONFLICT),
    ("both link the same version to other models", by(link(f"{RESNET}:v3", IC)), by(link(f"{RESNET}:v3", "Detector")), RIGHT, RIGHT),
    ("a version is linked, another is logged", by(link(f"{RESNET}:v3", IC)), by(log(RESNET, b"new")), RIGHT, RIGHT),
    # aliases
    ("an alias moves to two versions", by(promote(f"{IC}:v0", "staging")), by(promote(f"{IC}:v1", "staging")), CONFLICT, CONFLICT),
    ("an alias moves to one version twice", by(promote(f"{IC}:v0", "staging")), by(promote(f"{IC}:v0", "staging")), RIGHT, RIGHT),
    ("a new alias on two versions", by(promote(f"{IC}:v0", "canary")), by(promote(f"{IC}:v1", "canary")), CONFLICT, CONFLICT),
    ("an alias goes, and moves", by(unalias(IC, "staging")), by(promote(f"{IC}:v0", "staging")), CONFLICT, CONFLICT),
    ("an alias goes twice", by(unalias(IC, "staging")), by(unalias(IC, "staging")), RIGHT, RIGHT),
    ("an alias of two models", by(promote(f"{IC}:v0", "canary")), by(promote("Detector:v0", "canary")), RIGHT, RIGHT),
    ("two aliases of one model", by(promote(f"{IC}:v0", "canary")), by(promote(f"{IC}:v2", "production")), RIGHT, RIGHT),
    ("an alias moves, its file gets a comment", by(promote(f"{IC}:v0", "staging")), raw({STAGING: b"# for the load test\n" + START[STAGING]}), CONFLICT, CONFLICT),
    ("an alias moves, its file gets executable", by(promote(f"{IC}:v0", "staging")), raw({STAGING: (START[STAGING], EXECUTABLE)}), "unknown-file", "first: unknown-file"),
    ("an alias moves, its file becomes a link", by(promote(f"{IC}:v0", "staging")), raw({STAGING: (b"production.yaml", LINK)}), CONFLICT, "first: unknown-file"),
    ("an alias moves, its file goes", by(promote(f"{IC}:v0", "staging")), raw({STAGING: None}), CONFLICT, "first: entity-kept"),
    # withdrawals and descriptions
    ("two versions of one model are withdrawn", by(withdraw(f"{RESNET}:v3")), by(withdraw(f"{RESNET}:v3", "wrong data")), CONFLICT, CONFLICT),
    ("a version is withdrawn twice, the same", by(withdraw(f"{RESNET}:v3")), by(withdraw(f"{RESNET}:v3")), RIGHT, RIGHT),
    ("a version is restored, an alias names it later", by(restore(f"{IC}:v0")), by(promote(f"{IC}:v2", "canary")), RIGHT, RIGHT, WITHDRAWN),
    ("a version is restored, and withdrawn for another reason", by(restore(f"{IC}:v0")), replaced(f"{MODEL}/model.yaml", "its licence ended", "no licence"), CONFLICT, CONFLICT, WITHDRAWN),
    ("two tags join one model", by(tag("Detector", add=["image-classification"])), by(tag("Detector", add=["other"])), CONFLICT, CONFLICT, {"registry.yaml": START["registry.yaml"].replace(b"tags:\n", b"tags:\n  other: x\n")}),
    ("a tag and a description of one model", by(tag(IC, remove=["image-classification"])), replaced(f"{MODEL}/model.yaml", "product photographs", "photographs"), RIGHT, RIGHT),
    # whole entities
    ("a model goes, an alias of it moves", by(promote(f"{IC}:v0", "staging")), raw(GONE), CONFLICT, "first: entity-kept"),
    ("a model goes, a link joins it", by(link(f"{RESNET}:v3", IC)), raw(GONE), "entity-file-present, entity-kept, version-written-once", "first: entity-kept"),
    ("a model is renamed, a link joins it", by(link(f"{RESNET}:v3", IC)), raw(RENAMED), CONFLICT, f"first: {MADE_ANEW}"),
    ("a model is renamed, an alias of it moves", by(promote(f"{IC}:v0", "staging")), raw(RENAMED), MADE_ANEW, f"first: {MADE_ANEW}"),
    ("an artifact is renamed, a version is logged", by(log(RESNET, b"new")), raw(ARTIFACT_RENAMED), CONFLICT, "first: entity-kept"),
    ("versions/ is renamed, a link joins it", by(link(f"{RESNET}:v3", IC)), raw(VERSIONS_RENAMED), CONFLICT, "first: unknown-file, version-written-once"),
    ("the entity is renamed, a version is logged", by(log(RESNET, b"new")), replaced("registry.yaml", "entity: acme", "entity: other"), "entity-kept", "first: entity-kept"),
    # what is around
    ("CODEOWNERS takes a path, a policy asks for it", raw({".github/CODEOWNERS": LONG_CODEOWNERS[".github/CODEOWNERS"] + b"/models/*/aliases/canary.yaml @mallory\n"}), canary_policy, "codeowners-current", "codeowners-current", LONG_CODEOWNERS),
    ("CODEOWNERS gets a line elsewhere, a policy its own", raw({".github/CODEOWNERS": LONG_CODEOWNERS[".github/CODEOWNERS"] + b"/notes/ @acme/writers\n"}), canary_policy, RIGHT, RIGHT, LONG_CODEOWNERS),
    ("the store changes, a version is logged", raw({".dvc/config": START[".dvc/config"].replace(b"acme", b"other")}), by(log(RESNET, b"new")), RIGHT, RIGHT),
    ("a union merge is asked for, an alias moves", raw(UNION), by(promote(f"{IC}:v0", "staging")), "first: unknown-file", "unknown-file"),
    ("under a union merge an alias moves to two versions", by(promote(f"{IC}:v0", "staging")), by(promote(f"{IC}:v1", "staging")), CONFLICT, CONFLICT, UNION),
]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "other", "expected", "base"),
    [
        pytest.param(*sides, expected, base[0] if base else {}, id=f"{name}{order}")
        for name, a, b, ab, ba, *base in PAIRS
        for order, sides, expected in (("", (a, b), ab), (" (other order)", (b, a), ba))
    ],
)
def test_a_pair_conflicts_or_is_found_or_is_right(tmp_path, first, other, expected, base):
    start = h.laid(START, base)
    history = h.History(tmp_path / "r.git")
    root = history.commit(start)
    changes = [side(start) for side in (first, other)]
    one, two = (history.commit(h.laid(start, change), root) for change in changes)
    outcome = h.second(history, root, one, two)
    late = expected.removeprefix(LATE) if expected.startswith(LATE) else ""
    assert outcome.said == (RIGHT if late else expected)
    if outcome.files is not None:
        assert history.merged_tree(outcome.tip, two) == outcome.tree
        mine = [h.laid(start, change) for change in changes]
        assert h.wrongs(outcome.files) == []
        assert h.lost(start, changes[0], outcome.files, shared=mine[1]) == []
        assert h.lost(start, changes[1], outcome.files, shared=mine[0]) == []
        assert {rule for rule, _ in h.state_errors(outcome.files)} <= ({late} if late else _standing(start, base))


def _standing(start, base):
    return {rule for rule, _ in h.state_errors(start)} if base else set()


def test_the_twin_of_a_promotion_that_was_rolled_back_does_not_come_back(tmp_path):
    history = h.History(tmp_path / "r.git")
    v0 = h.laid(START, by(promote(f"{IC}:v0", "staging"))(START))
    back = h.laid(v0, by(promote(f"{IC}:v2", "staging"))(v0))
    root = history.commit(START)
    promotion, twin = history.commit(v0, root), history.commit(v0, root)
    landed = history.merge(root, promotion)
    rolled_back = history.commit(back, landed)
    assert h.errors(h.judged(history, rolled_back, twin).findings) == [("merge-clean", STAGING)]
    assert h.judged(history, rolled_back, promotion).note  # merging the same commit again does nothing


def test_the_twin_of_an_alias_that_was_made_and_removed_does_not_come_back(tmp_path):
    history = h.History(tmp_path / "r.git")
    made = h.laid(START, by(promote(f"{IC}:v0", "canary"))(START))
    gone = h.laid(made, by(unalias(IC, "canary"))(made))
    root = history.commit(START)
    promotion, twin = history.commit(made, root), history.commit(made, root)
    removed = history.commit(gone, history.merge(root, promotion))
    assert h.errors(h.judged(history, removed, twin).findings) == [("merge-clean", CANARY)]


def test_a_revert_of_a_promotion_is_found_and_a_rollback_is_not(tmp_path):
    history = h.History(tmp_path / "r.git")
    v0 = h.laid(START, by(promote(f"{IC}:v0", "staging"))(START))
    _, promotion = history.line(START, v0)
    revert = history.commit(START, promotion)
    rollback = history.commit(h.laid(v0, by(promote(f"{IC}:v2", "staging"))(v0)), promotion)
    assert h.errors(h.judged(history, promotion, revert).findings) == [("alias-generation-next", STAGING)]
    assert h.errors(h.judged(history, promotion, rollback).findings) == []


PAIRS_AT_RANDOM = int(os.environ.get("PODIUM_TEST_PAIRS", "120"))
"""On how many pairs the law is tried. All of it: ``PODIUM_TEST_PAIRS=2000 pytest tests/acceptance/test_pairs.py``."""
BATCHES = 4


@pytest.mark.parametrize("batch", range(BATCHES))
def test_any_two_changes_conflict_or_are_found_or_are_right(tmp_path, batch):
    history = h.History(tmp_path / "r.git")
    ended = Counter()
    for seed in range(batch, PAIRS_AT_RANDOM, BATCHES):
        ended.update(_pair_at_random(history, seed))
    assert ended[RIGHT] > 0 < ended["found"], ended


def _pair_at_random(history, seed):
    chance = h.Chance(random.Random(seed), narrow=seed % 8 < BATCHES)
    start = chance.registry()
    standing = {rule for rule, _ in h.state_errors(start)}
    changes = [chance.change(start), chance.change(start)]
    root = history.commit(start)
    mine = [h.laid(start, change) for change in changes]
    commits = [history.commit(files, root) for files in mine]
    for first, other in ((0, 1), (1, 0)):
        outcome = h.second(history, root, commits[first], commits[other])
        yield outcome.said if outcome.said in (RIGHT, CONFLICT) else "found"
        if outcome.files is not None:
            wrong = {
                "state": {rule for rule, _ in h.state_errors(outcome.files)} - standing,
                "wrongs": set(h.wrongs(outcome.files)) - set(h.wrongs(start)),
                "first": h.lost(start, changes[first], outcome.files, shared=mine[other]),
                "second": h.lost(start, changes[other], outcome.files, shared=mine[first]),
                "generations": h.generations_kept(mine[first], outcome.files),
                "versions": h.versions_kept(mine[first], outcome.files),
            }
            assert not any(wrong.values()), (seed, first, wrong)


def test_the_start_is_clean():
    assert h.state_errors(START) == []
    assert h.wrongs(START) == []
    assert codeowners.BEGIN.encode() in START[".github/CODEOWNERS"]
