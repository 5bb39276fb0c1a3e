"""Tables of text: a line a row, or wrapped by rich within a width.

Without a width a row is one line, so that other programs can read it, and the same
everywhere, so that golden files can hold it. Colours are never in it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from compiler.escapes import escape_lines

GAP = 2
"""Blanks between two columns."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: what stands above it.
        right: whether its cells stand at the right, as numbers do.
        wrap: whether its cells may take several lines where there is a width.
    """

    title: str = ""
    right: bool = False
    wrap: bool = False


def grid_lines(
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[str]],
    width: int | None = None,
    indent: str = "",
) -> list[str]:
    r"""Return a table as lines.

    Every invisible character of a cell is shown as Python writes it, such as `\x1b`.
    Only line ends stay: what follows one stands in the next line of the same column.

    Args:
        columns: the columns, or their titles; no line of titles if all are empty.
        rows: the cells of each row.
        width: characters of a line, within which cells are wrapped; as many as it
            takes if None.
        indent: what every line begins with.
    """
    every = [Column(c) if isinstance(c, str) else c for c in columns]
    cells = [[escape_lines(cell).expandtabs() for cell in row] for row in rows]
    if any(column.title for column in every):
        cells.insert(0, [column.title for column in every])
    lines = _aligned(every, cells, indent)
    if width is None or max(map(_size, lines), default=0) <= width:
        return lines
    wrapped = _wrapped(every, cells, width - len(indent))
    return [(indent + line).rstrip() for line in wrapped]


def align(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Return rows as lines without titles, every column as wide as its widest cell."""
    return grid_lines([""] * len(rows[0]), rows, indent=indent) if rows else []


def _aligned(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], indent: str
) -> list[str]:
    """Return rows as lines that are as long as it takes.

    rich would draw the same, but takes 0.3 s of `zoo list`, which takes 0.4 s without.
    """
    lines = [
        line
        for row in rows
        for line in zip_longest(*(cell.split("\n") for cell in row), fillvalue="")
    ]
    widths = [max(map(_size, column)) for column in zip(*lines, strict=True)]
    return [
        (indent + (" " * GAP).join(map(_pad, line, widths, columns))).rstrip()
        for line in lines
    ]


def _pad(text: str, size: int, column: Column) -> str:
    blanks = " " * (size - _size(text))
    return blanks + text if column.right else text + blanks


def _size(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for `本`."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _wrapped(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
) -> list[str]:
    """Return rows as lines within a width, by rich."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    padding = (0, GAP, 0, 0)
    table = Table(box=None, show_header=False, padding=padding, pad_edge=False)
    for column in columns:
        table.add_column(
            justify="right" if column.right else "left",
            no_wrap=not column.wrap,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*map(Text, row))
    # Not `print`: in a notebook it would show the table there at once.
    console = Console(file=io.StringIO(), width=width, color_system=None)
    drawn = console.render_lines(table, pad=False)
    return ["".join(piece.text for piece in line) for line in drawn]
