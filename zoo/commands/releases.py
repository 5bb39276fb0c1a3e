"""`zoo releases` and `zoo card`: what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zoo.release.shelf import Broken

Name = Annotated[
    str,
    typer.Argument(
        metavar="RELEASE",
        help="A release: NAME, NAME@VERSION, hf://OWNER/REPO, or its folder.",
    ),
]

LEGEND = """
  audit     full: every input, pairs of several kinds, a search for a pair that
            breaks an output, ablations; quick: the same with fewer pairs;
            sample: a random sample of pairs alone
  size      layers x heads a layer x d_model
  circuit   edges of the circuit / edges of the transformer
  least     the least figure of all that is claimed, a share of right outputs;
            1 at best. `zoo card NAME` has every figure
"""


def releases(
    kind: Annotated[
        str | None,
        typer.Option(help="List only those that are compiled, trained or compressed."),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="URL", help="List the releases of the index at this URL."
        ),
    ] = None,
) -> None:
    """List the published models, with their figures."""
    from compiler.errors import InputError, count
    from compiler.grid import Column
    from zoo.auditing.claims import missed
    from zoo.grid import print_grid
    from zoo.release.shelf import list_broken, list_releases

    if origin is None:
        found, broken = list_releases(), list_broken()
    else:
        from zoo.release.index import newest_of, read_index

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
    right = [Column(title, right=True) for title in ("size", "circuit", "least")]
    columns = ["name", "kind", "audit", *right]
    failed = {e["name"]: missed(e["kind"], e["claims"]) for e in chosen}
    if any(failed.values()):
        columns.append("")
    print_grid(columns, (_row(e, failed[e["name"]], len(columns)) for e in chosen))
    print(f"\n{count(len(chosen), 'release')}\n{LEGEND.rstrip()}")
    _tell(broken)


def _row(entry: Mapping[str, Any], failed: list[str], columns: int) -> list[str]:
    row = [
        entry["name"],
        ", ".join(filter(None, [entry["kind"], entry.get("architecture")])),
        entry.get("audit", "sample"),
        f"{entry['layers']}x{entry['heads']}x{entry['d_model']}",
        f"{entry['edges']}/{entry['of_edges']}",
        _share(min(entry["claims"].values(), default=None)),
    ]
    return row if columns == len(row) else [*row, "FAILS" if failed else ""]


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
    from zoo.publishing import card as text_of

    print(text_of(name))
