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

from compiler.machine.layers import (
    allow,
    attention_scores,
    embed,
    mlp_write,
    project,
    rotate,
    unembed,
)
from compiler.machine.transformer import Transformer, precise


class KeyValueCache(NamedTuple):
    """Keys, already turned where positions are rotary, and values of all positions.

    The context is the last axis, and each layer has arrays of its own: on a CPU that
    takes a third of the time of one array of [layer, head, ctx, d_head].

    Args:
        keys: of each layer, [head, d_head, ctx].
        values: of each layer, [head, d_head, ctx].
        there: [ctx] which positions hold a token that others may attend to.
    """

    keys: tuple[Float[Array, "head d_head ctx"], ...]
    values: tuple[Float[Array, "head d_head ctx"], ...]
    there: Bool[Array, " ctx"]


def fill_cache(
    transformer: Transformer, ids: Int[Array, " seq"], length: Int[Array, ""]
) -> tuple[KeyValueCache, Float[Array, " d_vocab_out"]]:
    """Return the cache of a prompt, and the logits of its last position.

    Args:
        transformer: its shape and its arrays; causal.
        ids: the prompt from BOS on, anything behind it; at most n_ctx of them.
        length: how many of the ids are the prompt.
    """
    config, weights = transformer.config, transformer.weights
    allowed, total = allow(config, ids), embed(transformer, ids).sum(0)
    keys, values = [], []
    for layer in range(config.n_layers):
        q, k, v = project(transformer, layer, total)
        pattern = jax.nn.softmax(attention_scores(config, q, k, allowed), axis=-1)
        heads = jnp.einsum("hqd,hdm->qm", pattern @ v, weights.W_O[layer])
        total = total + heads + weights.b_O[layer]
        total = total + mlp_write(transformer, layer, total)
        keys.append(rotate(config, k) if config.positions == "rotary" else k)
        values.append(v)
    there = (jnp.arange(len(ids)) < length) & (ids != _pad(transformer))
    rest = config.n_ctx - len(ids)

    def kept(found: list[Float[Array, "head seq d_head"]]) -> tuple[Array, ...]:
        room = (0, 0), (0, 0), (0, rest)
        return tuple(jnp.pad(array.swapaxes(1, 2), room) for array in found)

    cache = KeyValueCache(kept(keys), kept(values), jnp.pad(there, (0, rest)))
    return cache, unembed(transformer, total[length - 1][None])[0]


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
    keys, values = list(cache.keys), list(cache.values)
    for layer in range(config.n_layers):
        q, k, v = project(transformer, layer, total)
        if config.positions == "rotary":
            q, k = rotate(config, q, place), rotate(config, k, place)
        keys[layer] = _put(keys[layer], k, place)
        values[layer] = _put(values[layer], v, place)
        scores = jnp.einsum("hdk,hd->hk", keys[layer], q[:, 0]) / config.d_head**0.5
        pattern = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf), axis=-1)
        z = jnp.einsum("hk,hdk->hd", pattern, values[layer])
        heads = jnp.einsum("hd,hdm->m", z, weights.W_O[layer])
        total = total + heads + weights.b_O[layer]
        total = total + mlp_write(transformer, layer, total)
    cache = KeyValueCache(tuple(keys), tuple(values), there)
    return cache, unembed(transformer, total)[0]


def _put(
    array: Float[Array, "head d_head ctx"],
    row: Float[Array, "head 1 d_head"],
    place: Int[Array, ""],
) -> Float[Array, "head d_head ctx"]:
    """Return the array with the row of one position."""
    return jax.lax.dynamic_update_slice_in_dim(array, row.swapaxes(1, 2), place, 2)


class GenerationState(NamedTuple):
    """A batch of sequences while they are written.

    Args:
        ids: [batch, ctx] prompts and what was written behind them.
        last: [batch] the newest token of each.
        made: [] how many tokens were written.
        live: [batch] which sequences go on.
        cache: of all positions before the newest.
    """

    ids: Int[Array, "batch ctx"]
    last: Int[Array, " batch"]
    made: Int[Array, ""]
    live: Bool[Array, " batch"]
    cache: KeyValueCache


@partial(jax.jit, static_argnames=("stop", "longest"))
@precise
def generate_batch(
    transformer: Transformer,
    ids: Int[Array, "batch ctx"],
    lengths: Int[Array, " batch"],
    most: Int[Array, ""],
    stop: int = -1,
    longest: int | None = None,
) -> Int[Array, "batch ctx"]:
    """Return the sequences with what follows each prompt, greedily.

    Args:
        transformer: its shape and its arrays; causal.
        ids: prompts from BOS on, with anything behind them.
        lengths: how many of each row's ids are its prompt.
        most: the greatest number of new tokens.
        stop: the token after which a sequence ends; -1 for none.
        longest: no prompt is longer than this; the whole context by default. It is
            compiled once for each.
    """
    ctx = ids.shape[1]
    end = jnp.minimum(lengths + most, ctx)
    begun = jnp.arange(ctx) < lengths[:, None]
    blank = jnp.where(begun, ids, transformer.config.pad_id or 0)

    def put(state: GenerationState, logits: Array) -> GenerationState:
        """Write one token behind each sequence that goes on."""
        token = jnp.argmax(logits, axis=-1).astype(ids.dtype)
        place = lengths + state.made
        here = (jnp.arange(ctx) == place[:, None]) & state.live[:, None]
        written = jnp.where(here, token[:, None], state.ids)
        live = state.live & (token != stop) & (place + 1 < end)
        return GenerationState(written, token, state.made + 1, live, state.cache)

    def step(state: GenerationState) -> GenerationState:
        place = lengths + state.made - 1
        # Those that have ended are run along, which no one sees: a choice between old
        # and new would copy the whole cache.
        cache, logits = jax.vmap(partial(extend, transformer))(
            state.cache, state.last, place
        )
        return put(state._replace(cache=cache), logits)

    cache, logits = jax.vmap(partial(fill_cache, transformer))(
        ids[:, :longest], lengths
    )
    begin = GenerationState(
        blank, blank[:, 0], jnp.zeros((), ids.dtype), lengths < end, cache
    )
    done = jax.lax.while_loop(lambda s: s.live.any(), step, put(begin, logits))
    return done.ids
