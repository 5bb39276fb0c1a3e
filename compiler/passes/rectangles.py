"""A table as few disjoint rectangles of equal entries.

A rectangle is a set of values for each argument; its indicator is one hidden unit
(a conjunction). The most expensive result becomes the background, which is free.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

Rectangle = tuple[tuple[NDArray[np.bool_], ...], int]


def cover(
    table: NDArray[np.int32], background: int | None = None
) -> tuple[list[Rectangle], int]:
    """Return (rectangles, background result).

    Args:
        table: [d1, .., dk] results; -1 where it does not matter.
        background: the result that is free; the most expensive one if None.

    Returns:
        Disjoint rectangles, each ([di] booleans for each argument, result), that give
        the table together with the background; and the background.
    """
    rectangles = _split(table, {})
    counts = Counter(result for _, result in rectangles)
    if not counts:
        return [], background or 0
    if background is None:
        background = min(counts, key=lambda r: (-counts[r], r))
    return [r for r in rectangles if r[1] != background], background


def _split(
    table: NDArray[np.int32], memo: dict[bytes, list[Rectangle]]
) -> list[Rectangle]:
    """Return rectangles that cover the live cells of a table."""
    sizes = table.shape
    live = table[table >= 0]
    if live.size == 0:
        return []
    if (live == live[0]).all():
        return [(tuple(np.ones(s, dtype=bool) for s in sizes), int(live[0]))]
    if table.ndim == 1:
        return [((table == r,), int(r)) for r in np.unique(live)]
    key = table.tobytes() + repr(sizes).encode()
    if key in memo:
        return memo[key]
    options = range(table.ndim) if table.ndim <= 4 else [_best_axis(table)]
    found = min((_split_on(table, a, memo) for a in options), key=len)
    memo[key] = found
    return found


def _best_axis(table: NDArray[np.int32]) -> int:
    """Return the axis with the fewest different slices."""
    counts = [
        len(_classes(np.moveaxis(table, a, 0).reshape(table.shape[a], -1)))
        / table.shape[a]
        for a in range(table.ndim)
    ]
    return int(np.argmin(counts))


def _split_on(
    table: NDArray[np.int32], axis: int, memo: dict[bytes, list[Rectangle]]
) -> list[Rectangle]:
    """Return rectangles after grouping the values of one axis by equal slices."""
    moved = np.moveaxis(table, axis, 0)
    flat = moved.reshape(moved.shape[0], -1)
    result: list[Rectangle] = []
    for members, merged in _classes(flat):
        side = np.zeros(moved.shape[0], dtype=bool)
        side[members] = True
        inner = merged.reshape(moved.shape[1:])
        for sides, value in _split(inner, memo):
            full = list(sides)
            full.insert(axis, side)
            result.append((tuple(full), value))
    return result


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
