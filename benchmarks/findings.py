"""Which methods find which circuits? All methods on all kinds of models.

Trained models are the releases of the suite `first`, with three seeds; the others are
six programs of the library, compiled, rotated to a random basis, and with decoys that
nothing reads, with one. A seed draws the 256 pairs that a method gets; scores are
measured on other pairs. Cells are kept under `out/findings` as they are made, and those
that are there are not run again. `docs/findings.md` says what comes out of it.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.report import Table, Target

if TYPE_CHECKING:
    from zoo.scoring.table import Table as Cells

SUITES = {
    "trained": ("first", 3),
    "compiled": ("compiled", 1),
    "rotated": ("rotated", 1),
    "decoys": ("decoys", 1),
}
"""Kind of model: suite, number of seeds."""
CELLS = Path("out/findings")
JOBS, HOURS = 2, 2
LEVELS = ("qkv", "head", "node")
SLOTS = ("q", "k", "v", "mlp", "logits")
FEWER = (5, 10, 20)
"""Numbers of models for which the width of intervals is measured too."""
DRAWS = 200


def measure(quick: bool) -> dict[str, Any]:
    """Return figures of every method on every kind of model."""
    from zoo.methods import known_methods
    from zoo.scoring.evaluate import evaluate
    from zoo.scoring.suites import models_of

    names = list(known_methods())
    suites = {kind: models_of(suite) for kind, (suite, _) in SUITES.items()}
    seeds = {kind: seeds for kind, (_, seeds) in SUITES.items()}
    if quick:
        names = ["oracle", "random", "weight-norm", "eap", "nap-noising"]
        suites = {"trained": suites["trained"][:2], "compiled": ["reverse"]}
        seeds = dict.fromkeys(suites, 1)
    cells = {}
    for kind, lines in suites.items():
        _run_missing(names, lines, seeds[kind])
        cells[kind] = evaluate(names, lines, seeds[kind], out=CELLS)
    return {
        "models": {kind: len(lines) for kind, lines in suites.items()},
        "seeds": seeds,
        "cells": {kind: len(table.cells) for kind, table in cells.items()},
        "seconds": {
            kind: round(sum(cell.seconds for cell in table.cells), 1)
            for kind, table in cells.items()
        },
        "failed": {
            kind: [
                f"{c.method} on {c.model}, seed {c.seed}: {c.status}, {c.error}"
                for c in table.cells
                if c.status != "ok"
            ]
            for kind, table in cells.items()
        },
        "figures": {kind: _figures(table) for kind, table in cells.items()},
        "by_model": {
            model: {m: _plain(cells["trained"].figure(m, model)) for m in names}
            for model in suites["trained"]
        },
        "order": _order(cells["trained"]),
        "widths": _widths(cells["trained"]),
        "slots": {kind: _slots(table) for kind, table in cells.items()},
    }


def _run_missing(names: list[str], models: list[str], seeds: int) -> None:
    """Run what is missing in processes of one thread."""
    command = [sys.executable, "-m", "zoo", "evaluate", "--out", str(CELLS)]
    command += [f"--method={name}" for name in names]
    command += [f"--suite={line}" for line in models]
    command += ["--seeds", str(seeds), "--jobs", str(JOBS)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _figures(table: Cells) -> dict[str, dict[str, Any]]:
    """Return, by granularity and method, means over models."""
    return {
        level: {
            row.method: {
                "auroc": _plain(row.auroc),
                "low": _plain(row.interval.low),
                "high": _plain(row.interval.high),
                "average_precision": _plain(row.average_precision),
                "cpr": _plain(row.cpr),
                "stability": _plain(row.stability),
                "seconds": _plain(row.seconds),
                "models": row.models,
            }
            for row in table.rows(level)
        }
        for level in LEVELS
    }


def _order(table: Cells) -> dict[str, dict[str, float]]:
    """Return how much the order of methods at one granularity is that at another.

    Kendall's tau-b of the mean AUROCs over the methods that score edges, controls left
    out, and the middle 95 % of it with models drawn again.
    """
    from scipy import stats

    methods = [m for m in table.methods if m not in ("oracle", "random")]
    values = {
        level: np.array([table.figures(m, level) for m in methods]) for level in LEVELS
    }
    kept = ~np.isnan(values["qkv"]).all(axis=1)
    values = {level: found[kept] for level, found in values.items()}
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(table.models), (1000, len(table.models)))

    def tau(one: str, other: str, rows: Any) -> float:
        first, second = (np.nanmean(values[v][:, rows], axis=1) for v in (one, other))
        found: Any = stats.kendalltau(first, second)
        return float(found.statistic)

    result = {}
    for one, other in (("qkv", "head"), ("qkv", "node"), ("head", "node")):
        taus = [tau(one, other, rows) for rows in drawn]
        low, high = np.percentile(taus, [2.5, 97.5])
        every = tau(one, other, np.arange(len(table.models)))
        result[f"{one} and {other}"] = {
            "tau": round(every, 4),
            "low": round(float(low), 4),
            "high": round(float(high), 4),
            "methods": int(kept.sum()),
        }
    return result


def _widths(table: Cells) -> dict[str, Any]:
    """Return how wide intervals are with fewer models, and which pairs differ."""
    from zoo.cases.bootstrap import interval_of_mean

    rng = np.random.default_rng(0)
    methods = [row.method for row in table.rows() if row.models and row.auroc < 1]
    values = {m: table.figures(m) for m in methods}
    widths: dict[str, float] = {}
    for size in (*(n for n in FEWER if n < len(table.models)), len(table.models)):
        found = []
        for draw in range(DRAWS if size < len(table.models) else 1):
            rows = rng.permutation(len(table.models))[:size]
            for method in methods:
                low, high = interval_of_mean(values[method][rows], seed=draw, draws=200)
                found.append(high - low)
        widths[str(size)] = round(float(np.nanmean(found)), 4)
    pairs = [p for p in table.compare() if "oracle" not in (p.first, p.second)]
    return {
        "mean_width": widths,
        "pairs": len(pairs),
        "differ": sum(p.corrected < 0.05 for p in pairs),
    }


def _slots(table: Cells) -> dict[str, dict[str, float]]:
    """Return by method what share of true edges into each kind of reader it finds."""
    from zoo.cases.levels import Level
    from zoo.scoring.marking import mark
    from zoo.scoring.suites import open_model

    true: dict[str, dict[str, str]] = {}
    for model in table.models:
        case = open_model(model, split="test")
        level = Level(case.names, "qkv")
        marks = mark(case, level)
        items = [i for i, t in zip(level.items, marks.true, strict=True) if t]
        readers = {item: case.names.parse_edge(item).reader for item in items}
        parts = {item: case.names.reader_parts[r] for item, r in readers.items()}
        true[model] = {item: part.slot or part.kind for item, part in parts.items()}
    hits: dict[str, dict[str, list[bool]]] = {}
    for cell in table.cells:
        if cell.status != "ok" or "qkv" not in cell.figures:
            continue
        own = hits.setdefault(cell.method, defaultdict(list))
        for item, slot in true[cell.model].items():
            own[slot].append(item in cell.found)
    return {
        method: {slot: round(float(np.mean(v)), 4) for slot, v in own.items()}
        for method, own in hits.items()
    }


def _plain(value: float) -> float | None:
    return round(float(value), 6) if value == value else None


def tables(result: dict[str, Any]) -> list[Table]:
    """Return AUROC by kind of model, granularities, widths, kinds of edges."""
    return [_by_kind(result), _by_level(result), _width_table(result), *_found(result)]


def _by_kind(result: dict[str, Any]) -> Table:
    kinds = list(result["models"])
    trained = result["figures"]["trained"]["qkv"]
    rows = []
    for method, row in trained.items():
        others = (result["figures"][k]["qkv"].get(method) for k in kinds[1:])
        if row["auroc"] is not None:
            rows.append(
                (
                    method,
                    _shown(row["auroc"]),
                    f"{_shown(row['low'])} to {_shown(row['high'])}",
                    *(_shown(other and other["auroc"]) for other in others),
                    _shown(row["average_precision"]),
                    _shown(row["stability"]),
                    f"{row['seconds']:.2f}",
                )
            )
    header = (
        "<method",
        "trained",
        "95 %",
        *kinds[1:],
        "AP, trained",
        "stability",
        "seconds",
    )
    counts = ", ".join(
        f"{n} {kind} (seeds: {result['seeds'][kind]})"
        for kind, n in result["models"].items()
    )
    note = (
        f"Models: {counts}. Intervals are over models drawn "
        "again; stability is the Jaccard index of what two seeds find in a trained "
        "model; seconds are wall time a model once compiled, on a busy machine."
    )
    return Table("AUROC over edges into q, k and v", header, rows, (note,))


def _by_level(result: dict[str, Any]) -> Table:
    levels = result["figures"]["trained"]
    places = {
        level: {m: i for i, m in enumerate(rows, start=1)}
        for level, rows in levels.items()
    }
    methods = dict.fromkeys(m for rows in levels.values() for m in rows)
    rows = []
    for method in methods:
        cells = [levels[level].get(method) for level in LEVELS]
        shown = [
            f"{cell['auroc']:.3f} ({places[level][method]})"
            if cell and cell["auroc"] is not None
            else ""
            for level, cell in zip(LEVELS, cells, strict=True)
        ]
        rows.append((method, *shown))
    notes = [
        f"Order of methods by {pair}: Kendall's tau {found['tau']:.2f} "
        f"({found['low']:.2f} to {found['high']:.2f}), {found['methods']} methods."
        for pair, found in result["order"].items()
    ]
    title = "Trained models: AUROC (place) by what is true or not"
    return Table(title, ("<method", *LEVELS), rows, notes)


def _width_table(result: dict[str, Any]) -> Table:
    widths = result["widths"]
    rows = [(size, f"{w:.3f}") for size, w in widths["mean_width"].items()]
    note = (
        f"On all trained models {widths['differ']} of {widths['pairs']} pairs of "
        "methods differ (Wilcoxon, p < .05 after Holm's correction)."
    )
    title = "Width of the 95 % interval of a mean AUROC, by number of trained models"
    return Table(title, ("models", "mean width"), rows, (note,))


def _found(result: dict[str, Any]) -> list[Table]:
    tables = []
    for kind, slots in result["slots"].items():
        order = sorted(slots, key=lambda m: -sum(slots[m].values()))
        rows = [(m, *(_shown(slots[m].get(s)) for s in SLOTS)) for m in order]
        title = f"Share of true edges among the highest scores, {kind} models"
        tables.append(Table(title, ("<method", *SLOTS), rows))
    return tables


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the time of the trained models' cells, and what has no figures."""
    hours = result["seconds"]["trained"] / 3600 / JOBS
    failed = sum(map(len, result["failed"].values()))
    what = f"all methods on {result['models']['trained']} trained models"
    return [
        Target(
            f"{what}, {result['seeds']['trained']} seeds: the methods' clocks",
            f"{HOURS} h on {JOBS} cores",
            f"{hours:.2f} h for {result['cells']['trained']} cells",
            hours <= HOURS,
        ),
        Target("cells without figures", "0", str(failed), failed == 0),
    ]
