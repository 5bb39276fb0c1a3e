"""A table as few disjoint rectangles of equal entries.

A rectangle is a set of values for each argument; its indicator is one hidden unit
(a conjunction). The most expensive result becomes the background, which is free.
How many there are is known before they are written out, so that a table of too many is
refused before it takes memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Sides = tuple[NDArray[np.bool_], ...]
Rectangle = tuple[Sides, int]


@dataclass(frozen=True, eq=False)
class Cover:
    """A table as rectangles on a background.

    Attributes:
        grouping: how the table is divided.
        background: the result that takes no rectangle.
    """

    grouping: _Grouping
    background: int

    @property
    def count(self) -> int:
        """How many rectangles there are, without those of the background."""
        counts = self.grouping.counts
        return counts.total() - counts[self.background]

    def rectangles(self) -> list[Rectangle]:
        """Return the rectangles: ([di] booleans for each argument, result)."""
        every = _write_out(self.grouping)
        return [(sides, result) for sides, result in every if result != self.background]


@dataclass(frozen=True, eq=False)
class _Grouping:
    """A table whose values of one argument are grouped by equal slices.

    Attributes:
        sizes: of the table.
        counts: how many rectangles each result takes.
        axis: the argument; None if all entries are alike or do not matter.
        parts: for each group of values (booleans, what the slices of the group are).
    """

    sizes: tuple[int, ...]
    counts: Counter[int]
    axis: int | None = None
    parts: list[tuple[NDArray[np.bool_], _Grouping]] = field(default_factory=list)


def cover(table: NDArray[np.int32], background: int | None = None) -> Cover:
    """Return disjoint rectangles that give a table together with the background.

    Args:
        table: [d1, .., dk] results; -1 where it does not matter.
        background: the result that is free; the most expensive one if None.
    """
    grouping = _group(table, {})
    counts = grouping.counts
    if background is None:
        background = min(counts, key=lambda r: (-counts[r], r), default=0)
    return Cover(grouping, background)


def _group(
    table: NDArray[np.int32], memo: dict[tuple[object, ...], _Grouping]
) -> _Grouping:
    """Return the grouping of a table with the fewest rectangles that is found."""
    sizes = table.shape
    live = table[table >= 0]
    if live.size == 0:
        return _Grouping(sizes, Counter())
    if (live == live[0]).all():
        return _Grouping(sizes, Counter({int(live[0]): 1}))
    if table.ndim == 1:
        results = sorted(set(live.tolist()))
        parts = [(table == r, _Grouping((), Counter({r: 1}))) for r in results]
        return _Grouping(sizes, Counter(results), 0, parts)
    key = (sizes, table.tobytes())
    if key not in memo:
        options = range(table.ndim) if table.ndim <= 4 else [_best_axis(table)]
        found = [_group_by(table, axis, memo) for axis in options]
        memo[key] = min(found, key=lambda grouping: grouping.counts.total())
    return memo[key]


def _best_axis(table: NDArray[np.int32]) -> int:
    """Return the axis with the fewest different slices."""
    counts = [
        len(_classes(np.moveaxis(table, a, 0).reshape(table.shape[a], -1)))
        / table.shape[a]
        for a in range(table.ndim)
    ]
    return int(np.argmin(counts))


def _group_by(
    table: NDArray[np.int32], axis: int, memo: dict[tuple[object, ...], _Grouping]
) -> _Grouping:
    """Return a table with the values of one axis grouped by equal slices."""
    moved = np.moveaxis(table, axis, 0)
    flat = moved.reshape(moved.shape[0], -1)
    counts: Counter[int] = Counter()
    parts = []
    for members, merged in _classes(flat):
        side = np.zeros(moved.shape[0], dtype=bool)
        side[members] = True
        inner = _group(merged.reshape(moved.shape[1:]), memo)
        counts.update(inner.counts)
        parts.append((side, inner))
    return _Grouping(table.shape, counts, axis, parts)


def _write_out(grouping: _Grouping) -> Iterator[Rectangle]:
    """Yield all rectangles of a grouping, those of every result."""
    if grouping.axis is None:
        whole = tuple(np.ones(size, dtype=bool) for size in grouping.sizes)
        yield from ((whole, result) for result in grouping.counts)
        return
    for side, inner in grouping.parts:
        for sides, result in _write_out(inner):
            yield (*sides[: grouping.axis], side, *sides[grouping.axis :]), result


def _classes(flat: NDArray[np.int32]) -> list[tuple[list[int], NDArray[np.int32]]]:
    """Return groups of rows that agree wherever both matter, and their union."""
    groups: list[tuple[list[int], NDArray[np.int32]]] = []
    for row in range(len(flat)):
        if (flat[row] < 0).all():
            continue
        for number, (members, merged) in enumerate(groups):
            both = (merged >= 0) & (flat[row] >= 0)
            if (merged[both] == flat[row][both]).all():
                union = np.where(merged >= 0, merged, flat[row])
                groups[number] = ([*members, row], union)
                break
        else:
            groups.append(([row], flat[row].copy()))
    return groups
