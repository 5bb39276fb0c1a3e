"""Ablations: what replaces a patched write."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.model import Model
from zoo.cases.adam import follow
from zoo.cases.losses import Goal
from zoo.cases.pairs import Pairs
from zoo.cases.running import Batch, Machine, node_losses
from zoo.causal.runs import compiled_runs

ABLATIONS = ("resample", "mean", "zero", "optimal")

STEPS, RATE, ROWS = 150, 0.02, 64


def donors_of(
    model: Model,
    pairs: Pairs,
    ablation: str,
    writes: Float[Array, "pair source ctx d_model"],
    goal: Goal,
) -> Float[Array, "pair source ctx d_model"]:
    """Return what replaces the writes of patched sources, for every pair.

    Args:
        model: the transformer.
        pairs: clean and corrupt inputs.
        ablation: `resample`, `mean`, `zero` or `optimal`.
        writes: the writes of the clean runs.
        goal: what an optimal constant is to stay close to.
    """
    if ablation == "zero":
        return jnp.zeros_like(writes)
    corrupt = compiled_runs(model.transformer, pairs.corrupt, pairs.shifts).writes
    if ablation == "resample":
        return corrupt
    filled = np.ones(pairs.corrupt.shape, np.float32)
    if model.config.pad_id is not None:
        filled = (pairs.corrupt != model.config.pad_id).astype(np.float32)
    # Mean by position over the inputs that have it: what PAD writes means nothing.
    total = (corrupt * filled[:, None, :, None]).sum(axis=0)
    mean = total / np.maximum(filled.sum(axis=0), 1.0)[None, :, None]
    if ablation == "optimal":
        machine = Machine(model.transformer, model.readout, "divergence")
        few = jax.tree.map(
            lambda part: part[:ROWS], Batch(pairs.clean, writes, writes, goal)
        )
        mean = mean + _optimal_shift(machine, few, mean)
    return jnp.broadcast_to(mean, writes.shape)


@partial(jax.jit, compiler_options=QUICK_TO_COMPILE)
def _optimal_shift(
    machine: Machine,
    batch: Batch,
    mean: Float[Array, "source ctx d_model"],
) -> Float[Array, "source 1 d_model"]:
    """Return what to add to the means so that replacing a source hurts least.

    Li and Janson 2024, equation 3: the constant with the least expected loss when the
    source alone is replaced; here it starts from the means, and the loss is the
    divergence. All sources are learned side by side: each mask replaces one.
    """
    scale = jnp.maximum(jnp.abs(mean).max(), 1e-6)

    def loss(shift: Array) -> Array:
        donors = jnp.broadcast_to(mean + shift * scale, batch.writes.shape)
        alone = jnp.eye(len(mean), dtype=mean.dtype)
        losses = node_losses(machine, batch._replace(donors=donors), alone)
        return losses.mean(axis=1).sum()

    start = jnp.zeros((len(mean), 1, mean.shape[-1]), mean.dtype)
    steps = jnp.arange(STEPS)
    return follow(lambda shift, _: jax.grad(loss)(shift), start, steps, RATE) * scale
