"""Losses of a run, one number for each pair; lower is nearer to the clean run.

    difference   minus the difference between the clean and the corrupt answer's logits
                 (for numerical outputs: minus the share of the way from the corrupt to
                 the clean value)
    probability  minus the probability of the clean answer; of classes only
    divergence   the KL divergence of the outputs from those of the unpatched model, in
                 nats (for numerical outputs: the squared distance, in ranges of values)

The difference is linear in the logits, so it has a gradient at the clean run. The
divergence has its minimum there, where its gradient is zero; learned masks and ACDC use
it. Zhang and Nanda 2024 compare all three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from compiler.lower.readout import Readout
from zoo.cases.choices import LOSSES
from zoo.cases.pairs import Pairs

Weigh = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Goal(NamedTuple):
    """What a loss compares with.

    Attributes:
        contrast: [pair, ctx, class] weights of the logits in the difference.
        clean: [pair, ctx, class] logits of the unpatched model.
        live: [pair, ctx] 1 at the positions that have an answer.
    """

    contrast: Any
    clean: Any
    live: Any


def loss_of(
    readout: Readout,
    weights: Float[Any, " loss"],
    logits: Float[Array, "pair ctx class"],
    goal: Goal,
) -> Float[Array, " pair"]:
    """Return the loss of every pair.

    Args:
        readout: how logits stand for values.
        weights: of the losses that such outputs have, as `weigh_loss` returns them.
            They are no part of what is compiled, so that all losses share it.
        logits: of the patched run.
        goal: what they are compared with.
    """
    return jnp.asarray(weights) @ every_loss(readout, logits, goal)


def every_loss(
    readout: Readout, logits: Float[Array, "pair ctx class"], goal: Goal
) -> Float[Array, "loss pair"]:
    """Return each loss of `losses_for`, of every pair."""
    contrast = jnp.asarray(goal.contrast)
    found = [-(logits * contrast).sum(axis=(1, 2))]
    if readout.kind == "classes":
        answers = jnp.maximum(contrast, 0.0)
        found.append(-(jax.nn.softmax(logits) * answers).sum(axis=(1, 2)))
    apart = _apart(readout, logits, goal.clean) * goal.live
    found.append(apart.sum(axis=1) / jnp.maximum(goal.live.sum(axis=1), 1.0))
    return jnp.stack(found)


def weigh_loss(readout: Readout, loss: str) -> Float[np.ndarray, " loss"]:
    """Return weights that select one of the losses that outputs have."""
    return np.array([name == loss for name in losses_for(readout)], np.float32)


def losses_for(readout: Readout) -> tuple[str, ...]:
    """Return the losses that outputs have: numbers have no probability."""
    return tuple(
        loss for loss in LOSSES if loss != "probability" or readout.kind == "classes"
    )


def _apart(
    readout: Readout, logits: Float[Array, "*n class"], clean: Float[Array, "*n class"]
) -> Float[Array, "*n"]:
    """Return the divergence of outputs from the clean ones, position by position."""
    if readout.kind == "classes":
        log_p, log_q = jax.nn.log_softmax(clean), jax.nn.log_softmax(logits)
        return (jnp.exp(log_p) * (log_p - log_q)).sum(axis=-1)
    error = jnp.square((logits[..., 0] - clean[..., 0]) / span_of(readout))
    if readout.kind == "number":
        return error
    p, q = clean[..., 1], logits[..., 1]
    on, off = jax.nn.log_sigmoid, lambda x: jax.nn.log_sigmoid(-x)
    none = jnp.exp(on(p)) * (on(p) - on(q)) + jnp.exp(off(p)) * (off(p) - off(q))
    return none + jnp.where(p > 0, 0.0, error)


def span_of(readout: Readout) -> float:
    """Return the range of a numerical output's values."""
    numbers = readout.numbers
    real = numbers[~np.isnan(numbers)]
    return float(max(np.ptp(real), 1e-6))


def contrast_of(
    readout: Readout, pairs: Pairs, positions: str
) -> Float[np.ndarray, "pair ctx class"]:
    """Return the weights of the logits in the difference of answers.

    Args:
        readout: how logits stand for values.
        pairs: pairs of inputs with their answers.
        positions: `one` takes the position that the data names; `all` takes the mean
            over all positions at which the answers differ.
    """
    one, other = pairs.clean_labels, pairs.corrupt_labels
    asked = (one != other) & (one >= 0) & (other >= 0)
    if positions == "one":
        asked = asked & (np.arange(one.shape[1])[None] == pairs.answer[:, None])
    first, second = np.maximum(one, 0), np.maximum(other, 0)
    weights = _weights(readout)
    found = weights(first, second) * asked[..., None]
    return (found / np.maximum(asked.sum(axis=1), 1)[:, None, None]).astype(np.float32)


def _weights(readout: Readout) -> Weigh:
    """Return a function of the labels of two answers."""
    if readout.kind == "classes":
        eye = np.eye(len(readout.values))
        return lambda one, other: eye[one] - eye[other]
    numbers = readout.numbers

    def weigh(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        a, b = numbers[one], numbers[other]
        gap = a - b
        value = np.where(
            np.isfinite(gap) & (gap != 0), 1 / np.where(gap, gap, 1.0), 0.0
        )
        none = np.isnan(a).astype(float) - np.isnan(b)
        return np.stack([value, none], axis=-1)[..., : readout.size]

    return weigh
