"""A packed layout of many sequences: short ones share a row, rows are the last axis.

Sharing rows avoids computing PAD. With rows as the last axis, vector instructions run
over rows instead of a head's few coordinates, which takes a third of the time for a
stream of width 20. This module has the parts of a transformer in that layout, [d_model,
place, row], where a place is a position of a row. `layers.py` defines what the parts
compute. Here the number of a layer may be traced.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from compiler.machine.config import Config
from compiler.machine.layers import hidden_units, normalise, rotate, slots
from compiler.machine.transformer import Transformer


class Packing(NamedTuple):
    """Which sequence is at which place of which row.

    Args:
        sequence: [row, place] index of a sequence, -1 for an empty place.
        position: [row, place] position in the sequence, 0 for an empty place.
    """

    sequence: Int[Any, "*block row place"]
    position: Int[Any, "*block row place"]


def pack(
    config: Config,
    lengths: Sequence[int] | Int[np.ndarray, " sequence"],
    alone: bool = False,
) -> Packing:
    """Return a packing of sequences into rows of `n_ctx` places, the longest first.

    Rotary embeddings count places from the start of a row, so that with them every
    sequence has a row of its own.

    Args:
        config: the transformer's shape.
        lengths: how many positions of each sequence are wanted; 0 leaves one out.
        alone: whether every sequence has a row of its own in any case.
    """
    width, alone = config.n_ctx, alone or config.positions == "rotary"
    waiting: list[list[int]] = [[] for _ in range(width + 1)]
    for number, length in enumerate(lengths):
        waiting[length].append(number)
    rows = []
    for longest in range(width, 0, -1):
        while waiting[longest]:
            row, free = [], width
            fits = longest
            while fits:
                row.append((waiting[fits].pop(), fits))
                free -= fits
                most = 0 if alone else min(free, longest)
                fits = next((n for n in range(most, 0, -1) if waiting[n]), 0)
            rows.append(row)
    sequence = np.full((len(rows), width), -1, np.int32)
    position = np.zeros((len(rows), width), np.int32)
    for index, row in enumerate(rows):
        start = 0
        for number, length in row:
            sequence[index, start : start + length] = number
            position[index, start : start + length] = np.arange(length)
            start += length
    return Packing(sequence, position)


def take(
    packing: Packing, values: Shaped[Any, "sequence *rest position d"]
) -> Shaped[Array, "*rest d place row"]:
    """Return the value for each place; empty places get an arbitrary one."""
    sequence, position = (jnp.asarray(a).T for a in packing)
    rest = (slice(None),) * (values.ndim - 3)
    taken = values[(jnp.maximum(sequence, 0), *rest, position)]  # [place, row, ..]
    return jnp.moveaxis(taken, (0, 1), (-2, -1))


def allow_within(config: Config, packing: Packing) -> Bool[Array, "place key row"]:
    """Return which places may attend to which, all of one sequence."""
    sequence, position = (jnp.asarray(a).T for a in packing)
    allowed = sequence[:, None] == sequence[None]
    if config.causal:
        allowed = allowed & (position[:, None] >= position[None])
    return allowed


# Parts of a transformer -----------------------------------------------------------


def project(
    transformer: Transformer,
    layer: Any,
    seen: Float[Array, "d_model place row"],
) -> Float[Array, "slot head d_head place row"]:
    """Return the queries, keys and values of a layer whose heads all see this."""
    seen = norm_heads(transformer, layer, seen)
    W, b = slots(transformer.weights, layer)
    fused = W.transpose(2, 0, 1, 3).reshape(len(seen), -1)
    qkv = times(fused, seen).reshape(*b.shape, *seen.shape[1:])
    return qkv + b[..., None, None]


def mix(
    config: Config,
    q: Float[Array, "head d_head place row"],
    k: Float[Array, "head d_head place row"],
    v: Float[Array, "head d_head place row"],
    allowed: Bool[Array, "place key row"],
) -> Float[Array, "head d_head place row"]:
    """Return the values that heads attend to, in front of their output matrices.

    Products are added up term by term: see `layers.attend` for what they are.
    """
    if config.positions == "rotary":
        q, k = (
            jnp.moveaxis(
                rotate(config, jnp.moveaxis(x, (1, 2), (-1, -2))), (-1, -2), (1, 2)
            )
            for x in (q, k)
        )
    terms = [q[:, i, :, None] * k[:, i, None] for i in range(config.d_head)]
    scores = reduce(jnp.add, terms) / config.d_head**0.5
    pattern = jax.nn.softmax(jnp.where(allowed, scores, -jnp.inf), axis=2)
    terms = [pattern[:, None, :, j] * v[:, :, j, None] for j in range(len(allowed))]
    return reduce(jnp.add, terms)


def transform(
    transformer: Transformer,
    layer: Any,
    seen: Float[Array, "d_model place row"],
) -> Float[Array, "d_model place row"]:
    """Return what the MLP of a layer writes when it sees this."""
    config, weights = transformer.config, transformer.weights
    norm = weights.ln2_w[layer], weights.ln2_b[layer]
    seen = normalise(config, seen, *norm, axis=-3)
    hidden = hidden_units(
        config,
        lambda field: times(getattr(weights, field)[layer], seen),
        weights.b_in[layer][:, None, None],
    )
    out = times(weights.W_out[layer], hidden)
    return out + weights.b_out[layer][:, None, None]


def unembed(
    transformer: Transformer, seen: Float[Array, "d_model place row"]
) -> Float[Array, "d_vocab_out place row"]:
    """Return the logits."""
    config, weights = transformer.config, transformer.weights
    seen = normalise(config, seen, weights.lnf_w, weights.lnf_b, axis=-3)
    return times(weights.W_U, seen) + weights.b_U[:, None, None]


def norm_heads(
    transformer: Transformer,
    layer: Any,
    seen: Float[Array, "*readers d_model place row"],
) -> Float[Array, "*readers d_model place row"]:
    """Return what heads see after the norm in front of them, if there is one."""
    weights = transformer.weights
    norm = weights.ln1_w[layer], weights.ln1_b[layer]
    return normalise(transformer.config, seen, *norm, axis=-3)


def times(
    W: Float[Array, "a b"], vectors: Float[Array, "a place row"]
) -> Float[Array, "b place row"]:
    """Return vectors @ W, where vectors stand along the first axis."""
    return (W.T @ vectors.reshape(len(W), -1)).reshape(-1, *vectors.shape[1:])
