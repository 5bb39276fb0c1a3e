"""A model under a projection of its stream, and how far it is from the compiled one.

Every component reads the compressed stream through the transpose of the projection W
and writes to it through W, so that W alone decides (Lindner et al. 2023, section 5):

    W_E W   W_pos W   W_O W   W_out W     what writes
    Wᵀ W_Q  Wᵀ W_K  Wᵀ W_V  Wᵀ W_in  Wᵀ W_U  what reads

Axis names beyond those of `forward`: `feature` is a dimension of the compiled stream.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from compiler.lower.readout import Readout
from compiler.machine.forward import forward_batch
from compiler.machine.transformer import Transformer
from zoo.causal.outputs import position_losses

WRITERS = ("W_E", "W_pos", "W_O", "b_O", "W_out", "b_out")
READERS = ("W_Q", "W_K", "W_V", "W_gate", "W_in", "W_U")
# The sources `tokens` and `positions` come first; they are what a model is given.
EMBEDDINGS = 2


class Losses(NamedTuple):
    """The two unweighted losses of a batch.

    Attributes:
        output: cross-entropy in nats, or squared error in ranges of the output, a
            position at which the output is defined.
        layers: squared error of what heads and MLPs write, summed over them and over
            features, a position that holds a token or BOS.
    """

    output: Float[Array, ""]
    layers: Float[Array, ""]


def squeeze(
    transformer: Transformer, projection: Float[Any, "feature d_model"]
) -> Transformer:
    """Return the compressed transformer.

    Args:
        transformer: the compiled one, its stream in features; without LayerNorm.
        projection: W, row i is the direction of feature i.
    """
    config = replace(transformer.config, d_model=projection.shape[1])
    weights = transformer.weights
    return Transformer(config, weights).with_arrays(
        **{name: getattr(weights, name) @ projection for name in WRITERS},
        **{name: projection.T @ getattr(weights, name) for name in READERS},
    )


def losses(
    projection: Float[Array, "feature d_model"],
    transformer: Transformer,
    readout: Readout,
    ids: Int[Any, "batch ctx"],
    labels: Int[Any, "batch ctx"],
) -> Losses:
    """Return the losses of a projection on some inputs.

    What the embeddings write is not to be reconstructed: a feature of the input that
    nothing needs may go.

    Args:
        projection: W.
        transformer: the compiled one; it does not learn.
        readout: how logits are turned into values.
        ids: token ids.
        labels: index of the output's value at each position, -1 where undefined.
    """
    goal = forward_batch(transformer, ids).writes
    run = forward_batch(squeeze(transformer, projection), ids)
    defined = labels >= 0
    error = position_losses(
        readout, scale_numbers(readout, run.logits), jnp.maximum(labels, 0)
    )
    live = ids != transformer.config.pad_id
    # [batch, source, ctx, d_model] -> [batch, source, ctx, feature]
    missed = jnp.square(run.writes @ projection.T - goal)[:, EMBEDDINGS:]
    return Losses(_mean(error, defined), _mean(missed.sum((1, 3)), live))


def _mean(values: Float[Array, "*n"], where: Any) -> Float[Array, ""]:
    count = jnp.maximum(where.sum(), 1).astype(values.dtype)
    return jnp.where(where, values, 0.0).sum() / count


def scale_numbers(
    readout: Readout, logits: Float[Array, "*n class"]
) -> Float[Array, "*n class"]:
    """Return logits with a number as its place between the least and the greatest."""
    if readout.kind == "classes":
        return logits
    real = readout.numbers[~np.isnan(readout.numbers)]
    low, span = float(real.min()), float(max(np.ptp(real), 1e-6))
    first = (logits[..., :1] - low) / span
    return jnp.concatenate([first, logits[..., 1:]], axis=-1)
