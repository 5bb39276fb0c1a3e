"""`zoo releases` and `zoo card`: what is published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zoo.release.shelf import Broken

Name = Annotated[
    str,
    typer.Argument(
        metavar="RELEASE", help="NAME, NAME@2, hf://OWNER/REPO or a folder."
    ),
]


def releases(
    kind: Annotated[
        str | None, typer.Option(help="Only these: compiled, trained or compressed.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="Those of an index.")
    ] = None,
) -> None:
    """List the published models: kind, size, circuit, figures."""
    from compiler.emit import align
    from compiler.errors import InputError
    from zoo.release.index import newest_of, read_index
    from zoo.release.shelf import list_broken, list_releases

    if origin is None:
        found, broken = list_releases(), list_broken()
    else:
        listing = read_index(origin)
        found, broken = newest_of(listing.entries), listing.broken
    kinds = sorted({entry["kind"] for entry in found})
    if kind is not None and kind not in kinds:
        known = ", ".join(kinds) or "none, for nothing is published here"
        raise InputError(f"--kind: no release is {kind!r}; there are {known}")
    chosen = [entry for entry in found if kind in (None, entry["kind"])]
    if not chosen:
        print("There are no releases here. `zoo export` makes one.")
        _tell(broken)
        return
    head = ("name", "kind", "size", "circuit", "vars", "nodes", "edges", "all")
    rows: list[tuple[str, ...]] = [head]
    for entry in chosen:
        claims = entry["claims"]
        rows.append(
            (
                entry["name"],
                entry["kind"],
                f"{entry['layers']}x{entry['heads']}x{entry['d_model']}",
                f"{entry['edges']}/{entry['of_edges']}",
                *(_share(claims.get(claim)) for claim in _CLAIMS),
            )
        )
    print("\n".join(align(rows)))
    count = f"{len(chosen)} release{'s' * (len(chosen) != 1)}"
    print(
        f"\n{count}. Size: layers x heads x d_model. Circuit: its edges of all.\n"
        "Then shares of outputs that are as they should be: the worst variable swapped,"
        "\nthe worst node and edge outside replaced, all edges outside at once."
    )
    _tell(broken)


_CLAIMS = ("interchange", "nodes", "edges", "all edges at once")


def _tell(broken: Sequence[Broken]) -> None:
    """Print what is meant to be a release and is none, a line each."""
    for item in broken:
        print(f"broken: {item}")


def _share(found: float | None) -> str:
    if found is None:
        return "-"  # release.json does not say
    return "1" if found == 1 else f"{found:.4f}".removeprefix("0")


def card(name: Name) -> None:
    """Print the model card of a release."""
    from zoo.commands.options import bytes_bar
    from zoo.release.fields import CARD
    from zoo.release.resolve import resolve
    from zoo.release.whole import open_folder

    with bytes_bar(name) as progress:
        folder = resolve(name, progress)
    text = open_folder(folder).text(CARD)
    body = text.split("\n---\n", 1)[-1] if text.startswith("---\n") else text
    print(body.strip())
