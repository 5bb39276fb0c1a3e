"""A compiled transformer in plain NumPy, a batch at a time, without any jit.

jax compiles a program anew for every shape; tests that meet thousands of models run
them here instead, and a few of them in both (`tests/test_numpy_forward.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from compiler.ir.interpret import Trace, encode_batch, interpret
from compiler.lower.readout import decode_indices, decode_logits
from compiler.machine.config import Config
from compiler.machine.weights import Weights
from compiler.model import Model, TokenSequence
from compiler.rasp.values import Value

# By source: (mask, donor), both [batch, ctx, d_model] or stretched to it.
Swaps = Mapping[str, tuple[np.ndarray, np.ndarray]]


def run(
    config: Config, weights: Weights, ids: np.ndarray, swaps: Swaps | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return (logits [batch, ctx, class], what each source writes, by name).

    Args:
        config: relu, no LayerNorm, learned positions, as the compiler makes it.
        weights: float32.
        ids: [batch, ctx] token ids.
        swaps: parts of writes that are taken from elsewhere.
    """
    assert (config.act, config.norm, config.positions) == ("relu", "none", "learned")
    w, swaps = weights, swaps or {}
    batch, ctx = ids.shape
    writes: dict[str, np.ndarray] = {}

    def write(name: str, value: np.ndarray) -> np.ndarray:
        writes[name] = value
        if name in swaps:
            mask, donor = swaps[name]
            value = np.where(mask, donor, value)
        return value

    seen = np.repeat((ids != config.pad_id)[:, None, :], ctx, axis=1)
    if config.causal:
        seen = seen & np.tri(ctx, dtype=bool)
    seen = seen | np.eye(ctx, dtype=bool)
    positions = np.broadcast_to(w.W_pos[:ctx], (batch, ctx, config.d_model))
    stream = write("tokens", w.W_E[ids]) + write("positions", positions)
    root = np.float32(np.sqrt(config.d_head))
    for layer in range(config.n_layers):
        added = w.b_O[layer]
        for head in range(config.n_heads):
            at = layer, head
            queries = stream @ w.W_Q[at] + w.b_Q[at]
            keys = stream @ w.W_K[at] + w.b_K[at]
            scores = queries @ keys.swapaxes(1, 2) / root
            scores = np.where(seen, scores, np.float32(-np.inf))
            pattern = np.exp(scores - scores.max(axis=2, keepdims=True))
            pattern /= pattern.sum(axis=2, keepdims=True)
            result = pattern @ (stream @ w.W_V[at] + w.b_V[at]) @ w.W_O[at]
            added = added + write(f"a{layer}.h{head}", result)
        stream = stream + added
        hidden = np.maximum(stream @ w.W_in[layer] + w.b_in[layer], 0)
        stream = stream + write(f"m{layer}", hidden @ w.W_out[layer] + w.b_out[layer])
    return stream @ w.W_U + w.b_U, writes


def run_inputs(
    model: Model, tokens: np.ndarray, lengths: np.ndarray, swaps: Swaps | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return what `run` does for vocabulary indices; the logits start behind BOS."""
    ids = model.ids(tokens.astype(np.int32), lengths.astype(np.int64))
    logits, writes = run(model.config, model.weights, ids, swaps)
    return logits[:, 1:], writes


def outputs(model: Model, sequences: Sequence[TokenSequence]) -> list[list[Value]]:
    """Return what `model.batch` does."""
    tokens, lengths = encode_batch(model.typed, sequences)
    logits, _ = run_inputs(model, tokens, lengths)
    return [
        decode_logits(model.readout, row[:n])
        for row, n in zip(logits, lengths, strict=True)
    ]


def wrong_positions(model: Model, trace: Trace, logits: np.ndarray) -> np.ndarray:
    """Return [batch, seq] where a defined output is not what the logits say.

    A class must be the same; a number lies within 1e-5 of it, relative above 1.
    """
    output = trace.output
    live = np.arange(output.shape[1])[None, :] < trace.lengths[:, None]
    found = decode_indices(model.readout, logits)
    wrong = found != output
    if model.readout.kind != "classes":
        expected = model.readout.numbers[output]
        near = np.abs(logits[..., 0] - expected)
        near = near <= 1e-5 * np.maximum(1, np.abs(expected))
        wrong = np.where(np.isnan(expected), wrong, ~near)
    return live & (output >= 0) & wrong


def interchanged(
    model: Model,
    variable: str,
    tokens: np.ndarray,
    lengths: np.ndarray,
    base: np.ndarray,
    source: np.ndarray,
) -> tuple[Trace, np.ndarray]:
    """Return (what the interpreter gives, the logits) with one variable swapped.

    The variable takes the sources' values wherever both inputs have a position.
    """
    index = model.typed.index(variable)
    site = model.circuit.sites[variable]
    shared = np.minimum(lengths[base], lengths[source])
    donor = interpret(model.typed, tokens[source], lengths[source])
    values = donor.values[index].copy()
    values[np.arange(tokens.shape[1])[None, :] >= shared[:, None]] = -2
    trace = interpret(model.typed, tokens[base], lengths[base], {index: values})
    _, writes = run_inputs(model, tokens[source], lengths[source])
    place = np.arange(model.config.n_ctx)[None, :]
    here = (place >= 1) & (place <= shared[:, None])
    assert site.basis is not None and np.isin(site.basis, (0, 1)).all()
    mask = here[:, :, None] & site.basis.any(axis=0)
    swaps = {site.node: (mask, writes[site.node])}
    logits, _ = run_inputs(model, tokens[base], lengths[base], swaps)
    return trace, logits
