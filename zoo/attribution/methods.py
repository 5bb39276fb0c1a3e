"""The built-in attribution methods, and controls that cannot know the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from compiler.errors import unknown_name
from zoo.attribution.gradients import GRADIENTS
from zoo.attribution.patterns import PATTERNS
from zoo.attribution.task import AttributionTask

AttributionMethod = Callable[..., Float[np.ndarray, "input ctx ctx"]]

METHODS: dict[str, AttributionMethod] = {**GRADIENTS, **PATTERNS}
"""Name -> method: a function of a task and a seed."""


def find_attribution(name: str) -> AttributionMethod:
    """Return the built-in method of that name.

    Raises:
        NameLookupError: there is none; the nearest are offered.
    """
    if name not in METHODS:
        raise unknown_name("attribution method", name, METHODS)
    return METHODS[name]


def random_scores(
    task: AttributionTask, seed: int = 0
) -> Float[np.ndarray, "input ctx ctx"]:
    """Return scores drawn at random."""
    return np.random.default_rng([*b"attribution", seed]).random(task.shape)


def prior_scores(task: AttributionTask) -> Float[np.ndarray, "input ctx ctx"]:
    """Return how often a position is relevant in the *other* inputs of that length.

    It knows nothing of an input but its length: what memorised positions are worth.
    """
    found = np.zeros(task.shape)
    for length in np.unique(task.lengths):
        rows = np.flatnonzero(task.lengths == length)
        total = task.relevant[rows].sum(axis=0)
        found[rows] = (total - task.relevant[rows]) / max(len(rows) - 1, 1)
    return found


def oracle_scores(task: AttributionTask) -> Float[np.ndarray, "input ctx ctx"]:
    """Return the truth as scores."""
    return task.relevant.astype(np.float64)
