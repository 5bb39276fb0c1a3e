"""The pairs of inputs that every check of a training runs."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Int

from compiler.machine.jit import QUICK_TO_COMPILE
from zoo.causal.model import CausalModel
from zoo.causal.pool import Pool, draw_inputs, draw_key, draw_shifts
from zoo.causal.strata import STRUCTURES, structures_of


class HeldOutPairs(NamedTuple):
    """Pairs of inputs, with what a check has to know of them.

    Attributes:
        ids: token ids of the base inputs.
        donor_ids: token ids of the donor inputs.
        values: the values of all variables in the donor inputs.
        shared: number of positions that both inputs have, BOS included.
        shifts: by how many places the positions of each donor run are shifted.
    """

    ids: Int[Any, "pair ctx"]
    donor_ids: Int[Any, "pair ctx"]
    values: Int[Any, "pair variable ctx"]
    shared: Int[Any, " pair"]
    shifts: Int[Any, " pair"]


def pairs_of(
    pool: Pool,
    base: Int[Any, " pair"],
    donor: Int[Any, " pair"],
    shifts: Int[Any, " pair"],
) -> HeldOutPairs:
    """Return the pairs that indices into a pool stand for."""
    ids, lengths = np.asarray(pool.ids), np.asarray(pool.lengths)
    base, donor = np.asarray(base), np.asarray(donor)
    return HeldOutPairs(
        ids=ids[base],
        donor_ids=ids[donor],
        values=np.asarray(pool.values)[donor],
        shared=np.minimum(lengths[base], lengths[donor]),
        shifts=np.asarray(shifts),
    )


def draw_pairs(pool: Pool, seed: int, count: int, n_ctx: int) -> HeldOutPairs:
    """Return pairs of inputs that are drawn as in training, with shifts."""
    return pairs_of(pool, *_draw(pool, draw_key(seed), count, n_ctx))


@partial(jax.jit, static_argnames=("count", "n_ctx"), compiler_options=QUICK_TO_COMPILE)
def _draw(
    pool: Pool, key: Array, count: int, n_ctx: int
) -> tuple[Int[Array, " pair"], Int[Array, " pair"], Int[Array, " pair"]]:
    """Return base inputs, donor inputs, and by how much the donors' are shifted."""
    first, second, third = jax.random.split(key, 3)
    base, donor = draw_inputs(pool, first, count), draw_inputs(pool, second, count)
    return base, donor, draw_shifts(third, count, n_ctx)


def structured_pairs(
    model: CausalModel, pool: Pool, count: int, seed: int
) -> tuple[HeldOutPairs, dict[str, slice]]:
    """Return pairs with structured inputs, and which of them make up each group.

    A group is a structure and a side: the base inputs or the donor inputs have it. The
    other input of each pair is drawn as in training. Half of the shifts are 0.

    Args:
        model: the causal model that the inputs are for.
        pool: inputs to draw from.
        count: how many pairs there are in all groups together.
        seed: of the draws.
    """
    ids, lengths = np.asarray(pool.ids), np.asarray(pool.lengths)
    shapes = structures_of(ids, model.pad_id)
    kinds = {name: shapes[:, i] for i, name in enumerate(STRUCTURES)}
    kinds |= {"longest": lengths == lengths.max(), "shortest": lengths == lengths.min()}
    kinds = {name: np.flatnonzero(rows) for name, rows in kinds.items() if rows.any()}
    rng = np.random.default_rng([seed, _GROUPS])
    base, donor = (
        np.array(draw_inputs(pool, draw_key(int(rng.integers(2**31))), count))
        for _ in range(2)
    )
    names = [f"{side} {name}" for name in kinds for side in ("base", "donor")]
    stops = np.linspace(0, count, len(names) + 1).astype(int)
    groups = {
        name: slice(int(a), int(b))
        for name, a, b in zip(names, stops[:-1], stops[1:], strict=True)
    }
    for name, rows in kinds.items():
        for side, drawn in (("base", base), ("donor", donor)):
            part = groups[f"{side} {name}"]
            drawn[part] = rng.choice(rows, part.stop - part.start)
    shifts = rng.integers(1, max(model.n_ctx - 1, 2), size=count)
    shifts = np.where(rng.random(count) < 0.5, shifts, 0).astype(np.int32)
    return pairs_of(pool, base, donor, shifts), groups


_GROUPS = 3
"""Keeps this draw apart from others of the same seed."""
