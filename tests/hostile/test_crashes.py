"""
Commands that something befalls, at any call by which they or the programs they start change a disk: killed, torn,
interrupted, or told by the disk that it does not. What is seen is whole, and the same command again comes to the end of
an undisturbed one.

A sample: each command meets one kind of trouble, at a call or two, and every kind is met by some command; another one
and other calls for each ``PODIUM_HOSTILE_SEED``. With ``PODIUM_HOSTILE_ALL``, as every night, each command meets every
kind: kills at every call, the rest at every fifth or so.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from tests.hostile import strokes
from tests.hostile.conftest import ALL, SEED, some
from tests.hostile.scenes import MORE, READING, WRITING, Scene
from tests.hostile.strokes import Ended, Hit
from tests.hostile.typed import STEERING, typed

pytestmark = [
    pytest.mark.skipif(not strokes.WORKS, reason=strokes.WHY_NOT),
    pytest.mark.xdist_group("crashes"),  # how each command ends by itself is found out once
]

NOT_TWICE = {"rollback --commit, not told where to"}
"""What goes one further where it was told to have been done, and is typed again."""
KILLS = ("kill", "kill it", "kill one", "tear")
SIGNALS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
FAULTS = ("ENOSPC", "EROFS", "EACCES", "EIO", "EMFILE", "ENOLCK", "EDQUOT")


@dataclass
class Stage:
    """A scene, and how each command ends in it when nothing befalls it."""

    scene: Scene
    undisturbed: dict[tuple[str, bool], tuple[Ended, dict[str, str]]] = field(default_factory=dict)

    def alone(self, name: str, *, looks: bool = False) -> tuple[Ended, dict[str, str]]:
        """Give how a command ends by itself, and what is seen then."""
        if (name, looks) not in self.undisturbed:
            self.scene.begin_again()
            ended = self.scene.run(name, looks=looks)
            assert ended.code == 0 or (name in READING and ended.code == 1), f"{name}: {ended}"
            self.undisturbed[name, looks] = ended, self.scene.seen()
        return self.undisturbed[name, looks]

    def converges(self, name: str, told: str, code: int | None) -> None:
        """Make sure that all is whole, and that the command, which ended with a code, comes to its end now."""
        self.scene.check_whole()
        if code == 0 and name in NOT_TWICE:
            return
        if name.startswith("bundle create"):  # it never writes over a file
            (self.scene.root / "made.podium").unlink(missing_ok=True)
        again = typed(*self.scene.words(name))
        # git's server leaves a lock where its disk fails; no client can tell
        if "remove the file manually" in again.err or "may have left a lock" in again.err:
            for lock in (self.scene.root / "origin.git").rglob("*.lock"):
                lock.unlink()
            again = typed(*self.scene.words(name))
        assert again.code == 0, f"{told}, then: {again.err}"
        self.scene.check_whole()
        _, expected = self.alone(name)
        seen = self.scene.seen()
        assert {path for path in {*seen, *expected} if seen.get(path) != expected.get(path)} == set(), told


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PODIUM_CACHE_DIR", str(folder / "scene" / "cache"))
        yield Stage(Scene.made(folder))


def points(about: str, ended: Ended, count: int, every: int = 1) -> list[int]:
    """Give some of a command's strokes, by their numbers; others for each seed and each command."""
    numbers = range(1, len(ended.strokes) + 1)
    if ALL:
        return list(numbers[SEED % every :: every])
    return random.Random(f"{SEED} {about}").sample(numbers, min(count, len(numbers)))


def dealt(trouble: int, names: Sequence[str], kinds: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    """Give the commands that meet a trouble, one of three, and its kinds: dealt in turn, so that none is left out."""
    if ALL:
        return [(name, kinds) for name in names]
    return [(name, [kinds[(turn + SEED) % len(kinds)]]) for turn, name in enumerate(names[(trouble + SEED) % 3 :: 3])]


WRITERS = [*WRITING, *some(MORE, 1)]


@pytest.mark.parametrize(("name", "kinds"), dealt(0, WRITERS, KILLS))
def test_a_command_that_is_killed_comes_to_the_same_end_when_it_is_run_again(stage, name, kinds):
    alone, _ = stage.alone(name)
    for what in {"kill": None, **dict.fromkeys(kinds)}:
        for at in points(f"{name} {what}", alone, 1, every=1 if what == "kill" else 5):
            stage.scene.begin_again()
            ended = stage.scene.run(name, Hit(what, at))
            if ended.code != -9:
                assert_said(ended, {0, 1, 3})
            stage.converges(name, f"{name}: {what} at {at} of {len(alone.strokes)}: {told(ended, at)}", ended.code)


@pytest.mark.parametrize(("name", "kinds"), dealt(1, WRITERS, [*SIGNALS]))
def test_a_command_that_is_told_to_stop_says_so_in_a_line_and_comes_to_the_same_end_later(stage, name, kinds):
    alone, _ = stage.alone(name)
    for what in kinds:
        for at in points(f"{name} {what}", alone, 1, every=5):
            stage.scene.begin_again()
            ended = stage.scene.run(name, Hit(what, at))
            assert_said(ended, {0, SIGNALS[what]})
            stage.converges(name, f"{name}: {what} at {at} of {len(alone.strokes)}: {told(ended, at)}", ended.code)


@pytest.mark.parametrize(("name", "kinds"), dealt(2, WRITERS, FAULTS))
def test_a_disk_that_fails_is_said_and_nothing_is_left_half_done(stage, name, kinds):
    alone, _ = stage.alone(name, looks=True)
    for what in kinds:
        lasting = what in {"ENOSPC", "EROFS", "EDQUOT"} or SEED % 2 == 0
        for at in points(f"{name} {what}", alone, 1, every=25):
            stage.scene.begin_again()
            ended = stage.scene.run(name, Hit(what, at, lasting), looks=True)
            assert_said(ended, {0, 1, 3})
            stage.converges(name, f"{name}: {what} at {at} of {len(alone.strokes)}: {told(ended, at)}", ended.code)


@pytest.mark.parametrize("name", READING)
def test_an_answer_from_a_disk_that_fails_is_the_right_one_or_none(stage, name):
    alone, _ = stage.alone(name, looks=True)
    for what in FAULTS if ALL else [FAULTS[([*READING].index(name) + SEED) % len(FAULTS)]]:
        for at in points(f"{name} {what}", alone, 2, every=10):
            stage.scene.begin_again()
            ended = stage.scene.run(name, Hit(what, at, lasting=bool(at % 2)), looks=True)
            assert_said(ended, {alone.code, 3})
            if ended.code == alone.code:
                assert ended.out == alone.out, f"{name}: {what} at {at}: {told(ended, at)}"


def assert_said(ended: Ended, codes: set[int]) -> None:
    """Make sure that a command ended in one of our ways, with a sentence where it did not do what it was to."""
    assert ended.code in codes, ended
    assert "Traceback" not in ended.err, ended.err
    assert "Exception" not in ended.err, ended.err
    assert STEERING.search(ended.out + ended.err) is None
    assert ended.code in {0, 1} or "error: " in ended.err, ended


def told(ended: Ended, at: int) -> str:
    """Say what a command was doing."""
    return str(ended.strokes[at - 1]) if at <= len(ended.strokes) else f"{ended}"
