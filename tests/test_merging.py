"""Merging: what two branches did becomes one registry, whatever numbers each of them took."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium import checks, codec, edits, layout, merging, rules
from podium.errors import Denied, Error, Unreadable
from podium.history import Difference, Step
from podium.merging import Clash, Renumbered
from podium.tree import Entry, MemoryTree, overlay
from tests import example

ARTIFACT = "artifacts/vision/resnet50"
MODEL = "models/ImageClassifier"


def promote(registry, reference, alias):
    return edits.promote(registry, registry.reference(reference), alias).registry


def log(registry, content, artifact="vision/resnet50"):
    return edits.log(registry, artifact, example.record(content)).registry


def link(registry, reference, model="ImageClassifier"):
    return edits.link(registry, registry.resolve(reference), model).registry


def written(registry, files):
    return codec.read(overlay(registry.tree, files))


def result(first, merged):
    return codec.read(overlay(first.tree, merged.changes))


def texts(merged):
    return {path: None if raw is None else raw.decode() for path, raw in merged.changes.items()}


def test_two_versions_of_one_artifact_follow_each_other(acme):
    merged = merging.merge(acme, log(acme, b"first"), log(acme, b"later"))
    assert list(merged.changes) == [f"{ARTIFACT}/versions/v4.dvc"]
    assert merged.changes[f"{ARTIFACT}/versions/v4.dvc"] == example.version_file("v4", b"later")
    assert merged.renumbered == (Renumbered("artifact", "vision/resnet50", "v3", "v4", known=False),)
    assert merged.renumbered[0].sentence == "vision/resnet50:v3 is now vision/resnet50:v4"


def test_what_refers_to_a_renumbered_version_follows_it(acme):
    later = log(acme, b"later")
    later = promote(link(later, "vision/resnet50:v3"), "ImageClassifier:v2", "staging")
    later = promote(later, "vision/resnet50:v3", "best")
    first = link(log(acme, b"first"), "vision/resnet50:v3")
    merged = merging.merge(acme, first, later)
    del merged.changes[f"{ARTIFACT}/versions/v4.dvc"]
    assert texts(merged) == {
        f"{MODEL}/versions/v3.yaml": "artifact: vision/resnet50\nversion: v4\n",
        f"{MODEL}/aliases/staging.yaml": "generation: 1\nversion: v3\n",
        f"{ARTIFACT}/aliases/best.yaml": "generation: 3\nversion: v4\n",
    }
    assert merged.clashes == ()


def test_a_link_that_did_not_conflict_follows_too(acme):
    later = link(log(acme, b"later"), "vision/resnet50:v3", "Other")
    merged = merging.merge(acme, log(acme, b"first"), later)
    assert result(log(acme, b"first"), merged).resolve("Other:v0").artifact.version == "v4"


def test_a_withdrawal_follows_its_version(acme):
    later = log(acme, b"later")
    later = edits.withdraw(later, later.reference("vision/resnet50:v3"), "bad data").registry
    first = log(acme, b"first")
    first = edits.withdraw(first, first.reference("vision/resnet50:v1"), "licence").registry
    after = result(first, merging.merge(acme, first, later))
    assert after.artifact("vision/resnet50").withdrawn == {"v1": "licence", "v4": "bad data"}


def test_the_same_content_is_one_version(acme):
    first, later = log(log(acme, b"x"), b"same"), promote(log(acme, b"same"), "vision/resnet50:v3", "canary")
    merged = merging.merge(acme, first, later)
    assert texts(merged) == {f"{ARTIFACT}/aliases/canary.yaml": "generation: 1\nversion: v4\n"}
    assert merged.renumbered[0].sentence.endswith("is now vision/resnet50:v4, which has the same content")


def test_the_same_link_is_one_link(acme):
    first = link(link(acme, "vision/resnet50:v1"), "vision/resnet50:v1")
    later = promote(link(acme, "vision/resnet50:v1"), "ImageClassifier:v2", "staging")
    assert texts(merging.merge(acme, first, later)) == {f"{MODEL}/aliases/staging.yaml": "generation: 1\nversion: v2\n"}


def test_two_moves_of_one_alias_clash_and_are_told_by_the_merges_numbers(acme):
    later = log(acme, b"later")
    later = promote(later, "vision/resnet50:v3", "best")
    first = promote(log(acme, b"first"), "vision/resnet50:v3", "best")
    merged = merging.merge(acme, first, later)
    path = f"{ARTIFACT}/aliases/best.yaml"
    assert merged.clashes == (Clash(path, layout.place(path), "v2", "v3", "v4"),)
    assert list(merged.changes) == [f"{ARTIFACT}/versions/v4.dvc"]


def test_two_moves_of_one_alias_to_the_same_content_are_one(acme):
    first, later = (promote(log(acme, b"same"), "vision/resnet50:v3", "best") for _ in range(2))
    assert merging.merge(acme, first, later) == merging.Merged({})


def test_a_removed_and_a_moved_alias_clash(acme):
    first = edits.unalias(acme, acme.reference("ImageClassifier"), "production").registry
    later = promote(acme, "ImageClassifier:v1", "production")
    assert [(c.before, c.first, c.later) for c in merging.merge(acme, first, later).clashes] == [("v0", None, "v1")]


def test_tags_and_owners_merge_one_by_one(acme):
    first = edits.tag(acme, "ImageClassifier", add=["a"]).registry
    later = edits.tag(acme, "ImageClassifier", add=["b"], remove=["vision"]).registry
    after = result(first, merging.merge(acme, first, later))
    assert after.models["ImageClassifier"].tags == ("a", "b")


def test_a_branch_by_itself_closes_its_gap(acme):
    gap = written(acme, {f"{ARTIFACT}/versions/v7.dvc": example.version_file("v7", b"later")})
    merged = merging.merge(acme, acme, gap)
    assert list(merged.changes) == [f"{ARTIFACT}/versions/v3.dvc"]


def test_what_is_no_document_of_the_registry_is_left_to_git(acme):
    later = written(acme, {f"{MODEL}/README.md": b"# x\n", "registry.yaml": b"apiVersion: podium/v1\nentity: b\n"})
    assert merging.merge(acme, acme, later) == merging.Merged({})


def test_a_reference_made_where_the_version_had_another_number_is_told_by_content(acme):
    """A cherry-pick: the link was made on a branch on which the version is called otherwise."""
    branch = log(acme, b"later")
    picked = link(branch, "vision/resnet50:v3")
    onto = log(log(acme, b"first"), b"later")
    merged = merging.merge(branch, onto, picked)
    assert texts(merged) == {f"{MODEL}/versions/v2.yaml": "artifact: vision/resnet50\nversion: v4\n"}


def test_a_name_that_the_format_refuses_is_left_to_git(acme):
    later = written(acme, {f"{MODEL}/aliases/latest.yaml": b"x", f"{MODEL}/versions/v01.yaml": b"x", "models/x": b"x"})
    assert merging.merge(acme, acme, later) == merging.Merged({})


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        (f"{MODEL}/aliases/production.yaml", b"<<<<<<< x\n"),
        (f"{ARTIFACT}/versions/v3.dvc", b"outs: []\n"),
        (f"{MODEL}/versions/v2.yaml", b"artifact: [\n"),
        (f"{ARTIFACT}/artifact.yaml", b"withdrawn: 3\n"),
    ],
)
def test_a_broken_file_is_named(acme, path, raw):
    with pytest.raises(Unreadable) as caught:
        merging.merge(acme, log(acme, b"first"), written(acme, {path: raw}))
    assert caught.value.path == path


def test_a_link_on_disk_is_refused(acme):
    files = {**example.files(), f"{MODEL}/aliases/x.yaml": (b"/etc/passwd", 0o120000)}
    with pytest.raises(Denied, match="no plain file"):
        merging.merge(acme, acme, codec.read(MemoryTree(files)))


@pytest.mark.parametrize(
    ("base", "first", "later", "merged"),
    [
        ({"description": "a"}, {"description": "b"}, {"description": "a"}, {"description": "b"}),
        ({"description": "a"}, {"description": "a"}, {"description": "c"}, {"description": "c"}),
        ({"description": "a"}, {"description": "b"}, {"description": "c"}, None),
        ({}, {"description": ""}, {"description": "c"}, {"description": "c"}),
        ({"tags": ["a"]}, {}, {"tags": ["a", "b"]}, {"tags": ["b"]}),
        ({"tags": ["a"]}, {"tags": ["a"]}, {}, {}),
        ({}, {"withdrawn": {"v1": "x"}}, {"withdrawn": {"v1": "y"}}, None),
        ({"withdrawn": {"v1": "x"}}, {}, {"withdrawn": {"v1": "x", "v2": "y"}}, {"withdrawn": {"v2": "y"}}),
        ({"withdrawn": {"v1": "x"}}, {}, {"withdrawn": {"v1": "y"}}, None),
        ({}, {"type": "dataset"}, {}, {"type": "dataset"}),
    ],
)
def test_descriptions_merge_key_by_key(base, first, later, merged):
    assert merging.merge_about(base, first, later) == merged


# --- laws -----------------------------------------------------------------------------------------------------------

ARTIFACTS = ("vision/resnet50", "nlp/bert")
MODELS = ("ImageClassifier", "Other")
NUMBERS = st.integers(0, 5).map(lambda number: f"v{number}")
NAMES = st.sampled_from(ARTIFACTS + MODELS)

STEPS = st.one_of(
    st.tuples(st.just("log"), st.sampled_from(ARTIFACTS), st.integers(0, 9)),
    st.tuples(st.just("link"), st.sampled_from(ARTIFACTS), NUMBERS, st.sampled_from(MODELS)),
    st.tuples(st.just("promote"), NAMES, NUMBERS, st.sampled_from(["production", "best"])),
    st.tuples(st.just("unalias"), NAMES, st.sampled_from(["production", "best"])),
    st.tuples(st.just("withdraw"), NAMES, NUMBERS),
    st.tuples(st.just("restore"), NAMES, NUMBERS),
    st.tuples(st.just("tag"), st.sampled_from(MODELS), st.sampled_from("ab"), st.booleans()),
)
SCRIPTS = st.lists(STEPS, max_size=6)


def do_promote(registry, base, name, version, alias):
    return edits.promote(registry, registry.reference(f"{name}:{version}"), alias, base)


def do_tag(registry, base, name, tag, add):
    return edits.tag(registry, name, **{"add" if add else "remove": [tag]})


DO = {
    "log": lambda registry, base, name, content: edits.log(registry, name, example.record(b"w%d" % content)),
    "link": lambda registry, base, name, version, model: edits.link(
        registry, registry.resolve(f"{name}:{version}"), model
    ),
    "promote": do_promote,
    "unalias": lambda registry, base, name, alias: edits.unalias(registry, registry.reference(name), alias, base),
    "withdraw": lambda registry, base, name, v: edits.withdraw(registry, registry.reference(f"{name}:{v}"), "a reason"),
    "restore": lambda registry, base, name, v: edits.restore(registry, registry.reference(f"{name}:{v}")),
    "tag": do_tag,
}


def played(base, script):
    registry = base
    for step in script:
        try:
            registry = DO[step[0]](registry, base, *step[1:]).registry
        except Error:
            continue
    return registry


def contents(registry):
    return {
        (artifact.name, record.md5): number
        for artifact in registry.artifacts.values()
        for number, record in artifact.records.items()
    }


def bookmarks(registry):
    return {
        (model.name, version.artifact.name, version.md5)
        for model in registry.models.values()
        for version in model.versions.values()
    }


def meanings(registry):
    """What each alias names, by content."""
    entities = [*registry.models.values(), *registry.artifacts.values()]
    return {
        (entity.name, alias): (entity.aliases[alias].artifact.name, entity.aliases[alias].md5)
        if given.version
        else None
        for entity in entities
        for alias, given in entity.assignments.items()
    }


def withdrawals(registry):
    entities = [*registry.models.values(), *registry.artifacts.values()]
    return {(e.name, e.version(n).artifact.name, e.version(n).md5) for e in entities for n in e.withdrawn}


def step_between(before, after):
    paths = merging.changed(before.tree, after.tree)

    def entry(tree, path):
        found = tree.entry(path)
        return Entry(found.name, found.mode, str(hash(tree.read(path)))) if found else None

    differences = (Difference(path, entry(before.tree, path), entry(after.tree, path)) for path in paths)
    return Step(before, after, tuple(differences))


CLEAN_BUT_WRONG = {"alias-target-withdrawn", "link-target-withdrawn"}


def is_sound(first, after):
    """Whether every rule holds, but for what another branch withdrew meanwhile, which a check of the merge finds."""
    found = [*checks.check(after.tree, rules.ALL).findings, *rules.judge_step(step_between(first, after)).findings]
    assert [f for f in found if f.severity == "error" and f.rule not in CLEAN_BUT_WRONG] == []


def three_way(old, ours, theirs):
    return theirs if ours == old else ours


@settings(max_examples=150, deadline=None)
@given(SCRIPTS, SCRIPTS, SCRIPTS)
def test_any_two_branches_merge_right_or_clash_about_an_alias(start, one, other):
    base = played(example.registry(), start)
    sides = played(base, one), played(base, other)
    for first, later in (sides, sides[::-1]):
        merged = merging.merge(base, first, later)
        assert {clash.place.document for clash in merged.clashes} <= {"alias"}
        after = result(first, merged)
        assert set(contents(after)) == set(contents(first)) | set(contents(later))
        assert len(contents(after)) == sum(len(artifact.numbers) for artifact in after.artifacts.values())
        assert bookmarks(after) == bookmarks(first) | bookmarks(later)
        assert len(bookmarks(after)) == sum(len(model.numbers) for model in after.models.values())
        assert contents(first).items() <= contents(after).items()
        old, ours, theirs, now = map(meanings, (base, first, later, after))
        clashed = {(clash.place.name, clash.place.member) for clash in merged.clashes}
        for alias in now.keys() - clashed:
            assert now[alias] == three_way(old.get(alias), ours.get(alias), theirs.get(alias))
        assert all(ours[alias] != theirs[alias] for alias in clashed)
        gone = (withdrawals(base) - withdrawals(first)) | (withdrawals(base) - withdrawals(later))
        assert withdrawals(after) == (withdrawals(first) | withdrawals(later)) - gone
        is_sound(first, after)


@given(SCRIPTS, SCRIPTS)
def test_a_merge_is_complete_the_first_time(one, other):
    base = example.registry()
    first, later = played(base, one), played(base, other)
    after = result(first, merging.merge(base, first, later))
    again = merging.merge(first, first, after)
    assert again.changes.keys() <= set(merging.changed(first.tree, after.tree))
    assert again.renumbered == ()
    assert result(first, again).tree.changes == after.tree.changes
