"""Information-flow routes (Ferrando and Voita 2024, equations 4 and 5).

    s(u -> v) = max(0, |r|_1 - |r - z_u|_1), divided by its sum over u

where r is what reader v sees, at one position of one input; the mean over both. Clean
inputs only: nothing is patched, and there is no loss.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from zoo.cases.case import Case
from zoo.methods.method import method


@method(
    "ifr",
    paper="Ferrando and Voita 2024, eq. 4-5",
    equation="max(0, |r| - |r - z_u|), normalised over u",
)
def ifr(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return how near each write is to what its readers see."""
    filled = case.pairs.clean != case.config.pad_id
    # What a reader sees is a prefix of the sources: one cut for all with that prefix.
    cuts = tuple(int(row.sum()) for row in case.names.visible)
    by_cut = {
        cut: np.asarray(_nearness(case.batch.writes, jnp.asarray(filled), cut))
        for cut in sorted(set(cuts))
    }
    return np.stack([by_cut[cut] for cut in cuts])


@partial(jax.jit, static_argnames=("cut",))
def _nearness(
    writes: Float[Array, "pair source ctx d_model"],
    filled: Array,
    cut: int,
) -> Float[Array, " source"]:
    """Return the shares of the first sources in their sum, 0 for later ones."""
    seen = writes[:, :cut]
    total = seen.sum(axis=1, keepdims=True)
    rest = jnp.abs(total - seen).sum(axis=-1)
    near = jnp.maximum(jnp.abs(total).sum(axis=-1) - rest, 0.0)  # [pair, source, ctx]
    shares = near / jnp.maximum(near.sum(axis=1, keepdims=True), 1e-30)
    weight = filled.astype(shares.dtype)[:, None, :]
    mean = (shares * weight).sum(axis=(0, 2)) / weight.sum()
    return jnp.pad(mean, (0, writes.shape[1] - cut))
