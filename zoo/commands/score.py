"""`zoo score`: what scores of edges are worth, beside three baselines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compiler.errors import InputError

if TYPE_CHECKING:
    from zoo.scoring.report import Missed, Report

BASELINES = ("random", "weight-norm", "eap")
MOST_LINES = 20


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
        str, typer.Option(help="Of the AUROC: exact, acdc, auto-circuit, mib, ..")
    ] = "exact",
    ablation: Annotated[
        str, typer.Option(help="resample, mean, zero or optimal.")
    ] = "resample",
    out: Annotated[Path | None, typer.Option(help="Where the JSON goes.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Where a PNG goes.")] = None,
) -> None:
    """Score a file of edge scores; say what it missed, and why."""
    from zoo.training.threads import use_one_thread

    use_one_thread()
    from compiler.files import write_atomically
    from zoo.scoring.case import open_case
    from zoo.scoring.formats import read_scores
    from zoo.scoring.methods import find_method
    from zoo.scoring.pairs import TURNED
    from zoo.scoring.score import score as score_edges

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
        rows.append(
            (name, score_edges(case, found, absolute=baseline.magnitude, **options))
        )
    print("\n".join([*_heading(report), "", *_rows(rows), "", *_lost(report)]))
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


def _heading(report: Report) -> list[str]:
    record = report.record
    left = f"{report.undetectable} undetectable and {report.silent} silent not counted"
    return [
        f"{report.model}: {report.counted} items ({record.granularity}), "
        f"{report.true} of them true; {left}",
        f"  read as {record.source or 'a dict'}, sign {record.sign}; "
        f"AUROC {record.convention}",
        f"  {record.pairs} pairs, {record.ablation} ablation of the complement, "
        f"positions: {record.positions}",
        *(f"  note: {warning}" for warning in report.warnings),
    ]


def _rows(rows: list[tuple[str, Report]]) -> list[str]:
    from compiler.emit import align

    head = ("", "AUROC", "95 %", "AP", "F1", "SHD", "CPR", "CMD")
    cells = [
        (
            name,
            f"{r.auroc:.3f}",
            f"{r.auroc_interval.low:.3f}..{r.auroc_interval.high:.3f}",
            f"{r.average_precision:.3f}",
            f"{r.f1:.3f}",
            str(r.hamming),
            f"{r.cpr:.3f}",
            f"{r.cmd:.3f}",
        )
        for name, r in rows
    ]
    return align([head, *cells])


def _lost(report: Report) -> list[str]:
    lines = [
        f"MISSED  {len(report.missed)} of {report.true} true items are not among the "
        f"{report.k} highest"
    ]
    for missed in report.missed[:MOST_LINES]:
        lines += _missed(missed)
    if len(report.missed) > MOST_LINES:
        lines.append(f"  and {len(report.missed) - MOST_LINES} more: --out has all")
    lines += ["", f"SPURIOUS  {len(report.spurious)} found and not true"]
    lines += [
        f"  {wrong.item}  score {wrong.score:.4g}, rank {wrong.rank}"
        for wrong in report.spurious[:MOST_LINES]
    ]
    return lines


def _missed(missed: Missed) -> list[str]:
    carried = ", ".join(v for known in missed.edges for v in known.carries)
    lines = [
        f"  {missed.item}  score {missed.score:.4g}, rank {missed.rank}; carries "
        f"{carried}"
    ]
    witness = missed.witness
    if witness is not None:
        turn = f", positions turned by {witness['turn']}" if witness["turn"] else ""
        lines += [
            f"      {_list(witness['base'])} donor {_list(witness['source'])}{turn}",
            f"      {_list(witness['before'])} -> {_list(witness['after'])}",
        ]
    return lines


def _list(values: Any) -> str:
    return json.dumps(values, separators=(",", ":"))
