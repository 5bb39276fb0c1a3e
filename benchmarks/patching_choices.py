"""Which choices of activation patching find the circuit?

On every third release, `zoo evaluate --grid ablation,loss,direction,noise`: exact
patching of edges, EAP, EAP-IG-inputs and patching of nodes, with every combination of
what corrupts (a corrupt input, one token replaced, normal noise on the embeddings of
the tokens in which a pair differs, the mean, zero, the constant that hurts least), what
the effect is measured by, and the direction. Scores are ranked by size for edges, and
compared with the certificate on other pairs. Pairs have no shifted positions.

Zhang and Nanda 2024 recommend to replace tokens and not to add noise, and the logit
difference in the place of the probability. Hanna et al. 2024 recommend KL with EAP-IG,
since the gradient of KL is 0 at the clean run, where EAP takes it. The truth of a
certificate is about interchanges, so that `resample` is at home here; `replacement`,
`gaussian` and constants are not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.every_third import measure_each
from benchmarks.report import Table, Target

GRID = "ablation,loss,direction,noise"
PAIRS, SECONDS, NEAR = 48, 60, 0.05
LOSSES = {"difference": "LD", "probability": "P", "divergence": "KL"}
EDGE_METHODS = {"exact": "exact", "eap": "EAP", "eap-ig-inputs": "EAP-IG"}
NODES = "nap-noising"
FIGURES = ("auroc", "average_precision")
CONTROLS = {
    "random scores": "random@shifted=0",
    "exact, untrained model": "exact@shifted=0,weights=random",
    "the truth": "oracle@shifted=0",
}
Rows = Sequence[Mapping[str, Any]]


def measure(quick: bool) -> dict[str, Any]:
    """Return the figures of every choice on every model."""
    from zoo.threads import use_one_thread

    use_one_thread()
    return {"pairs": PAIRS, **measure_each(_measure_one, quick)}


def _measure_one(name: str) -> dict[str, Any]:
    import zoo
    from zoo.methods import GRID_METHODS

    start = time.process_time()
    options: dict[str, Any] = {"seeds": 1, "pairs": PAIRS}
    grid = zoo.evaluate(GRID_METHODS, [name], grid=GRID, **options)
    known = zoo.evaluate(CONTROLS["the truth"], [name], **options)
    return {
        "model": name,
        "compiled": name.endswith(("-compiled", "-rotated", "-decoys")),
        "cells": {
            cell.method: {f: next(iter(cell.figures.values()))[f] for f in FIGURES}
            for cell in (*grid.cells, *known.cells)
            if cell.status == "ok"
        },
        "failed": sorted({cell.error for cell in grid.cells if cell.status != "ok"}),
        "seconds": round(time.process_time() - start, 1),
    }


def mean_of(models: Rows, method: str, figure: str = "average_precision") -> float:
    """Return the mean of a figure over the models that have it."""
    cells = (m["cells"].get(method) for m in models)
    values = [float(c[figure]) for c in cells if c and c[figure] is not None]
    return float(np.mean(values)) if values else float("nan")


def _choices() -> Iterator[tuple[str, str, float, str]]:
    """Yield the title of a row, its ablation, noise and direction."""
    from zoo.cases.choices import ABLATIONS, DIRECTIONS, NOISE

    for direction in DIRECTIONS:
        for ablation in ABLATIONS:
            for noise in (1.0, NOISE) if ablation == "gaussian" else (NOISE,):
                sd = f", {noise:g} sd" if ablation == "gaussian" else ""
                yield f"{ablation}{sd}", ablation, noise, direction


def choice_rows(models: Rows) -> list[list[str]]:
    """Return the rows of the table: a choice, mean AP by method and loss."""
    from zoo.methods.choices import PatchingChoice

    rows = []
    for title, ablation, noise, direction in _choices():
        row = [title, direction]
        for method in (*EDGE_METHODS, NODES):
            for loss in LOSSES:
                choice = PatchingChoice(ablation, loss, direction, noise, 0.0)
                row.append(_shown(mean_of(models, f"{method}@{choice}")))
        rows.append(row)
    for title, method in CONTROLS.items():
        value = _shown(mean_of(models, method))
        rows.append([f"({title})", "", value, *[""] * (len(rows[0]) - 3)])
    return rows


def _shown(value: float) -> str:
    return f"{value:.3f}" if value == value else ""


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the mean AP of every choice, trained and compiled models apart."""
    methods = {**EDGE_METHODS, NODES: "nodes"}
    header = ["<ablation", "<direction"]
    header += [f"{m}, {loss}" for m in methods.values() for loss in LOSSES.values()]
    found = []
    for kind, compiled in (("trained", False), ("compiled", True)):
        models = [m for m in result["models"] if m["compiled"] == compiled]
        if models:
            title = f"Average precision of choices: means over {len(models)} {kind}"
            notes = [
                "LD is the logit difference, P the probability of the answer (of no "
                "model whose outputs are numbers), KL the divergence. Nodes have a "
                "truth of their own. In brackets the controls."
            ]
            found.append(Table(f"{title} models", header, choice_rows(models), notes))
    return found


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether there are enough models, controls at chance, and little time."""
    models = result["models"]
    chance = mean_of(models, CONTROLS["random scores"], "auroc")
    known = mean_of(models, CONTROLS["the truth"])
    seconds = max(m["seconds"] for m in models)
    off = abs(chance - 0.5)
    enough = len(models) >= 20
    return [
        Target(
            "Releases with patching choices", "at least 20", str(len(models)), enough
        ),
        Target("AP of the truth itself", "1", f"{known:.3f}", known == 1),
        Target("AUROC of random scores", "0.5", f"{chance:.3f}", off <= NEAR),
        Target(
            "CPU s of all patching choices on a release, slowest",
            f"at most {SECONDS}",
            f"{seconds:.0f}",
            seconds <= SECONDS,
        ),
    ]
