"""Each rule's examples, and many broken registries: the right rule at the right file and line."""

from dataclasses import dataclass

import pytest

from podium import checks, codec, rules
from podium.codec.glance import is_surely_canonical
from podium.rules import attributes, examples
from podium.tree import EXECUTABLE, LINK, SUBMODULE, MemoryTree

MODEL = "models/ImageClassifier"
ARTIFACT = "artifacts/vision/resnet50"
V3 = f"{ARTIFACT}/versions/v3.dvc"
SHADOW = f"{MODEL}/aliases/shadow.yaml"
MODEL_YAML = f"{MODEL}/model.yaml"
RECORD = examples.record("v3", {"a.json": b"{}", "model.safetensors": b"fourth"})
ABOUT = "description: One\n"
GOOD_ALIAS = "generation: 1\nversion: v1\n"
REGISTRY = examples.REGISTRY["registry.yaml"]
STATE = [rule for rule in rules.ALL if not hasattr(rule, "before")]
CHECKED = [rule for rule in STATE if rule.id != "bytes-present"]


def tree(changes):
    files = {path: text.encode() for path, text in examples.REGISTRY.items()}
    for path, content in changes.items():
        if content is None:
            del files[path]
        else:
            files[path] = content.encode() if isinstance(content, str) else content
    return MemoryTree(files)


def found(changes):
    return [(one.rule, one.path, one.line) for one in checks.check(tree(changes), rules.ALL).findings]


# --- the examples are tests -----------------------------------------------------------------------------------------


def test_the_registry_of_the_examples_is_clean():
    assert found({}) == []


@pytest.mark.parametrize("rule", STATE, ids=lambda rule: rule.id)
def test_a_good_example_is_clean(rule):
    assert checks.check(examples.tree(rule.good), rules.ALL).findings == ()


@pytest.mark.parametrize("rule", CHECKED, ids=lambda rule: rule.id)
def test_a_bad_example_breaks_its_own_rule_and_no_other(rule):
    findings = checks.check(examples.tree(rule.bad), rules.ALL).findings
    assert {finding.rule for finding in findings} == {rule.id}
    assert getattr(rule, "shown_at", next(iter(rule.bad))) in {finding.path for finding in findings}
    assert all(finding.message and finding.fix for finding in findings)


@pytest.mark.parametrize("rule", rules.ALL, ids=lambda rule: rule.id)
def test_a_rule_has_a_page_that_says_why_and_how_to_mend(rule):
    page = rules.page(rule)
    assert page.startswith(f"## {rule.id}\n\n")
    assert all(word in page for word in ("**Why**: ", "**Fix**: ", rule.severity))
    assert not rule.bad or all(word in page for word in ("Good:", "Bad:"))
    assert rules.title(rule).endswith(".")


def test_ids_are_unique():
    assert len(rules.by_id) == len(rules.ALL)


# --- broken registries ----------------------------------------------------------------------------------------------

ALIAS_TEXTS = {
    "a doubled key": ("generation: 1\nversion: v1\ngeneration: 2\n", 3),
    "an anchor": ("generation: &one 1\nversion: v1\n", 1),
    "an alias of YAML's": ("generation: 1\nversion: *one\n", 2),
    "a tag": ("generation: !!int 1\nversion: v1\n", 1),
    "a local tag": ("generation: 1\nversion: !v v1\n", 2),
    "a merge key": ("generation: 1\n<<: {version: v1}\n", 2),
    "a second document": ("generation: 1\nversion: v1\n---\na: 1\n", 3),
    "a directive": ("%YAML 1.2\n---\ngeneration: 1\nversion: v1\n", 1),
    "an empty file": ("", 1),
    "only a comment": ("# nothing\n", 1),
    "a list at the top": ("- generation: 1\n", 1),
    "text at the top": ("generation\n", 1),
    "a tab as indent": ("generation: 1\nversion:\n\t- v1\n", 3),
    "an open bracket": ("generation: 1\nversion: [v1\n", 3),
    "an open quote": ('generation: 1\nversion: "v1\n', 3),
    "a NUL": (b"generation: 1\nversion: v1\x00\n", 2),
    "a DEL": (b"generation: 1\nversion: v1\x7f\n", 2),
    "a C1 character": ("generation: 1\nversion: v1\x85\n", 2),
    "a bidi character": ("generation: 1\n# \u202e\nversion: v1\n", 2),
    "an escaped bidi character": ('generation: 1\nversion: "v1\\u202e"\n', 2),
    "an escaped control character": ('generation: 1\nversion: "v1\\x07"\n', 2),
    "bytes that are no UTF-8": (b"generation: 1\nversion: \xff\n", 2),
    "UTF-16": ("generation: 1\n".encode("utf-16"), 1),
    "a byte order mark": (b"\xef\xbb\xbfgeneration: 1\nversion: v1\n", 1),
    "a number as key": ("generation: 1\nversion: v1\n1: 2\n", 3),
    "null as key": ("generation: 1\n~: v1\n", 2),
    "a mapping as key": ("{a: 1}: 2\n", 1),
    "too deep": ("generation: " + "[" * 40 + "]" * 40 + "\n", 1),
    "too large an integer": ("generation: 99999999999999999999\nversion: v1\n", 1),
    "a large file": ("# " + "x" * 1024 * 1024 + "\n" + GOOD_ALIAS, 1),
}


@pytest.mark.parametrize("case", ALIAS_TEXTS)
def test_yaml_that_is_not_strict_is_found_at_its_line_and_only_once(case):
    text, line = ALIAS_TEXTS[case]
    assert found({SHADOW: text}) == [("yaml-strict", SHADOW, line)]


def edited(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


SCHEMA = {
    "an alias without generation": ({SHADOW: "version: v1\n"}, SHADOW, 1),
    "an alias without version": ({SHADOW: "generation: 1\n"}, SHADOW, 1),
    "a generation of 0": ({SHADOW: "generation: 0\nversion: v1\n"}, SHADOW, 1),
    "a generation as float": ({SHADOW: "generation: 1.0\nversion: v1\n"}, SHADOW, 1),
    "a generation as text": ({SHADOW: 'generation: "1"\nversion: v1\n'}, SHADOW, 1),
    "a generation that is true": ({SHADOW: "generation: true\nversion: v1\n"}, SHADOW, 1),
    "a version with a zero": ({SHADOW: "generation: 1\nversion: v01\n"}, SHADOW, 2),
    "a version that is an alias": ({SHADOW: "generation: 1\nversion: latest\n"}, SHADOW, 2),
    "a version in capitals": ({SHADOW: "generation: 1\nversion: V1\n"}, SHADOW, 2),
    "a version with a line end": ({SHADOW: 'generation: 1\nversion: "v1\\n"\n'}, SHADOW, 2),
    "an unknown key": ({SHADOW: "generation: 1\nversion: v1\nnote: x\n"}, SHADOW, 3),
    "a link without version": (
        {f"{MODEL}/versions/v2.yaml": "artifact: vision/resnet50\n"},
        f"{MODEL}/versions/v2.yaml",
        1,
    ),
    "a link that climbs": (
        {f"{MODEL}/versions/v2.yaml": "artifact: ../resnet50\nversion: v2\n"},
        f"{MODEL}/versions/v2.yaml",
        1,
    ),
    "a link without project": (
        {f"{MODEL}/versions/v2.yaml": "artifact: resnet50\nversion: v2\n"},
        f"{MODEL}/versions/v2.yaml",
        1,
    ),
    "owners as text": ({MODEL_YAML: 'description: One\nowners: "@acme/vision"\n'}, MODEL_YAML, 2),
    "an owner that is a name": ({MODEL_YAML: "description: One\nowners: [Ada Lovelace]\n"}, MODEL_YAML, 2),
    "owners that are null": ({MODEL_YAML: "description: One\nowners: null\n"}, MODEL_YAML, 2),
    "a description that is null": ({MODEL_YAML: 'description:\nowners: ["@a/b"]\n'}, MODEL_YAML, 1),
    "a description that is a number": ({MODEL_YAML: 'description: 3\nowners: ["@a/b"]\n'}, MODEL_YAML, 1),
    "a tag twice": (
        {MODEL_YAML: 'description: One\nowners: ["@a/b"]\ntags: [image-classification, image-classification]\n'},
        MODEL_YAML,
        3,
    ),
    "a bad tag": ({MODEL_YAML: 'description: One\nowners: ["@a/b"]\ntags: ["-x"]\n'}, MODEL_YAML, 3),
    "a withdrawal without reason": (
        {MODEL_YAML: 'description: One\nowners: ["@a/b"]\nwithdrawn:\n  v0: " "\n'},
        MODEL_YAML,
        4,
    ),
    "a withdrawal of no version": (
        {MODEL_YAML: 'description: One\nowners: ["@a/b"]\nwithdrawn:\n  latest: x\n'},
        MODEL_YAML,
        4,
    ),
    "no apiVersion": ({"registry.yaml": edited(REGISTRY, "apiVersion: podium/v1\n", "")}, "registry.yaml", 1),
    "another apiVersion": ({"registry.yaml": edited(REGISTRY, "podium/v1", "gto/v1")}, "registry.yaml", 1),
    "an unknown key in a policy": (
        {"registry.yaml": edited(REGISTRY, "    after: [staging]", "    overrides: {}")},
        "registry.yaml",
        12,
    ),
    "after itself": ({"registry.yaml": edited(REGISTRY, "[staging]", "[production]")}, "registry.yaml", 12),
    "after an unknown alias": ({"registry.yaml": edited(REGISTRY, "[staging]", "[canary]")}, "registry.yaml", 12),
    "after in a circle": (
        {"registry.yaml": edited(REGISTRY, "In shadow traffic\n", "In shadow traffic\n    after: [production]\n")},
        "registry.yaml",
        9,
    ),
    "a record without author": (
        {V3: edited(RECORD, "  author: Ada Lovelace <ada@acme.dev>\n", "")},
        V3,
        8,
    ),
    "a record with a key of its own": ({V3: edited(RECORD, "  metrics:", "  stage: prod\n  metrics:")}, V3, 13),
    "a record without hash": ({V3: edited(RECORD, "  hash: md5\n", "")}, V3, 2),
    "a time without zone": ({V3: edited(RECORD, "45:00Z", "45:00")}, V3, 8),
    "a metric as text": ({V3: edited(RECORD, "accuracy: 0.93", 'accuracy: "0.93"')}, V3, 13),
    "a metric that is not a number": ({V3: edited(RECORD, "accuracy: 0.93", "accuracy: .nan")}, V3, 13),
    "metadata in metadata": ({V3: edited(RECORD, "license: apache-2.0", "license: {a: b}")}, V3, 14),
    "a single file of DVC's": (
        {V3: f"outs:\n- md5: {'0' * 32}\n  size: 1\n  hash: md5\n  path: model.pt\n"},
        V3,
        1,
    ),
    "a directory of DVC's": (
        {V3: f"outs:\n- md5: {'0' * 32}.dir\n  size: 1\n  nfiles: 1\n  hash: md5\n  path: v3\n"},
        V3,
        1,
    ),
    "an empty manifest": (
        {V3: RECORD[: RECORD.index("  - {path")].replace("  files:", "  files: []") + "  metrics: {a: 1}\n"},
        V3,
        10,
    ),
}


@pytest.mark.parametrize("case", SCHEMA)
def test_what_the_schema_refuses_is_found_at_its_line_and_only_once(case):
    changes, path, line = SCHEMA[case]
    assert [one for one in found(changes) if one[1] == path] == [("schema", path, line)]


UNKNOWN = {
    "a file beside the models": ({"models/notes.txt": "x"}, "models/notes.txt"),
    "a .gitkeep": ({"models/.gitkeep": ""}, "models/.gitkeep"),
    "a file beside the artifacts": ({"artifacts/vision/README.md": "x"}, "artifacts/vision/README.md"),
    "a file beside the projects": ({"artifacts/README.md": "x"}, "artifacts/README.md"),
    "a card of an artifact": ({f"{ARTIFACT}/README.md": "x"}, f"{ARTIFACT}/README.md"),
    "a card in the wrong case": ({f"{MODEL}/readme.md": "x"}, f"{MODEL}/readme.md"),
    "a folder": ({f"{MODEL}/plots/roc.png": b"\x89PNG"}, f"{MODEL}/plots/roc.png"),
    "a folder in versions": ({f"{ARTIFACT}/versions/v0/model.pt": "x"}, f"{ARTIFACT}/versions/v0/model.pt"),
    "a folder called like a version": ({f"{ARTIFACT}/versions/v3.dvc/x": "x"}, f"{ARTIFACT}/versions/v3.dvc/x"),
    "a .yml": ({f"{MODEL}/aliases/shadow.yml": GOOD_ALIAS}, f"{MODEL}/aliases/shadow.yml"),
    "a backup": ({f"{ARTIFACT}/versions/v0.dvc~": "x"}, f"{ARTIFACT}/versions/v0.dvc~"),
    "a link among records": ({f"{ARTIFACT}/versions/v3.yaml": "x"}, f"{ARTIFACT}/versions/v3.yaml"),
    "a record among links": ({f"{MODEL}/versions/v2.dvc": "x"}, f"{MODEL}/versions/v2.dvc"),
    "a .gitignore of DVC's": ({f"{ARTIFACT}/versions/.gitignore": "/v0\n"}, f"{ARTIFACT}/versions/.gitignore"),
    "a .gitattributes": ({"models/.gitattributes": "*.yaml merge=union\n"}, "models/.gitattributes"),
    "a deep .gitattributes": ({f"{MODEL}/aliases/.gitattributes": "x"}, f"{MODEL}/aliases/.gitattributes"),
    "another kind of team schema": ({"schemas/team/metric.schema.json": "{}"}, "schemas/team/metric.schema.json"),
    "a folder of team schemas": ({"schemas/team/x/model.schema.json": "{}"}, "schemas/team/x/model.schema.json"),
    "an executable alias": ({SHADOW: (GOOD_ALIAS.encode(), EXECUTABLE)}, SHADOW),
    "an odd mode": ({SHADOW: (GOOD_ALIAS.encode(), 0o100664)}, SHADOW),
    "an executable card": ({f"{MODEL}/README.md": (b"x", EXECUTABLE)}, f"{MODEL}/README.md"),
    "an executable registry.yaml": ({"registry.yaml": (REGISTRY.encode(), EXECUTABLE)}, "registry.yaml"),
    "a linked alias": ({SHADOW: (b"production.yaml", LINK)}, SHADOW),
    "a linked card": ({f"{MODEL}/README.md": (b"/etc/passwd", LINK)}, f"{MODEL}/README.md"),
    "a linked model": ({"models/Twin": (b"ImageClassifier", LINK)}, "models/Twin"),
    "a linked artifact": ({"artifacts/vision/twin": (b"resnet50", LINK)}, "artifacts/vision/twin"),
    "a linked project": ({"artifacts/twin": (b"vision", LINK)}, "artifacts/twin"),
    "a linked record": ({V3: (b"v2.dvc", LINK)}, V3),
    "a linked folder of schemas": ({"schemas": (b"/tmp", LINK)}, "schemas"),
    "a linked folder of team schemas": ({"schemas/team": (b"/tmp", LINK)}, "schemas/team"),
    "a linked team schema": ({"schemas/team/model.schema.json": (b"/x", LINK)}, "schemas/team/model.schema.json"),
    "a submodule as model": ({"models/Sub": (b"", SUBMODULE)}, "models/Sub"),
    "a submodule in versions": ({f"{MODEL}/versions/sub": (b"", SUBMODULE)}, f"{MODEL}/versions/sub"),
    "a name that is no UTF-8": ({"models/caf\udce9.txt": "x"}, "models/caf\\xe9.txt"),
    "a name with an escape": ({f"{MODEL}/\x1b[2J": "x"}, f"{MODEL}/\\x1b[2J"),
    "a name that runs backwards": ({f"{MODEL}/\u202etxt": "x"}, f"{MODEL}/\\u202etxt"),
    "a very long name": ({f"{MODEL}/{'x' * 5000}": "x"}, f"{MODEL}/{'x' * 5000}"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_the_format_does_not_name_is_an_unknown_file(case):
    changes, path = UNKNOWN[case]
    findings = found(changes)
    assert ("unknown-file", path, 1) in findings
    assert {one[0] for one in findings} <= {"unknown-file", "alias-requires-card"}


NAMES = {
    "a device of Windows": ({"models/con/model.yaml": ABOUT}, "models/con/model.yaml"),
    "a device with an extension": ({"models/NUL.tar/model.yaml": ABOUT}, "models/NUL.tar/model.yaml"),
    "digits only": ({"models/42/model.yaml": ABOUT}, "models/42/model.yaml"),
    "a dot at the end": ({"models/x./model.yaml": ABOUT}, "models/x./model.yaml"),
    "two dots": ({"models/a..b/model.yaml": ABOUT}, "models/a..b/model.yaml"),
    "a dot at the start": ({"models/.x/model.yaml": ABOUT}, "models/.x/model.yaml"),
    "a blank": ({"models/a b/model.yaml": ABOUT}, "models/a b/model.yaml"),
    "an umlaut": ({"models/für/model.yaml": ABOUT}, "models/für/model.yaml"),
    "129 characters": ({f"models/{'x' * 129}/model.yaml": ABOUT}, f"models/{'x' * 129}/model.yaml"),
    "bytes that are no UTF-8": ({"models/caf\udce9/model.yaml": ABOUT}, "models/caf\\xe9/model.yaml"),
    "git's own": ({"models/.git/model.yaml": ABOUT}, "models/.git/model.yaml"),
    "a climbing model": ({"models/../model.yaml": ABOUT}, "models/../model.yaml"),
    "a project": ({"artifacts/a b/x/artifact.yaml": ABOUT}, "artifacts/a b/x/artifact.yaml"),
    "the project of models": (
        {"artifacts/model-registry/x/artifact.yaml": ABOUT},
        "artifacts/model-registry/x/artifact.yaml",
    ),
    "that project in capitals": (
        {"artifacts/Model-Registry/x/artifact.yaml": ABOUT},
        "artifacts/Model-Registry/x/artifact.yaml",
    ),
    "an artifact": ({"artifacts/vision/7/artifact.yaml": ABOUT}, "artifacts/vision/7/artifact.yaml"),
    "latest": ({f"{MODEL}/aliases/latest.yaml": GOOD_ALIAS}, f"{MODEL}/aliases/latest.yaml"),
    "Latest": ({f"{ARTIFACT}/aliases/Latest.yaml": GOOD_ALIAS}, f"{ARTIFACT}/aliases/Latest.yaml"),
    "an alias like a version": ({f"{MODEL}/aliases/v3.yaml": GOOD_ALIAS}, f"{MODEL}/aliases/v3.yaml"),
    "an alias like a version in capitals": ({f"{MODEL}/aliases/V3.yaml": GOOD_ALIAS}, f"{MODEL}/aliases/V3.yaml"),
    "an alias with a dot": ({f"{MODEL}/aliases/a.b.yaml": GOOD_ALIAS}, f"{MODEL}/aliases/a.b.yaml"),
    "an alias with a digit first": ({f"{MODEL}/aliases/1st.yaml": GOOD_ALIAS}, f"{MODEL}/aliases/1st.yaml"),
    "an alias of Windows": ({f"{MODEL}/aliases/aux.yaml": GOOD_ALIAS}, f"{MODEL}/aliases/aux.yaml"),
    "no alias at all": ({f"{MODEL}/aliases/.yaml": GOOD_ALIAS}, f"{MODEL}/aliases/.yaml"),
    "a zero in front": ({f"{ARTIFACT}/versions/v03.dvc": RECORD}, f"{ARTIFACT}/versions/v03.dvc"),
    "a capital V": ({f"{ARTIFACT}/versions/V3.dvc": RECORD}, f"{ARTIFACT}/versions/V3.dvc"),
    "a number without v": ({f"{MODEL}/versions/2.yaml": "x"}, f"{MODEL}/versions/2.yaml"),
    "a negative number": ({f"{MODEL}/versions/v-1.yaml": "x"}, f"{MODEL}/versions/v-1.yaml"),
    "a fraction": ({f"{MODEL}/versions/v1.0.yaml": "x"}, f"{MODEL}/versions/v1.0.yaml"),
    "a number without end": ({f"{MODEL}/versions/v{'9' * 30}.yaml": "x"}, f"{MODEL}/versions/v{'9' * 30}.yaml"),
    "foreign digits": ({f"{MODEL}/versions/v\u0663.yaml": "x"}, f"{MODEL}/versions/v\u0663.yaml"),
    "an entity of Windows": ({"registry.yaml": edited(REGISTRY, "entity: acme", "entity: lpt1")}, "registry.yaml"),
    "an entity with a blank": ({"registry.yaml": edited(REGISTRY, "entity: acme", "entity: a c")}, "registry.yaml"),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_bad_name_is_found_at_the_file_it_belongs_to(case):
    changes, path = NAMES[case]
    findings = found(changes)
    assert ("name-valid", path, 2 if path == "registry.yaml" else 1) in findings
    assert {one[0] for one in findings} <= {"name-valid", "owner-named"}


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"models/imageClassifier/model.yaml": ABOUT}, {MODEL_YAML, "models/imageClassifier/model.yaml"}),
        (
            {"artifacts/Vision/x/artifact.yaml": ABOUT},
            {"artifacts/Vision/x/artifact.yaml", f"{ARTIFACT}/artifact.yaml"},
        ),
        (
            {"artifacts/vision/ResNet50/artifact.yaml": ABOUT},
            {"artifacts/vision/ResNet50/artifact.yaml", f"{ARTIFACT}/artifact.yaml"},
        ),
        (
            {f"{ARTIFACT}/aliases/BEST.yaml": GOOD_ALIAS},
            {f"{ARTIFACT}/aliases/BEST.yaml", f"{ARTIFACT}/aliases/best.yaml"},
        ),
    ],
)
def test_twins_are_found_at_both(changes, paths):
    findings = [one for one in found(changes) if one[0] != "owner-named"]
    assert len(findings) == len(paths)
    assert {(rule, path) for rule, path, _ in findings} == {("name-unique-ignoring-case", path) for path in paths}


@dataclass(frozen=True)
class ByHand(MemoryTree):
    """A tree in which one name is there twice, as `git mktree` makes it."""

    def list(self, folder):
        entries = super().list(folder)
        return [*entries, entries[0]] if folder == f"{MODEL}/versions" else entries


def test_a_name_that_is_there_twice_is_found():
    findings = checks.check(ByHand(tree({}).files), rules.ALL).findings
    assert ("name-unique-ignoring-case", f"{MODEL}/versions/v0.yaml") in {(one.rule, one.path) for one in findings}


def test_a_twin_of_a_folder_of_podiums_is_found():
    assert found({"Models/x/model.yaml": ABOUT, "docs/Models/x": "x"}) == [
        ("name-unique-ignoring-case", "Models/x/model.yaml", 1)
    ]


OTHER = "x.safetensors"
REFERENCES = {
    "no model.yaml": ({MODEL_YAML: None}, "entity-file-present", MODEL_YAML, 1),
    "no artifact.yaml": ({f"{ARTIFACT}/artifact.yaml": None}, "entity-file-present", f"{ARTIFACT}/artifact.yaml", 1),
    "an alias of an artifact": (
        {f"{ARTIFACT}/aliases/best.yaml": "generation: 1\nversion: v8\n"},
        "alias-target-exists",
        f"{ARTIFACT}/aliases/best.yaml",
        2,
    ),
    "an alias of an empty artifact": (
        {"artifacts/a/b/artifact.yaml": ABOUT, "artifacts/a/b/aliases/x.yaml": GOOD_ALIAS},
        "alias-target-exists",
        "artifacts/a/b/aliases/x.yaml",
        2,
    ),
    "a comment above": (
        {SHADOW: "# moved by hand\ngeneration: 1\n\nversion: v7 # typo\n"},
        "alias-target-exists",
        SHADOW,
        4,
    ),
    "an alias on a withdrawn artifact version": (
        {
            f"{ARTIFACT}/artifact.yaml": "description: One\nwithdrawn:\n  v1: broken\n",
            SHADOW: "generation: 1\nversion: v0\n",
        },
        "alias-target-withdrawn",
        f"{ARTIFACT}/aliases/best.yaml",
        2,
    ),
    "an alias on what is withdrawn where it is linked": (
        {f"{ARTIFACT}/artifact.yaml": "description: One\nwithdrawn:\n  v1: broken\n"},
        "alias-target-withdrawn",
        f"{MODEL}/aliases/production.yaml",
        2,
    ),
    "a link to no artifact": (
        {f"{MODEL}/versions/v2.yaml": "artifact: vision/vgg16\nversion: v2\n"},
        "link-target-exists",
        f"{MODEL}/versions/v2.yaml",
        1,
    ),
    "a link to a project's file": (
        {f"{MODEL}/versions/v2.yaml": "artifact: visions/resnet50\nversion: v2\n"},
        "link-target-exists",
        f"{MODEL}/versions/v2.yaml",
        1,
    ),
    "a withdrawn link that is not there": (
        {MODEL_YAML: 'description: One\nowners: ["@a/b"]\nwithdrawn:\n  v0: old\n  v5: older\n'},
        "withdrawn-version-exists",
        MODEL_YAML,
        5,
    ),
    "a gap at the start": (
        {"artifacts/a/b/artifact.yaml": ABOUT, "artifacts/a/b/versions/v1.dvc": RECORD.replace("path: v3", "path: v1")},
        "version-numbers-contiguous",
        "artifacts/a/b/versions/v1.dvc",
        1,
    ),
    "a gap in the records": (
        {f"{ARTIFACT}/versions/v5.dvc": RECORD.replace("path: v3", "path: v5")},
        "version-numbers-contiguous",
        f"{ARTIFACT}/versions/v5.dvc",
        1,
    ),
    "a link twice": (
        {f"{MODEL}/versions/v2.yaml": "artifact: vision/resnet50\nversion: v1\n"},
        "link-unique",
        f"{MODEL}/versions/v2.yaml",
        1,
    ),
    "content twice": (
        {V3: examples.record("v3", examples.CONTENTS["v2"], accuracy=0.99)},
        "content-unique",
        V3,
        2,
    ),
    "a tag that nobody knows": (
        {MODEL_YAML: 'description: One\nowners: ["@a/b"]\ntags: [image-classification, cats]\n'},
        "tag-in-vocabulary",
        MODEL_YAML,
        3,
    ),
    "nobody": ({MODEL_YAML: "description: One\nowners: []\n"}, "owner-named", MODEL_YAML, 2),
    "a wrong md5 in the manifest": (
        {V3: edited(RECORD, RECORD.split("md5: ")[3][:32], "0" * 31 + "f")},
        "manifest-matches-hash",
        V3,
        2,
    ),
    "a file too few": (
        {V3: "".join(line for line in RECORD.splitlines(keepends=True) if "path: a.json" not in line)},
        "manifest-matches-hash",
        V3,
        2,
    ),
    "a file renamed": ({V3: edited(RECORD, "a.json", "b.json")}, "manifest-matches-hash", V3, 2),
    "a wrong size": ({V3: edited(RECORD, "size: 8", "size: 9")}, "manifest-matches-hash", V3, 3),
    "a wrong size of a file": ({V3: edited(RECORD, "size: 6", "size: 7")}, "manifest-matches-hash", V3, 3),
    "a wrong count": ({V3: edited(RECORD, "nfiles: 2", "nfiles: 3")}, "manifest-matches-hash", V3, 4),
    "a wrong path": ({V3: edited(RECORD, "path: v3", "path: v2")}, "manifest-matches-hash", V3, 6),
    "an unsorted manifest": (
        {
            V3: "".join(
                [
                    *RECORD.splitlines(keepends=True)[:10],
                    *RECORD.splitlines(keepends=True)[11:9:-1],
                    *RECORD.splitlines(keepends=True)[12:],
                ]
            )
        },
        "manifest-matches-hash",
        V3,
        12,
    ),
    "a team's schema that is no JSON": (
        {"schemas/team/model.schema.json": "{\n  type: object\n"},
        "team-schema",
        "schemas/team/model.schema.json",
        2,
    ),
    "a team's schema that fetches": (
        {"schemas/team/model.schema.json": '{\n  "$ref": "https://evil.example/x.json"\n}\n'},
        "team-schema",
        "schemas/team/model.schema.json",
        2,
    ),
    "a team's schema for records": (
        {"schemas/team/version.schema.json": '{"properties": {"meta": {"required": ["params"]}}}', V3: RECORD},
        "team-schema",
        V3,
        8,
    ),
    "CRLF": ({SHADOW: GOOD_ALIAS.replace("\n", "\r\n")}, "canonical-yaml", SHADOW, 1),
    "a lone CR": ({SHADOW: "generation: 1\rversion: v1\n"}, "canonical-yaml", SHADOW, 1),
    "a tab in a text": (
        {MODEL_YAML: 'description: "a\\tb"\nowners: ["@a/b"]\n'},
        "canonical-yaml",
        MODEL_YAML,
        1,
    ),
    "quotes that are not needed": ({SHADOW: 'generation: 1\nversion: "v1"\n'}, "canonical-yaml", SHADOW, 2),
    "no line end": ({SHADOW: "generation: 1\nversion: v1"}, "canonical-yaml", SHADOW, 2),
    "flow style": ({SHADOW: "{generation: 1, version: v1}\n"}, "canonical-yaml", SHADOW, 1),
    "an edited schema": ({"schemas/model.schema.json": "{}\n"}, "schema", "schemas/model.schema.json", 1),
    "no CODEOWNERS": ({".github/CODEOWNERS": None}, "codeowners-current", ".github/CODEOWNERS", 1),
    "no block in CODEOWNERS": ({".github/CODEOWNERS": "* @a\n"}, "codeowners-current", ".github/CODEOWNERS", 1),
    "a later line in CODEOWNERS": (
        {".github/CODEOWNERS": examples.REGISTRY[".github/CODEOWNERS"] + "\n/models/ @mallory\n"},
        "codeowners-current",
        ".github/CODEOWNERS",
        5,
    ),
    "an empty card": ({f"{MODEL}/README.md": " \n"}, "alias-requires-card", f"{MODEL}/aliases/production.yaml", 2),
}


@pytest.mark.parametrize("case", REFERENCES)
def test_a_broken_registry_gives_the_right_rule_at_the_right_line(case):
    changes, rule, path, line = REFERENCES[case]
    findings = found(changes)
    assert (rule, path, line) in findings
    assert {one[0] for one in findings} == {rule}


UNSAFE = ["../x", "/etc/passwd", "a/../b", "a//b", "./a", ".git/config", "a/.GIT/x", "C:/x", "a\\b", "con", "a/nul.txt",
          "a.", "a ", "x/", "y" * 256]  # fmt: skip


@pytest.mark.parametrize("path", UNSAFE)
def test_an_unsafe_path_is_found_at_its_entry(path):
    text = examples.record("v3", {path: b"1", OTHER: b"2"})
    line = next(
        number for number, row in enumerate(text.splitlines(), 1) if row.startswith("  - {") and OTHER not in row
    )
    assert found({V3: text}) == [("manifest-paths-safe", V3, line)]


@pytest.mark.parametrize("pair", [("a", "A"), ("x/y", "x"), ("stra\u00dfe", "strasse"), ("\u00e9", "e\u0301")])
def test_paths_that_overwrite_each_other_are_found(pair):
    findings = found({V3: examples.record("v3", {pair[0]: b"1", pair[1]: b"2"})})
    assert [one[0] for one in findings] == ["manifest-paths-safe"]


def test_a_missing_registry_yaml_is_a_finding_and_the_rest_is_still_judged():
    assert found({"registry.yaml": None, SHADOW: "generation: 1\nversion: v9\n"}) == [
        ("alias-target-exists", SHADOW, 2),
        ("entity-file-present", "registry.yaml", 1),
    ]


def test_a_link_in_the_place_of_registry_yaml_is_a_finding():
    assert found({"registry.yaml": (b"/etc/passwd", LINK)}) == [("entity-file-present", "registry.yaml", 1)]


# --- attributes, codeowners, storage --------------------------------------------------------------------------------

OWN = rules.own_lines()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (OWN, []),
        ("*.png filter=lfs\n*.py text\n" + OWN, []),
        ("* text=auto\n" + OWN, []),
        ("* text=auto\n", [1]),
        (OWN + "*.yaml merge=union\n", [5]),
        ("*.yaml merge=union\n", [1]),
        ("models/** merge=union\n", [1]),
        ("models/ImageClassifier/aliases/production.yaml merge=ours\n", [1]),
        ("*.dvc filter=lfs\n", [1]),
        ("* filter=lfs\n" + OWN, [1]),
        ("registry.yaml ident\n", [1]),
        ("artifacts/** working-tree-encoding=UTF-16\n", [1]),
        ("schemas/*.json binary\n", [1]),
        ("[attr]mine merge=union\n*.yaml mine\n", [2]),
        ('"models/**" merge=union\n', [1]),
        ("docs/** text=auto\n/src/*.py text\n# * text\n\n", []),
        ("*.y?ml merge=union\n", [1]),
        ("production.yaml merge=union\n", [1]),
        ("models/ merge=union\n", []),
        ("**/aliases/* merge=union\n", [1]),
        (("**/a/" * 200) + "x merge=union\n", []),
    ],
)
def test_foreign_attributes_on_registry_files_are_found_at_their_line(text, lines):
    assert [line for line, _, _ in attributes.foreign(text)] == lines
    assert found({".gitattributes": text}) == [("unknown-file", ".gitattributes", line) for line in lines]


def test_bytes_present_says_what_a_look_at_the_remote_found():
    registry = codec.read(examples.tree({}))
    versions = [registry.resolve("vision/resnet50:v0"), registry.resolve("ImageClassifier:v0")]
    rule = rules.by_id["bytes-present"]
    findings = list(rule.judge(registry.tree, versions, {versions[0].md5: ["model.safetensors is missing"]}))
    assert findings == [
        checks.Finding(
            "bytes-present",
            "error",
            f"{ARTIFACT}/versions/v0.dvc",
            2,
            3,
            "'vision/resnet50:v0': model.safetensors is missing",
            "`podium upload vision/resnet50:v0` where the bytes are, with --repair where the remote's are damaged",
        )
    ]


# --- policies -------------------------------------------------------------------------------------------------------


def unmet(requires, metrics, before=None):
    policy = codec.policy({"requires": {"metrics": requires}})
    registry = codec.read(examples.tree({}))
    record = registry.resolve("vision/resnet50:v0").record
    from dataclasses import replace

    held = None if before is None else replace(record, metrics=before)
    return list(rules.policy.unmet_metrics(policy, replace(record, metrics=metrics), held))


def test_bounds_are_inclusive_and_compared_in_decimal():
    assert unmet({"a": {"min": 0.9}}, {"a": 0.9}) == []
    assert unmet({"a": {"max": 1}}, {"a": 1.0}) == []
    assert unmet({"a": {"max_drop": 0.01}}, {"a": 0.92}, {"a": 0.93}) == []
    assert unmet({"a": {"max_drop": 0.01}}, {"a": 0.9199}, {"a": 0.93}) == [
        "a drops from 0.93 to 0.9199, by more than 0.01"
    ]
    assert unmet({"a": {"max_rise": 0.1}}, {"a": 0.4}, {"a": 0.3}) == []
    assert unmet({"a": {"max_rise": 0.1}}, {"a": 0.41}, {"a": 0.3}) == ["a rises from 0.3 to 0.41, by more than 0.1"]


def test_a_metric_named_without_bounds_must_be_there():
    assert unmet({"a": {}}, {"b": 1}) == ["it has no metric 'a'"]
    assert unmet({"a": {}}, {"a": -5}) == []


def test_without_a_version_before_a_drop_is_no_drop():
    assert unmet({"a": {"max_drop": 0}}, {"a": 0}) == []
    assert unmet({"a": {"max_drop": 0}}, {"a": 0}, {"b": 1}) == []


# --- canonical at a glance ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path in examples.REGISTRY if path.endswith((".dvc", ".yaml"))])
def test_what_is_canonical_at_a_glance_is_canonical(path):
    raw = examples.REGISTRY[path].encode()
    from podium import layout

    document = layout.place(path).document
    assert is_surely_canonical(document, raw) or document == "registry"
    assert codec.is_canonical(document, raw, codec.decode(raw))


@pytest.mark.parametrize(
    "number", ["0.10", "1.0e5", "1e5", "00.1", "0.00001", "-0", "0.30000000000000001", "+1", ".5", "1_0"]
)
def test_numbers_in_another_spelling_are_not_canonical(number):
    raw = RECORD.replace("accuracy: 0.93", f"accuracy: {number}").encode()
    assert not is_surely_canonical("version", raw)


@pytest.mark.parametrize(
    "text", ["yes", "Off", "null", "0b1", "12", "2026-01-01", "'x'", "a  b", "a ", "~", "a: b", "a #b"]
)
def test_texts_that_need_quotes_are_not_canonical(text):
    raw = f"description: {text}\n".encode()
    assert not is_surely_canonical("artifact", raw)
