"""ACDC: edges are removed one by one (Conmy et al. 2023, algorithm 1).

Readers in reverse order of computation, senders in reverse order. An edge is patched
besides all that were removed; it stays so if the divergence rises by less than tau.
The inputs of a node none of whose outputs survive are removed without a run. The score
of an edge is the smallest threshold that removes it: of `TAUS`, or one above them all.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.layers import unembed
from compiler.machine.names import SLOTS
from compiler.machine.patch import Patch
from compiler.machine.single import (
    by_place,
    first_reader,
    logits_beyond,
    rewrite,
    stream_before,
)
from zoo.cases.case import Case
from zoo.cases.losses import Goal, loss_of
from zoo.cases.running import Batch, Machine
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
    names, machine = case.names, case.machine(loss)
    removed = jnp.zeros(names.visible.shape, jnp.float32)
    current = jnp.asarray(case.losses(None, loss).mean())
    for (kind, layer), edges in by_place(names, removal_order(case)).items():
        removed, current = _sweep(
            machine,
            case.batch,
            removed,
            current,
            jnp.float32(tau),
            np.array(edges, np.int32),
            _nodes_of(case, edges),
            kind,
            case.config.n_layers if layer is None else layer,
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


class _Pair(NamedTuple):
    """What trials of one place have in common, for one pair.

    Attributes:
        ids: of the clean run.
        donors: [source, ctx, d_model].
        before: [source, ctx, d_model] donor - write, of the sources in front.
        total: the stream in front, unpatched.
        nudge: [reader, ctx, d_model] what removed edges from the sources in front add
            to what each reader sees.
    """

    ids: Any
    donors: Any
    before: Any
    total: Any
    nudge: Any


@partial(
    jax.jit,
    static_argnames=("kind", "layer"),
    compiler_options=QUICK_TO_COMPILE,
)
def _sweep(
    machine: Machine,
    batch: Batch,
    removed: Float[Array, "reader source"],
    current: Float[Array, ""],
    tau: Float[Array, ""],
    edges: Int[Any, "edge 2"],
    nodes: Int[Any, " edge"],
    kind: str,
    layer: int,
) -> tuple[Float[Array, "reader source"], Float[Array, ""]]:
    """Return what is removed after the edges into the readers of one place were tried.

    A trial changes what one node writes, so that node is run, and all after its layer.

    Args:
        machine: the model's shape, and the loss.
        batch: the pairs.
        removed: 1 at the edges that are out already: of later readers only.
        current: the loss with these patched.
        tau: the threshold.
        edges: (reader, source) in the order in which they are tried.
        nodes: the source that each reader feeds.
        kind: of the readers: `head`, `mlp` or `logits`.
        layer: theirs; the number of layers for the logits.
    """
    transformer = machine.transformer.in_jax()
    config = transformer.config
    visible = jnp.asarray(config.names.visible)
    count = config.names.sources_before(layer, kind == "mlp")

    def prepare(ids: Array, writes: Array, donors: Array) -> _Pair:
        before = (donors - writes)[:count]
        total = stream_before(transformer, writes, layer, kind == "mlp")
        nudge = jnp.einsum("rs,spd->rpd", removed[:, :count], before)
        return _Pair(ids, donors, before, total, nudge)

    def trial(
        mask: Array, reader: Array, pair: _Pair, block: Array
    ) -> tuple[Array, Array]:
        if kind == "logits":
            seen = pair.total + jnp.einsum("s,spd->pd", mask[-1, :count], pair.before)
            return unembed(transformer, seen), block
        first, rows = first_reader(config, kind, layer), len(SLOTS)
        head = (reader - first) // rows if kind == "head" else None
        start = first if head is None else first + head * rows
        rows = 1 if head is None else rows
        own = jax.lax.dynamic_slice_in_dim(mask, start, rows)[:, :count]
        seen = pair.total + jnp.einsum("rs,spd->rpd", own, pair.before)
        block = rewrite(transformer, pair.ids, block, layer, head, seen)
        patch = Patch.edges(mask, pair.donors)
        logits = logits_beyond(
            transformer, pair.ids, pair.total, block, kind, layer, patch, pair.nudge
        )
        return logits, block

    pairs = jax.vmap(prepare)(batch.ids, batch.writes, batch.donors)
    size = {"head": config.n_heads, "mlp": 1, "logits": 0}[kind]
    blocks = jnp.asarray(batch.writes)[:, count : count + size]

    def run(mask: Array, reader: Array, blocks: Array) -> tuple[Array, Array]:
        one = partial(trial, mask, reader)
        logits, blocks = jax.vmap(one)(pairs, blocks)
        goal = Goal(*batch.goal)
        return loss_of(machine.readout, machine.loss, logits, goal).mean(), blocks

    def step(carry: tuple[Array, Array, Array], edge: tuple[Array, Array]) -> Any:
        mask, before, blocks = carry
        (reader, source), node = edge
        # The logits are no source: a column of survivors stands for them.
        survives = jnp.append((visible & (mask == 0)).any(axis=0), True)[node]
        tried = mask.at[reader, source].set(1.0)
        after, changed = jax.lax.cond(
            survives, run, lambda *_: (before, blocks), tried, reader, blocks
        )
        out = ~survives | (after - before < tau)
        kept = (mask, before, blocks)
        return jax.tree.map(
            partial(jnp.where, out), (tried, after, changed), kept
        ), None

    entries = (jnp.asarray(edges), jnp.asarray(nodes))
    return jax.lax.scan(step, (removed, current, blocks), entries)[0][:2]
