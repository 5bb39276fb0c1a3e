"""Compiled runs in which each edge is patched alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from compiler.lower.readout import Readout
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.rerun.rerun import (
    Target,
    edge_targets,
    perturbed_logits,
    stack,
    stack_runs,
    unstack,
)
from zoo.cases.losses import every_loss, losses_for
from zoo.cases.running import Batch, Machine, join_blocks, split_into_blocks


def single_edges(
    machine: Machine, batch: Batch
) -> dict[str, Float[np.ndarray, "reader source pair"]]:
    """Return each pair's loss with one edge patched, for every edge; 0 for no edge.

    Nothing before the reader is computed again, and all edges share a compilation. The
    runs are the same whatever the loss is, so they are returned by loss.
    """
    names = machine.config.names
    edges = edge_targets(names)
    losses = losses_for(machine.readout)
    every = np.asarray(_one_by_one(machine.transformer, batch, edges, machine.readout))
    found = {}
    for loss, values in zip(losses, every, strict=True):
        found[loss] = np.zeros((*names.visible.shape, len(batch.ids)), np.float32)
        found[loss][edges[:, 0], edges[:, 1]] = values
    return found


@partial(jax.jit, static_argnames="readout", compiler_options=QUICK_TO_COMPILE)
def _one_by_one(
    transformer: Any, batch: Batch, edges: Int[Any, "edge 7"], readout: Readout
) -> Float[Array, "loss edge pair"]:
    edges = jnp.asarray(edges)

    def losses_of_block(block: Batch) -> Array:
        base = stack_runs(transformer, block.ids, block.writes)
        differences = stack(block.donors) - base.writes

        def losses_of_edge(edge: Array) -> Array:
            _, source, _, *target = edge
            change = differences[source]
            logits = perturbed_logits(transformer, base, Target(*target), change)
            return every_loss(readout, unstack(logits), block.goal)

        return jax.lax.map(losses_of_edge, edges)

    blocks = split_into_blocks(transformer, batch)
    found = jax.lax.map(losses_of_block, blocks)  # [block, edge, loss, pair]
    each = jax.vmap(jax.vmap(join_blocks, (1, None)), (2, None))
    return each(found, batch)
