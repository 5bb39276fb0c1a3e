"""Reports and tables as lines of text, for terminals of 80 columns."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from compiler.grid import align
from zoo.cases.levels import KINDS
from zoo.methods.choices import AT, read_choice
from zoo.scoring.page import claim_cells

SHOWN = ("ablation", "loss", "direction")
"""Choices that have a column of their own in the table of a grid."""
WIDTH = 79
MOST_LINES = 20


def report_lines(
    report: Any, rows: Sequence[tuple[str, Any]] | None = None
) -> list[str]:
    """Return a `Report`: how it was taken, figures, what was missed and why.

    Args:
        report: is shown whole.
        rows: (label, report) of the table of figures; the report alone by default.
    """
    rows = [("scores", report)] if rows is None else rows
    return [*_heading(report), "", *_rows(rows), "", *_lost(report)]


def _heading(report: Any) -> list[str]:
    record = report.record
    left = (
        f"{report.undetectable} undetectable and {report.constant} constant not counted"
    )
    lines = [
        f"{report.model}: {report.counted} items ({record.granularity}), "
        f"{report.true} of them true; {left}",
        f"  read as {record.source or 'a dict'}, sign {record.sign}; "
        f"AUROC {record.convention}",
        f"  {record.pairs} pairs, {record.ablation} ablation of the complement, "
        f"positions: {record.positions}",
        *(f"  note: {warning}" for warning in report.warnings),
    ]
    return [part for line in lines for part in folded(line)]


def folded(line: str) -> list[str]:
    """Return a line as lines of a terminal, later ones further in."""
    inside = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, WIDTH, subsequent_indent=inside, break_on_hyphens=False)


def _rows(rows: Sequence[tuple[str, Any]]) -> list[str]:
    head = ("", "AUROC", "95 %", "AP", "F1", "SHD", "CPR", "CMD")
    cells = [
        (
            name,
            f"{r.auroc:.3f}",
            interval(r.auroc_interval),
            f"{r.average_precision:.3f}",
            f"{r.f1:.3f}",
            f"{r.hamming:.4g}",
            f"{r.cpr:.3f}" if r.cpr == r.cpr else "",
            f"{r.cmd:.3f}" if r.cmd == r.cmd else "",
        )
        for name, r in rows
    ]
    return align([head, *cells])


def _lost(report: Any) -> list[str]:
    lines = [
        f"MISSED  {len(report.missed)} of {report.true} true items are not among the "
        f"{report.k} highest"
    ]
    for missed in report.missed[:MOST_LINES]:
        lines += _missed(missed)
    if len(report.missed) > MOST_LINES:
        left = len(report.missed) - MOST_LINES
        lines.append(f"  and {left} more: --out and to_json() have all")
    lines += ["", f"SPURIOUS  {len(report.spurious)} found and not true"]
    lines += [
        f"  {wrong.item}  score {wrong.score:.4g}, rank {wrong.rank}"
        for wrong in report.spurious[:MOST_LINES]
    ]
    return lines


def _missed(missed: Any) -> list[str]:
    carried = ", ".join(v for known in missed.edges for v in known.carries)
    lines = [
        f"  {missed.item}  score {missed.score:.4g}, rank {missed.rank}; carries "
        f"{carried}"
    ]
    witness = missed.witness
    if witness is not None:
        shift = f", positions shifted by {witness['turn']}" if witness["turn"] else ""
        lines += [
            f"      {_list(witness['base'])} donor {_list(witness['source'])}{shift}",
            f"      {_list(witness['before'])} -> {_list(witness['after'])}",
        ]
    return lines


def _list(values: Any) -> str:
    return json.dumps(values, separators=(",", ":"))


def table_lines(table: Any) -> list[str]:
    """Return a `Table`: figures at each granularity, and what has none."""
    if any(AT in name for name in table.methods):
        lines = _grid_lines(table)
    else:
        lines = _plain_lines(table)
    failed = [cell for cell in table.cells if cell.status != "ok"]
    if failed:
        lines += ["WITHOUT FIGURES"]
        for c in failed:
            lines += folded(
                f"  {c.method} on {c.model}, seed {c.seed}: {c.status}, {c.error}"
            )
        lines += [""]
    return lines[:-1]


def _plain_lines(table: Any) -> list[str]:
    head = ("", "models", "AUROC", "95 %", "AP", "seconds", "failed")
    lines = []
    for level in KINDS:
        rows = [
            (
                row.method,
                str(row.models),
                f"{row.auroc:.3f}",
                interval(row.interval),
                f"{row.average_precision:.3f}",
                f"{row.seconds:.2f}",
                str(row.failed),
            )
            for row in table.rows(level)
        ]
        if rows:
            lines += [level.upper(), *align([head, *rows]), ""]
    for claims in table.claims:
        titles, cells = claim_cells(table, claims)
        lines += [claims.upper(), *align([titles, *cells]), ""]
    return lines


def _grid_lines(table: Any) -> list[str]:
    """Return the figures of a grid: a column for each choice that differs."""
    parts = {name: name.partition(AT) for name in table.methods}
    every = {name: read_choice(rest) for name, (_, _, rest) in parts.items()}
    noises = {choice.noise for choice in every.values()}
    axes = [f for f in SHOWN if len({getattr(c, f) for c in every.values()}) > 1]
    if len(noises) > 1 and "ablation" not in axes:
        axes.insert(0, "ablation")
    lines = []
    for level in KINDS:
        rows = []
        for row in table.rows(level):
            choice, name = every[row.method], parts[row.method][0]
            cells = {axis: str(getattr(choice, axis)) for axis in axes}
            if choice.ablation == "gaussian" and "ablation" in axes:
                cells["ablation"] += f", {choice.noise:g}"
            blank = "untrained " if choice.weights == "random" else ""
            figures = f"{row.auroc:.3f}", f"{row.average_precision:.3f}"
            rows.append((blank + name, *cells.values(), str(row.models), *figures))
        if rows:
            head = ("", *axes, "models", "AUROC", "AP")
            lines += [level.upper(), *align([head, *rows]), ""]
    return lines


def interval(found: tuple[float, float]) -> str:
    """Return an interval as text; nothing where there is none."""
    low, high = found
    return f"{low:.3f}..{high:.3f}" if low == low else ""
