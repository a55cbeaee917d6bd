"""Attacks on history, as real commits: each is found by the rule that a person would expect, and by no other."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pygit2
import pytest

from podium import git, layout, review
from podium.cli.main import podium, run
from podium.rules import examples
from podium.tree import EXECUTABLE, FILE, FOLDER, LINK, SUBMODULE
from tests.acceptance import histories as h
from tests.acceptance.histories import (
    ARTIFACT,
    CANARY,
    MODEL,
    PRODUCTION,
    STAGING,
    START,
    by,
    create,
    link,
    log,
    promote,
    raw,
    replaced,
)

IC = "ImageClassifier"
RESNET = "vision/resnet50"
DETECTOR = "models/Detector"
RECORD = f"{ARTIFACT}/versions/v3.dvc"
LINKED = f"{MODEL}/versions/v2.yaml"
OTHER_COMMIT = "1" * 40
ONCE, NEXT, COUNT, UNKNOWN, KEPT = (
    *("version-written-once", "version-number-next", "alias-generation-next", "unknown-file", "entity-kept"),
)


def text(path):
    content = START[path]
    assert isinstance(content, bytes)
    return content.decode()


def renamed(old, new):
    """Move what is at or below a path."""

    def edit(files):
        moved = {path: content for path, content in files.items() if path == old or path.startswith(f"{old}/")}
        return dict.fromkeys(moved) | {new + path[len(old) :]: moved[path] for path in moved}

    return edit


def gone(folder):
    return lambda files: {path: None for path in files if path.startswith(f"{folder}/")}


def judged(capsys, history, base, head, *options):
    """Type ``podium check`` and give its exit code, what it found as rule and path, and what it said."""
    where = ["-R", str(history.path), "check", "--base", base, "--head", head, "--format", "json", *options]
    code = run(lambda: podium.main(where, prog_name="podium", standalone_mode=False))
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    findings = json.loads(said.out)["findings"] if said.out else []
    return code, [(f["rule"], f["path"]) for f in findings if f["severity"] == "error"], said.err


@pytest.fixture
def history(tmp_path):
    return h.History(tmp_path / "r.git")


# --- what one commit does to a version ------------------------------------------------------------------------------

TWIN = f"{MODEL}/aliases/Staging.yaml"
WITHDRAWN = {f"{MODEL}/model.yaml": f"{text(f'{MODEL}/model.yaml')}withdrawn:\n  v0: its licence ended\n"}
CANARY_GONE = {CANARY: b"generation: 4\nversion: null\n"}
LOOSE = replaced("registry.yaml", "min: 0.9}", "min: 0.1}")
BAD_NEW = by(log(RESNET, b"new", metrics={"accuracy": 0.5}), link(f"{RESNET}:v4", IC))
STAGED_BAD = {
    f"{ARTIFACT}/versions/v4.dvc": examples.record("v4", {"m": b"bad"}, 0.5).encode(),
    f"{MODEL}/versions/v3.yaml": b"artifact: vision/resnet50\nversion: v4\n",
    STAGING: b"generation: 4\nversion: v3\n",
}
TEAM = {"schemas/team/version.schema.json": b'{"properties": {"meta": {"required": ["source"]}}}\n'}
UNION = "*.yaml merge=union\n"
CODEOWNERS = ".github/CODEOWNERS"

ATTACKS = [
    # versions
    ("a record is edited", replaced(RECORD, "0.93", "0.99"), [(ONCE, RECORD)]),
    ("a record gets its keys in another order", replaced(RECORD, "  author: Ada Lovelace <ada@acme.dev>\n", ""), [(ONCE, RECORD)]),
    ("a record gets a comment", raw({RECORD: "# reviewed\n" + text(RECORD)}), [(ONCE, RECORD)]),
    ("a record gets other line ends", raw({RECORD: text(RECORD).replace("\n", "\r\n")}), [(ONCE, RECORD)]),
    ("a record is emptied", raw({RECORD: ""}), [(ONCE, RECORD)]),
    ("a link points elsewhere", raw({LINKED: "artifact: vision/resnet50\nversion: v3\n"}), [(ONCE, LINKED)]),
    ("a record goes", raw({RECORD: None}), [(ONCE, RECORD)]),
    ("a record goes that is linked", raw({f"{ARTIFACT}/versions/v2.dvc": None}), [(ONCE, f"{ARTIFACT}/versions/v2.dvc")]),
    ("a link goes that an alias names", raw({LINKED: None}), [(ONCE, LINKED)]),
    ("all versions go", gone(f"{MODEL}/versions"), [(ONCE, f"{MODEL}/versions/v{n}.yaml") for n in range(3)]),
    ("a record is renamed", renamed(RECORD, f"{ARTIFACT}/versions/v4.dvc"), [(ONCE, RECORD), ("manifest-matches-hash", f"{ARTIFACT}/versions/v4.dvc")]),
    ("a link is renamed", renamed(LINKED, f"{MODEL}/versions/v3.yaml"), [(ONCE, LINKED)]),
    ("a link is renamed to the next but one", renamed(LINKED, f"{MODEL}/versions/v4.yaml"), [(ONCE, LINKED), (NEXT, f"{MODEL}/versions/v4.yaml")]),
    ("a record is executable", raw({RECORD: (START[RECORD], EXECUTABLE)}), [(ONCE, RECORD)]),
    ("a record has an odd mode", raw({RECORD: (START[RECORD], 0o100664)}), [(ONCE, RECORD)]),
    ("a record is a link", raw({RECORD: (b"v2.dvc", LINK)}), [(ONCE, RECORD)]),
    ("a record is a submodule", raw({RECORD: (OTHER_COMMIT, SUBMODULE)}), [(ONCE, RECORD)]),
    ("a record is a folder", raw({RECORD: None, f"{RECORD}/v3.dvc": START[RECORD]}), [(ONCE, RECORD)]),
    ("versions/ is a file", lambda files: {**gone(f"{MODEL}/versions")(files), f"{MODEL}/versions": b"x"}, [(ONCE, f"{MODEL}/versions/v{n}.yaml") for n in range(3)]),
    ("versions/ is a link", lambda files: {**gone(f"{MODEL}/versions")(files), f"{MODEL}/versions": (b"../Detector/versions", LINK)}, [(ONCE, f"{MODEL}/versions/v{n}.yaml") for n in range(3)]),
    ("a number is left out", raw({f"{ARTIFACT}/versions/v5.dvc": examples.record("v5", {"m": b"x"})}), [(NEXT, f"{ARTIFACT}/versions/v5.dvc")]),
    ("a huge number", raw({f"{MODEL}/versions/v{'9' * 60}.yaml": "artifact: vision/resnet50\nversion: v3\n"}), [("name-valid", f"{MODEL}/versions/v{'9' * 60}.yaml")]),
    ("a number with a leading zero", raw({f"{MODEL}/versions/v03.yaml": "artifact: vision/resnet50\nversion: v3\n"}), [("name-valid", f"{MODEL}/versions/v03.yaml")]),
    ("a content comes twice", raw({f"{ARTIFACT}/versions/v4.dvc": text(RECORD).replace("path: v3", "path: v4")}), [("content-unique", f"{ARTIFACT}/versions/v4.dvc")]),
    ("a link comes twice", raw({f"{MODEL}/versions/v3.yaml": text(LINKED)}), [("link-unique", f"{MODEL}/versions/v3.yaml")]),
    # aliases
    ("an alias moves by hand without counting", raw({STAGING: "generation: 3\nversion: v0\n"}), [(COUNT, STAGING)]),
    ("an alias counts without a move", raw({STAGING: "generation: 4\nversion: v2\n"}), [(COUNT, STAGING)]),
    ("an alias counts down", raw({STAGING: "generation: 2\nversion: v0\n"}), [(COUNT, STAGING)]),
    ("an alias counts far ahead", raw({STAGING: "generation: 9223372036854775807\nversion: v0\n"}), [(COUNT, STAGING)]),
    ("an alias counts beyond every number", raw({STAGING: f"generation: {'9' * 60}\nversion: v0\n"}), [("yaml-strict", STAGING)]),
    ("an alias counts zero", raw({STAGING: "generation: 0\nversion: v0\n"}), [("schema", STAGING)]),
    ("an alias counts with a truth value", raw({STAGING: "generation: true\nversion: v0\n"}), [("schema", STAGING)]),
    ("a new alias begins late", raw({CANARY: "generation: 7\nversion: v0\n"}), [(COUNT, CANARY)]),
    ("a removed alias begins anew", raw({CANARY: "generation: 1\nversion: v0\n"}), [(COUNT, CANARY)], CANARY_GONE),
    ("an alias goes as a file", raw({STAGING: None}), [(KEPT, STAGING)]),
    ("aliases/ goes", gone(f"{MODEL}/aliases"), [(KEPT, PRODUCTION), (KEPT, STAGING)]),
    ("an alias is renamed", renamed(STAGING, CANARY), [(COUNT, CANARY), (KEPT, STAGING)]),
    ("an alias differs in case only", renamed(STAGING, TWIN), [(COUNT, TWIN), (KEPT, STAGING)]),
    ("an alias has a twin", raw({TWIN: "generation: 1\nversion: v0\n"}), [("name-unique-ignoring-case", TWIN), ("name-unique-ignoring-case", STAGING)]),
    ("an alias is a link", raw({STAGING: (b"production.yaml", LINK)}), [(UNKNOWN, STAGING)]),
    ("an alias is an executable", raw({STAGING: (START[STAGING], EXECUTABLE)}), [(UNKNOWN, STAGING)]),
    ("an alias is a submodule", raw({STAGING: (OTHER_COMMIT, SUBMODULE)}), [(UNKNOWN, STAGING)]),
    ("an alias is a folder", raw({STAGING: None, f"{STAGING}/x": b""}), [(KEPT, STAGING)]),
    ("an alias names what is not there", raw({STAGING: "generation: 4\nversion: v9\n"}), [("alias-target-exists", STAGING)]),
    ("an alias is no YAML", raw({STAGING: "generation: [\n"}), [("yaml-strict", STAGING)]),
    ("latest is stored", raw({f"{MODEL}/aliases/latest.yaml": "generation: 1\nversion: v0\n"}), [("name-valid", f"{MODEL}/aliases/latest.yaml")]),
    # withdrawals
    ("an alias's version is withdrawn", raw({f"{MODEL}/model.yaml": f"{text(f'{MODEL}/model.yaml')}withdrawn:\n  v2: no\n"}), [("alias-target-withdrawn", STAGING)]),
    ("a version that is not there is withdrawn", raw({f"{MODEL}/model.yaml": f"{text(f'{MODEL}/model.yaml')}withdrawn:\n  v7: no\n"}), [("withdrawn-version-exists", f"{MODEL}/model.yaml")]),
    ("a withdrawal loses its reason", replaced(f"{MODEL}/model.yaml", "its licence ended", '""'), [("schema", f"{MODEL}/model.yaml")], WITHDRAWN),
    # entities
    ("a model goes", gone(MODEL), [(KEPT, f"{MODEL}/model.yaml")]),
    ("an artifact goes", gone("artifacts/vision/yolo"), [(KEPT, "artifacts/vision/yolo/artifact.yaml")]),
    ("models/ goes", gone("models"), [(KEPT, f"{DETECTOR}/model.yaml"), (KEPT, f"{MODEL}/model.yaml")]),
    ("models/ is a link", lambda files: {**gone("models")(files), "models": (b"elsewhere", LINK)}, [(KEPT, f"{DETECTOR}/model.yaml"), (KEPT, f"{MODEL}/model.yaml")]),
    ("models/ is a submodule", lambda files: {**gone("models")(files), "models": (OTHER_COMMIT, SUBMODULE)}, [(KEPT, f"{DETECTOR}/model.yaml"), (KEPT, f"{MODEL}/model.yaml")]),
    ("models/ is a file", lambda files: {**gone("models")(files), "models": b"x"}, [(KEPT, f"{DETECTOR}/model.yaml"), (KEPT, f"{MODEL}/model.yaml")]),
    ("a model is a submodule", lambda files: {**gone(DETECTOR)(files), DETECTOR: (OTHER_COMMIT, SUBMODULE)}, [(KEPT, f"{DETECTOR}/model.yaml")]),
    ("a model loses its own file", raw({f"{DETECTOR}/model.yaml": None}), [("entity-file-present", f"{DETECTOR}/model.yaml")]),
    ("a model is renamed", renamed(DETECTOR, "models/Finder"), [(KEPT, f"{DETECTOR}/model.yaml")]),
    ("a model is renamed in case only", renamed(DETECTOR, "models/detector"), [(KEPT, f"{DETECTOR}/model.yaml")]),
    ("a model has a twin", raw({"models/Fraud/model.yaml": 'description: x\nowners: ["@a/b"]\n'}), [("name-unique-ignoring-case", "models/Fraud/model.yaml"), ("name-unique-ignoring-case", "models/fraud/model.yaml")], {"models/fraud/model.yaml": b'description: x\nowners: ["@a/b"]\n'}),
    ("a project has a twin", raw({"artifacts/Vision/x/artifact.yaml": "description: x\n"}), [("name-unique-ignoring-case", "artifacts/Vision/x/artifact.yaml"), ("name-unique-ignoring-case", "artifacts/vision/resnet50/artifact.yaml")]),
    ("a name is no UTF-8", raw({"models/\udcff/model.yaml": "description: x\n"}), [("name-valid", "models/\\xff/model.yaml")]),
    ("a file's name is no UTF-8", raw({f"{MODEL}/\udcff.txt": "x\n"}), [(UNKNOWN, f"{MODEL}/\\xff.txt")]),
    ("a name steers the terminal", raw({f"{MODEL}/\x1b[2J\u202e.txt": "x\n"}), [(UNKNOWN, f"{MODEL}/\\x1b[2J\\u202e.txt")]),
    ("a name leads outside", raw({"models/../model.yaml": "description: x\n"}), [("name-valid", "models/../model.yaml")]),
    ("a folder is .git", raw({"models/.git/model.yaml": "description: x\n"}), [("name-valid", "models/.git/model.yaml")]),
    # registry.yaml
    ("registry.yaml goes", raw({layout.REGISTRY: None}), [("entity-file-present", layout.REGISTRY)]),
    ("registry.yaml is a link", raw({layout.REGISTRY: (b"other.yaml", LINK)}), [("entity-file-present", layout.REGISTRY)]),
    ("registry.yaml is a folder", raw({layout.REGISTRY: None, f"{layout.REGISTRY}/x": b""}), [("entity-file-present", layout.REGISTRY)]),
    ("registry.yaml is broken", raw({layout.REGISTRY: "apiVersion: [\n"}), [("yaml-strict", layout.REGISTRY)]),
    ("the format goes back", replaced(layout.REGISTRY, "podium/v1", "podium/v0"), [("format-not-lowered", layout.REGISTRY)]),
    ("the entity is renamed", replaced(layout.REGISTRY, "entity: acme", "entity: other"), [(KEPT, layout.REGISTRY)]),
    ("REGISTRY.yaml stands beside it", raw({"Registry.yaml": START[layout.REGISTRY]}), [("name-unique-ignoring-case", "Registry.yaml")]),
    ("a tag leaves the vocabulary", replaced(layout.REGISTRY, "image-classification: A", "other: A"), [("tag-in-vocabulary", f"{MODEL}/model.yaml")]),
    ("a policy says what no policy can", replaced(layout.REGISTRY, "card: true", "cards: true"), [("schema", layout.REGISTRY)]),
    # policies
    ("a policy is loosened and used", h.both(LOOSE, by(promote(f"{IC}:v3", "production"))), [("alias-requires-metrics", PRODUCTION), ("policy-alone", layout.REGISTRY)], STAGED_BAD),
    ("all policies go, and one was needed", h.both(replaced(layout.REGISTRY, text(layout.REGISTRY)[text(layout.REGISTRY).index("aliases:") :], ""), by(promote(f"{IC}:v3", "production"))), [("alias-requires-metrics", PRODUCTION), ("policy-alone", layout.REGISTRY)], STAGED_BAD),
    ("registry.yaml goes, and a policy was needed", h.both(by(promote(f"{IC}:v3", "production")), raw({layout.REGISTRY: None})), [("alias-requires-metrics", PRODUCTION), ("entity-file-present", layout.REGISTRY)], STAGED_BAD),
    ("registry.yaml is broken, and a policy was needed", h.both(by(promote(f"{IC}:v3", "production")), raw({layout.REGISTRY: "x: ["})), [("alias-requires-metrics", PRODUCTION), ("yaml-strict", layout.REGISTRY)], STAGED_BAD),
    ("an alias skips the one before it", by(promote(f"{IC}:v0", "production")), [("alias-after", PRODUCTION)]),
    ("two aliases move in one step", by(promote(f"{IC}:v0", "staging"), promote(f"{IC}:v0", "production")), [("alias-after", PRODUCTION)]),
    ("a card goes", raw({f"{MODEL}/README.md": None}), [("alias-requires-card", PRODUCTION)]),
    ("a card is a link", raw({f"{MODEL}/README.md": (b"/etc/passwd", LINK)}), [("alias-requires-card", PRODUCTION), (UNKNOWN, f"{MODEL}/README.md")]),
    ("a team's schema is loosened and used", h.both(by(log(RESNET, b"new")), raw({"schemas/team/version.schema.json": "{}\n"})), [("team-schema", f"{ARTIFACT}/versions/v4.dvc")], TEAM),
    ("a team's schema goes, and was needed", h.both(by(log(RESNET, b"new")), raw({"schemas/team/version.schema.json": None})), [("team-schema", f"{ARTIFACT}/versions/v4.dvc")], TEAM),
    ("a team's schema is broken, and was needed", h.both(by(log(RESNET, b"new")), raw({"schemas/team/version.schema.json": "{"})), [("team-schema", f"{ARTIFACT}/versions/v4.dvc"), ("team-schema", "schemas/team/version.schema.json")], TEAM),
    ("a team's schema is a link, and was needed", h.both(by(log(RESNET, b"new")), raw({"schemas/team/version.schema.json": (b"x", LINK)})), [("team-schema", f"{ARTIFACT}/versions/v4.dvc"), (UNKNOWN, "schemas/team/version.schema.json")], TEAM),
    ("a team's schema changes beside a promotion", h.both(by(promote(f"{IC}:v2", "production")), raw({"schemas/team/version.schema.json": "{}\n"})), [("policy-alone", "schemas/team/version.schema.json")], TEAM),
    # what is around
    ("CODEOWNERS goes", raw({CODEOWNERS: None}), [("codeowners-current", CODEOWNERS)]),
    ("CODEOWNERS names somebody else", replaced(CODEOWNERS, "@acme/ml-leads", "@mallory"), [("codeowners-current", CODEOWNERS)]),
    ("CODEOWNERS has a later line", raw({CODEOWNERS: text(CODEOWNERS) + "* @mallory\n"}), [("codeowners-current", CODEOWNERS)]),
    ("CODEOWNERS is a link", raw({CODEOWNERS: (b"x", LINK)}), [("codeowners-current", CODEOWNERS)]),
    (".gitattributes asks for union merges", raw({".gitattributes": text(".gitattributes") + UNION}), [(UNKNOWN, ".gitattributes")]),
    (".gitattributes asks for a filter", raw({".gitattributes": text(".gitattributes") + "*.dvc filter=evil\n"}), [(UNKNOWN, ".gitattributes")]),
    (".gitattributes in a folder", raw({f"{MODEL}/.gitattributes": UNION}), [(UNKNOWN, f"{MODEL}/.gitattributes")]),
    (".gitattributes in models/", raw({"models/.gitattributes": UNION}), [(UNKNOWN, "models/.gitattributes")]),
    (".gitattributes is a link", raw({".gitattributes": (b"x", LINK)}), []),
    (".gitmodules joins", raw({".gitmodules": '[submodule "x"]\n\tpath = models/x\n\turl = https://x\n'}), []),
    (".dvc/config changes", raw({".dvc/config": "[core]\n    remote = other\n"}), []),
    ("a shipped schema changes", raw({"schemas/model.schema.json": "{}\n"}), []),
    ("a folder beside the registry changes", raw({"src/train.py": "print()\n"}), []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("attack", "found", "base"),
    [pytest.param(attack, found, base[0] if base else {}, id=name) for name, attack, found, *base in ATTACKS],
)
def test_an_attack_is_found_by_its_rule_and_once(history, capsys, attack, found, base):
    start = h.laid(START, raw(base)(START))
    before, after = history.line(start, h.laid(start, attack(start)))
    code, findings, _ = judged(capsys, history, before, after)
    assert sorted(findings) == sorted(found)
    assert code == (1 if found else 0)


# --- what is a warning, and what nobody is charged with ---------------------------------------------------------------


def warnings(history, base, head):
    return [(f.rule, f.path) for f in h.judged(history, base, head).findings if f.severity == "warning"]


def test_a_withdrawal_that_goes_is_a_warning(history):
    before, after = history.line(h.laid(START, raw(WITHDRAWN)(START)), START)
    assert warnings(history, before, after) == [("withdrawal-kept", f"{MODEL}/model.yaml")]


def test_the_reason_of_a_withdrawal_may_change(history):
    start = h.laid(START, raw(WITHDRAWN)(START))
    edited = h.laid(start, replaced(f"{MODEL}/model.yaml", "its licence ended", "its licence has ended")(start))
    assert h.judged(history, *history.line(start, edited)).findings == ()


def test_what_was_wrong_before_is_not_charged_even_where_the_message_differs(history):
    standing = {f"{ARTIFACT}/aliases/best.yaml": b"generation: 1\nversion: v9\n"}
    start = h.laid(START, standing)
    before, after = history.line(start, h.laid(start, by(log(RESNET, b"new"))(start)))
    assert h.judged(history, before, after).findings == ()


def test_a_branch_that_is_behind_is_charged_with_its_own_changes_only(history, capsys):
    root = history.commit(START)
    (branch,) = history.line(h.laid(START, by(create("Fraud"))(START)), after=root)
    broken = h.laid(START, raw({f"{MODEL}/notes.txt": "x"})(START), by(log(RESNET, b"new"))(START))
    (main,) = history.line(broken, after=root)
    assert judged(capsys, history, main, branch) == (0, [], "")


@pytest.mark.parametrize("behind", [0, 1])
def test_a_head_that_brings_nothing_is_clean_and_says_so(history, capsys, behind):
    line = history.line(START, h.laid(START, by(log(RESNET, b"new"))(START)))
    code, found, _ = judged(capsys, history, line[1], line[1 - behind])
    assert (code, found) == (0, [])
    assert "nothing to judge" in h.judged(history, line[1], line[1 - behind]).note


# --- many commits -----------------------------------------------------------------------------------------------------

EDITED = replaced(RECORD, "0.93", "0.99")


def test_one_bad_file_after_hundreds_of_good_ones_is_found(history):
    good = {f"{ARTIFACT}/versions/v{n}.dvc": examples.record(f"v{n}", {"m": b"%d" % n}).encode() for n in range(4, 404)}
    bad = {f"{ARTIFACT}/versions/v404.dvc": examples.record("v404", {"m": b"403"}).encode()}
    before, after = history.line(START, h.laid(START, good, bad))
    checked = h.judged(history, before, after)
    assert h.errors(checked.findings) == [("content-unique", f"{ARTIFACT}/versions/v404.dvc")]


def test_a_version_edited_in_a_merge_of_main_into_the_branch_is_found(history):
    root = history.commit(START)
    branch = history.commit(h.laid(START, by(create("Fraud"))(START)), root)
    more = h.laid(START, by(log(RESNET, b"new"))(START))
    main = history.commit(more, root)
    both = h.laid(more, by(create("Fraud"))(more))
    new = f"{ARTIFACT}/versions/v4.dvc"
    for path in (RECORD, new):
        evil = history.commit(h.laid(both, replaced(path, "2026-11-21", "2026-11-22")(both)), branch, main)
        later = history.commit(h.laid(more, by(create("Churn"))(more)), main)
        assert h.errors(h.judged(history, main, evil).findings) == [(ONCE, path)]
        assert h.errors(h.judged(history, later, evil).findings) == [(ONCE, path)]


def test_a_merge_that_keeps_only_the_branch_s_side_is_found(history):
    root = history.commit(START)
    mine = h.laid(START, by(create("Fraud"))(START))
    branch = history.commit(mine, root)
    main = history.commit(h.laid(START, by(promote(f"{IC}:v0", "staging"), log(RESNET, b"new"))(START)), root)
    ours = history.commit(mine, branch, main)  # git merge -s ours
    assert h.errors(h.judged(history, main, ours).findings) == [
        (ONCE, f"{ARTIFACT}/versions/v4.dvc"),
        (COUNT, STAGING),
    ]


def test_a_good_merge_of_main_into_the_branch_is_clean(history):
    root = history.commit(START)
    branch = history.commit(h.laid(START, by(create("Fraud"))(START)), root)
    main = history.commit(h.laid(START, by(promote(f"{IC}:v2", "production"))(START)), root)
    joined = history.merge(branch, main)
    assert h.judged(history, main, joined).findings == ()
    later = history.commit(h.laid(START, by(promote(f"{IC}:v2", "production"), log(RESNET, b"new"))(START)), main)
    assert h.judged(history, later, history.merge(joined, later)).findings == ()


def test_an_octopus_merge_is_judged_by_what_it_makes(history):
    root = history.commit(START)
    arms = [history.commit(h.laid(START, by(create(name))(START)), root) for name in ("A1", "B1", "C1")]
    everything = h.laid(START, by(create("A1"), create("B1"), create("C1"))(START))
    assert h.judged(history, root, history.commit(everything, root, *arms)).findings == ()
    evil = history.commit(h.laid(everything, EDITED(START)), root, *arms)
    assert h.errors(h.judged(history, root, evil).findings) == [(ONCE, RECORD)]
    later = history.commit(h.laid(START, by(create("D1"))(START)), root)
    assert h.errors(h.judged(history, later, evil).findings) == [(ONCE, RECORD)]


def test_a_criss_cross_history_is_judged_by_its_merge(history):
    root = history.commit(START)
    one = history.commit(h.laid(START, by(create("A1"))(START)), root)
    two = history.commit(h.laid(START, by(log(RESNET, b"new"))(START)), root)
    main, branch = history.merge(one, two), history.merge(two, one)
    joined = h.laid(START, by(create("A1"), log(RESNET, b"new"))(START))
    moved = by(promote(f"{IC}:v0", "staging"))(joined)
    good = history.commit(h.laid(joined, moved), branch)
    main_on = history.commit(h.laid(joined, by(create("B1"))(joined)), main)
    assert h.judged(history, main_on, good).findings == ()
    evil = history.commit(h.laid(joined, EDITED(joined)), branch)
    assert h.errors(h.judged(history, main_on, evil).findings) == [(ONCE, RECORD)]
    clash = history.commit(h.laid(joined, by(promote(f"{IC}:v1", "staging"))(joined)), main)
    assert h.errors(h.judged(history, clash, good).findings) == [("merge-clean", STAGING)]


def test_a_number_skipped_in_a_merge_is_found(history):
    root = history.commit(START)
    main_files = h.laid(START, by(log(RESNET, b"theirs"))(START))
    main = history.commit(main_files, root)
    branch = history.commit(h.laid(START, by(log(RESNET, b"mine"))(START)), root)
    assert h.errors(h.judged(history, main, branch).findings) == [("merge-clean", f"{ARTIFACT}/versions/v4.dvc")]
    skipped = f"{ARTIFACT}/versions/v6.dvc"
    resolved = history.commit(h.laid(main_files, {skipped: examples.record("v6", {"m": b"x"}).encode()}), branch, main)
    assert h.errors(h.judged(history, main, resolved).findings) == [(NEXT, skipped)]
    taken = h.laid(main_files, by(log(RESNET, b"mine"))(START))
    assert h.errors(h.judged(history, main, history.commit(taken, branch, main)).findings) == [
        (ONCE, f"{ARTIFACT}/versions/v4.dvc")
    ]


def test_a_policy_loosened_in_between_does_not_help(history):
    start = h.laid(START, STAGED_BAD)
    loose = h.laid(start, LOOSE(start))
    used = h.laid(loose, by(promote(f"{IC}:v3", "production"))(loose))
    restored = h.laid(used, {layout.REGISTRY: START[layout.REGISTRY]})
    line = history.line(start, loose, used, restored)
    assert h.errors(h.judged(history, line[0], line[3]).findings) == [("alias-requires-metrics", PRODUCTION)]


def test_a_base_that_was_pushed_by_force_is_judged_from_what_they_share(history, capsys):
    root = history.commit(START)
    old = history.commit(h.laid(START, by(log(RESNET, b"old"))(START)), root)
    branch = history.commit(h.laid(START, by(log(RESNET, b"old"), create("Fraud"))(START)), old)
    forced = history.commit(h.laid(START, by(create("Churn"))(START)), root)
    assert judged(capsys, history, forced, branch)[:2] == (0, [])
    other = history.commit(h.laid(START, by(log(RESNET, b"other"))(START)), root)
    assert judged(capsys, history, other, branch)[:2] == (1, [("merge-clean", f"{ARTIFACT}/versions/v4.dvc")])


def test_an_alias_that_moves_often_in_one_branch_counts_once(history):
    there = h.laid(START, by(promote(f"{IC}:v0", "staging"))(START))
    twice = h.laid(there, by(promote(f"{IC}:v1", "staging"))(there))
    line = history.line(START, there, twice)
    assert h.errors(h.judged(history, line[0], line[2]).findings) == [(COUNT, STAGING)]
    assert [h.errors(h.judged(history, *pair).findings) for pair in pairwise(line)] == [[], []]


# --- each commit of a push --------------------------------------------------------------------------------------------


def test_a_bad_commit_that_a_later_one_undoes_is_found_when_each_is_judged(history, capsys):
    line = history.line(START, h.laid(START, EDITED(START)), START)
    assert judged(capsys, history, line[0], line[2])[:2] == (0, [])
    code, found, _ = judged(capsys, history, line[0], line[2], "--each")
    assert code == 1
    assert found == [(ONCE, RECORD), (ONCE, RECORD)]  # once there, once back


def test_each_takes_a_merge_as_one_step(history, capsys):
    root = history.commit(START)
    side = history.line(h.laid(START, EDITED(START)), START, h.laid(START, by(create("A1"))(START)), after=root)
    merge = history.merge(root, side[-1])
    assert judged(capsys, history, root, merge, "--each")[:2] == (0, [])
    evil = history.commit(h.laid(START, EDITED(START)), root, side[-1])
    assert judged(capsys, history, root, evil, "--each")[:2] == (1, [(ONCE, RECORD)])


def test_each_needs_a_base_on_the_first_parent_line(history, capsys):
    root = history.commit(START)
    one, other = (history.commit(h.laid(START, by(create(name))(START)), root) for name in ("A1", "B1"))
    code, found, said = judged(capsys, history, one, other, "--each")
    assert (code, found) == (1, [])
    assert "first-parent line" in said


# --- what cannot be told ----------------------------------------------------------------------------------------------


def test_a_head_without_a_common_ancestor_is_no_verdict(history, capsys):
    code, _, said = judged(capsys, history, history.commit(START), history.commit(h.laid(START, EDITED(START))))
    assert code == 3
    assert "no common ancestor" in said


@pytest.mark.parametrize(
    "broken", [{layout.REGISTRY: b"x: ["}, {layout.REGISTRY: b"apiVersion: podium/v1\n"}], ids=["no YAML", "no entity"]
)
def test_a_base_whose_policies_cannot_be_read_judges_no_move_of_an_alias(history, capsys, broken):
    root = h.laid(START, broken)
    moved = history.line(root, h.laid(root, by(promote(f"{IC}:v0", "staging"))(START)))
    code, _, said = judged(capsys, history, *moved)
    assert code == 3
    assert "policies" in said
    mended = history.line(root, START)
    assert judged(capsys, history, *mended)[:2] == (0, [])


def test_a_base_whose_registry_is_a_link_is_no_verdict(history, capsys):
    root = h.laid(START, {layout.REGISTRY: (b"elsewhere.yaml", LINK)})
    code, _, _ = judged(capsys, history, *history.line(root, h.laid(root, by(create("A1"))(START))))
    assert code == 3


@pytest.mark.parametrize("side", ["base", "head"])
def test_a_format_to_come_is_no_verdict(history, capsys, side):
    newer = h.laid(START, replaced(layout.REGISTRY, "podium/v1", "podium/v2")(START))
    code, _, said = judged(capsys, history, *history.line(*((newer, START) if side == "base" else (START, newer))))
    assert code == 3
    assert "podium/v2" in said


def clone(source, target, *options):
    command = ["git", "clone", "-q", "--bare", "--no-local", *options, f"file://{source.path}", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return _opened(target)


def _opened(path: Path):
    return type("Clone", (), {"path": path})


@pytest.fixture
def branched(history):
    """A main of three commits and a branch from its first one that adds a model."""
    states = [START]
    for content in (b"one", b"two"):
        states.append(h.laid(states[-1], by(log(RESNET, content))(states[-1])))
    line = history.line(*states)
    head = history.commit(h.laid(START, by(create("Fraud"))(START)), line[0])
    history.repository.references.create("refs/heads/main", line[-1], force=True)
    history.repository.references.create("refs/heads/topic", head)
    history.git("config", "uploadpack.allowFilter", "true")
    return history


def test_a_shallow_clone_is_no_verdict_and_names_the_remedy(branched, capsys, tmp_path):
    shallow = clone(branched, tmp_path / "shallow.git", "--depth", "1", "--no-single-branch")
    code, _, said = judged(capsys, shallow, "main", "topic")
    assert code == 3
    assert "git fetch --unshallow" in said


def test_a_rollback_needs_the_history_that_a_shallow_clone_lacks(history, capsys, tmp_path):
    moved = h.laid(START, by(promote(f"{IC}:v2", "production"))(START))
    back = h.laid(moved, by(promote(f"{IC}:v1", "production"))(moved))
    aside = h.laid(moved, by(create("Fraud"))(moved))
    line = history.line(START, moved)
    for name, commit in (
        ("main", line[1]),
        ("back", history.commit(back, line[1])),
        ("aside", history.commit(aside, line[1])),
    ):
        history.repository.references.create(f"refs/heads/{name}", commit, force=True)
    shallow = clone(history, tmp_path / "shallow.git", "--depth", "2", "--no-single-branch")
    assert judged(capsys, history, "main", "back")[:2] == (0, [])
    assert judged(capsys, shallow, "main", "aside")[:2] == (0, [])
    (shallow.path / "shallow").write_text(f"{line[1]}\n")
    code, _, said = judged(capsys, shallow, "main", "back")
    assert code == 3
    assert "git fetch --unshallow" in said


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_partial_clone_is_no_verdict_and_names_the_remedy(branched, capsys, tmp_path, kind):
    partial = clone(branched, tmp_path / "partial.git", "--filter", kind)
    code, _, said = judged(capsys, partial, "main", "topic")
    assert code == 3
    assert "git fetch" in said


def test_a_missing_object_is_no_verdict(branched, capsys):
    tree = branched.git("rev-parse", f"topic:{DETECTOR}/aliases").stdout.strip()
    (branched.path / "objects" / tree[:2] / tree[2:]).unlink()
    code, _, said = judged(capsys, branched, "topic~1", "topic")
    assert code in (0, 3)  # nothing that was touched lies in it
    other = branched.git("rev-parse", "topic:models/Fraud").stdout.strip()
    (branched.path / "objects" / other[:2] / other[2:]).unlink()
    code, _, said = judged(capsys, branched, "topic~1", "topic")
    assert code == 3
    assert "lacks an object" in said


def test_a_full_clone_a_fork_and_borrowed_objects_are_judged_alike(branched, capsys, tmp_path):
    full = clone(branched, tmp_path / "full.git")
    assert judged(capsys, full, "main", "topic") == (0, [], "")
    fork = tmp_path / "fork.git"
    subprocess.run(["git", "clone", "-q", "--bare", "--shared", str(branched.path), str(fork)], check=True)
    assert judged(capsys, _opened(fork), "main", "topic") == (0, [], "")
    (fork / "objects/info/alternates").write_text("../../r.git/objects\n")  # as servers write it for forks
    assert judged(capsys, _opened(fork), "main", "topic") == (0, [], "")


def test_a_branch_of_a_fork_is_judged_where_it_was_fetched(branched, capsys, tmp_path):
    fork = clone(branched, tmp_path / "fork.git")
    theirs = h.History(fork.path)
    files = h.laid(START, EDITED(START))
    topic = theirs.git("rev-parse", "topic~1").stdout.strip()
    theirs.commit(files, topic, ref="evil")
    branched.git("fetch", "-q", str(fork.path), "evil:refs/pull/1/head")
    assert judged(capsys, branched, "main", "refs/pull/1/head")[:2] == (1, [(ONCE, RECORD)])


def test_a_repository_that_podium_cannot_read_is_no_verdict(tmp_path, capsys):
    subprocess.run(["git", "init", "-q", "--bare", "--object-format=sha256", str(tmp_path / "x.git")], check=True)
    code, _, said = judged(capsys, _opened(tmp_path / "x.git"), "main", "main")
    assert code == 3
    assert "SHA-256" in said


def test_a_checkout_and_a_linked_work_tree_are_judged_alike(branched, capsys, tmp_path):
    checkout, linked = tmp_path / "checkout", tmp_path / "linked"
    subprocess.run(["git", "clone", "-q", str(branched.path), str(checkout)], check=True)
    subprocess.run(["git", "worktree", "add", "-q", str(linked), "origin/topic"], cwd=checkout, check=True)
    shutil.copy(linked / "registry.yaml", linked / "dirty.txt")
    for where in (checkout, linked):
        assert judged(capsys, _opened(where), "main", "topic") == (0, [], "")


# --- trees that Git itself would not write ----------------------------------------------------------------------------


def doubled(history, folder, evil, *, first):
    """Put a second entry for a path beside the one that is there, before or after it."""
    parent, _, name = folder.rpartition("/")
    top = history.repository[history.tree(START)]
    rows = [(entry.filemode, entry.name, entry.id.raw) for entry in top / parent]
    at = next(number for number, row in enumerate(rows) if row[1] == name)
    rows.insert(at if first else at + 1, evil)
    data = b"".join(b"%o %s\0%s" % (mode, row.encode(), id_) for mode, row, id_ in rows)
    tree = str(history.repository.write(pygit2.enums.ObjectType.TREE, data))
    return h.laid(START, gone(parent)(START), {parent: (tree, FOLDER)})


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("path", [STAGING, DETECTOR, f"{MODEL}/versions"])
def test_a_name_that_is_there_twice_is_refused(history, capsys, path, first):
    blob = history.repository.create_blob(b"generation: 4\nversion: v0\n").raw
    inside = bytes.fromhex(history.tree({"aliases/staging.yaml": b"generation: 2\nversion: v1\n"}))
    evil = (FILE, "staging.yaml", blob) if path == STAGING else (FOLDER, path.rpartition("/")[2], inside)
    line = history.line(START, doubled(history, path, evil, first=first))
    code, _, said = judged(capsys, history, *line)
    assert code == 1
    assert "twice" in said
    found = h.errors(review.check(git.commit_tree(history.repository, line[1])).findings)
    assert ("name-unique-ignoring-case", path) in found


@pytest.mark.parametrize("rev", ["no-such", "main:registry.yaml", "-x", "main..topic", "0" * 40])
def test_a_revision_that_is_none_is_refused_in_words(branched, capsys, rev):
    code, _, said = judged(capsys, branched, "main", rev)
    assert code in (1, 2)
    assert said


def test_what_a_user_prefers_does_not_change_how_a_merge_is_judged(history, tmp_path, monkeypatch):
    root = history.commit(START)
    one = history.commit(h.laid(START, by(promote(f"{IC}:v0", "staging"))(START)), root)
    two = history.commit(h.laid(START, by(promote(f"{IC}:v1", "staging"))(START)), root)
    renamed_folder = history.commit(h.laid(START, renamed(DETECTOR, "models/Finder")(START)), root)
    inside = history.commit(h.laid(START, by(link("vision/resnet50:v0", "Detector"))(START)), root)
    config = tmp_path / "gitconfig"
    config.write_text("[merge]\n\tdefault = union\n\tdirectoryRenames = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert h.errors(h.judged(history, one, two).findings) == [("merge-clean", STAGING)]
    rules = {rule for rule, _ in h.errors(h.judged(history, inside, renamed_folder).findings)}
    assert "merge-clean" in rules


# --- what was broken at the base hides nothing ------------------------------------------------------------------------


def test_a_team_schema_that_asks_for_more_is_not_charged_to_old_versions_beside_a_new_one(history):
    sourced = examples.record("v4", {"m": b"new"}).replace("  source:", "").rstrip() + "\n  source: {commit: 8d7f}\n"
    after = h.laid(START, TEAM, {f"{ARTIFACT}/versions/v4.dvc": sourced.encode()})
    assert h.errors(h.judged(history, *history.line(START, after)).findings) == []


def test_an_alias_that_could_not_be_read_is_judged_like_a_new_one_when_it_is_mended(history):
    start = h.laid(START, {PRODUCTION: b"generation: [\n"})
    after = h.laid(start, {PRODUCTION: b"generation: 3\nversion: v0\n"})
    assert h.errors(h.judged(history, *history.line(start, after)).findings) == [("alias-after", PRODUCTION)]


@pytest.mark.parametrize("broken", [None, b"outs: [\n"], ids=["gone", "unreadable"])
def test_an_alias_does_not_move_to_a_version_whose_record_was_broken_before(history, broken):
    record = f"{ARTIFACT}/versions/v0.dvc"
    start = h.laid(START, {record: broken})
    after = h.laid(start, {STAGING: b"generation: 4\nversion: v0\n"})
    assert h.errors(h.judged(history, *history.line(start, after)).findings) == [("alias-target-exists", STAGING)]


def test_a_withdrawal_beside_the_mending_of_its_file_is_charged_where_an_alias_reaches_it(history):
    about = f"{ARTIFACT}/artifact.yaml"
    start = h.laid(START, {about: b"description: [\n"})
    after = h.laid(start, {about: b"description: ResNet-50\nwithdrawn:\n  v2: bad\n"})
    found = h.errors(h.judged(history, *history.line(start, after)).findings)
    assert found == [("alias-target-withdrawn", STAGING)]


def test_each_has_nothing_to_judge_where_nothing_was_pushed(history, capsys):
    root = history.commit(START)
    assert judged(capsys, history, root, root, "--each")[:2] == (0, [])
