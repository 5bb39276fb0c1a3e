"""How far a reading can be from the AND that it stands for.

Let neuron i compute relu(sum of the inputs in S_i - 1), and let the AND of j and k be
read as the mean over the neurons that read both. If both are on, each of these neurons
is at least 1. If not, let c_l be the share of these neurons that read input l. With T
the inputs that are on:

    j is on, k is off    the reading is the sum of c_l over T without j
    both are off         it is less than the sum of c_l over T without one of them

So the reading of an AND that is false is at most the sum of the sparsity - 1 greatest
c_l, and some input reaches it. docs/superposition.md has the proof.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

NOT_ONE = -1.0  # of the two inputs of a pair, which are not counted


def shares(
    members: Bool[np.ndarray, "input neuron"], pairs: Int[np.ndarray, "and 2"]
) -> Float[np.ndarray, "and input"]:
    """Return c: which share of an AND's neurons read each other input.

    Its own two inputs have -1.
    """
    both = (members[pairs[:, 0]] & members[pairs[:, 1]]).astype(np.float64)
    found = both @ members.T.astype(np.float64)
    found /= np.maximum(both.sum(axis=1, keepdims=True), 1.0)
    rows = np.arange(len(pairs))[:, None]
    found[rows, pairs] = NOT_ONE
    return found


def worst_sets(
    members: Bool[np.ndarray, "input neuron"],
    pairs: Int[np.ndarray, "and 2"],
    sparsity: int,
) -> tuple[Float[np.ndarray, " and"], Int[np.ndarray, "and sparsity"]]:
    """Return the greatest reading of each AND when it is false, and the inputs then on.

    Args:
        members: which inputs each neuron reads.
        pairs: the inputs of each AND.
        sparsity: how many inputs may be on.
    """
    found = shares(members, pairs)
    greatest = np.argsort(-found, axis=1, kind="stable")[:, : sparsity - 1]
    error = np.take_along_axis(found, greatest, axis=1).clip(min=0).sum(axis=1)
    return error, np.concatenate([pairs[:, :1], greatest], axis=1)
