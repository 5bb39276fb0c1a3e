"""`zoo components`: what each head and MLP of a model computes."""

from __future__ import annotations

import json
import shutil
from typing import Annotated

import typer

from zoo.commands.options import ModelArgument, Seed, find


def components(
    source: ModelArgument,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl", help="Print one JSON object a line, with everything in it."
        ),
    ] = False,
    examples: Annotated[
        int, typer.Option(min=1, help="Number of example inputs of each component.")
    ] = 10,
    inputs: Annotated[
        int,
        typer.Option(
            min=1,
            help="The most inputs from which shares of values and examples are taken.",
        ),
    ] = 20_000,
    seed: Seed = 0,
) -> None:
    """Show what each head and MLP of a model computes.

    Each component has one of five roles, a sentence, its variable as code, the values
    of the variable, examples, what it reads, and what reads it.
    """
    target = find(source)
    from zoo.annotation.components import components as list_components

    found = list_components(target.exact, examples=examples, inputs=inputs, seed=seed)
    if jsonl:
        for component in found:
            print(json.dumps(component.to_json(), allow_nan=False))
        return
    width = max(60, shutil.get_terminal_size((80, 24)).columns)
    outside = [c.node for c in found if c.part == "outside"]
    for component in found:
        if component.part != "outside":
            print("\n".join([*component.lines(width), ""]))
    if outside:
        print(f"No variable is at {', '.join(outside)}.")
