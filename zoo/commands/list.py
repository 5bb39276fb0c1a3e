"""`zoo list`: the programs."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from compiler.rasp.program import Program


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
    from compiler.errors import unknown_name

    every = list(programs.all_programs().values())
    chosen = [p for p in every if family.lower() in p.family.lower()]
    if not chosen:
        raise unknown_name("family", family, {p.family for p in every})
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    current = None
    for program in chosen:
        if program.family != current:
            print(f"{'' if current is None else chr(10)}{program.family}")
            current = program.family
        print(_line(program, width, sizes), flush=True)
    print(f"\n{len(chosen)} of {len(every)} programs")


def _line(program: Program, width: int, sizes: bool) -> str:
    tokens = f"{len(program.vocab)} tokens"
    start = f"  {program.name:<26} {tokens:>9}, 1..{program.max_len:<3} "
    if sizes:
        start += _size(program)
    room = width - len(start)
    meaning = program.meaning
    if room < 12:
        return start.rstrip()
    return start + (meaning if len(meaning) <= room else meaning[: room - 2] + "..")


def _size(program: Program) -> str:
    from compiler.api import compile_model

    config = compile_model(program).config
    return (
        f"{config.n_layers} layers x {config.n_heads} heads, "
        f"d_model {config.d_model:<4} {config.n_params:>7,} parameters  "
    )
