"""Attribution by attention patterns alone.

attention   mean over layers and heads of the pattern A[o, p] (Jain and Wallace 2019)
rollout     product over layers of (A + I) / 2, A the mean over heads (Abnar and
Zuidema 2020)
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from compiler.machine.forward import attention_patterns
from zoo.attribution.task import AttributionTask


def attention(
    task: AttributionTask, seed: int = 0
) -> Float[np.ndarray, "input ctx ctx"]:
    """Return the mean attention of each output position to each position."""
    return read_patterns(task).mean(axis=(1, 2))


def rollout(task: AttributionTask, seed: int = 0) -> Float[np.ndarray, "input ctx ctx"]:
    """Return how attention flows through all layers."""
    layers = read_patterns(task).mean(axis=2)
    same = np.eye(layers.shape[-1])
    found = np.broadcast_to(same, (len(layers), *same.shape))
    for layer in range(layers.shape[1]):
        found = (layers[:, layer] + same) / 2 @ found
    return found


def read_patterns(
    task: AttributionTask,
) -> Float[np.ndarray, "input layer head ctx ctx"]:
    """Return every attention pattern: query, then key."""
    return np.asarray(attention_patterns(task.transformer, jnp.asarray(task.ids)))


PATTERNS = {"attention": attention, "rollout": rollout}
"""Name -> method."""
