"""Donor runs with shifted position embeddings, for training and for audits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from compiler.machine.forward import Run, forward, forward_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.transformer import Transformer

SILENT = 1e-6
"""A source whose writes move by no more than this share of their size is silent."""


def donor_writes(
    transformer: Transformer,
    ids: Int[Any, "batch ctx"],
    turns: Int[Any, " batch"],
) -> Float[Array, "batch source ctx d_model"]:
    """Return the writes of the sources in `turned_runs`."""
    return turned_runs(transformer, ids, turns).writes


def turned_runs(
    transformer: Transformer,
    ids: Int[Any, "batch ctx"],
    turns: Int[Any, " batch"],
) -> Run:
    """Return runs with shifted position embeddings.

    Args:
        transformer: its shape and its arrays.
        ids: token ids of the inputs.
        turns: by how many places each run is shifted: position i > 0 of example n gets
            the embedding of the position turns[n] places later, cyclically; BOS keeps
            its own.
    """
    config, weights = transformer.config, transformer.weights
    if config.positions == "rotary":
        return forward_batch(transformer, ids)
    places = jnp.arange(config.n_ctx - 1)

    def one(ids: Array, turn: Array) -> Run:
        order = jnp.pad(1 + (places + turn) % (config.n_ctx - 1), (1, 0))
        turned = jnp.asarray(weights.W_pos)[order]
        return forward(transformer.with_arrays(W_pos=turned), ids)

    return jax.vmap(one)(jnp.asarray(ids), jnp.asarray(turns))


compiled_runs = jax.jit(turned_runs, compiler_options=QUICK_TO_COMPILE)
