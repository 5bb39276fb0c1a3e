"""Which means a selector and a variable can have: every one that is reachable.

The mean of k values is a sum over a count; the pairs (count, sum) that can occur
are found by adding one key position after the other (a subset-sum over positions).
A domain that misses one of them would be a wrong model.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compiler.ir.domain import collect
from compiler.passes.select import Bounds
from compiler.rasp.values import Value, canonical


class TooManyMeans(Exception):
    """The table of sums would be larger than the limit."""


@dataclass(frozen=True, eq=False)
class Means:
    """Reachable (count, sum) pairs.

    Attributes:
        reach: [query position, count, sum - lowest] booleans; count 0 is left out of
            the results (it gives the default).
        lowest: the smallest sum.
    """

    reach: NDArray[np.bool_]
    lowest: int

    def results(
        self, denominator: int, default: Value, empty: NDArray[np.bool_]
    ) -> tuple[tuple[Value, ...], NDArray[np.bool_], NDArray[np.int32], int]:
        """Return (values, mask by position, lookup by count and sum, default index)."""
        pairs = np.argwhere(self.reach.any(axis=0))
        pairs = pairs[pairs[:, 0] > 0]
        means = [
            canonical(Fraction(int(s) + self.lowest, int(c) * denominator))
            for c, s in pairs
        ]
        with_default = bool(empty.any()) or not means
        values, places = collect([*means, default] if with_default else means)
        lookup = np.full(self.reach.shape[1:], -1, dtype=np.int32)
        lookup[pairs[:, 0], pairs[:, 1]] = places[: len(means)]
        mask = np.zeros((len(self.reach), len(values)), dtype=bool)
        for position, reached in enumerate(self.reach):
            here = lookup[reached]
            mask[position, here[here >= 0]] = True
        if with_default:
            mask[empty, places[-1]] = True
        return values, mask, lookup, places[-1] if with_default else -1


def reachable_means(
    bounds: Bounds,
    mask: NDArray[np.bool_],
    numerators: NDArray[np.int64],
    causal: bool,
    limit: int,
) -> Means:
    """Return the (count, sum) pairs that each query position can meet.

    Args:
        bounds: which positions may and must be selected.
        mask: [max_len, values] what the averaged variable can hold.
        numerators: [values] integers, in units of the common denominator.
        causal: whether a query sees earlier positions only.
        limit: greatest number of entries of one position's table.
    """
    max_len = len(mask)
    used = numerators[mask.any(axis=0)]
    lowest = int(min(0, used.min()) * max_len)
    highest = int(max(0, used.max()) * max_len)
    shape = (max_len + 1, highest - lowest + 1)
    if shape[0] * shape[1] > limit:
        raise TooManyMeans(
            f"its sums run from {lowest} to {highest}, a table of "
            f"{shape[0] * shape[1]} entries, above the limit of {limit}. Average "
            "smaller numbers, lower max_len, or raise max_table."
        )
    reach = np.zeros((max_len, *shape), dtype=bool)
    memo: dict[bytes, NDArray[np.bool_]] = {}
    for query in range(max_len):
        key = bounds.may[query].tobytes() + bounds.must[query].tobytes()
        if key not in memo:
            memo[key] = _by_length(
                bounds.may[query], bounds.must[query], mask, numerators, shape, lowest
            )
        steps = memo[key]
        reach[query] = steps[query + 1] if causal else steps[query + 1 :].any(axis=0)
    return Means(reach, lowest)


def _by_length(
    may: NDArray,
    must: NDArray,
    mask: NDArray,
    numerators: NDArray,
    shape: tuple[int, int],
    lowest: int,
) -> NDArray[np.bool_]:
    """Return [n, count, sum]: the pairs reachable over the first n positions."""
    steps = np.zeros((len(mask) + 1, *shape), dtype=bool)
    steps[0, 0, -lowest] = True
    for position in range(len(mask)):
        before, after = steps[position], steps[position + 1]
        if not must[position]:
            after |= before
        if may[position]:
            for number in {int(n) for n in numerators[mask[position]]}:
                _shift_into(after, before, number)
    return steps


def _shift_into(after: NDArray, before: NDArray, number: int) -> None:
    """Mark the pairs that one more selected value of `number` leads to."""
    span = before.shape[1]
    if number >= 0:
        after[1:, number:] |= before[:-1, : span - number]
    else:
        after[1:, :number] |= before[:-1, -number:]
