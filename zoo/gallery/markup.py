"""HTML as a value: every text is escaped, and only `tag` makes mark-up.

Pages are XML as well (empty elements are closed, attributes quoted), so that a parser
of XML can check them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any

from compiler.escapes import escape as shown_in_line
from compiler.escapes import escape_lines

_VOID = frozenset(["br", "img", "input", "link", "meta", "hr"])
_NAME = re.compile(r"[a-zA-Z][\w:-]*")


class Markup(str):
    """A piece of HTML, ready to stand in a page."""

    __slots__ = ()


Content = str | Markup | int | float | None | Iterable[Any]


def text(content: Content) -> Markup:
    """Return content as mark-up: text escaped, mark-up as it is, lists joined."""
    if content is None:
        return Markup("")
    if isinstance(content, Markup):
        return content
    if isinstance(content, str | int | float):
        return Markup(escape(escape_lines(content), quote=False))
    return Markup("".join(map(text, content)))


def tag(name: str, *content: Content, **attributes: Any) -> Markup:
    """Return an element.

    Args:
        name: of the element.
        content: text, mark-up, or lists of these; None is nothing.
        attributes: `class_` and `for_` lose their underscore, others have `-` for it;
            None and False leave the attribute out, True gives it no value.
    """
    inner = [_attribute(key, value) for key, value in attributes.items()]
    head = "".join([name, *filter(None, inner)])
    if name in _VOID:
        return Markup(f"<{head}/>")
    return Markup(f"<{head}>{text(content)}</{name}>")


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    assert _NAME.fullmatch(name), name
    shown = "" if value is True else escape(shown_in_line(value))
    return f' {name}="{shown}"'


def number(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def data_block(name: str, data: Any) -> Markup:
    """Return a block of JSON that scripts of the page read; nothing runs it."""
    return Markup(
        f'<script type="application/json" id="{name}">{safe_json(data)}</script>'
    )


def safe_json(data: Any) -> str:
    """Return JSON that can stand inside a script: it has no `<`, `>` or `&`."""
    found = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    for character in "<>&":
        found = found.replace(character, f"\\u{ord(character):04x}")
    return found


def inline_code(line: str) -> list[Content]:
    """Return a line of text in which what stands in backticks is code."""
    parts = line.split("`")
    if len(parts) % 2 == 0:
        return [line]
    return [tag("code", p) if i % 2 else p for i, p in enumerate(parts)]


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""What a page may load: files beside it, and nothing that stands inside it."""


def page(
    title: str,
    *body: Content,
    root: str = "",
    scripts: Iterable[str] = (),
    here: str = "",
    sections: Iterable[tuple[str, str]] = (("Models", "index.html"),),
    description: str = "",
) -> bytes:
    """Return a whole page.

    Args:
        title: what its tab says.
        body: what stands between the header and the footer.
        root: the way to the top of the site, such as `../`.
        scripts: files of `assets/` that it runs, in order.
        here: the address of the section that it belongs to.
        sections: (name, address) of the links in the header.
        description: a sentence for search engines.
    """
    links = [
        tag("a", name, href=root + to, aria_current="page" if to == here else None)
        for name, to in sections
    ]
    logo = [_LOGO, tag("span", "circuitzoo")]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("meta", name_="description", content=description) if description else None,
        tag("title", title),
        tag("link", rel="icon", href=f"{root}assets/icon.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href=f"{root}assets/site.css"),
        [tag("script", src=f"{root}assets/{s}", defer=True) for s in scripts],
    ]
    top = tag(
        "header",
        tag("a", logo, href=f"{root}index.html", class_="logo"),
        tag("nav", links, aria_label="Sections"),
        class_="top",
    )
    skip = tag("a", "Skip to the content", href="#main", class_="skip")
    foot = tag(
        "footer",
        "Made by ",
        tag("code", "zoo site"),
        " of circuitzoo from the files of the releases.",
    )
    whole = tag(
        "html",
        tag("head", head),
        tag("body", skip, top, tag("main", body, id="main"), foot),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{whole}\n".encode()


_LOGO = Markup(
    '<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">'
    '<path d="M5 19C5 11 12 13 12 5M19 19C19 11 12 13 12 5" fill="none" '
    'stroke="currentColor" stroke-width="2"/><circle cx="5" cy="19" r="3"/>'
    '<circle cx="19" cy="19" r="3"/><circle cx="12" cy="5" r="3"/></svg>'
)
