"""What of a claimed subspace the readers behind a site read, and what never varies.

A direction can change outputs by an interchange though the variable is not carried by
it (Makelov et al. 2023): one part of it is read by nothing and follows the variable,
the other is read and never varies. Wu et al. 2024 answer that a path is a path. Which
of the two a claim is, its shares decide:

    null      |B|^2 / k - |P^T B|^2 / k      nothing behind the site reads it
    dormant   |P^T B|^2 / k - |A^T B|^2 / k  it is read, and does not vary in the data
    active    |A^T B|^2 / k                  it is read, and varies

B is an orthonormal basis of the claim, k its dimension, and R one of the span of the
input matrices of all readers behind the site. P is one of the claim's read part, the
span of R R^T B, and A one of the directions in P along which what the site holds
varies. An illusion has a null and a dormant part; a claim without a null part cannot be
one. The same interchange with P in the place of B shows it in outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.machine.virtual import input_matrix
from compiler.model import Model
from zoo.alignment.places import Place
from zoo.alignment.subspaces import Columns, span

FAINT = 1e-5
"""Data do not vary in directions with no more than this share of the greatest spread:
rounding does."""


@dataclass(frozen=True)
class ReadShares:
    """The shares of a claimed subspace; they add up to 1. See the module.

    Attributes:
        null: what nothing behind the site reads.
        dormant: what is read, and never varies.
        active: what is read, and varies.
    """

    null: float
    dormant: float
    active: float


def read_subspace(model: Model, place: Place) -> Columns:
    """Return an orthonormal basis of what the readers behind a site read."""
    names, found = model.config.names, []
    for reader, part in names.reader_parts.items():
        layer = names.n_layers if part.layer is None else part.layer
        row = names.visible[names.reader_index(reader)]
        if layer >= place.layer and row[list(place.sources)].any():
            matrix = np.asarray(input_matrix(model.weights, part), np.float64)
            found.append(matrix / max(np.linalg.norm(matrix), 1e-30))
    return span(np.concatenate(found, axis=1))


def varied_subspace(held: Float[Any, "*n d_model"]) -> Columns:
    """Return an orthonormal basis of the directions in which vectors vary."""
    rows = np.asarray(held, np.float64).reshape(-1, np.shape(held)[-1])
    return span((rows - rows.mean(axis=0)).T, FAINT)


def read_shares(
    basis: Columns, read: Columns, held: Float[Any, "token d_model"]
) -> ReadShares:
    """Return the shares of a claimed subspace.

    Args:
        basis: orthonormal columns of the claim.
        read: of what is read.
        held: what the site holds, token by token.
    """
    part, size = read_part(basis, read), basis.shape[1]
    rows = np.asarray(held, np.float64)
    middle = rows - rows.mean(axis=0)
    _, sizes, right = np.linalg.svd(middle @ part, full_matrices=False)
    least = FAINT * max(float(np.linalg.norm(middle, 2)), 1e-30)
    varies = part @ right[sizes > least].T
    seen, active = (float(np.square(p.T @ basis).sum()) / size for p in (part, varies))
    return ReadShares(1 - seen, max(seen - active, 0.0), active)


def read_part(basis: Columns, read: Columns) -> Columns:
    """Return an orthonormal basis of what of a claim is read; no column if nothing."""
    seen = read @ (read.T @ basis)
    return span(seen) if np.abs(seen).max(initial=0.0) > 1e-6 else basis[:, :0]
