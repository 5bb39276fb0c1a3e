"""The folder of a leaderboard: a page, plots, and all cells in one file.

README.md              the tables
LEVEL.svg, LEVEL.png   every method at a granularity: `qkv`, `head`, `node`
kinds.svg, ..          by kind of model
told-apart.svg, ..     which methods are told apart
leaderboard.json       rows, comparisons and cells, from which a run goes on
cells/                 the same cells, a file each, while methods are run
"""

from __future__ import annotations

import json
from pathlib import Path

from compiler.errors import FormatError, InputError
from compiler.files import write_atomically
from zoo.scoring.cells import Cell, cell_path, read_cells, write_cell
from zoo.scoring.leaderboard_plots import write_plots
from zoo.scoring.model_kinds import kinds_of_releases, places_by_kind
from zoo.scoring.page import page
from zoo.scoring.table import Table

FILE = "leaderboard.json"


def write_leaderboard(table: Table, folder: str | Path) -> list[Path]:
    """Write the page, the plots and the cells of a table, and return the files."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    kinds = places_by_kind(table.models, kinds_of_releases())
    plots = write_plots(table, kinds, place)
    names = [path.name for path in plots]
    write_atomically(place / "README.md", page(table, kinds, names).encode())
    write_atomically(place / FILE, _as_json(table))
    return [place / "README.md", place / FILE, *plots]


def _as_json(table: Table) -> bytes:
    """Return a table as JSON: a line a cell, and a line a row."""
    data = table.to_json()
    lines = (json.dumps(cell, allow_nan=False) for cell in data.pop("cells"))
    cells = ",\n".join(lines)
    head = json.dumps(data, indent=1, allow_nan=False).removesuffix("\n}")
    return f'{head},\n "cells": [\n{cells}\n ]\n}}\n'.encode()


def read_leaderboard(folder: Path) -> Table:
    """Return the table of a folder that `zoo leaderboard` wrote.

    Raises:
        InputError: there is no leaderboard in it.
        FormatError: a file of it is damaged.
    """
    if (folder / FILE).is_file():
        return Table(tuple(_cells(folder / FILE)))
    cells = read_cells(folder)
    if not cells:
        raise InputError(
            f"{folder}: there is no {FILE} and no cell of a leaderboard in it. Give "
            "the folder that `zoo leaderboard --out DIR` wrote"
        )
    return Table(tuple(cells))


def restore_cells(folder: Path) -> None:
    """Write the cells of a leaderboard that have no file of their own, if any.

    A folder that is kept or sent with `leaderboard.json` alone can so be continued.

    Raises:
        FormatError: `leaderboard.json` is damaged.
    """
    if not (folder / FILE).is_file():
        return
    for cell in _cells(folder / FILE):
        if not cell_path(folder, cell.method, cell.model, cell.seed).is_file():
            write_cell(folder, cell)


def _cells(path: Path) -> list[Cell]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != "circuitzoo.table" or data["format_version"] != 1:
            raise ValueError("it is of another format")
        return [Cell.from_json(cell) for cell in data["cells"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise FormatError(
            f"{path}: cannot be read as a leaderboard ({error}). Remove it, and make "
            "it again with `zoo leaderboard`"
        ) from None
