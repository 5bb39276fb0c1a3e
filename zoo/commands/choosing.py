"""Options that `zoo list` and `zoo releases` share: which programs are listed."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

FamilyOption = Annotated[
    str,
    typer.Option(
        metavar="TEXT", help="List only families with this text in their name."
    ),
]
DifficultyOption = Annotated[
    str,
    typer.Option(
        metavar="RANGE",
        help="List only programs of this difficulty, 1 to 5: 3, 1-3, 4- or -2.",
    ),
]
OutputOption = Annotated[
    Literal["categorical", "numerical", "boolean"] | None,
    typer.Option(help="List only programs with this type of output."),
]
CausalOption = Annotated[
    bool | None,
    typer.Option(
        "--causal/--not-causal",
        help="List only programs whose outputs never depend on later tokens, or only "
        "the others.",
    ),
]
CorpusOption = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help="List only programs that a corpus with this text in its name uses, such "
        "as InterpBench.",
    ),
]
LayersOption = Annotated[
    str, typer.Option(metavar="RANGE", help="List only models with so many layers.")
]
HeadsOption = Annotated[
    str,
    typer.Option(
        metavar="RANGE", help="List only models with so many attention heads a layer."
    ),
]
NodesOption = Annotated[
    str,
    typer.Option(metavar="RANGE", help="List only circuits with so many nodes."),
]
VariablesOption = Annotated[
    str,
    typer.Option(metavar="RANGE", help="List only circuits with so many variables."),
]
AttentionOption = Annotated[
    bool | None,
    typer.Option(
        "--attention/--no-attention",
        help="List only circuits with attention heads, or only the others.",
    ),
]
SuiteOption = Annotated[
    str,
    typer.Option(
        metavar="SUITE",
        help="Take only the releases of a suite: core, standard, full, hard, clients, "
        "certified, or an expression such as 'layers>=3 and norm=rms and not alone' "
        "(docs/suites.md).",
    ),
]
AsJsonOption = Annotated[
    bool, typer.Option("--json", help="Print all that is known of each, as JSON.")
]
