"""Do the circuits of trained releases give themselves away?

Four scores that look at no output of a model rank its edges: the norm of each virtual
weight, the deviation of each source's writes, their product, and the *name* of the
edge, by the share of the other releases in whose circuit it is. A score may be read the
other way round too. Their average precision is compared with that of random scores, for
the releases whose audit was full and for the first versions of the same models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.report import Table, Target

if TYPE_CHECKING:
    from compiler.model import Model

MOST = 1.5
"""By how much a control's mean average precision may exceed that of random scores."""
NAMES = "edge names"
SETS = {"first": "first versions", "full": "fully audited"}


def measure(quick: bool) -> dict[str, Any]:
    """Return the average precision of every control, model by model."""
    import zoo

    full = [
        r["name"]
        for r in zoo.releases()
        if r["kind"] == "trained" and r.get("audit") == "full" and r["version"] > 1
    ]
    if quick:
        full = full[:2]
    lines = {"first": [f"{name}@1" for name in full], "full": full}
    return {
        which: _measure_set([zoo.load(line) for line in some], some)
        for which, some in lines.items()
    }


def _measure_set(models: Sequence[Model], names: Sequence[str]) -> list[dict[str, Any]]:
    from zoo.auditing.giveaways import giveaways_of
    from zoo.auditing.subject import subject_of

    by_name = _name_precisions([_edges(model) for model in models])
    rows = []
    for model, line, named in zip(models, names, by_name, strict=True):
        found = giveaways_of(subject_of(model))
        controls = {**found.controls, NAMES: named}
        rows.append({"model": line, "random": found.random, "controls": controls})
    return rows


def _edges(model: Model) -> dict[str, bool]:
    """Return by name of every edge whether it is in the circuit."""
    inside = set(map(str, model.circuit.edges))
    return {str(edge): str(edge) in inside for edge in model.config.names.edges}


def _name_precisions(
    circuits: Sequence[Mapping[str, bool]],
) -> list[tuple[float, float]]:
    """Return how well the other models' circuits tell that of each model, both ways."""
    from zoo.ranking import average_precision

    found = []
    for number, own in enumerate(circuits):
        others = [c for i, c in enumerate(circuits) if i != number]
        scores = np.array([sum(c.get(e, False) for c in others) for e in own], float)
        true = np.array(list(own.values()))
        found.append(
            (average_precision(scores, true), average_precision(-scores, true))
        )
    return found


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the means over models, and a row a model."""
    means = [
        [name, *(f"{_mean(result[s], name, way):.3f}" for s in SETS for way in (0, 1))]
        for name in _controls(result)
    ]
    means.append(
        ["random", *(f"{_random(result[s]):.3f}" for s in SETS for _ in (0, 1))]
    )
    columns = [f"{s}, {way}" for s in SETS for way in ("high", "low")]
    return [
        Table(
            "Giveaways: average precision of scores that look at no output, mean over "
            f"{len(result['full'])} trained models",
            ["<score", *columns],
            means,
            [
                "first: the first versions; full: those whose audit was full. high: "
                "the highest scores first; low: the lowest."
            ],
        )
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether every control is near random scores."""
    random = _random(result["full"])
    ratios = {
        name: max(_mean(result["full"], name, way) for way in (0, 1)) / random
        for name in _controls(result)
    }
    return [
        Target(
            f"AP of {name} over that of random scores, fully audited models",
            f"at most {MOST}",
            f"{ratio:.2f}",
            ratio <= MOST,
        )
        for name, ratio in ratios.items()
    ]


def _controls(result: dict[str, Any]) -> list[str]:
    return list(result["full"][0]["controls"])


def _mean(rows: Sequence[Mapping[str, Any]], name: str, way: int) -> float:
    return float(np.mean([row["controls"][name][way] for row in rows]))


def _random(rows: Sequence[Mapping[str, Any]]) -> float:
    return float(np.mean([row["random"] for row in rows]))
