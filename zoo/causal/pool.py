"""Inputs to draw from, with the values of all variables; and how they are drawn."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from zoo.causal.model import COMPUTED, CausalModel


class Pool(NamedTuple):
    """Inputs to draw from, sorted by length and result, with all variables' values.

    Attributes:
        ids: [input, ctx].
        values: [input, variable, ctx].
        lengths: [input] tokens, BOS included.
        starts: [length] first input of each distinct length.
        counts: [length] how many there are.
        result_starts: [result] likewise of each length and output at the last token.
        result_counts: [result] how many there are.
    """

    ids: Int[Any, "input ctx"]
    values: Int[Any, "input variable ctx"]
    lengths: Int[Any, " input"]
    starts: Int[Any, " length"]
    counts: Int[Any, " length"]
    result_starts: Int[Any, " result"]
    result_counts: Int[Any, " result"]


def make_pool(model: CausalModel, ids: Int[np.ndarray, "input ctx"]) -> Pool:
    """Return inputs with the values of all variables, sorted by length and result."""
    clean = jnp.full((len(model.variables), model.n_ctx), COMPUTED)
    run = jax.jit(jax.vmap(lambda row: model.run(row, clean)))
    chunks = [np.asarray(run(ids[i : i + 4096])) for i in range(0, len(ids), 4096)]
    values = np.concatenate(chunks)
    lengths = (ids != model.pad_id).sum(axis=1)
    output = [v.name for v in model.variables].index(model.output)
    last = values[np.arange(len(ids)), output, lengths - 1]
    order = np.lexsort((last, lengths))
    strata = np.stack([lengths, last], axis=1)[order]
    _, starts, counts = np.unique(strata[:, 0], return_index=True, return_counts=True)
    _, *results = np.unique(strata, axis=0, return_index=True, return_counts=True)
    arrays = (ids[order], values[order], strata[:, 0], starts, counts, *results)
    return Pool(*(jnp.asarray(a, jnp.int32) for a in arrays))


def split_inputs(
    ids: Int[np.ndarray, "input ctx"], seed: int
) -> tuple[Int[np.ndarray, "a ctx"], Int[np.ndarray, "b ctx"], bool]:
    """Return (training inputs, held-out inputs, whether they are disjoint).

    A tenth is held out. Where there are fewer than 500 inputs all serve for both:
    a model that is to be right on every input has to see them.
    """
    if len(ids) < 500:
        return ids, ids, False
    order = np.random.default_rng(seed).permutation(len(ids))
    cut = max(200, len(ids) // 10)
    return ids[order[cut:]], ids[order[:cut]], True


def draw_key(seed: int) -> Array:
    """Return a random key of XLA's own generator: threefry takes seconds to compile."""
    return jax.random.key(seed, impl="unsafe_rbg")


def draw_inputs(pool: Pool, key: Array, count: int) -> Int[Array, " count"]:
    """Return indices of inputs: half of them of every length, half of every result.

    Results that are rare among random inputs (a palindrome, a balanced bracket) are
    drawn as often as the others.
    """
    first, second, third = jax.random.split(key, 3)
    drawn = jax.random.uniform(second, (2, count))

    def pick(starts: Array, counts: Array, row: int) -> Array:
        which = jax.random.randint(first, (count,), 0, starts.shape[0])
        return _within(starts[which], counts[which], drawn[row])

    by_length = pick(pool.starts, pool.counts, 0)
    by_result = pick(pool.result_starts, pool.result_counts, 1)
    return jnp.where(jax.random.bernoulli(third, 0.5, (count,)), by_length, by_result)


def draw_sources(
    pool: Pool, key: Array, base: Int[Array, " count"], same_length: float
) -> Int[Array, " count"]:
    """Return indices of inputs: this share of them is as long as their bases.

    Where few inputs say the same thing at one place (in sentences of many templates a
    subject meets a subject in one pair of eight) this is how variables get contrasts.
    """
    drawn = draw_inputs(pool, key, len(base))
    if same_length == 0:
        return drawn
    first, second = jax.random.split(jax.random.fold_in(key, 1))
    stratum = jnp.searchsorted(pool.starts, base, side="right") - 1
    drawn_there = jax.random.uniform(first, base.shape)
    alike = _within(pool.starts[stratum], pool.counts[stratum], drawn_there)
    contrasts = jax.random.bernoulli(second, same_length, base.shape)
    return jnp.where(contrasts, alike, drawn)


def _within(
    starts: Int[Array, " n"], counts: Int[Array, " n"], share: Float[Array, " n"]
) -> Int[Array, " n"]:
    """Return the index at a share in [0, 1) of the way through each run of inputs."""
    return starts + (share * counts.astype(share.dtype)).astype(jnp.int32)


def draw_turns(key: Array, count: int, n_ctx: int) -> Int[Array, " count"]:
    """Return by how many places positions are turned: 0 for a third of them."""
    first, second = jax.random.split(key)
    turns = jax.random.randint(first, (count,), 1, max(n_ctx - 1, 2))
    return jnp.where(jax.random.bernoulli(second, 2 / 3, (count,)), turns, 0)
