"""`zoo list`: the programs, and the tasks."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zoo.catalogue import CatalogueEntry

SIZES = ("layers", "heads", "d_model", "params")


def list_programs(
    text: Annotated[
        str,
        typer.Argument(help="List only what has this text in its name or meaning."),
    ] = "",
    family: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="List only families with this text in their name."
        ),
    ] = "",
    sizes: Annotated[
        bool,
        typer.Option(
            "--sizes", help="Compile each program, and print its size instead."
        ),
    ] = False,
) -> None:
    """List the programs and tasks, and what each computes.

    Columns: the size of the vocabulary, the greatest length of an input, the meaning.
    """
    from compiler.grid import Column
    from zoo.catalogue import entries, list_entries
    from zoo.grid import print_grid, terminal_width

    chosen = list_entries(text, family)
    last = [Column(title, right=True) for title in SIZES] if sizes else []
    for name, group in groupby(chosen, key=lambda e: e.family):
        columns = [
            Column(name),
            Column("vocab", right=True),
            Column("len", right=True),
            *(last or [Column("meaning", wrap=True)]),
        ]
        members = list(group)
        room = _room(terminal_width(), max(len(e.name) for e in members), name)
        print_grid(columns, [_row(entry, sizes, room) for entry in members])
        print()
    counts = [
        f"{sum(e.kind == kind for e in chosen)} of "
        f"{sum(e.kind == kind for e in entries())} {words}"
        for kind, words in (("program", "programs"), ("task", "tasks"))
    ]
    print(", ".join(counts))


def _room(width: int | None, longest: int, family: str) -> int | None:
    """Return the characters that a line has left for the meaning."""
    if width is None:
        return None
    return width - max(longest + 2, len(family)) - len("  vocab  len  ")


def _row(entry: CatalogueEntry, sizes: bool, room: int | None) -> list[str]:
    """Return the cells of an entry, without its example where that needs a line."""
    meaning, begun, _ = entry.meaning.partition(": `")
    if room is None or len(entry.meaning) <= room or not begun:
        meaning = entry.meaning
    elif not meaning.endswith("."):
        meaning += "."
    more = _sizes(entry) if sizes else [meaning]
    return [f"  {entry.name}", str(entry.tokens), str(entry.max_len), *more]


def _sizes(entry: CatalogueEntry) -> list[str]:
    """Return the sizes of a compiled program; a task is trained, and has none."""
    if entry.kind == "task":
        return ["-"] * len(SIZES)
    import zoo

    config = zoo.compile(entry.name).config
    sizes = (config.n_layers, config.n_heads, config.d_model, config.n_params)
    return [f"{size:,}" for size in sizes]
