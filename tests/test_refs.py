"""Names and references."""

import pytest

from podium import refs
from podium.errors import BadName, BadReference, OtherEntity
from podium.refs import Reference


@pytest.mark.parametrize(
    "name", ["a", "0a", "ImageClassifier-ResNet50", "v3", "a.b", "a_b-c", "x" * 128, "console", "com10"]
)
def test_names_that_may_be(name):
    assert refs.why_not_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "12",
        "a.",
        "a..b",
        ".a",
        "-a",
        "_a",
        "a b",
        "a/b",
        "é",
        "x" * 129,
        "con",
        "NUL",
        "com1",
        "LPT9.txt",
        "aux.tar.gz",
        "a\n",
    ],
)
def test_names_that_may_not_be(name):
    assert refs.why_not_name(name)


@pytest.mark.parametrize("alias", ["production", "Best", "a_b-c", "v", "vision", "v3x"])
def test_aliases_that_may_be(alias):
    assert refs.why_not_alias(alias) is None


@pytest.mark.parametrize("alias", ["", "latest", "LATEST", "v3", "V3", "v007", "3d", "a.b", "con", "a b", "x" * 129])
def test_aliases_that_may_not_be(alias):
    assert refs.why_not_alias(alias)


def test_a_project_is_not_called_like_the_way_to_models():
    assert refs.why_not_project("Model-Registry")


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("M", Reference("model", "M")),
        ("M:production", Reference("model", "M", "production")),
        ("M:latest", Reference("model", "M", "latest")),
        ("p/a:v3", Reference("artifact", "p/a", "v3")),
        ("acme/p/a:best", Reference("artifact", "p/a", "best")),
        ("acme/model-registry/M:production", Reference("model", "M", "production")),
    ],
)
def test_the_number_of_slashes_decides(text, reference):
    assert refs.parse(text, "acme") == reference


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", BadName),
        ("M:", BadReference),
        ("M:v03", BadReference),
        ("M:a:b", BadReference),
        ("a/b/c/d", BadReference),
        ("other/p/a", OtherEntity),
        ("model-registry/M", BadName),
        ("p/", BadName),
        ("/a", BadName),
        ("M\n", BadName),
        ("M:production\n", BadReference),
    ],
)
def test_what_is_no_reference_is_refused(text, error):
    with pytest.raises(error):
        refs.parse(text, "acme")


def test_another_entity_is_refused_by_both_names():
    with pytest.raises(OtherEntity, match="'other'; this registry is 'acme'"):
        refs.parse("other/p/a:v1", "acme")
