"""Inputs to train on, and inputs that are held out.

A tenth of all inputs is held out, so that no draw of training reaches it. Inputs of
small strata are never held out: of the four inputs in which one letter fills all eight
places, a model has to see some to learn the class that they stand for.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from zoo.causal.model import CausalModel
from zoo.causal.pool import Pool, part_of_pool
from zoo.causal.strata import Space

SMALL = 20
"""A stratum of fewer inputs than this is trained on as a whole."""
FEW = 500
"""If there are fewer inputs than this, all of them are trained on and checked."""


def split_space(model: CausalModel, space: Space, seed: int) -> tuple[Pool, Pool, bool]:
    """Return (inputs to train on, held-out inputs, whether the two are disjoint).

    Args:
        model: the causal model that the inputs are for.
        space: its inputs and their strata.
        seed: which inputs are held out.
    """
    output = [v.name for v in model.variables].index(model.output)
    held_out = choose_held_out(space, seed)
    disjoint = bool(held_out.any())
    parts = (~held_out, held_out) if disjoint else (~held_out, ~held_out)
    train, test = (
        part_of_pool(space.pool, np.flatnonzero(part), space.strata, output)
        for part in parts
    )
    return train, test, disjoint


def choose_held_out(space: Space, seed: int) -> Bool[np.ndarray, " input"]:
    """Return which inputs are held out: a tenth, none where there are few inputs."""
    size = len(space.pool.ids)
    if size < FEW:
        return np.zeros(size, bool)
    kept = np.zeros(size, bool)
    strata = space.strata
    for start, count in zip(strata.starts, strata.counts, strict=True):
        if count < SMALL:
            kept[strata.members[start : start + count]] = True
    order = np.random.default_rng(seed).permutation(size)
    chosen = np.zeros(size, bool)
    chosen[order[: size // 10]] = True
    return chosen & ~kept
