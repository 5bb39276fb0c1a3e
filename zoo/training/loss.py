"""The losses of one batch: unweighted means over positions that have a label."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

from compiler.lower.readout import Readout
from compiler.machine.forward import Run, attention_logits, forward_batch
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer
from zoo.causal.outputs import position_losses, position_margins
from zoo.causal.runs import donor_writes
from zoo.training.examples import TrainingBatch
from zoo.training.replacements import mix_writes, replace_writes


class Probes(NamedTuple):
    """Linear probes that predict every variable from the write of its node.

    Attributes:
        W: [variable, d_model, value].
        b: [variable, value].
    """

    W: Float[Array, "variable d_model value"]
    b: Float[Array, "variable value"]


def batch_loss(
    transformer: Transformer,
    readout: Readout,
    batch: TrainingBatch,
    donor_gradient: bool,
) -> tuple[Run, Float[Array, "batch source ctx d_model"], Float[Array, ""]]:
    """Return the patched runs, the writes of the donor runs, and the mean loss.

    The loss is in nats (or squared ranges, for numbers).
    """
    donors = donor_writes(transformer, batch.donor_ids, batch.shifts)
    donor = donors if donor_gradient else jax.lax.stop_gradient(donors)
    pad = transformer.config.pad_id
    single = donor
    if batch.mixed is not None:
        donor = mix_writes(donor, (batch.donor_ids != pad).sum(axis=1), batch.mixed)
    if batch.replaced is not None:
        live = unshifted(batch, pad)
        donor = replace_writes(donor, live, batch.replaced, single)
    patch = Patch.edges(batch.mask, donor, where=batch.where)
    run = forward_batch(transformer, batch.ids, patch)
    valid = batch.labels >= 0
    losses = position_losses(readout, run.logits, jnp.maximum(batch.labels, 0))
    return run, donors, _mean(losses, valid)


def unshifted(batch: TrainingBatch, pad_id: int | None) -> Bool[Array, "batch ctx"]:
    """Return the positions of real tokens in donor runs without shifted positions."""
    return (batch.donor_ids != pad_id) & (batch.shifts == 0)[:, None]


def margin_loss(
    readout: Readout,
    logits: Float[Array, "batch ctx class"],
    batch: TrainingBatch,
    margin: float,
) -> Float[Array, ""]:
    """Return the mean square of what is missing to a margin, as a share of it.

    Args:
        readout: how logits stand for values.
        logits: of the patched runs.
        batch: has the labels.
        margin: by how much the right output should win, see `position_margins`.
    """
    found = position_margins(readout, logits, jnp.maximum(batch.labels, 0))
    missing = jax.nn.relu(1.0 - found / margin)
    return _mean(jnp.square(missing), batch.labels >= 0)


def decoding_loss(
    probes: Probes,
    writes: Float[Array, "batch source ctx d_model"],
    sources_of: Int[Any, " variable"],
    batch: TrainingBatch,
) -> Float[Array, ""]:
    """Return the mean cross-entropy of the probes' predictions, in nats."""
    read = writes[:, jnp.asarray(sources_of)]  # [batch, variable, ctx, d_model]
    logits = jnp.einsum("nvpd,vdk->nvpk", read, probes.W) + probes.b[None, :, None]
    valid = batch.values >= 0
    losses = optax.softmax_cross_entropy_with_integer_labels(
        logits, jnp.maximum(batch.values, 0)
    )
    return _mean(losses, valid)


def attending_loss(
    transformer: Transformer,
    writes: Float[Array, "batch source ctx d_model"],
    sources_of: Int[Any, " variable"],
    batch: TrainingBatch,
) -> Float[Array, ""]:
    """Return the mean cross-entropy of attention from the selected keys, in nats.

    Args:
        transformer: its shape and its arrays.
        writes: the writes of the donor runs, in which nothing is patched.
        sources_of: by variable, the index of the node that writes it.
        batch: the batch, with the selected keys. Runs with shifted positions do not
            count.
    """
    assert batch.selected is not None
    parts = list(transformer.config.names.source_parts.values())
    unshifted = (batch.shifts == 0)[:, None]
    losses, valid = [], []
    for variable, source in enumerate(np.asarray(sources_of)):
        part = parts[source]
        if part.head is None or part.layer is None:
            continue
        look = partial(attention_logits, transformer, layer=part.layer)
        chosen = batch.selected[:, variable]
        count = chosen.sum(axis=-1)
        scores = jax.vmap(look)(batch.donor_ids, writes)[:, part.head]
        found = jax.nn.log_softmax(scores, axis=-1)
        loss = -jnp.where(chosen, found, 0.0).sum(axis=-1)
        losses.append(loss / jnp.maximum(count, 1).astype(loss.dtype))
        valid.append((count > 0) & unshifted)
    if not losses:
        return jnp.zeros(())
    return _mean(jnp.stack(losses), jnp.stack(valid))


def _mean(losses: Float[Array, "*n"], valid: Bool[Array, "*n"]) -> Float[Array, ""]:
    count = jnp.maximum(valid.sum(), 1).astype(losses.dtype)
    return jnp.where(valid, losses, 0.0).sum() / count
