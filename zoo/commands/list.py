"""`zoo list`: the programs, and the tasks."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.commands.choosing import (
    AsJsonOption,
    AttentionOption,
    CausalOption,
    CorpusOption,
    DifficultyOption,
    FamilyOption,
    HeadsOption,
    LayersOption,
    NodesOption,
    OutputOption,
    VariablesOption,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.catalogue import CatalogueEntry

KINDS = {"program": "programs", "text": "programs in RASP text", "task": "tasks"}
SIZES = ("layers", "heads", "d_model", "params")


def list_programs(
    text: Annotated[
        str,
        typer.Argument(help="List only what has this text in its name or meaning."),
    ] = "",
    family: FamilyOption = "",
    difficulty: DifficultyOption = "",
    output: OutputOption = None,
    causal: CausalOption = None,
    corpus: CorpusOption = "",
    layers: LayersOption = "",
    heads: HeadsOption = "",
    nodes: NodesOption = "",
    variables: VariablesOption = "",
    attention: AttentionOption = None,
    sizes: Annotated[
        bool,
        typer.Option(
            "--sizes", help="Compile each program, and print its size instead."
        ),
    ] = False,
    as_json: AsJsonOption = False,
) -> None:
    """List the programs and tasks, and what each computes.

    On a terminal: the size of the vocabulary, the greatest length of an input, the
    meaning. Into a pipe: a line each, with tabs between the cells.
    """
    from zoo.catalogue import list_entries
    from zoo.grid import print_json, print_tabs, terminal_width

    chosen = list_entries(
        text,
        family,
        difficulty=difficulty,
        output=output,
        causal=causal,
        corpus=corpus,
        layers=layers,
        heads=heads,
        nodes=nodes,
        variables=variables,
        attention=attention,
    )
    if as_json:
        print_json([_everything(entry) for entry in chosen])
    elif (width := terminal_width()) is None:
        titles = ("name", "kind", "family", "vocab", "len")
        last = SIZES if sizes else ("meaning",)
        print_tabs((*titles, *last), [_cells(entry, sizes) for entry in chosen])
    else:
        _print_families(chosen, sizes, width)


def _print_families(chosen: Sequence[CatalogueEntry], sizes: bool, width: int) -> None:
    """Print a table a family, and how many there are of all."""
    from compiler.grid import Column
    from zoo.catalogue import entries
    from zoo.grid import print_grid

    last = [Column(title, right=True) for title in SIZES] if sizes else []
    for name, group in groupby(chosen, key=lambda e: e.family):
        columns = [
            Column(name),
            Column("vocab", right=True),
            Column("len", right=True),
            *(last or [Column("meaning", wrap=True)]),
        ]
        members = list(group)
        longest = max(len(entry.name) for entry in members) + len("  ")
        room = width - max(longest, len(name)) - len("  vocab  len  ")
        print_grid(columns, [_row(entry, sizes, room) for entry in members])
        print()
    counts = [
        f"{sum(e.kind == kind for e in chosen)} of "
        f"{sum(e.kind == kind for e in entries())} {words}"
        for kind, words in KINDS.items()
    ]
    print(", ".join(counts))


def _row(entry: CatalogueEntry, sizes: bool, room: int) -> list[str]:
    """Return the cells of an entry, without its example where that needs a line."""
    meaning, begun, _ = entry.meaning.partition(": `")
    if len(entry.meaning) <= room or not begun:
        meaning = entry.meaning
    elif not meaning.endswith("."):
        meaning += "."
    more = _sizes(entry) if sizes else [meaning]
    return [f"  {entry.name}", str(entry.tokens), str(entry.max_len), *more]


def _cells(entry: CatalogueEntry, sizes: bool) -> list[str]:
    """Return the cells of an entry for another program."""
    more = _sizes(entry) if sizes else [entry.meaning]
    setting = [str(entry.tokens), str(entry.max_len)]
    return [entry.name, entry.kind, entry.family, *setting, *more]


def _everything(entry: CatalogueEntry) -> dict[str, Any]:
    """Return all that is known of an entry."""
    facts = vars(entry.facts) if entry.facts else {}
    known = {**vars(entry), **facts}
    return {k: v for k, v in known.items() if k not in ("facts", "program")}


def _sizes(entry: CatalogueEntry) -> list[str]:
    """Return the sizes of a compiled program; a task is trained, and has none."""
    if entry.kind == "task":
        return ["-"] * len(SIZES)
    import zoo

    config = zoo.compile(entry.name).config
    sizes = (config.n_layers, config.n_heads, config.d_model, config.n_params)
    return [f"{size:,}" for size in sizes]
