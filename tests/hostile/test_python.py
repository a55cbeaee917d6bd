"""The Python package, called with what no caller should hand in: an error of podium's, and nothing else."""

from __future__ import annotations

import datetime as dt
import json
import os
import pickle
import shutil
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

import podium
from podium.errors import BadName, Misused, NoSuchModel, NoSuchVersion, Unavailable, Usage
from tests.hostile.typed import STEERING

SECRET = "https://ada:hunter2@git.acme.dev/x?token=hunter2"


class Steering(str):
    """A text that shows itself as another one."""

    __slots__ = ()

    def __str__(self):
        return "\x1b[2J"

    __repr__ = __str__


class Pointing:
    """What says that it is a path, and is none."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


class Mute:
    """What cannot be shown."""

    def __repr__(self):
        raise RuntimeError("mute")


ODD = (
    *(None, b"m", 1, 1.5, True, float("nan"), Path("m"), [], ["m"], {}, {"m"}, ("m",), deque("m"), object(), str),
    *(Steering("m"), Pointing(1), Pointing(b"m"), Mute(), (one for one in "m"), dt.datetime(2026, 3, 1, tzinfo=dt.UTC)),
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
    SECRET,
)


def shown(odd: object) -> str:
    return ascii(odd)[:24] if isinstance(odd, str) else type(odd).__name__


@pytest.fixture
def opened(history, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no registry is in it or above it
    return podium.open(str(history.path))


def refused(call, *arguments, **named):
    """Call something that must not work; whatever it says is fit to be shown, and goes from process to process."""
    with pytest.raises(podium.Error) as caught:
        call(*arguments, **named)
    said = [f"{caught.value}", caught.value.hint, repr(caught.value), caught.value.sentence]
    for text in said:
        assert not STEERING.search(text)
        assert "hunter2" not in text
        assert len(text) < 3000
    assert caught.value.hint
    assert str(pickle.loads(pickle.dumps(caught.value))) == said[0]


@pytest.mark.parametrize("odd", ODD, ids=shown)
def test_what_is_no_reference_no_registry_and_no_revision_is_refused(history, opened, odd):
    where = str(history.path)
    refused(opened.resolve, odd)
    if not isinstance(odd, Steering):  # which is the name of a model
        refused(opened.named, odd)
    refused(podium.use_model, odd, registry=where)
    refused(podium.use_model, "ImageClassifier:production", registry=where, files=[odd])
    refused(opened.storage_as_of, odd)
    if odd is not None and not (isinstance(odd, str) and ":" in odd):  # what has a colon is a host and a path
        refused(podium.open, odd)
        refused(podium.use_model, "ImageClassifier:production", registry=odd)
        refused(lambda: podium.open(where, rev=odd).models["ImageClassifier"])
    refused(podium.Registry, odd)
    if odd is not None and not isinstance(odd, dt.datetime):
        refused(lambda: list(opened.history(since=odd)))
    if not isinstance(odd, int | float | None) or odd is True:
        refused(podium.open, where, max_age=odd)
    refused(opened.rows, odd)


def hashable(odd):
    try:
        hash(odd)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("odd", [odd for odd in ODD if hashable(odd)], ids=shown)
def test_a_mapping_has_no_such_key(opened, odd):
    model = opened.models["ImageClassifier"]
    for mapping in (opened.models, opened.artifacts, model.aliases, model.versions):
        with suppress(TypeError):
            assert mapping.get(odd) is None
        refused(mapping.__getitem__, odd)
        with pytest.raises(KeyError):
            mapping[odd]
    refused(model.version, odd)
    refused(model.why_withdrawn, odd)
    refused(model.select, odd)


# --- edits ----------------------------------------------------------------------------------------------------------

NO_TEXT = [odd for odd in ODD if not isinstance(odd, str)]
UNPRINTABLE = [odd for odd in ODD if isinstance(odd, str) and STEERING.search(odd)]
NO_NAME = [odd for odd in ODD if not isinstance(odd, Steering)]
FACTS = ("metrics", "params", "metadata", "source")


def _logged(folder, **named):
    return lambda edit, odd: edit.log("a/b", folder, **{name: make(odd) for name, make in named.items()})


def _calls(folder):
    """Give each call of an edit that takes something, and what it must refuse."""
    yield "log", lambda edit, odd: edit.log(odd, folder), NO_NAME
    yield "log path", lambda edit, odd: edit.log("a/b", odd), [odd for odd in NO_TEXT if odd != Path("m")]
    yield "log desc", _logged(folder, desc=lambda odd: odd), [*NO_TEXT, *UNPRINTABLE]
    for kind in FACTS:
        yield kind, _logged(folder, **{kind: lambda odd: odd}), [odd for odd in ODD if odd is not None and odd != {}]
        names = [odd for odd in NO_TEXT if hashable(odd)]
        yield f"name in {kind}", _logged(folder, **{kind: lambda odd: {odd: 1}}), [*names, *UNPRINTABLE]
        yield f"text in {kind}", _logged(folder, **{kind: lambda odd: {"a": [odd]}}), [None, b"m", {}, *UNPRINTABLE]
    yield "link", lambda edit, odd: edit.link(odd, "ImageClassifier"), NO_NAME
    yield "link model", lambda edit, odd: edit.link("vision/resnet50:v0", odd), NO_NAME
    yield "promote", lambda edit, odd: edit.promote(odd, "production"), NO_NAME
    yield "promote alias", lambda edit, odd: edit.promote("ImageClassifier:v0", odd), NO_NAME
    yield "rollback", lambda edit, odd: edit.rollback(odd, "production"), NO_NAME
    yield "rollback alias", lambda edit, odd: edit.rollback("ImageClassifier", odd), NO_NAME
    yield "unalias", lambda edit, odd: edit.unalias(odd, "production"), NO_NAME
    yield "unalias alias", lambda edit, odd: edit.unalias("ImageClassifier", odd), NO_NAME
    yield "withdraw", lambda edit, odd: edit.withdraw(odd, "x"), ODD
    yield "reason", lambda edit, odd: edit.withdraw("ImageClassifier:v0", odd), [*NO_TEXT, *UNPRINTABLE]
    yield "restore", lambda edit, odd: edit.restore(odd), ODD
    yield "tag", lambda edit, odd: edit.tag(odd, add=["x"]), NO_NAME
    single = [odd for odd in ODD if isinstance(odd, str | bytes | int | float | Path | Mute | None)]
    yield "tags", lambda edit, odd: edit.tag("ImageClassifier", add=odd), single
    yield "no tags", lambda edit, odd: edit.tag("ImageClassifier", remove=odd), single
    yield "a tag", lambda edit, odd: edit.tag("ImageClassifier", add=[odd]), [*NO_TEXT[:-1], *UNPRINTABLE]
    yield "owners", lambda edit, odd: edit.create("N", owners=odd), single
    yield "an owner", lambda edit, odd: edit.create("N", owners=[odd]), NO_NAME
    yield "desc", lambda edit, odd: edit.create("N", desc=odd), [*NO_TEXT, *UNPRINTABLE]
    yield "remote", lambda edit, odd: edit.create("x/y", remote=odd), [*NO_TEXT, *UNPRINTABLE, SECRET]


CALLS = [name for name, *_ in _calls(None)]


@pytest.mark.parametrize("name", CALLS)
def test_an_edit_refuses_what_is_of_another_kind(place, name):
    call, odds = next((call, odds) for one, call, odds in _calls(place.root.parent / "out") if one == name)
    with podium.open(place.root).edit(dry_run=True) as edit:
        for odd in odds:
            refused(call, edit, odd)
    assert edit.published is None
    assert place.git("status", "--porcelain") == ""


@pytest.mark.parametrize("odd", [*NO_TEXT[1:], *UNPRINTABLE], ids=shown)
def test_a_message_is_text_that_can_be_read(place, odd):
    refused(podium.open(place.root).edit, odd)


def test_an_edit_outside_of_its_block_would_land_nowhere_and_says_so(place):
    edit = podium.open(place.root).edit(dry_run=True)
    refused(edit.tag, "ImageClassifier", add=["x"])
    with edit:
        edit.create("N")
    refused(edit.promote, "ImageClassifier:v0", "production")
    refused(edit.__enter__)


def test_what_was_handed_in_is_taken_as_it_was(place):
    metrics, facts = {"accuracy": 0.5}, {"sets": ["a"]}
    with podium.open(place.root).edit() as edit:
        logged = edit.log("a/b", place.root.parent / "out", metrics=metrics, metadata=facts, upload=False)
        edit.create("N")
        edit.tag("N", add=(tag for tag in ["image-classification"]))
        metrics["accuracy"] = 0.9
        facts["sets"].append("b")
    landed = podium.open(place.root)
    written, tags = landed.resolve("a/b:v0"), landed.models["N"].tags
    place.git("clean", "-qfd")
    for version in (logged, written):
        assert (version.metrics, version.metadata) == ({"accuracy": 0.5}, {"sets": ("a",)})
    assert tags == ("image-classification",)


def test_a_source_is_kept_without_credentials(place):
    with podium.open(place.root).edit(dry_run=True) as edit:
        logged = edit.log("a/b", place.root.parent / "out", source={"repository": SECRET, "run": SECRET})
    assert set(logged.source.values()) == {"https://git.acme.dev/x?token=***"}


# --- values ---------------------------------------------------------------------------------------------------------


def test_what_was_read_is_nobodys_to_change(opened):
    version = opened.resolve("ImageClassifier:production")
    model = opened.models["ImageClassifier"]
    for mapping in (version.metrics, version.metadata, version.params, version.source, model.withdrawn, model.held):
        for change in (dict.clear, lambda it: dict.update(it, a=1)):
            with pytest.raises(TypeError):
                getattr(type(mapping), change.__name__, type(mapping).update)(mapping)
        with pytest.raises(TypeError):
            mapping["a"] = 1
    for name in ("version", "record", "tags", "reference"):
        with pytest.raises(AttributeError):
            setattr(version, name, None)
    for mapping in (model.aliases, model.versions, opened.models, model.assignments):
        with pytest.raises(TypeError):
            mapping["a"] = 1
    assert json.loads(json.dumps(version.metrics)) == dict(version.metrics)


def test_a_version_goes_to_another_process(opened):
    version = opened.resolve("ImageClassifier:production")
    there = pickle.loads(pickle.dumps(version))
    assert there == version
    assert hash(there.files) == hash(version.files)
    with pytest.raises(TypeError):
        there.metrics["a"] = 1


def test_what_is_not_there_is_a_key_error_too(opened):
    with pytest.raises(NoSuchModel) as caught:
        opened.models["Nope"]
    assert str(caught.value) == "there is no registered model 'Nope'"
    with pytest.raises(NoSuchVersion):
        opened.models["ImageClassifier"].versions["v99"]


def test_an_error_quotes_no_more_than_can_be_read():
    assert len(str(BadName("model", "m" * 100_000, "too long"))) < 2000
    many = "\n".join(["remote: said"] * 100)
    assert str(Unavailable(many, "look at it")) == many
    assert str(Usage(f"{SECRET} \x1b[2J", SECRET)) == "https://***@git.acme.dev/x?token=*** \\x1b[2J"
    assert repr(Usage(SECRET, SECRET)) == "Usage('https://***@git.acme.dev/x?token=***')"
    assert issubclass(BadName, Misused)


# --- what is no longer there ----------------------------------------------------------------------------------------


def test_a_working_folder_that_was_removed_is_in_the_way_of_what_needs_it_only(history, place, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for where in (place.root, history.path, f"file://{history.path}"):
        assert podium.open(where).resolve("ImageClassifier:production").version == "v1"
    refused(podium.open)
    refused(podium.open, "registry")
    refused(podium.use_model, "ImageClassifier", registry=place.root, to="out")
    refused(podium.open(place.root).edit().__enter__().log, "a/b", "out")


def test_a_registry_that_is_gone_is_no_empty_one(place, tmp_path):
    shutil.copytree(place.root, tmp_path / "registry")
    fresh, used = podium.open(tmp_path / "registry"), podium.open(tmp_path / "registry")
    assert used.models["ImageClassifier"].versions["v0"]
    shutil.rmtree(tmp_path / "registry")
    for opened in (fresh, used):
        refused(lambda opened=opened: list(opened.artifacts))
        refused(opened.resolve, "Detector:staging")
        refused(lambda opened=opened: list(opened.history()))
    with pytest.raises(Unavailable, match="not there any more"):
        fresh.resolve("ImageClassifier")


@pytest.mark.parametrize("broken", ["objects", "refs"])
def test_a_repository_that_lost_what_its_branch_names_has_not_no_commits(history, broken):
    opened = podium.open(history.path)
    assert opened.entity == "acme"
    shutil.rmtree(history.path / broken)
    refused(lambda: list(opened.history()))
    (history.path / broken).mkdir()
    if broken == "objects":
        with pytest.raises(Unavailable, match="lacks an object"):
            podium.open(history.path).resolve("ImageClassifier")


def test_one_registry_serves_threads_and_forks(history, place):
    opened = [podium.open(where) for where in (place.root, history.path)]

    def read(_):
        return [
            (one.resolve("ImageClassifier:production").version, len(one.models), len(list(one.history())))
            for one in opened
        ]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(read, range(16)))
    assert all(one == found[0] for one in found)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs, pickle.dumps(read(0)))
        os._exit(0)
    os.close(theirs)
    assert os.waitpid(child, 0)[1] == 0
    with os.fdopen(ours, "rb") as answer:
        assert pickle.load(answer) == found[0]


def test_what_a_user_may_not_read_is_out_of_reach(place, tmp_path):
    closed = tmp_path / "closed"
    shutil.copytree(place.root, closed / "registry")
    for folder in (closed / "registry", closed):
        folder.chmod(0)
    try:
        if os.geteuid() == 0:
            os.setresuid(-1, 65534, -1)
        refused(podium.open, closed / "registry")
    finally:
        if os.geteuid() == 65534:
            os.setresuid(-1, 0, -1)
        closed.chmod(0o700)
