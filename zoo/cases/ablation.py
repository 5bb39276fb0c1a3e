"""Ablations: what replaces a patched write.

resample     what the source writes in the run of the pair's corrupt input
replacement  the same, for a corrupt input that differs in one token
             (`replacement.py`; "symmetric token replacement" of Zhang and Nanda 2024)
gaussian     what it writes in the clean run when normal noise is added to the embedding
             of the tokens in which the pair differs (Meng et al. 2022, section 2.1)
mean         the mean of its writes in corrupt runs, by position
zero         nothing
optimal      the constant that hurts least (Li and Janson 2024)
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from compiler.machine.forward import forward_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer
from compiler.model import Model
from zoo.cases.adam import follow
from zoo.cases.choices import NOISE
from zoo.cases.losses import Goal, weigh_loss
from zoo.cases.pairs import Pairs
from zoo.cases.running import Batch, Machine, node_losses
from zoo.causal.runs import compiled_runs

EMBEDDINGS = 2
"""The first sources: `tokens` and `positions`."""

STEPS, RATE, ROWS = 150, 0.02, 32


def donors_of(
    model: Model,
    pairs: Pairs,
    ablation: str,
    writes: Float[Array, "pair source ctx d_model"],
    goal: Goal,
    noise: float = NOISE,
) -> Float[Array, "pair source ctx d_model"]:
    """Return what replaces the writes of patched sources, for every pair.

    Args:
        model: the transformer.
        pairs: clean and corrupt inputs.
        ablation: see the module.
        writes: the writes of the clean runs.
        goal: what an optimal constant is to stay close to.
        noise: standard deviations of gaussian noise.
    """
    if ablation == "zero":
        return jnp.zeros_like(writes)
    corrupt = compiled_runs(model.transformer, pairs.corrupt, pairs.shifts).writes
    if ablation in ("resample", "replacement"):
        return corrupt
    if ablation == "gaussian":
        noisy = _add_noise(pairs, writes, corrupt, noise)
        return run_from_embeddings(model.transformer, pairs.clean, noisy)
    filled = np.ones(pairs.corrupt.shape, np.float32)
    if model.config.pad_id is not None:
        filled = (pairs.corrupt != model.config.pad_id).astype(np.float32)
    # Mean by position over the inputs that have it: what PAD writes means nothing.
    total = (corrupt * filled[:, None, :, None]).sum(axis=0)
    mean = total / np.maximum(filled.sum(axis=0), 1.0)[None, :, None]
    if ablation == "optimal":
        machine = Machine(
            model.transformer,
            model.readout,
            weigh_loss(model.readout, "divergence"),
        )
        few = jax.tree.map(
            lambda part: part[:ROWS], Batch(pairs.clean, writes, writes, goal)
        )
        mean = mean + _optimal_shift(machine, few, mean)
    return jnp.broadcast_to(mean, writes.shape)


def _add_noise(
    pairs: Pairs,
    writes: Float[Array, "pair source ctx d_model"],
    corrupt: Float[Array, "pair source ctx d_model"],
    noise: float,
) -> Float[np.ndarray, "pair embedding ctx d_model"]:
    """Return the embeddings, with noise at the tokens in which a pair differs.

    Position embeddings are those of the corrupt run, so that shifts stay.
    """
    tokens, positions = np.array(writes[:, 0]), np.asarray(corrupt[:, 1])
    apart = pairs.clean != pairs.corrupt
    rng = np.random.default_rng([*b"gaussian"])
    drawn = rng.standard_normal(tokens.shape) * tokens[:, 1:].std() * noise
    tokens += np.where(apart[..., None], drawn, 0.0).astype(tokens.dtype)
    return np.stack([tokens, positions], axis=1)


@partial(jax.jit, compiler_options=QUICK_TO_COMPILE)
def run_from_embeddings(
    transformer: Transformer,
    ids: Int[Any, "pair ctx"],
    embeddings: Float[Any, "pair embedding ctx d_model"],
) -> Float[Array, "pair source ctx d_model"]:
    """Return the writes of runs whose embeddings are replaced.

    Args:
        transformer: its shape and its arrays.
        ids: token ids, which only say what is PAD.
        embeddings: what `tokens` and `positions` write in their place.
    """
    embeddings = jnp.asarray(embeddings)
    sources = len(transformer.config.names.sources)
    rest = ((0, 0), (0, sources - EMBEDDINGS), (0, 0), (0, 0))
    replaced = jnp.arange(sources) < EMBEDDINGS
    mask = jnp.broadcast_to(replaced.astype(embeddings.dtype), (len(ids), sources))
    patch = Patch.nodes(mask, jnp.pad(embeddings, rest))
    run = forward_batch(transformer, ids, patch)
    return jnp.concatenate([embeddings, run.writes[:, EMBEDDINGS:]], axis=1)


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
