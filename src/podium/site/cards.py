"""Model cards: Markdown → HTML in which nothing runs, nothing is fetched, and no link leads where it does not say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from podium.visible import inert, redacted

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Leads = Callable[[str], str | None]
"""Where a relative link of a card leads; ``None``: nowhere."""

LONGEST = 200_000
"""Characters of a card that are read as Markdown; a longer one is shown as it is written."""

_SCHEMES = frozenset({"http", "https", "mailto"})
_FIRST, _LAST = 3, 6
"""A card's headings stand below the page's own."""


def render(text: str, leads: Leads = lambda _: None) -> Markup:
    """Give a card as HTML."""
    clean = inert(redacted(text.removeprefix("\ufeff").replace("\r\n", "\n")))
    if len(clean) > LONGEST:
        return Markup('<pre class="plain">{}</pre>').format(clean)
    parser = _parser()
    tokens = parser.parse(clean)
    _lower_headings(tokens)
    for token in tokens:
        if token.attrs.pop("style", None) == "text-align:right":  # the page allows no inline styles
            token.attrs["class"] = "number"
        if token.children:
            token.children = _tamed(token.children, leads)
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - its own HTML; the card's is off


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.validateLink = _any  # type: ignore[method-assign] # what a link may be is decided in _tamed
    return parser


def _any(url: str) -> bool:  # noqa: ARG001
    return True


def _lower_headings(tokens: Sequence[Token]) -> None:
    """Put headings below those of the page, and leave no level out: who listens to a page finds the way by them."""
    written: list[int] = []
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1])
            while written and written[-1] >= level:
                written.pop()
            written.append(level)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(_FIRST + len(written) - 1, _LAST)}"


def _tamed(tokens: Sequence[Token], leads: Leads) -> list[Token]:
    """Make links inert that lead elsewhere than to the web or to a mailbox, and put words in the place of images."""
    found: list[Token] = []
    open_links: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            href = _href(str(token.attrs.get("href", "")), leads)
            open_links.append(href is not None)
            if href is not None:
                token.attrs = {"href": href, "rel": "nofollow noopener noreferrer"}
                found.append(token)
        elif token.type == "link_close":
            if open_links.pop():
                found.append(token)
        elif token.type == "image":
            found += _picture(token, inside_link=any(open_links))
        else:
            found.append(token)
    return found


def _href(target: str, leads: Leads) -> str | None:
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if not parts.scheme and not parts.netloc:
        return leads(parts.path) if parts.path else None
    has_place = bool(parts.netloc) or parts.scheme == "mailto"
    return target if parts.scheme in _SCHEMES and has_place else None


def _picture(image: Token, *, inside_link: bool) -> list[Token]:
    """Say that there is a picture, with a link to it: fetching it would tell its host who reads the card."""
    from markdown_it.token import Token

    words = Token("text", "", 0, content=f"[picture: {image.content or 'without a description'}]")
    href = _href(str(image.attrs.get("src", "")), lambda _: None)
    if inside_link or href is None or not href.startswith("http"):
        return [words]
    attrs: dict[str, str | int | float] = {"href": href, "rel": "nofollow noopener noreferrer"}
    return [Token("link_open", "a", 1, attrs=attrs), words, Token("link_close", "a", -1)]


def plain(text: str) -> Markup:
    """Give text with its line breaks."""
    return Markup("<br>").join(escape(line) for line in inert(redacted(text)).splitlines())
