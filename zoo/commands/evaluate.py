"""`zoo evaluate` and `zoo leaderboard`: methods on suites of models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compiler.errors import InputError

if TYPE_CHECKING:
    from zoo.scoring.cells import Cell
    from zoo.scoring.table import Table

Methods = Annotated[
    list[str] | None,
    typer.Option("--method", help="A method; give several. All by default."),
]
Suite = Annotated[
    list[str],
    typer.Option(help="core, compiled, rotated, decoys, or a model; several."),
]
Seeds = Annotated[int, typer.Option(min=1, help="How many.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes at a time.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds for one run.")]
Count = Annotated[int, typer.Option(min=1, help="Pairs that a method gets.")]


def evaluate(
    method: Methods = None,
    suite: Suite = ["core"],  # noqa: B006 - typer's way
    seeds: Seeds = 3,
    out: Annotated[
        Path, typer.Option(help="Where cells are kept; none is run twice.")
    ] = Path("out/leaderboard"),
    jobs: Jobs = 1,
    timeout: Timeout = 600.0,
    pairs: Count = 256,
    show: Annotated[
        bool, typer.Option("--list", help="Print the methods, and stop.")
    ] = False,
) -> None:
    """Run methods on models, and print the table."""
    if show:
        _print_methods()
        return
    table = _run(method, suite, seeds, out, jobs, timeout, pairs)
    print(table)


def leaderboard(
    out: Annotated[
        Path, typer.Option(help="Where cells and pages go; none is run twice.")
    ] = Path("leaderboard"),
    method: Methods = None,
    suite: Suite = ["core"],  # noqa: B006
    seeds: Seeds = 3,
    jobs: Jobs = 1,
    timeout: Timeout = 600.0,
    pairs: Count = 256,
) -> None:
    """Run what is missing; write Markdown, JSON and plots."""
    table = _run(method, suite, seeds, out, jobs, timeout, pairs)
    from zoo.scoring.evaluate import write_leaderboard

    for path in write_leaderboard(table, out):
        print(path)


def _run(
    method: list[str] | None,
    suite: list[str],
    seeds: int,
    out: Path,
    jobs: int,
    timeout: float,
    pairs: int,
) -> Table:
    from zoo.threads import use_one_thread

    use_one_thread()
    from zoo.jobs import run_jobs
    from zoo.methods import find_method, known_methods
    from zoo.scoring.evaluate import evaluate as run
    from zoo.scoring.suites import models_of

    found = (find_method(name).name for name in method or known_methods())
    names = list(dict.fromkeys(found))
    models = models_of(suite)
    settings: dict[str, Any] = {"out": out, "timeout": timeout, "pairs": pairs}
    settings["hung"] = end_process
    if jobs > 1:
        told = [*("--seeds", str(seeds), "--out", str(out), "--pairs", str(pairs))]
        told += ["--timeout", str(timeout), *(f"--method={name}" for name in names)]
        commands = {m: ["evaluate", "--suite", m, *told] for m in models}
        if failed := run_jobs(commands, jobs):
            raise InputError(
                f"{', '.join(failed)}: the process ended early. What was done is kept; "
                "run the same command again"
            )
    return run(names, models, seeds, **settings)


def end_process(cell: Cell) -> None:
    """End a process in which a method hangs: nothing else ends compiled code."""
    import os
    import sys

    from zoo.jobs import AGAIN

    print(
        f"error: {cell.method} on {cell.model}, seed {cell.seed}: {cell.error}, in "
        "compiled code, which only ends with this process. Its cell says so; run the "
        "same command again for the others (--jobs 2 does that by itself)",
        file=sys.stderr,
        flush=True,
    )
    sys.stdout.flush()
    os._exit(AGAIN)


def _print_methods() -> None:
    from compiler.emit import align
    from zoo.methods import known_methods
    from zoo.scoring.lines import folded

    known = known_methods().values()
    rows = [(m.name, m.level, m.paper or "control") for m in known]
    head, *lines = align([("method", "finest", "paper; below it the score"), *rows])
    print(head)
    for line, one in zip(lines, known, strict=True):
        print(line)
        print("\n".join(folded(f"      {one.equation}")))
