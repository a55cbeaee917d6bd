"""Verdicts that are kept: never other than what judging anew finds, whatever became of the file."""

import json
import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from podium import checks, git, review, rules, verdicts
from podium import kept as kept_files
from podium.errors import Error
from tests.acceptance import histories as h

MODEL, ARTIFACT = h.MODEL, h.ARTIFACT


@pytest.fixture
def history(tmp_path, own_settings):
    return h.History(tmp_path / "registry.git")


def tree(history, files):
    return git.commit_tree(history.repository, history.commit(files))


def anew(history, files):
    return checks.check(tree(history, files), rules.ALL)


def remembering(history, files):
    return review.check(tree(history, files), remember=True)


def kept(tmp_path):
    (file,) = (tmp_path / "cache" / "verdicts").iterdir()
    return file


def answer(check, history, files):
    try:
        return check(history, files).findings
    except Error as error:
        return str(error)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_remembered_is_what_judging_anew_finds(history, seed):
    chance = h.Chance(random.Random(seed))
    line = [chance.registry()]
    for n in range(12):
        change = chance.hostile(line[-1]) if n % 3 else chance.change(h.START)
        line.append(h.laid(chance.draw.choice(line), change))
    for files in line:
        assert answer(remembering, history, files) == answer(anew, history, files)


@pytest.mark.parametrize("seed", range(12))
def test_steps_that_are_clean_lead_to_a_registry_that_is_clean(history, seed):
    chance = h.Chance(random.Random(seed))
    files, commit = h.START, history.commit(h.START)
    for _ in range(4):
        new = h.laid(files, chance.change(files))
        after = history.commit(new, commit)
        if new == files or h.errors(h.judged(history, commit, after).findings):
            continue  # it would not land
        files, commit = new, after
        assert h.errors(anew(history, files).findings) == []


def test_what_did_not_change_is_not_judged_again(history):
    first = remembering(history, h.START)
    assert (first.files, first.skipped) == (anew(history, h.START).files, 0)
    again = remembering(history, h.START)
    assert (again.files, again.skipped) == (1, first.files - 1)  # registry.yaml is always looked at
    changed = remembering(history, h.laid(h.START, {h.STAGING: b"generation: 4\nversion: v1\n"}))
    assert 1 < changed.files < first.files - 1


def test_findings_are_remembered_too(history):
    files = h.laid(h.START, {h.STAGING: b"generation: 4\nversion: v9\n"})
    first, again = remembering(history, files), remembering(history, files)
    assert again.findings == first.findings == anew(history, files).findings
    assert [f.rule for f in again.findings] == ["alias-target-exists"]


@pytest.mark.parametrize(
    "change",
    [
        {f"{ARTIFACT}/artifact.yaml": b"description: ResNet-50\nwithdrawn:\n  v1: its licence ended\n"},
        {f"{ARTIFACT}/versions/v1.dvc": None},
        dict.fromkeys(path for path in h.START if path.startswith(ARTIFACT)),
        {"registry.yaml": h.START["registry.yaml"].replace(
        b"  image-classification: Assigns one label to an image\n", b"  a: b\n"
    )},
        {"schemas/team/link.schema.json": b'{"properties": {"artifact": {"pattern": "^speech/"}}}\n'},
        {f"{MODEL}/README.md": None},
    ],
    ids=["withdrawn", "version gone", "artifact gone", "vocabulary", "team schema", "card"],
)  # fmt: skip
def test_what_a_verdict_leans_on_is_looked_at(history, change):
    remembering(history, h.START)
    files = h.laid(h.START, change)
    found = remembering(history, files).findings
    assert found == anew(history, files).findings != ()
    assert any(finding.path.startswith(MODEL) for finding in found)


def test_another_podium_judges_anew(history, monkeypatch):
    first = remembering(history, h.START)
    monkeypatch.setattr(verdicts, "_program", lambda: ["another"])
    assert remembering(history, h.START).files == first.files


def signed(body, head=b""):
    return kept_files.digest(head + body).encode() + b"\n" + head + body


def parts(raw):
    """Give the line that says in which form something is kept, and what is kept."""
    _, head, body = raw.split(b"\n", 2)
    return head + b"\n", body


def rows(raw, change):
    head, body = parts(raw)
    return signed(json.dumps(change(json.loads(body))).encode(), head)


BAD = ["rule", "fatal", "path", "x", 1, "message", "fix"]
DAMAGE = {
    "gone": lambda raw: None,
    "empty": lambda raw: b"",
    "cut off": lambda raw: raw[: len(raw) // 2],
    "a bit turned": lambda raw: raw[:200] + bytes([raw[200] ^ 1]) + raw[201:],
    "pickle": lambda raw: pickle.dumps({"units": []}),
    "no json": lambda raw: signed(b"{", parts(raw)[0]),
    "deep": lambda raw: signed(b"[" * 100_000, parts(raw)[0]),
    "no list": lambda raw: signed(b"{}", parts(raw)[0]),
    "no units": lambda raw: rows(raw, lambda units: None),
    "another ground": lambda raw: signed(parts(raw)[1], b"0.1 other\n"),
    "units of text": lambda raw: rows(raw, lambda units: "units"),
    "short rows": lambda raw: rows(raw, lambda units: [unit[:3] for unit in units]),
    "odd findings": lambda raw: rows(raw, lambda units: [[*unit[:4], [BAD]] for unit in units]),
    "findings of text": lambda raw: rows(raw, lambda units: [[*unit[:4], ["abcdefg"]] for unit in units]),
    "odd ids": lambda raw: rows(raw, lambda units: [[unit[0], 1, *unit[2:]] for unit in units]),
    "odd leanings": lambda raw: rows(raw, lambda units: [[*unit[:3], {"a": 1}, unit[4]] for unit in units]),
    "other ids": lambda raw: rows(raw, lambda units: [[unit[0], f"40000 {'0' * 40}", *unit[2:]] for unit in units]),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_is_not_whole_is_dropped(history, tmp_path, damage):
    first = remembering(history, h.START)
    raw = DAMAGE[damage](kept(tmp_path).read_bytes())
    kept(tmp_path).unlink() if raw is None else kept(tmp_path).write_bytes(raw)
    again = remembering(history, h.START)
    assert (again.findings, again.files) == (first.findings, first.files)
    assert remembering(history, h.START).files == 1


def test_a_file_that_others_can_write_is_dropped(history, tmp_path):
    first = remembering(history, h.START)
    kept(tmp_path).chmod(0o666)
    assert remembering(history, h.START).files == first.files
    kept(tmp_path).parent.chmod(0o777)
    assert remembering(history, h.START).files == first.files


def test_a_link_in_the_place_of_the_file_is_not_followed(history, tmp_path):
    first = remembering(history, h.START)
    elsewhere = kept(tmp_path).rename(tmp_path / "elsewhere")
    (tmp_path / "cache" / "verdicts" / first_name(history)).symlink_to(elsewhere)
    assert remembering(history, h.START).files == first.files
    assert not kept(tmp_path).is_symlink()


def first_name(history):
    return verdicts._file(tree(history, h.START)).name


def test_without_a_folder_for_it_nothing_is_kept(history, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    first = remembering(history, h.START)
    assert remembering(history, h.START).files == first.files


def test_many_at_once_leave_one_whole_file(history, tmp_path):
    lines = [h.START, h.laid(h.START, {h.STAGING: b"generation: 4\nversion: v9\n"})] * 4
    commits = [history.commit(files) for files in lines]
    expected = [anew(history, files).findings for files in lines]

    def look(commit):
        tree = git.commit_tree(git.open_repository(tmp_path / "registry.git"), commit)
        return review.check(tree, remember=True).findings

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(look, commits)) == expected
    assert remembering(history, lines[0]).files < anew(history, lines[0]).files
    assert [path.name for path in kept(tmp_path).parent.iterdir()] == [kept(tmp_path).name]


def test_only_so_many_registries_are_remembered(tmp_path, own_settings, monkeypatch):
    monkeypatch.setattr(kept_files, "MOST_FILES", 2)
    for n in range(4):
        remembering(h.History(tmp_path / f"{n}.git"), h.START)
    assert len(list((tmp_path / "cache" / "verdicts").iterdir())) == 2


def test_what_decides_whether_a_change_may_land_remembers_nothing(history, tmp_path):
    base = history.commit(h.START)
    with review.review(history.repository, base, history.commit(h.START, base)):
        pass
    review.check(tree(history, h.START))
    assert not (tmp_path / "cache").exists()
