"""Bootstrap intervals: how much a figure would vary with other edges.

True items and the others are drawn again separately, with replacement, so that every
draw has both (Efron and Tibshirani 1993, chapter 13).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

DRAWS = 1000

Figure = Callable[[np.ndarray, np.ndarray], float]


class Interval(NamedTuple):
    """The middle 95 % of the draws."""

    low: float
    high: float


def interval_over_items(
    figure: Figure,
    scores: Float[np.ndarray, " item"],
    true: Bool[np.ndarray, " item"],
    seed: int = 0,
    draws: int = DRAWS,
) -> Interval:
    """Return the interval of a figure of (scores, true) over items drawn again."""
    hits, others = np.flatnonzero(true), np.flatnonzero(~true)
    if not len(hits) or not len(others):
        return Interval(float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        rows = np.append(_again(hits, rng), _again(others, rng))
        found.append(figure(scores[rows], true[rows]))
    return middle(np.array(found))


def _again(items: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return as many items, drawn with replacement."""
    return items[rng.integers(0, len(items), size=len(items))]


def mean_of(values: Float[np.ndarray, " n"]) -> float:
    """Return the mean of the values that are there; NaN without any."""
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else float("nan")


def interval_of_mean(
    values: Float[np.ndarray, " n"], seed: int = 0, draws: int = DRAWS
) -> Interval:
    """Return the interval of the mean of some values, drawn again; NaNs left out.

    NaN for fewer than three values, from which an interval would be meaningless.
    """
    kept = values[~np.isnan(values)]
    if len(kept) < 3:
        return Interval(float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(kept), size=(draws, len(kept)))
    return middle(kept[rows].mean(axis=1))


def middle(found: Float[np.ndarray, " draw"]) -> Interval:
    """Return the 2.5 and the 97.5 percentile."""
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(float(low), float(high))
