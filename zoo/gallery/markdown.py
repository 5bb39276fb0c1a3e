"""The Markdown that cards are written in, as HTML: paragraphs, lists, tables, code.

It is what `zoo.release.shown` writes and no more; anything else stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from zoo.gallery.markup import Content, Markup, tag

_MARKED = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*")
_CELL = re.compile(r"(?<!\\)\|")


def to_html(paragraphs: Iterable[str]) -> list[Markup]:
    """Return paragraphs of Markdown as elements."""
    return [_block(part) for text in paragraphs for part in text.split("\n\n") if part]


def _block(text: str) -> Markup:
    lines = text.strip().split("\n")
    if lines[0].startswith("|") and len(lines) > 1:
        return _table(lines)
    if all(line.startswith("- ") for line in lines):
        return tag("ul", [tag("li", inline(line[2:])) for line in lines])
    return tag("p", inline(" ".join(lines)))


def _table(lines: list[str]) -> Markup:
    head, rows = _cells(lines[0]), [_cells(line) for line in lines[2:]]
    table = tag(
        "table",
        tag("thead", tag("tr", [tag("th", inline(c), scope="col") for c in head])),
        tag("tbody", [tag("tr", [tag("td", inline(c)) for c in row]) for row in rows]),
    )
    return tag("div", table, class_="scroll", tabindex="0")


def _cells(line: str) -> list[str]:
    inner = _CELL.split(line.strip())[1:-1]
    return [cell.strip().replace("\\|", "|") for cell in inner]


def inline(text: str) -> list[Content]:
    """Return a line with its code, strong and emphasised parts as elements."""
    found: list[Content] = []
    end = 0
    for match in _MARKED.finditer(text):
        found.append(text[end : match.start()])
        code, strong, emphasis = match.groups()
        name = "code" if code else "strong" if strong else "em"
        found.append(tag(name, code or strong or emphasis))
        end = match.end()
    return [*found, text[end:]]
