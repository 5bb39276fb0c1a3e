"""`zoo score`: what scores of edges are worth, beside three baselines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from compiler.errors import InputError

BASELINES = ("random", "weight-norm", "eap")


def score(
    model: Annotated[
        str, typer.Argument(metavar="NAME|DIR", help="A release, a folder, a program.")
    ],
    scores: Annotated[
        Path, typer.Argument(metavar="FILE", help="Scores: .json, .csv, .npy or .pt.")
    ],
    format: Annotated[
        str | None, typer.Option(help="Of the file, where it is not recognised.")
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(metavar="NUMBER|lowest", help="The score of what has none."),
    ] = None,
    absolute: Annotated[
        bool, typer.Option("--absolute", help="Rank by absolute value.")
    ] = False,
    granularity: Annotated[
        str | None, typer.Option(help="qkv, head or node, if coarser than the file's.")
    ] = None,
    convention: Annotated[
        str,
        typer.Option(
            help="How the AUROC is taken: exact, acdc, auto-circuit, mib, ten-sizes."
        ),
    ] = "exact",
    ablation: Annotated[
        str, typer.Option(help="resample, mean, zero or optimal.")
    ] = "resample",
    out: Annotated[Path | None, typer.Option(help="Where the JSON goes.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Where a PNG goes.")] = None,
) -> None:
    """Score a file of edge scores; say what it missed, and why."""
    from zoo.scoring.endings import check_file

    check_file(scores)  # before anything that takes seconds to import
    from zoo.threads import use_one_thread

    use_one_thread()
    from compiler.files import check_parent, write_atomically
    from zoo.cases.case import open_case
    from zoo.cases.pairs import TURNED
    from zoo.methods import find_method
    from zoo.scoring.formats import read_scores
    from zoo.scoring.lines import report_lines
    from zoo.scoring.score import score as score_edges

    for path in filter(None, (out, plot)):
        check_parent(path)
    case = open_case(model, split="test", ablation=ablation)
    read = read_scores(case.names, scores, format, _policy(missing))
    turned = 0.0 if read.level.merged else TURNED  # as `zoo.score` does
    case = case.turned(turned)
    options: dict[str, Any] = {"granularity": granularity, "convention": convention}
    report = score_edges(case, read, absolute=absolute, **options)
    rows = [(scores.name, report)]
    train = case.split("train", turned=turned)
    for name in BASELINES:
        baseline = find_method(name)
        found = read_scores(case.names, baseline.run(train, 0)).at(read.level)
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
