"""How near the directions of a dictionary come to the true ones.

    mmcs(T -> D) = mean over t of max over d of |cos(t, d)|     (Sharkey et al. 2022)

A true and a found direction match where |cos| is at least a threshold; the matching,
one to one, has the most matches, and among those the greatest cosines (Kuhn 1955).
    precision = matches / found,  recall = matches / true,  F1 their harmonic mean
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from compiler.errors import InputError
from compiler.finite import check_finite

NOTHING = 1e-6
"""A direction of which no more than this lies in a subspace is outside."""

Cosines = Float[np.ndarray, "true found"]


def check_dictionary(
    dictionary: Any, d_model: int
) -> Float[np.ndarray, "found d_model"]:
    """Return the directions of a dictionary, of length 1.

    Args:
        dictionary: [feature, d_model], as SAEs keep their decoders.
        d_model: width of the stream.

    Raises:
        InputError: it has another shape, is not finite, or a direction has no length.
    """
    try:
        array = np.asarray(dictionary, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"dictionary: found {type(dictionary).__name__}, expected numbers "
            f"[feature, d_model] with d_model = {d_model}. Give an SAE's decoder"
        ) from None
    expected = f"expected [feature, d_model] with d_model = {d_model}"
    if array.ndim == 2 and array.shape[1] != d_model and array.shape[0] == d_model:
        raise InputError(
            f"dictionary: found the shape {array.shape}, {expected}: a direction is a "
            "row, and here it is a column. Give its transpose, dictionary.T"
        )
    if array.ndim != 2 or array.shape[1] != d_model or not len(array):
        raise InputError(
            f"dictionary: found the shape {array.shape}, {expected}. Give directions "
            "of this model's stream, one a row"
        )
    check_finite(array, "dictionary", "Look at how it was trained")
    lengths = np.linalg.norm(array, axis=1)
    if (lengths == 0).any():
        raise InputError(
            f"dictionary: found {int((lengths == 0).sum())} rows of zeros, expected "
            "directions. Leave dead features out"
        )
    return array / lengths[:, None]


def cosines(
    true: Float[np.ndarray, "true d_model"], found: Float[np.ndarray, "found d_model"]
) -> Cosines:
    """Return |cos| of every two directions; those given have length 1."""
    return np.minimum(np.abs(true @ found.T), 1.0)


def project(
    directions: Float[np.ndarray, "n d_model"], seen: Float[np.ndarray, "d_model k"]
) -> Float[np.ndarray, "n k"]:
    """Return directions in a subspace, of length 1; zeros where none of one is in it.

    Args:
        directions: of length 1.
        seen: an orthonormal basis of the subspace.
    """
    inside = directions @ seen
    lengths = np.linalg.norm(inside, axis=1, keepdims=True)
    return np.where(lengths > NOTHING, inside / np.maximum(lengths, NOTHING), 0.0)


def match(near: Cosines, threshold: float) -> list[tuple[int, int]]:
    """Return the pairs (true, found) of the best matching, by the true one."""
    enough = near >= threshold
    # All cosines together weigh less than one match.
    worth = enough * (1.0 + near / (min(near.shape) + 1))
    rows, columns = linear_sum_assignment(worth, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if enough[row, column]]
