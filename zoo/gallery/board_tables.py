"""The leaderboard by kind of model and by model, and how its figures are written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from zoo.cases.bootstrap import Interval, interval_of_mean, mean_of
from zoo.gallery.entries import Entry
from zoo.gallery.markup import Content, Markup, tag
from zoo.scoring.model_kinds import places_by_kind
from zoo.scoring.page import AP
from zoo.scoring.table import Table

_SCORES = {"qkv": "", "head": " (edges between nodes)", "node": " (nodes)"}
"""What a method scores, where it is not every edge into q, k and v."""


def range_shown(interval: Interval) -> str:
    """Return an interval as text."""
    if math.isnan(interval.low):
        return "too few models"
    return f"{interval.low:.3f} to {interval.high:.3f}"


def figure_shown(value: float) -> str:
    """Return a figure as text, nothing of NaN."""
    return "" if math.isnan(value) else f"{value:.3f}"


def _titled(table: Table, method: str) -> str:
    """Return a method's name, with what it scores if that is coarse."""
    return method + _SCORES[table.finest(method)]


def by_kind(table: Table, known: Mapping[str, Entry]) -> Markup:
    """Return the section with the figures of each kind of model."""
    named = {name: entry.architecture or entry.kind for name, entry in known.items()}
    kinds = places_by_kind(table.models, named)
    head = [f"{kind} ({len(rows)})" for kind, rows in kinds.items()]
    rows = []
    for method in table.ranked():
        found = table.figures(method, table.finest(method), AP)
        rows.append(
            (
                _titled(table, method),
                [_spread(found[places]) for places in kinds.values()],
            )
        )
    return _grid(
        "By kind of model",
        "Average precision at the finest granularity of each method, with its interval "
        "over the models of the kind where there are three or more.",
        head,
        rows,
        "kinds",
        "method",
    )


def _spread(values: np.ndarray) -> Content:
    mean, interval = mean_of(values), interval_of_mean(values)
    if math.isnan(mean):
        return ""
    spread = "" if math.isnan(interval.low) else range_shown(interval)
    return [tag("b", f"{mean:.3f}"), " ", tag("small", spread)]


def by_model(table: Table, known: Mapping[str, Entry]) -> Markup:
    """Return the section with the figures of each model."""
    methods = table.ranked()
    figures = {m: table.figures(m, table.finest(m), AP) for m in methods}
    rows = []
    for place, line in enumerate(table.models):
        entry = known.get(line.partition("@")[0])
        name: Content = tag("a", line, href=entry.page) if entry else line
        rows.append((name, [figure_shown(figures[m][place]) for m in methods]))
    return _grid(
        "By model",
        "Average precision at the finest granularity of each method.",
        [_titled(table, method) for method in methods],
        rows,
        "models",
        "model",
    )


def _grid(
    title: str,
    lead: str,
    head: Sequence[str],
    rows: Sequence[tuple[Content, Sequence[Content]]],
    name: str,
    first: str,
) -> Markup:
    lines = [
        tag(
            "tr",
            tag("th", title_of_row, scope="row"),
            [tag("td", cell, class_="number") for cell in cells],
        )
        for title_of_row, cells in rows
    ]
    titles = [tag("th", word, scope="col") for word in (first, *head)]
    table = tag(
        "table",
        tag("thead", tag("tr", titles)),
        tag("tbody", lines),
        class_="sortable wide",
    )
    return tag(
        "section",
        tag("h2", title),
        tag("p", lead, class_="lead"),
        tag("div", table, class_="scroll", tabindex="0"),
        id=name,
    )
