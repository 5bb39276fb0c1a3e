"""A function of one number as hidden units: one ReLU where its slope changes.

Points (s, y) are joined by straight lines, constant outside. From the left, the
unit relu(s - p) adds a change of slope at p; from the right, relu(p - s) does. The
two differ in rounding only, and the better one is taken. `plateau` puts two units in
the gap between neighbours, so that an error in s does not come through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiler.passes.codes import Floats


@dataclass(frozen=True, eq=False)
class Hinges:
    """y(s) = base + sum over units of relu(sign * (s - place)) * slope.

    Attributes:
        sign: 1.0 or -1.0, the same for all.
        place: [units].
        slope: [units, outputs].
        base: [outputs].
    """

    sign: float
    place: Floats
    slope: Floats
    base: Floats


def _plateau_points(points: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return points that step near the middle of each gap, flat elsewhere.

    Each step is a power of two wide, at most half its gap, and starts at a multiple
    of a quarter of that: float32 then holds places and slopes exactly, and what two
    units add beyond their step cancels without a rest.
    """
    steps = np.flatnonzero((np.diff(values, axis=0) != 0).any(axis=1))
    gap = points[steps + 1] - points[steps]
    width = np.exp2(np.floor(np.log2(gap / 2)))
    start = (points[steps] + points[steps + 1] - width) / 2
    start = np.round(4 * start / width) * width / 4
    places = np.stack([start, start + width], axis=1)
    heights = np.stack([values[steps], values[steps + 1]], axis=1)
    return places.reshape(-1), heights.reshape(-1, values.shape[1])


def fit_hinges(points: Floats, values: Floats, *, sign: float, plateau: bool) -> Hinges:
    """Return hinges through the points.

    Args:
        points: [n] strictly increasing.
        values: [n, outputs].
        sign: 1.0 to build from the left, -1.0 from the right.
        plateau: whether to be flat around each point.
    """
    if plateau and len(points) > 1:
        points, values = _plateau_points(points, values)
    if len(points) < 2:
        first = values[:1] if len(values) else np.zeros((1, values.shape[1]))
        return Hinges(sign, np.zeros(0), np.zeros((0, values.shape[1])), first[0])
    if sign < 0:
        points, values = points[::-1], values[::-1]
    slopes = np.diff(values, axis=0) / np.abs(np.diff(points))[:, None]
    change = np.diff(slopes, axis=0, prepend=np.zeros((1, values.shape[1])))
    scale = np.abs(slopes).max() or 1.0
    places, base = points[:-1], values[0]
    if plateau:
        # The last step must end flat: there may be noise beyond the last point.
        change = np.concatenate([change, -slopes[-1:]])
        places = points
    used = (np.abs(change) > 1e-9 * scale).any(axis=1)
    return Hinges(sign, places[used], change[used], base)
