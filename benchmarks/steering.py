"""Does steering set a variable, and nothing else?

On every third release, the two settings of a variable that can tell most (in the
program, before any method is run) are steered by every built-in method, each fitted on
one half of the inputs and measured on the other. `interchange` patches the variable's
own site: by the circuit that is right. Controls are random directions, the same method
with shuffled labels, and the same method on random weights.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.every_third import measure_each
from benchmarks.report import Table, Target

SETTINGS, SECONDS = 2, 60
FIRST = "difference-of-means"
CONTROLS = ("random", "shuffled", "untrained")
CHANCE = 0.05


def measure(quick: bool) -> dict[str, Any]:
    """Return the figures of every method on every model."""
    return measure_each(_measure_one, quick)


def _measure_one(name: str) -> dict[str, Any]:
    import zoo
    from zoo.steering.settings import steering_settings

    start = time.process_time()
    model = zoo.load(name)
    chosen = steering_settings(model, examples=64)[:SETTINGS]
    reports = [
        zoo.score_steering(model, setting.variable, setting.value, FIRST)
        for setting in chosen
        if setting.changed
    ]
    return {
        "model": name,
        "compiled": name.endswith(("-compiled", "-rotated", "-decoys")),
        "settings": [
            {
                "variable": report.variable,
                "value": report.value,
                "constant": report.constant,
                "rows": {row: found.to_json() for row, found in report.rows.items()},
            }
            for report in reports
        ],
        "seconds": round(time.process_time() - start, 1),
    }


Rows = Sequence[Mapping[str, Any]]


def _figures(models: Rows, row: str, figure: str) -> list[float]:
    found = [s["rows"][row][figure] for m in models for s in m["settings"]]
    shares = [f["share"] if isinstance(f, dict) else f for f in found if f is not None]
    return [float(f) for f in shares]


def _mean(models: Rows, row: str, figure: str) -> float:
    return float(np.mean(_figures(models, row, figure) or [np.nan]))


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the means over models, compiled and trained apart."""
    models = result["models"]
    found = []
    for kind, compiled in (("compiled", True), ("trained", False)):
        some = [m for m in models if m["compiled"] == compiled and m["settings"]]
        if not some:
            continue
        figures = ("right", "success", "damage", "reached", "gained")
        rows = [
            [
                f"({r})" if r in CONTROLS else r,
                *(f"{_mean(some, r, f):.3f}" for f in figures),
            ]
            for r in some[0]["settings"][0]["rows"]
            if r != "claimed"
        ]
        found.append(
            Table(
                f"Steering: means over {len(some)} {kind} models",
                ["<method", *figures],
                rows,
                ["In brackets the controls; docs/scoring.md has the definitions."],
            )
        )
    return found


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether the truth has 1, controls are at chance, and time is short."""
    every = result["models"]
    models = [m for m in every if m["settings"]]
    compiled = [m for m in models if m["compiled"]]
    exact = min(_figures(compiled, "interchange", "reached"), default=float("nan"))
    trained = [m for m in models if not m["compiled"]]
    near = _mean(trained, "interchange", "gained")
    chance = max(_mean(models, r, "gained") for r in CONTROLS)
    slowest = max(m["seconds"] for m in models)
    enough = len(models) >= 20
    return [
        Target("Releases with steering", "at least 20", f"{len(models)}", enough),
        Target("True interchange, compiled, least", "1", f"{exact:.3f}", exact == 1),
        Target("True interchange, trained, mean gain", "1", f"{near:.3f}", near == 1),
        Target(
            "Mean gain of random, shuffled and untrained steering, greatest",
            f"at most {CHANCE}",
            f"{chance:.3f}",
            chance <= CHANCE,
        ),
        Target(
            "CPU s of all steering methods on a release, slowest",
            f"at most {SECONDS}",
            f"{slowest:.0f}",
            slowest <= SECONDS,
        ),
    ]
