"""HSIC: whether two sets of outputs depend on each other (Gretton et al. 2008).

    HSIC = trace(K H L H) / n^2,   H = I - 1/n

with Gaussian kernels whose width is the median distance. The p-value is the share of
permutations of one side, the identity among them, with as great an HSIC; rows are
permuted within groups only, so that what groups have in common does not count.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

PERMUTATIONS = 1000
ROUNDING = 1e-12
"""Statistics as close as this are the same."""


def kernel(rows: Float[np.ndarray, "row _"]) -> Float[np.ndarray, "row row"]:
    """Return exp(-|a - b|^2 / 2 m^2) of all rows, m being their median distance.

    The median is over pairs that differ; where there is none, all is 1.
    """
    rows = np.asarray(rows, np.float64)
    sizes = (rows**2).sum(axis=1)
    squares = np.maximum(sizes[:, None] + sizes[None] - 2 * rows @ rows.T, 0.0)
    # What is left of equal rows is rounding.
    squares[squares <= 1e-9 * max(sizes.max(initial=0.0), 1e-300)] = 0.0
    apart = squares[squares > 0]
    return np.exp(-squares / (2 * np.median(apart))) if len(apart) else squares + 1.0


def hsic(
    first: Float[np.ndarray, "row row"], second: Float[np.ndarray, "row row"]
) -> float:
    """Return the HSIC of two kernels."""
    return float((centre(first) * second).sum() / len(first) ** 2)


def centre(matrix: Float[np.ndarray, "row row"]) -> Float[np.ndarray, "row row"]:
    """Return H K H."""
    half = matrix - matrix.mean(axis=0, keepdims=True)
    return half - half.mean(axis=1, keepdims=True)


def independence(
    first: Float[np.ndarray, "row _"],
    second: Float[np.ndarray, "row _"],
    groups: Int[np.ndarray, " row"],
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> tuple[float, float]:
    """Return the HSIC of two sets of rows, and its p-value.

    Args:
        first: one set of rows.
        second: the other set of rows.
        groups: the group of each row; rows are permuted within their group.
        seed: seed of the permutations.
        permutations: number of permutations.
    """
    centred, other = centre(kernel(first)), kernel(second)
    rng, count = np.random.default_rng(seed), len(groups) ** 2
    found = float((centred * other).sum() / count)
    as_great = 1
    for _ in range(permutations):
        order = permute_within(groups, rng)
        drawn = float((centred * other[np.ix_(order, order)]).sum() / count)
        as_great += drawn >= found - ROUNDING
    return found, as_great / (permutations + 1)


def permute_within(
    groups: Int[np.ndarray, " row"], rng: np.random.Generator
) -> Int[np.ndarray, " row"]:
    """Return an order of the rows in which each stays in its group."""
    order = np.arange(len(groups))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        order[rows] = rng.permutation(rows)
    return order
