"""What stands in place of a patched write: another run's write, zeros, or a mean.

A model that was trained for interchange alone may break when its unused nodes are set
to zero, as ablation studies do. So a share of the strict examples is patched with
constants. They act on all positions. Edges keep their write at BOS, though, which is
the same in every run anyway. A head that counts keys has to tell BOS from the others by
its values, and since BOS is no variable, no edge of the circuit stands for that.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

DONOR, ZERO, MEAN, PLACE_MEAN = range(4)
"""The writes of a donor run; zeros; the mean over inputs and positions; over inputs."""

_ENOUGH = 4  # runs that a mean at one position takes; else it is that over positions


def replace_writes(
    writes: Float[Array, "batch source ctx d_model"],
    live: Bool[Array, "batch ctx"],
    replaced: Int[Array, " batch"],
) -> Float[Array, "batch source ctx d_model"]:
    """Return what is patched in, for each example.

    Args:
        writes: the writes of the donor runs.
        live: the positions of these runs that count for means: those of real tokens, in
            runs without shifted positions.
        replaced: `DONOR`, `ZERO`, `MEAN` or `PLACE_MEAN`.
    """
    everywhere, by_place = mean_writes(writes, live)
    kind = replaced[:, None, None, None]
    found = jnp.where(kind == MEAN, everywhere, by_place)
    return jnp.where(kind == DONOR, writes, jnp.where(kind == ZERO, 0.0, found))


def mean_writes(
    writes: Float[Array, "batch source ctx d_model"], live: Bool[Array, "batch ctx"]
) -> tuple[Float[Array, "source ctx d_model"], Float[Array, "source ctx d_model"]]:
    """Return (the mean over inputs and positions, the mean over inputs).

    Where fewer than four inputs reach a position, the second is the first.
    """
    weights = live.astype(writes.dtype)[:, None, :, None]
    total, count = (writes * weights).sum(0), weights.sum(0)  # [source, ctx, d_model]
    mean = total.sum(1, keepdims=True) / jnp.maximum(count.sum(1, keepdims=True), 1.0)
    everywhere = jnp.broadcast_to(mean, total.shape)
    by_place = jnp.where(count < _ENOUGH, everywhere, total / jnp.maximum(count, 1.0))
    return everywhere, by_place


def patched_places(
    shared: Int[Array, " batch"],
    replaced: Int[Array, " batch"],
    of_edges: Bool[Array, " batch"],
    n_ctx: int,
) -> Bool[Array, "batch ctx"]:
    """Return the positions that a patch acts on.

    Args:
        shared: number of positions that both inputs have, BOS included.
        replaced: what is patched in; constants act on positions beyond `shared` too.
        of_edges: whether single edges are patched, so that constants leave BOS alone.
        n_ctx: number of positions.
    """
    places = jnp.arange(n_ctx)
    constant = (replaced != DONOR)[:, None]
    keeps_bos = constant & of_edges[:, None] & (places == 0)
    return (constant | (places < shared[:, None])) & ~keeps_bos
