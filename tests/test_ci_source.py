"""Where jobs get podium: what was named, what a file says already, what installers note of this podium (PEP 610)."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from podium import ci
from podium.ci import source
from podium.ci.source import Origin
from podium.errors import Usage
from podium.version import VERSION
from tests.hostile.typed import typed

COMMIT = "978bef467c9708600195fa42b7aad010e7a1a380"
GIT = "git+https://git.acme.dev/ml/podium"
PINNED = f"podium=={VERSION}"
JOBS = (ci.github, ci.github_pages, ci.gitlab, ci.gitlab_pages)


# --- what was named -------------------------------------------------------------------------------------------------

EVERY = "".join(map(chr, range(1, 0x250))) + "\u2028\u202e\udc80😀"
TAKEN = "!#%&*+,-./0123456789:<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~"


def _is_named(spec: str) -> bool:
    try:
        return source.named(spec) == spec
    except Usage:
        return False


def test_of_all_characters_those_are_taken_with_which_nothing_of_a_shell_or_of_yaml_begins():
    assert "".join(sorted(one for one in EVERY if _is_named(f"podium @ https://h/{one}"))) == f" {TAKEN}"


@pytest.mark.parametrize(
    "spec",
    [
        PINNED,
        "podium",
        "Podium[s3,ssh] >= 0.1, != 0.3.*, ~= 0.1",
        f"podium @ {GIT}@v0.1.0#subdirectory=python",
        "podium @ git+ssh://git@git.acme.dev:2222/ml/podium.git@main",
        "podium[all] @ https://gitlab.acme.dev/ml/podium/-/archive/v0.1.0/podium.tar.gz#sha256=ab12",
        f"podium @ https://h/{TAKEN}",
    ],
)
def test_what_is_taken_is_one_word_for_every_job_as_it_was_typed(spec):
    assert source.named(spec) == spec
    say = 'told() { printf \'%s\\n\' "$#" "$@"; }; pipx() { told "$@"; }; pip() { shift; told "$@"; }\n'
    lines = [line for job in JOBS for line in _lines(yaml.safe_load(next(iter(job(spec).values()))))]
    assert len(lines) == len(JOBS)
    for shell in ("sh", "bash"):
        ran = subprocess.run([shell, "-ec", say + "".join(lines)], capture_output=True, text=True, check=True)
        assert ran.stdout == f"2\ninstall\n{spec}\n" * 2 + f"2\n--quiet\n{spec}\n" * 2


def _lines(job) -> list[str]:
    """Give the lines that install something, as a runner reads them."""
    if isinstance(job, str):
        return [job] if " install " in job else []
    inner = job.values() if isinstance(job, dict) else job if isinstance(job, list) else ()
    return [line for one in inner for line in _lines(one)]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("", "is no requirement that pip takes"),
        (".", "is no requirement that pip takes"),
        ("--index-url=https://pypi.acme.dev podium", "is no requirement that pip takes"),
        ("podium --pre", "is no requirement that pip takes"),
        ("-r requirements.txt", "is no requirement that pip takes"),
        (GIT, "is no requirement that pip takes"),
        ("podium==0.1 # newest", "is no requirement that pip takes"),
        ("podium==0.1\n          curl evil.dev", r"holds '\n'"),
        ("podium; python_version > '3'", "holds ';'"),
        ("podium==0.1' && curl evil.dev '", 'holds "\'"'),
        ("podium @ https://h/${{ secrets.TOKEN }}", "holds '$'"),
        ("podium @ https://h/`id`", "holds '`'"),
        ("podium==0.1\\", r"holds '\\'"),
        ("podium @ https://h/\u202ekcip", "holds"),
        ("podiun==0.1", "installs podiun"),
        ("evil @ https://h/podium", "installs evil"),
        ("podium @ ../podium", "holds no URL"),
        ("podium @ ext::sh", "holds no URL"),
        ("podium @ git+ext://sh/x", "holds no URL"),
        ("podium @ git@git.acme.dev:ml/podium", "holds no URL"),
        ("podium @ git+ssh://-oProxyCommand=id/x", "holds no URL"),
        (f"podium @ {GIT}@--upload-pack=id", "holds no URL"),
        ("podium @ git+https://s3cret@git.acme.dev/podium", "holds a user name"),
        ("podium @ https://ada:s3cret@files.acme.dev/podium.whl", "holds a user name"),
        ("podium @ git+ssh://git:s3cret@git.acme.dev/podium", "holds a user name"),
        ("podium @ https://files.acme.dev/podium.whl?private_token=s3cret", "holds a user name"),
    ],
)
def test_what_is_no_source_of_podium_or_could_be_something_else_is_refused_in_words(spec, reason):
    with pytest.raises(Usage) as refused:
        source.named(spec)
    assert reason in refused.value.sentence
    assert "s3cret" not in refused.value.sentence


# --- where this podium came from ------------------------------------------------------------------------------------


@pytest.fixture
def noted(tmp_path, monkeypatch):
    """Install podium, as far as its record says."""
    folder = tmp_path / "site" / f"podium-{VERSION}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: podium\nVersion: {VERSION}\n")
    monkeypatch.syspath_prepend(str(folder.parent))

    def note(record) -> None:
        text = record if isinstance(record, bytes) else json.dumps(record).encode()
        (folder / "direct_url.json").write_bytes(text)

    return note


def _git(url, commit=COMMIT, **more):
    return {"url": url, "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": commit}, **more}


def test_from_an_index_it_is_the_version(noted):
    assert source.own(VERSION) == Origin(PINNED)


@pytest.mark.parametrize(
    ("record", "url"),
    [
        (_git("https://git.acme.dev/ml/podium"), f"{GIT}@{COMMIT}"),
        (_git("https://ada:s3cret@git.acme.dev/ml/podium"), f"{GIT}@{COMMIT}"),
        (_git("https://${TOKEN}@git.acme.dev/ml/podium"), f"{GIT}@{COMMIT}"),
        (_git("ssh://git@git.acme.dev:22/podium.git"), f"git+ssh://git@git.acme.dev:22/podium.git@{COMMIT}"),
        (_git("ssh://git:s3cret@git.acme.dev/podium"), f"git+ssh://git@git.acme.dev/podium@{COMMIT}"),
        (_git("https://git.acme.dev/ml/podium", subdirectory="src"), f"{GIT}@{COMMIT}#subdirectory=src"),
    ],
)
def test_from_a_repository_it_is_the_very_commit_without_credentials(noted, record, url):
    noted(record)
    assert source.own(VERSION) == Origin(f"podium @ {url}")


@pytest.mark.parametrize(
    ("record", "instead"),
    [
        ({"url": "file:///home/ada/podium", "dir_info": {}}, "a folder"),
        ({"url": "file:///home/ada/podium", "dir_info": {"editable": True}}, "a folder"),
        ({"url": "file:///tmp/podium.whl", "archive_info": {}}, "an archive"),
        (_git("file:///home/ada/podium"), "a repository that jobs cannot be sent to"),
        (_git("https://git.acme.dev/podium?private_token=s3cret"), "a repository that jobs cannot be sent to"),
        (_git("https://git.acme.dev/podium`id`"), "a repository that jobs cannot be sent to"),
        (_git("https://[git.acme.dev/podium"), "a repository that jobs cannot be sent to"),
        (_git("https://git.acme.dev/podium", "-x"), "a repository that jobs cannot be sent to"),
        (_git("https://git.acme.dev/podium", None), "a repository that jobs cannot be sent to"),
        (_git(None), "a repository that jobs cannot be sent to"),
        (
            {"url": "https://h/p", "vcs_info": {"vcs": "hg", "commit_id": COMMIT}},
            "a repository that jobs cannot be sent to",
        ),
        ({"url": "https://h/p", "vcs_info": []}, "a repository that jobs cannot be sent to"),
        ([], "a folder"),
        (None, "a folder"),
        (b"{", "a folder"),
        (b"\xff", "a folder"),
        (b"[" * 100_000, "a folder"),
    ],
)  # fmt: skip
def test_from_elsewhere_it_is_the_version_and_a_doubt(noted, record, instead):
    noted(record)
    assert source.own(VERSION) == Origin(PINNED, instead)


# --- what a file there installs -------------------------------------------------------------------------------------

OTHER = "podium @ git+https://git.acme.dev/ml/podium@v0.1.0"
DOUBT = f"the job installs {PINNED} from the package index, and this one came from a folder"


@pytest.fixture
def registry(tmp_path, monkeypatch, noted):
    """A folder with a registry that a podium from a repository made."""
    noted(_git("https://git.acme.dev/ml/podium"))
    (tmp_path / "registry").mkdir()
    monkeypatch.chdir(tmp_path / "registry")
    said = typed("init", "--entity", "acme", "--remote", tmp_path / "store", codes={0})
    assert "package index" not in said.err
    return tmp_path / "registry"


def test_what_init_wrote_is_there_already_wherever_podium_came_from(registry, noted):
    workflow = (registry / ci.WORKFLOW).read_text()
    assert f"pipx install 'podium @ {GIT}@{COMMIT}'\n" in workflow
    said = typed("ci", "github", codes={0})
    assert (said.out, said.err) == ("everything is there already\n", "")
    noted({"url": "file:///home/ada/podium", "dir_info": {"editable": True}})
    for more in ([], ["--force"]):
        said = typed("ci", "github", *more, codes={0})
        assert said.out == "everything is there already\n"
        assert said.err == f"the job goes on installing 'podium @ {GIT}@{COMMIT}'; --install SPEC changes that\n"
    assert (registry / ci.WORKFLOW).read_text() == workflow


def test_an_index_is_doubted_once_where_this_podium_came_from_a_folder_and_nobody_named_a_source(registry, noted):
    noted({"url": "file:///home/ada/podium", "dir_info": {}})
    assert DOUBT in typed("ci", "gitlab", codes={0}).err
    assert DOUBT not in typed("ci", "gitlab", codes={0}).err
    assert DOUBT not in typed("ci", "gitlab-pages", "--install", PINNED, codes={0}).err
    (registry / ci.WORKFLOW).unlink()
    assert (
        f"{DOUBT}: make sure that it is there, or name a source with `podium ci github" in typed("init", codes={0}).err
    )


@pytest.mark.parametrize(
    ("job", "path"),
    [("github", ci.WORKFLOW), ("github-pages", ci.PAGES), ("gitlab", ci.GITLAB), ("gitlab-pages", ci.GITLAB_PAGES)],
)
def test_a_source_that_somebody_named_stays_until_another_is_named(registry, job, path):
    file = registry / path
    typed("ci", job, codes={0})
    by_default = file.read_text()
    assert f"wrote {path}\n" in typed("ci", job, "--install", OTHER, codes={0}).out
    named = file.read_text()
    assert named == by_default.replace(f"podium @ {GIT}@{COMMIT}", OTHER)
    for more in ([], ["--force"]):
        said = typed("ci", job, *more, codes={0})
        assert said.out == "everything is there already\n"
        assert f"the job goes on installing '{OTHER}'" in said.err
    file.write_text(named.replace("timeout", "# ours\ntimeout", 1))
    for more in ([], ["--install", PINNED]):
        assert f"{path} is there and says something else" in typed("ci", job, *more, codes={1}).err
    typed("ci", job, "--force", codes={0})
    assert file.read_text() == named


@pytest.mark.parametrize(
    ("by_hand", "forced"),
    [
        ("--index-url https://pypi.acme.dev/simple podium==0.0.9 # ours", None),
        ('"podium==$WHICH"', None),
        (f"'podium @ git+https://git.acme.dev/fork@{'1' * 40}'", None),
        (f"'podium @ {GIT}@{'1' * 40}'", f"'podium @ {GIT}@{COMMIT}'"),
        ("podium==0.0.9", None),
    ],
)
def test_what_was_changed_by_hand_stays_and_force_takes_a_newer_commit_of_the_same_source(registry, by_hand, forced):
    file = registry / ci.WORKFLOW
    ours = file.read_text().replace(f"'podium @ {GIT}@{COMMIT}'", by_hand)
    file.write_text(ours)
    assert typed("ci", "github", codes={0}).out == "everything is there already\n"
    assert file.read_text() == ours
    typed("ci", "github", "--force", codes={0})
    assert file.read_text() == (ours.replace(by_hand, forced) if forced else ours)


def test_force_takes_the_version_of_this_podium_where_both_are_of_the_index():
    new = ci.github("podium==0.2.0")[ci.WORKFLOW]
    assert source.kept(ci.github("podium==0.1.0")[ci.WORKFLOW], new, renew=True) == new
    for other in ("podium[s3]==0.1.0", "podium>=0.1.0", OTHER):
        there = ci.github(other)[ci.WORKFLOW]
        assert source.kept(there, new, renew=True) == there


def test_a_line_that_goes_on_elsewhere_is_not_taken_over(registry):
    file = registry / ci.WORKFLOW
    text = file.read_text()
    file.write_text(text.replace(f"'podium @ {GIT}@{COMMIT}'", "podium \\\n            --pre"))
    assert "says something else" in typed("ci", "github", codes={1}).err
    typed("ci", "github", "--force", codes={0})
    assert file.read_text() == text


def test_a_source_that_is_refused_writes_nothing_and_tells_no_token(registry):
    said = typed("ci", "gitlab", "--install", "podium @ git+https://s3cret@git.acme.dev/podium", codes={2})
    assert (said.out, "s3cret" in said.err) == ("", False)
    assert not (registry / ci.GITLAB).exists()
