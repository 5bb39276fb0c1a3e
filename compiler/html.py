"""What notebooks show: small HTML tables. Whatever is shown in them is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_TABLE = "border-collapse:collapse;font-size:90%"
_CELL = "padding:2px 8px;text-align:left;vertical-align:top"
_FAILED = "color:#b00020;font-weight:bold"


def heading(text: str) -> str:
    """Return a line in bold."""
    return f"<div><b>{escape(text)}</b></div>"


def line(text: str) -> str:
    """Return a line."""
    return f"<div>{escape(text)}</div>"


def alarm(text: str) -> str:
    """Return a line that stands out; nothing of an empty text."""
    return f'<div style="{_FAILED}">{escape(text)}</div>' if text else ""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table.

    Args:
        head: the titles of the columns; no line of titles where it is empty.
        rows: the cells of each row.
    """
    titles = "".join(_cell("th", title) for title in head)
    lines = [f"<tr>{titles}</tr>"] if head else []
    lines += [f"<tr>{''.join(_cell('td', cell) for cell in row)}</tr>" for row in rows]
    return f'<table style="{_TABLE}">{"".join(lines)}</table>'


def _cell(tag: str, content: object) -> str:
    return f'<{tag} style="{_CELL}">{escape(str(content))}</{tag}>'
