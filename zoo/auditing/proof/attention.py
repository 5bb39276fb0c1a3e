"""What heads make of zonotopes.

Scores lie in intervals, and the mean of the values is bounded under all weights that
these allow. While queries and keys stay as they are, a head is linear in its values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float

from zoo.auditing.proof.network import Network, softmax, times
from zoo.auditing.proof.zonotope import Generators, Zonotope, weighted

TINY = float(np.finfo(np.float32).tiny)
"""The least sum of weights that is divided by."""


def attend(
    network: Network,
    layer: int,
    head: int,
    seen: tuple[Zonotope, Zonotope, Zonotope],
    allowed: Bool[np.ndarray, "row place key"],
    key: object,
) -> Zonotope:
    """Return what a head writes, given what its queries, keys and values see.

    Args:
        network: the transformer.
        layer: the head's layer.
        head: which one.
        seen: the streams in front of q, k and v. Queries may have other places than
            keys and values.
        allowed: which key each place may attend to.
        key: of the part that stands for what is not linear.
    """
    W = network.weights
    q, k, v = (
        zonotope.through(matrix[layer, head]).shifted(bias[layer, head])
        for zonotope, matrix, bias in zip(
            seen, (W.W_Q, W.W_K, W.W_V), (W.b_Q, W.b_K, W.b_V), strict=True
        )
    )
    W_O = W.W_O[layer, head]
    scores = network.scores(q.centre, k.centre, allowed)
    weights = softmax(scores)
    if not q.parts and not k.parts:
        return _mixed(weights, v, key).through(W_O)
    spread = _score_widths(q, k, weights) / network.config.d_head**0.5
    low, high = v.centre - v.widths, v.centre + v.widths
    least, most = mean_bounds(scores, spread, low, high)
    parts: Mapping[object, Generators] = {key: Generators((most - least) / 2, W_O)}
    return Zonotope(times((least + most) / 2, W_O), parts)


def _mixed(
    weights: Float[np.ndarray, "row place key"], values: Zonotope, key: object
) -> Zonotope:
    """Return the mean of values under known weights, which is linear."""
    parts: dict[object, Generators] = {}
    for number, (radius, matrix) in enumerate(values.parts.values()):
        if matrix.ndim > 2:  # a matrix of its own at each key: a box holds its image
            radius = weighted(radius, np.abs(matrix))
            matrix = np.eye(radius.shape[-1], dtype=radius.dtype)
        parts[key, number] = Generators(weights @ radius, matrix)
    return Zonotope(weights @ values.centre, parts)


def _score_widths(
    q: Zonotope, k: Zonotope, weights: Float[np.ndarray, "row place key"]
) -> Float[np.ndarray, "row place key"]:
    """Return how far scores may move, before they are divided by the root of d_head.

    What moves all scores of a query alike changes no weight, so keys count from their
    mean under the weights of the centre.
    """
    from_mean = k.centre[:, None] - (weights @ k.centre)[:, :, None]
    found = q.widths @ k.widths.swapaxes(1, 2)
    for radius, matrix in q.parts.values():
        along = np.abs(_lifted(matrix) @ from_mean.swapaxes(2, 3))
        found = found + weighted(radius, along)
    for radius, matrix in k.parts.values():
        along = np.abs(_lifted(matrix) @ q.centre.swapaxes(1, 2)[:, None])
        found = found + weighted(radius, along).swapaxes(1, 2)  # was [row, key, place]
    return found


def _lifted(matrix: np.ndarray) -> np.ndarray:
    return matrix if matrix.ndim == 4 else matrix[None, None]


def mean_bounds(
    scores: Float[np.ndarray, "row place key"],
    spread: Float[np.ndarray, "row place key"],
    low: Float[np.ndarray, "row key dim"],
    high: Float[np.ndarray, "row key dim"],
) -> tuple[Float[np.ndarray, "row place dim"], Float[np.ndarray, "row place dim"]]:
    """Return bounds of a mean of bounded values under weights of bounded scores.

    Each score may differ from its centre by the spread, on its own. The mean is largest
    where the keys whose values are above some threshold have their greatest weight, and
    all others their least; each value that occurs is tried as the threshold.
    """
    top = (scores + spread).max(-1, keepdims=True)
    most, least = np.exp(scores + spread - top), np.exp(scores - spread - top)

    def largest(values: Float[np.ndarray, "row key dim"]) -> np.ndarray:
        shape = *scores.shape[:2], values.shape[-1]
        best = np.full(shape, -np.inf, values.dtype)
        for key in range(values.shape[1]):
            above = (values >= values[:, key : key + 1]).astype(values.dtype)
            total = most @ above + least @ (1.0 - above)
            sums = most @ (above * values) + least @ ((1.0 - above) * values)
            whole = values.max(1)[:, None]  # where all weights underflow
            mean = np.where(total > TINY, sums / np.maximum(total, TINY), whole)
            seen = np.isfinite(scores[:, :, key, None])
            best = np.maximum(best, np.where(seen, mean, -np.inf))
        return best

    return -largest(-low), largest(high)
