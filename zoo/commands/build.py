"""`zoo build`: releases made from a plan, or made again from published ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def build(
    plan: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PLAN.toml]",
            help="A TOML file with a table [[model]] a release (docs/building.md).",
            show_default=False,
        ),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Build the releases of a suite again, from what their files say: a "
            "name such as core, or an expression (docs/suites.md).",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The folder of the releases that are built.")
    ] = Path("out/releases"),
    jobs: Annotated[
        int, typer.Option(min=1, help="Build this many at a time, a process each.")
    ] = 1,
    seed_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Make the seeds of all models from the secret text in this file; for "
            "a plan, or --suite held-out.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Have the workers of this Dask scheduler build, tcp://HOST:PORT.",
        ),
    ] = None,
) -> None:
    """Build releases: train, compile, audit and pack them.

    What is in the folder already is not built again, and a training that was stopped
    goes on. The exit status is 1 if a release could not be built.
    """
    from compiler.grid import Column
    from zoo.building.build import build as make
    from zoo.grid import print_grid

    found = make(
        plan, suite, out=out, jobs=jobs, seed_file=seed_file, scheduler=scheduler
    )
    columns = [Column("release"), Column("outcome", wrap=True)]
    print_grid(columns, ((one.name, str(one)) for one in found))
    failed = sum(bool(one.failure) for one in found)
    print(f"\n{len(found) - failed} of {len(found)} releases are in {out}")
    if failed:
        raise typer.Exit(1)
