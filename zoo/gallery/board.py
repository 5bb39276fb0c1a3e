"""The leaderboard as a page: methods by average precision, overall, by kind, by model.

The figures are computed again from the cells that `zoo leaderboard` kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from zoo.cases.bootstrap import Interval, interval_of_mean, mean_of
from zoo.cases.levels import KINDS
from zoo.gallery.board_tables import (
    by_kind,
    by_model,
    figure_shown,
    range_shown,
)
from zoo.gallery.entries import Entry
from zoo.gallery.markup import Content, Markup, number, page, tag
from zoo.scoring.page import AP, TITLES, claim_cells
from zoo.scoring.table import Table

_AUROC = "auroc"


def board_page(
    table: Table, entries: Sequence[Entry], sections: Iterable[tuple[str, str]]
) -> bytes:
    """Return the page of a leaderboard.

    Args:
        table: its cells.
        entries: the releases, for the kinds of models and the links to their pages.
        sections: (name, address) of the links in the header.
    """
    known = {entry.name: entry for entry in entries}
    levels = [level for level in KINDS if _ranked(table, level)]
    return page(
        "Leaderboard: circuitzoo",
        _heading(table),
        [_level_section(table, level) for level in levels],
        [_claims_section(table, claims) for claims in table.claims],
        by_kind(table, known),
        by_model(table, known),
        scripts=("page.js",),
        here="leaderboard.html",
        sections=sections,
        description="How well methods find circuits that are known.",
    )


def _heading(table: Table) -> Markup:
    seeds = len({cell.seed for cell in table.cells})
    failed = sum(c.status not in ("ok", "not asked") for c in table.cells)
    said = (
        f"{len(table.every_method)} methods on {len(table.models)} models, {seeds} seed"
        f"{'s' * (seeds != 1)} each. A method gives a score to every edge or node. "
        "Average precision (AP) is high if the circuit's items have the highest "
        "scores; unlike AUROC, it does not reward a method for the many items that "
        "are easy to leave out. Intervals are 95 %, from a bootstrap over models. "
    )
    lost = f"{failed} of {len(table.cells)} runs gave no figures." if failed else None
    return tag(
        "div", tag("h1", "Leaderboard"), tag("p", said, lost), class_="hero model-hero"
    )


def _ranked(table: Table, level: str) -> list[str]:
    """Return the methods with figures at a granularity, best AP first."""
    means = {m: mean_of(table.figures(m, level, AP)) for m in table.methods}
    kept = [m for m in means if not math.isnan(means[m])]
    return sorted(kept, key=lambda m: (-means[m], m))


def _level_section(table: Table, level: str) -> Markup:
    names = ("method", "AP", "95 %", "from 0 to 1", "AUROC", "models")
    rows = [_row(table, method, level) for method in _ranked(table, level)]
    return _section(TITLES[level], names, rows, level)


def _claims_section(table: Table, claims: str) -> Markup:
    """Return the methods that make claims of another kind than scores."""
    names, cells = claim_cells(table, claims)
    rows = [
        tag(
            "tr",
            tag("th", cell[0], scope="row"),
            [tag("td", text, class_="number") for text in cell[1:]],
        )
        for cell in cells
    ]
    return _section(claims.capitalize(), names, rows, claims)


def _section(
    title: str, names: Sequence[str], rows: Sequence[Content], place: str
) -> Markup:
    return tag(
        "section",
        tag("h2", title),
        tag(
            "div",
            tag(
                "table",
                tag("thead", tag("tr", [tag("th", n, scope="col") for n in names])),
                tag("tbody", rows),
                class_="board sortable",
            ),
            class_="scroll",
            tabindex="0",
        ),
        id=place,
    )


def _row(table: Table, method: str, level: str) -> Markup:
    found = table.figures(method, level, AP)
    interval = interval_of_mean(found)
    auroc = mean_of(table.figures(method, level, _AUROC))
    return tag(
        "tr",
        tag("th", method, scope="row"),
        tag("td", f"{mean_of(found):.3f}", class_="number"),
        tag("td", range_shown(interval), class_="number"),
        tag("td", _whisker(mean_of(found), interval)),
        tag("td", figure_shown(auroc), class_="number"),
        tag("td", str(int((~np.isnan(found)).sum())), class_="number"),
    )


def _whisker(mean: float, interval: Interval) -> Markup:
    """Return a figure on a line from 0 to 1, with its interval."""
    wide = 180.0
    parts: list[Content] = [tag("path", d=f"M0 8h{number(wide)}", class_="rail")]
    if not math.isnan(interval.low):
        low, high = number(wide * interval.low), number(wide * interval.high)
        parts.append(tag("path", d=f"M{low} 8H{high}", class_="range"))
    parts.append(tag("circle", cx=number(wide * mean), cy="8", r="4"))
    return tag(
        "svg",
        parts,
        viewBox=f"-5 0 {number(wide + 10)} 16",
        width=number(wide + 10),
        height="16",
        aria_hidden="true",
        class_="whisker",
    )
