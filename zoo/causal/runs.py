"""Runs of inputs whose positions are turned: what donors of an audit write."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from compiler.machine.config import Config
from compiler.machine.forward import Run, forward, forward_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.weights import Weights


def donor_writes(
    config: Config,
    weights: Weights,
    ids: Int[Any, "batch ctx"],
    turns: Int[Any, " batch"],
) -> Float[Array, "batch source ctx d_model"]:
    """Return what the sources write in `turned_runs`."""
    return turned_runs(config, weights, ids, turns).writes


def turned_runs(
    config: Config,
    weights: Weights,
    ids: Int[Any, "batch ctx"],
    turns: Int[Any, " batch"],
) -> Run:
    """Return runs whose positions are turned.

    Args:
        config: the transformer's shape.
        weights: its arrays.
        ids: inputs.
        turns: position i > 0 of example n gets the embedding that is turns[n] places
            further on, around the end; BOS keeps its own.
    """
    if config.positions == "rotary":
        return forward_batch(config, weights, ids)
    places = jnp.arange(config.n_ctx - 1)

    def one(ids: Array, turn: Array) -> Run:
        order = jnp.pad(1 + (places + turn) % (config.n_ctx - 1), (1, 0))
        turned = jnp.asarray(weights.W_pos)[order]
        return forward(config, weights._replace(W_pos=turned), ids)

    return jax.vmap(one)(jnp.asarray(ids), jnp.asarray(turns))


compiled_runs = jax.jit(
    turned_runs, static_argnames=("config",), compiler_options=QUICK_TO_COMPILE
)
