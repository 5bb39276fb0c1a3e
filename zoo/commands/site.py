"""`zoo site`: a gallery of releases, as a static site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.commands.choosing import SuiteOption


def site(
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="The folder of the site. An earlier site there is replaced; a folder "
            "that holds anything else is left as it is.",
        ),
    ] = Path("site"),
    releases: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder of releases; without it, all places where releases are "
            "looked for.",
        ),
    ] = None,
    suite: SuiteOption = "",
    leaderboard: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Add a page of the leaderboard that `zoo leaderboard` wrote here.",
        ),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The address of an index with these releases, for the commands that "
            "the pages show.",
        ),
    ] = None,
    runs: Annotated[
        bool,
        typer.Option(
            "--runs/--no-runs",
            help="Run each model for its attention patterns and for edges that are "
            "patched by degrees; this takes a few seconds for each.",
        ),
    ] = True,
) -> None:
    """Write a gallery of the releases, as static pages.

    Any web server can show them. They load nothing from elsewhere, and can be opened
    from the disk.
    """
    from compiler.errors import count
    from zoo.gallery.site import site as write

    folder = write(
        out,
        releases=releases,
        suite=suite,
        leaderboard=leaderboard,
        index=index,
        runs=runs,
    )
    files = [f for f in folder.rglob("*") if f.is_file()]
    pages = [f for f in folder.glob("models/*.html")]
    size = sum(f.stat().st_size for f in files) / 2**20
    print(f"{count(len(pages), 'model')}, {len(files)} files, {size:.1f} MiB")
    print(folder / "index.html")
