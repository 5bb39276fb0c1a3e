"""The plots of a leaderboard: every method, by kind of model, and what is told apart.

Each is an SVG and a PNG, the same bytes every time. Methods are ordered by average
precision (AP), the best on top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from compiler.errors import count
from zoo.cases.bootstrap import interval_of_mean, mean_of
from zoo.cases.levels import KINDS
from zoo.scoring.page import AP, TITLES, TOLD_APART
from zoo.scoring.plot import new_figure, save_figure
from zoo.scoring.table import Row, Table

SUFFIXES = (".svg", ".png")
KINDS_PLOT, PAIRS_PLOT = "kinds", "told-apart"
_BLUE, _GRAY, _ORANGE = "#1f5fa8", "0.6", "#c2571a"


def write_plots(
    table: Table, kinds: Mapping[str, Sequence[int]], folder: Path
) -> list[Path]:
    """Write all plots of a table that has scores, and return their files.

    Args:
        table: the cells.
        kinds: by kind, the places of its models among the table's.
        folder: where to.
    """
    figures = {level: _methods(table, level) for level in KINDS}
    figures[KINDS_PLOT] = _by_kind(table, kinds)
    figures[PAIRS_PLOT] = _told_apart(table)
    written = []
    for name, figure in figures.items():
        if figure is None:
            continue
        for suffix in SUFFIXES:
            written.append(folder / f"{name}{suffix}")
            save_figure(figure, written[-1])
    return written


def _rows(table: Table, level: str) -> list[Row]:
    """Return the methods with figures, the best last, so that it is drawn on top."""
    return [row for row in table.rows(level) if row.models][::-1]


def _methods(table: Table, level: str) -> Any:
    """Return a plot of AP, with intervals, and of AUROC at a granularity."""
    rows = _rows(table, level)
    if not rows:
        return None
    figure, axes = new_figure(2, width=4.6, height=1.1 + 0.27 * len(rows), share_y=True)
    places = np.arange(len(rows))
    plain = [
        ("average precision", [r.average_precision for r in rows], "ap_interval"),
        ("AUROC", [row.auroc for row in rows], "interval"),
    ]
    for axis, (title, values, name) in zip(axes, plain, strict=True):
        low, high = np.array([getattr(row, name) for row in rows]).T
        off = np.abs([np.array(values) - low, high - np.array(values)])
        axis.errorbar(values, places, xerr=off, fmt="o", color=_BLUE, markersize=4)
        axis.set(xlim=(-0.03, 1.03), xlabel=title)
        axis.grid(axis="y", color="0.92")
        axis.set_axisbelow(True)
    axes[1].axvline(0.5, color=_GRAY, linewidth=0.8)
    axes[0].set_yticks(places, [row.method for row in rows])
    axes[0].margins(y=0.5 / len(rows))
    models = count(len(table.models), "model")
    figure.suptitle(f"{TITLES[level]}: mean and 95 % interval over {models}")
    return figure


def _by_kind(table: Table, kinds: Mapping[str, Sequence[int]]) -> Any:
    """Return a plot of AP by kind of model: a column each, the models as small dots."""
    if not table.methods or not kinds:
        return None
    order = table.ranked()[::-1]
    figure, axes = new_figure(
        len(kinds), width=2.3, height=1.2 + 0.27 * len(order), share_y=True
    )
    for axis, (kind, places) in zip(axes, kinds.items(), strict=True):
        for at, method in enumerate(order):
            found = table.figures(method, table.finest(method), AP)[list(places)]
            found = found[~np.isnan(found)]
            axis.plot(found, np.full(len(found), at), ".", color=_GRAY, markersize=3)
            low, high = interval_of_mean(found)
            if low == low:
                axis.plot([low, high], [at, at], color=_BLUE, linewidth=1.5)
            axis.plot([mean_of(found)], [at], "o", color=_BLUE, markersize=4)
        axis.set(xlim=(-0.05, 1.05), xlabel="average precision")
        axis.set_title(f"{kind} ({count(len(places), 'model')})", fontsize=9)
        axis.grid(axis="y", color="0.92")
        axis.set_axisbelow(True)
    axes[0].set_yticks(np.arange(len(order)), order)
    axes[0].margins(y=0.5 / len(order))
    return figure


def _told_apart(table: Table) -> Any:
    """Return a plot of differences of AP; a square is filled if they are told apart."""
    order = [row.method for row in _rows(table, KINDS[0])][::-1]
    if len(order) < 2:
        return None
    size = 1.6 + 0.27 * len(order)
    figure, (axis,) = new_figure(1, width=size + 1.4, height=size)
    place = {method: at for at, method in enumerate(order)}
    for pair in table.compare(KINDS[0], AP):
        apart = pair.corrected < TOLD_APART
        for one, other, sign in (
            (pair.first, pair.second, 1),
            (pair.second, pair.first, -1),
        ):
            above = sign * pair.difference > 0
            color = _BLUE if above else _ORANGE
            axis.plot(
                place[other],
                place[one],
                "s",
                markersize=9,
                color=color,
                markerfacecolor=color if apart else "none",
                alpha=1.0 if apart else 0.45,
            )
    places = np.arange(len(order))
    axis.set_xticks(places, order, rotation=90)
    axis.set_yticks(places, order)
    axis.set(xlim=(-0.6, len(order) - 0.4), ylim=(len(order) - 0.4, -0.6), aspect=1)
    axis.set_title(
        "row against column: blue above, orange below;\nfilled where told apart "
        f"(Holm, p < {TOLD_APART:g})",
        fontsize=9,
    )
    return figure
