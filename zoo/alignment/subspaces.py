"""Bases of subspaces: checked, true, random; the angles between two subspaces.

A basis is [d_model, k], with one direction in each column; only its span counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.linalg import subspace_angles

from compiler.errors import InputError
from compiler.finite import check_finite
from compiler.model import Model

Columns = Float[np.ndarray, "d_model _"]

THIN = 1e-6
"""A direction shorter than this share of the longest one is none."""


def check_basis(basis: Any, d_model: int) -> Columns:
    """Return an orthonormal basis of the span of what a user gave.

    Args:
        basis: [d_model, k], or [d_model] for one direction; anything that NumPy reads.
        d_model: width of the stream.

    Raises:
        InputError: it has another shape, is not finite, or its columns are dependent.
    """
    try:
        array = np.asarray(basis, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"basis: found {type(basis).__name__}, expected numbers [d_model, k] with "
            f"d_model = {d_model}. Give an array whose columns are directions"
        ) from None
    array = array[:, None] if array.ndim == 1 else array
    expected = f"expected [d_model, k] with d_model = {d_model}"
    if array.ndim == 2 and array.shape[0] != d_model and array.shape[1] == d_model:
        raise InputError(
            f"basis: found the shape {array.shape}, {expected}: columns are "
            "directions, and here rows are. Give its transpose, basis.T"
        )
    if array.ndim != 2 or array.shape[0] != d_model:
        raise InputError(
            f"basis: found the shape {array.shape}, {expected}. Give directions of "
            "this model's stream, one a column"
        )
    if not 1 <= array.shape[1] <= d_model:
        raise InputError(
            f"basis: found {array.shape[1]} columns, expected 1 to {d_model}. Give at "
            "least one direction, and no more than the stream has"
        )
    check_finite(array, "basis", "Look at how the directions were made")
    rank = len(span(array).T)
    if rank < array.shape[1]:
        raise InputError(
            f"basis: found {array.shape[1]} columns that span {rank} dimensions, "
            "expected independent ones. Leave the others out, for instance with an SVD"
        )
    return np.linalg.qr(array)[0]


def span(vectors: Float[np.ndarray, "d_model n"], thin: float = THIN) -> Columns:
    """Return an orthonormal basis of the span of some columns, the longest first.

    Args:
        vectors: the columns.
        thin: directions shorter than this share of the longest are left out.
    """
    if not vectors.size:
        return np.zeros((len(vectors), 0))
    left, sizes, _ = np.linalg.svd(vectors, full_matrices=False)
    return left[:, sizes > thin * max(sizes[0], 1e-30)]


@dataclass(frozen=True, eq=False)
class KnownSubspace:
    """What is known of a variable's subspace.

    Attributes:
        whole: [d_model, rank] all directions that are the variable's.
        needed: [d_model, n] those in which two of its values can differ: for a
            one-hot variable of n values n - 1 of n.
    """

    whole: Columns
    needed: Columns


def known_subspace(
    model: Model, variable: str, values: Any | None = None
) -> KnownSubspace | None:
    """Return a variable's true subspace; None where it is not known (trained models).

    Args:
        model: a compiled, rotated or compressed one.
        variable: by name.
        values: indices of the values that occur; all of them if None.
    """
    basis, rows = model.sites[variable].basis, model.rows.get(variable)
    if basis is None and model.features is not None:
        basis = model.features.directions_of(variable)
    if basis is None or rows is None or not len(basis):
        return None
    held = np.asarray(rows, np.float64)
    held = held if values is None else held[np.asarray(values)]
    return KnownSubspace(span(np.asarray(basis).T), span((held - held.mean(axis=0)).T))


def random_subspace(d_model: int, k: int, rng: np.random.Generator) -> Columns:
    """Return an orthonormal basis of a uniformly random subspace of dimension k."""
    return np.linalg.qr(rng.standard_normal((d_model, k)))[0]


def angles(one: Columns, other: Columns) -> tuple[float, ...]:
    """Return the principal angles of two subspaces in degrees, smallest first.

    There are as many as the smaller one has dimensions (Björck and Golub 1973; small
    angles by their sines).
    """
    found = np.degrees(subspace_angles(one, other))
    return tuple(float(angle) for angle in found[::-1])


def share_inside(one: Columns, other: Columns) -> float:
    """Return how much of one subspace lies in another: 1 for all, 0 for none.

    The mean over directions of one of the squared length of their projection: with
    principal angles a, sum cos^2 a / dim(one). Orthonormal bases are assumed.
    """
    return float(np.square(one.T @ other).sum() / max(one.shape[1], 1))
