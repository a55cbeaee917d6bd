"""What versions' files hold, kept by object ids: a step is judged with it as it is without."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from podium import contents, kept, review
from podium.contents import Contents
from podium.rules import examples, touched
from tests.acceptance import histories
from tests.acceptance.histories import History

VERSIONS = f"{histories.ARTIFACT}/versions"


def record(number: int, content: int) -> bytes:
    return examples.record(f"v{number}", {"model.safetensors": bytes([content])}).encode()


def anything(chance: random.Random, files: histories.Files) -> histories.Changes:
    """Log a version or two, or change one as nobody may: often with content that is there, or said in another form."""
    found: dict[str, histories.Content | None] = {}
    for _ in range(chance.choice((1, 1, 2))):
        known = sum(path.startswith(VERSIONS) for path in files) + len(found)
        number = chance.choice((known, known, known, chance.randrange(known + 1)))
        raw = record(number, chance.randrange(12))
        odd = raw.replace(b"- md5: ", b"- hash: md5\n  md5: ").replace(b"  hash: md5\n", b"", 1)
        found[f"{VERSIONS}/v{number}.dvc"] = chance.choice((raw, raw, raw, odd, b"no: record\n", (raw, 0o100755), None))
        link = f"artifact: vision/resnet50\nversion: v{chance.randrange(4)}\n".encode()
        found[f"{histories.MODEL}/versions/v{chance.randrange(2, 6)}.yaml"] = chance.choice((link, b"[", None))
    return found


@pytest.fixture
def history(tmp_path) -> History:
    return History(tmp_path / "history.git")


@pytest.fixture
def line(history) -> list[str]:
    """Give commits of which each logs a version, the last one with content that is there already."""
    states = [histories.START]
    for number, content in ((4, 1), (5, 2), (6, 1)):
        states.append(histories.laid(states[-1], {f"{VERSIONS}/v{number}.dvc": record(number, content)}))
    return history.line(*states)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Give the user's cache, in which of the smallest folder something is kept."""
    monkeypatch.setattr(contents, "WORTH_KEEPING", 0)
    return tmp_path / "cache"


def judged(history: History, base: str, head: str, known: Contents | None = None) -> review.Checked:
    with review.review(history.repository, base, head, known) as reviewed:
        return reviewed.checked


def kept_in(place, history: History) -> Contents:
    return Contents(history.repository.path, place)


@pytest.mark.parametrize("seed", range(3))
def test_a_verdict_with_what_is_kept_is_the_one_without(history, place, monkeypatch, seed):
    chance, states = random.Random(seed), [histories.START]
    for _ in range(12):
        states.append(histories.laid(states[-1], anything(chance, states[-1])))
    commits = history.line(*states)
    for base, head in [*pairwise(commits), *[sorted(chance.sample(commits, 2), key=commits.index) for _ in range(3)]]:
        monkeypatch.setattr(contents, "WORTH_WRITING", chance.choice((1, 50)))
        assert judged(history, base, head, kept_in(place, history)) == judged(history, base, head)
    together = review.each_step(history.repository, commits[0], commits[-1], kept_in(place, history))
    assert [step.checked for step in together] == [judged(history, *pair) for pair in pairwise(commits)]


def test_content_that_is_there_already_is_found_and_no_other_version_is_read(history, place, line, monkeypatch):
    judged(history, line[1], line[2], kept_in(place, history))
    read, content = [], touched._content
    monkeypatch.setattr(
        touched, "_content", lambda tree, path, *entry: read.append(path) or content(tree, path, *entry)
    )
    found = judged(history, line[2], line[3], kept_in(place, history))
    assert [(one.rule, one.path) for one in found.findings] == [("content-unique", f"{VERSIONS}/v6.dvc")]
    assert {*read} == {f"{VERSIONS}/v6.dvc"}


def test_what_one_step_read_is_known_to_the_next(history, line, monkeypatch):
    read, content = [], touched._content
    monkeypatch.setattr(
        touched, "_content", lambda tree, path, *entry: read.append(path) or content(tree, path, *entry)
    )
    assert len([*review.each_step(history.repository, line[0], line[-1])]) == 3
    assert read.count(f"{VERSIONS}/v0.dvc") == 1


def test_what_is_damaged_or_of_another_shape_is_dropped(history, place, line):
    right = judged(history, line[2], line[3])
    judged(history, line[1], line[2], kept_in(place, history))
    (file,) = (place / "contents").iterdir()
    whole, chance = file.read_bytes(), random.Random(0)
    for n in range(8):
        at = chance.randrange(len(whole))
        file.write_bytes(whole[:at] if n % 2 else whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert judged(history, line[2], line[3], kept_in(place, history)) == right
    ids, _, words = (kept.read_bytes(file, contents.FORM) or b"a\nx").partition(b"\n")
    for said in (b"", b"\n", ids, ids + b"\n7 7", ids + b"\n", b"x\ny", ids + b" \n" + words, ids + b"\n\xff" + words):
        kept.write_bytes(file, contents.FORM, said)
        assert judged(history, line[2], line[3], kept_in(place, history)) == right


def test_without_a_place_nothing_is_kept(history, place, line):
    judged(history, line[1], line[2])
    assert not place.exists()
