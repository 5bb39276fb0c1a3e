"""`zoo releases` and `zoo card`: what is published."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.commands.choosing import (
    AsJsonOption,
    AttentionOption,
    CausalOption,
    CorpusOption,
    DifficultyOption,
    FamilyOption,
    HeadsOption,
    LayersOption,
    NodesOption,
    OutputOption,
    SuiteOption,
    VariablesOption,
)

if TYPE_CHECKING:
    from zoo.release.entry import Broken
    from zoo.release_listing import ReleasePage

PAGE = 200
"""Releases that a terminal gets at a time."""
COLUMNS = ("name", "kind", "audit", "size", "circuit", "least")

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
    family: FamilyOption = "",
    difficulty: DifficultyOption = "",
    output: OutputOption = None,
    causal: CausalOption = None,
    corpus: CorpusOption = "",
    layers: LayersOption = "",
    heads: HeadsOption = "",
    nodes: NodesOption = "",
    variables: VariablesOption = "",
    norm: Annotated[
        str | None,
        typer.Option(help="List only models with this norm: none, pre or rms."),
    ] = None,
    attention: AttentionOption = None,
    suite: SuiteOption = "",
    origin: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="URL", help="List the releases of the index at this URL."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="List at most this many; by default 200 on a terminal, and all in a "
            "pipe.",
        ),
    ] = None,
    skip: Annotated[
        int, typer.Option(min=0, help="Leave out this many at the beginning.")
    ] = 0,
    as_json: AsJsonOption = False,
) -> None:
    """List the published models, with their figures.

    Family, difficulty, output and corpus are those of the program that a model
    implements; what is asked of sizes is asked of the model and its circuit.
    """
    from zoo.filters import ProgramFilter
    from zoo.grid import print_json, print_tabs, terminal_width
    from zoo.release_listing import ReleaseQuery, list_page

    chooses = ProgramFilter(
        difficulty=difficulty,
        output=output,
        causal=causal,
        corpus=corpus,
        layers=layers,
        heads=heads,
        nodes=nodes,
        variables=variables,
        attention=attention,
    )
    if limit is None and not as_json and terminal_width() is not None:
        limit = PAGE
    query = ReleaseQuery(chooses, kind, family, norm, suite, limit, skip)
    page = list_page(query, origin)
    rows = [_row(entry) for entry in page.entries]
    if as_json:
        print_json(page.entries)
    elif terminal_width() is None:
        print_tabs((*COLUMNS, "fails"), rows)
    elif page.empty:
        print("There are no releases here. `zoo export` makes one.")
    else:
        _print_rows(rows)
        print(f"\n{_how_many(page, skip)}\n{LEGEND.rstrip()}")
    _tell(page.broken)


def _how_many(page: ReleasePage, skip: int) -> str:
    """Return how many releases are shown, and how many more there are."""
    from compiler.errors import count

    shown = len(page.entries)
    if page.total == shown:
        return count(shown, "release")
    of = "more" if page.total is None else f"{page.total:,}"
    return (
        f"releases {skip + 1:,} to {skip + shown:,} of {of}; --skip {skip + shown} "
        "shows the next ones,\nand --suite, --kind and other filters fewer"
    )


def _print_rows(rows: Sequence[Sequence[str]]) -> None:
    """Print the table; the last column only where something fails."""
    from compiler.grid import Column
    from zoo.grid import print_grid

    fails = any(row[-1] for row in rows)
    right = ("size", "circuit", "least")
    columns = [Column(title, right=title in right) for title in COLUMNS]
    columns += [Column("")] * fails
    print_grid(columns, [row if fails else row[:-1] for row in rows])


def _row(entry: Mapping[str, Any]) -> list[str]:
    from zoo.auditing.claims import missed

    return [
        entry["name"],
        ", ".join(filter(None, [entry["kind"], entry.get("architecture")])),
        entry.get("audit", "sample"),
        f"{entry['layers']}x{entry['heads']}x{entry['d_model']}",
        f"{entry['edges']}/{entry['of_edges']}",
        _share(min(entry["claims"].values(), default=None)),
        "FAILS" if missed(entry["kind"], entry["claims"]) else "",
    ]


def _tell(broken: Sequence[Broken]) -> None:
    """Print what is meant to be a release and is none, a line each, as an error."""
    for item in broken:
        print(f"broken: {item}", file=sys.stderr)


def _share(found: float | None) -> str:
    if found is None:
        return "-"  # release.json does not say
    return "1" if found == 1 else f"{found:.4f}".removeprefix("0")


def card(name: Name) -> None:
    """Print the model card of a release."""
    from zoo.publishing import card as text_of

    print(text_of(name))
