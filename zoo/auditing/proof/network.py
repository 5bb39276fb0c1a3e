"""A transformer in float64 NumPy: plain runs, and what every source writes in them.

Axes are as in `compiler.machine.forward`, with `row` for the inputs that run side by
side and `place` for positions. Only transformers without a norm and with learned
positions are covered; `unsupported` says what a proof cannot be had of.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import erf

from compiler.lower.readout import Readout
from compiler.machine.config import Config
from compiler.machine.names import Names
from compiler.machine.weights import Weights


def unsupported(config: Config, readout: Readout) -> str | None:
    """Return why there can be no proof of a model of this form, or None."""
    if config.norm != "none":
        norm = "LayerNorm" if config.norm == "pre" else "RMSNorm"
        return f"it has {norm}, which the bounds do not cover"
    if config.gated or config.act not in ("relu", "gelu"):
        return "its MLPs are gated, or not of ReLU or exact GELU, which has no bound"
    if config.positions != "learned":
        return "it has rotary positions, which the bounds do not cover"
    if readout.kind != "classes":
        return "its outputs are numbers, and the bounds are of leads between classes"
    if config.d_vocab_out < 2:
        return "it has a single class, which nothing can change"
    return None


@dataclass(frozen=True, eq=False)
class PlainRuns:
    """Plain runs of some inputs.

    Attributes:
        ids: [row, place] token ids.
        writes: by source, [row, place, d_model].
        fronts: by layer, the stream in front of its heads, [row, place, d_model].
        middles: by layer, the stream in front of its MLP.
        logits: [row, place, class].
    """

    ids: Int[np.ndarray, "row place"]
    writes: tuple[Float[np.ndarray, "row place d_model"], ...]
    fronts: tuple[Float[np.ndarray, "row place d_model"], ...]
    middles: tuple[Float[np.ndarray, "row place d_model"], ...]
    logits: Float[np.ndarray, "row place class"]


@dataclass(frozen=True, eq=False)
class Network:
    """A transformer's shape and its arrays in float64.

    Attributes:
        config: its shape.
        weights: its arrays, float64.
    """

    config: Config
    weights: Weights

    @property
    def names(self) -> Names:
        """The names of sources and readers."""
        return self.config.names

    @cached_property
    def pairs(self) -> Float[np.ndarray, "d_model class class"]:
        """How a write moves the lead of the first class over the second."""
        W_U = self.weights.W_U
        return W_U[:, :, None] - W_U[:, None]

    def allowed(self, ids: Int[np.ndarray, "row place"]) -> Bool[np.ndarray, "r p k"]:
        """Return which position may attend to which."""
        size = ids.shape[1]
        may = np.ones((size, size), bool)
        if self.config.causal:
            may = np.tril(may)
        if self.config.pad_id is not None:
            may = may & (ids != self.config.pad_id)[:, None]
        return np.broadcast_to(may, (len(ids), size, size)) | np.eye(size, dtype=bool)

    def positions(self, shift: int) -> Float[np.ndarray, "place d_model"]:
        """Return the position embeddings of a run that is shifted."""
        places = np.arange(self.config.n_ctx - 1)
        order = np.concatenate([[0], 1 + (places + shift) % max(len(places), 1)])
        return self.weights.W_pos[order[: self.config.n_ctx]]

    def run(self, ids: Int[np.ndarray, "row place"], shift: int = 0) -> PlainRuns:
        """Return plain runs, with shifted position embeddings if asked for."""
        weights, config = self.weights, self.config
        words = weights.W_E[ids]
        writes = [words, np.broadcast_to(self.positions(shift), words.shape)]
        stream, allowed = writes[0] + writes[1], self.allowed(ids)
        fronts, middles = [], []
        for layer in range(config.n_layers):
            fronts.append(stream)
            q, k, v = self._project_all(layer, stream)
            for head in range(config.n_heads):
                pattern = softmax(self.scores(q[head], k[head], allowed))
                mixed = pattern @ v[head]
                writes.append(times(mixed, weights.W_O[layer, head]))
                stream = stream + writes[-1]
            stream = stream + weights.b_O[layer]
            middles.append(stream)
            hidden = times(stream, weights.W_in[layer]) + weights.b_in[layer]
            acts = activation(config.act, hidden)
            writes.append(times(acts, weights.W_out[layer]) + weights.b_out[layer])
            stream = stream + writes[-1]
        logits = times(stream, weights.W_U) + weights.b_U
        return PlainRuns(ids, tuple(writes), tuple(fronts), tuple(middles), logits)

    def _project_all(self, layer: int, stream: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return queries, keys and values of all heads, [head, row, place, d_head]."""
        W = self.weights
        heads = []
        for matrix, bias in ((W.W_Q, W.b_Q), (W.W_K, W.b_K), (W.W_V, W.b_V)):
            joined = matrix[layer].swapaxes(0, 1)  # [d_model, head, d_head]
            found = times(stream, joined.reshape(len(joined), -1))
            found = found.reshape(*stream.shape[:2], *bias[layer].shape) + bias[layer]
            heads.append(np.ascontiguousarray(np.moveaxis(found, 2, 0)))
        return tuple(heads)

    def project(
        self, layer: int, head: int, stream: Float[np.ndarray, "row place d_model"]
    ) -> tuple[Float[np.ndarray, "row place d_head"], ...]:
        """Return a head's queries, keys and values of one stream."""
        W = self.weights
        return tuple(
            times(stream, matrix[layer, head]) + bias[layer, head]
            for matrix, bias in ((W.W_Q, W.b_Q), (W.W_K, W.b_K), (W.W_V, W.b_V))
        )

    def scores(
        self,
        q: Float[np.ndarray, "row place d_head"],
        k: Float[np.ndarray, "row key d_head"],
        allowed: Bool[np.ndarray, "row place key"],
    ) -> Float[np.ndarray, "row place key"]:
        """Return attention scores, -inf where a key is not attended to."""
        found = q @ k.swapaxes(1, 2) / self.config.d_head**0.5
        return np.where(allowed, found, -np.inf)


def network_of(config: Config, weights: Weights) -> Network:
    """Return a transformer with its arrays in float64."""
    return Network(config, Weights(*(np.asarray(a, np.float64) for a in weights)))


def lengths_of(
    network: Network, ids: Int[np.ndarray, "input ctx"]
) -> Int[np.ndarray, " input"]:
    """Return how many places each input has, BOS included."""
    pad = network.config.pad_id
    return np.full(len(ids), ids.shape[1]) if pad is None else (ids != pad).sum(1)


def times(
    vectors: Float[np.ndarray, "*n dim"], matrix: Float[np.ndarray, "*m dim out"]
) -> Float[np.ndarray, "*n out"]:
    """Return vectors @ matrix, as one product where the matrix is one for all."""
    if matrix.ndim > 2 or vectors.ndim < 3:
        return vectors @ matrix
    flat = vectors.reshape(-1, vectors.shape[-1]) @ matrix
    return flat.reshape(*vectors.shape[:-1], matrix.shape[-1])


def softmax(scores: Float[np.ndarray, "*n key"]) -> Float[np.ndarray, "*n key"]:
    """Return attention weights."""
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def activation(act: str, hidden: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Return ReLU or the exact GELU."""
    if act == "relu":
        return np.maximum(hidden, 0.0)
    return 0.5 * hidden * (1.0 + erf(hidden * 0.5**0.5))
