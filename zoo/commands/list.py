"""`zoo list`: the programs."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from compiler.rasp.program import Program

# Columns between the name and the meaning, each as wide as its title.
SETTING = ("vocab", "len")
SIZES = ("layers", "heads", "d_model", "   params")
_LEAST_MEANING = 24


def list_programs(
    family: Annotated[
        str, typer.Option(metavar="TEXT", help="Only families with this in the name.")
    ] = "",
    sizes: Annotated[
        bool, typer.Option("--sizes", help="Compile each, and print its size.")
    ] = False,
) -> None:
    """List programs: name, vocabulary size, greatest length, meaning."""
    import programs
    from compiler.errors import NameLookupError

    every = list(programs.all_programs().values())
    chosen = [p for p in every if family.lower() in p.family.lower()]
    if not chosen:
        known = ", ".join(dict.fromkeys(p.family for p in every))
        raise NameLookupError(
            f"no family has {family!r} in its name. The families are: {known}"
        )
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    titles = (*SETTING, *SIZES) if sizes else SETTING
    for name, group in groupby(chosen, key=lambda p: p.family):
        members = list(group)
        longest = max(len(name) - 2, *(len(p.name) for p in members))
        heading = "" if sizes else "  meaning"
        print(f"{name:<{longest + 2}}  {'  '.join(titles)}{heading}")
        for program in members:
            print("\n".join(_lines(program, longest, width, titles)), flush=True)
        print()
    print(f"{len(chosen)} of {len(every)} programs")


def _lines(
    program: Program, longest: int, width: int, titles: Sequence[str]
) -> list[str]:
    """Return a program's row, and the rest of its meaning below that."""
    figures = [str(len(program.vocab)), str(program.max_len)]
    if len(titles) > len(figures):
        figures += _sizes(program)
    cells = (f"{f:>{len(title)}}" for f, title in zip(figures, titles, strict=True))
    row = f"  {program.name:<{longest}}  {'  '.join(cells)}"
    if len(titles) > len(SETTING):
        return [row]
    indent = len(row) + 2
    first, *rest = _wrap(program.meaning, max(_LEAST_MEANING, width - indent))
    return [f"{row}  {first}", *(f"{'':{indent}}{line}" for line in rest)]


def _wrap(meaning: str, room: int) -> list[str]:
    """Return a meaning in lines, without its example where that needs a second one."""
    if len(meaning) > room and ": `" in meaning:
        meaning = meaning.partition(": `")[0]
        meaning += "" if meaning.endswith(".") else "."
    return textwrap.wrap(meaning, room, break_on_hyphens=False)


def _sizes(program: Program) -> list[str]:
    from compiler.api import compile_model

    config = compile_model(program).config
    sizes = (config.n_layers, config.n_heads, config.d_model, config.n_params)
    return [f"{size:,}" for size in sizes]
