"""Tables of text on a terminal, and the width that they have there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence

from compiler.grid import Column, grid_lines


def print_grid(columns: Sequence[Column | str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: as wide as the terminal, or a line a row into a pipe."""
    print("\n".join(grid_lines(columns, rows, terminal_width())), flush=True)


def terminal_width() -> int | None:
    """Return how many columns the terminal has that is written to; None of a pipe."""
    if not sys.stdout.isatty():
        return None
    return max(60, shutil.get_terminal_size((80, 24)).columns)
