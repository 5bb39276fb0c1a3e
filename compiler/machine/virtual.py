"""Virtual weights: what the output of a source is to the input of a reader."""

from __future__ import annotations

from typing import Any

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
    into = [input_matrix(weights, part) for part in names.reader_parts.values()]
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


def input_matrix(weights: Weights, part: Part) -> Float[np.ndarray, "d_model _"]:
    """Return the matrix that a reader reads with, the scale of its norm included."""
    if part.kind == "logits":
        return behind_norm(weights.lnf_w, weights.lnf_b, weights.W_U)
    if part.kind == "mlp":
        scale, bias = weights.ln2_w[part.layer], weights.ln2_b[part.layer]
        both = [np.asarray(weights.W_in[part.layer])]
        both.append(np.asarray(weights.W_gate[part.layer]))  # empty without a gate
        return behind_norm(scale, bias, np.concatenate(both, axis=1))
    matrix = getattr(weights, f"W_{str(part.slot).upper()}")[part.layer, part.head]
    return behind_norm(weights.ln1_w[part.layer], weights.ln1_b[part.layer], matrix)


def behind_norm(scale: Any, bias: Any, matrix: Any) -> Any:
    """Return matrices that read from the stream itself, given those behind a norm.

    The scale of the norm is multiplied in. A LayerNorm, which is the norm that has a
    bias, also takes off the mean over the stream.

    Args:
        scale: [*layer, d_model] of the norm, of NumPy or JAX; empty without a norm.
        bias: of the norm; empty where it has none.
        matrix: [*layer, d_model, n] what reads behind the norm.
    """
    if scale.size:
        matrix = scale[..., None] * matrix
    return matrix - matrix.mean(-2, keepdims=True) if bias.size else matrix
