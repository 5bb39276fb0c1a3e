"""Donor runs with shifted position embeddings, for training and for audits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.forward import Run, forward, forward_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.transformer import Transformer

CONSTANT_WITHIN = 1e-6
"""Share of its size by which the write of a source that counts as constant may differ
between two runs: it is then the same but for rounding errors."""


def writes_alike(
    writes: Float[Any, "run source ctx d_model"],
    donors: Float[Any, "run source ctx d_model"],
    where: Float[np.ndarray, "run ctx"] | None = None,
) -> Bool[np.ndarray, " source"]:
    """Return which sources write the same in two runs, but for rounding errors.

    No patch of what they write can show an effect.

    Args:
        writes: of the base runs.
        donors: of the donor runs.
        where: 1 at positions that count, 0 elsewhere; all count if None.
    """
    own = np.asarray(writes)
    moved = np.abs(np.asarray(donors) - own)
    if where is not None:
        moved = moved * where[:, None, :, None]
    size = np.abs(own).max(axis=(0, 2, 3))
    return moved.max(axis=(0, 2, 3)) <= CONSTANT_WITHIN * np.maximum(size, 1e-30)


def donor_writes(
    transformer: Transformer,
    ids: Int[Any, "batch ctx"],
    shifts: Int[Any, " batch"],
) -> Float[Array, "batch source ctx d_model"]:
    """Return the writes of the sources in `shifted_runs`."""
    return shifted_runs(transformer, ids, shifts).writes


def with_shifted_positions(
    transformer: Transformer, shift: Int[Any, ""] | int
) -> Transformer:
    """Return a transformer whose position embeddings are shifted cyclically.

    Position i > 0 gets the embedding of the position `shift` places later; BOS keeps
    its own.

    Args:
        transformer: with learned positions.
        shift: by how many places.
    """
    config = transformer.config
    places = jnp.arange(config.n_ctx - 1)
    order = jnp.pad(1 + (places + shift) % (config.n_ctx - 1), (1, 0))
    return transformer.with_arrays(W_pos=jnp.asarray(transformer.weights.W_pos)[order])


def shifted_runs(
    transformer: Transformer,
    ids: Int[Any, "batch ctx"],
    shifts: Int[Any, " batch"],
) -> Run:
    """Return runs with shifted position embeddings.

    Args:
        transformer: its shape and its arrays.
        ids: token ids of the inputs.
        shifts: by how many places each run is shifted, as `with_shifted_positions` does
            it; a rotary model has no such embeddings.
    """
    if transformer.config.positions == "rotary":
        return forward_batch(transformer, ids)

    def one(ids: Array, shift: Array) -> Run:
        return forward(with_shifted_positions(transformer, shift), ids)

    return jax.vmap(one)(jnp.asarray(ids), jnp.asarray(shifts))


compiled_runs = jax.jit(shifted_runs, compiler_options=QUICK_TO_COMPILE)
