"""The logits of tuples: each the sum of one logit for each place of the tuple.

A model of several tasks has a logit for each tuple of their outputs. In these sums the
greatest logit is that of the tuple of the tasks' greatest ones, the softmax is the
product of the tasks' own, and a task's logits are means over tuples.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float


def spread(
    logits: Float[np.ndarray, "*_lead _class"], task: int, sizes: Sequence[int]
) -> Float[np.ndarray, "*_lead _class"]:
    """Return what a task's logits add to the logits of tuples.

    Args:
        logits: one for each of its values.
        task: its place in the tuples.
        sizes: how many values each task has.
    """
    lead = logits.shape[:-1]
    view = [1] * len(sizes)
    view[task] = sizes[task]
    wide = np.broadcast_to(logits.reshape(*lead, *view), (*lead, *sizes))
    return wide.reshape(*lead, prod(sizes))


def of_task(logits: Any, task: int, sizes: Sequence[int]) -> Any:
    """Return a task's logits: the mean over the tuples with each of its values.

    NumPy's and jax's arrays alike. Equal to what was spread, up to one number that is
    added to all of them.
    """
    lead = logits.shape[:-1]
    others = tuple(len(lead) + i for i in range(len(sizes)) if i != task)
    return logits.reshape(*lead, *sizes).mean(axis=others)


def additive(logits: Any, sizes: Sequence[int]) -> Any:
    """Return the nearest logits of tuples that are sums of one logit for each task.

    A linear projection; NumPy's and jax's arrays alike.
    """
    lead = logits.shape[:-1]
    mean = logits.mean(axis=-1, keepdims=True)
    total = mean.reshape(*lead, *[1] * len(sizes))
    for task, size in enumerate(sizes):
        view = [1] * len(sizes)
        view[task] = size
        total = total + (of_task(logits, task, sizes) - mean).reshape(*lead, *view)
    return total.reshape(logits.shape)
