"""What Git says of a line of commits, kept between runs: never something else than Git says now."""

from __future__ import annotations

import random
import threading
from itertools import islice
from pathlib import Path

import pygit2
import pytest

from podium import git, kept
from podium.errors import Unavailable
from podium.git import program, trail
from tests.acceptance.histories import History

PATHS = (
    "models/A/aliases/x.yaml",
    "models/A/model.yaml",
    "models/B/model.yaml",
    "artifacts/p/a/artifact.yaml",
    "other",
)
SETS = ((), ("models/A",), ("models/A", "artifacts/p/a"), PATHS[:1], ("nothing/here",))
SAID = (b"Move", b"", b"\n:100644 is no difference\n", b"caf\xe9 \xff", b"two\n\nparagraphs (#7)\n", b"f0" * 20)


class Growing(History):
    """A repository whose branch grows by commits of any kind, with any message."""

    def grow(self, chance: random.Random, tip: str | None) -> str:
        """Commit something on a tip, or on another commit; now and then a merge, also of what changes nothing."""
        files = dict(self.files.get(tip, {}))
        for path in chance.sample(PATHS, chance.choice((0, 1, 1, 1, 2))):
            files.pop(path, None)
            if chance.random() < 0.9:
                files[path] = bytes([chance.randrange(65, 70)])
        parents = [tip, *chance.sample([*self.files], k=chance.random() < 0.2 and len(self.files) > 1)] if tip else []
        self.clock += chance.randrange(-600, 900)
        who = b"Ren\xe9 <r@acme.dev> %d +0100" % self.clock
        lines = [f"tree {self.tree(files)}".encode(), *[f"parent {one}".encode() for one in parents]]
        lines += [b"author " + who, b"committer " + who, *[b"encoding latin-1"][: chance.randrange(2)], b""]
        raw = b"\n".join([*lines, chance.choice(SAID)])
        made = str(self.repository.write(pygit2.enums.ObjectType.COMMIT, raw))
        self.files[made] = files
        return made

    def __post_init__(self) -> None:
        super().__post_init__()
        self.files: dict[str | None, dict[str, bytes]] = {}


@pytest.fixture
def lines(tmp_path) -> Path:
    """Give the folder in which answers are kept."""
    return tmp_path / "lines"


@pytest.fixture
def place(tmp_path) -> Growing:
    return Growing(tmp_path / "history.git")


def line(place: Growing, count: int, after: str | None = None, seed: int = 0) -> str:
    chance = random.Random(seed)
    for _ in range(count):
        after = place.grow(chance, after)
    assert after is not None
    return after


def said(place: Growing, tip: str, paths=("models/A",), folder=None) -> list[git.Turn] | str:
    """Give the turns of a line; or why they are not to be had."""
    try:
        return list(git.turns(place.repository, tip, paths, kept=folder))
    except Unavailable as problem:
        return problem.sentence


def asked(monkeypatch) -> list[tuple[str, ...]]:
    """Write down what Git is asked."""
    found: list[tuple[str, ...]] = []
    stream = program.stream
    monkeypatch.setattr(program, "stream", lambda folder, *words: found.append(words) or stream(folder, *words))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_with_and_without_what_was_kept_is_the_same_in_any_history(place, lines, monkeypatch, seed):
    chance, tip = random.Random(seed), None
    for _ in range(25):
        if chance.random() < 0.25 and place.files:  # the branch was pushed anew, by force
            tip = chance.choice([*place.files])
        for _ in range(chance.choice((0, 1, 2, 5))):
            tip = place.grow(chance, tip)
        if tip is None:
            continue
        monkeypatch.setattr(trail, "WORTH_WRITING", chance.choice((0, 3, 100)))
        paths = chance.choice(SETS)
        without = said(place, tip, paths)
        assert said(place, tip, paths, lines) == without
        assert said(place, tip, paths, lines) == without


@pytest.mark.parametrize(("size", "long"), [(1, 0), (7, 100), (300, 0), (300, 10**6)])
def test_an_answer_is_read_alike_however_it_is_cut(place, monkeypatch, size, long):
    tip, stream = line(place, 15), program.stream
    right = said(place, tip, ())

    def cut(folder, *words):
        whole = b"".join(stream(folder, *words))
        return (whole[at : at + size] for at in range(0, len(whole), size))

    monkeypatch.setattr(program, "stream", cut)
    monkeypatch.setattr("podium.git.line._LONG", long)
    assert said(place, tip, ()) == right
    monkeypatch.setattr(program, "stream", lambda *words: [*stream(*words), b"0"])
    assert "answers as git does not" in str(said(place, tip, ()))


def test_what_was_asked_is_not_asked_again_and_of_a_longer_line_only_what_is_new(place, lines, monkeypatch):
    tip = line(place, 12)
    first = said(place, tip, folder=lines)
    questions = asked(monkeypatch)
    assert said(place, tip, folder=lines) == first
    assert questions == []
    said(place, line(place, 3, tip), folder=lines)
    assert [[word for word in words if word.startswith("^")] for words in questions] == [[f"^{tip}"]]


def test_what_is_damaged_or_of_another_shape_is_dropped(place, lines):
    tip, chance = line(place, 12), random.Random(0)
    right = said(place, tip, folder=lines)
    (file,) = lines.iterdir()
    whole = file.read_bytes()
    for n in range(12):
        at = chance.randrange(len(whole))
        file.write_bytes(whole[:at] if n % 2 else whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert said(place, tip, folder=lines) == right
        assert file.read_bytes() == whole
    for kept_there in (b"", b"\n", b"HEAD\n", tip[:39].encode() + b"\n", tip.encode() + b" \n", b"\xff" * 40 + b"\n"):
        kept.write_bytes(file, trail.FORM, kept_there)
        assert said(place, tip, folder=lines) == right
    kept.write_bytes(file, "trail 0", tip.encode() + b"\n")
    assert said(place, tip, folder=lines) == right


def test_a_line_that_was_not_heard_to_its_end_is_not_kept(place, lines):
    tip = line(place, 12)
    assert list(islice(git.turns(place.repository, tip, ("models/A",), kept=lines), 2))
    assert not [*lines.glob("*.json")]


def test_an_answer_that_is_too_long_is_not_kept(place, lines, monkeypatch):
    monkeypatch.setattr(trail, "LARGEST", 100)
    tip = line(place, 12)
    assert said(place, tip, folder=lines) == said(place, tip)
    assert not [*lines.glob("*.json")]


def test_a_part_of_a_line_is_neither_kept_nor_taken_from_what_is(place, lines):
    tip = line(place, 12)
    turns = said(place, tip, ())
    middle = turns[5].commit
    after = list(git.turns(place.repository, tip, (), after_commit=middle, kept=lines))
    assert not (lines).exists()
    said(place, tip, (), lines)
    assert list(git.turns(place.repository, tip, (), after_commit=middle, kept=lines)) == after


@pytest.mark.parametrize("what", ["shallow", "info/grafts"])
def test_where_commits_seem_to_have_no_parents_nothing_is_kept_or_used(place, lines, what):
    tip = line(place, 12)
    turns = said(place, tip)
    (place.path / what).write_text(f"{turns[2].commit}\n")
    cut = said(place, tip)
    assert cut != turns
    assert said(place, tip, folder=lines) == cut
    assert not (lines).exists()
    (place.path / what).unlink()
    assert said(place, tip, folder=lines) == turns
    (place.path / what).write_text(f"{turns[2].commit}\n")
    assert said(place, tip, folder=lines) == cut


def test_what_git_would_replace_changes_nothing(place, lines):
    tip = line(place, 12)
    turns = said(place, tip, folder=lines)
    place.git("replace", "--graft", turns[1].commit)
    assert said(place, tip, folder=lines) == turns == said(place, tip)


def test_a_tip_that_is_gone_is_as_if_nothing_had_been_kept(place, lines):
    tip = line(place, 12)
    said(place, tip, folder=lines)
    (file,) = lines.iterdir()
    kept.write_bytes(file, trail.FORM, b"0" * 40 + b"\n")
    assert said(place, tip, folder=lines) == said(place, tip)


def test_two_at_once_hear_the_same(place, lines):
    tips = [line(place, 6)]
    tips.append(line(place, 4, tips[0]))
    right = [said(place, tip) for tip in tips]
    wrong: list[str] = []

    def hear(n: int) -> None:
        mine = Growing(place.path)
        wrong.extend(
            tip
            for _ in range(6)
            for tip, turns in zip(tips, right, strict=True)
            if said(mine, tip, folder=lines) != turns
        )

    threads = [threading.Thread(target=hear, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert [file.suffix for file in lines.iterdir()] == [".kept"]
