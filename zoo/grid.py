"""Tables of text on a terminal, and the width that they have there."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from compiler.escapes import escape_lines
from compiler.grid import Column, grid_lines


def print_grid(columns: Sequence[Column | str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: as wide as the terminal, or a line a row into a pipe."""
    print("\n".join(grid_lines(columns, rows, terminal_width())), flush=True)


def print_tabs(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table for other programs: a line a row, with tabs between the cells."""
    lines = [titles, *rows]
    cells = [[" ".join(escape_lines(c).split()) for c in line] for line in lines]
    print("\n".join(map("\t".join, cells)), flush=True)


def print_json(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as a list of JSON, a row a line."""
    text = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    print(f"[\n{text}\n]" if rows else "[]", flush=True)


def terminal_width() -> int | None:
    """Return how many columns the terminal has that is written to; None of a pipe."""
    if not sys.stdout.isatty():
        return None
    return max(60, shutil.get_terminal_size((80, 24)).columns)
