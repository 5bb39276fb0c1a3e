"""Virtual weights: what the output of a source is to the input of a reader."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from compiler.machine.names import Names, Part
from compiler.machine.weights import Weights


def virtual_norms(names: Names, weights: Weights) -> Float[np.ndarray, "reader source"]:
    """Return the Frobenius norm of each virtual weight: out of a source, into a reader.

    0 where there is no edge (Elhage et al. 2021, "A Mathematical Framework for
    Transformer Circuits").
    """
    out = [_output(weights, part) for part in names.source_parts.values()]
    into = [_input(weights, part) for part in names.reader_parts.values()]
    found = np.zeros(names.visible.shape)
    for reader, source in np.argwhere(names.visible):
        found[reader, source] = np.linalg.norm(out[source] @ into[reader])
    return found


def _output(weights: Weights, part: Part) -> Float[np.ndarray, "_ d_model"]:
    """Return the matrix that a source writes with."""
    if part.kind == "tokens":
        return np.asarray(weights.W_E)
    if part.kind == "positions":
        return np.asarray(weights.W_pos)
    if part.kind == "mlp":
        return np.asarray(weights.W_out[part.layer])
    return np.asarray(weights.W_O[part.layer, part.head])


def _input(weights: Weights, part: Part) -> Float[np.ndarray, "d_model _"]:
    """Return the matrix that a reader reads with."""
    if part.kind == "logits":
        return np.asarray(weights.W_U)
    if part.kind == "mlp":
        return np.asarray(weights.W_in[part.layer])
    matrix = getattr(weights, f"W_{str(part.slot).upper()}")
    return np.asarray(matrix[part.layer, part.head])
