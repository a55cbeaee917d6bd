"""Edits: from one registry to the next."""

import pytest

from podium import codec, edits
from podium.edits import Edited
from podium.errors import BadName, Denied, NoSuchAlias, NoSuchModel, NoSuchVersion
from podium.model import About, Registry
from podium.tree import overlay
from tests import example


def promote(registry: Registry, reference: str, alias: str, base: Registry | None = None) -> Edited:
    return edits.promote(registry, registry.reference(reference), alias, base)


def written(edited: Edited) -> dict[str, str | None]:
    return {path: None if raw is None else raw.decode() for path, raw in edited.registry.tree.changes.items()}


def test_the_first_version_makes_the_artifact(acme):
    edited = edits.log(acme, "nlp/bert", example.record(b"new"))
    assert edited.result == "nlp/bert:v0"
    assert set(written(edited)) == {"artifacts/nlp/bert/artifact.yaml", "artifacts/nlp/bert/versions/v0.dvc"}
    assert edited.registry.resolve("nlp/bert").version == "v0"


def test_the_next_version_has_the_next_number(acme):
    assert edits.log(acme, "vision/resnet50", example.record(b"new")).result == "vision/resnet50:v3"


def test_content_that_is_there_makes_no_new_version(acme):
    edited = edits.log(acme, "vision/resnet50", example.record(b"w1", metrics={"accuracy": 0.5}))
    assert (edited.result, edited.changed) == ("vision/resnet50:v1", False)
    assert "metrics" in edited.notes[1]


def test_content_of_a_withdrawn_version_is_refused_by_name(acme):
    withdrawn = edits.withdraw(acme, acme.reference("vision/resnet50:v1"), "bad data").registry
    with pytest.raises(Denied, match="vision/resnet50:v1 has the same content and was withdrawn: bad data"):
        edits.log(withdrawn, "vision/resnet50", example.record(b"w1"))


def test_the_same_content_may_be_in_two_artifacts(acme):
    assert edits.log(acme, "vision/other", example.record(b"w1")).result == "vision/other:v0"


def test_a_link_gets_the_models_next_number(acme):
    edited = edits.link(acme, acme.resolve("vision/resnet50:v1"), "ImageClassifier")
    assert edited.result == "ImageClassifier:v2"
    assert written(edited) == {"models/ImageClassifier/versions/v2.yaml": "artifact: vision/resnet50\nversion: v1\n"}


def test_the_same_version_is_not_linked_twice(acme):
    edited = edits.link(acme, acme.resolve("vision/resnet50:v2"), "ImageClassifier")
    assert (edited.result, edited.changed) == ("ImageClassifier:v1", False)


def test_one_version_is_linked_by_many_models(acme):
    assert edits.link(acme, acme.resolve("vision/resnet50:v2"), "Another").result == "Another:v0"


def test_an_alias_moves_and_counts(acme):
    edited = promote(acme, "ImageClassifier:v1", "production")
    assert edited.result == "ImageClassifier production: v0 → v1"
    assert written(edited) == {"models/ImageClassifier/aliases/production.yaml": "generation: 19\nversion: v1\n"}


def test_an_alias_of_an_artifact_moves_too(acme):
    assert written(promote(acme, "vision/resnet50:v0", "best")) == {
        "artifacts/vision/resnet50/aliases/best.yaml": "generation: 3\nversion: v0\n"
    }


def test_an_alias_that_is_there_does_not_move(acme):
    assert promote(acme, "ImageClassifier:v0", "production").changed is False


def test_a_branch_counts_from_its_base_however_often_it_moves(acme):
    once = promote(acme, "ImageClassifier:v1", "production", acme).registry
    linked = edits.link(once, once.resolve("vision/resnet50:v1"), "ImageClassifier").registry
    twice = promote(linked, "ImageClassifier:v2", "production", acme).registry
    assert twice.models["ImageClassifier"].assignments["production"].generation == 19
    back = promote(twice, "ImageClassifier:v0", "production", acme).registry
    assert back.models["ImageClassifier"].assignments["production"].generation == 18


def test_an_alias_that_was_removed_goes_on_counting(acme):
    removed = edits.unalias(acme, acme.reference("ImageClassifier"), "production").registry
    assert written(Edited(removed, "")) == {
        "models/ImageClassifier/aliases/production.yaml": "generation: 19\nversion: null\n"
    }
    assert removed.models["ImageClassifier"].aliases == {}
    with pytest.raises(NoSuchAlias):
        removed.resolve("ImageClassifier:production")
    again = promote(removed, "ImageClassifier:v1", "production").registry
    assert again.models["ImageClassifier"].assignments["production"].generation == 20


@pytest.mark.parametrize(
    ("reference", "alias", "error"),
    [
        ("Nothing:v0", "production", NoSuchModel),
        ("ImageClassifier:v9", "production", NoSuchVersion),
        ("ImageClassifier:nothing", "production", NoSuchAlias),
        ("ImageClassifier:v0", "latest", BadName),
        ("ImageClassifier:v0", "v3", BadName),
        ("ImageClassifier:v0", "Production", Denied),
    ],
)
def test_what_cannot_be_promoted_is_refused(acme, reference, alias, error):
    with pytest.raises(error):
        promote(acme, reference, alias)


def test_latest_passes_over_what_was_withdrawn_here_and_in_the_artifact(acme):
    moved = promote(acme, "vision/resnet50:v0", "best").registry
    withdrawn = edits.withdraw(moved, moved.reference("vision/resnet50:v2"), "bad data").registry
    assert withdrawn.resolve("vision/resnet50").version == "v1"
    assert withdrawn.resolve("ImageClassifier").version == "v0"
    assert withdrawn.resolve("ImageClassifier:v1").withdrawn == "bad data"
    with pytest.raises(Denied, match="bad data"):
        promote(withdrawn, "ImageClassifier:v1", "production")
    with pytest.raises(Denied, match="bad data"):
        edits.link(withdrawn, withdrawn.resolve("vision/resnet50:v2"), "Another")


def test_what_an_alias_holds_is_not_withdrawn(acme):
    with pytest.raises(Denied, match="ImageClassifier:v0 is held by ImageClassifier:production"):
        edits.withdraw(acme, acme.reference("ImageClassifier:v0"), "bad")
    with pytest.raises(Denied, match="held by ImageClassifier:production"):
        edits.withdraw(acme, acme.reference("vision/resnet50:v0"), "bad")
    with pytest.raises(Denied, match="held by vision/resnet50:best"):
        edits.withdraw(acme, acme.reference("vision/resnet50:v2"), "bad")


def test_a_restored_version_can_be_used_again(acme):
    withdrawn = edits.withdraw(acme, acme.reference("vision/resnet50:v1"), "bad data").registry
    restored = edits.restore(withdrawn, withdrawn.reference("vision/resnet50:v1")).registry
    assert restored.tree.read("artifacts/vision/resnet50/artifact.yaml") == acme.tree.read(
        "artifacts/vision/resnet50/artifact.yaml"
    )


def test_tags_are_added_and_removed(acme):
    edited = edits.tag(acme, "ImageClassifier", add=["team-vision", "vision"])
    assert edited.registry.models["ImageClassifier"].tags == ("vision", "team-vision")
    assert edits.tag(acme, "ImageClassifier", remove=["vision"]).registry.models["ImageClassifier"].tags == ()
    assert edits.tag(acme, "ImageClassifier", add=["vision"]).changed is False


def test_a_tag_must_be_in_the_vocabulary():
    files = example.files() | {"registry.yaml": b"apiVersion: podium/v1\nentity: acme\ntags: {vision: Pictures}\n"}
    registry = codec.read(example.MemoryTree(files))
    with pytest.raises(Denied, match="'sound' is not in the registry's vocabulary: vision"):
        edits.tag(registry, "ImageClassifier", add=["sound"])


def test_a_tag_that_the_vocabulary_lost_keeps_nobody_from_taking_another_away(acme):
    tagged = edits.tag(acme, "ImageClassifier", add=["old", "older"]).registry
    files = {"registry.yaml": b"apiVersion: podium/v1\nentity: acme\ntags: {vision: Pictures}\n"}
    narrowed = codec.read(overlay(tagged.tree, files))
    edited = edits.tag(narrowed, "ImageClassifier", remove=["old"])
    assert edited.registry.models["ImageClassifier"].tags == ("vision", "older")


def test_what_is_there_already_is_not_described_anew_and_that_is_said(acme):
    there = acme.reference("ImageClassifier")
    assert edits.create(acme, there, About()).notes == ("ImageClassifier is there already",)
    edited = edits.create(acme, there, About(description="Something else", owners=("@acme/others",)))
    assert (edited.changed, edited.registry) == (False, acme)
    assert edited.notes[1] == "the description, owners given differ from what its file says, which stays as it is"


def test_a_model_may_be_empty(acme):
    edited = edits.create(acme, acme.reference("Empty"), About(description="Nothing yet", owners=("@acme/x",)))
    assert written(edited) == {"models/Empty/model.yaml": 'description: Nothing yet\nowners: ["@acme/x"]\n'}
    assert edited.registry.models["Empty"].latest is None


@pytest.mark.parametrize("name", ["imageclassifier", "Vision/other", "vision/ResNet50"])
def test_names_that_differ_only_in_case_are_refused(acme, name):
    with pytest.raises(Denied, match="only in case"):
        edits.create(acme, acme.reference(name), About())


def test_what_the_schema_does_not_allow_is_refused(acme):
    with pytest.raises(Denied, match="finite"):
        edits.log(acme, "vision/resnet50", example.record(b"new", metrics={"loss": float("nan")}))
    with pytest.raises(Denied):
        edits.create(acme, acme.reference("X"), About(owners=("nobody",)))
    with pytest.raises(Denied):
        edits.create(acme, acme.reference("X"), About(description="bell \x07"))


def test_a_long_manifest_stays_on_the_remote(acme):
    files = tuple(example.file(f"part-{n:05}", b"%d" % n) for n in range(5001))
    record = example.record(b"x")
    long = type(record)(
        md5=example.directory_hash(files), size=sum(f.size for f in files), nfiles=5001, created=record.created,
        author=record.author, files=files, sha256="ab" * 32,
    )  # fmt: skip
    version = edits.log(acme, "vision/resnet50", long).registry.resolve("vision/resnet50:v3")
    assert version.files is None
    assert version.sha256 == "ab" * 32


def test_several_edits_see_each_other(acme):
    edit = edits.in_turn(
        [
            lambda registry: edits.log(registry, "nlp/bert", example.record(b"new")),
            lambda registry: edits.link(registry, registry.resolve("nlp/bert:v0"), "Tagger"),
            lambda registry: promote(registry, "Tagger:v0", "production"),
        ]
    )
    edited = edit(acme)
    assert edited.result == "nlp/bert:v0"
    assert edited.registry.resolve("Tagger:production").artifact.name == "nlp/bert"
