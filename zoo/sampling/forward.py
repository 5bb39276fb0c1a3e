"""The forward pass of a compiled transformer in NumPy, for models that are run once.

jax compiles a function anew for every shape, which takes a second; a dataset has models
of a thousand shapes, and each is run on one batch.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from compiler.machine.config import Config
from compiler.machine.weights import Weights


def with_bos(
    config: Config,
    tokens: Int[np.ndarray, "batch seq"],
    lengths: Int[np.ndarray, " batch"],
) -> Int[np.ndarray, "batch ctx"]:
    """Return token ids: BOS, the tokens, then PAD up to the longest input."""
    assert config.bos_id is not None and config.pad_id is not None
    live = np.arange(tokens.shape[1])[None, :] < lengths[:, None]
    ids = np.where(live, tokens, config.pad_id)
    return np.pad(ids, ((0, 0), (1, 0)), constant_values=config.bos_id)


def forward(
    config: Config, weights: Weights, ids: Int[np.ndarray, "batch ctx"]
) -> Float[np.ndarray, "batch ctx class"]:
    """Return the logits of a model as the compiler makes it: ReLU, no norm.

    Args:
        config: the shape.
        weights: float32.
        ids: token ids, no longer than the model's context.
    """
    assert (config.act, config.norm, config.positions) == ("relu", "none", "learned")
    w, ctx = weights, ids.shape[1]
    seen = (ids != config.pad_id)[:, None, :] & (
        np.tri(ctx, dtype=bool) if config.causal else np.True_
    )
    hidden = (~(seen | np.eye(ctx, dtype=bool)))[:, None]  # [batch, 1, query, key]
    stream = w.W_E[ids] + w.W_pos[:ctx]
    root = np.float32(np.sqrt(config.d_head))
    for layer in range(config.n_layers):
        each = stream[:, None]  # [batch, head, ctx, d_model]
        queries = each @ w.W_Q[layer] + w.b_Q[layer][:, None]
        keys = each @ w.W_K[layer] + w.b_K[layer][:, None]
        scores = queries @ keys.swapaxes(2, 3) / root
        scores[np.broadcast_to(hidden, scores.shape)] = -np.inf
        pattern = np.exp(scores - scores.max(axis=3, keepdims=True))
        pattern /= pattern.sum(axis=3, keepdims=True)
        values = each @ w.W_V[layer] + w.b_V[layer][:, None]
        stream = stream + (pattern @ values @ w.W_O[layer]).sum(axis=1) + w.b_O[layer]
        inner = np.maximum(stream @ w.W_in[layer] + w.b_in[layer], 0)
        stream = stream + inner @ w.W_out[layer] + w.b_out[layer]
    return stream @ w.W_U + w.b_U
