"""Sets of vectors that hold all that a patch can make of a stream, a zonotope each.

A *zonotope* at a position holds every centre + sum over parts of u M, where each
coordinate of u lies between -radius and radius on its own. Several sources may share a
part (its key says which): what one adds to a reader may then cancel what another adds.

Linear maps of a zonotope are exact. GELU and ReLU are held between two parallel lines,
whose gap becomes a part of its own. Heads are in `attention.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import pi, sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import erf

from zoo.auditing.proof.network import Network, activation, times

FLATTEST = -0.107982
"""Just below the least second derivative of GELU, the one at 2 and at -2."""
NARROW = 1e-6
"""Width of an interval on which the tangent stands for the chord."""

Ends = Float[np.ndarray, "*n"]


class Generators(NamedTuple):
    """Some directions in which a zonotope extends.

    Attributes:
        radius: [row, place, direction]; the axis of rows may have length 1.
        matrix: [direction, dim], or [row, place, direction, dim].
    """

    radius: Float[np.ndarray, "row place direction"]
    matrix: Float[np.ndarray, "*n direction dim"]

    def through(self, matrix: Float[np.ndarray, "dim out"]) -> Generators:
        """Return the part behind a matrix."""
        return Generators(self.radius, times(self.matrix, matrix))


@dataclass(frozen=True, eq=False)
class Zonotope:
    """A set of vectors for every row and position; see the module.

    Attributes:
        centre: [row, place, dim].
        parts: by key. Parts of one key have one and the same radius.
    """

    centre: Float[np.ndarray, "row place dim"]
    parts: Mapping[object, Generators] = field(default_factory=dict)

    def through(self, matrix: Float[np.ndarray, "dim out"]) -> Zonotope:
        """Return the set of all its vectors times a matrix."""
        parts = {key: part.through(matrix) for key, part in self.parts.items()}
        return Zonotope(times(self.centre, matrix), parts)

    def plus(self, other: Zonotope) -> Zonotope:
        """Return the set of sums; parts of one key move together."""
        parts = dict(self.parts)
        for key, part in other.parts.items():
            known = parts.get(key)
            matrix = part.matrix if known is None else known.matrix + part.matrix
            parts[key] = Generators(part.radius, matrix)
        return Zonotope(self.centre + other.centre, parts)

    def shifted(self, vector: Float[np.ndarray, "*n dim"]) -> Zonotope:
        """Return the set with a vector added to all of it."""
        return Zonotope(self.centre + vector, self.parts)

    @property
    def widths(self) -> Float[np.ndarray, "row place dim"]:
        """By how much every coordinate may differ from that of the centre."""
        found = np.zeros_like(self.centre)
        for radius, matrix in self.parts.values():
            found = found + weighted(radius, np.abs(matrix))
        return found


def weighted(radius: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return radius @ matrix, where the matrix may differ by row and place."""
    if matrix.ndim == 2:
        return times(radius, matrix)
    return (radius[..., None, :] @ matrix)[..., 0, :]


# MLPs -----------------------------------------------------------------------------


def transform(network: Network, layer: int, seen: Zonotope, key: object) -> Zonotope:
    """Return what an MLP writes, given what it sees.

    Args:
        network: the transformer.
        layer: the MLP's layer.
        seen: the stream in front of it.
        key: of the part that stands for what is not linear.
    """
    weights = network.weights
    out, bias = weights.W_out[layer], weights.b_out[layer]
    hidden = seen.through(weights.W_in[layer]).shifted(weights.b_in[layer])
    if not hidden.parts:
        acts = activation(network.config.act, hidden.centre)
        return Zonotope(times(acts, out) + bias)
    slope, least, most = _lines_of(network, hidden)
    parts: dict[object, Generators] = {
        key_: Generators(radius, times(matrix * slope[:, :, None], out))
        for key_, (radius, matrix) in hidden.parts.items()
    }
    parts[key] = Generators((most - least) / 2, out)
    acts = slope * hidden.centre + (least + most) / 2
    return Zonotope(times(acts, out) + bias, parts)


def least_leads(
    network: Network, seen: Zonotope, rest: Zonotope, winner: Int[np.ndarray, "r p"]
) -> Float[np.ndarray, "row place"]:
    """Return the least lead of a class behind the last MLP and the unembedding.

    That is `transform`, read in the directions of the leads alone: there are fewer of
    them than parts.

    Args:
        network: the transformer.
        seen: what the last MLP sees.
        rest: what the logits see of all others, with the MLP's output bias.
        winner: [row, place] the class.
    """
    weights = network.weights
    W_U, W_in = weights.W_U, weights.W_in[-1]
    out = (weights.W_out[-1] @ W_U).T  # [class, hidden]
    hidden = seen.through(W_in).shifted(weights.b_in[-1])
    straight = rest.through(W_U).shifted(weights.b_U)
    if not hidden.parts and not rest.parts:
        acts = activation(network.config.act, hidden.centre)
        return _lead(times(acts, out.T) + straight.centre, winner).min(-1)
    slope, least, most = _lines_of(network, hidden)
    acts = slope * hidden.centre + (least + most) / 2
    lead = _lead(times(acts, out.T) + straight.centre, winner)
    ahead = out - out[winner][:, :, None]  # [row, place, class, hidden]
    lead = lead - _along(np.abs(ahead), (most - least) / 2)
    ahead = ahead * slope[:, :, None]
    classes = W_U.T - W_U.T[winner][:, :, None]  # [row, place, class, d_model]
    for key in {**seen.parts, **rest.parts}:
        moved, radius = np.zeros(1, lead.dtype), None
        for part, directions in (
            (hidden.parts.get(key), ahead),
            (rest.parts.get(key), classes),
        ):
            if part is not None:
                moved = moved + times(directions, part.matrix.swapaxes(-1, -2))
                radius = part.radius
        lead = lead - _along(np.abs(moved), radius)
    return lead.min(-1)


def _lead(logits: np.ndarray, winner: np.ndarray) -> np.ndarray:
    """Return the lead of a class over each other one, and infinity over itself."""
    own = np.arange(logits.shape[-1]) == winner[..., None]
    found = np.take_along_axis(logits, winner[..., None], -1) - logits
    return np.where(own, np.inf, found)


def _along(directions: np.ndarray, radius: np.ndarray | None) -> np.ndarray:
    """Return directions [row, place, class, n] times radii [row, place, n]."""
    assert radius is not None
    return (directions @ radius[..., None])[..., 0]


def _lines_of(network: Network, hidden: Zonotope) -> tuple[Ends, Ends, Ends]:
    widths = hidden.widths
    return lines(network.config.act, hidden.centre - widths, hidden.centre + widths)


def lines(act: str, low: Ends, high: Ends) -> tuple[Ends, Ends, Ends]:
    """Return (slope, least, most): the activation less slope * z lies between them.

    The slope is that of the chord. By Taylor's theorem GELU less its chord is
    GELU''(x) (z - low) (z - high) / 2 for some x in the interval, so it lies between
    -B w^2 / 8 and -A w^2 / 8, with w the width, and A <= 0 <= B bounds of GELU''.
    """
    at_low, at_high = activation(act, low), activation(act, high)
    width, middle = high - low, (low + high) / 2
    narrow = width < NARROW
    rise = (at_high - at_low) / np.where(narrow, 1.0, width)
    if act == "relu":
        slope = np.where(narrow, middle > 0, rise)
        ends = at_low - slope * low, at_high - slope * high
        bend = np.where((low < 0) & (high > 0), 0.0, np.minimum(*ends))  # at z = 0
        return slope, np.minimum(bend, np.minimum(*ends)), np.maximum(*ends)
    tangent = 0.5 * (1.0 + erf(middle * 0.5**0.5)) + middle * _density(middle)
    slope = np.where(narrow, tangent, rise)
    nearest = np.maximum(0.0, np.maximum(low, -high))
    farthest = np.maximum(np.abs(low), np.abs(high))
    # GELU'' falls from 0 to 2 and is negative beyond the square root of 2.
    most = np.maximum(_bend(nearest), 0.0)
    least = np.where(farthest > 2.0, FLATTEST, np.minimum(_bend(farthest), 0.0))
    start = at_low - slope * low
    slack = np.where(narrow, NARROW**2, 0.0 * width)
    room = width * width / 8
    return slope, start - most * room - slack, start - least * room + slack


def _density(at: Ends) -> Ends:
    return np.exp(-0.5 * at * at) / sqrt(2 * pi)


def _bend(distance: Ends) -> Ends:
    """Return GELU's second derivative at a distance from 0; it is an even function."""
    return _density(distance) * (2.0 - distance * distance)
