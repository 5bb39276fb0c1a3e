"""Greedy generation with a cache of keys and values.

The next token is the one with the greatest logit. Each step runs the newest position
only: the keys and values of earlier ones are kept, and attention is causal, so they do
not change. `forward` on the whole sequence gives the same logits, but for rounding.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.forward import forward
from compiler.machine.layers import (
    embed,
    mlp_write,
    project,
    rotate,
    unembed,
)
from compiler.machine.transformer import Transformer, precise


class KeyValueCache(NamedTuple):
    """Keys, already turned where positions are rotary, and values of all positions.

    Args:
        keys: [layer, head, ctx, d_head].
        values: [layer, head, ctx, d_head].
        there: [ctx] which positions hold a token that others may attend to.
    """

    keys: Float[Array, "layer head ctx d_head"]
    values: Float[Array, "layer head ctx d_head"]
    there: Bool[Array, " ctx"]


def fill_cache(
    transformer: Transformer, ids: Int[Array, " ctx"], length: Int[Array, ""]
) -> tuple[KeyValueCache, Float[Array, " d_vocab_out"]]:
    """Return the cache of a prompt, and the logits of its last position.

    Args:
        transformer: its shape and its arrays; causal.
        ids: the prompt from BOS on, anything behind it.
        length: how many of the ids are the prompt.
    """
    config, b_O = transformer.config, transformer.weights.b_O
    run = forward(transformer, ids)
    keys, values = [], []
    for layer in range(config.n_layers):
        before = config.names.sources_before(layer)
        seen = run.writes[:before].sum(0) + b_O[:layer].sum(0)
        _, k, v = project(transformer, layer, seen)
        keys.append(rotate(config, k) if config.positions == "rotary" else k)
        values.append(v)
    there = (jnp.arange(len(ids)) < length) & (ids != _pad(transformer))
    cache = KeyValueCache(jnp.stack(keys), jnp.stack(values), there)
    return cache, run.logits[length - 1]


def _pad(transformer: Transformer) -> int:
    """Return the token that nobody else attends to; no token if there is none."""
    pad_id = transformer.config.pad_id
    return -1 if pad_id is None else pad_id


def extend(
    transformer: Transformer,
    cache: KeyValueCache,
    token: Int[Array, ""],
    place: Int[Array, ""],
) -> tuple[KeyValueCache, Float[Array, " d_vocab_out"]]:
    """Return the cache with one more token, and the logits of its position.

    Args:
        transformer: its shape and its arrays; causal.
        cache: of the positions before.
        token: the token.
        place: its position.
    """
    config, weights = transformer.config, transformer.weights
    total = embed(transformer, token[None], place).sum(0)  # [1, d_model]
    seen = cache.there.at[place].set(True)  # a position always sees itself
    there = cache.there.at[place].set(token != _pad(transformer))
    keys, values = cache.keys, cache.values
    for layer in range(config.n_layers):
        q, k, v = project(transformer, layer, total)
        if config.positions == "rotary":
            q, k = rotate(config, q, place), rotate(config, k, place)
        keys = keys.at[layer, :, place].set(k[:, 0])
        values = values.at[layer, :, place].set(v[:, 0])
        scores = (keys[layer] @ q[:, 0, :, None])[..., 0] / config.d_head**0.5
        pattern = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf), axis=-1)
        z = jnp.einsum("hk,hkd->hd", pattern, values[layer])
        heads = jnp.einsum("hd,hdm->m", z, weights.W_O[layer])
        total = total + heads + weights.b_O[layer]
        total = total + mlp_write(transformer, layer, total)
    return KeyValueCache(keys, values, there), unembed(transformer, total)[0]


@partial(jax.jit, static_argnames=("stop",))
@precise
def generate_batch(
    transformer: Transformer,
    ids: Int[Array, "batch ctx"],
    lengths: Int[Array, " batch"],
    most: Int[Array, ""],
    stop: int = -1,
) -> Int[Array, "batch ctx"]:
    """Return the sequences with what follows each prompt, greedily.

    Args:
        transformer: its shape and its arrays; causal.
        ids: prompts from BOS on, with anything behind them.
        lengths: how many of each row's ids are its prompt.
        most: the greatest number of new tokens.
        stop: the token after which a sequence ends; -1 for none.
    """
    ctx = ids.shape[1]

    def one(ids: Array, length: Array) -> Array:
        end = jnp.minimum(length + most, ctx)

        def goes_on(state: tuple) -> Array:
            ids, place, _, _ = state
            return (place < end) & ((place == length) | (ids[place - 1] != stop))

        def step(state: tuple) -> tuple:
            ids, place, cache, logits = state
            token = jnp.argmax(logits).astype(ids.dtype)
            cache, logits = extend(transformer, cache, token, place)
            return ids.at[place].set(token), place + 1, cache, logits

        cache, logits = fill_cache(transformer, ids, length)
        begun = jnp.arange(ctx) < length
        blank = jnp.where(begun, ids, transformer.config.pad_id or 0)
        return jax.lax.while_loop(goes_on, step, (blank, length, cache, logits))[0]

    return jax.vmap(one)(ids, lengths)
