"""A pool of inputs with the values of all variables, and how inputs are drawn."""

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
        ids: [input, ctx] token ids.
        values: [input, variable, ctx] indices of values.
        lengths: [input] number of tokens, BOS included.
        starts: [length] index of the first input of each distinct length.
        counts: [length] number of inputs of each distinct length.
        result_starts: [result] index of the first input of each result, which is a
            length together with an output at the last token.
        result_counts: [result] number of inputs of each result.
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

    A tenth is held out. If there are fewer than 500 inputs, all of them are in both
    parts: a model that has to be right on every input has to be trained on all.
    """
    if len(ids) < 500:
        return ids, ids, False
    order = np.random.default_rng(seed).permutation(len(ids))
    cut = max(200, len(ids) // 10)
    return ids[order[cut:]], ids[order[:cut]], True


def draw_key(seed: int) -> Array:
    """Return a random key of XLA's own generator; threefry takes seconds to compile."""
    return jax.random.key(seed, impl="unsafe_rbg")


def draw_inputs(pool: Pool, key: Array, count: int) -> Int[Array, " count"]:
    """Return indices of inputs, half drawn evenly over lengths, half over results.

    Results that are rare among random inputs (a palindrome, balanced brackets) are
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


def draw_donors(
    pool: Pool, key: Array, base: Int[Array, " count"], same_length: float
) -> Int[Array, " count"]:
    """Return indices of donor inputs.

    In sentences of many templates, two random inputs rarely have a variable at the same
    position (a subject and a subject in one pair of eight). Donor inputs as long as
    the base input make such pairs more frequent.

    Args:
        pool: the inputs.
        key: a random key.
        base: indices of the base inputs.
        same_length: share of donor inputs that have the length of their base input.
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


def draw_shifts(key: Array, count: int, n_ctx: int) -> Int[Array, " count"]:
    """Return by how many places positions are shifted; 0 for a third of the runs."""
    first, second = jax.random.split(key)
    shifts = jax.random.randint(first, (count,), 1, max(n_ctx - 1, 2))
    return jnp.where(jax.random.bernoulli(second, 2 / 3, (count,)), shifts, 0)
