"""A transformer in plain NumPy, written from the definition, and cases to run it on.

Every reader adds up what it sees with a loop over the sources; nothing is shared
between readers, fused or skipped. It has no code in common with the machine.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from compiler.machine.config import Config
from compiler.machine.forward import Run, forward
from compiler.machine.transformer import Transformer
from compiler.machine.weights import Weights, expand

# n_heads * d_head differs from d_model, so that no two axes can be confused.
SHAPE: dict[str, Any] = dict(
    n_layers=2, n_heads=2, d_model=6, d_head=4, d_mlp=5, d_vocab=7
)
SHAPE |= dict(d_vocab_out=3, n_ctx=5)
CONFIGS = {
    "plain": Config(**SHAPE, pad_id=0),
    "causal": Config(**SHAPE, act="gelu", causal=True),
    "normed": Config(**SHAPE, act="gelu", norm="pre", pad_id=0),
    "rotary": Config(**SHAPE, norm="pre", positions="rotary", causal=True, pad_id=0),
    "llama": Config(
        **{**SHAPE, "n_heads": 4, "d_head": 2},
        act="silu",
        norm="rms",
        positions="rotary",
        n_kv_heads=2,
        gated=True,
        biases="none",
        unembed_bias=False,
        rotary_base=50.0,
        causal=True,
        pad_id=0,
    ),
    "neighbours": Config(
        **{**SHAPE, "d_vocab_out": 7},
        act="gelu_new",
        norm="rms",
        positions="rotary",
        rotary_pairs="neighbours",
        n_kv_heads=1,
        biases="qkv",
        tied=True,
    ),
}
SEQ = 4


def run_machine(transformer: Transformer, tokens: np.ndarray, patch=None) -> Run:
    # Operation by operation: a law has too many shapes to compile each of them.
    return forward(transformer, jnp.asarray(tokens), patch)


def draw_transformer(config: Config, rng: np.random.Generator) -> Transformer:
    """A transformer none of whose arrays is zeros or ones, biases included."""
    shapes = [config.stored_shapes[field] for field in Weights._fields]
    drawn = Weights(*(rng.standard_normal(shape) * 0.7 for shape in shapes))
    return Transformer(config, expand(drawn, config))


def draw_tokens(config: Config, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(1, config.d_vocab, SEQ)


def draw_donor(config: Config, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((len(config.names.sources), SEQ, config.d_model))


def run_reference(
    transformer: Transformer,
    tokens: np.ndarray,
    see: Callable[[int, int, np.ndarray], np.ndarray] = lambda r, s, write: write,
) -> tuple[np.ndarray, np.ndarray]:
    """Logits and computed writes; reader r sees `see(r, s, write)` of source s."""
    seq, config, w = len(tokens), transformer.config, transformer.weights
    writes = [w.W_E[tokens], w.W_pos[:seq] if len(w.W_pos) else 0 * w.W_E[tokens]]
    bias = np.zeros((seq, config.d_model))  # what belongs to no source
    reader = 0

    def read(scale, shift):
        nonlocal reader
        seen = sum(see(reader, s, write) for s, write in enumerate(writes)) + bias
        reader += 1
        return _layer_norm(config, seen, scale, shift)

    for layer in range(config.n_layers):
        written = []
        for head in range(config.n_heads):
            q, k, v = (
                read(w.ln1_w[layer], w.ln1_b[layer]) @ W[layer, head] + b[layer, head]
                for W, b in ((w.W_Q, w.b_Q), (w.W_K, w.b_K), (w.W_V, w.b_V))
            )
            pattern = _pattern(config, tokens, q, k)
            written.append(pattern @ v @ w.W_O[layer, head])
        writes += written
        bias = bias + w.b_O[layer]
        seen = read(w.ln2_w[layer], w.ln2_b[layer])
        hidden = seen @ w.W_in[layer] + w.b_in[layer]
        if config.gated:
            hidden = hidden * _act(config, seen @ w.W_gate[layer])
        else:
            hidden = _act(config, hidden)
        writes.append(hidden @ w.W_out[layer] + w.b_out[layer])
    logits = read(w.lnf_w, w.lnf_b) @ w.W_U + w.b_U
    return logits, np.stack(writes)


def _pattern(config, tokens, q, k):
    if config.positions == "rotary":
        q, k = _turn(config, q), _turn(config, k)
    pattern = np.zeros((len(tokens), len(tokens)))
    for i in range(len(tokens)):
        keys = [
            j
            for j in range(len(tokens))
            if j == i or (tokens[j] != config.pad_id and (j < i or not config.causal))
        ]
        scores = np.array([q[i] @ k[j] / math.sqrt(config.d_head) for j in keys])
        share = np.exp(scores - scores.max())
        pattern[i, keys] = share / share.sum()
    return pattern


def _turn(config, vectors):
    """Pairs as complex numbers, turned by position * rate."""
    half = vectors.shape[1] // 2
    if config.rotary_pairs == "halves":
        one, other = list(range(half)), list(range(half, 2 * half))
    else:
        one, other = list(range(0, 2 * half, 2)), list(range(1, 2 * half, 2))
    turned = np.zeros_like(vectors)
    for position in range(len(vectors)):
        for i in range(half):
            pair = vectors[position, one[i]] + 1j * vectors[position, other[i]]
            pair *= np.exp(1j * position / config.rotary_base ** (i / half))
            turned[position, one[i]] = pair.real
            turned[position, other[i]] = pair.imag
    return turned


def _act(config, hidden):
    if config.act == "relu":
        return np.maximum(hidden, 0)
    if config.act == "silu":
        return hidden / (1 + np.exp(-hidden))
    if config.act == "gelu_new":
        inner = math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3)
        return hidden * (1 + np.tanh(inner)) / 2
    return hidden * (1 + np.vectorize(math.erf)(hidden / math.sqrt(2))) / 2


def _layer_norm(config, seen, scale, shift):
    if config.norm == "none":
        return seen
    if config.norm == "rms":
        size = np.sqrt((seen**2).mean(axis=-1, keepdims=True) + config.ln_eps)
        return seen / size * scale
    spread = np.sqrt(seen.var(axis=-1, keepdims=True) + config.ln_eps)
    return (seen - seen.mean(axis=-1, keepdims=True)) / spread * scale + shift


assert_close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-10)
