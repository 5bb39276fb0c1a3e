"""`zoo evaluate` and `zoo leaderboard`: methods on suites of models."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compiler.errors import InputError

if TYPE_CHECKING:
    from zoo.scoring.cells import Cell
    from zoo.scoring.table import Table

Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        metavar="NAME",
        help="A method to run, or a Python file that defines one (FILE.py or "
        "FILE.py:NAME); repeat it for several. All built-in methods by default.",
    ),
]
Suite = Annotated[
    list[str],
    typer.Option(
        metavar="NAME",
        help="The models: a suite of releases (core, standard, full, hard, clients, "
        "certified), an expression such as 'layers>=3 and not alone' (docs/suites.md), "
        "compiled, rotated, decoys, or a release, folder or program; repeat it for "
        "several.",
    ),
]
Seeds = Annotated[
    int,
    typer.Option(min=1, help="Run each method on this many draws of input pairs."),
]
Jobs = Annotated[
    int, typer.Option(min=1, help="Run models in this many processes at a time.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Have the workers of this Dask scheduler run models, tcp://HOST:PORT. "
        "They need the same version of this package, and the releases.",
    ),
]
Timeout = Annotated[
    float, typer.Option(min=0.1, help="End a run of a method after so many seconds.")
]
PairCount = Annotated[
    int, typer.Option(min=1, help="Number of input pairs that a method is given.")
]


def evaluate(
    method: Methods = None,
    suite: Suite = ["core"],  # noqa: B006 - typer's way
    seeds: Seeds = 3,
    out: Annotated[
        Path,
        typer.Option(
            help="Keep the result of every run in this folder; what is there already "
            "is not run again."
        ),
    ] = Path("out/leaderboard"),
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    timeout: Timeout = 600.0,
    pairs: PairCount = 256,
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="CHOICES",
            help="Run each method with every combination of choices of patching: one "
            "or more of ablation, loss, direction and noise, with commas between.",
        ),
    ] = None,
    show: Annotated[
        bool,
        typer.Option("--list", help="List the built-in methods instead, and exit."),
    ] = False,
) -> None:
    """Run circuit-discovery methods on models, and print a table."""
    if show:
        _print_methods()
        return
    print(_run(method, suite, seeds, out, jobs, scheduler, timeout, pairs, grid))


def leaderboard(
    out: Annotated[
        Path,
        typer.Option(
            help="Write pages, and keep the result of every run, in this folder; what "
            "is there already is not run again."
        ),
    ] = Path("leaderboard"),
    method: Methods = None,
    suite: Suite = ["core"],  # noqa: B006
    seeds: Seeds = 3,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    timeout: Timeout = 600.0,
    pairs: PairCount = 256,
    submissions: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Judge the submissions in this folder too (`zoo submit` makes them): "
            "their figures are computed again from their scores.",
        ),
    ] = None,
    repeat: Annotated[
        int,
        typer.Option(
            min=0, help="Repeat this many runs of each submitted method, and compare."
        ),
    ] = 0,
    run_files: Annotated[
        bool,
        typer.Option(
            "--run-files",
            help="Run submitted files for --repeat. They can do anything that you can: "
            "read them first.",
        ),
    ] = False,
) -> None:
    """Run methods on models, and write the table as pages.

    The pages are Markdown, with JSON and plots.
    """
    if submissions is not None:
        from zoo.submissions.record import find_submissions

        find_submissions(submissions)  # before anything is run
    table = _run(method, suite, seeds, out, jobs, scheduler, timeout, pairs)
    refused = False
    if submissions is None:
        from zoo.scoring.leaderboard import write_leaderboard

        pages = write_leaderboard(table, out)
    else:
        from zoo.submissions.board import leaderboard as run
        from zoo.submissions.judging import JudgedSubmission

        def tell(one: JudgedSubmission) -> None:
            nonlocal refused
            refused |= bool(one.refused)
            print(one)

        run(
            out,
            list(table.methods),
            suite,
            seeds,
            submissions=submissions,
            repeat=repeat,
            run_files=run_files,
            timeout=timeout,
            pairs=pairs,
            judged=tell,
        )
        pages = [path for path in sorted(out.iterdir()) if path.is_file()]
    for path in pages:
        print(path)
    if refused:
        raise typer.Exit(1)


def _run(
    method: list[str] | None,
    suite: list[str],
    seeds: int,
    out: Path,
    jobs: int,
    scheduler: str | None,
    timeout: float,
    pairs: int,
    grid: str | None = None,
) -> Table:
    from zoo.methods import GRID_METHODS, find_method, on_grid
    from zoo.methods import names as known
    from zoo.methods.choices import read_axes
    from zoo.own_file import names_file
    from zoo.scoring.suites import models_of

    default = known() if grid is None else GRID_METHODS
    names = list(dict.fromkeys(map(checked_method, method or default)))
    if grid is not None:
        read_axes(grid)  # before anything is imported: a mistake is told at once
    models = models_of(suite)
    if grid is not None:
        if files := [name for name in names if names_file(name)]:
            raise InputError(f"--grid runs built-in methods only; found {files[0]}")
        names = [m.name for m in on_grid([find_method(name) for name in names], grid)]
    from zoo.threads import use_one_thread

    use_one_thread()
    from zoo.model_jobs import ModelCommand, run_models
    from zoo.scoring.evaluate import evaluate as run

    settings: dict[str, Any] = {"out": out, "timeout": timeout, "pairs": pairs}
    settings["hung"] = end_process
    words = ["--seeds", str(seeds), "--pairs", str(pairs), "--timeout", str(timeout)]
    words += [f"--method={name}" for name in names]
    if jobs > 1 or scheduler is not None:
        from zoo.scoring.leaderboard import restore_cells

        restore_cells(out)
        given = ("evaluate", *words)
        command = ModelCommand(given, tuple(file_names(names)), out)
        run_models(command, files_of(models, seeds), jobs, scheduler)
    return run(names, models, seeds, **settings)


def file_names(methods: Iterable[str]) -> list[str]:
    """Return the files among methods, without the names of functions in them."""
    from zoo.own_file import names_file, split_file

    found = []
    for method in methods:
        if names_file(method) and (place := split_file(method)) is not None:
            found.append(method.removesuffix(f":{place[1]}" if place[1] else ""))
    return list(dict.fromkeys(found))


def files_of(models: Iterable[str], seeds: int) -> dict[str, list[str]]:
    """Return the names of the files of cells and scores, by model."""
    from zoo.scoring.cells import cell_path

    return {
        line: [cell_path(Path(), "", line, seed).name for seed in range(seeds)]
        for line in models
    }


def checked_method(method: str) -> str:
    """Return the full name of a method, or the file that defines it."""
    from zoo.methods import check_method
    from zoo.own_file import check_file, names_file

    return check_file(method) if names_file(method) else check_method(method)


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
    from compiler.grid import Column
    from zoo.grid import print_grid
    from zoo.methods.catalogue import built_in

    columns = [
        Column("method"),
        Column("finest"),
        Column("paper", wrap=True),
        Column("score of an edge", wrap=True),
    ]
    print_grid(
        columns,
        (
            (about.name, about.level, about.paper or "(control)", about.equation)
            for about in built_in().values()
        ),
    )
    print("\nfinest: qkv scores edges into q, k and v; head edges between nodes;")
    print("node nodes only. A control is there to compare methods with.")
