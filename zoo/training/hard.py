"""Hard examples that were found at a check, and how a batch takes some of them in.

They are a part of the state of a training, so that a resumed run draws the same ones.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

KEPT = 256
"""How many hard inputs, and how many hard patches, are kept."""


class Patched(NamedTuple):
    """Base inputs with one patch each, as indices into the pool that is trained on.

    Attributes:
        base: index of the base input.
        donor: index of the donor input.
        shifts: by how many places the positions of the donor run are shifted.
        replaced: what stands in place of a patched write, see `replacements.py`.
        edges: [reader, source] which edges outside the circuit are patched.
    """

    base: Int[Array, " n"]
    donor: Int[Array, " n"]
    shifts: Int[Array, " n"]
    replaced: Int[Array, " n"]
    edges: Bool[Array, "n reader source"]


class Hard(NamedTuple):
    """The hardest examples of the last check.

    Attributes:
        inputs: indices of the inputs with the smallest margins.
        patches: the patches outside the circuit that leave the smallest margins.
        found: whether anything was found yet: not before the first check.
    """

    inputs: Int[Array, " n"]
    patches: Patched
    found: Bool[Array, ""]


def nothing_hard(readers: int, sources: int) -> Hard:
    """Return what is known before the first check: nothing."""
    zeros = jnp.zeros(KEPT, jnp.int32)
    edges = jnp.zeros((KEPT, readers, sources), bool)
    patches = Patched(zeros, zeros, zeros, zeros, edges)
    return Hard(zeros, patches, jnp.zeros((), bool))


def recall(
    hard: Hard,
    key: Array,
    drawn: Patched,
    inputs_here: Bool[Array, " batch"],
    patches_here: Bool[Array, " batch"],
) -> Patched:
    """Return the examples of a batch with hard ones in some places.

    Args:
        hard: the hard examples; nothing is changed before any were found.
        key: a random key.
        drawn: the examples as they were drawn.
        inputs_here: the places where the base input is a hard input.
        patches_here: the places where the whole example is a hard patch.
    """
    which = jax.random.randint(key, (2, len(drawn.base)), 0, KEPT)
    patches_here, inputs_here = patches_here & hard.found, inputs_here & hard.found
    kept = jax.tree.map(lambda field: field[which[1]], hard.patches)

    def choose(there: Array, here: Array) -> Array:
        where = patches_here.reshape(-1, *(1,) * (here.ndim - 1))
        return jnp.where(where, there, here)

    examples = jax.tree.map(choose, kept, drawn)
    base = jnp.where(inputs_here, hard.inputs[which[0]], examples.base)
    return examples._replace(base=base)
