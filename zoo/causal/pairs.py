"""Which pairs of inputs an audit runs: all of them, or a seeded sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError
from zoo.causal.model import CausalModel
from zoo.causal.pool import Pool, make_pool

MOST_INPUTS = 50_000


@dataclass(frozen=True, eq=False)
class AuditPairs:
    """Pairs of a base input and a donor input that an audit runs.

    Attributes:
        pool: the inputs, sorted by length, with the values of all variables.
        base: [pair] indices of the base inputs in the pool.
        donor: [pair] indices of the donor inputs in the pool.
        shifts: [pair] by how many places the position embeddings of the donor run are
            shifted if the patch is outside the circuit; 0 for a third of the pairs.
        all_inputs: whether the pool holds every input.
        all_pairs: whether these are all pairs of the pool.
    """

    pool: Pool
    base: Int[np.ndarray, " pair"]
    donor: Int[np.ndarray, " pair"]
    shifts: Int[np.ndarray, " pair"]
    all_inputs: bool
    all_pairs: bool


def draw_audit_pairs(model: CausalModel, count: int, seed: int) -> AuditPairs:
    """Return all pairs if there are at most `count`, else a sample of `count` pairs.

    In a sample, half of the inputs are drawn evenly over lengths, and half evenly over
    pairs of a length and an output at the last token. Half of the donor inputs have the
    length of the base input, so that everything in the donor run can be patched in.
    """
    if count < 1:
        raise InputError(f"an audit needs at least 1 pair, and was given {count}")
    ids, complete = model.inputs(MOST_INPUTS, seed)
    pool = make_pool(model, ids)
    rng = np.random.default_rng(seed)
    size = len(ids)
    every = size * size <= count
    if every:
        base, donor = np.divmod(np.arange(size * size), size)
    else:
        base = draw_any(pool, rng, count)
        other = draw_any(pool, rng, count)
        place = np.searchsorted(np.asarray(pool.starts), base, side="right") - 1
        same = draw_within(pool.starts, pool.counts, rng, place)
        donor = np.where(rng.random(count) < 0.5, same, other)
    return with_shifts(
        pool, base, donor, rng, model.n_ctx, all_inputs=complete, all_pairs=every
    )


def with_shifts(
    pool: Pool,
    base: Int[np.ndarray, " pair"],
    donor: Int[np.ndarray, " pair"],
    rng: np.random.Generator,
    n_ctx: int,
    *,
    all_inputs: bool,
    all_pairs: bool = False,
) -> AuditPairs:
    """Return pairs with a random shift of each donor run, 0 for a third of them.

    Args:
        pool: the inputs.
        base: indices of the base inputs.
        donor: indices of the donor inputs.
        rng: draws the shifts.
        n_ctx: the context length, which bounds the shifts.
        all_inputs: whether the pool holds every input.
        all_pairs: whether these are all pairs of the pool.
    """
    shifts = rng.integers(1, max(n_ctx - 1, 2), size=len(base))
    shifts = np.where(rng.random(len(base)) < 2 / 3, shifts, 0)
    return AuditPairs(
        pool,
        base.astype(np.int32),
        donor.astype(np.int32),
        shifts.astype(np.int32),
        all_inputs=all_inputs,
        all_pairs=all_pairs,
    )


def draw_any(
    pool: Pool, rng: np.random.Generator, count: int
) -> Int[np.ndarray, " pair"]:
    """Return inputs, half drawn by their length, half by their result."""
    by_length, by_result = (
        draw_within(starts, counts, rng, rng.integers(len(starts), size=count))
        for starts, counts in (
            (pool.starts, pool.counts),
            (pool.result_starts, pool.result_counts),
        )
    )
    return np.where(rng.random(count) < 0.5, by_length, by_result)


def draw_within(
    starts: Any, counts: Any, rng: np.random.Generator, which: np.ndarray
) -> Int[np.ndarray, " pair"]:
    """Return an input of each of the given parts of the pool."""
    starts, counts = np.asarray(starts), np.asarray(counts)
    return starts[which] + rng.integers(0, counts[which])
