"""Donor runs with shifted position embeddings, for training and for audits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from compiler.machine.forward import Run, forward, forward_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.transformer import Transformer

CONSTANT_WITHIN = 1e-6
"""Share of its size by which the write of a source that counts as constant may differ
between two runs: it is then the same but for rounding errors."""


def donor_writes(
    transformer: Transformer,
    ids: Int[Any, "batch ctx"],
    shifts: Int[Any, " batch"],
) -> Float[Array, "batch source ctx d_model"]:
    """Return the writes of the sources in `shifted_runs`."""
    return shifted_runs(transformer, ids, shifts).writes


def shifted_runs(
    transformer: Transformer,
    ids: Int[Any, "batch ctx"],
    shifts: Int[Any, " batch"],
) -> Run:
    """Return runs with shifted position embeddings.

    Args:
        transformer: its shape and its arrays.
        ids: token ids of the inputs.
        shifts: by how many places each run is shifted: position i > 0 of example n gets
            the embedding of the position shifts[n] places later, cyclically; BOS keeps
            its own.
    """
    config, weights = transformer.config, transformer.weights
    if config.positions == "rotary":
        return forward_batch(transformer, ids)
    places = jnp.arange(config.n_ctx - 1)

    def one(ids: Array, shift: Array) -> Run:
        order = jnp.pad(1 + (places + shift) % (config.n_ctx - 1), (1, 0))
        shifted = jnp.asarray(weights.W_pos)[order]
        return forward(transformer.with_arrays(W_pos=shifted), ids)

    return jax.vmap(one)(jnp.asarray(ids), jnp.asarray(shifts))


compiled_runs = jax.jit(shifted_runs, compiler_options=QUICK_TO_COMPILE)
