"""Losses that leave nothing but the mechanism to tell the circuit from the rest.

In a model that was only trained to be strict, the nodes outside the circuit hardly
vary, their attention is uniform and their weights are small. A method could then find
the circuit without any look at what the model does. Here statistics of what is outside
are matched to those of the circuit: the deviation of each node's writes, the norm of
each virtual weight (Elhage et al. 2021), their product, and the deviation and entropy
of attention patterns.

A statistic matches if its values outside have the quantiles of a normal distribution
with the mean and the deviation that the logarithms of the circuit's values have. The
quantiles are matched from both sides, since a method may as well look for small values.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from statistics import NormalDist
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.forward import attention_logits
from compiler.machine.names import Names
from compiler.machine.transformer import Transformer
from compiler.machine.virtual import behind_norm
from zoo.training.examples import Layout

LEAST_SPREAD = 0.3
"""The deviation to be matched is at least this, in nats: of a single node it is 0."""


class Statistic(NamedTuple):
    """One figure of many items, of which some belong to the circuit.

    Attributes:
        values: logarithms, or entropies in nats.
        inside: which items belong to the circuit.
        outside: which do not; items in neither are left out.
    """

    values: Float[Array, " item"]
    inside: Bool[np.ndarray, " item"]
    outside: Bool[np.ndarray, " item"]


def matching_loss(
    transformer: Transformer,
    layout: Layout,
    writes: Float[Array, "run source ctx d_model"],
    live: Bool[Array, "run ctx"],
    within: float,
) -> Float[Array, ""]:
    """Return how far writes and weights outside are from those of the circuit.

    Args:
        transformer: its shape and its arrays.
        layout: the circuit.
        writes: what the sources write in runs without a patch.
        live: which positions count.
        within: the difference from each quantile that costs nothing, in nats.
    """
    names = transformer.config.names
    deviations = jnp.log(write_deviations(writes, live))
    norms = virtual_norms(transformer)
    edges = names.visible & ~layout.outside, layout.outside
    nodes = np.isin(np.arange(len(names.sources)), layout.circuit_nodes)
    varied = np.array([name != "positions" for name in names.sources])
    statistics = [
        Statistic(deviations, nodes, layout.other_nodes),
        Statistic(norms.ravel(), *(part.ravel() for part in edges)),
        # What positions write is the same in all runs, so their product says nothing.
        Statistic(
            (norms + deviations).ravel(), *((part & varied).ravel() for part in edges)
        ),
    ]
    return sum((mismatch(s, within) for s in statistics), jnp.zeros(()))


def attention_matching_loss(
    transformer: Transformer,
    layout: Layout,
    ids: Int[Array, "run ctx"],
    writes: Float[Array, "run source ctx d_model"],
    live: Bool[Array, "run ctx"],
    within: float,
) -> Float[Array, ""]:
    """Return how far attention patterns outside are from those of the circuit's heads.

    Args:
        transformer: its shape and its arrays.
        layout: the circuit.
        ids: token ids of runs without a patch.
        writes: what the sources write in them.
        live: which positions count.
        within: the difference from each quantile that costs nothing, in nats.
    """
    names = transformer.config.names
    heads = head_sources(names)
    inside = np.isin(heads, layout.circuit_nodes)
    if not inside.any() or inside.all():
        return jnp.zeros(())
    found = pattern_statistics(transformer, ids, writes, live)
    return sum(
        (mismatch(Statistic(values, inside, ~inside), within) for values in found),
        jnp.zeros(()),
    )


def mismatch(statistic: Statistic, within: float) -> Float[Array, ""]:
    """Return the mean square of what the values outside are off their quantiles.

    The circuit's values are the goal; no gradient flows to them.

    Args:
        statistic: values inside and outside.
        within: the difference that costs nothing.
    """
    inside, outside = (np.flatnonzero(part) for part in statistic[1:])
    if len(inside) == 0 or len(outside) == 0:
        return jnp.zeros(())
    goal = jax.lax.stop_gradient(statistic.values[inside])
    spread = jnp.maximum(goal.std(), LEAST_SPREAD)
    wanted = goal.mean() + spread * jnp.asarray(normal_quantiles(len(outside)))
    apart = jnp.abs(jnp.sort(statistic.values[outside]) - wanted)
    return jnp.square(jax.nn.relu(apart - within)).mean()


def normal_quantiles(count: int) -> Float[np.ndarray, " count"]:
    """Return the quantiles of a standard normal at (i + 1/2) / count, in order."""
    normal = NormalDist()
    found = [normal.inv_cdf((i + 0.5) / count) for i in range(count)]
    return np.array(found, np.float32)


def write_deviations(
    writes: Float[Array, "run source ctx d_model"], live: Bool[Array, "run ctx"]
) -> Float[Array, " source"]:
    """Return how much each source's write varies from run to run.

    The root mean square over d_model, taken off the mean over runs at each position. A
    small constant keeps it above 0.
    """
    weights = live.astype(writes.dtype)[:, None, :, None]
    count = jnp.maximum(weights.sum(0), 1.0)
    moved = (writes - (writes * weights).sum(0) / count) * weights
    total = jnp.square(moved).sum((0, 2, 3)) / jnp.maximum(weights.sum(), 1.0)
    return jnp.sqrt(total + _SMALL)


_SMALL = 1e-6


def virtual_norms(transformer: Transformer) -> Float[Array, "reader source"]:
    """Return the logarithm of the Frobenius norm of each virtual weight.

    |A B|^2 is the trace of (A^T A)(B B^T), so that no product is as large as an MLP.
    """
    config, weights = transformer.config, transformer.weights
    size = config.d_model
    slots = jnp.stack([weights.W_Q, weights.W_K, weights.W_V], axis=2)
    slots = behind_norm(weights.ln1_w[:, None, None], weights.ln1_b, slots)
    gates = jnp.concatenate([weights.W_in, weights.W_gate], axis=-1)
    gates = behind_norm(weights.ln2_w, weights.ln2_b, gates)
    W_U = behind_norm(weights.lnf_w, weights.lnf_b, weights.W_U)
    heads = jnp.einsum("lhsde,lhsfe->lhsdf", slots, slots)
    heads = heads.reshape(config.n_layers, -1, size, size)  # [layer, head*slot, ..]
    mlps = jnp.einsum("ldm,lfm->ldf", gates, gates)[:, None]
    into = jnp.concatenate([heads, mlps], axis=1).reshape(-1, size, size)
    into = jnp.concatenate([into, (W_U @ W_U.T)[None]])
    heads = jnp.einsum("lhed,lhef->lhdf", weights.W_O, weights.W_O)
    mlps = jnp.einsum("lmd,lmf->ldf", weights.W_out, weights.W_out)[:, None]
    out = jnp.concatenate([heads, mlps], axis=1).reshape(-1, size, size)
    embeddings = [array.T @ array for array in (weights.W_E, weights.W_pos)]
    out = jnp.concatenate([jnp.stack(embeddings), out])
    squares = jnp.einsum("sij,rij->rs", out, into)
    return 0.5 * jnp.log(jnp.maximum(squares, 0.0) + _SMALL**2)


def head_sources(names: Names) -> Int[np.ndarray, " head"]:
    """Return the indices of the heads among the sources, layer by layer."""
    kinds = [part.kind == "head" for part in names.source_parts.values()]
    return np.flatnonzero(kinds)


def pattern_statistics(
    transformer: Transformer,
    ids: Int[Array, "run ctx"],
    writes: Float[Array, "run source ctx d_model"],
    live: Bool[Array, "run ctx"],
) -> Sequence[Float[Array, " head"]]:
    """Return two statistics of the attention patterns of all heads, layer by layer.

    Returns:
        the logarithm of how much a pattern varies from run to run, and the mean entropy
        of its rows in nats.
    """
    weights = live.astype(writes.dtype)[:, None, :, None]
    total = jnp.maximum(weights.sum(), 1.0)
    deviations, entropies = [], []
    for layer in range(transformer.config.n_layers):
        scores: Any = jax.vmap(partial(attention_logits, transformer, layer=layer))(
            ids, writes
        )
        pattern = jax.nn.softmax(scores, axis=-1)  # [run, head, ctx, key]
        logs = jnp.where(jnp.isfinite(scores), jax.nn.log_softmax(scores, axis=-1), 0.0)
        mean = (pattern * weights).sum(0) / jnp.maximum(weights.sum(0), 1.0)
        moved = (jnp.square(pattern - mean) * weights).sum((0, 2, 3)) / total
        deviations.append(0.5 * jnp.log(moved + 10 * _SMALL))
        entropies.append(-(pattern * logs * weights).sum((0, 2, 3)) / total)
    return jnp.concatenate(deviations), jnp.concatenate(entropies)
