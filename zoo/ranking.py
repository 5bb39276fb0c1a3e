"""Figures of a ranking, computed exactly: AUROC, precision, recall, with ties."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int


def auroc(scores: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"]) -> float:
    """Return the probability that a true item ranks above another; a tie counts half.

    The area under the ROC curve, by ranks (Mann and Whitney 1947). NaN where all items
    are true or none is, or where a score is NaN.
    """
    hits, others = scores[true], np.sort(scores[~true])
    if not len(hits) or not len(others) or np.isnan(scores).any():
        return float("nan")
    below = others.searchsorted(hits, "left").sum()
    above = (below + others.searchsorted(hits, "right").sum()) / 2
    return float(above / (len(hits) * len(others)))


def average_precision(
    scores: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"]
) -> float:
    """Return the mean over true items of the precision at their score.

    All items with one score are taken at once, as one threshold.
    """
    if not true.any():
        return float("nan")
    found, taken = steps(scores, true)
    gained = found.copy()
    gained[1:] -= found[:-1]
    return float((gained * found / taken).sum() / true.sum())


def precision_at(
    scores: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"], k: int
) -> float:
    """Return the share of true items among the k highest.

    Where the k-th is tied with others, the expectation over their orders.
    """
    k = min(k, len(scores))
    if k < 1:
        return float("nan")
    return expected_hits(scores, true, k) / k


def expected_hits(
    scores: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"], k: int
) -> float:
    """Return how many true items are among the k highest, ties in random order."""
    edge = np.sort(scores)[::-1][k - 1]
    above, tied = scores > edge, scores == edge
    left = (k - above.sum()) / tied.sum()
    return float(true[above].sum() + left * true[tied].sum())


def ranks_of(scores: Float[np.ndarray, " item"]) -> Int[np.ndarray, " item"]:
    """Return the rank of each item: 1, and how many have a higher score."""
    return len(scores) - np.searchsorted(np.sort(scores), scores, side="right") + 1


def top(scores: Float[np.ndarray, " item"], k: int) -> Bool[np.ndarray, " item"]:
    """Return the k highest items; of those with one score the first ones."""
    chosen = np.zeros(len(scores), bool)
    chosen[np.argsort(-scores, kind="stable")[:k]] = True
    return chosen


def surely_top(scores: Float[np.ndarray, " item"], k: int) -> Bool[np.ndarray, " item"]:
    """Return what is among the k highest however ties are ordered."""
    chosen = top(scores, k)
    if not chosen.any() or chosen.all():
        return chosen
    edge = scores[chosen].min()
    return scores > edge if (scores[~chosen] == edge).any() else chosen


def steps(
    scores: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (true items, items) at or above each distinct score, from the highest."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.ones(len(scores), bool)
    last[:-1] = ordered[1:] != ordered[:-1]
    return np.cumsum(true[order])[last], (np.arange(len(scores)) + 1)[last]
