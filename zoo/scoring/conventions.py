"""Areas under ROC curves as they were published, which is not one way.

exact         by ranks; a tie counts half
acdc          the staircase: between two thresholds the lower true positive rate
              (Conmy et al. 2023, appendix; pessimistic where scores are tied)
auto-circuit  trapezoids over the distinct values of |score|
mib           trapezoids over ten sizes of circuits, from (0, 0) to (1, 1)
              (Mueller et al. 2025): a perfect ranking comes to less than 1
interpbench   trapezoids, a point a threshold, over the edges between nodes
              (Gupta et al. 2024): score at the granularity `head`

None of them changes what is true or which items count.
"""

from __future__ import annotations

from math import floor

import numpy as np
from jaxtyping import Bool, Float

from compiler.errors import unknown_name
from zoo.scoring.ranking import auroc

CONVENTIONS = ("exact", "acdc", "auto-circuit", "mib", "interpbench")
SIZES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""MIB's sizes of circuits, as shares of all edges."""


def area(
    scores: Float[np.ndarray, " item"],
    true: Bool[np.ndarray, " item"],
    convention: str = "exact",
) -> float:
    """Return the area under the ROC curve by a convention.

    Raises:
        NameLookupError: there is no such convention.
    """
    if convention not in CONVENTIONS:
        raise unknown_name("convention", convention, CONVENTIONS)
    if not true.any() or true.all():
        return float("nan")
    if convention == "mib":
        return _area_of_sizes(scores, true)
    if convention == "acdc":
        return _staircase(scores, true)
    # With a point at every distinct score, trapezoids are the rank formula.
    return auroc(np.abs(scores) if convention == "auto-circuit" else scores, true)


def _points(
    scores: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rates (false, true) at every distinct score, from (0, 0)."""
    cuts = np.unique(scores)[::-1]
    chosen = scores[None, :] >= cuts[:, None]
    hits = np.append(0.0, chosen[:, true].mean(axis=1))
    wrong = np.append(0.0, chosen[:, ~true].mean(axis=1))
    return wrong, hits


def _staircase(
    scores: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"]
) -> float:
    wrong, hits = _points(scores, true)
    return float((np.diff(wrong) * hits[:-1]).sum())


def _area_of_sizes(
    scores: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"]
) -> float:
    order = np.argsort(-scores, kind="stable")
    sizes = sorted({floor(share * len(scores)) for share in SIZES} | {0, len(scores)})
    hits = np.array([true[order[:size]].sum() for size in sizes]) / true.sum()
    wrong = np.array([(~true)[order[:size]].sum() for size in sizes]) / (~true).sum()
    return float(np.trapezoid(hits, wrong))
