"""A table of methods as Markdown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from compiler.errors import count
from zoo.cases.bootstrap import interval_of_mean, mean_of
from zoo.cases.levels import KINDS

TITLES = {
    "qkv": "Edges into q, k and v",
    "head": "Edges between nodes",
    "node": "Nodes",
}
AP = "average_precision"
"""The figure by which methods that give scores are ranked."""
TOLD_APART = 0.05
"""The corrected p value below which two methods are told apart."""
HEADER = (
    "method",
    "models",
    "AP",
    "95 % over models",
    "AUROC",
    "95 % over models",
    "F1",
    "CPR",
    "CMD",
    "stability",
    "seconds",
    "failed",
)
CONTROLS = {
    "random": "uniform scores, drawn anew for each model and seed. Its AP is about the "
    "share of items that are true, and its AUROC over edges into q, k and v is 0.5 but "
    "for chance. A coarser item has the greatest score of its edges, so an item of n "
    "edges ranks above one of m edges with the probability n / (n + m). The embeddings "
    "have the most edges of all nodes, and nearly every circuit has them: that is why "
    "random scores have an AUROC well above 0.5 over nodes. An edge between nodes has "
    "three edges if it ends in a head (q, k and v), and one if it ends in an MLP or "
    "the logits, where circuits have more of theirs: there the AUROC is a little below "
    "0.5. Compare a method with this row and not with 0.5.",
    "weight-norm": "the size of the product of the weights between two components. It "
    "runs nothing. What a method finds beyond this row, it finds from activations.",
    "oracle": "the truth itself as scores: the best that a method can have. Its CPR is "
    "below 1 and its CMD above 0, because these are of circuits of ten fixed sizes, "
    "most of which are too small or too large.",
}
CODE = (
    "A method whose name ends in `-code` follows its authors' code where that differs "
    "from the paper; docs/scoring.md says where."
)
CLAIMS = (
    "Means over models; the first figure ranks. docs/submitting.md says what each one "
    "is."
)
BY_KIND = (
    "The AP at the finest granularity of a method, with its interval where there are "
    "three models or more. The number of models stands behind the kind."
)
PAIRS = (
    "The mean difference of the AP over the models that both methods were run on. The "
    "p values are of Wilcoxon's test, corrected by Holm's method for the number of "
    "pairs. Models on which both methods are equal are left out of the test."
)


def page(
    table: Any,
    kinds: Mapping[str, Sequence[int]] | None = None,
    plots: Collection[str] = (),
) -> str:
    """Return a page on a `Table`: granularities, kinds, models, pairs, what failed.

    Args:
        table: its cells.
        kinds: by kind of model, the places of its models among the table's.
        plots: the names of plots that are beside the page.
    """
    lines = ["# Leaderboard", "", *_about(table), *_controls(table)]
    for level in KINDS:
        lines += ["", f"## {TITLES[level]}", *_picture(level, plots), ""]
        lines += _grid(HEADER, [_cells_of(row) for row in table.rows(level)])
    if kinds and table.methods:
        lines += _by_kind(table, kinds, plots)
    if table.methods:
        lines += [*_by_model(table), *_apart(table, plots), *_pairs(table)]
    for claims in table.claims:
        lines += _claims(table, claims)
    failed = [cell for cell in table.cells if cell.status != "ok"]
    if failed:
        lines += ["", "## Without figures", ""]
        lines += [
            f"- {c.method} on {c.model}, seed {c.seed}: {c.status}, {c.error}"
            for c in failed
        ]
    return "\n".join(lines) + "\n"


def _cells_of(row: Any) -> tuple[str, ...]:
    return (
        row.method,
        str(row.models),
        _figure(row.average_precision),
        _range(row.ap_interval),
        _figure(row.auroc),
        _range(row.interval),
        *map(_figure, (row.f1, row.cpr, row.cmd, row.stability, row.seconds)),
        str(row.failed),
    )


def _controls(table: Any) -> list[str]:
    """Return what the rows of controls are there for."""
    found = [name for name in CONTROLS if name in table.methods]
    lines = [f"- `{name}`: {CONTROLS[name]}" for name in found]
    if lines:
        lines = ["", "These rows are controls:", "", *lines]
    if any(name.endswith("-code") for name in table.methods):
        lines += ["", CODE]
    return lines


def _picture(name: str, plots: Collection[str]) -> list[str]:
    there = f"{name}.svg" in plots
    return ["", f"![{name.replace('-', ' ')}]({name}.svg)"] if there else []


def _by_kind(
    table: Any, kinds: Mapping[str, Sequence[int]], plots: Collection[str]
) -> list[str]:
    """Return the AP of each method over the models of each kind."""
    rows = []
    for method in table.ranked():
        found = table.figures(method, table.finest(method), AP)
        parts = [found[list(places)] for places in kinds.values()]
        rows.append((method, *map(_with_interval, parts)))
    head = [f"{kind} ({len(places)})" for kind, places in kinds.items()]
    return [
        *("", "## By kind of model"),
        *_picture("kinds", plots),
        *("", BY_KIND),
        *("", *_grid(("method", *head), rows)),
    ]


def _with_interval(values: Any) -> str:
    low, high = interval_of_mean(values)
    mean = _figure(mean_of(values))
    return mean if low != low else f"{mean} ({low:.3f} to {high:.3f})"


def _by_model(table: Any) -> list[str]:
    """Return the AP of each method on each model."""
    order = table.ranked()
    found = {m: table.figures(m, table.finest(m), AP) for m in order}
    rows = [
        (model, *(_figure(found[method][place]) for method in order))
        for place, model in enumerate(table.models)
    ]
    title = "## By model: AP at the finest granularity of a method"
    return ["", title, "", *_grid(("model", *order), rows)]


def _apart(table: Any, plots: Collection[str]) -> list[str]:
    """Return which methods are told apart from which, by AP over edges."""
    order = [row.method for row in table.rows(KINDS[0]) if row.models]
    above: dict[str, int] = dict.fromkeys(order, 0)
    below, same = dict(above), {method: [] for method in order}
    for pair in table.compare(KINDS[0], AP):
        first, second = pair.first, pair.second
        if pair.corrected >= TOLD_APART:
            same[first].append(second)
            same[second].append(first)
            continue
        if pair.difference < 0:
            first, second = second, first
        above[first] += 1
        below[second] += 1
    rows = [
        (method, str(above[method]), str(below[method]), ", ".join(same[method]))
        for method in order
    ]
    head = ("method", "above", "below", "not told apart from")
    said = (
        f"Two methods are told apart if the corrected p value is below {TOLD_APART:g}. "
        "The columns count the methods that one is above or below in this sense."
    )
    title = "## What is told apart: AP, edges into q, k and v"
    return ["", title, *_picture("told-apart", plots), "", said, "", *_grid(head, rows)]


def _pairs(table: Any) -> list[str]:
    """Return every pair of methods, by AP over edges."""
    rows = [
        (
            f"{pair.first} - {pair.second}",
            str(pair.models),
            f"{pair.difference:+.3f}",
            " to ".join(f"{end:+.3f}" for end in pair.interval if end == end),
            f"{pair.corrected:.3g}",
        )
        for pair in table.compare(KINDS[0], AP)
    ]
    head = ("difference", "models", "mean", "95 %", "p (Holm)")
    title = "## Pairs of methods on the same models: AP, edges into q, k and v"
    return ["", title, "", PAIRS, "", *_grid(head, rows)]


def claim_cells(table: Any, claims: str) -> tuple[list[str], list[list[str]]]:
    """Return (header, rows) of the table of methods that make claims of a kind."""
    rows = table.claim_rows(claims)
    first, *rest = rows[0].figures if rows and rows[0].figures else ("",)
    header = ["method", "models", first, "95 %", *rest, "seconds", "failed"]
    cells = [
        [
            row.method,
            str(row.models),
            _figure(row.figures.get(first, float("nan"))),
            _range(row.interval),
            *(_figure(row.figures[name]) for name in rest),
            _figure(row.seconds),
            str(row.failed),
        ]
        for row in rows
    ]
    return header, cells


def _claims(table: Any, claims: str) -> list[str]:
    """Return the section of the methods that make claims of a kind."""
    grid = _grid(*claim_cells(table, claims))
    return ["", f"## {claims.capitalize()}", "", CLAIMS, "", *grid]


def _about(table: Any) -> list[str]:
    seeds = count(len({cell.seed for cell in table.cells}), "seed")
    methods = count(len(table.every_method), "method")
    return [
        f"{methods} ran on {count(len(table.models), 'model')}, each with {seeds}. A "
        "seed draws the pairs of inputs that a method is given; "
        "its scores are measured on other pairs. AUROC and AP count the edges or nodes "
        "whose effect at least one pair can show. The 95 % interval is a bootstrap: "
        "the models are drawn again with replacement. For F1, a method's highest "
        "scores are taken, as many as the circuit has edges or nodes. Stability is the "
        "Jaccard index of what two seeds find. Seconds are the mean over models of a "
        "method's fastest seed, because the others may include compilation. The "
        "figures of a method are means over its runs that ended; for the order of the "
        "methods, a run that failed counts as an average precision of 0."
    ]


def _range(found: Sequence[float]) -> str:
    return " to ".join(filter(None, map(_figure, found)))


def _figure(value: float) -> str:
    return "" if value != value else f"{value:.3f}"


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    marks = [":--", *["--:"] * (len(header) - 1)]
    return [f"| {' | '.join(row)} |" for row in (header, marks, *rows)]
