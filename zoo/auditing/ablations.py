"""What is left of a model's outputs when what is outside its circuit is ablated.

An interchange puts the write of another run in the place of a write. People also put
zeros there, or the mean write, which no run may ever give. A circuit is only then all
that matters if the outputs stay right under these as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from zoo.auditing.behaviour import labels_of, share_of, verdicts
from zoo.auditing.hurt import ROWS, patched_logits
from zoo.auditing.rates import Rate
from zoo.auditing.subject import Subject
from zoo.causal.pool import Pool
from zoo.causal.runs import compiled_runs
from zoo.causal.strata import Space, draw_stratified

INPUTS = 4096
"""Inputs over which every ablation of a full audit is measured."""

ALL_NODES, ALL_EDGES = "all nodes outside", "all edges outside"


@dataclass(frozen=True)
class Ablations:
    """Shares of right outputs under ablations of what is outside the circuit.

    Attributes:
        inputs: how many inputs were run.
        zero: by what is ablated, the share with zeros in place of its write.
        mean: the same with its mean write, position by position, over these inputs.
    """

    inputs: int
    zero: Mapping[str, Rate]
    mean: Mapping[str, Rate]

    @property
    def worst(self) -> tuple[str, Rate]:
        """The worst ablation, and its share of right outputs."""
        rates = {f"zero {n}": r for n, r in self.zero.items()}
        rates |= {f"mean {n}": r for n, r in self.mean.items()}
        name = min(rates, key=lambda n: rates[n].share, default="")
        return name, rates[name]


def ablations_of(
    subject: Subject, space: Space, *, inputs: int = INPUTS, seed: int = 0
) -> Ablations:
    """Return what every ablation of what is outside leaves of the outputs.

    Args:
        subject: the model and its circuit.
        space: its inputs, with their strata.
        inputs: how many are run, drawn evenly over the strata.
        seed: of the inputs that are drawn.
    """
    size = min(inputs, len(space.pool.ids))
    rng = np.random.default_rng(seed)
    rows = np.arange(size)
    if size < len(space.pool.ids):
        rows = draw_stratified(space, rng, size)
    valid = labels_of(subject, space.pool)[rows] >= 0
    means = mean_writes(subject, space.pool, rows)

    def kept(mask: Bool[np.ndarray, "reader source"], donor: Array) -> Rate:
        run = partial(_run, subject, mask, donor)
        return share_of(verdicts(subject, space.pool, rows, run, ROWS), valid)

    masks = dict(_masks(subject))
    zero = {name: kept(mask, jnp.zeros_like(means)) for name, mask in masks.items()}
    mean = {name: kept(mask, means) for name, mask in masks.items()}
    return Ablations(size, zero, mean)


def _masks(subject: Subject) -> Iterator[tuple[str, Bool[np.ndarray, "reader source"]]]:
    """Yield (name, edge mask) of every ablation."""
    nodes = subject.node_masks()
    yield from nodes.items()
    if len(nodes) > 1:
        yield ALL_NODES, np.any(list(nodes.values()), axis=0)
    yield ALL_EDGES, subject.outside


def _run(
    subject: Subject,
    mask: Bool[np.ndarray, "reader source"],
    donor: Float[Array, "source ctx d_model"],
    ids: Int[np.ndarray, "input ctx"],
) -> Float[Array, "input ctx class"]:
    """Return the logits with constants in place of what a mask says."""
    donors = jnp.broadcast_to(donor, (len(ids), *donor.shape))
    return patched_logits(subject, ids, mask, donors, np.ones(ids.shape, np.float32))


def mean_writes(
    subject: Subject, pool: Pool, rows: Int[np.ndarray, " row"]
) -> Float[Array, "source ctx d_model"]:
    """Return the mean write of every source at each position that inputs reach.

    Args:
        subject: the model.
        pool: its inputs.
        rows: indices of the inputs that the mean is taken over.
    """
    total: Any = 0.0
    count = np.zeros(subject.config.n_ctx)
    places = np.arange(subject.config.n_ctx)
    size = min(ROWS, len(rows))
    still = np.zeros(size, np.int32)
    for start in range(0, len(rows), size):
        order = np.arange(start, start + size)  # the last piece is filled up
        piece = rows[order % len(rows)]
        live = places < np.asarray(pool.lengths)[piece][:, None]
        live &= (order < len(rows))[:, None]
        ids = np.asarray(pool.ids)[piece]
        writes = compiled_runs(subject.transformer, ids, still).writes
        kept = np.where(live[:, None, :, None], np.asarray(writes, np.float64), 0.0)
        total = total + kept.sum(0)
        count += live.sum(0)
    means = total / np.maximum(count, 1.0)[:, None]
    return jnp.asarray(means.astype(np.float32))
