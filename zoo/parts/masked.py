"""The forward pass of a transformer whose reading matrices are sums of masked terms.

A matrix W that reads the stream is replaced by sum_c u_c v_c, and at each position
term c is multiplied by a mask. Only transformers without norms and gates are run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from compiler.machine.layers import activate, allow, attention_scores, embed
from compiler.machine.transformer import Transformer

Reader = Callable[[str, int, Float[Array, "seq d_model"]], Array]


def run_with(
    transformer: Transformer, tokens: Int[Array, " seq"], read: Reader
) -> Float[Array, "seq d_vocab_out"]:
    """Return the logits if matrices that read the stream are replaced.

    Args:
        transformer: its other arrays are used as they are.
        tokens: one input.
        read: given a field, a layer and the stream [seq, d_model], what the matrices
            of that field make of it: [head, seq, d_head] of W_Q, W_K and W_V, [seq,
            column] of W_in and W_U.
    """
    config, weights = transformer.config, transformer.weights
    stream, allowed = embed(transformer, tokens).sum(axis=0), allow(config, tokens)
    for layer in range(config.n_layers):
        q, k, v = (
            read(f"W_{s}", layer, stream) + getattr(weights, f"b_{s}")[layer][:, None]
            for s in "QKV"
        )
        pattern = jax.nn.softmax(attention_scores(config, q, k, allowed), axis=-1)
        written = jnp.einsum("hpd,hdm->pm", pattern @ v, weights.W_O[layer])
        stream = stream + written + weights.b_O[layer]
        hidden = activate(config, read("W_in", layer, stream) + weights.b_in[layer])
        stream = stream + hidden @ weights.W_out[layer] + weights.b_out[layer]
    return read("W_U", 0, stream) + weights.b_U


def reader_of(
    values: Mapping[str, Mapping[str, Any]], masks: Mapping[str, Any]
) -> Reader:
    """Return the reader of masked terms.

    Args:
        values: by field, u [layer, .., d_model, term] and v [layer, .., term, column].
        masks: by field, [layer, .., seq, term].
    """

    def read(field: str, layer: int, stream: Float[Array, "seq d_model"]) -> Array:
        own = values[field]
        return (stream @ own["u"][layer] * masks[field][layer]) @ own["v"][layer]

    return read
