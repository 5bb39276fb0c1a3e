"""A table of methods as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.cases.levels import KINDS

TITLES = {
    "qkv": "Edges into q, k and v",
    "head": "Edges between nodes",
    "node": "Nodes",
}
HEADER = (
    "method",
    "models",
    "AUROC",
    "95 % over models",
    "AP",
    "F1",
    "CPR",
    "CMD",
    "stability",
    "seconds",
    "failed",
)
PAIRS = (
    "The mean difference of the AUROC over the models that both methods were run on. "
    "The p values are corrected by Holm's method for the number of pairs. Models on "
    "which both methods are equal are left out of the test."
)


def page(table: Any) -> str:
    """Return a page on a `Table`: granularities, models, pairs, what failed."""
    lines = ["# Leaderboard", "", *_about(table)]
    for level in KINDS:
        rows = [
            (
                row.method,
                str(row.models),
                _figure(row.auroc),
                " to ".join(filter(None, map(_figure, row.interval))),
                *map(_figure, (row.average_precision, row.f1, row.cpr, row.cmd)),
                _figure(row.stability),
                _figure(row.seconds),
                str(row.failed),
            )
            for row in table.rows(level)
        ]
        lines += ["", f"## {TITLES[level]}", "", *_grid(HEADER, rows)]
    lines += ["", "## By model: AUROC at the finest granularity of a method", ""]
    rows = [
        (model, *(_figure(_finest(table, method, model)) for method in table.methods))
        for model in table.models
    ]
    lines += _grid(("model", *table.methods), rows)
    lines += ["", "## Pairs of methods on the same models: AUROC, edges", "", PAIRS, ""]
    pairs = [
        (
            f"{pair.first} - {pair.second}",
            str(pair.models),
            f"{pair.difference:+.3f}",
            " to ".join(f"{end:+.3f}" for end in pair.interval if end == end),
            f"{pair.corrected:.3g}",
        )
        for pair in table.compare()
    ]
    lines += _grid(("difference", "models", "mean", "95 %", "p (Holm)"), pairs)
    failed = [cell for cell in table.cells if cell.status != "ok"]
    if failed:
        lines += ["", "## Without figures", ""]
        lines += [
            f"- {c.method} on {c.model}, seed {c.seed}: {c.status}, {c.error}"
            for c in failed
        ]
    return "\n".join(lines) + "\n"


def _about(table: Any) -> list[str]:
    seeds = len({cell.seed for cell in table.cells})
    return [
        f"{len(table.methods)} methods were run on {len(table.models)} models, each "
        f"with {seeds} seeds. A seed draws the pairs of inputs that a method is given; "
        "its scores are measured on other pairs. AUROC and AP count the edges or nodes "
        "whose effect at least one pair can show. The 95 % interval is a bootstrap: "
        "the models are drawn again with replacement. For F1, a method's highest "
        "scores are taken, as many as the circuit has edges or nodes. Stability is the "
        "Jaccard index of what two seeds find. Seconds are the mean over models of a "
        "method's fastest seed, because the others may include compilation. The "
        "figures of a method are means over its runs that ended; for the order of the "
        "methods, a run that failed counts as an AUROC of 0.5, which random scores get."
    ]


def _finest(table: Any, method: str, model: str) -> float:
    for level in KINDS:
        found = table.figure(method, model, level)
        if found == found:
            return found
    return float("nan")


def _figure(value: float) -> str:
    return "" if value != value else f"{value:.3f}"


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    marks = [":--", *["--:"] * (len(header) - 1)]
    return [f"| {' | '.join(row)} |" for row in (header, marks, *rows)]
