"""The loss of outputs, whether they are right, and whether two of them differ.

During training on numerical outputs, the first logit is the number scaled to 0..1
(`position_losses`, `is_right`). In a finished model the first logit is the number
itself (`unscaled`, `is_correct`, `differs`).
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

from compiler.lower.readout import Readout
from compiler.machine.weights import Weights, freeze

# A number counts as right within this part of the range of its values.
CLOSE = 0.02


def position_losses(
    readout: Readout, logits: Float[Any, "*n class"], labels: Int[Any, "*n"]
) -> Float[Array, "*n"]:
    """Return the loss at each position: cross-entropy, or squared error of numbers."""
    if readout.kind == "classes":
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    numbers, low, span, missing = _scale(readout)
    goal = (numbers[labels] - low) / span
    none = missing[labels]
    error = jnp.where(none, 0.0, jnp.square(logits[..., 0] - goal))
    if readout.kind == "number":
        return error
    return error + optax.sigmoid_binary_cross_entropy(
        logits[..., 1], none.astype(logits.dtype)
    )


def is_right(
    readout: Readout, logits: Float[Any, "*n class"], labels: Int[Any, "*n"]
) -> Bool[Array, "*n"]:
    """Return where the logits stand for the label."""
    if readout.kind == "classes":
        return logits.argmax(axis=-1) == labels
    numbers, low, span, missing = _scale(readout)
    close = jnp.abs(logits[..., 0] - (numbers[labels] - low) / span) <= CLOSE
    if readout.kind == "number":
        return close
    says_none = logits[..., 1] > 0
    return jnp.where(missing[labels], says_none, close & ~says_none)


def leads(logits: Float[Any, "*n class"], labels: Int[Any, "*n"]) -> Float[Array, "*n"]:
    """Return the gap between the logit of each label and the greatest other one."""
    here = jnp.arange(logits.shape[-1]) == labels[..., None]
    own = jnp.where(here, logits, 0.0).sum(axis=-1)
    return own - jnp.where(here, -jnp.inf, logits).max(axis=-1)


def position_margins(
    readout: Readout, logits: Float[Any, "*n class"], labels: Int[Any, "*n"]
) -> Float[Array, "*n"]:
    """Return by how much each output is right: above 0 where it is, below where not.

    The gap between the logit of the label and the greatest other one; for numbers, what
    is left of the tolerance `CLOSE`, as a share of it.
    """
    if readout.kind == "classes":
        return leads(logits, labels)
    numbers, low, span, missing = _scale(readout)
    error = jnp.abs(logits[..., 0] - (numbers[labels] - low) / span)
    close = 1.0 - error / CLOSE
    if readout.kind == "number":
        return close
    says_none = logits[..., 1]
    return jnp.where(missing[labels], says_none, jnp.minimum(close, -says_none))


def _scale(readout: Readout) -> tuple[Array, float, float, Array]:
    """Return (numbers, lowest, range, which are None) of a numerical output."""
    numbers = readout.numbers
    real = numbers[numbers == numbers]
    low, span = float(real.min()), float(max(real.max() - real.min(), 1e-6))
    missing = numbers != numbers
    filled = jnp.asarray(numbers).astype(jnp.float32)
    return jnp.where(missing, low, filled), low, span, jnp.asarray(missing)


def unscaled(weights: Weights, readout: Readout) -> Weights:
    """Return weights whose first logit is the number itself, not scaled to 0..1."""
    if readout.kind == "classes":
        return weights
    real = readout.numbers[~np.isnan(readout.numbers)]
    low, span = float(real.min()), float(max(np.ptp(real), 1e-6))
    W_U, b_U = weights.W_U.copy(), weights.b_U.copy()
    W_U[:, 0] *= span
    b_U[0] = b_U[0] * span + low
    return freeze(weights._replace(W_U=W_U, b_U=b_U))


def is_correct(
    readout: Readout, logits: Float[Any, "*n class"], labels: Int[Any, "*n"]
) -> Bool[Array, "*n"]:
    """Return where logits stand for the label; numbers within CLOSE of the range."""
    if readout.kind == "classes":
        return logits.argmax(axis=-1) == labels
    numbers, span = numbers_of(readout)
    goal = jnp.asarray(numbers)[labels]
    close = jnp.abs(logits[..., 0] - goal) <= CLOSE * span
    if readout.kind == "number":
        return close
    says_none = logits[..., 1] > 0
    return jnp.where(jnp.isnan(goal), says_none, close & ~says_none)


def differs(
    readout: Readout, logits: Float[Any, "*n class"], clean: Float[Any, "*n class"]
) -> Bool[Array, "*n"]:
    """Return where two outputs are not the same; numbers as in `is_correct`."""
    if readout.kind == "classes":
        return logits.argmax(axis=-1) != clean.argmax(axis=-1)
    _, span = numbers_of(readout)
    moved = jnp.abs(logits[..., 0] - clean[..., 0]) > CLOSE * span
    if readout.kind == "number":
        return moved
    none, before = logits[..., 1] > 0, clean[..., 1] > 0
    return (none != before) | (moved & ~none)


def numbers_of(readout: Readout) -> tuple[Float[np.ndarray, " value"], float]:
    """Return (the values as numbers, NaN for None; their range)."""
    numbers = readout.numbers.astype(np.float32)
    real = numbers[~np.isnan(numbers)]
    return numbers, float(max(np.ptp(real), 1e-6))
