"""What an output is: where logits stand for a label, and where two are not the same."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.lower.readout import Readout
from zoo.training.loss import CLOSE


def is_correct(
    readout: Readout, logits: Float[Any, "*n class"], labels: Int[Any, "*n"]
) -> Bool[Array, "*n"]:
    """Return where logits stand for the label; numbers within CLOSE of the range."""
    if readout.kind == "classes":
        return logits.argmax(axis=-1) == labels
    numbers, span = _numbers(readout)
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
    _, span = _numbers(readout)
    moved = jnp.abs(logits[..., 0] - clean[..., 0]) > CLOSE * span
    if readout.kind == "number":
        return moved
    none, before = logits[..., 1] > 0, clean[..., 1] > 0
    return (none != before) | (moved & ~none)


def _numbers(readout: Readout) -> tuple[Float[np.ndarray, " value"], float]:
    numbers = readout.numbers.astype(np.float32)
    real = numbers[~np.isnan(numbers)]
    return numbers, float(max(np.ptp(real), 1e-6))
