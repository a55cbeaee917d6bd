"""The Python package, called with what no caller should hand in: an error of podium's, or a TypeError, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

import podium
from tests.hostile.typed import STEERING

ODD = (
    *(None, b"m", 1, 1.5, True, Path("m"), [], {}, ("m",), object()),
    *(
        "",
        " ",
        ":",
        "m:",
        ":v1",
        "m:latest:",
        "m:v01",
        "m:v-1",
        "m:\u06611",
        "m:v" + "9" * 5000,
        "m" * 5000,
        "a/" * 2500,
    ),
    *("../m", "/etc/passwd", "m%2f..", "m%3Av1", "m\x00", "m\n", "m\x1b[2J", "m\u202e", "m\udcff", "m:\ud800"),
    *(".git", "con", "m.", "-m", "--help", "evil/model-registry/m", "http://[::1", "~nobody-of-that-name", "ext::sh"),
)


def shown(odd: object) -> str:
    return ascii(odd)[:24] if isinstance(odd, str) else type(odd).__name__


@pytest.fixture
def opened(history, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no registry is in it or above it
    return podium.open(str(history.path))


def refused(call, *arguments, **named):
    """Call something that must not work; whatever it says is fit to be shown."""
    with pytest.raises((podium.Error, TypeError)) as caught:
        call(*arguments, **named)
    assert not STEERING.search(str(caught.value))


@pytest.mark.parametrize("odd", ODD, ids=shown)
def test_what_is_no_reference_no_registry_and_no_revision_is_refused(history, opened, odd):
    where = str(history.path)
    refused(opened.resolve, odd)
    refused(podium.use_model, odd, registry=where)
    refused(podium.use_model, "ImageClassifier:production", registry=where, files=[odd])
    if odd is not None and not (isinstance(odd, str) and ":" in odd):  # what has a colon is a host and a path
        refused(podium.open, odd)
        refused(podium.use_model, "ImageClassifier:production", registry=odd)
        refused(lambda: podium.open(where, rev=odd).models["ImageClassifier"])


@pytest.mark.parametrize("odd", ODD, ids=shown)
def test_a_mapping_has_no_such_key(opened, odd):
    for mapping in (opened.models, opened.artifacts, opened.models["ImageClassifier"].aliases):
        with suppress(TypeError):
            assert mapping.get(odd) is None
