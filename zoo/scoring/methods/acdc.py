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

from compiler.machine.forward import logits_from
from compiler.machine.patch import Patch
from compiler.machine.single import by_place
from compiler.machine.weights import Weights
from zoo.scoring.case import Case
from zoo.scoring.losses import Goal, loss_of
from zoo.scoring.method import method
from zoo.scoring.running import Batch, Machine
from zoo.training.held_out import QUICK_TO_COMPILE

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
    names, machine = case.names, case.machine(loss)
    removed = jnp.zeros(names.visible.shape, jnp.float32)
    current = jnp.asarray(case.losses(None, loss).mean())
    for (kind, layer), edges in by_place(names, removal_order(case)).items():
        removed, current = _sweep(
            machine,
            case.weights,
            case.batch,
            removed,
            current,
            jnp.float32(tau),
            np.array(edges, np.int32),
            _nodes_of(case, edges),
            case.config.n_layers if kind == "logits" else layer,
        )
    return names.visible & ~np.asarray(removed > 0)


def removal_order(case: Case) -> list[tuple[int, int]]:
    """Return all edges, last reader first, and its last sender first."""
    entries = [(int(r), int(s)) for r, s in np.argwhere(case.names.visible)]
    return entries[::-1]


def _nodes_of(case: Case, edges: list[tuple[int, int]]) -> Int[np.ndarray, " edge"]:
    """Return the source that each edge's reader feeds; one past the end for logits."""
    names = case.names
    nodes = [names.node_of(names.readers[reader]) for reader, _ in edges]
    count = len(names.sources)
    return np.array(
        [count if n == "logits" else names.source_index(n) for n in nodes], np.int32
    )


@partial(
    jax.jit,
    static_argnames=("machine", "layer"),
    compiler_options=QUICK_TO_COMPILE,
)
def _sweep(
    machine: Machine,
    weights: Weights,
    batch: Batch,
    removed: Float[Array, "reader source"],
    current: Float[Array, ""],
    tau: Float[Array, ""],
    edges: Int[Any, "edge 2"],
    nodes: Int[Any, " edge"],
    layer: int,
) -> tuple[Float[Array, "reader source"], Float[Array, ""]]:
    """Return what is removed after the edges into one layer's readers were tried.

    Args:
        machine: the model's shape, and the loss.
        weights: its arrays.
        batch: the pairs.
        removed: 1 at the edges that are out already: of later readers only.
        current: the loss with these patched.
        tau: the threshold.
        edges: (reader, source) in the order in which they are tried.
        nodes: the source that each reader feeds.
        layer: of the readers; nothing before it is computed.
    """
    weights = Weights(*(jnp.asarray(a) for a in weights))
    visible = jnp.asarray(machine.config.names.visible)

    def loss(mask: Array) -> Array:
        def one(ids: Array, writes: Array, donors: Array) -> Array:
            patch = Patch.edges(mask, donors)
            return logits_from(machine.config, weights, ids, writes, layer, patch)

        logits = jax.vmap(one)(batch.ids, batch.writes, batch.donors)
        return loss_of(machine.readout, machine.loss, logits, Goal(*batch.goal)).mean()

    def step(carry: tuple[Array, Array], edge: tuple[Array, Array]) -> Any:
        mask, before = carry
        (reader, source), node = edge
        # The logits are no source: a column of survivors stands for them.
        survives = jnp.append((visible & (mask == 0)).any(axis=0), True)[node]
        tried = mask.at[reader, source].set(1.0)
        after = jax.lax.cond(survives, loss, lambda _: before, tried)
        out = ~survives | (after - before < tau)
        return (jnp.where(out, tried, mask), jnp.where(out, after, before)), None

    pairs = (jnp.asarray(edges), jnp.asarray(nodes))
    return jax.lax.scan(step, (removed, current), pairs)[0]
