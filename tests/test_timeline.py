"""Looking back: each event of a random history, against a plain replay; dates, limits, shallow clones, odd files."""

from __future__ import annotations

import copy
import random
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from zlib import crc32

import pygit2
import pytest

import podium
from podium import bisection, codec, git, layout, timeline
from podium.errors import NoSuchAlias, NoSuchModel, Unavailable, Usage
from podium.history import Commit, Event, Step
from podium.render import timeline as render
from podium.timeline.moves import AliasFiles
from podium.tree import MemoryTree, overlay
from tests import example
from tests.acceptance import histories
from tests.acceptance.histories import History

WRITERS = ("Ada", "Grace", "Edsger")
POLICIES = ("", "aliases:\n  production: {description: Serves}\n", "aliases:\n  production: {requires: {card: true}}\n")


# --- a plain telling of what is right -------------------------------------------------------------------------------


@dataclass
class Plain:
    """A registry as three dictionaries: what an eye would read from the files."""

    versions: dict[str, list[str]] = field(default_factory=dict)  # artifact: the contents of its versions
    links: dict[str, list[str]] = field(default_factory=dict)  # model: the versions of its artifact
    aliases: dict[tuple[str, str], tuple[str | None, int]] = field(default_factory=dict)
    withdrawn: dict[str, dict[str, str]] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    policy: int = 0

    def files(self) -> dict[str, bytes]:
        found = {"registry.yaml": "apiVersion: podium/v1\nentity: acme\n" + POLICIES[self.policy]}
        for artifact, contents in self.versions.items():
            found[f"artifacts/{artifact}/artifact.yaml"] = "description: x\n" + self._withdrawals(artifact)
            for n, content in enumerate(contents):
                found[f"artifacts/{artifact}/versions/v{n}.dvc"] = example.version_file(
                    f"v{n}", content.encode(), metrics={"accuracy": 0.5 + n / 100}
                ).decode()
        for model, links in self.links.items():
            tags = f"tags: [{', '.join(self.tags[model])}]\n" if self.tags[model] else ""
            found[f"models/{model}/model.yaml"] = f"description: y\n{tags}" + self._withdrawals(model)
            for n, version in enumerate(links):
                found[f"models/{model}/versions/v{n}.yaml"] = f"artifact: p/{model.lower()}\nversion: {version}\n"
        for (name, alias), (version, generation) in self.aliases.items():
            folder = f"artifacts/{name}" if "/" in name else f"models/{name}"
            found[f"{folder}/aliases/{alias}.yaml"] = f"generation: {generation}\nversion: {version or 'null'}\n"
        return {path: text.encode() for path, text in found.items()}

    def _withdrawals(self, name: str) -> str:
        rows = "".join(f"  {version}: {why}\n" for version, why in self.withdrawn[name].items())
        return f"withdrawn:\n{rows}" if rows else ""


def told(before: Plain, after: Plain) -> set[tuple]:
    """Say what happened between two plain registries."""
    said: set[tuple] = set()
    for artifact, contents in after.versions.items():
        said |= {("version-logged", artifact, f"v{n}") for n in range(len(before.versions[artifact]), len(contents))}
    for model, links in after.links.items():
        new = range(len(before.links[model]), len(links))
        said |= {("version-linked", model, f"v{n}", f"p/{model.lower()}", links[n]) for n in new}
        if before.tags[model] != after.tags[model]:
            said.add(("tags-changed", model, tuple(before.tags[model]), tuple(after.tags[model])))
    for name, now in after.withdrawn.items():
        was = before.withdrawn[name]
        said |= {("version-withdrawn", name, v, now[v]) for v in now if v not in was}
        said |= {("version-restored", name, v, was[v]) for v in was if v not in now}
    for key, (version, generation) in after.aliases.items():
        held = before.aliases.get(key, (None, 0))[0]
        if held != version:
            kind = "created" if held is None else "removed" if version is None else "moved"
            said.add(
                (
                    f"alias-{kind}",
                    *key,
                    held,
                    version,
                    generation,
                    accuracy(before, key[0], held),
                    accuracy(after, key[0], version),
                )
            )
        elif before.aliases.get(key) != (version, generation):
            said.add(("other", layout.alias("artifact" if "/" in key[0] else "model", *key)))
    if before.policy != after.policy:
        said.add(("policy-changed", "production"))
    return said


def accuracy(state: Plain, name: str, version: str | None) -> float | None:
    if version is None:
        return None
    number = version if "/" in name else state.links[name][int(version[1:])]
    return 0.5 + int(number[1:]) / 100


def read(event) -> tuple:
    """Give an event of podium's in the same words."""
    change = event.change
    said: tuple = (change.kind, change.name)
    if change.kind.startswith("alias-"):
        pair = change.comparison.metrics.get("accuracy")
        metrics = (pair.before, pair.after) if pair else (None, None)
        return (*said, change.alias, change.before, change.after, change.generation, *metrics)
    if change.kind == "version-logged":
        return (*said, change.version)
    if change.kind == "version-linked":
        return (*said, change.version, *change.artifact)
    if change.kind in ("version-withdrawn", "version-restored"):
        return (*said, change.version, change.reason)
    return (*said, tuple(change.before), tuple(change.after)) if change.kind == "tags-changed" else said


# --- several writers ------------------------------------------------------------------------------------------------


class Writing:
    """Writers who work on a model each, and land by merge, squash, rebase or at once; clocks are wrong by days."""

    def __init__(self, path, seed: int) -> None:
        self.random = random.Random(seed)
        self.history = History(path)
        self.state = Plain(
            {f"p/{name.lower()}": ["a", "b"] for name in WRITERS},
            {name: ["v0", "v1"] for name in WRITERS},
            {},
            defaultdict(dict, {name: {} for name in (*WRITERS, *(f"p/{name.lower()}" for name in WRITERS))}),
            {name: [] for name in WRITERS},
        )
        self.line: list[tuple[str, Plain, int | None, str]] = []
        self.operations = self.requests = 0
        self.land(self.state, "Start", "Ada")

    def commit(self, state: Plain, message: str, who: str, *parents: str) -> str:
        moment = 1_790_000_000 + self.random.randrange(-400_000, 400_000)
        by = pygit2.Signature(who, f"{who.lower()}@acme.dev", moment, self.random.choice([-300, 0, 330]))
        tree = self.history.tree(state.files())
        return str(self.history.repository.create_commit(None, by, by, message, tree, list(parents)))

    def land(self, state: Plain, message: str, who: str, *others: str, request: int | None = None) -> None:
        parents = [self.line[-1][0]] if self.line else []
        self.line.append((self.commit(state, message, who, *parents, *others), state, request, who))
        self.history.repository.references.create("refs/heads/main", self.line[-1][0], force=True)
        self.state = state

    def piece_of_work(self) -> None:
        who = self.random.choice(WRITERS)
        works = [self.operation(who) for _ in range(self.random.choice([1, 1, 2, 4]))]
        self.requests += 1
        {"merge": self.merge, "squash": self.squash, "rebase": self.rebase, "gitlab": self.gitlab}[
            self.random.choice(["merge", "squash", "rebase", "gitlab"])
        ](who, works)

    def after(self, state: Plain, works) -> Plain:
        state = copy.deepcopy(state)
        for work in works:
            work(state)
        return state

    def branch(self, who: str, works) -> str:
        """Work on what the writer saw some time ago; others' landings since do not touch the same files."""
        own = [n for n, (_, _, _, by) in enumerate(self.line) if by == who]
        at = self.random.randrange(max(own, default=0), len(self.line))
        tip, state = self.line[at][:2]
        for work in works:
            state = self.after(state, [work])
            tip = self.commit(state, "Work", who, tip)
        return tip

    def merge(self, who: str, works) -> None:
        message = f"Merge pull request #{self.requests} from acme/branch\n\nA title (#999)\n"
        self.land(self.after(self.state, works), message, who, self.branch(who, works), request=self.requests)

    def gitlab(self, who: str, works) -> None:
        message = f"Merge branch 'x' into 'main'\n\nTitle\n\nSee merge request acme/models!{self.requests}\n"
        self.land(self.after(self.state, works), message, who, self.branch(who, works), request=self.requests)

    def squash(self, who: str, works) -> None:
        self.land(self.after(self.state, works), f"Do it (#{self.requests})\n\n* Work\n", who, request=self.requests)

    def rebase(self, who: str, works) -> None:
        for work in works:
            self.land(self.after(self.state, [work]), "Work", who)

    def operation(self, who: str):
        self.operations += 1
        chance, salt = self.random.random(), f"{who}{self.operations}"
        name = self.random.choice([who, f"p/{who.lower()}"])
        alias = self.random.choice(["production", "staging"])

        def log(state: Plain) -> None:
            state.versions[f"p/{who.lower()}"].append(salt)

        def link(state: Plain) -> None:
            if len(state.links[who]) < len(state.versions[f"p/{who.lower()}"]):
                state.links[who].append(f"v{len(state.links[who])}")

        def move(state: Plain) -> None:
            held, generation = state.aliases.get((name, alias), (None, 0))
            count = len(state.versions[name] if "/" in name else state.links[who])
            version = None if chance < 0.35 and held else f"v{int(chance * 997) % count}"
            if version != held:
                state.aliases[name, alias] = version, generation + 1

        def withdraw(state: Plain) -> None:
            state.withdrawn[name] = {} if state.withdrawn[name] else {"v0": "its licence ended"}

        def tag(state: Plain) -> None:
            state.tags[who] = [tag for tag in ("vision", "fast") if crc32((salt + tag).encode()) % 2]

        def policy(state: Plain) -> None:
            state.policy = int(chance * 997) % len(POLICIES)

        works = [log, link, move, move, move, move, withdraw, tag] + ([policy] if who == "Ada" else [])
        return self.random.choice(works)


@pytest.fixture(
    scope="module", params=[pytest.param(seed, marks=pytest.mark.xdist_group(f"history {seed}")) for seed in (1, 2)]
)
def writing(request, tmp_path_factory) -> Writing:
    found = Writing(tmp_path_factory.mktemp("writers") / "history.git", request.param)
    while found.operations < 300:
        found.piece_of_work()
    return found


def test_every_event_of_a_random_history_is_right(writing):
    events = list(podium.open(writing.history.path).history())
    found = defaultdict(list)
    for event in events:
        found[event.commit.id].append(read(event))
    for (_, before, *_), (commit, after, *_) in pairwise(writing.line):
        assert sorted(found[commit], key=repr) == sorted(told(before, after), key=repr)
    assert set(found) <= {commit for commit, *_ in writing.line}


def test_events_come_in_the_order_of_the_commits_with_who_and_which_pull_request(writing):
    events = list(podium.open(writing.history.path).history())
    order = {commit: n for n, (commit, *_) in enumerate(reversed(writing.line))}
    places = [order[event.commit.id] for event in events]
    assert places == sorted(places)
    said = {event.commit.id: (event.commit.author, event.commit.email, event.commit.pull_request) for event in events}
    for commit, _, request, who in writing.line:
        assert said.get(commit, (who, f"{who.lower()}@acme.dev", request)) == (who, f"{who.lower()}@acme.dev", request)


def test_resolve_at_every_commit_is_what_a_replay_says(writing):
    for commit, state, *_ in writing.line:
        registry = podium.open(writing.history.path, rev=commit)
        for (name, alias), (version, _) in state.aliases.items():
            if version is None:
                with pytest.raises(NoSuchAlias):
                    registry.resolve(f"{name}:{alias}")
                continue
            found = registry.resolve(f"{name}:{alias}")
            assert (found.version, found.metrics["accuracy"]) == (version, accuracy(state, name, version))


def test_a_name_or_an_alias_gives_those_of_all_events_that_concern_it(writing):
    registry = podium.open(writing.history.path)
    everything = list(registry.history())
    for name in ("Ada", "p/grace"):
        own = [
            event
            for event in everything
            if layout.folder("artifact" if "/" in name else "model", name) + "/" in event.change.path
        ]
        assert list(registry.history(name)) == own
        path = layout.alias("artifact" if "/" in name else "model", name, "production")
        assert list(registry.history(name, "production")) == [event for event in own if event.change.path == path]


def test_dates_cut_pieces_out_of_the_line(writing):
    repository, tip = writing.history.repository, writing.line[-1][0]
    times = [repository[commit].commit_time for commit, *_ in writing.line]
    trees = [None, *(repository[commit].tree_id for commit, *_ in writing.line)]
    line = [(n, commit) for n, (commit, *_) in enumerate(writing.line) if trees[n] != trees[n + 1]][::-1]
    for moment in sorted(times)[:: len(times) // 7]:
        until = max((n for n, time in enumerate(times) if time <= moment), default=-1)
        turns = [turn.commit for turn in git.turns(repository, tip, until=moment)]
        assert turns == [commit for n, commit in line if n <= until]
        since = max((n for n, time in enumerate(times) if time < moment), default=-1)
        turns = [turn.commit for turn in git.turns(repository, tip, since=moment)]
        assert turns == [commit for n, commit in line if n > since]


# --- what is told quickly, against every registry read whole ----------------------------------------------------------

BEST = f"{histories.ARTIFACT}/aliases/best.yaml"
LINK = f"{histories.MODEL}/versions/v1.yaml"
RECORD = f"{histories.ARTIFACT}/versions/v1.dvc"


def anything(chance: random.Random) -> dict[str, histories.Content | None]:
    """Change a file or two, mostly by moving an alias: also as nobody may, and into what nobody can read."""
    alias = chance.choice([histories.PRODUCTION, histories.PRODUCTION, histories.STAGING, BEST])
    n = chance.randrange(5)
    move = f"generation: {chance.randrange(1, 99)}\nversion: v{n}\n".encode()
    about = f"description: {n}\n".encode()
    link = chance.choice(["vision/resnet50", "vision/yolo", "vision/none", "other/late"])
    odd: list[dict[str, histories.Content | None]] = [
        {alias: chance.choice([None, b"version: v0\n", b"generation: 3\nversion: null\n", (move, 0o100755), b"["])},
        {LINK: chance.choice([None, f"artifact: {link}\nversion: v{n % 2}\n".encode()])},
        {RECORD: chance.choice([None, b"no: record\n", example.version_file("v1", b"other", metrics={"accuracy": n})])},
        {
            f"{histories.MODEL}/model.yaml": chance.choice(
                [None, about, about + b"withdrawn: {v1: 'no'}\n", b"tags: 7\n"]
            )
        },
        {f"{histories.ARTIFACT}/artifact.yaml": chance.choice([None, about, about + b"withdrawn: {v1: 'no'}\n"])},
        {"artifacts/other/late/versions/v0.dvc": example.version_file("v0", bytes([n]))},
        {"registry.yaml": chance.choice([histories.START["registry.yaml"], None])},
        {"elsewhere.txt": bytes([n])},
    ]
    if chance.random() < 0.6:
        return {alias: move}
    return chance.choice(odd) | ({alias: move} if chance.random() < 0.3 else {})


def one_by_one(repository, tip: str, path: str) -> list[Event]:
    """Tell a history by reading both registries of every step whole."""
    found: list[Event] = []
    for commit in git.first_parents(repository, tip):
        parent = next(iter(git.parents(repository, commit)), None)
        trees = [git.commit_tree(repository, each) if each else MemoryTree() for each in (parent, commit)]
        differing = git.differences(repository, *(getattr(tree, "id", None) for tree in trees))
        told = tuple(each for each in differing if not path or f"{each.path}/".startswith(f"{path}/"))
        if trees[0].entry("registry.yaml") is None and trees[1].entry("registry.yaml") is not None:
            trees[0] = overlay(trees[0], {"registry.yaml": b"apiVersion: podium/v1\nentity: acme\n"})
        before, after = map(codec.read, trees)
        who, at = repository[commit].author, git.made_at(repository, commit)
        said = Commit(commit, who.name, who.email, at, repository[commit].message)
        found += [
            Event(said, change)
            for change in (Step(before, after, told).changes if told else ())
            if change.kind != "other" or layout.concern(change.path) is not None
        ]
    return found


def grown(history: History, chance: random.Random, count: int) -> str:
    """Commit so many changes on a line, some of them by merging what began some commits before; gives the tip."""
    line: list[tuple[str, dict[str, histories.Content]]] = [(history.commit(histories.START), dict(histories.START))]
    for _ in range(count):
        (tip, files), others = line[-1], []
        if chance.random() < 0.2:
            begun, theirs = chance.choice(line[-6:])
            theirs = histories.laid(theirs, anything(chance))
            others = [history.commit(theirs, begun)]
            files = chance.choice([files, theirs])
        files = histories.laid(files, anything(chance))
        line.append((history.commit(files, tip, *others), files))
    return line[-1][0]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_told_quickly_is_what_reading_every_registry_whole_tells(tmp_path, seed):
    history = History(tmp_path / "history.git")
    tip = grown(history, random.Random(seed), 60)
    for path in (histories.PRODUCTION, histories.STAGING, BEST, histories.MODEL, histories.ARTIFACT, ""):
        told, whole = list(timeline.events(history.repository, tip, path)), one_by_one(history.repository, tip, path)
        assert told == whole
        assert render.text(told) == "\n\n".join(said_alone(whole))


def said_alone(events: list[Event]) -> list[str]:
    """Tell each commit as if it were the only one, so that nothing said of one is said again of another."""
    steps: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        steps[event.commit.id].append(event)
    return [render.text(step) for step in steps.values()]


def test_what_an_alias_was_is_guessed_only_where_its_id_proves_it():
    said = [("v5", 9), ("v4", 8), ("v9", 7), ("v4", 6), ("v9", 5), ("v4", 3), ("v4", 2), ("v3", 1)]
    files = [f"generation: {generation}\nversion: {version}\n".encode() for version, generation in said]
    by_id, asked = {git.of_file(file): file for file in files}, []
    aliases = AliasFiles("models/M/aliases/x.yaml", lambda id_: asked.append(by_id[id_]) or by_id[id_])
    found = [aliases.at(next(iter(by_id)))]
    for id_ in [*by_id][1:]:
        found.append(aliases.at(id_, found[-1]))
    assert [(one.version, one.generation) for one in found] == said
    assert asked == [files[0], files[2], files[3], files[5], files[6]]
    assert git.of_file(b"one\n") == str(pygit2.hash(b"one\n"))


# --- corners --------------------------------------------------------------------------------------------------------


@pytest.fixture
def history(tmp_path) -> History:
    return History(tmp_path / "history.git")


def moved(version: str | None, generation: int) -> dict[str, bytes]:
    return {histories.PRODUCTION: f"generation: {generation}\nversion: {version or 'null'}\n".encode()}


def alias_line(history: History, *contents: dict[str, bytes]) -> list[str]:
    commits = history.line(*[histories.laid(histories.START, content) for content in contents])
    history.repository.references.create("refs/heads/main", commits[-1], force=True)
    return commits


def kinds(history: History, *named, **dates) -> list[str]:
    return [event.change.kind for event in podium.open(history.path).history(*named, **dates)]


def test_the_first_commit_is_a_step_from_nothing(history):
    alias_line(history, moved("v1", 1))
    found = list(podium.open(history.path).history())
    said = {(event.change.kind, event.change.name) for event in found}
    assert {("model-created", "ImageClassifier"), ("artifact-created", "vision/resnet50")} <= said
    assert {("alias-created", "ImageClassifier"), ("policy-changed", "production")} <= said


def test_a_file_that_could_not_be_read_once_breaks_nothing(history):
    broken = {histories.PRODUCTION: b"generation: [\n", f"{histories.MODEL}/model.yaml": b"\xff"}
    alias_line(history, moved("v0", 1), {**broken}, moved("v1", 2), moved("v2", 3))
    assert kinds(history, "ImageClassifier", "production") == ["alias-moved", "alias-created", "other", "alias-created"]
    line = timeline.line(podium.open(history.path).source, podium.open(history.path).value.tree)
    assert list(timeline.held(line, histories.PRODUCTION)) == ["v2", "v1", "v0"]


def test_a_registry_that_cannot_be_read_now_still_has_a_history(history):
    alias_line(history, moved("v0", 1), {**moved("v1", 2), "registry.yaml": b"entity: [\n"})
    assert kinds(history, "ImageClassifier", "production") == ["alias-moved", "alias-created"]


def test_a_tree_with_a_file_where_a_folder_was_breaks_nothing(history):
    alias_line(history, moved("v0", 1))
    files = {path: raw for path, raw in histories.START.items() if not path.startswith(f"{histories.MODEL}/")}
    tip = history.commit({**files, histories.MODEL: b"a file"}, str(history.repository.head.target), ref="main")
    assert tip
    assert set(kinds(history, "ImageClassifier")) >= {"other", "model-created"}


def test_what_was_never_there_is_said_and_what_did_not_change_is_not(history):
    alias_line(history, moved("v0", 1), moved("v1", 2))
    assert kinds(history, "ImageClassifier", since=datetime(2100, 1, 1, tzinfo=UTC)) == []
    with pytest.raises(NoSuchModel):
        kinds(history, "Nothing")
    with pytest.raises(NoSuchAlias):
        kinds(history, "ImageClassifier", "nothing")
    with pytest.raises(Usage):
        kinds(history, "ImageClassifier:v0")


def test_a_shallow_clone_tells_what_it_knows_and_that_there_is_more(history, tmp_path):
    alias_line(history, moved("v0", 1), moved("v1", 2), moved("v2", 3), moved("v0", 4))
    subprocess.run(
        ["git", "clone", "-q", "--bare", "--depth=2", f"file://{history.path}", str(tmp_path / "shallow.git")],
        check=True,
    )
    events = podium.open(tmp_path / "shallow.git").history("ImageClassifier", "production")
    assert (event := next(events)).change.before, event.change.after == ("v2", "v0")
    with pytest.raises(Unavailable, match="shallow"):
        next(events)
    late = datetime(2100, 1, 1, tzinfo=UTC)
    assert list(podium.open(tmp_path / "shallow.git").history("ImageClassifier", since=late)) == []
    registry = podium.open(tmp_path / "shallow.git")
    line = timeline.line(registry.source, registry.value.tree)
    assert next(timeline.held(line, histories.PRODUCTION)) == "v0"
    with pytest.raises(Unavailable):
        list(timeline.held(line, histories.PRODUCTION))


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("Merge pull request #12 from acme/fix\n\nTitle (#9)", 12),
        ("Merge pull request 'Fix (#3)' (#12) from fix into main", 12),
        ("Merge branch 'x' into 'main'\n\nTitle\n\nSee merge request group/sub/project!12", 12),
        ("Promote v5 (#12)", 12),
        ("Promote v5 (!12)", 12),
        ("Merged in fix (pull request #12)", 12),
        ("Merged PR 12: Fix", 12),
        ('Revert "Promote v5 (#12)"', None),
        ('Revert "Promote v5 (#12)" (#13)', 13),
        ("Promote v5, see (#12) for why", None),
        ("", None),
    ],
)
def test_the_number_of_the_pull_request_is_read_from_the_message(message, number):
    assert Commit("0" * 40, "Ada", "a@b", datetime(2026, 1, 1, tzinfo=UTC), message).pull_request == number


# --- the way back ---------------------------------------------------------------------------------------------------


def way_back(history: History, *, to: str | None = None) -> timeline.WayBack:
    registry = podium.open(history.path)
    line = timeline.line(registry.source, registry.value.tree)
    return timeline.way_back(line, registry.value, registry.named("ImageClassifier"), "production", to)


def test_an_alias_goes_back_to_what_it_held_before_the_present_one(history):
    alias_line(history, moved("v0", 1), moved("v1", 2), moved("v2", 3))
    back = way_back(history)
    assert (back.version.version, back.further, back.note) == ("v1", "v0", "")


def test_an_alias_that_was_removed_goes_back_to_what_it_held_last(history):
    alias_line(history, moved("v0", 1), moved("v1", 2), moved(None, 3))
    assert way_back(history).version.version == "v1"


def test_going_back_twice_says_where_it_leads(history):
    alias_line(history, moved("v0", 1), moved("v1", 2), moved("v2", 3), moved("v1", 4))
    back = way_back(history)
    assert (back.version.version, back.further) == ("v2", "v0")
    assert "--to v0" in back.note


def test_a_branch_that_merged_the_default_branch_goes_back_as_that_does(history, tmp_path):
    main = alias_line(history, moved("v0", 1), moved("v1", 2), moved("v2", 3))
    files = histories.laid(histories.START, moved("v0", 1))
    own = history.commit({**files, "notes": b"x"}, main[0])
    merged = history.commit({**histories.laid(histories.START, moved("v2", 3)), "notes": b"x"}, own, main[2])
    line = timeline.Line(history.repository, merged, main[2])
    assert list(timeline.held(line, histories.PRODUCTION)) == ["v2", "v1", "v0"]
    later = history.commit({**histories.laid(histories.START, moved("v1", 4)), "notes": b"x"}, merged)
    line = timeline.Line(history.repository, later, main[2])
    assert list(timeline.held(line, histories.PRODUCTION)) == ["v1", "v2", "v1", "v0"]


# --- the first bad one ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(1, 12))
def test_the_first_bad_version_is_found_with_few_looks(count):
    versions = [f"v{n}" for n in range(count)]
    for first in range(count + 1):
        found = bisection.search(versions, lambda v, first=first: "bad" if int(v[1:]) >= first else "good")
        assert found.first_bad == (versions[first] if first < count else None)
        assert found.last_good == (versions[first - 1] if first else None)
        assert len(found.verdicts) <= 2 + count.bit_length()


def test_what_cannot_be_judged_leaves_only_itself_open():
    rng = random.Random(3)
    for _ in range(500):
        versions = [f"v{n}" for n in range(rng.randrange(1, 10))]
        first, skipped = rng.randrange(len(versions) + 1), {v for v in versions if rng.random() < 0.3}
        verdict = {v: "skip" if v in skipped else "bad" if n >= first else "good" for n, v in enumerate(versions)}
        found = bisection.search(versions, verdict.__getitem__)
        good = [v for v in versions[:first] if v not in skipped]
        bad = [v for v in versions[first:] if v not in skipped]
        until = versions.index(bad[0]) + 1 if bad else len(versions)
        since = versions.index(good[-1]) + 1 if good else 0
        assert found.suspects == tuple(versions[since:until])
        assert found.last_good == (good[-1] if good else None)


def test_the_plain_registry_is_one(writing):
    """The replay is worth something only where podium reads its files."""
    registry = codec.read(MemoryTree(writing.state.files()))
    assert {name: len(model.links) for name, model in registry.models.items()} == {
        name: len(links) for name, links in writing.state.links.items()
    }
