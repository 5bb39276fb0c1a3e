"""`zoo download`, `zoo publish` and `zoo index serve`: releases come and go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

index = typer.Typer(
    help="Serve releases to other machines.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def download(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="NAME, NAME@2 or hf://OWNER/REPO.")
    ],
    origin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL",
            help="An index, or hf://OWNER/REPO. [default: what CIRCUITZOO_INDEX says]",
        ),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option(help="A version of an index; a branch, tag or commit of a Hub."),
    ] = None,
) -> None:
    """Fetch a release into the cache; goes on where it broke off."""
    from zoo.commands.options import bytes_bar
    from zoo.release.resolve import download as fetch
    from zoo.release.whole import check_files

    with bytes_bar(name) as progress:
        folder = fetch(name, origin, revision, progress)
    files = check_files(folder)
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(f"{name}: {files} files, all as they should be, {size / 1024:,.0f} KiB")
    print(folder)


def publish(
    name: Annotated[
        str, typer.Argument(metavar="RELEASE", help="NAME, NAME@2 or a folder.")
    ],
    to: Annotated[str, typer.Option(metavar="hf://OWNER/REPO", help="The repository.")],
) -> None:
    """Put a release into a repository of the Hugging Face Hub."""
    from zoo.release.hub import parse_repo
    from zoo.release.hub import publish as put
    from zoo.release.resolve import resolve
    from zoo.release.whole import open_folder

    repo = parse_repo(to)
    folder = open_folder(resolve(name))
    address, fresh = put(folder, repo)
    said = "is published" if fresh else "was there already, the same"
    print(f"{folder.summary()['name']}, version {folder.summary()['version']}, {said}")
    print(address)


@index.command("serve")
def serve(
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="The folder of releases.")
    ] = Path("releases"),
    host: Annotated[
        str, typer.Option(help="Where to listen; 0.0.0.0 for all machines.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 for a free one.")
    ] = 8017,
) -> None:
    """Serve a folder of releases over HTTP until it is stopped."""
    import sys

    from zoo.release.serve import make_server

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with make_server(folder, host, port, say) as server:
        address = f"http://{host}:{server.server_address[1]}"
        print(f"{address}  (CIRCUITZOO_INDEX={address}; stop with Ctrl-C)", flush=True)
        server.serve_forever()
