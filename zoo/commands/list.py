"""`zoo list`: the programs, and the tasks."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

import typer

# Columns between the name and the meaning, each as wide as its title.
SETTING = ("vocab", "len")
SIZES = ("layers", "heads", "d_model", "   params")
_LEAST_MEANING, _ONE_LINE = 24, 10_000


def list_programs(
    text: Annotated[
        str, typer.Argument(help="Only with this in the name or the meaning.")
    ] = "",
    family: Annotated[
        str, typer.Option(metavar="TEXT", help="Only families with this in the name.")
    ] = "",
    sizes: Annotated[
        bool, typer.Option("--sizes", help="Compile each, and print its size.")
    ] = False,
) -> None:
    """List programs and tasks: vocabulary size, length, meaning."""
    from compiler.errors import NameLookupError, nearest

    every = _entries()
    of_family = [e for e in every if family.lower() in e.family.lower()]
    if not of_family:
        known = ", ".join(dict.fromkeys(p.family for p in every))
        raise NameLookupError(
            f"no family has {family!r} in its name. The families are: {known}"
        )
    wanted = text.lower()
    chosen = [e for e in of_family if wanted in f"{e.name}\n{e.meaning}".lower()]
    if not chosen:
        hint = nearest(text, [e.name for e in of_family])
        where = f" of the families {family!r}" if family else ""
        raise NameLookupError(
            f"nothing{where} has {text!r} in its name or meaning.{hint} `zoo list` "
            "prints all"
        )
    width = _width()
    titles = (*SETTING, *SIZES) if sizes else SETTING
    for name, group in groupby(chosen, key=lambda p: p.family):
        members = list(group)
        longest = max(len(name) - 2, *(len(e.name) for e in members))
        heading = "" if sizes else "  meaning"
        print(f"{name:<{longest + 2}}  {'  '.join(titles)}{heading}")
        for entry in members:
            print("\n".join(_lines(entry, longest, width, titles)), flush=True)
        print()
    counts = [
        f"{sum(e.compiles == kind for e in chosen)} of "
        f"{sum(e.compiles == kind for e in every)} {words}"
        for kind, words in ((True, "programs"), (False, "tasks"))
    ]
    print(", ".join(counts))


@dataclass(frozen=True)
class _Entry:
    """What is listed: a program, or a task, which is trained and not compiled."""

    name: str
    family: str
    vocab: int
    max_len: int
    meaning: str
    compiles: bool


def _width() -> int:
    """Return the width of a line: what reads a pipe wants one a program."""
    if not sys.stdout.isatty():
        return _ONE_LINE
    return max(60, shutil.get_terminal_size((80, 24)).columns)


def _entries() -> list[_Entry]:
    import programs
    from zoo.causal.by_hand import FAMILY
    from zoo.tasks import all_tasks

    listed = [
        _Entry(p.name, p.family, len(p.vocab), p.max_len, p.meaning, True)
        for p in programs.all_programs().values()
    ]
    return listed + [
        _Entry(t.name, FAMILY, len(t.vocab), t.n_ctx - 1, t.meaning, False)
        for t in all_tasks().values()
    ]


def _lines(entry: _Entry, longest: int, width: int, titles: Sequence[str]) -> list[str]:
    """Return an entry's row, and the rest of its meaning below that."""
    figures = [str(entry.vocab), str(entry.max_len)]
    if len(titles) > len(figures):
        figures += _sizes(entry.name) if entry.compiles else ["-"] * len(SIZES)
    cells = (f"{f:>{len(title)}}" for f, title in zip(figures, titles, strict=True))
    row = f"  {entry.name:<{longest}}  {'  '.join(cells)}"
    if len(titles) > len(SETTING):
        return [row]
    indent = len(row) + 2
    first, *rest = _wrap(entry.meaning, max(_LEAST_MEANING, width - indent))
    return [f"{row}  {first}", *(f"{'':{indent}}{line}" for line in rest)]


def _wrap(meaning: str, room: int) -> list[str]:
    """Return a meaning in lines, without its example where that needs a second one."""
    if len(meaning) > room and ": `" in meaning:
        meaning = meaning.partition(": `")[0]
        meaning += "" if meaning.endswith(".") else "."
    return textwrap.wrap(meaning, room, break_on_hyphens=False)


def _sizes(name: str) -> list[str]:
    import programs
    from compiler.api import compile_model

    config = compile_model(programs.find(name)).config
    sizes = (config.n_layers, config.n_heads, config.d_model, config.n_params)
    return [f"{size:,}" for size in sizes]
