"""Which attribution methods find the positions that outputs depend on?

All built-in methods on every third release, and on the named cases. The truth is known
by enumeration (`zoo/attribution/dependence.py`). Controls cannot know it: random
scores, the method's own scores at permuted positions, how often a position is relevant
in other inputs of that length, and the method on random weights.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.every_third import measure_each
from benchmarks.report import Table, Target

if TYPE_CHECKING:
    from zoo.attribution.task import AttributionTask

INPUTS, SECONDS = 32, 60
CONTROLS = ("random", "shuffled", "prior", "untrained")
CHANCE = 0.05
"""How far from 0.5 the mean AUROC of random and of shuffled scores may be."""


def measure(quick: bool) -> dict[str, Any]:
    """Return the figures of every method on every model."""
    from zoo.attribution.named_cases import NAMES, open_named_case

    cases = [
        {"model": name, **_measure_one(open_named_case(name), time.process_time())}
        for name in NAMES
    ]
    return {**measure_each(_measure_release, quick), "cases": cases}


def _measure_release(name: str) -> dict[str, Any]:
    import zoo

    start = time.process_time()
    task = zoo.open_attribution(name, inputs=INPUTS)
    return {"model": name, **_measure_one(task, start)}


def _measure_one(task: AttributionTask, start: float) -> dict[str, Any]:
    from zoo.attribution.methods import METHODS
    from zoo.attribution.score import score_attribution

    reports = {name: score_attribution(task, name) for name in METHODS}
    return {
        "outputs": int(task.counted.sum()),
        "methods": {
            name: {row: found.to_json() for row, found in report.rows.items()}
            for name, report in reports.items()
        },
        "seconds": round(time.process_time() - start, 1),
    }


def _mean(
    rows: Sequence[Mapping[str, Any]], method: str, row: str, figure: str
) -> float:
    found = [r["methods"][method][row][figure] for r in rows]
    return float(np.mean([f for f in found if f is not None] or [np.nan]))


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the means over models, and the AUROC on every named case."""
    models, cases = result["models"], result["cases"]
    figures = ("auroc", "precision", "iou", "pointing", "suppressed", "necessary")
    methods = list(models[0]["methods"])
    rows = [
        [m, *(f"{_mean(models, m, 'claimed', f):.3f}" for f in figures)]
        for m in methods
    ]
    for control in CONTROLS:
        means = [
            np.mean([_mean(models, m, control, f) for m in methods]) for f in figures
        ]
        rows.append([f"({control})", *(f"{mean:.3f}" for mean in means)])
    by_case = [
        [m, *(f"{_mean([c], m, 'claimed', 'auroc'):.3f}" for c in cases)]
        for m in methods
    ]
    return [
        Table(
            f"Attribution: means over {len(models)} releases",
            ["<method", *figures],
            rows,
            [
                "In brackets the controls, mean over methods. docs/scoring.md has the "
                "definitions; of `suppressed` less is better."
            ],
        ),
        Table(
            "Attribution: AUROC on the named cases",
            ["<method", *(c["model"] for c in cases)],
            by_case,
        ),
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether the oracle has 1, controls are at chance, and time is short."""
    models = result["models"]
    methods = list(models[0]["methods"])
    oracle = min(m["methods"][k]["oracle"]["auroc"] for m in models for k in methods)
    away = max(
        abs(_mean(models, m, control, "auroc") - 0.5)
        for m in methods
        for control in ("random", "shuffled")
    )
    blank = max(_mean(models, m, "untrained", "auroc") for m in methods)
    slowest = max(m["seconds"] for m in models)
    enough = len(models) >= 20
    return [
        Target("Releases with attribution", "at least 20", f"{len(models)}", enough),
        Target("AUROC of the truth, least", "1", f"{oracle:.3f}", oracle == 1),
        Target(
            "Distance of random and shuffled attributions from AUROC 0.5, mean",
            f"at most {CHANCE}",
            f"{away:.3f}",
            away <= CHANCE,
        ),
        Target(
            "Mean AUROC of methods on random weights, greatest",
            "at most 0.6",
            f"{blank:.3f}",
            blank <= 0.6,
        ),
        Target(
            "CPU s of all attribution methods on a release, slowest",
            f"at most {SECONDS}",
            f"{slowest:.0f}",
            slowest <= SECONDS,
        ),
    ]
