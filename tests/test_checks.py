"""The runner: what is judged, how often it is read, where findings are, and that nothing makes it raise."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podium import checks, codec, codeowners, layout, rules, schemas
from podium.checks import Finding
from podium.errors import NewerFormat, Unavailable
from podium.rules import examples
from podium.tree import EXECUTABLE, FILE, LINK, SUBMODULE, MemoryTree, overlay
from podium.visible import visible
from tests.counting import Counting

MODEL = "models/ImageClassifier"
ARTIFACT = "artifacts/vision/resnet50"
SHADOW = f"{MODEL}/aliases/shadow.yaml"


def check(changes, paths=None):
    return checks.check(examples.tree(changes), rules.ALL, paths)


def test_a_finding_is_a_whole_value():
    assert check({SHADOW: "generation: 1\nversion: v9\n"}).findings == (
        Finding(
            rule="alias-target-exists",
            severity="error",
            path=SHADOW,
            line=2,
            column=10,
            message="ImageClassifier has no version v9; it has v0 to v1",
            fix="`podium promote ImageClassifier:VERSION shadow` points it at a version that is there",
        ),
    )


def test_findings_are_sorted_by_path_and_line():
    report = check(
        {
            SHADOW: "generation: 0\nversion: 1\n",
            "artifacts/x.txt": "x",
            f"{ARTIFACT}/aliases/best.yaml": "generation: 1\nversion: v9\n",
        },
    )
    places = [(finding.path, finding.line) for finding in report.findings]
    assert places == [
        ("artifacts/vision/resnet50/aliases/best.yaml", 2),
        ("artifacts/x.txt", 1),
        (SHADOW, 1),
        (SHADOW, 2),
    ]


def test_warnings_alone_are_fine():
    report = check({f"{MODEL}/model.yaml": "description: One\n"})
    assert [finding.rule for finding in report.findings] == ["owner-named"]
    assert report.ok
    assert not check({"models/x.txt": "x"}).ok


def test_an_empty_tree_has_no_registry():
    report = checks.check(MemoryTree(), rules.ALL)
    assert [(finding.rule, finding.path) for finding in report.findings] == [("entity-file-present", "registry.yaml")]


def test_a_registry_of_a_podium_to_come_is_not_judged():
    with pytest.raises(NewerFormat):
        check({"registry.yaml": "apiVersion: podium/v2\nnews: true\n"})


def test_a_record_is_read_once_unless_a_policy_asks_for_it_again():
    tree = Counting(examples.tree({}))
    report = checks.check(tree, rules.ALL)
    assert report.files == 11
    records = {path: count for path, count in tree.reads.items() if path.endswith((".dvc", "v0.yaml", "v1.yaml"))}
    assert records.pop(f"{ARTIFACT}/versions/v1.dvc") > 1  # production names it
    assert set(records.values()) == {1}


def test_a_file_that_vanishes_is_no_clean_file():
    class Vanishing(Counting):
        def read(self, path):
            if path.endswith("v0.dvc"):
                raise KeyError(path)
            return super().read(path)

    with pytest.raises(Unavailable, match=r"v0\.dvc"):
        checks.check(Vanishing(examples.tree({})), rules.ALL)


BROKEN = {
    SHADOW: "generation: 1\nversion: v9\n",
    f"{ARTIFACT}/aliases/bad.yaml": "generation: 1\nversion: v9\n",
    "models/notes.txt": "x",
    "models/Other/model.yaml": "description: [\n",
}


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        ([SHADOW], [SHADOW]),
        ([f"{MODEL}/model.yaml"], [SHADOW]),
        ([MODEL], [SHADOW]),
        ([f"{MODEL}/"], [SHADOW]),
        (["models"], [SHADOW, "models/Other/model.yaml", "models/notes.txt"]),
        (["models/notes.txt"], ["models/notes.txt"]),
        (["artifacts/vision"], [f"{ARTIFACT}/aliases/bad.yaml"]),
        (["registry.yaml"], []),
        (["schemas/team"], []),
        (["."], [f"{ARTIFACT}/aliases/bad.yaml", SHADOW, "models/Other/model.yaml", "models/notes.txt"]),
        (["src/train.py"], []),
        (["models/ImageClass"], []),
        ([], []),
    ],
)
def test_paths_choose_the_entities_they_touch(paths, found):
    assert [finding.path for finding in check(BROKEN, paths).findings] == found


def test_the_parts_add_up_to_the_whole():
    tree = examples.tree(BROKEN)
    around, chosen = checks.look_around(tree), checks.chosen(rules.ALL)
    verdicts = [checks.judge(unit, around, chosen) for unit in checks.units(tree)]
    assert checks.report(reversed(verdicts)) == checks.check(tree, rules.ALL)


def test_a_model_above_a_broken_artifact_is_not_charged_with_it():
    report = check({f"{ARTIFACT}/artifact.yaml": "description: [\n", f"{ARTIFACT}/versions/v1.dvc": "outs: &a []\n"})
    assert {(finding.rule, finding.path) for finding in report.findings} == {
        ("yaml-strict", f"{ARTIFACT}/artifact.yaml"),
        ("yaml-strict", f"{ARTIFACT}/versions/v1.dvc"),
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("caf\udce9", "caf\\xe9"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\nb", "a\\x0ab"),
        ("für", "für"),
    ],
)
def test_what_steers_a_terminal_is_shown_as_its_escape(text, shown):
    assert visible(text) == shown


def test_a_command_in_a_fix_can_be_pasted_whatever_the_name():
    assert checks.command("show", "a; rm -rf ~") == "`podium show 'a; rm -rf ~'`"


# --- fixes ----------------------------------------------------------------------------------------------------------


def fixed(changes):
    tree = examples.tree(changes)
    registry = codec.read(tree)
    done = rules.fixes(registry, checks.check(tree, rules.ALL).findings)
    return done, checks.check(overlay(tree, done), rules.ALL).findings


def test_fixing_makes_canonical_and_keeps_comments():
    done, left = fixed({SHADOW: "# for the load test\nversion:   v1\ngeneration: 1\n"})
    assert done == {SHADOW: b"# for the load test\ngeneration: 1\nversion: v1\n"}
    assert left == ()


def test_fixing_takes_away_what_dvc_add_left():
    done, left = fixed({f"{ARTIFACT}/versions/.gitignore": "/v0\n"})
    assert done == {f"{ARTIFACT}/versions/.gitignore": None}
    assert left == ()


def test_fixing_renews_codeowners_and_shipped_schemas():
    done, left = fixed({layout.CODEOWNERS: "* @a\n", "schemas/link.schema.json": "{}"})
    assert done == {
        layout.CODEOWNERS: ("* @a\n" + examples.REGISTRY[layout.CODEOWNERS]).encode(),
        "schemas/link.schema.json": schemas.text("link"),
    }
    assert left == ()


def test_fixing_leaves_versions_and_everything_that_means_something():
    text = "version: v2\nartifact: vision/resnet50\n"
    done, left = fixed({f"{MODEL}/versions/v2.yaml": text, SHADOW: "generation: 1\nversion: v9\n", "models/x": "x"})
    assert done == {}
    assert {finding.rule for finding in left} == {"canonical-yaml", "alias-target-exists", "unknown-file"}


def test_a_comment_that_podium_cannot_keep_is_left_to_the_person():
    done, left = fixed({SHADOW: "{generation: 1, version: v1}\t# a tab before the comment\n"})
    assert done == {}
    assert left == ()


# --- codeowners -----------------------------------------------------------------------------------------------------

BLOCK = examples.REGISTRY[layout.CODEOWNERS]


def registry_with(text):
    return codec.read(examples.tree({"registry.yaml": text}))


def test_the_block_of_codeowners_names_owners_first_and_approvers_last():
    text = examples.REGISTRY["registry.yaml"] + "codeowners: {owners: true}\n"
    assert codeowners.block(registry_with(text)).splitlines()[1:-1] == [
        "/models/ImageClassifier/ @acme/vision",
        "/models/*/aliases/production.yaml @acme/ml-leads",
    ]


def test_without_approvers_there_is_no_block_and_an_old_one_goes():
    registry = registry_with("apiVersion: podium/v1\nentity: acme\n")
    assert codeowners.block(registry) == ""
    assert codeowners.merged(None, registry) == ""
    assert codeowners.merged(f"* @a\n{BLOCK}/docs/ @b\n", registry) == "* @a\n/docs/ @b\n"


@pytest.mark.parametrize(
    ("existing", "merged"),
    [
        (None, BLOCK),
        ("", BLOCK),
        ("* @a", "* @a\n" + BLOCK),
        (BLOCK, BLOCK),
        (f"* @a\n{BLOCK.replace('ml-leads', 'others')}/docs/ @b\n", f"* @a\n{BLOCK}/docs/ @b\n"),
        (f"{BLOCK}/models/ @b\n", f"/models/ @b\n{BLOCK}"),
        (f"{BLOCK}* @b @acme/ml-leads\n", f"{BLOCK}* @b @acme/ml-leads\n"),
        (f"{codeowners.BEGIN}\n* @a\n", f"* @a\n{BLOCK}"),
    ],
)
def test_the_block_is_merged_into_a_file_that_people_write_too(existing, merged):
    registry = codec.read(examples.tree({}))
    assert codeowners.merged(existing, registry) == merged
    assert codeowners.merged(merged, registry) == merged


@pytest.mark.parametrize(
    ("line", "takes"),
    [
        ("* @m", True),
        ("*.yaml @m", True),
        ("/models/ @m", True),
        ("models @m", True),
        ("aliases/ @m", True),
        ("ImageClassifier @m", True),
        ("Fraud @m", False),
        ("/models/Fraud @m", True),
        ("/models/*/aliases/ @m", True),
        ("/models/**/production.yaml @m", True),
        ("production.yaml", True),
        ("/models/*/aliases/staging.yaml @m", False),
        ("*.py @m", False),
        ("/docs/ @m", False),
        ("# * @m", False),
        ("[Section] @m", False),
        ("* @m @acme/ml-leads # both", False),
    ],
)
def test_a_later_line_that_takes_approvers_away_is_known(line, takes):
    assert bool(list(codeowners.outdone(line, codec.read(examples.tree({}))))) is takes


# --- nothing raises -------------------------------------------------------------------------------------------------

PATHS = [*examples.REGISTRY, ".gitattributes", "schemas/team/version.schema.json", "schemas/link.schema.json"]
PARTS = st.sampled_from(
    ["models", "artifacts", "schemas", "team", "versions", "aliases", "v0.yaml", "v1.dvc", "model.yaml", "x", "..",
     ".git", "con", "caf\udce9", "\u202e", "ImageClassifier", "vision", "resnet50", "README.md", "registry.yaml"],
)  # fmt: skip
MODES = st.sampled_from([FILE, EXECUTABLE, LINK, SUBMODULE, 0o100664])
SNIPPETS = st.lists(
    st.sampled_from([b"a", b": ", b"\n", b"- ", b"{", b"}", b"[", b"]", b"&a ", b"*a", b"!!int ", b'"', b"'", b"\t",
                     b"#", b"|", b">", b"version", b"v1", b"generation", b"1", b"~", b"<<", b"---\n", b"\xff", b"\x00",
                     b"e9", b"."]),
    max_size=30,
).map(b"".join)  # fmt: skip
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def assert_is_judged(files):
    report = checks.check(MemoryTree(files), rules.ALL)
    for finding in report.findings:
        assert finding.line >= 1
        assert finding.column >= 1
        assert finding.message
        (finding.path + finding.message + finding.fix).encode()
    rules.fixes(codec.read(MemoryTree(files)), report.findings)


def texts():
    return {path: text.encode() for path, text in examples.REGISTRY.items()}


@QUIET
@given(st.sampled_from(PATHS), st.one_of(st.binary(max_size=200), SNIPPETS))
def test_no_bytes_in_any_file_make_a_check_raise(path, content):
    assert_is_judged(texts() | {path: content})


@QUIET
@given(st.sampled_from(list(examples.REGISTRY)), st.data())
def test_no_damage_to_a_good_file_makes_a_check_raise(path, data):
    raw = examples.REGISTRY[path].encode()
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 20)))
    assert_is_judged(texts() | {path: raw[:start] + data.draw(SNIPPETS) + raw[end:]})


@QUIET
@given(st.dictionaries(st.lists(PARTS, min_size=1, max_size=5).map("/".join), st.tuples(SNIPPETS, MODES), max_size=4))
def test_no_names_and_modes_make_a_check_raise(files):
    assert_is_judged(texts() | files)


@QUIET
@given(st.sampled_from([path for path in examples.REGISTRY if path.endswith((".yaml", ".dvc"))]), st.data())
def test_what_is_canonical_at_a_glance_would_be_written_so(path, data):
    from podium.codec.glance import is_surely_canonical

    raw = examples.REGISTRY[path].encode()
    start = data.draw(st.integers(0, len(raw) - 1))
    changed = (
        raw[:start]
        + data.draw(st.sampled_from([b"0", b"e", b"y", b" ", b".", b"-", b"no", b'"', b",", b":"]))
        + raw[start + 1 :]
    )
    document = layout.place(path).document
    if is_surely_canonical(document, changed):
        assert codec.encode(document, codec.decode(changed)) == changed
