"""Hard examples, mined at a check: inputs and patches with the smallest margins.

An adversary draws pairs of inputs, patches all edges outside the circuit at once, and
then only those of them whose patch lowers the margin, by its gradient in the mask. What
it finds is replayed in the batches until the next check.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from compiler.machine.forward import logits_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer
from compiler.machine.weights import Weights
from zoo.causal.outputs import position_margins
from zoo.causal.pool import Pool, draw_inputs, draw_key, draw_shifts
from zoo.causal.runs import donor_writes
from zoo.training.hard import KEPT, Hard, Patched
from zoo.training.replacements import (
    DONOR,
    MEAN,
    ZERO,
    patched_places,
    replace_writes,
)
from zoo.training.run import TrainingRun

PAIRS, ROUNDS = 96, 8
"""Pairs that are attacked at a time, and how often in one check."""
SAMPLE = 16_384
"""Inputs whose margins are measured at a check, unless all of them are right."""
_CHUNK = 2048
_CONSTANT = 0.2  # share of the adversary's patches that set zeros or means


class Mined(NamedTuple):
    """What a check found by searching.

    Attributes:
        wrong: number of inputs with a wrong output.
        searched: number of inputs that were run, held-out ones included.
        adversary: share of the attacked pairs that stayed right.
    """

    wrong: int
    searched: int
    adversary: float


def mine(run: TrainingRun, weights: Weights, step: int) -> tuple[Hard, Mined]:
    """Return the hardest examples of some weights, and what the search found.

    Args:
        run: what is trained, and on which inputs.
        weights: those that are checked.
        step: the number of the step; other steps draw other pairs.
    """
    patches, right = _attack_pairs(run, weights, step)
    inputs, wrong, searched = _search_inputs(run, weights, step)
    hard = Hard(jnp.asarray(inputs), patches, jnp.ones((), bool))
    return hard, Mined(wrong, searched, right)


def _attack_pairs(
    run: TrainingRun, weights: Weights, step: int
) -> tuple[Patched, float]:
    """Return the patches with the smallest margins, and the share that stays right."""
    key = jax.random.fold_in(draw_key(run.recipe.seed + _SEED), step)
    found = [
        jax.device_get(_attack(run, run.pool, weights, jax.random.fold_in(key, number)))
        for number in range(ROUNDS)
    ]
    margins = np.concatenate([margin for margin, _ in found])
    patches = jax.tree.map(
        lambda *parts: np.concatenate(parts), *(patch for _, patch in found)
    )
    hardest = np.argsort(margins, kind="stable")[:KEPT]
    kept = jax.tree.map(lambda field: jnp.asarray(field[hardest]), patches)
    return kept, float((margins > 0).mean())


_SEED = 1_000_033  # added to the seed, so that no batch draws the same


@partial(jax.jit, static_argnames=("run",), compiler_options=QUICK_TO_COMPILE)
def _attack(
    run: TrainingRun, pool: Pool, weights: Weights, key: Array
) -> tuple[Float[Array, " pair"], Patched]:
    """Return the margins of some attacked pairs, and the patch of each."""
    transformer, outside = Transformer(run.config, weights), run.layout.outside
    drawn = _draw_pairs(run, pool, key)
    donor_ids = pool.ids[drawn.donor]
    live = (donor_ids != run.config.pad_id) & (drawn.shifts == 0)[:, None]
    donor = donor_writes(transformer, donor_ids, drawn.shifts)
    donor = replace_writes(donor, live, drawn.replaced)
    shared = jnp.minimum(pool.lengths[drawn.base], pool.lengths[drawn.donor])
    every = jnp.ones(PAIRS, bool)
    where = patched_places(shared, drawn.replaced, every, run.config.n_ctx)
    ids = pool.ids[drawn.base]
    labels = pool.values[drawn.base][:, run.layout.output]

    def margins(mask: Float[Array, "pair reader source"]) -> Float[Array, " pair"]:
        patch = Patch.edges(mask, donor, where=where.astype(mask.dtype))
        logits = logits_batch(transformer, ids, patch)
        return least_margins(run, logits, jnp.where(where, labels, -1))

    whole = jnp.broadcast_to(outside, (PAIRS, *outside.shape)).astype(jnp.float32)
    at_once, pull_back = jax.vjp(margins, whole)
    (slope,) = pull_back(jnp.ones_like(at_once))
    harmful = (slope < 0) & outside
    chosen = margins(harmful.astype(jnp.float32))
    edges = jnp.where((chosen < at_once)[:, None, None], harmful, whole > 0)
    return jnp.minimum(at_once, chosen), drawn._replace(edges=edges)


def _draw_pairs(run: TrainingRun, pool: Pool, key: Array) -> Patched:
    """Return pairs to attack, with all edges outside patched."""
    keys = jax.random.split(key, 4)
    base, donor = (draw_inputs(pool, k, PAIRS) for k in keys[:2])
    constants = jnp.asarray([ZERO, MEAN])
    kind, coin = jax.random.uniform(keys[3], (2, PAIRS))
    constant = constants[jnp.minimum((kind * 2).astype(jnp.int32), 1)]
    outside = run.layout.outside
    return Patched(
        base=base,
        donor=donor,
        shifts=draw_shifts(keys[2], PAIRS, run.config.n_ctx),
        replaced=jnp.where(coin < _CONSTANT, constant, DONOR).astype(jnp.int32),
        edges=jnp.broadcast_to(outside, (PAIRS, *outside.shape)),
    )


def least_margins(
    run: TrainingRun, logits: Float[Array, "n ctx class"], labels: Int[Array, "n ctx"]
) -> Float[Array, " n"]:
    """Return the smallest margin of each input, over the positions with a label."""
    found = position_margins(run.model.readout, logits, jnp.maximum(labels, 0))
    return jnp.where(labels >= 0, found, _NO_LABEL).min(axis=-1)


_NO_LABEL = 1e9


def _search_inputs(
    run: TrainingRun, weights: Weights, step: int
) -> tuple[Int[np.ndarray, " n"], int, int]:
    """Return (the hardest inputs of the pool, how many are wrong, how many were run).

    A sample at first; once all of it is right, every input, held-out ones too. Held-out
    inputs are never among the hardest ones.
    """
    key = jax.random.fold_in(draw_key(run.recipe.seed + _SEED + 1), step)
    size = len(run.pool.ids)
    if size <= SAMPLE:
        rows = np.arange(size, dtype=np.int32)
    else:
        rows = np.unique(np.asarray(draw_inputs(run.pool, key, SAMPLE)))
    margins = input_margins(run, weights, run.pool, rows)
    if (margins > 0).all():
        rows = np.arange(size, dtype=np.int32)
        margins = input_margins(run, weights, run.pool, rows)
    hardest = rows[np.argsort(margins, kind="stable")[:KEPT]]
    wrong, searched = int((margins <= 0).sum()), len(rows)
    if searched == size and run.disjoint:
        every = np.arange(len(run.held_out.ids), dtype=np.int32)
        held_out = input_margins(run, weights, run.held_out, every)
        wrong, searched = wrong + int((held_out <= 0).sum()), searched + len(every)
    return np.resize(hardest, KEPT), wrong, searched


def input_margins(
    run: TrainingRun, weights: Weights, pool: Pool, rows: Int[np.ndarray, " row"]
) -> Float[np.ndarray, " row"]:
    """Return the smallest margin of each of some inputs, in a run without a patch."""
    ids = np.asarray(pool.ids)[rows]
    labels = np.asarray(pool.values[:, run.layout.output])[rows]
    found = []
    for first in range(0, len(rows), _CHUNK):  # all of one size, compiled once
        chosen = np.resize(np.arange(first, min(first + _CHUNK, len(rows))), _CHUNK)
        found.append(np.asarray(_margins(run, weights, ids[chosen], labels[chosen])))
    return np.concatenate(found)[: len(rows)]


@partial(jax.jit, static_argnames=("run",), compiler_options=QUICK_TO_COMPILE)
def _margins(
    run: TrainingRun,
    weights: Weights,
    ids: Int[Array, "n ctx"],
    labels: Int[Array, "n ctx"],
) -> Float[Array, " n"]:
    logits = logits_batch(Transformer(run.config, weights), ids)
    return least_margins(run, logits, labels)
