"""render/markdown.py and render/comment.py: whatever a registry holds, a forge's page of it holds only text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import cmarkgfm
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from podium import diff
from podium.checks import Finding
from podium.diff import Change
from podium.model import Policy
from podium.plan import Gate, Latest, Move, Plan, Reviewer
from podium.render import comment, markdown
from tests.example import record
from tests.example import registry as small_registry

OURS = {
    "h3",
    "p",
    "strong",
    "em",
    "br",
    "ul",
    "li",
    "code",
    "pre",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "sub",
}
# what GitHub and GitLab look for in the text of the finished page, outside of code
REFERENCES = {
    "mention": r"(?<!\w)@[A-Za-z0-9]",
    "issue": r"#\w",
    "ticket": r"(?i)\bgh-[0-9]",
    "commit": r"(?i)\b[0-9a-f]{7,40}\b",
    "gitlab": r"[!~%$&^]\w",
    "address": r"(?i)://|\bwww\.|\w@\w|mailto:\w",
    "emoji": r":[A-Za-z0-9_+-]+:",
    "wiki and inline diff": r"\[\[|[\[{][+-]",
    "mathematics": r"\\[A-Za-z(\[]|\$\S",
}
ATTACKS = (
    "@acme/ml-leads",
    "#123",
    "acme/models#1",
    "GH-12",
    "!7 ~bug %1 $3 &4",
    "https://evil.example/x",
    "www.evil.example",
    "evil@example.com",
    "mailto:evil@example.com",
    "4bfe0ffe7dcfef8bc5e74c33e76d951ee0fac38c",
    "[text](https://evil.example)",
    "![picture](https://evil.example/x.png)",
    "[text][1]\n\n[1]: https://evil.example",
    "<img src=https://evil.example/x.png onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "</code></td></tr></table><script>alert(1)</script>",
    "<!-- podium-plan -->",
    "-->",
    "</details>",
    "`` ` ```",
    "```\n# heading\n```",
    "a\n\n# heading\n\n- list\n> quote",
    "a | b \\| c \\\\| d",
    "\\",
    "`x\\",
    "**bold** _it_ ~~gone~~",
    ":tada: :+1:",
    "$x$ $$\\href{https://evil.example}{x}$$",
    "[[wiki]] {+ in +} [- out -]",
    "&lt;b&gt; &#64;acme &commat;acme",
    "\x1b[31m \u202e \u2066 \x00 \x07",
    "/close",
    "\u200b@acme",
)
hostile = st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=12)), min_size=1, max_size=4).map("".join)


class Page(HTMLParser):
    """The tags of a page, and its text outside of code."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.depth = set(), "", 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        assert not [name for name, _ in attrs if name not in ("align", "lang")], (tag, attrs)
        self.tags.add(tag)
        self.depth += tag in ("code", "pre")
        self.text += "\0"

    def handle_endtag(self, tag):
        self.depth -= tag in ("code", "pre")
        self.text += "\0"

    def handle_data(self, data):
        if not self.depth:
            self.text += data

    def handle_comment(self, data):
        assert data == " podium-plan "


def page(text):
    return Page(cmarkgfm.github_flavored_markdown_to_html(text, options=cmarkgfm.Options.CMARK_OPT_UNSAFE))


def assert_inert(text, tags=OURS):
    found = page(text)
    assert found.tags <= tags, found.tags
    for what, pattern in REFERENCES.items():
        assert not re.search(pattern, found.text), (what, re.search(pattern, found.text))
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_value_is_text_in_a_paragraph_a_list_and_a_table(attack):
    for safe in (markdown.inert(attack), markdown.code(attack), markdown.prose(attack), markdown.prose(f"`{attack}`")):
        assert "\n" not in safe
        assert_inert(f"It says {safe} here.\n\n- x {safe}", {"p", "ul", "li", "code"})
        table = markdown.table(("a", "b"), [markdown.row((safe, "next"))])
        cells = page(table)
        assert cells.tags <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
        assert cells.text.replace("\0", " ").split()[-1] == "next"


@given(hostile)
@settings(max_examples=300, deadline=None)
def test_no_text_gets_out_of_where_it_is_put(text):
    for safe in (markdown.inert(text), markdown.code(text), markdown.prose(text)):
        found = assert_inert(f"It says {safe} here, {safe}", {"p", "code"})
        assert found.text.strip("\0\n").startswith("It says ")
        assert page(markdown.table(("a", "b"), [markdown.row((safe, "n"))])).tags <= {
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "code",
        }


@given(st.text(alphabet=[chr(code) for code in range(32, 127) if chr(code) != "$"], max_size=250))
@settings(deadline=None)
def test_text_that_is_made_inert_still_reads_the_same(text):
    shown = page(f"x {markdown.inert(text)} x").text.replace("\0", "").replace("\u200b", "")
    assert shown.split()[1:-1] == text.split()


def test_what_steers_a_reader_is_shown_as_its_escape():
    assert markdown.inert("a\u202eb\x07") == "a&#92;\u200bu202eb&#92;\u200bx07"


def test_a_command_cannot_end_its_block():
    shown = page(markdown.block(["podium withdraw m:v1 --reason '\n```\n# heading'"]))
    assert shown.tags == {"pre", "code"}


# --- the whole comment ----------------------------------------------------------------------------------------------


def worst(text, count):
    """Give a plan in which everything that a registry can hold is this text, so many times."""
    registry = small_registry()
    version = registry.models["ImageClassifier"].version("v0")
    names = {f"{text}{n}": 0.1 * n for n in range(min(count, 40))}
    facts = dict.fromkeys(names, text)
    hard = replace(version, record=replace(record(metrics=names, params=facts, metadata=facts), author=text))
    both = diff.compare(version, hard)
    moves = [
        Change("alias-moved", f"{text}{n}", text, "model", text, None, "v0", "v1", 2, comparison=both)
        for n in range(count)
    ]
    rest = [
        Change("version-withdrawn", text, text, "artifact", version="v1", reason=text),
        Change("version-logged", text, text, "artifact", version="v1", comparison=diff.compare(None, hard)),
        Change("version-linked", text, text, "model", version="v1", artifact=(text, "v1")),
        Change("tags-changed", text, text, "model", before=[text], after=[text + "2"]),
        Change("description-changed", text, text, "model", before=text, after=""),
        Change("policy-changed", text, text, alias=text, before=Policy(metadata=(text,)), after=None),
        Change("other", text, text),
    ] * max(1, count // 30)
    gates = (Gate(f"{text}0 at least 1", text, f"{text}0"), Gate(text), Gate(text, text)) * min(count, 50)
    return Plan(
        "1" * 40,
        "2" * 40,
        "3" * 40,
        (*moves, *rest),
        tuple(Move(move, n % 2 == 1, gates, (text,), text) for n, move in enumerate(moves)),
        (Latest(text, None, "v1"),) * count,
        tuple(Reviewer(f"{text}{n}", text, (text,)) for n in range(count)),
        (Finding("schema", "error", text, 1, 1, text, text), Finding("schema", "warning", text, 1, 1, text, text))
        * count,
        (),
        (f"podium rollback '{text}'",) * count,
        count,
    )


@given(hostile, st.sampled_from([1, 2, 5]))
@example("`" * 500, 2)
@settings(max_examples=60, deadline=None)
def test_a_comment_holds_no_tag_but_ours_and_no_reference(text, count):
    written = comment.markdown(worst(text, count))
    assert written.startswith(f"{comment.MARKER}\n")
    assert_inert(written)
    quiet = replace(worst(text, 1), moves=(), findings=())
    assert_inert(comment.markdown(replace(quiet, changes=quiet.changes[1:])))


@pytest.mark.parametrize(
    "text",
    ["x", "@" * 300, "long-name" * 14, "`|\\<" * 800, "\x00" * 900],
    ids=["short", "mentions", "names", "marks", "controls"],
)
@pytest.mark.parametrize("count", [1, 3, 4, 50, 2000])
def test_a_comment_fits_and_says_what_it_cut(text, count):
    written = comment.markdown(worst(text, count))
    assert len(written) < 60_000
    assert_inert(written)
    for title in ("**Who must look**", "**To undo it after merging**", "<sub>`podium plan`"):
        assert title in written
    if count >= 50 and len(text) > 1:
        for what in ("errors", "warnings", "reviewers", "changes", "commands; `podium plan --format json` lists them"):
            assert re.search(rf"… and [0-9,]+ more {what}", written), what
        assert re.search(r"… and [0-9,]+ more aliases", written) or count < 2000
