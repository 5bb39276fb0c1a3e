"""A pool of inputs with the values of all variables, and how inputs are drawn."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from zoo.causal.model import CausalModel
from zoo.causal.population import run_all


class Strata(NamedTuple):
    """Groups of inputs of a pool, which may overlap.

    Attributes:
        members: indices of inputs, one stratum after the other.
        starts: [stratum] where the members of each stratum start.
        counts: [stratum] how many members each has, at least 1.
    """

    members: Int[Any, " member"]
    starts: Int[Any, " stratum"]
    counts: Int[Any, " stratum"]


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
        strata: groups that half of the inputs are drawn from; None to draw all of them
            by length or by result.
    """

    ids: Int[Any, "input ctx"]
    values: Int[Any, "input variable ctx"]
    lengths: Int[Any, " input"]
    starts: Int[Any, " length"]
    counts: Int[Any, " length"]
    result_starts: Int[Any, " result"]
    result_counts: Int[Any, " result"]
    strata: Strata | None = None


def make_pool(model: CausalModel, ids: Int[np.ndarray, "input ctx"]) -> Pool:
    """Return inputs with the values of all variables, sorted by length and result."""
    values = run_all(model, np.asarray(ids, np.int32))
    lengths = (ids != model.pad_id).sum(axis=1)
    output = [v.name for v in model.variables].index(model.output)
    last = values[np.arange(len(ids)), output, lengths - 1]
    order = np.lexsort((last, lengths))
    return _pool_of(ids[order], values[order], lengths[order], last[order])


def _pool_of(
    ids: Int[np.ndarray, "input ctx"],
    values: Int[np.ndarray, "input variable ctx"],
    lengths: Int[np.ndarray, " input"],
    results: Int[np.ndarray, " input"],
) -> Pool:
    """Return a pool of inputs that are sorted by length and result already."""
    kinds = np.stack([lengths, results], axis=1)
    _, starts, counts = np.unique(lengths, return_index=True, return_counts=True)
    _, *by_result = np.unique(kinds, axis=0, return_index=True, return_counts=True)
    result_starts, result_counts = by_result
    arrays: Any = (ids, values, lengths, starts, counts, result_starts, result_counts)
    return Pool(*(jnp.asarray(a, jnp.int32) for a in arrays), strata=None)


def part_of_pool(
    pool: Pool, rows: Int[np.ndarray, " row"], strata: Strata | None, output: int
) -> Pool:
    """Return some inputs of a pool.

    Args:
        pool: the inputs.
        rows: which of them, in ascending order.
        strata: groups of the pool; each is cut to its members among the rows, and is
            left out if it has none.
        output: the index of the output variable.
    """
    ids, values, lengths = (
        np.asarray(a)[rows] for a in (pool.ids, pool.values, pool.lengths)
    )
    part = _pool_of(
        ids, values, lengths, values[np.arange(len(rows)), output, lengths - 1]
    )
    if strata is None:
        return part
    place = np.full(len(pool.ids), -1, np.int32)
    place[rows] = np.arange(len(rows))
    kept = place[np.asarray(strata.members)]
    stops = np.asarray(strata.starts) + np.asarray(strata.counts)
    passed = np.concatenate([[0], np.cumsum(kept >= 0)])
    counts = passed[stops] - passed[np.asarray(strata.starts)]
    counts = counts[counts > 0]
    starts = np.cumsum(counts) - counts
    arrays = kept[kept >= 0], starts, counts
    return part._replace(strata=Strata(*(jnp.asarray(a, jnp.int32) for a in arrays)))


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
    drawn as often as the others. If the pool has strata, half of all inputs are drawn
    evenly over the strata instead.
    """
    first, second, third = jax.random.split(key, 3)
    drawn = jax.random.uniform(second, (2, count))

    def pick(starts: Array, counts: Array, row: int) -> Array:
        which = jax.random.randint(first, (count,), 0, starts.shape[0])
        return _index_at_share(starts[which], counts[which], drawn[row])

    by_length = pick(pool.starts, pool.counts, 0)
    by_result = pick(pool.result_starts, pool.result_counts, 1)
    plain = jnp.where(jax.random.bernoulli(third, 0.5, (count,)), by_length, by_result)
    if pool.strata is None:
        return plain
    which, place, coin = jax.random.uniform(jax.random.fold_in(key, 1), (3, count))
    return jnp.where(coin < 0.5, pick_members(pool.strata, which, place), plain)


def pick_members(
    strata: Strata,
    which: Float[Any, " draw"],
    place: Float[Any, " draw"],
) -> Int[Any, " draw"]:
    """Return inputs, drawn evenly over strata and evenly within each.

    Args:
        strata: the groups; NumPy or jax arrays, and the result is of the same kind.
        which: numbers in [0, 1) that choose the stratum.
        place: numbers in [0, 1) that choose the member.
    """
    dtype = which.dtype
    count = strata.starts.shape[0]
    stratum = (which * np.asarray(count, dtype)).astype(np.int32)
    stratum = stratum.clip(0, count - 1)
    sizes = strata.counts[stratum]
    offset = (place * sizes.astype(dtype)).astype(np.int32)
    offset = offset.clip(0, sizes - 1)
    return strata.members[strata.starts[stratum] + offset]


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
    alike = _index_at_share(pool.starts[stratum], pool.counts[stratum], drawn_there)
    contrasts = jax.random.bernoulli(second, same_length, base.shape)
    return jnp.where(contrasts, alike, drawn)


def _index_at_share(
    starts: Int[Array, " n"], counts: Int[Array, " n"], share: Float[Array, " n"]
) -> Int[Array, " n"]:
    """Return the index at a share in [0, 1) of the way through each run of inputs."""
    return starts + (share * counts.astype(share.dtype)).astype(jnp.int32)


def draw_shifts(key: Array, count: int, n_ctx: int) -> Int[Array, " count"]:
    """Return by how many places positions are shifted; 0 for a third of the runs."""
    first, second = jax.random.split(key)
    shifts = jax.random.randint(first, (count,), 1, max(n_ctx - 1, 2))
    return jnp.where(jax.random.bernoulli(second, 2 / 3, (count,)), shifts, 0)
