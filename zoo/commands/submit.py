"""`zoo submit`: what a method claims on a suite, packed for a leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.commands.evaluate import (
    Jobs,
    PairCount,
    Scheduler,
    Seeds,
    Suite,
    Timeout,
    checked_method,
    end_process,
    file_names,
    files_of,
)


def submit(
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD",
            help="A Python file that defines a method, FILE.py or FILE.py:NAME, or the "
            "name of a built-in method.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder of the submission.")],
    name: Annotated[
        str | None,
        typer.Option(
            help="What the method is called on a leaderboard: lower-case letters, "
            "digits and dashes. By default the name of its function."
        ),
    ] = None,
    paper: Annotated[
        str, typer.Option(help="Where the method is described: authors, year, link.")
    ] = "",
    absolute: Annotated[
        bool, typer.Option("--absolute", help="Rank edges by absolute value.")
    ] = False,
    claims: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="What the method returns: scores (of edges, the default), circuits, "
            "alignments, descriptions, programs, attributions or steering "
            "(docs/submitting.md).",
        ),
    ] = None,
    suite: Suite = ["core"],  # noqa: B006
    seeds: Seeds = 3,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    timeout: Timeout = 600.0,
    pairs: PairCount = 256,
) -> None:
    """Run a method on models, and pack its claims to submit.

    The folder holds scores or other claims, settings, versions, digests of the models,
    and the file of the method. `zoo leaderboard --submissions` judges it. A run that
    was stopped goes on where it was.
    """
    from zoo.scoring.suites import models_of

    full = _checked(method, claims)
    models = models_of(suite)  # before anything is imported: a mistake is told at once
    from zoo.threads import use_one_thread

    use_one_thread()
    from zoo.scoring.cells import Cell
    from zoo.submissions.packing import check_folder
    from zoo.submissions.packing import submit as pack

    if jobs > 1 or scheduler is not None:
        from zoo.model_jobs import ModelCommand, run_models

        check_folder(out)
        words = ["submit", full, "--seeds", str(seeds), "--pairs", str(pairs)]
        words += ["--timeout", str(timeout), *(["--absolute"] * absolute)]
        words += [] if name is None else ["--name", name]
        words += [] if claims is None else ["--claims", claims]
        command = ModelCommand(tuple(words), tuple(file_names([full])), out)
        run_models(command, files_of(models, seeds), jobs, scheduler)

    done = 0

    def tell(cell: Cell) -> None:
        nonlocal done
        done += 1
        total = len(models) * seeds
        said = "" if cell.status == "ok" else f": {cell.status}, {cell.error}"
        typer.echo(f"{done}/{total} {cell.model}, seed {cell.seed}{said}", err=True)

    table = pack(
        method,
        models,
        seeds,
        out=out,
        name=name,
        paper=paper,
        absolute=absolute,
        claims=claims,
        timeout=timeout,
        pairs=pairs,
        progress=tell,
        hung=end_process,
    )
    print(table)
    print(f"\nsubmission: {out}")


def _checked(method: str, claims: str | None) -> str:
    """Return the full name of a method, or the file that defines it."""
    from zoo.own_file import names_file
    from zoo.submissions.kinds import SCORES, check_claims, find_claiming, find_kind

    if check_claims(claims or SCORES) == SCORES or names_file(method):
        return checked_method(method)
    return find_claiming(method, find_kind(str(claims))).name
