"""A compiled transformer in plain NumPy, a batch at a time, without any jit.

jax compiles a program anew for every shape; tests that meet thousands of models run
them here instead, and a few of them in both (`tests/test_numpy_forward.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from compiler.ir.interpret import Trace, encode_batch, interpret
from compiler.lower.readout import decode_indices, decode_logits
from compiler.machine.config import Config
from compiler.machine.weights import Weights
from compiler.model import Model, TokenSequence
from compiler.rasp.values import Value

Writes = Mapping[str, np.ndarray]
# By source: (where [batch, ctx], what it writes elsewhere, the subspace's rows).
Swaps = Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
# (mask [reader, source], what each source writes elsewhere): what single readers see.
Edges = tuple[np.ndarray, Writes]


def run(
    config: Config,
    weights: Weights,
    ids: np.ndarray,
    swaps: Swaps | None = None,
    edges: Edges | None = None,
    known: Writes | None = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return (logits [batch, ctx, class], what each source writes, by name).

    Args:
        config: relu, no LayerNorm, learned positions, as the compiler makes it.
        weights: their dtype is that of everything.
        ids: [batch, ctx] token ids.
        swaps: parts of writes that are taken from elsewhere.
        edges: parts of what single readers see that are taken from elsewhere.
        known: what is written without `swaps`, so that it is not computed again.
    """
    assert (config.act, config.norm, config.positions) == ("relu", "none", "learned")
    w, swaps = weights, swaps or {}
    batch, ctx = ids.shape
    writes: dict[str, np.ndarray] = {}
    moved = edges is not None  # whether a write may differ from the known one
    mask = None if edges is None else edges[0] * config.names.visible

    def write(name: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        value = compute() if known is None or moved else known[name]
        writes[name] = value
        return taken(value, *swaps[name]) if name in swaps else value

    def read(reader: str) -> np.ndarray:
        """Return what is in the stream, with what this reader sees instead."""
        seen = stream
        if edges is not None and mask is not None:
            for s in np.flatnonzero(mask[config.names.reader_index(reader)]):
                name = config.names.sources[s]
                seen = seen + (edges[1][name] - writes[name])
        return seen

    def head(layer: int, number: int) -> np.ndarray:
        at = layer, number
        q, k, v = (read(f"a{layer}.h{number}<{slot}>") for slot in "qkv")
        queries, keys = q @ w.W_Q[at] + w.b_Q[at], k @ w.W_K[at] + w.b_K[at]
        scores = queries @ keys.swapaxes(1, 2) / root
        scores = np.where(visible, scores, np.float32(-np.inf))
        pattern = np.exp(scores - scores.max(axis=2, keepdims=True))
        pattern /= pattern.sum(axis=2, keepdims=True)
        return pattern @ (v @ w.W_V[at] + w.b_V[at]) @ w.W_O[at]

    def mlp(layer: int) -> np.ndarray:
        hidden = np.maximum(read(f"m{layer}") @ w.W_in[layer] + w.b_in[layer], 0)
        return hidden @ w.W_out[layer] + w.b_out[layer]

    visible = np.repeat((ids != config.pad_id)[:, None, :], ctx, axis=1)
    if config.causal:
        visible = visible & np.tri(ctx, dtype=bool)
    visible = visible | np.eye(ctx, dtype=bool)
    positions = np.broadcast_to(w.W_pos[:ctx], (batch, ctx, config.d_model))
    stream = write("tokens", lambda: w.W_E[ids]) + write("positions", lambda: positions)
    moved = moved or bool({"tokens", "positions"} & swaps.keys())
    root = w.W_Q.dtype.type(np.sqrt(config.d_head))
    for layer in range(config.n_layers):
        heads = {f"a{layer}.h{number}": number for number in range(config.n_heads)}
        added = w.b_O[layer]
        for name, number in heads.items():
            added = added + write(name, lambda n=number, at=layer: head(at, n))
        stream, moved = stream + added, moved or bool(heads.keys() & swaps.keys())
        stream = stream + write(f"m{layer}", lambda at=layer: mlp(at))
        moved = moved or f"m{layer}" in swaps
    return read("logits") @ w.W_U + w.b_U, writes


def taken(
    value: np.ndarray, where: np.ndarray, donor: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Return a write with its part in a subspace, at some positions, of a donor."""
    if np.isin(rows, (0, 1)).all():  # axes: nothing is rounded
        return np.where(where[:, :, None] & rows.any(axis=0), donor, value)
    change = ((donor - value) @ rows.T @ rows).astype(value.dtype)
    return value + where[:, :, None] * change


def run_inputs(
    model: Model,
    tokens: np.ndarray,
    lengths: np.ndarray,
    swaps: Swaps | None = None,
    known: Writes | None = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return what `run` does for vocabulary indices; the logits start behind BOS."""
    ids = model.ids(tokens.astype(np.int32), lengths.astype(np.int64))
    logits, writes = run(model.config, model.weights, ids, swaps, known=known)
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


class Runs:
    """A model on some inputs, and what interchanges between these inputs give."""

    def __init__(self, model: Model, tokens: np.ndarray, lengths: np.ndarray) -> None:
        self.model = model
        self.trace = interpret(model.typed, tokens, lengths)
        self.logits, self.writes = run_inputs(model, tokens, lengths)

    def interchange(
        self, variable: str, base: np.ndarray, source: np.ndarray
    ) -> tuple[Trace, np.ndarray]:
        """Return (what the interpreter gives, the logits) with one variable swapped.

        The variable takes the sources' values wherever both inputs have a position.
        """
        model, trace = self.model, self.trace
        tokens, lengths = trace.tokens[base], trace.lengths[base]
        index, site = model.typed.index(variable), model.sites[variable]
        shared = np.minimum(lengths, trace.lengths[source])[:, None]
        here = np.arange(tokens.shape[1])[None, :] < shared
        values = np.where(here, trace.values[index][source], -2).astype(np.int32)
        # What comes before the variable is as it was.
        given = {i: trace.values[i][base] for i in range(index)} | {index: values}
        wanted = interpret(model.typed, tokens, lengths, given)
        place = np.arange(model.config.n_ctx)[None, :]
        where = (place >= 1) & (place <= shared)
        assert site.basis is not None
        swaps = {site.node: (where, self.writes[site.node][source], site.basis)}
        sources = model.config.names.sources
        last = sources.index(site.node) + model.config.n_heads  # of its layer, or more
        known = {name: self.writes[name][base] for name in sources[: last + 1]}
        logits, _ = run_inputs(model, tokens, lengths, swaps, known)
        return wanted, logits


def interchanged(
    model: Model,
    variable: str,
    tokens: np.ndarray,
    lengths: np.ndarray,
    base: np.ndarray,
    source: np.ndarray,
) -> tuple[Trace, np.ndarray]:
    """Return what `Runs.interchange` does."""
    return Runs(model, tokens, lengths).interchange(variable, base, source)
