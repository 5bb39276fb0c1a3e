"""Tables of text: by rich within a width, as plain aligned lines for pipes and files.

A pipe gets one line a row, whatever its width, so that other programs can read it.
"""

from __future__ import annotations

import shutil
import sys
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
) -> list[str]:
    """Return a table as lines.

    Args:
        columns: the columns, or their titles; no line of titles if all are empty.
        rows: the cells of each row.
        width: characters of a line, within which cells are wrapped; as many as it
            takes if None.
    """
    every = [Column(c) if isinstance(c, str) else c for c in columns]
    cells = [list(row) for row in rows]
    titled = any(column.title for column in every)
    if width is not None:
        return _draw_with_rich(every, cells, titled, width)
    lines = [[column.title for column in every], *cells] if titled else cells
    if not lines:
        return []
    widths = [max(len(line[i]) for line in lines) for i in range(len(every))]
    return [
        GAP.join(
            text.rjust(size) if column.right else text.ljust(size)
            for text, size, column in zip(line, widths, every, strict=True)
        ).rstrip()
        for line in lines
    ]


def _draw_with_rich(
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


def print_grid(columns: Sequence[Column | str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: as wide as the terminal, or a line a row into a pipe."""
    print("\n".join(grid_lines(columns, rows, terminal_width())), flush=True)


def terminal_width() -> int | None:
    """Return how many columns the terminal has that is written to; None of a pipe."""
    if not sys.stdout.isatty():
        return None
    return max(60, shutil.get_terminal_size((80, 24)).columns)
