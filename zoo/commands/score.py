"""`zoo score`: what scores of edges are worth, beside three baselines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from compiler.errors import InputError
from zoo.commands.options import ModelArgument, find

BASELINES = ("random", "weight-norm", "eap")


def score(
    model: ModelArgument,
    scores: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The scores, one for each edge: .json, .csv, .npy or .pt.",
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(help="The format of the file, where it cannot be recognised."),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|lowest",
            help="The score of edges that the file has none for: a number, or 'lowest' "
            "to rank them last. Without it, such a file is refused.",
        ),
    ] = None,
    absolute: Annotated[
        bool,
        typer.Option("--absolute", help="Rank edges by the absolute value of scores."),
    ] = False,
    granularity: Annotated[
        str | None,
        typer.Option(
            help="What is ranked: qkv (edges into q, k and v), head (edges between "
            "nodes) or node; as fine as the file by default."
        ),
    ] = None,
    convention: Annotated[
        str,
        typer.Option(
            help="How the AUROC is computed: exact (ties count half), or as other "
            "tools do: acdc, auto-circuit, mib, ten-sizes; see docs/scoring.md."
        ),
    ] = "exact",
    ablation: Annotated[
        str,
        typer.Option(
            help="What a patched edge carries: resample (from a corrupt input), mean, "
            "zero or optimal (the constant that hurts least)."
        ),
    ] = "resample",
    out: Annotated[
        Path | None, typer.Option(help="Write the report to this JSON file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a plot to this PNG file.")
    ] = None,
) -> None:
    """Compare scores of edges with a model's true circuit.

    Three baselines are scored too. The report lists the edges that the scores missed,
    each with a pair of inputs that shows its effect.
    """
    from zoo.scoring.endings import check_file

    check_file(scores)
    target = find(model)
    from zoo.threads import use_one_thread

    use_one_thread()
    from compiler.files import check_parent, write_atomically
    from zoo.cases.case import open_case
    from zoo.cases.pairs import SHIFTED
    from zoo.methods import find_method
    from zoo.scoring.formats import read_scores
    from zoo.scoring.lines import report_lines
    from zoo.scoring.score import score as score_edges

    for path in filter(None, (out, plot)):
        check_parent(path)
    case = open_case(target.exact, split="test", ablation=ablation)
    read = read_scores(case.names, scores, format, _policy(missing))
    shifted = 0.0 if read.level.merged else SHIFTED  # as `zoo.score` does
    case = case.with_shifts(shifted)
    options: dict[str, Any] = {"granularity": granularity, "convention": convention}
    report = score_edges(case, read, absolute=absolute, **options)
    rows = [(scores.name, report)]
    train = case.split("train", shifted=shifted)
    for name in BASELINES:
        baseline = find_method(name)
        found = read_scores(case.names, baseline.run(train, 0)).at_level(read.level)
        by_size = baseline.magnitude
        label = f"|{name}|" if by_size else name
        rows.append((label, score_edges(case, found, absolute=by_size, **options)))
    print("\n".join(report_lines(report, rows)))
    if out is not None:
        text = json.dumps(report.to_json(), indent=1, allow_nan=False) + "\n"
        write_atomically(out, text.encode())
    if plot is not None:
        report.plot(plot)


def _policy(missing: str | None) -> Any:
    if missing is None or missing == "lowest":
        return missing
    try:
        return float(missing)
    except ValueError:
        raise InputError(
            f"--missing: found {missing!r}, expected a number or 'lowest'"
        ) from None
