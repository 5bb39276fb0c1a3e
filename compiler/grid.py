"""Tables of text: by rich within a width, as plain aligned lines for files and pipes.

Without a width a row is one line, so that other programs can read it, and the same
everywhere, so that golden files can hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GAP = "  "


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
    """Return a table as lines.

    Args:
        columns: the columns, or their titles; no line of titles if all are empty.
        rows: the cells of each row.
        width: characters of a line, within which cells are wrapped; as many as it
            takes if None.
        indent: what every line begins with.
    """
    every = [Column(c) if isinstance(c, str) else c for c in columns]
    cells = [list(row) for row in rows]
    titled = any(column.title for column in every)
    if width is not None:
        lines = _by_rich(every, cells, titled, width - len(indent))
        return [(indent + line).rstrip() for line in lines]
    lines = [[column.title for column in every], *cells] if titled else cells
    return _aligned(lines, [column.right for column in every], indent)


def align(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Return rows as lines, every column but the last as wide as its widest cell."""
    return _aligned(rows, [False] * len(rows[0]), indent) if rows else []


def _aligned(
    lines: Sequence[Sequence[str]], right: Sequence[bool], indent: str
) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        (indent + GAP.join(map(_pad, line, widths, right))).rstrip() for line in lines
    ]


def _pad(text: str, size: int, right: bool) -> str:
    return text.rjust(size) if right else text.ljust(size)


def _by_rich(
    columns: Sequence[Column], rows: list[list[str]], titled: bool, width: int
) -> list[str]:
    import io

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=titled, padding=(0, len(GAP), 0, 0))
    for column in columns:
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=not column.wrap,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*map(Text, row))
    file = io.StringIO()
    Console(file=file, width=width, color_system=None, legacy_windows=False).print(
        table
    )
    return [line.rstrip() for line in file.getvalue().splitlines()]
