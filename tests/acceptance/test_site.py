"""The site in a real browser: found, filtered, compared and plotted from disk, quiet, reachable by everybody, inert."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from podium import site
from tests import example
from tests.growing import Growing
from tests.test_site import HOSTILE, hostile_files

CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
ALIAS = "models/ImageClassifier/aliases"
MODEL, ARTIFACT = "models/ImageClassifier/index.html", "artifacts/vision/resnet50/index.html"
PAGES = [
    *("index.html", "artifacts.html", MODEL, ARTIFACT, "artifacts/vision/resnet50/v1.html"),
    *("compare.html?a=ImageClassifier:v0&b=ImageClassifier:v1", "activity/index.html", "findings.html"),
]
CARD = b"# Card\n\n## Use\n\n| n | m |\n| --: | :-: |\n| 1 | 2 |\n\n```python\nimport podium\n```\n"

pytestmark = [pytest.mark.xdist_group("chromium")]


def registry_files() -> dict[str, bytes]:
    """Give the example with a card, a policy, a second model, and what a check has to say of it."""
    return {
        **example.files(),
        "registry.yaml": b"apiVersion: podium/v1\nentity: acme\n"
        b"aliases:\n  staging: {}\n  production: {after: [staging]}\n",
        "models/ImageClassifier/README.md": CARD,
        "models/QueryRanker/model.yaml": b'description: Orders results\nowners: ["@acme/search"]\ntags: [ranking]\n',
        "models/QueryRanker/versions/v0.yaml": b"artifact: vision/resnet50\nversion: v1\n",
        "models/Unowned/model.yaml": b"description: Nobody's\n",
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Build a site of a few commits."""
    root = tmp_path_factory.mktemp("built")
    growing = Growing.at(root / "models.git", registry_files())
    growing.commit("Promote v1 (#7)", {f"{ALIAS}/production.yaml": b"generation: 19\nversion: v1\n"})
    growing.commit("Shadow v0", {f"{ALIAS}/staging.yaml": b"generation: 1\nversion: v0\n"})
    site.build(growing.repository, growing.tip, root / "under/a/path", site.Forge.at("https://github.com/acme/models"))
    return root / "under/a/path"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """Build a site in which every text is hostile."""
    root = tmp_path_factory.mktemp("hostile")
    growing = Growing.at(root / "models.git")
    growing.commit(HOSTILE, hostile_files())
    site.build(growing.repository, growing.tip, root / "site")
    return root / "site"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("needs chromium: .ci/servers")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=ARGS)
        yield started
        started.close()


@contextmanager
def looking(browser, **options):
    """Open a page that may ask no other host for anything, and may have nothing to complain of."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    said: list[str] = []

    def pass_on(route):
        own = route.request.url.startswith(("file:", "http://127.0.0.1"))
        if not own:
            said.append(f"asked for {route.request.url}")
        route.continue_() if own else route.abort()

    context.route("**/*", pass_on)
    page = context.new_page()
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    yield page
    context.close()
    assert said == []


@pytest.fixture
def page(browser):
    with looking(browser) as opened:
        yield opened


def draw(page, count: int) -> None:
    """Scroll to each plot until it is drawn."""
    for plot in page.locator("[data-plot]").all():
        plot.scroll_into_view_if_needed()
    page.wait_for_function("n => document.querySelectorAll('[data-drawn]').length === n", arg=count)


# --- finding --------------------------------------------------------------------------------------------------------


def test_a_model_is_found_by_words_and_the_address_keeps_them(page, built):
    page.goto(f"{built.as_uri()}/index.html")
    names = "tbody tr:visible th > a"
    assert page.locator(names).all_inner_texts() == ["ImageClassifier", "QueryRanker", "Unowned"]
    page.get_by_role("searchbox").fill("orders RESULTS")
    assert page.locator(names).all_inner_texts() == ["QueryRanker"]
    assert page.get_by_role("status").inner_text() == "1 of 3"
    page.reload()
    assert page.locator(names).all_inner_texts() == ["QueryRanker"]
    page.get_by_role("searchbox").fill("nothing like it")
    assert page.get_by_text("Nothing matches.").is_visible()
    page.get_by_role("link", name="Show everything").click()
    assert page.locator(names).count() == 3


def test_filters_narrow_down_by_tag_owner_and_alias_and_links_set_them(page, built):
    from playwright.sync_api import expect

    page.goto(f"{built.as_uri()}/index.html")
    names = "tbody tr:visible th > a"
    page.get_by_label("Alias").select_option("production")
    assert page.locator(names).all_inner_texts() == ["ImageClassifier"]
    assert page.url.endswith("?alias=production")
    page.get_by_label("Owner").select_option("@acme/search")
    assert page.locator(names).count() == 0
    page.goto(f"{built.as_uri()}/{MODEL}")
    page.get_by_role("link", name="vision", exact=True).first.click()
    expect(page.locator("select[name=tag]")).to_have_value("vision")
    assert page.locator(names).all_inner_texts() == ["ImageClassifier"]
    page.goto(f"{built.as_uri()}/index.html?tag=__proto__&order=changed")
    assert page.locator(names).count() == 0


def test_without_scripts_there_is_the_whole_table_and_the_cards(browser, built):
    with looking(browser, java_script_enabled=False) as page:
        page.goto(f"{built.as_uri()}/index.html")
        assert page.locator("tbody tr").count() == 3
        assert not page.get_by_role("searchbox").is_visible()
        page.get_by_role("link", name="ImageClassifier").click()
        assert page.get_by_role("heading", level=1).inner_text() == "ImageClassifier"
        assert page.get_by_role("row", name="production v1 vision/resnet50:v2").is_visible()


# --- plots and the comparison ---------------------------------------------------------------------------------------


def test_plots_show_the_data_and_the_aliases(page, built):
    page.goto(f"{built.as_uri()}/{MODEL}")
    draw(page, 3)
    metric = page.locator("[data-plot=metric] svg")
    assert metric.locator(".mark-symbol path").count() == 2
    assert sorted(metric.locator(".mark-text.role-mark text").all_text_contents()) == ["production", "staging"]
    bars = page.locator("[data-plot=timeline] svg")
    assert bars.locator(".mark-rect.role-mark path").count() == 3
    assert {"production", "staging"} <= set(bars.locator("text").all_text_contents())
    lines = page.locator("[data-plot=lineage] svg")
    assert lines.locator(".mark-rule line").count() == 2
    assert "vision/resnet50:v2" in lines.locator("text").all_text_contents()


def test_the_charting_library_is_loaded_only_where_a_plot_is_in_view(browser, built):
    asked: list[str] = []
    with looking(browser) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{built.as_uri()}/index.html")
        page.get_by_role("link", name="Artifacts").click()
        page.wait_for_load_state()
        assert [url for url in asked if "vendor" in url] == []
        page.goto(f"{built.as_uri()}/{MODEL}")
        draw(page, 3)
        assert len([url for url in asked if "vendor" in url]) == 3


@pytest.mark.parametrize("path", [MODEL, ARTIFACT])
def test_a_plot_has_its_room_before_it_is_drawn(page, built, path):
    heights = "() => Array.from(document.querySelectorAll('[data-plot]'), plot => plot.getBoundingClientRect().height)"
    page.goto(f"{built.as_uri()}/{path}")
    before = page.evaluate(heights)
    draw(page, 3)
    assert page.evaluate(heights) == before


def test_two_versions_are_compared_from_the_table_of_versions(page, built):
    page.goto(f"{built.as_uri()}/{MODEL}")
    page.get_by_label("from v0").check()
    page.get_by_label("to v1").check()
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("row", name="accuracy 0.9 0.92 +0.02").wait_for()
    assert page.get_by_role("row", name="model.safetensors").get_by_text("changed").is_visible()
    assert page.get_by_role("row", name="config.json").locator(".delta").inner_text() == ""
    page.get_by_role("button", name="Swap").click()
    page.get_by_role("row", name="accuracy 0.92 0.9 \u22120.02").wait_for()
    assert page.url.endswith("?a=ImageClassifier%3Av1&b=ImageClassifier%3Av0")


def test_a_model_s_version_is_compared_with_an_artifact_s(page, built):
    page.goto(f"{built.as_uri()}/compare.html")
    page.get_by_role("group", name="From").get_by_label("Model or artifact").fill("ImageClassifier")
    page.keyboard.press("Tab")
    page.get_by_role("group", name="To").get_by_label("Model or artifact").fill("vision/resnet50")
    page.keyboard.press("Tab")
    page.get_by_role("group", name="To").get_by_label("Version").select_option("v2")
    page.get_by_text("The same, byte for byte.").wait_for()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("a=Nobody:v0&b=ImageClassifier:v0", "there is no Nobody here"),
        ("a=../../x:v0&b=ImageClassifier:v0", "../../x is no name"),
        ("a=ImageClassifier:v9&b=ImageClassifier:v0", "ImageClassifier has no version v9"),
        ("a=<img src=x onerror=alert(1)>", "is no name"),
    ],
)
def test_what_cannot_be_compared_is_said(page, built, query, said):
    page.goto(f"{built.as_uri()}/compare.html?{query}")
    page.get_by_role("status").filter(has_text=said).wait_for()


# --- for everybody --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "paths"), [("light", PAGES), ("dark", [PAGES[0], MODEL, PAGES[5], PAGES[7]])])
def test_axe_finds_nothing(browser, built, scheme, paths):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = []
    with looking(browser, color_scheme=scheme) as page:
        for path in paths:
            page.goto(f"{built.as_uri()}/{path}")
            draw(page, page.locator("[data-plot]").count())
            answer = axe.Axe().run(page, options={"preload": False, "resultTypes": ["violations"]}).response
            assert answer["testRunner"]["name"] == "axe"
            found += [(path, each["id"], each["nodes"][0]["html"]) for each in answer["violations"]]
    assert found == []


def test_a_phone_needs_no_scrolling_to_the_side(browser, built):
    with looking(browser, viewport={"width": 375, "height": 700}) as page:
        for path in PAGES:
            page.goto(f"{built.as_uri()}/{path}")
            draw(page, page.locator("[data-plot]").count())
            assert page.evaluate("document.documentElement.scrollWidth") == 375, path


def test_the_keyboard_is_enough(page, built):
    page.goto(f"{built.as_uri()}/index.html")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    while page.locator(":focus").get_attribute("type") != "search":
        page.keyboard.press("Tab")
    page.keyboard.type("query")
    assert page.get_by_role("status").inner_text() == "1 of 3"
    page.get_by_role("link", name="QueryRanker").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/models/QueryRanker/index.html")


# --- hostile --------------------------------------------------------------------------------------------------------


def test_hostile_texts_are_texts_on_every_page(page, hostile):
    compared = "compare.html?a=ImageClassifier:v2&b=ImageClassifier:v3"
    for path in ("index.html", MODEL, ARTIFACT, "artifacts/vision/resnet50/v3.html", "activity/index.html", compared):
        page.goto(f"{hostile.as_uri()}/{path}")
        draw(page, page.locator("[data-plot]").count())
        if path == compared:
            page.get_by_role("row", name="__proto__ 0.5").wait_for()
        assert page.evaluate("window.pwned") is None
        assert page.locator("main img, main script:not([type='application/json'])").count() == 0
        assert page.get_by_text("window.pwned=1").count() > 0


def test_metrics_with_hostile_names_are_plotted_like_others(page, hostile):
    page.goto(f"{hostile.as_uri()}/{ARTIFACT}")
    plots = page.locator("[data-plot=metric]")
    draw(page, page.locator("[data-plot]").count())
    assert {"__proto__", "constructor", "a.b[0]", "datum['x']", "a\\.b"} <= set(
        page.locator("figcaption").all_inner_texts()
    )
    counts = [plot.locator(".mark-symbol path").count() for plot in plots.all()]
    assert counts == [3] + [2] * 6


# --- the commands ---------------------------------------------------------------------------------------------------


def test_build_says_what_it_did_and_that_edits_are_not_shown(registry):
    registry.podium("log", "vision/resnet50", registry.model("out", "x"), "--link", "ImageClassifier", "--commit")
    said = registry.podium("site", "build", "public", "--repository", "https://github.com/acme/models")
    assert said.out.startswith("public: ")
    assert "not committed" not in said.err
    registry.write("models/ImageClassifier/model.yaml", "description: Not yet\n")
    said = registry.podium("site", "build", "public")
    assert "edits that are not committed" in said.err
    assert "Not yet" not in registry.read("public/index.html")
    assert "no site that podium built" in registry.podium("site", "build", ".", code=1).err
    before = registry.podium("site", "build", "before", "--rev", "HEAD~1")
    assert before.err == ""
    assert not (registry.root / "before/models").exists()
    assert registry.podium("site", "build", "x", "--repository", "javascript:x", code=2).err


def test_serve_shows_each_new_commit_and_ends_with_ctrl_c(browser, tmp_path, own_settings):
    growing = Growing.at(tmp_path / "models.git")
    command = [sys.executable, "-m", "podium", "-R", str(growing.root), "site", "serve", "--port", "0"]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    served = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(temporary)}
    )
    try:
        assert served.stdout is not None
        url = served.stdout.readline().strip()
        with looking(browser) as page:
            page.goto(url)
            assert page.get_by_text("Labels photographs").is_visible()
            growing.commit("Say more", {"models/ImageClassifier/model.yaml": b"description: Labels pictures\n"})
            page.reload()
            assert page.get_by_text("Labels pictures").is_visible()
            assert page.request.get(f"{url}models/").status == 404
            assert page.request.get(url, headers={"Host": "evil.example"}).status == 403
    finally:
        served.send_signal(signal.SIGINT)
        _, said = served.communicate(timeout=60)
    assert (served.returncode, "Traceback" in said) == (0, False)
    assert list(temporary.iterdir()) == []
