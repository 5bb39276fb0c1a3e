"""Do parameter decompositions find what reads which feature?

On every compiled release, made again with a rotated stream, so that no axis stands for
a feature: our small stochastic parameter decomposition of the matrices that read the
stream; the matrices' singular components, their rows, random terms; and the true parts
with their usage permuted. `rows, not rotated` are the rows of the release as it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.report import Table, Target

STEPS, SECONDS, CHANCE = 600, 60, 0.05
ROWS = ("oracle", "spd", "singular", "rows", "random", "shuffled")
FIGURES = ("to_found", "to_true", "f1", "importance", "faithful", "behaviour")


def measure(quick: bool) -> dict[str, Any]:
    """Return the figures of every decomposition, model by model."""
    import zoo

    names = [e["name"] for e in zoo.releases() if e["name"].endswith("-compiled")]
    chosen = names[:2] if quick else names
    return {"models": [_measure_one(name) for name in chosen]}


def _measure_one(name: str) -> dict[str, Any]:
    import zoo
    from compiler.parts import matrix_of
    from zoo.parts.spd import decompose

    start = time.process_time()
    release = zoo.load(name)
    vocab, most = list(release.typed.vocab), release.config.n_ctx - 1
    task = zoo.open_parts(zoo.compile(release.name, vocab, most, rotate=0))
    terms, importance = decompose(task, steps=STEPS)
    found = zoo.score_parts(task, terms, importance).to_json()
    rows = {row: found["rows"]["claimed" if row == "spd" else row] for row in ROWS}
    matrices = {m: matrix_of(release, m) for m in terms}
    own = {m: (np.eye(len(w)), w) for m, w in matrices.items()}
    plain = zoo.score_parts(zoo.open_parts(release), own, baselines=False).to_json()
    rows["rows, not rotated"] = plain["rows"]["claimed"]
    return {
        "model": name,
        "parts": found["parts"],
        "used": found["used"],
        "rows": rows,
        "seconds": round(time.process_time() - start, 1),
    }


Rows = Sequence[Mapping[str, Any]]


def _each(models: Rows, row: str, figure: str) -> list[float]:
    found = [m["rows"][row][figure] for m in models]
    return [f for f in found if f is not None] or [float("nan")]


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the means over models."""
    models = result["models"]
    rows = [
        [row, *(f"{np.mean(_each(models, row, f)):.3f}" for f in FIGURES)]
        for row in (*ROWS, "rows, not rotated")
    ]
    parts = sum(m["parts"] for m in models)
    return [
        Table(
            f"Parameter parts: means over {len(models)} compiled models, {parts} parts",
            ["<decomposition", *FIGURES],
            rows,
            ["docs/scoring.md has the definitions; 0.5 of `importance` is chance."],
        )
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether the truth has 1, controls are at chance, and time is short."""
    models = result["models"]
    names = ("to_found", "to_true", "f1", "importance", "behaviour")
    exact = min(min(_each(models, "oracle", f)) for f in names)
    random = float(np.mean(_each(models, "random", "f1")))
    told = abs(float(np.mean(_each(models, "shuffled", "importance"))) - 0.5)
    slowest = max(m["seconds"] for m in models)
    enough = len(models) >= 20
    return [
        Target("Compiled models with parts", "at least 20", f"{len(models)}", enough),
        Target("True parts, least figure", "1", f"{exact:.3f}", exact > 1 - 1e-9),
        Target(
            "F1 of random terms, mean",
            f"at most {CHANCE}",
            f"{random:.3f}",
            random <= CHANCE,
        ),
        Target(
            "Distance of permuted usage from AUROC 0.5, mean",
            f"at most {CHANCE}",
            f"{told:.3f}",
            told <= CHANCE,
        ),
        Target(
            "CPU s of all decompositions of a model, slowest",
            f"at most {SECONDS}",
            f"{slowest:.0f}",
            slowest <= SECONDS,
        ),
    ]
