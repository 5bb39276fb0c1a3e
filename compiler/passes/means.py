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

from compiler.ir.domain import alike_rows, collect
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
    kinds = 1 if causal else len(alike_rows(bounds.may, bounds.must))
    if max_len * shape[0] * shape[1] * kinds > MOST_WORK:
        raise TooManyMeans(
            f"its sums run from {lowest} to {highest} over up to {max_len} values, for "
            f"{kinds} kinds of positions: a search of more than {MOST_WORK:,} cells. "
            "Average smaller numbers or lower max_len."
        )
    sums = _Sums(mask, numerators, shape, lowest)
    reach = sums.causal(bounds) if causal else sums.both_ways(bounds)
    return Means(reach, lowest)


MOST_WORK = 1_000_000_000
"""Cells of tables of sums that are looked at for one mean, a few seconds' worth."""


@dataclass(frozen=True, eq=False)
class _Sums:
    """Which (count, sum) pairs are reachable over the first positions.

    Attributes:
        mask: [max_len, values] what the averaged variable can hold.
        numerators: [values] integers.
        shape: of a table of counts and sums.
        lowest: the smallest sum.
    """

    mask: NDArray[np.bool_]
    numerators: NDArray[np.int64]
    shape: tuple[int, int]
    lowest: int

    def causal(self, bounds: Bounds) -> NDArray[np.bool_]:
        """Return [query position, count, sum], over the positions up to the query's.

        Where a query selects like the one before it, as prefixes do, its table is that
        one's and one position more.
        """
        reach = np.zeros((len(self.mask), *self.shape), dtype=bool)
        for query in range(len(self.mask)):
            may, must = bounds.may[query], bounds.must[query]
            begun = query and all(
                np.array_equal(rows[query - 1, :query], rows[query, :query])
                for rows in (bounds.may, bounds.must)
            )
            table = reach[query - 1] if begun else self.nothing()
            for position in range(query if begun else 0, query + 1):
                table = self.step(table, position, may, must)
            reach[query] = table
        return reach

    def both_ways(self, bounds: Bounds) -> NDArray[np.bool_]:
        """Return [query position, count, sum], over inputs that reach the query's."""
        length = len(self.mask)
        reach = np.zeros((length, *self.shape), dtype=bool)
        rows = np.concatenate([bounds.may, bounds.must], axis=1)
        _, first, kind = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        for number, example in enumerate(first):
            may, must = bounds.may[example], bounds.must[example]
            tables = [self.nothing()]
            for position in range(length):
                tables.append(self.step(tables[-1], position, may, must))
            longer = np.zeros(self.shape, dtype=bool)
            for query in reversed(range(length)):
                longer |= tables[query + 1]
                if kind.reshape(-1)[query] == number:
                    reach[query] = longer
        return reach

    def nothing(self) -> NDArray[np.bool_]:
        """Return [count, sum] before any position: nothing is added up."""
        table = np.zeros(self.shape, dtype=bool)
        table[0, -self.lowest] = True
        return table

    def step(
        self,
        before: NDArray[np.bool_],
        position: int,
        may: NDArray[np.bool_],
        must: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Return [count, sum] with one position more, which may or must be selected."""
        after = np.zeros_like(before) if must[position] else before.copy()
        if may[position]:
            for number in {int(n) for n in self.numerators[self.mask[position]]}:
                _shift_into(after, before, number)
        return after


def _shift_into(after: NDArray, before: NDArray, number: int) -> None:
    """Mark the pairs that one more selected value of `number` leads to."""
    span = before.shape[1]
    if number >= 0:
        after[1:, number:] |= before[:-1, : span - number]
    else:
        after[1:, :number] |= before[:-1, -number:]
