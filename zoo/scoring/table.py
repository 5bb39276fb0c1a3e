"""A table of cells: means over models, with intervals and paired tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from compiler import html
from compiler.errors import unknown_name
from zoo.cases.bootstrap import interval_of_mean, mean_of
from zoo.cases.levels import KINDS
from zoo.scoring.cells import SCORES, Cell
from zoo.scoring.page import AP
from zoo.scoring.table_rows import ClaimRow, MethodPair, Row


@dataclass(frozen=True)
class Table:
    """Cells, and what they say.

    Attributes:
        cells: one for each method, model and seed.
    """

    cells: tuple[Cell, ...]

    def __repr__(self) -> str:
        failed = sum(cell.status != "ok" for cell in self.cells)
        return (
            f"<Table: {len(self.every_method)} methods, {len(self.models)} models, "
            f"{len(self.cells)} cells, {failed} without figures>"
        )

    def __str__(self) -> str:
        from zoo.scoring.lines import table_lines

        return "\n".join(table_lines(self))

    def _repr_html_(self) -> str:
        parts = []
        for level in KINDS:
            rows = [
                (
                    row.method,
                    row.models,
                    f"{row.auroc:.3f}",
                    f"{row.average_precision:.3f}",
                    f"{row.seconds:.2f}",
                    row.failed,
                )
                for row in self.rows(level)
            ]
            titles = ("method", "models", "AUROC", "AP", "seconds", "failed")
            if rows:
                parts += [html.heading(level), html.table(titles, rows)]
        return "".join(parts) or html.line("no results")

    @cached_property
    def _seeds(self) -> Mapping[tuple[str, str], Sequence[Cell]]:
        """The cells of each method and model."""
        found: dict[tuple[str, str], list[Cell]] = {}
        for cell in self.cells:
            found.setdefault((cell.method, cell.model), []).append(cell)
        return found

    @cached_property
    def _compared(self) -> dict[tuple[str, str], list[MethodPair]]:
        """What `compare` found: hundreds of tests, which several pages show."""
        return {}

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that give scores, in order of appearance."""
        return self.methods_of(SCORES.name)

    @property
    def every_method(self) -> tuple[str, ...]:
        """The methods of all kinds of claims, in order of appearance."""
        return tuple(dict.fromkeys(cell.method for cell in self.cells))

    def methods_of(self, claims: str) -> tuple[str, ...]:
        """Return the methods that make claims of a kind, in order of appearance."""
        found = (cell.method for cell in self.cells if cell.claims == claims)
        return tuple(dict.fromkeys(found))

    @property
    def claims(self) -> tuple[str, ...]:
        """The kinds of claims other than scores, in order of appearance."""
        kinds = dict.fromkeys(cell.claims for cell in self.cells)
        return tuple(kind for kind in kinds if kind != SCORES.name)

    @property
    def models(self) -> tuple[str, ...]:
        """The models, in order of appearance."""
        return tuple(dict.fromkeys(cell.model for cell in self.cells))

    def figure(
        self, method: str, model: str, level: str = "qkv", name: str = "auroc"
    ) -> float:
        """Return a figure's mean over seeds; NaN without one."""
        found = [
            cell.figures.get(level, {}).get(name)
            for cell in self._seeds.get((method, model), ())
        ]
        kept = [value for value in found if value is not None]
        return float(np.mean(kept)) if kept else float("nan")

    def figures(
        self, method: str, level: str = "qkv", name: str = "auroc"
    ) -> np.ndarray:
        """Return a figure of every model."""
        return np.array([self.figure(method, m, level, name) for m in self.models])

    def rows(self, level: str = "qkv") -> list[Row]:
        """Return the methods that have figures at a granularity, the best AP first.

        For the order alone, a run that failed counts as an average precision of 0: a
        method that fails on hard models gains nothing by it.

        Raises:
            NameLookupError: there is no such granularity.
        """
        if level not in KINDS:
            raise unknown_name("granularity", level, KINDS)
        found = [self._row(method, level) for method in self.methods]
        kept = [row for row in found if row.models or row.failed]
        return sorted(kept, key=lambda r: (-self._standing(r.method, level), r.method))

    def finest(self, method: str) -> str:
        """Return the finest granularity at which a method has figures."""
        for level in KINDS:
            if not np.isnan(self.figures(method, level, AP)).all():
                return level
        return KINDS[-1]

    def ranked(self) -> list[str]:
        """Return the methods that give scores, the best AP at their finest first."""
        means = {m: self._standing(m, self.finest(m)) for m in self.methods}
        return sorted(means, key=lambda m: (-means[m], m))

    def claim_rows(self, claims: str) -> list[ClaimRow]:
        """Return the methods that make claims of a kind, the best first figure first.

        Args:
            claims: the kind, one of `claims`.
        """
        known = [c.figures[claims] for c in self.cells if claims in c.figures]
        names = tuple(known[0]) if known else ()
        rows = [self._claim_row(m, claims, names) for m in self.methods_of(claims)]
        return sorted(rows, key=lambda r: (-_first(r.figures), r.method))

    def compare(self, level: str = "qkv", name: str = "auroc") -> list[MethodPair]:
        """Return every pair of methods, paired over models, corrected for their number.

        Models on which both are the same say nothing and are left out of the test.
        """
        if (level, name) not in self._compared:
            rows = [row.method for row in self.rows(level) if row.models]
            found = [self._pair(a, b, level, name) for a, b in combinations(rows, 2)]
            corrected = holm([pair.p for pair in found])
            self._compared[level, name] = [
                replace(pair, corrected=p)
                for pair, p in zip(found, corrected, strict=True)
            ]
        return self._compared[level, name]

    def to_json(self) -> dict[str, Any]:
        """Return rows, pairs and cells as JSON values; NaN is null.

        The pairs are compared by AUROC.
        """
        return _plain(
            {
                "format": "circuitzoo.table",
                "format_version": 1,
                "levels": {
                    level: {
                        "rows": [asdict(row) for row in self.rows(level)],
                        "pairs": [asdict(pair) for pair in self.compare(level)],
                    }
                    for level in KINDS
                },
                "claims": {
                    claims: [asdict(row) for row in self.claim_rows(claims)]
                    for claims in self.claims
                },
                "cells": [asdict(cell) for cell in self.cells],
            }
        )

    def to_markdown(self) -> str:
        """Return a page: a table for each granularity, one by model, what failed."""
        from zoo.scoring.page import page

        return page(self)

    def _standing(self, method: str, level: str) -> float:
        """Return the AP that a method is ordered by; a run that failed counts as 0."""
        found = []
        for model in self.models:
            cells = self._seeds.get((method, model), ())
            runs = [
                cell.figures.get(level, {}).get(AP) if cell.status == "ok" else 0.0
                for cell in cells
            ]
            if kept := [run for run in runs if run is not None]:
                found.append(np.mean(kept))
        return float(np.mean(found)) if found else 0.0

    def _row(self, method: str, level: str) -> Row:
        def mean(name: str) -> float:
            return mean_of(self.figures(method, level, name))

        cells = [cell for cell in self.cells if cell.method == method]
        auroc = self.figures(method, level)
        return Row(
            method=method,
            models=int((~np.isnan(auroc)).sum()),
            auroc=mean("auroc"),
            interval=interval_of_mean(auroc),
            average_precision=mean("average_precision"),
            f1=mean("f1"),
            cpr=mean("cpr"),
            cmd=mean("cmd"),
            stability=_stability(cells),
            seconds=self._seconds(method),
            failed=sum(cell.status != "ok" for cell in cells),
            ap_interval=interval_of_mean(self.figures(method, level, AP)),
        )

    def _claim_row(self, method: str, claims: str, names: Sequence[str]) -> ClaimRow:
        found = {name: self.figures(method, claims, name) for name in names}
        first = next(iter(found.values()), np.zeros(0))
        cells = [cell for cell in self.cells if cell.method == method]
        asked = [cell for cell in cells if cell.status != "not asked"]
        return ClaimRow(
            method=method,
            models=int((~np.isnan(first)).sum()),
            figures={name: mean_of(values) for name, values in found.items()},
            interval=interval_of_mean(first),
            seconds=self._seconds(method),
            failed=sum(cell.status != "ok" for cell in asked),
            not_asked=len(cells) - len(asked),
        )

    def _seconds(self, method: str) -> float:
        """Return the mean over models of a method's fastest seed; NaN without any."""
        every = (self._seeds.get((method, model), ()) for model in self.models)
        done = ([c.seconds for c in cells if c.status == "ok"] for cells in every)
        return mean_of(np.array([min(seconds) for seconds in done if seconds]))

    def _pair(self, first: str, second: str, level: str, name: str) -> MethodPair:
        gap = self.figures(first, level, name) - self.figures(second, level, name)
        gap = gap[~np.isnan(gap)]
        p = 1.0
        if len(gap) and (gap != 0).any():
            tested: Any = stats.wilcoxon(gap, zero_method="wilcox")
            p = float(tested.pvalue)
        difference = float(gap.mean()) if len(gap) else float("nan")
        interval = interval_of_mean(gap)
        return MethodPair(first, second, len(gap), difference, interval, p, p)


def _first(figures: Mapping[str, float]) -> float:
    """Return the figure that ranks; one that is not defined is below all."""
    value = next(iter(figures.values()), float("nan"))
    return float("-inf") if np.isnan(value) else value


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979)."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    corrected, worst = [0.0] * len(values), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, (len(values) - rank) * values[i]))
        corrected[i] = worst
    return corrected


def _stability(cells: Sequence[Cell]) -> float:
    """Return the mean Jaccard index of what two seeds find on one model."""
    found = []
    models: dict[str, list[set[str]]] = {}
    for cell in cells:
        if cell.status == "ok":
            models.setdefault(cell.model, []).append(set(cell.found))
    for seeds in models.values():
        for one, other in combinations(seeds, 2):
            found.append(len(one & other) / max(len(one | other), 1))
    return float(np.mean(found)) if found else float("nan")


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, tuple | list):
        return [_plain(value) for value in data]
    if isinstance(data, float | np.floating):
        return float(data) if np.isfinite(data) else None
    return data
