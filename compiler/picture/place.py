"""Grid -> coordinates: where every item of every row stands.

Heights follow from the rows. Widths are a linear program (Gansner et al. 1993, "A
technique for drawing directed graphs", section 4.2): the weighted sum of the
horizontal ways of all lines is least, items of a row keep their order and a distance.
A sum of absolute values has its least where many of them are zero, so that lines are
straight wherever they can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from compiler.machine.names import Edge
from compiler.picture.grid import Grid, RowEntry

SPACE = 16.0  # between two items of a row
WIRE = 2.0  # width of a wire, its space not counted
# A bend in a wire between two rows disturbs more than one at its end.
_STRAIGHT, _SOME = 8.0, 2.0


@dataclass(frozen=True)
class Extent:
    """The size of a node, and where on it lines end.

    Attributes:
        width: in pixels.
        height: in pixels.
        ends: by edge, how far from the left its line ends.
    """

    width: float
    height: float
    ends: Mapping[Edge, float]


def _width(item: RowEntry, extents: Mapping[str, Extent]) -> float:
    return WIRE if item.wire else extents[item.name].width


def place_columns(
    grid: Grid, extents: Mapping[str, Extent]
) -> tuple[dict[tuple[int, RowEntry], float], float]:
    """Return (left end of each item by (row, item), the width of all)."""
    keys = [(r, item) for r, row in enumerate(grid.rows) for item in row]
    index = {key: i for i, key in enumerate(keys)}
    program = _LinearProgram(len(keys))

    width = partial(_width, extents=extents)
    for r, row in enumerate(grid.rows):
        for left, right in pairwise(row):
            program.keep_apart(index[r, left], index[r, right], width(left) + SPACE)
    for r, lines in enumerate(grid.gaps):
        for line in lines:
            start, end = index[r - 1, line.start], index[r, line.end]
            leave = width(line.start) / 2
            if line.edge is None:
                weight = _STRAIGHT if line.start.wire else _SOME
                program.draw_near(start, end, leave - WIRE / 2, weight)
            else:
                arrive = extents[line.end.name].ends[line.edge]
                program.draw_near(start, end, leave - arrive, 1.0)
    middles = [width(item) / 2 for _, item in keys]
    lefts = program.solve(middles)
    total = max(x + width(item) for x, (_, item) in zip(lefts, keys, strict=True))
    return {key: float(lefts[i]) for key, i in index.items()}, float(total)


class _LinearProgram:
    """A linear program over positions x >= 0, and a length for every line."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.apart: list[tuple[int, int, float]] = []
        self.near: list[tuple[int, int, float, float]] = []

    def keep_apart(self, left: int, right: int, distance: float) -> None:
        """Require x[right] >= x[left] + distance."""
        self.apart.append((left, right, distance))

    def draw_near(self, start: int, end: int, offset: float, weight: float) -> None:
        """Add weight * |x[start] + offset - x[end]| to what is made least."""
        self.near.append((start, end, offset, weight))

    def solve(self, middles: list[float]) -> np.ndarray:
        """Return the positions; what nothing pulls stands near the middle.

        Args:
            middles: of each item, half of its width.
        """
        n, lines = self.size, len(self.near)
        # Variables: positions, lengths of lines, distances from the middle, the middle.
        columns = n + lines + n + 1
        cost = np.zeros(columns)
        cost[n : n + lines] = [weight for *_, weight in self.near]
        cost[n + lines : -1] = 1e-3
        rows: list[tuple[dict[int, float], float]] = []
        for left, right, distance in self.apart:
            rows.append(({left: 1.0, right: -1.0}, -distance))
        for i, (start, end, offset, _) in enumerate(self.near):
            length = n + i
            rows.append(({start: 1.0, end: -1.0, length: -1.0}, -offset))
            rows.append(({start: -1.0, end: 1.0, length: -1.0}, offset))
        for i, half in enumerate(middles):
            away = n + lines + i
            rows.append(({i: 1.0, columns - 1: -1.0, away: -1.0}, -half))
            rows.append(({i: -1.0, columns - 1: 1.0, away: -1.0}, half))
        cells = [(r, c, v) for r, (row, _) in enumerate(rows) for c, v in row.items()]
        at, to, values = zip(*cells, strict=True)
        matrix = coo_array((values, (at, to)), shape=(len(rows), columns)).tocsr()
        found = linprog(cost, A_ub=matrix, b_ub=[b for _, b in rows], method="highs")
        assert found.status == 0, found.message
        return found.x[:n] - found.x[:n].min()
