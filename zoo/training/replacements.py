"""What stands in place of a patched write: another run's write, zeros, or a mean.

If all patched writes of an example come from one donor run, they agree with each other,
and a model may rely on that. So in a share of the examples each node has a donor run of
its own (`mix_writes`).

A model that was trained for interchange alone may break when its unused nodes are set
to zero, as ablation studies do. So a share of the strict examples is patched with
constants. They act on all positions. Edges keep their write at BOS, though, which is
the same in every run anyway. A head that counts keys has to tell BOS from the others by
its values, and since BOS is no variable, no edge of the circuit stands for that.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

DONOR, ZERO, MEAN = range(3)
"""The writes of a donor run; zeros; the mean over inputs, position by position."""

_ENOUGH = 4  # runs that a mean at one position takes; else it is that over positions


def replace_writes(
    writes: Float[Array, "batch source ctx d_model"],
    live: Bool[Array, "batch ctx"],
    replaced: Int[Array, " batch"],
    averaged: Float[Array, "batch source ctx d_model"] | None = None,
) -> Float[Array, "batch source ctx d_model"]:
    """Return what is patched in, for each example.

    Args:
        writes: the writes of the donor runs.
        live: the positions of these runs that count for means: those of real tokens, in
            runs without shifted positions.
        replaced: `DONOR`, `ZERO` or `MEAN`.
        averaged: the writes that means are taken of; `writes` if None.
    """
    means = mean_writes(writes if averaged is None else averaged, live)
    kind = replaced[:, None, None, None]
    return jnp.where(kind == DONOR, writes, jnp.where(kind == ZERO, 0.0, means))


def mean_writes(
    writes: Float[Array, "batch source ctx d_model"], live: Bool[Array, "batch ctx"]
) -> Float[Array, "source ctx d_model"]:
    """Return the mean over inputs at each position.

    Where fewer than four inputs reach a position, it is the mean over all positions.
    """
    weights = live.astype(writes.dtype)[:, None, :, None]
    total, count = (writes * weights).sum(0), weights.sum(0)  # [source, ctx, d_model]
    mean = total.sum(1, keepdims=True) / jnp.maximum(count.sum(1, keepdims=True), 1.0)
    everywhere = jnp.broadcast_to(mean, total.shape)
    return jnp.where(count < _ENOUGH, everywhere, total / jnp.maximum(count, 1.0))


def draw_mixed(
    key: Array, mixed: Bool[Array, " batch"], sources: int, n_ctx: int
) -> Int[Array, "batch source ctx"]:
    """Return how many examples further the donor run of each patched write is.

    0 for the example's own donor run. Half of the nodes have one donor run at all
    positions, the others another one at each position.

    Args:
        key: the random key.
        mixed: the examples in which each node has a donor run of its own.
        sources: number of sources.
        n_ctx: number of positions.
    """
    size = len(mixed)
    first, second, third = jax.random.split(key, 3)
    one = jax.random.randint(first, (size, sources, 1), 0, size)
    each = jax.random.randint(second, (size, sources, n_ctx), 0, size)
    spread = jax.random.bernoulli(third, 0.5, (size, sources, 1))
    return jnp.where(mixed[:, None, None], jnp.where(spread, each, one), 0)


def mix_writes(
    writes: Float[Array, "batch source ctx d_model"],
    lengths: Int[Array, " batch"],
    mixed: Int[Array, "batch source ctx"],
) -> Float[Array, "batch source ctx d_model"]:
    """Return each example's donor writes, taken from the runs that `mixed` says.

    Args:
        writes: the writes of the donor runs, one of each example.
        lengths: number of positions of each donor input, BOS included. Where the run
            that `mixed` says is too short, the example's own donor run is taken.
        mixed: see `draw_mixed`.
    """
    size, sources, n_ctx = mixed.shape
    own = jnp.arange(size)[:, None, None]
    run = (own + mixed) % size
    place = jnp.arange(n_ctx)
    run = jnp.where(place < lengths[run], run, own)
    return writes[run, jnp.arange(sources)[:, None], place]


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
