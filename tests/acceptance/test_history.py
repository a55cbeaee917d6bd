"""Looking back and going back, as a person types it: history, rollback drills, bisect, compare across revisions."""

from __future__ import annotations

import shutil
import subprocess

import pytest

import podium
from podium.errors import Denied, Unavailable
from tests.acceptance.conftest import Place, again, found_from_anywhere

PRODUCTION = "models/M/aliases/production.yaml"


@pytest.fixture(scope="module")
def made(started, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    registry = again(started, folder)
    here = podium.open(registry.root)
    for n in range(3):
        with here.edit(f"Log v{n} (#{n + 1})", commit=True) as edit:
            version = edit.log("p/a", registry.model(f"m{n}", f"w{n}"), metrics={"accuracy": 0.9 + n / 100})
            edit.link(version, "M")
        promote(registry, f"v{n}", commit=True)
    registry.git("push", "-q", "origin", "HEAD:main")
    return folder


@pytest.fixture
def promoted(made, tmp_path) -> Place:
    """A registry in which production of M held v0, v1 and v2, pushed."""
    return again(made, tmp_path)


def promote(place: Place, version: str, **landing) -> None:
    with podium.open(place.root).edit(f"Promote {version}", **landing) as edit:
        edit.promote(f"M:{version}", "production")


def rollback(place: Place, *, to: str | None = None, **landing) -> podium.publish.Published:
    with podium.open(place.root).edit(**landing) as edit:
        edit.rollback("M", "production", to=to)
    return edit.published


def clone(place: Place, name: str) -> Place:
    target = place.root.parent / name
    place.git("clone", "-q", place.git("remote", "get-url", "origin").strip(), str(target))
    return Place(target)


def held(place: Place, rev: str | None = None) -> str:
    return podium.open(place.root, rev=rev).resolve("M:production").version


# --- history --------------------------------------------------------------------------------------------------------


def test_history_tells_who_moved_what_in_text_json_and_markdown(promoted, origin):
    said = promoted.podium("history", "M", "production", "--format", "json").json
    assert [(one["kind"], one["from"], one["to"], one["generation"]) for one in said] == [
        ("alias-moved", "v1", "v2", 3),
        ("alias-moved", "v0", "v1", 2),
        ("alias-created", None, "v0", 1),
    ]
    head = promoted.git("log", "-1", "--format=%H%n%cI%n%an%n%ae%n%s").splitlines()
    assert [said[0][key] for key in ("commit", "date", "author", "email", "subject")] == head
    assert said[0]["metrics"] == {"accuracy": {"from": 0.91, "to": 0.92, "delta": 0.01}}
    assert said[0]["pull_request"] is None
    text = promoted.podium("history", "M", "--limit", "2").out
    assert text.splitlines()[0].startswith(head[0][:12])
    assert "  * M production: v1 → v2\n      accuracy 0.91 → 0.92 (+0.01)\n" in text
    assert " #3\n  Log v2 (#3)\n  * M:v2 is linked to p/a:v2\n" in text
    assert "`M:v2` is linked to `p/a:v2`" in promoted.podium("history", "--format", "markdown").out
    assert Place(origin.root).podium("history", "M", "--limit", "2").out == text
    assert promoted.podium("-R", origin.root.as_uri(), "history", "M", "--limit", "2").out == text


def test_a_history_without_events_says_so_beside_its_output(promoted):
    said = promoted.podium("history", "M", "--until", "2001-01-01")
    assert (said.out, said.err) == ("", "nothing like that has happened\n")
    assert promoted.podium("history", "--until", "2001-01-01", "--format", "json").json == []


def test_hostile_words_in_a_commit_are_inert(promoted):
    promoted.write("models/M/README.md", "A card\n")
    promoted.git("add", "-A")
    promoted.git("commit", "-q", "-m", "\x1b[31m@all | <b>#1</b>", "--author", "`x` | @evil <\x1b]0;t@x>")
    assert "\x1b" not in promoted.podium("history", "--limit", "1").out
    row = promoted.podium("history", "--limit", "1", "--format", "markdown").out.splitlines()[-1]
    assert row.count(" | ") == 5
    assert "@evil" not in row
    assert promoted.podium("history", "--limit", "1", "--format", "json").json[0]["subject"].endswith("<b>#1</b>")


def test_a_shallow_clone_prints_what_it_knows_and_ends_with_3(promoted, origin):
    target = promoted.root.parent / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth=2", origin.root.as_uri(), str(target)], check=True)
    said = Place(target).podium("history", "M", code=3)
    assert said.out.count("* M production") == 1
    assert "git fetch --unshallow" in said.err
    assert Place(target).podium("history", "M", "--limit", "1").out == said.out
    assert Place(target).podium("history", "M", "--since", "2100-01-01").out == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["history", "Nothing"], 1),
        (["history", "M", "nothing"], 1),
        (["history", "M", "latest"], 2),
        (["history", "M:v0"], 2),
        (["history", "--since", "yesterday"], 2),
        (["history", "--limit", "0"], 2),
        (["rollback", "M", "production", "--to", "5"], 2),
        (["rollback", "M", "production", "--to", "v9"], 1),
        (["rollback", "M", "nothing"], 1),
        (["bisect", "M", "production"], 2),
        (["bisect", "M", "--", "test", "{}"], 2),
        (["bisect", "M", "production", "--", "test"], 2),
        (["bisect", "M", "production", "--", "no-such-program", "{}"], 2),
    ],
)
def test_exit_codes(promoted, arguments, code):
    said = promoted.podium(*arguments, code=code)
    assert said.out == ""
    assert said.err


# --- rollback drills ------------------------------------------------------------------------------------------------


def test_a_rollback_is_a_move_forward_with_the_reason_in_its_commit(promoted, origin):
    said = promoted.podium("rollback", "M", "production", "--push", "--reason", "v2 is slow")
    assert said.out == "M production: v2 → v1\n"
    assert origin.git("log", "-1", "--format=%B", "main") == "M production: v2 → v1\n\nv2 is slow\n\n"
    assert origin.git("show", f"main:{PRODUCTION}") == "generation: 4\nversion: v1\n"
    assert promoted.git("status", "--porcelain") == ""
    promoted.git("pull", "-q", "--ff-only", "origin", "main")
    promoted.podium("check")


def test_files_and_commit(promoted):
    assert rollback(promoted).files == (PRODUCTION,)
    assert promoted.read(PRODUCTION) == "generation: 4\nversion: v1\n"
    again = rollback(promoted)
    assert (again.changed, again.notes[-1]) == (
        False,
        f"that is on disk already, and not committed; `git restore {PRODUCTION}` takes it back",
    )
    with pytest.raises(Denied, match="not committed"):
        rollback(promoted, commit=True)
    promoted.git("restore", PRODUCTION)
    assert rollback(promoted, commit=True).result == "M production: v2 → v1"
    assert rollback(promoted, to="v0", dry_run=True).result == "M production: v1 → v0"
    assert held(promoted) == "v1"


def test_an_artifact_goes_back_too(promoted):
    for version in ("v0", "v2"):
        with podium.open(promoted.root).edit(commit=True) as edit:
            edit.promote(f"p/a:{version}", "best")
    with podium.open(promoted.root).edit() as edit:
        edit.rollback("acme/p/a", "best")
    assert edit.published.result == "p/a best: v2 → v0"


def test_a_withdrawn_holder_is_refused_with_the_next_candidate(promoted):
    with podium.open(promoted.root).edit("Withdraw", commit=True) as edit:
        edit.withdraw("p/a:v1", "its licence ended")
    said = promoted.podium("rollback", "M", "production", code=1)
    assert "M:v1 was withdrawn: its licence ended" in said.err
    assert "podium rollback M production --to v0" in said.err
    with pytest.raises(Denied, match="was withdrawn"):
        rollback(promoted, to="v1")
    assert rollback(promoted, to="v0").result == "M production: v2 → v0"


def test_missing_bytes_are_refused_also_in_a_dry_run(promoted, tmp_path):
    file = next(file for file in podium.open(promoted.root).resolve("M:v1").files if "model" in file.path)
    (tmp_path / "store" / "files" / "md5" / file.md5[:2] / file.md5[2:]).unlink()
    said = promoted.podium("rollback", "M", "production", "--dry-run", code=1)
    assert "M:v1" in said.err
    assert "--to v0" in said.err
    with pytest.raises(Denied):
        rollback(promoted, push=True)
    shutil.move(tmp_path / "store", tmp_path / "away")
    with pytest.raises(Unavailable):
        rollback(promoted, to="v0")
    assert promoted.git("status", "--porcelain") == ""


def test_one_holder_only_and_an_alias_that_was_removed(promoted):
    with podium.open(promoted.root).edit(commit=True) as edit:
        edit.promote("M:v0", "staging")
    with pytest.raises(Denied, match="held no version but v0") as refused, podium.open(promoted.root).edit() as edit:
        edit.rollback("M", "staging")
    assert "podium unalias M staging" in refused.value.hint
    with podium.open(promoted.root).edit(commit=True) as edit:
        edit.unalias("M", "production")
    assert rollback(promoted, commit=True).result == "M production: none → v2"


def test_back_and_back_again_says_where_it_leads(promoted):
    rollback(promoted, commit=True)
    again = rollback(promoted, dry_run=True)
    assert again.result == "M production: v1 → v2"
    assert any("to go further back: --to v0" in note for note in again.notes)


def test_a_promotion_that_this_checkout_has_not_seen_is_not_undone(promoted):
    other = clone(promoted, "other")
    promote(other, "v0", push=True)
    for to in (None, "v1"):
        with pytest.raises(Denied, match=r"moved meanwhile.* v2 → v0 by Ada Lovelace .*Promote v0"):
            rollback(promoted, push=True, to=to)
    promoted.git("fetch", "-q")
    assert rollback(promoted, push=True).result == "M production: v0 → v2"


def test_a_promotion_that_lands_meanwhile_is_not_undone(promoted):
    other = clone(promoted, "other")
    edit = podium.open(promoted.root).edit(push=True)
    edit.__enter__()
    edit.rollback("M", "production")
    promote(other, "v0", push=True)
    with pytest.raises(Denied, match="moved by somebody else meanwhile: v2 → v0"):
        edit.__exit__(None, None, None)
    promoted.git("fetch", "-q")
    assert held(promoted, "origin/main") == "v0"


def test_another_alias_that_moves_meanwhile_is_no_hindrance(promoted):
    other = clone(promoted, "other")
    with podium.open(promoted.root).edit(push=True) as edit:
        edit.rollback("M", "production")
        with podium.open(other.root).edit(push=True) as theirs:
            theirs.promote("M:v0", "staging")
    promoted.git("fetch", "-q")
    assert held(promoted, "origin/main") == "v1"


def test_a_stale_branch_conflicts_and_a_branch_that_merged_goes_back_as_main_does(promoted):
    promoted.git("switch", "-q", "-c", "stale", "HEAD~2")
    assert rollback(promoted, commit=True).result == "M production: v1 → v0"
    merge = ["git", "merge-tree", "--write-tree", "main", "stale"]
    assert b"CONFLICT" in subprocess.run(merge, cwd=promoted.root, capture_output=True, check=False).stdout
    promoted.git("switch", "-q", "-c", "own", "HEAD~3")
    promoted.write("notes", "mine\n")
    promoted.commit("Notes")
    promoted.git("merge", "-q", "--no-edit", "main")
    assert rollback(promoted, commit=True).result == "M production: v2 → v1"
    promoted.podium("check", "--base", "main")


def test_a_bare_repository_and_a_url_go_back_by_push(promoted, origin):
    found_from_anywhere(promoted)
    said = promoted.podium("-R", origin.root.as_uri(), "rollback", "M", "production", "--push")
    assert said.out == "M production: v2 → v1\n"
    assert held(Place(origin.root)) == "v1"


# --- looking at two times, and for the first bad one ----------------------------------------------------------------


def test_compare_across_revisions(promoted):
    said = promoted.podium(
        "compare", "M:production", "M:production", "--rev-from", "HEAD~2", "--format", "json"
    ).json  # fmt: skip
    assert (said["from"], said["to"], said["metrics"]["accuracy"]["delta"]) == ("M:v1", "M:v2", 0.01)
    said = promoted.podium("compare", "M:production", "M:production", "--rev-to", "HEAD~2", "--format", "json").json
    assert (said["from"], said["to"]) == ("M:v2", "M:v1")


def test_bisect_finds_the_first_bad_version_that_an_alias_held(promoted):
    script = 'echo looking; ! grep -q -e w1 -e w2 "$1/model.safetensors"'
    said = promoted.podium("bisect", "M", "production", "--", "sh", "-c", script, "sh", "{}")
    assert said.out == "first bad: M:v1\nlast good: M:v0\n"
    assert "looking" in said.err
    said = promoted.podium("bisect", "p/a", "--all", "--format", "json", "--", "true", "{}", code=1).json
    assert said == {
        "name": "p/a", "first_bad": None, "last_good": "v2", "suspects": [],
        "verdicts": [{"version": "v2", "verdict": "good"}],
    }  # fmt: skip
    skips = 'grep -q w1 "$1/model.safetensors" && exit 125; ! grep -q w2 "$1/model.safetensors"'
    said = promoted.podium("bisect", "M", "production", "--", "sh", "-c", skips, "sh", "{}", code=3)
    assert said.out == "the first bad one is among: v1, v2\nlast good: M:v0\n"
    assert "ended with" in promoted.podium("bisect", "M", "production", "--", "sh", "-c", "kill $$", "{}", code=1).err
