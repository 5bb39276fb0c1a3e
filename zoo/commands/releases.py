"""`zoo releases` and `zoo card`: what is published."""

from __future__ import annotations

from typing import Annotated

import typer

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
    from zoo.release.shelf import list_releases

    found = list_releases() if origin is None else newest_of(read_index(origin))
    kinds = sorted({entry["kind"] for entry in found})
    if kind is not None and kind not in kinds:
        known = ", ".join(kinds) or "none, for nothing is published here"
        raise InputError(f"--kind: no release is {kind!r}; there are {known}")
    chosen = [entry for entry in found if kind in (None, entry["kind"])]
    if not chosen:
        print("There are no releases here. `zoo export` makes one.")
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
                _share(claims["interchange"]),
                _share(claims["nodes"]),
                _share(claims["edges"]),
                _share(claims["all edges at once"]),
            )
        )
    print("\n".join(align(rows)))
    count = f"{len(chosen)} release{'s' * (len(chosen) != 1)}"
    print(
        f"\n{count}. Size: layers x heads x d_model. Circuit: its edges of all.\n"
        "Then shares of outputs that are as they should be: the worst variable swapped,"
        "\nthe worst node and edge outside replaced, all edges outside at once."
    )


def _share(found: float) -> str:
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
