"""`zoo truth` and `zoo circuits`: which edges a model uses, and in which sets."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from typing import Annotated

import typer

from compiler.errors import InputError
from zoo.commands.options import Seed, read_list

CaseArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME|DIR[:CLASS]",
        help="A release, a folder or a program. With :CLASS, the inputs of one class, "
        "such as one task of a model that computes several.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def truth(
    source: CaseArgument,
    input: Annotated[
        str | None,
        typer.Option(
            metavar="JSON",
            help="Show what one input uses: its tokens, as a JSON list.",
        ),
    ] = None,
    within: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS", help="The class of inputs, in place of NAME:CLASS."
        ),
    ] = None,
    positions: Annotated[
        bool,
        typer.Option(
            "--positions",
            help="Show at which positions of its reader each edge is used, and the "
            "share of the test pairs whose outputs change.",
        ),
    ] = False,
    roles: Annotated[
        str | None,
        typer.Option(
            metavar="VARIABLE|own",
            help="The same at roles of tokens: the values of a variable, or the roles "
            "that the program says (`own`), such as S1 and IO.",
        ),
    ] = None,
    donors: Annotated[
        int,
        typer.Option(min=1, help="Number of donor inputs that are tried on one input."),
    ] = 512,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Print which edges of a model are used, each with a witness.

    An edge is used if patching it alone, with what another input writes there, changes
    an output. The witness is such a pair of inputs.
    """
    from compiler.grid import Column, grid_lines
    from compiler.rasp.values import show_many
    from zoo.cases.by_input import truth as find_truth

    if positions or roles is not None:
        if input is not None:
            raise InputError("--positions is about all pairs; leave --input out")
        _print_positions(source, within, roles, as_json)
        return
    tokens = None if input is None else read_list(input, "--input")
    found = find_truth(source, tokens, within=within, donors=donors, seed=seed)
    if as_json:
        edges = [
            {**asdict(k), "edge": str(k.edge), "witness": dict(k.witness or {}) or None}
            for k in found.known.values()
        ]
        print(json.dumps(edges, indent=1))
        return
    rows = [
        (
            str(known.edge),
            known.status,
            f"{known.effect:.4f}",
            "" if known.witness is None else show_many(known.witness["source"], 12),
        )
        for known in found.known.values()
    ]
    columns = [
        "edge",
        "status",
        Column("effect", right=True),
        Column("donor input that changes an output", wrap=True),
    ]
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    print("\n".join(grid_lines(columns, rows, width)))
    outside = len(found.names.edges) - len(rows)
    print(f"{outside} other edges are outside the circuit")


def _print_positions(
    source: str, within: str | None, roles: str | None, as_json: bool
) -> None:
    """Print at which positions, or roles, each edge is used."""
    from compiler.grid import Column, grid_lines
    from zoo.cases.case import open_case
    from zoo.scoring.by_position import truth_by_position

    case = open_case(source, split="test", within=within)
    effects = truth_by_position(case, roles=roles).to_dict()
    if as_json:
        print(json.dumps(effects, indent=1))
        return
    rows = [
        (edge, ", ".join(f"{place} {share:.2f}" for place, share in places.items()))
        for edge, places in effects.items()
    ]
    what = "role" if roles is not None else "position"
    columns = ["edge", Column(f"{what} of the reader, share of the pairs", wrap=True)]
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    print("\n".join(grid_lines(columns, rows, width)))


def circuits(
    source: CaseArgument,
    ablation: Annotated[
        str,
        typer.Option(
            help="What stands in the place of patched writes: resample, mean, zero or "
            "optimal. The circuits depend on it."
        ),
    ] = "resample",
    at_least: Annotated[
        float,
        typer.Option(
            help="Share of the pairs of inputs whose outputs all have to stay."
        ),
    ] = 1.0,
    limit: Annotated[
        int, typer.Option(min=1, help="Stop after this many minimal circuits.")
    ] = 64,
    split: Annotated[str, typer.Option(help="The data: train or test.")] = "test",
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of inputs, at most.")] = 256,
    shifted: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Share of the pairs whose corrupt run has shifted positions.",
        ),
    ] = 0.5,
    within: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS", help="The class of inputs, in place of NAME:CLASS."
        ),
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Print all minimal circuits of a model.

    A set of edges suffices if the outputs stay when all other edges are patched at
    once. A model with redundant parts has several smallest sets that suffice.
    """
    from compiler.errors import count
    from zoo.scoring.sufficient import find_circuits

    found = find_circuits(
        source,
        ablation=ablation,
        at_least=at_least,
        limit=limit,
        split=split,
        pairs=pairs,
        shifted=shifted,
        within=within,
        seed=seed,
    )
    if as_json:
        print(json.dumps(asdict(found), indent=1))
        return
    more = "" if found.complete else " (the search stopped there)"
    number = count(len(found.sufficient), "minimal circuit")
    print(f"{found.model}, ablation {found.ablation}: {number}{more}")
    shared = found.intersection
    if shared:
        print(f"\nin all of them ({len(shared)} edges)")
        print("\n".join(f"  {e}" for e in found.sufficient[0] if e in shared))
    for place, one in enumerate(found.sufficient):
        own = [edge for edge in one if edge not in shared]
        if own:
            print(f"\ncircuit {place}: {len(one)} edges, besides the shared ones")
            print("\n".join(f"  {edge}" for edge in own))
    print(
        f"\n{count(found.tried, 'set')} of edges were run on "
        f"{count(found.pairs, 'pair')} of inputs each.\n{found.monotone:.0%} of the "
        "larger sets that were tried suffice too."
    )
