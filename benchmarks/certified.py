"""What do models that do not give their circuit away change for methods?

The same programs twice: the first version of each trained release, and the version
whose audit was full, which was trained so that nothing gives the circuit away. Methods
are run on both with one draw of 256 pairs, and scored on other pairs. Cells are kept
under `out/certified` as they are made, and those that are there are not run again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from benchmarks.giveaways import SETS
from benchmarks.report import Table, Target

if TYPE_CHECKING:
    from zoo.scoring.table import Table as Cells

METHODS = ("random", "weight-norm", "relp", "eap", "eap-ig-inputs", "atp-qk", "exact")
CONTROLS = ("random", "weight-norm")
SEEDS = 10
"""Random scores differ from draw to draw more than any method, so there are ten."""
CELLS = Path("out/certified")
LEVEL = "qkv"


def measure(quick: bool) -> dict[str, Any]:
    """Return mean figures of every method on both sets of models."""
    from zoo.scoring.evaluate import evaluate
    from zoo.scoring.suites import models_of

    full = [
        line for line in models_of("certified") if f"{line}@1" in models_of("first")
    ]
    if quick:
        full = full[:2]
    lines = {"first": [f"{line}@1" for line in full], "full": full}
    cells = {
        which: evaluate(list(METHODS), some, 1, out=CELLS)
        for which, some in lines.items()
    }
    means = {which: _means(table) for which, table in cells.items()}
    for which, some in lines.items():
        drawn = evaluate("random", some, SEEDS, out=CELLS)
        means[which]["random"] = _mean_of(drawn, "random")
    tried = [m for m in METHODS if m not in CONTROLS]
    ranks = [[means[which][m]["average_precision"] for m in tried] for which in SETS]
    tau: Any = stats.kendalltau(*ranks)
    return {"models": full, "means": means, "tau": round(float(tau.statistic), 4)}


def _means(table: Cells) -> dict[str, dict[str, float]]:
    return {method: _mean_of(table, method) for method in METHODS}


def _mean_of(table: Cells, method: str) -> dict[str, float]:
    """Return the means of one method over all its cells."""
    own = [c for c in table.cells if c.method == method and c.status == "ok"]
    found: dict[str, float] = {"cells": len(own)}
    for figure in ("average_precision", "auroc"):
        values = [c.figures[LEVEL][figure] for c in own]
        known = [v for v in values if v is not None]
        found[figure] = round(float(np.mean(known)), 4)
    return found


def tables(result: dict[str, Any]) -> list[Table]:
    """Return a row a method."""
    columns = [f"{s}, {name}" for s in SETS for name in ("AP", "AUROC")]
    rows = [
        [
            method,
            *(
                f"{result['means'][s][method][figure]:.3f}"
                for s in SETS
                for figure in ("average_precision", "auroc")
            ),
        ]
        for method in METHODS
    ]
    note = (
        "first: the first versions; full: those whose audit was full. Kendall's tau "
        "between the orders of the methods by AP, controls left out: "
        f"{result['tau']:.2f}."
    )
    title = f"Methods on {len(result['models'])} programs, in two versions each"
    return [Table(title, ["<method", *columns], rows, [note])]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether the weight norm is near random scores on audited models."""
    means = result["means"]["full"]
    norm, random = (means[m]["average_precision"] for m in ("weight-norm", "random"))
    return [
        Target(
            "AP of the weight norm over that of random scores, fully audited models",
            "at most 1.5",
            f"{norm / random:.2f}",
            norm <= 1.5 * random,
        )
    ]
