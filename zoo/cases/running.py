"""Compiled runs of a case: losses under edge masks, gradients, single edges.

Everything takes a `Batch` and the static parts of a model, so that cases of one shape
share a compilation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.lower.readout import Readout
from compiler.machine.config import Config
from compiler.machine.forward import fitting_batch, logits_batch, logits_from
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.layers import PLAIN, Rules
from compiler.machine.patch import Patch
from zoo.cases.losses import Goal, loss_of


class Batch(NamedTuple):
    """Pairs, ready to be patched.

    Attributes:
        ids: [pair, ctx] of the clean inputs.
        writes: [pair, source, ctx, d_model] writes of the clean runs.
        donors: [pair, source, ctx, d_model] what a patch puts in their place.
        goal: what losses compare outputs with.
    """

    ids: Any
    writes: Any
    donors: Any
    goal: Goal


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["transformer", "loss"],
    meta_fields=["readout"],
)
@dataclass(frozen=True, eq=False)
class Machine:
    """A transformer and the loss of its outputs; a pytree like the transformer.

    Attributes:
        transformer: its shape and its arrays.
        readout: how logits are turned into values.
        loss: [loss] weights of the losses, see `losses.weigh_loss`.
    """

    transformer: Any
    readout: Readout
    loss: Any

    @property
    def config(self) -> Config:
        """The transformer's shape."""
        return self.transformer.config


AT_A_TIME = 16
"""Pairs whose gradients are taken side by side."""

MASKS = 8
"""Methods take gradients at up to so many masks in one compilation."""

_jit = partial(jax.jit, compiler_options=QUICK_TO_COMPILE)


@_jit
def losses_under(
    machine: Machine,
    batch: Batch,
    mask: Float[Any, "reader source"],
) -> Float[Array, " pair"]:
    """Return the losses with the edges of a mask patched."""
    return edge_losses(machine, batch, jnp.asarray(mask))


@_jit
def losses_of_base(machine: Machine, batch: Batch) -> Float[Array, " pair"]:
    """Return the losses of the runs that the batch's writes are of: without a patch."""
    last = machine.config.n_layers

    def logits(ids: Array, writes: Array) -> Array:
        return logits_from(machine.transformer, ids, writes, last)

    found = jax.vmap(logits)(jnp.asarray(batch.ids), jnp.asarray(batch.writes))
    return loss_of(machine.readout, machine.loss, found, batch.goal)


def edge_losses(machine: Machine, batch: Batch, mask: Array) -> Float[Array, " pair"]:
    """Return `losses_under`, not compiled: for use inside what is."""
    patch = Patch.edges(mask, batch.donors)
    logits = logits_batch(machine.transformer, batch.ids, patch, shared_mask=True)
    return loss_of(machine.readout, machine.loss, logits, batch.goal)


@_jit
def losses_under_nodes(
    machine: Machine,
    batch: Batch,
    masks: Float[Any, "mask source"],
) -> Float[Array, "mask pair"]:
    """Return the losses with the nodes of each mask patched."""
    return node_losses(machine, batch, jnp.asarray(masks))


def node_losses(
    machine: Machine,
    batch: Batch,
    masks: Float[Array, "mask source"],
) -> Float[Array, "mask pair"]:
    """Return `losses_under_nodes`, not compiled: for use inside what is."""

    def one(mask: Array) -> Array:
        shared = jnp.broadcast_to(mask, (len(batch.ids), len(mask)))
        patch = Patch.nodes(shared, batch.donors)
        logits = logits_batch(machine.transformer, batch.ids, patch)
        return loss_of(machine.readout, machine.loss, logits, batch.goal)

    return jax.lax.map(one, masks)


@_jit
def mask_gradient(
    machine: Machine,
    batch: Batch,
    mask: Float[Any, "reader source"],
) -> Float[Array, "reader source"]:
    """Return the gradient of the mean loss in an edge mask."""

    def mean(mask: Array) -> Array:
        return edge_losses(machine, batch, mask).mean()

    return jax.grad(mean)(jnp.asarray(mask))


@partial(_jit, static_argnames=("layer", "rules"))
def reader_gradients(
    machine: Machine,
    batch: Batch,
    mask: Float[Any, " source"],
    layer: int = 0,
    rules: Rules = PLAIN,
) -> Float[Array, "pair reader ctx d_model"]:
    """Return the gradient of each pair's loss in what every reader sees.

    Args:
        machine: the model's shape, and the loss.
        batch: the pairs.
        mask: where between the clean write (0) and the donor (1) the sources stand.
        layer: the first that is computed; readers before it must see no change.
        rules: how gradients go back through what is not linear.
    """
    return reader_gradient(machine, batch, mask, layer, rules)


def reader_gradient(
    machine: Machine,
    batch: Batch,
    mask: Float[Any, " source"],
    layer: int,
    rules: Rules = PLAIN,
) -> Float[Array, "pair reader ctx d_model"]:
    """Return `reader_gradients`, not compiled: for use inside what is."""
    config = machine.config
    shape = len(config.names.readers), batch.ids.shape[1], config.d_model

    def one(ids: Array, writes: Array, donor: Array, goal: Goal) -> Array:
        def loss(added: Array) -> Array:
            patch = Patch.nodes(jnp.asarray(mask), donor)
            logits = logits_from(
                machine.transformer, ids, writes, layer, patch, added, rules
            )
            whole = Goal(*(part[None] for part in goal))
            return loss_of(machine.readout, machine.loss, logits[None], whole)[0]

        return jax.grad(loss)(jnp.zeros(shape, donor.dtype))

    return jax.vmap(one)(batch.ids, batch.writes, batch.donors, batch.goal)


def attribute_each(
    machine: Machine,
    batch: Batch,
    masks: Float[np.ndarray, "mask source"],
    layer: int = 0,
) -> Float[Array, "reader source"]:
    """Return `attribute` with the sum over some masks of `reader_gradients`.

    A few pairs at a time, so that their gradients stay in the cache. Masks are filled
    up to a multiple of `MASKS`, so that one mask and several share a compilation.
    """
    count, fill = len(masks), -len(masks) % MASKS
    filled = np.pad(np.asarray(masks, np.float32), ((0, fill), (0, 0)))
    return _attribute_each(machine, batch, filled, np.int32(count), layer)


@partial(_jit, static_argnames="layer")
def _attribute_each(
    machine: Machine,
    batch: Batch,
    masks: Float[Any, "mask source"],
    count: Int[Any, ""],
    layer: int,
) -> Float[Array, "reader source"]:
    """Return `attribute_each` of the first masks."""
    masks = jnp.asarray(masks)

    def one(pair: Batch) -> Array:
        whole = jax.tree.map(lambda part: part[None], pair)

        def add(row: Array, total: Array) -> Array:
            return total + reader_gradient(machine, whole, masks[row], layer)[0]

        shape = len(machine.config.names.readers), *pair.writes.shape[1:]
        start = jnp.zeros(shape, pair.writes.dtype)
        gradient = jax.lax.fori_loop(0, count, add, start)
        difference = pair.donors - pair.writes
        return jnp.einsum("spd,rpd->rs", difference, gradient)

    scores = jax.lax.map(one, jax.tree.map(jnp.asarray, batch), batch_size=AT_A_TIME)
    return scores.mean(axis=0)


@jax.jit
def attribute(
    difference: Float[Array, "pair source ctx d_model"],
    gradient: Float[Array, "pair reader ctx d_model"],
) -> Float[Array, "reader source"]:
    """Return the mean over pairs of sum_t difference . gradient, for every edge."""
    total = jnp.einsum("nspd,nrpd->rs", difference, gradient)
    return total / len(difference)


def split_into_blocks(transformer: Any, batch: Batch) -> Batch:
    """Return the pairs in blocks, an axis in front, each of which fits a core's cache.

    The last block is filled up with pairs of the first; `join_blocks` leaves them out.
    """
    count = len(batch.ids)
    size = fitting_batch(transformer, *batch.ids.shape)
    rows = np.arange(-(-count // size) * size).reshape(-1, size) % count
    return jax.tree.map(lambda part: jnp.asarray(part)[rows], batch)


def join_blocks(
    values: Float[Array, "block of_block"] | Bool[Array, "block of_block"],
    batch: Batch,
) -> Float[Array, " pair"] | Bool[Array, " pair"]:
    """Return what was computed block by block, each pair once."""
    return values.reshape(-1)[: len(batch.ids)]
