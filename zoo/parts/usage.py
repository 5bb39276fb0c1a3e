"""On which inputs a part of the weights is used: removing it changes an output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from compiler.machine.forward import logits_batch
from compiler.model import Model
from compiler.parts import matrix_places
from zoo.causal.outputs import differs
from zoo.causal.population import Population


def with_matrix(
    model: Model, name: str, matrix: Float[np.ndarray, "row column"]
) -> Any:
    """Return the transformer with another matrix in the place of one of its own."""
    field, index = matrix_places(model.config)[name]
    array = np.array(getattr(model.weights, field))
    array[index] = matrix
    return model.transformer.with_arrays(**{field: array})


def usage(
    model: Model,
    inputs: Population,
    terms: Sequence[tuple[str, Float[np.ndarray, "_ _"]]],
) -> Bool[np.ndarray, "term input"]:
    """Return which terms are used on which inputs.

    Args:
        model: the model.
        inputs: its inputs.
        terms: by term, the matrix that it belongs to, and the term as a matrix.
    """
    ids, live = inputs.ids, inputs.live & (inputs.values[:, inputs.output] >= 0)
    clean = logits_batch(model.transformer, ids)
    found = np.zeros((len(terms), len(ids)), bool)
    for row, (name, term) in enumerate(terms):
        field, index = matrix_places(model.config)[name]
        own = np.asarray(getattr(model.weights, field)[index], np.float64)
        found[row] = changed(
            model, with_matrix(model, name, own - term), ids, clean, live
        )
    return found


def changed(
    model: Model,
    transformer: Any,
    ids: Int[np.ndarray, "input ctx"],
    clean: Any,
    live: Bool[np.ndarray, "input ctx"],
) -> Bool[np.ndarray, " input"]:
    """Return the inputs on which a changed transformer has another output."""
    logits = logits_batch(transformer, ids)
    wrong = np.asarray(differs(model.readout, jnp.asarray(logits), jnp.asarray(clean)))
    wrong = wrong | ~np.isfinite(np.asarray(logits)).all(axis=-1)
    return np.any(wrong & live, axis=1)
