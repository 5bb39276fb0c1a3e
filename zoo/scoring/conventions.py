"""Areas under ROC curves as others compute them, which is not one way.

    exact         the rank formula (Mann and Whitney 1947); a tie counts half
    acdc          the staircase of ACDC's `pessimistic_auc`: between two thresholds
                  the lower true positive rate counts
    auto-circuit  trapezoids over the points of auto-circuit's `measure_task_roc`:
                  |score|, and of more than 200 items only 1, 2, .., 10, 20, .. of
                  them, unless most scores are tied
    mib           MIB's `evaluate_area_under_roc`, which needs the graph: `mib.py`
    ten-sizes     trapezoids over the n highest items at MIB's ten sizes, rounded
                  down, from (0, 0). Nobody publishes it; `mib` was this until 1.1

Each of `acdc`, `auto-circuit` and `mib` equals the code of that name on the same
numbers; `benchmarks/peers/with_conventions.py` runs both. `interpbench` is an old name
of `exact`: InterpBench's code has rates at thresholds and no area.
"""

from __future__ import annotations

import warnings
from math import floor, log10

import numpy as np
from jaxtyping import Bool, Float

from compiler.errors import InputError, unknown_name
from zoo.ranking import auroc

CONVENTIONS = ("exact", "acdc", "auto-circuit", "mib", "ten-sizes")
RENAMED = {
    "interpbench": (
        "exact",
        "convention 'interpbench' is an old name of 'exact', and goes in the next "
        "version: InterpBench's code has rates at thresholds, over edges between "
        "nodes, and no area. Write convention='exact' (and granularity='head')",
    )
}
"""Old names: what they compute, and what to write in their place."""
SIZES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""MIB's sizes of circuits, as shares of all edges."""
LEAST = 1e-3
"""auto-circuit's `measurements_auc` returns no area below this."""


def known_convention(name: str) -> str:
    """Return the convention of that name; an old name gives the one it stands for.

    Raises:
        NameLookupError: there is no such convention.
    """
    if name in RENAMED:
        current, why = RENAMED[name]
        warnings.warn(why, FutureWarning, stacklevel=3)
        return current
    if name not in CONVENTIONS:
        raise unknown_name("convention", name, CONVENTIONS)
    return name


def area(
    scores: Float[np.ndarray, " item"],
    true: Bool[np.ndarray, " item"],
    convention: str = "exact",
) -> float:
    """Return the area under the ROC curve by a convention; NaN if none or all is true.

    Raises:
        NameLookupError: there is no such convention.
        InputError: the convention builds circuits, and needs the graph of the edges.
    """
    convention = known_convention(convention)
    if convention == "mib":
        raise InputError(
            "convention 'mib' builds circuits, so it needs the names of the edges "
            "and not only their scores. Use zoo.score(.., convention='mib') or "
            "zoo.scoring.mib.mib_area"
        )
    if not true.any() or true.all():
        return float("nan")
    if convention == "ten-sizes":
        return _area_of_sizes(scores, true)
    if convention == "acdc":
        return _staircase(scores, true)
    if convention == "auto-circuit":
        return _area_of_counts(np.abs(scores), true)
    return auroc(scores, true)


def _points(
    scores: Float[np.ndarray, " item"],
    true: Bool[np.ndarray, " item"],
    cuts: Float[np.ndarray, " cut"],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rates (false, true) of what is at or above each cut, from (0, 0)."""
    hits, others = np.sort(scores[true]), np.sort(scores[~true])
    found = len(hits) - np.searchsorted(hits, cuts, side="left")
    wrong = len(others) - np.searchsorted(others, cuts, side="left")
    return np.append(0.0, wrong / len(others)), np.append(0.0, found / len(hits))


def _staircase(
    scores: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"]
) -> float:
    wrong, hits = _points(scores, true, np.unique(scores)[::-1])
    return float((np.diff(wrong) * hits[:-1]).sum())


def _area_of_counts(
    sizes: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"]
) -> float:
    """Return auto-circuit's area; a point a count, at the score of the last counted."""
    ordered = np.sort(sizes)[::-1]
    counts = [n for n in edge_counts(ordered) if n]
    wrong, hits = _points(sizes, true, ordered[np.array(counts, int) - 1])
    found = np.trapezoid(np.append(hits, 1.0), np.append(wrong, 1.0))
    return max(float(found), LEAST)


def edge_counts(ordered: Float[np.ndarray, " item"]) -> list[int]:
    """Return the numbers of edges at which auto-circuit takes a point.

    Args:
        ordered: sizes of scores, the greatest first.
    """
    total = len(ordered)
    groups = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) + 1
    if len(groups) < min(total / 2, 100):
        counts = groups.tolist()
    elif total > 200:
        counts = [n for n in range(1, total) if n % 10 ** floor(log10(n)) == 0]
    else:
        counts = list(range(total + 1))
    if len(counts) > 2:
        return sorted({0, *counts, total})
    return [n for n in counts if 0 < n < total]  # two values: one circuit, one point


def _area_of_sizes(
    scores: Float[np.ndarray, " item"], true: Bool[np.ndarray, " item"]
) -> float:
    order = np.argsort(-scores, kind="stable")
    sizes = sorted({floor(share * len(scores)) for share in SIZES} | {0, len(scores)})
    hits = np.array([true[order[:size]].sum() for size in sizes]) / true.sum()
    wrong = np.array([(~true)[order[:size]].sum() for size in sizes]) / (~true).sum()
    return float(np.trapezoid(hits, wrong))
