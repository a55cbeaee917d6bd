"""The site: what is built of which commit, into which folder, and that nothing of a registry runs in it."""

from __future__ import annotations

import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from podium import kept, site
from podium.errors import Denied, Unavailable, Usage
from podium.site import cards, folder, memory, past
from podium.site.forge import Forge
from tests import example
from tests.growing import Growing

ALIAS = "models/ImageClassifier/aliases/production.yaml"


@pytest.fixture
def growing(tmp_path, own_settings) -> Growing:
    return Growing.at(tmp_path / "models.git")


def build(growing: Growing, root: Path, **options) -> site.Built:
    return site.build(growing.repository, growing.tip, root, **options)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def pages_of(root: Path) -> dict[str, bytes]:
    return {path: page for path, page in contents(root).items() if path.endswith(".html")}


# --- model cards ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick=alert(1)>b</b>",
        "<svg><animate onbegin=alert(1)></svg>",
        "```<img src=x>\n<script>\n```",
        "| <iframe src=//evil.example> |\n| --- |\n| <style>*{}</style> |",
        "# <meta http-equiv=refresh content=0;url=//evil.example>",
    ],
)
def test_html_in_a_card_is_text(hostile):
    html = str(cards.render(hostile))
    assert not re.search(r"<(script|img|svg|iframe|style|meta|b |animate)", html)
    assert "&lt;" in html


@pytest.mark.parametrize(
    "target",
    [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<b>x", "vbscript:x", "file:///etc/passwd"),
        *(
            "//evil.example/x",
            "http:evil",
            "java&#10;script:alert(1)",
            "&#106;avascript:x",
            "#top",
            "ftp://x/y",
        ),
    ],
)
def test_a_link_that_leads_elsewhere_than_to_the_web_is_inert(target):
    html = str(cards.render(f"[text]({target})"))
    assert "href" not in html
    assert "text" in html


def test_links_to_the_web_and_to_mailboxes_stay_and_relative_ones_lead_to_the_forge():
    text = "[a](https://acme.dev/x?y=1) [b](mailto:ada@acme.dev) [c](data.md) <https://acme.dev/z>"
    html = str(cards.render(text, lambda path: f"https://forge/{path}"))
    hrefs = re.findall(r'href="([^"]+)"', html)
    assert hrefs == ["https://acme.dev/x?y=1", "mailto:ada@acme.dev", "https://forge/data.md", "https://acme.dev/z"]
    assert html.count('rel="nofollow noopener noreferrer"') == 4


def test_pictures_become_words():
    html = str(cards.render("![plot](https://evil.example/p.png) ![](local.png) [![x](https://a.b/c)](https://d.e)"))
    assert "<img" not in html
    assert '<a href="https://evil.example/p.png" rel="nofollow noopener noreferrer">[picture: plot]</a>' in html
    assert "[picture: without a description]" in html
    assert html.count("<a ") == 2


def test_headings_stand_below_the_page_s_and_leave_no_level_out():
    html = str(cards.render("## a\n#### b\n# c\n###### d\n## e\n### f\n#### g\n##### h"))
    assert re.findall(r"<(h[1-6])>", html) == ["h3", "h4", "h3", "h4", "h4", "h5", "h6", "h6"]


def test_a_card_that_is_too_long_is_shown_as_it_is_written():
    html = str(cards.render("*a* <b>" * 40_000))
    assert html.startswith('<pre class="plain">*a* &lt;b&gt;*a*')


def test_characters_that_steer_are_shown_and_columns_of_numbers_are_aligned_without_inline_styles():
    html = str(cards.render("a\u202eb\x1b[31m\n\n| n |\n| --: |\n| 1 |"))
    assert "\\u202e" in html
    assert "\\x1b" in html
    assert "style" not in html
    assert '<td class="number">1</td>' in html


# --- the forge ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "commit", "request_"),
    [
        ("https://github.com/acme/m", "https://github.com/acme/m/commit/c0", "https://github.com/acme/m/pull/7"),
        (
            "https://gitlab.com/a/m.git",
            "https://gitlab.com/a/m/-/commit/c0",
            "https://gitlab.com/a/m/-/merge_requests/7",
        ),
        (
            "https://git.acme.dev/a/m/-/",
            "https://git.acme.dev/a/m/-/commit/c0",
            "https://git.acme.dev/a/m/-/merge_requests/7",
        ),
        (None, None, None),
    ],
)
def test_commits_and_requests_link_to_the_forge(url, commit, request_):
    forge = Forge.at(url)
    assert (forge.commit("c0"), forge.request(7)) == (commit, request_)


def test_a_file_of_the_forge_is_found_from_the_card_s_folder_and_never_outside():
    forge = Forge.at("https://github.com/acme/m")
    base = "https://github.com/acme/m/blob/HEAD"
    assert forge.file("models/M", "../../docs/a b.md") == f"{base}/docs/a%20b.md"
    assert forge.file("models/M", "/x?y") == f"{base}/x%3Fy"
    assert forge.file("models/M", "../../../etc") is None


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "git@github.com:a/b", "https://", "https://u:p@h/x", "https://h/x?y"]
)
def test_what_is_no_page_of_a_repository_is_refused(url):
    with pytest.raises(Usage):
        Forge.at(url)


# --- what happened --------------------------------------------------------------------------------------------------


def test_the_past_grows_with_the_line_and_is_what_it_is_in_one_go(growing):
    first = past.read(growing.repository, growing.tip)
    growing.commit("Move (#4)", {ALIAS: b"generation: 19\nversion: v1\n"})
    growing.commit("Tell", {"README.md": b"nothing of the registry's\n"})
    growing.commit("Back", {ALIAS: b"generation: 20\nversion: v0\n"})
    whole = past.read(growing.repository, growing.tip)
    grown = past.read(growing.repository, growing.tip, past.restored(json.loads(json.dumps(past.kept(first)))))
    assert grown == whole
    assert len(whole.happenings) > len(first.happenings)
    moves = [
        (each.alias, each.version, each.until and each.until.subject)
        for each in past.tenures(whole.of_entity["model", "ImageClassifier"])
    ]
    assert moves == [("production", "v0", "Move (#4)"), ("production", "v1", "Back"), ("production", "v0", None)]
    assert past.tenures(whole.of_entity["model", "ImageClassifier"])[1].since.request == 4


def test_what_was_kept_of_another_line_is_not_believed(growing):
    start = growing.tip
    growing.commit("Move", {ALIAS: b"generation: 19\nversion: v1\n"})
    moved = past.read(growing.repository, growing.tip)
    growing.tip = start
    growing.commit("Remove", {ALIAS: b"generation: 19\nversion: null\n"})
    again = past.read(growing.repository, growing.tip, moved)
    assert again.happenings == past.read(growing.repository, growing.tip).happenings
    assert {each.kind for each in again.happenings} >= {"alias-removed"}


@pytest.mark.parametrize(
    "data", [None, {}, {"tip": "x"}, {"tip": "x", "commits": [[]], "happenings": []}, {"commits": 3}]
)
def test_what_was_kept_and_cannot_be_read_is_nothing(data):
    assert past.restored(data) is None


# --- building -------------------------------------------------------------------------------------------------------


def test_two_builds_of_a_commit_are_the_same_byte_for_byte(growing, tmp_path, monkeypatch):
    first = build(growing, tmp_path / "one")
    monkeypatch.setenv("PODIUM_CACHE_DIR", str(tmp_path / "other-cache"))
    build(growing, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert first.files == len(contents(tmp_path / "one")) - 1  # the state


def test_a_build_after_a_commit_writes_what_differs_and_gives_what_a_new_one_gives(growing, tmp_path):
    first = build(growing, tmp_path / "site")
    assert build(growing, tmp_path / "site").written == 0
    growing.commit("Move", {ALIAS: b"generation: 19\nversion: v1\n"})
    again = build(growing, tmp_path / "site")
    assert 0 < again.written < first.files / 2
    build(growing, tmp_path / "new")
    assert contents(tmp_path / "site") == contents(tmp_path / "new")
    assert b"production" in (tmp_path / "site/models/ImageClassifier/index.html").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"artifacts/vision/resnet50/artifact.yaml": b"description: x\nwithdrawn:\n  v0: leaks\n"},
        {"artifacts/vision/resnet50/versions/v3.dvc": example.version_file("v3", b"new", metrics={"f1": 0.5})},
        {"artifacts/vision/resnet50/aliases/best.yaml": b"generation: 3\nversion: v1\n"},
        {"models/ImageClassifier/README.md": b"# Card\n"},
        {"models/Other/model.yaml": b"description: Another\n",
     "models/Other/versions/v0.yaml": b"artifact: vision/resnet50\nversion: v1\n"},
        {"registry.yaml": b'apiVersion: podium/v1\nentity: acme\naliases:\n  production: {approvers: ["@a/b"]}\n'},
        {"models/ImageClassifier/versions/v1.yaml": b"artifact: vision/gone\nversion: v2\n"},
        {"models/ImageClassifier/model.yaml": None, "models/ImageClassifier/versions/v0.yaml": None,
         "models/ImageClassifier/versions/v1.yaml": None, ALIAS: None},
    ],
)  # fmt: skip
def test_every_kind_of_change_reaches_every_page_that_shows_it(growing, tmp_path, change):
    build(growing, tmp_path / "site")
    growing.commit("Change", change)
    build(growing, tmp_path / "site")
    build(growing, tmp_path / "new")
    assert contents(tmp_path / "site") == contents(tmp_path / "new")


def test_what_another_podium_left_in_the_cache_is_not_used(growing, tmp_path):
    build(growing, tmp_path / "one")
    place = memory.place(growing.repository.path)
    kept.write(place, "older", {"past": {"tip": growing.tip, "commits": [], "happenings": []}})
    build(growing, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    place.write_bytes(b"{broken")
    build(growing, tmp_path / "three")
    assert contents(tmp_path / "one") == contents(tmp_path / "three")


def test_a_shallow_clone_says_on_its_pages_what_it_cannot_know(growing, tmp_path):
    growing.commit("Move", {ALIAS: b"generation: 19\nversion: v1\n"})
    growing.commit("Back", {ALIAS: b"generation: 20\nversion: v0\n"})
    shallow = Growing(tmp_path / "shallow.git", growing.tip)
    assert (
        os.spawnlp(
            os.P_WAIT, "git", "git", "clone", "-q", "--bare", "--depth=2", f"file://{growing.root}", str(shallow.root)
        )
        == 0
    )
    built = build(shallow, tmp_path / "site")
    assert "shallow clone" in built.hidden
    for page in ("index.html", "activity/index.html", "models/ImageClassifier/index.html"):
        assert "shallow clone" in (tmp_path / "site" / page).read_text()
    assert "Back" in (tmp_path / "site/activity/index.html").read_text()


# --- the folder -----------------------------------------------------------------------------------------------------


def test_a_folder_of_somebody_else_s_is_refused(growing, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("x")
    with pytest.raises(Denied, match="no site that podium built"):
        build(growing, tmp_path / "mine")
    assert contents(tmp_path / "mine") == {"thesis.tex": b"x"}


def test_what_podium_did_not_write_stays_and_what_is_no_more_goes(growing, tmp_path):
    root = tmp_path / "site"
    growing.commit("New", {"models/Brief/model.yaml": b"description: x\n"})
    build(growing, root)
    (root / "CNAME").write_text("models.acme.dev")
    (root / "models/Brief/notes.txt").write_text("mine")
    (root / "activity/mine.html").write_text("mine")
    growing.commit("Gone", {"models/Brief/model.yaml": None})
    build(growing, root)
    assert not (root / "models/Brief/index.html").exists()
    kept = {"CNAME": b"models.acme.dev", "models/Brief/notes.txt": b"mine", "activity/mine.html": b"mine"}
    assert kept.items() <= contents(root).items()


def test_a_page_that_somebody_changed_is_left_when_it_goes_and_mended_when_it_stays(growing, tmp_path):
    root = tmp_path / "site"
    growing.commit("New", {"models/Brief/model.yaml": b"description: x\n"})
    build(growing, root)
    (root / "models/Brief/index.html").write_text("mine now")
    (root / "findings.html").unlink()
    growing.commit("Gone", {"models/Brief/model.yaml": None})
    assert build(growing, root).left == ("models/Brief/index.html",)
    assert (root / "findings.html").exists()


def test_a_file_or_a_link_in_the_way_is_refused_and_never_followed(growing, tmp_path):
    root, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    build(growing, root)
    shutil.rmtree(root / "models")
    (root / "models").symlink_to(elsewhere)
    with pytest.raises(Denied, match="is no folder"):
        build(growing, root)
    assert list(elsewhere.iterdir()) == []
    (root / "models").unlink()
    growing.commit("New", {"models/Fresh/model.yaml": b"description: x\n"})
    (root / "models/Fresh").mkdir(parents=True)
    (root / "models/Fresh/index.html").write_text("mine")
    with pytest.raises(Denied, match="podium did not write it"):
        build(growing, root)
    assert (root / "models/Fresh/index.html").read_text() == "mine"


def test_a_build_that_was_killed_is_completed_by_the_next(growing, tmp_path):
    def killed():
        with folder.opened(tmp_path / "site") as out:
            out.put("some", "key", {"a/half.html": b"half", "index.html": b"other"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    build(growing, tmp_path / "site")
    build(growing, tmp_path / "new")
    assert contents(tmp_path / "site") == contents(tmp_path / "new")


def test_only_one_build_at_a_time_writes_to_a_folder(growing, tmp_path):
    with folder.opened(tmp_path / "site"), pytest.raises(Unavailable, match="another build"):
        build(growing, tmp_path / "site")


# --- what is broken, and what is hostile ----------------------------------------------------------------------------

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>\"'{{7*7}}"


def test_a_registry_with_findings_is_built_and_says_what_is_broken(growing, tmp_path):
    growing.commit(
        "Break",
        {
            "models/ImageClassifier/model.yaml": b"description: [\n",
            "models/ImageClassifier/versions/v2.yaml": b"artifact: vision/gone\nversion: v0\n",
            "models/ImageClassifier/versions/v3.yaml": b"no link\n",
            "models/ImageClassifier/aliases/staging.yaml": b"version: v77\ngeneration: 1\n",
            "models/ImageClassifier/aliases/canary.yaml": b"nonsense\n",
            "models/imageclassifier/model.yaml": b"description: same name\n",
            "models/..x/model.yaml": b"description: no name\n",
            "models/<b>/model.yaml": b"description: no name either\n",
            "artifacts/vision/resnet50/versions/v4.dvc": b"outs: nonsense\n",
            "artifacts/vision/resnet50/artifact.yaml": b"7\n",
            "artifacts/index.html/index.html/artifact.yaml": b"description: a name like a page\n",
            "registry.yaml": b"apiVersion: podium/v1\n",
        },
    )
    build(growing, tmp_path / "site")
    pages = pages_of(tmp_path / "site")
    model = pages["models/ImageClassifier/index.html"].decode()
    assert "there is no model artifact" in model
    assert "there is no v77" in model
    assert model.count("Cannot be read:") == 2
    assert "models/canary" not in pages
    assert "Cannot be read:" in pages["artifacts/vision/resnet50/v4.html"].decode()
    assert "artifacts/index.html/index.html/index.html" in pages
    assert "models/imageclassifier/index.html" not in pages
    overview = pages["index.html"].decode()
    assert "differs from ImageClassifier by case only" in overview
    assert "registry.yaml cannot be read" in overview
    assert "..x" in overview
    assert "&lt;b&gt;" in overview
    for rule in ("alias-target-exists", "yaml-strict", "name-unique-ignoring-case", "link-target-exists"):
        assert f"<code>{rule}</code>" in pages["findings.html"].decode()


def test_nothing_of_a_registry_is_markup_anywhere(growing, tmp_path):
    growing.commit(HOSTILE, hostile_files())
    build(growing, tmp_path / "site", forge=Forge.at("https://github.com/acme/m"))
    for path, page in contents(tmp_path / "site").items():
        if path.endswith(".html"):
            assert b"<script>window" not in page, path
            assert b"<img" not in page, path
        if path.endswith(".js") and "/vendor/" not in path:
            assert b"</script>" not in page, path
    model = contents(tmp_path / "site")["models/ImageClassifier/index.html"]
    assert b"&lt;img src=x onerror" in model
    assert b"{{7*7}}" in model


def hostile_files() -> dict[str, bytes]:
    """Give files in which every text is hostile, and the names of metrics mean something to JavaScript and to Vega."""
    quoted = json.dumps(HOSTILE)
    metrics = dict.fromkeys(("__proto__", "constructor", "a.b[0]", "datum['x']", "a\\.b", HOSTILE[:60]), 0.5)
    facts = {"metrics": metrics, "params": {"__proto__": HOSTILE}, "metadata": {HOSTILE[:40]: HOSTILE}, "desc": HOSTILE}
    versions = {
        f"artifacts/vision/resnet50/versions/v{n}.dvc": example.version_file(f"v{n}", b"h%d" % n, **facts)
        for n in (3, 4)
    }
    return {
        **versions,
        "models/ImageClassifier/versions/v2.yaml": b"artifact: vision/resnet50\nversion: v3\n",
        "models/ImageClassifier/versions/v3.yaml": b"artifact: vision/resnet50\nversion: v4\n",
        "models/ImageClassifier/aliases/staging.yaml": b"generation: 1\nversion: v3\n",
        "models/ImageClassifier/model.yaml": (
            f'description: {quoted}\nowners: ["@acme/vision"]\ntags: [vision]\nwithdrawn:\n  v0: {quoted}\n'.encode()
        ),
        "models/ImageClassifier/README.md": (
            f"# {HOSTILE}\n\n{HOSTILE}\n\n"
            "[x](javascript:window.pwned=1) ![p](https://evil.example/p.png)\n"
        ).encode(),
    }  # fmt: skip


def test_every_relative_link_of_the_site_leads_to_a_page_of_it(growing, tmp_path):
    build(growing, tmp_path / "site")
    for path, page in pages_of(tmp_path / "site").items():
        for link in re.findall(r'(?:href|src|action)="([^"#?]+)', page.decode()):
            assert not link.startswith(("/", "http")), (path, link)
            assert (tmp_path / "site" / path).parent.joinpath(link).resolve().is_file(), (path, link)


VOID = {"br", "col", "hr", "img", "input", "link", "meta"}


class Closing(HTMLParser):
    """A page whose elements must be closed in the order in which they were opened, and whose ids are its own."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open, self.ids = [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)


def test_every_element_of_every_page_is_closed_and_every_id_is_said_once(growing, tmp_path):
    build(growing, tmp_path / "out")
    for path, page in pages_of(tmp_path / "out").items():
        ids = Closing(page.decode()).ids
        assert len(ids) == len(set(ids)), path


def test_long_history_is_told_in_pages_that_stay_as_they_are(growing, tmp_path, monkeypatch):
    monkeypatch.setattr("podium.site.pages.STEPS", 3)
    for n in range(6):
        growing.commit(f"Move {n}", {ALIAS: f"generation: {19 + n}\nversion: v{1 - n % 2}\n".encode()})
    root = tmp_path / "site"
    build(growing, root)
    first = (root / "activity/page-1.html").read_bytes()
    assert b"Start" in first
    assert b"Move 5" in (root / "activity/index.html").read_bytes()
    assert b'href="page-2.html"' in (root / "activity/index.html").read_bytes()
    growing.commit("Move 6", {ALIAS: b"generation: 25\nversion: v1\n"})
    build(growing, root)
    assert (root / "activity/page-1.html").read_bytes() == first
