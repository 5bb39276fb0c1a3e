"""How well scores of positions point at those that an output depends on.

Each output is ranked by itself: its positions are the items, and k of them are
relevant. Figures are means over outputs.

    auroc        probability that a relevant position ranks above another one
    precision    average precision
    iou          of the k highest with the relevant ones: h / (2 k - h), h hits
    pointing     share of outputs whose highest position is relevant (Zhang et al. 2018)
    suppressed   share of the k highest that are suppressed: the output depends on them
                 in other inputs, and not in this one
    necessary    AUROC for the positions that alone can change the output, over outputs
                 that have some and not all

Ties count as their mean over all orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from zoo.attribution.task import AttributionTask
from zoo.cases.bootstrap import Interval, interval_of_mean
from zoo.ranking import auroc, average_precision, expected_hits, precision_at

FIGURES = ("auroc", "precision", "iou", "pointing", "suppressed", "necessary")


@dataclass(frozen=True)
class Localisation:
    """Figures of one set of scores; see the module.

    Attributes:
        interval: of `auroc`, 95 %, inputs drawn again.
    """

    auroc: float
    interval: Interval
    precision: float
    iou: float
    pointing: float
    suppressed: float
    necessary: float

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values; None where one is not defined."""
        plain = {name: _defined(getattr(self, name)) for name in FIGURES}
        return {**plain, "interval": [_defined(end) for end in self.interval]}


def _defined(figure: float) -> float | None:
    return None if np.isnan(figure) else float(figure)


def localise(
    task: AttributionTask, scores: Float[np.ndarray, "input ctx ctx"], seed: int = 0
) -> Localisation:
    """Return the figures of some scores.

    Args:
        task: the inputs with the truth.
        scores: a number for each output and position; greater ones rank first.
        seed: of the interval.
    """
    rows = np.argwhere(task.counted)
    found = np.array([_figures(task, scores, i, o) for i, o in rows])
    means = np.full(len(FIGURES), np.nan)
    if len(found):
        defined = ~np.isnan(found).all(axis=0)
        means[defined] = np.nanmean(found[:, defined], axis=0)
    by_input = [
        found[rows[:, 0] == i, 0].mean()
        for i in np.unique(rows[:, 0] if len(rows) else [])
    ]
    interval = interval_of_mean(np.array(by_input, np.float64), seed)
    figures = dict(zip(FIGURES, map(float, means), strict=True))
    return Localisation(interval=interval, **figures)


def _figures(
    task: AttributionTask, scores: np.ndarray, row: Any, output: Any
) -> tuple[float, ...]:
    live = task.live[row]
    own = scores[row, output, live].astype(np.float64)
    true = task.relevant[row, output, live]
    alone = task.necessary[row, output, live]
    k = int(true.sum())
    hits = expected_hits(own, true, k)
    return (
        auroc(own, true),
        average_precision(own, true),
        hits / (2 * k - hits),
        precision_at(own, true, 1),
        precision_at(own, task.suppressed[row, output, live], k),
        auroc(own, alone),
    )
