"""`zoo download`, `zoo publish` and `zoo index serve`: releases come and go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compiler.errors import InputError
from zoo.commands.choosing import SuiteOption

index = typer.Typer(
    help="Serve a folder of releases to other machines.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def download(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="The release: NAME, NAME@VERSION or hf://OWNER/REPO."
        ),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL",
            help="Where it is: the address of an index, or hf://OWNER/REPO. Without "
            "it, the index that the environment variable CIRCUITZOO_INDEX names.",
        ),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option(
            help="The version, at an index; the branch, tag or commit, at the Hub."
        ),
    ] = None,
    suite: SuiteOption = "",
) -> None:
    """Fetch a release into the cache, or all of a suite.

    A download that was interrupted is continued.
    """
    from zoo.publishing import download as fetch
    from zoo.publishing import download_suite

    if (name is None) is (suite == ""):
        raise InputError("give the name of a release, or --suite; one of the two")
    if name is not None:
        _tell(name, fetch(name, origin, revision))
        return
    if revision is not None:
        raise InputError(
            "--revision is of a single release; a suite may ask for version=1"
        )
    for folder in download_suite(suite, origin):
        _tell(folder.name, folder)


def _tell(name: str, folder: Path) -> None:
    """Print what was fetched, and where it is."""
    from zoo.release.whole import check_files

    files = check_files(folder)
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(
        f"{name}: {files} files, each with the digest that the release lists, "
        f"{size / 1024:,.0f} KiB"
    )
    print(folder)


def publish(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="RELEASE", help="The release: NAME, NAME@VERSION or its folder."
        ),
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            metavar="hf://OWNER/REPO",
            help="The repository to write to. Of many releases: hf://OWNER, under "
            "which each gets a repository, or a folder that a web server can serve.",
        ),
    ] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Publish the newest version of every release.")
    ] = False,
    suite: SuiteOption = "",
    title: Annotated[
        str,
        typer.Option(
            help="The title of the collection on the Hub; circuitzoo and the suite by "
            "default."
        ),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print what would be published, with its size."),
    ] = False,
) -> None:
    """Put a release, or a suite, on the Hugging Face Hub.

    Each release becomes a commit and a tag. With --all or --suite, a collection lists
    them, and what is there already is not sent again.
    """
    if (name is not None) + every + (suite != "") != 1:
        raise InputError(
            "give one of three: the name of a release, --all, or --suite SUITE"
        )
    if not to:
        raise InputError("--to: say where to, hf://OWNER/REPO; or hf://OWNER for many")
    if name is None:
        _publish_all(to, suite, title, dry_run)
    elif title or dry_run:
        raise InputError("--title and --dry-run go with --all and --suite")
    else:
        _publish_one(name, to)


def _publish_one(name: str, to: str) -> None:
    """Publish a release, and print where it is."""
    from zoo.lookup import SAVED, look_up
    from zoo.release.hub import parse_repo
    from zoo.release.hub import publish as put
    from zoo.release.whole import open_folder

    repo = parse_repo(to)
    place = look_up(name, SAVED).folder
    assert place is not None
    folder = open_folder(place)
    address, fresh = put(folder, repo)
    said = "is published" if fresh else "was there already, the same"
    print(f"{folder.summary()['name']}, version {folder.summary()['version']}, {said}")
    print(address)


def _publish_all(to: str, suite: str, title: str, dry_run: bool) -> None:
    """Publish many releases, and print what came of each."""
    from collections import Counter

    from zoo.release_publication import PublishedRelease, publish_all

    def show(release: PublishedRelease) -> None:
        size = f"{release.bytes / 1024:,.0f} KiB"
        print(f"{release.name}@{release.version}: {release.state}, {size}", flush=True)
        if release.failure or release.address:
            print(f"  {release.failure or release.address}", flush=True)

    found = publish_all(to, suite, title=title, dry_run=dry_run, progress=show)
    states = Counter(release.state for release in found.releases)
    told = ", ".join(f"{number} {state}" for state, number in states.items())
    print(f"\n{told}; {found.bytes / 2**20:,.1f} MiB in all")
    if found.address:
        print(found.address)
    if found.failed:
        print("The same command goes on with what is missing.")
        raise typer.Exit(1)


@index.command("serve")
def serve(
    folder: Annotated[
        Path,
        typer.Option("--folder", metavar="DIR", help="The folder of releases."),
    ] = Path("releases"),
    host: Annotated[
        str,
        typer.Option(help="The address to listen at; 0.0.0.0 is open to all machines."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes one that is free.")
    ] = 8017,
) -> None:
    """Serve a folder of releases over HTTP until it is stopped."""
    from zoo.publishing import serve as run

    run(folder, host, port)
