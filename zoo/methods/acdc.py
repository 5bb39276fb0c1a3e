"""ACDC: edges are removed one by one (Conmy et al. 2023, algorithm 1).

Readers in reverse order of computation, senders in reverse order. An edge is patched
besides all that were removed; it stays so if the divergence rises by less than tau.
The inputs of a node none of whose outputs survive are removed without a run. The score
of an edge is the smallest threshold that removes it: of `TAUS`, or one above them all.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.rerun.rerun import (
    BaseRuns,
    Donors,
    MaskedRuns,
    edge_targets,
    masked_logits,
    stack,
    stack_runs,
    unmasked,
    unstack,
)
from zoo.cases.case import Case
from zoo.cases.losses import Goal, loss_of
from zoo.cases.running import Batch, Machine, join_blocks, split_into_blocks
from zoo.methods.method import method

TAUS = (1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)


@method(
    "acdc",
    paper="Conmy et al. 2023, alg. 1",
    equation="least tau of 9, 1e-5 to 1, that removes the edge",
)
def acdc(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the smallest threshold that removes each edge."""
    scores = np.full(case.names.visible.shape, 2 * max(TAUS))
    for tau in reversed(TAUS):
        scores[~acdc_circuit(case, tau)] = tau
    return scores


def acdc_circuit(
    case: Case, tau: float, loss: str = "divergence"
) -> Bool[np.ndarray, "reader source"]:
    """Return the edges that survive a threshold."""
    edges = removal_order(case)
    found = _sweep(
        case.machine(loss),
        case.batch,
        jnp.asarray(case.losses(None, loss).mean()),
        jnp.float32(tau),
        edges,
        _nodes_of(case, edges),
    )
    return case.names.visible & ~np.asarray(found > 0)


def removal_order(case: Case) -> Int[np.ndarray, "edge 7"]:
    """Return all edges, last reader first, and its last sender first."""
    return edge_targets(case.names)[::-1]


def _nodes_of(case: Case, edges: Int[np.ndarray, "edge 7"]) -> Int[np.ndarray, " edge"]:
    """Return the source that each edge's reader feeds; one past the end for logits."""
    names = case.names
    nodes = [names.node_of(names.readers[reader]) for reader in edges[:, 0]]
    count = len(names.sources)
    return np.array(
        [count if n == "logits" else names.source_index(n) for n in nodes], np.int32
    )


@partial(jax.jit, compiler_options=QUICK_TO_COMPILE)
def _sweep(
    machine: Machine,
    batch: Batch,
    loss: Float[Array, ""],
    tau: Float[Array, ""],
    edges: Int[Any, "edge 7"],
    nodes: Int[Any, " edge"],
) -> Float[Array, "reader source"]:
    """Return a mask of what is removed after all edges were tried.

    Only edges of later readers are out when one is tried, so that all runs are the
    clean ones in front of its reader's layer.

    Args:
        machine: the model, and the loss.
        batch: the pairs.
        loss: with nothing removed.
        tau: the threshold.
        edges: in the order in which they are tried, see `edge_targets`.
        nodes: the source that each edge's reader feeds.
    """
    transformer = machine.transformer
    visible = jnp.asarray(machine.config.names.visible)

    def prepare(block: Batch) -> tuple[BaseRuns, Donors, MaskedRuns, Goal]:
        base = stack_runs(transformer, block.ids, block.writes)
        donors = Donors(stack(block.donors))
        return base, donors, unmasked(base, donors), Goal(*block.goal)

    blocks = jax.lax.map(prepare, split_into_blocks(machine.transformer, batch))

    def loss_under(mask: Array, layer: Array) -> Array:
        def losses_of_block(block: tuple[BaseRuns, Donors, MaskedRuns, Goal]) -> Array:
            base, donors, clean, goal = block
            logits = masked_logits(transformer, base, mask, donors, clean, layer)
            return loss_of(machine.readout, machine.loss, unstack(logits), goal)

        return join_blocks(jax.lax.map(losses_of_block, blocks), batch).mean()

    def step(carry: tuple[Array, Array], now: tuple[Array, Array]) -> Any:
        (mask, before), (edge, node) = carry, now
        reader, source, layer, *_ = edge
        # The logits are no source: a column of survivors stands for them.
        survives = jnp.append((visible & (mask == 0)).any(axis=0), True)[node]
        tried = mask.at[reader, source].set(1.0)
        after = jax.lax.cond(survives, loss_under, lambda *_: before, tried, layer)
        out = ~survives | (after - before < tau)
        return (jnp.where(out, tried, mask), jnp.where(out, after, before)), None

    nothing = jnp.zeros(visible.shape, jnp.float32)
    entries = (jnp.asarray(edges), jnp.asarray(nodes))
    return jax.lax.scan(step, (nothing, loss), entries)[0][0]
