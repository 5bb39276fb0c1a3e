"""A compiled transformer with a norm, another activation, or gated MLPs.

What is compiled has no norm and ReLU. The same computation in another architecture is
exact but for the rounding of float32, by three constructions.

*A constant direction.* Every token writes a large constant K to a dimension of its own.
A norm divides by the root mean square of the stream, which is K / sqrt(d_model) up to a
factor of 1 + |x|^2 / (2 K^2), where x is all the rest. K is so large that this factor
is 1 in float32. The scale of the norm undoes the division. A LayerNorm also takes off
the mean: then every dimension is there twice, once negated, so that the mean is 0, and
readers take half of the difference.

*Steep units.* For GELU and SiLU, |act(s z) / s - max(z, 0)| is at most 0.28 / s for all
z. Hidden units are steeper by s = 2^22, and what they write is smaller by s.

*Gates.* A gated MLP multiplies act(s z) with what `W_in` gives, which reads the
constant direction and is 1. It has no biases: those of the plain MLP are read from the
constant direction as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compiler.lower.circuit import Compiled
from compiler.lower.options import Options
from compiler.machine.circuit import Circuit, Site
from compiler.machine.config import Config
from compiler.machine.weights import Weights, freeze
from compiler.passes.codes import Floats
from compiler.passes.layout import LaidOut

STEEP = 2.0**22
"""By how much hidden units are steeper where the activation is not ReLU."""
LOUD = 2.0**12
"""The least ratio of the constant to everything else in the stream."""


@dataclass(frozen=True)
class _NewStream:
    """How the old stream stands in the new one.

    Attributes:
        write: [old, new] what a write becomes.
        read: [new, old] what a read becomes; write @ read is the identity.
        constant: dimensions of the constant.
        signs: of the constant in these dimensions.
    """

    write: Floats
    read: Floats
    constant: list[int]
    signs: Floats

    @property
    def directions(self) -> Floats:
        """[old, new] orthonormal rows, where `write` points to."""
        return self.write / np.linalg.norm(self.write, axis=1, keepdims=True)


def reshape(
    compiled: Compiled, weights: Weights, shape: Options, stretch: Floats | None
) -> Compiled:
    """Return a compiled model in another architecture.

    Args:
        compiled: the model without a norm and with ReLU.
        weights: its weights in float64.
        shape: the architecture.
        stretch: [d_model] by how much its dimensions are stretched.
    """
    if not shape.reshaping:
        return compiled
    old = compiled.config
    d_head, d_model = _widths(old, shape)
    stream = _stream(old.d_model, d_model, shape)
    size = _loudest(compiled.laid_out, stretch)
    constant = float(2 ** np.ceil(np.log2(LOUD * max(size, 1.0))))
    arrays = _rewire(weights, stream)
    arrays["W_E"] = arrays["W_E"].copy()
    arrays["W_E"][:, stream.constant] += constant * stream.signs
    arrays |= _widen_heads(arrays, old.d_head, d_head)
    unit = 1.0 / constant if shape.norm == "none" else 1.0
    arrays |= _hidden(arrays, stream, shape, unit)
    config = replace(
        old,
        d_model=d_model,
        d_head=d_head,
        d_mlp=arrays["W_in"].shape[-1],
        norm=shape.norm,
        act=shape.act,
        gated=shape.gated,
    )
    arrays |= _norms(config, stream, constant)
    if shape.generate and shape.norm != "none":
        config = replace(config, unembed_bias=False)
        arrays |= _read_bias(arrays, stream)
    return replace(
        compiled,
        config=config,
        weights=freeze(Weights(**arrays), np.float32),
        circuit=_moved(compiled.circuit, stream),
        beside=compiled.beside and _moved(compiled.beside, stream),
        rows={name: rows @ stream.write for name, rows in compiled.rows.items()},
        basis=_basis(compiled.basis, stream, shape, old.d_model),
    )


def _widths(old: Config, shape: Options) -> tuple[int, int]:
    """Return d_head and d_model of the new transformer."""
    copies, constants = (2, 2) if shape.norm == "pre" else (1, 1)
    if shape.norm == "none" and not shape.gated:
        constants = 0
    needed = copies * old.d_model + constants
    if not shape.filled:
        return old.d_head, needed
    d_head = max(old.d_head, -(-needed // old.n_heads))
    return d_head, d_head * old.n_heads


def _stream(old: int, new: int, shape: Options) -> _NewStream:
    """Return how the stream moves."""
    write, read = np.zeros((old, new)), np.zeros((new, old))
    axes = np.eye(old)
    write[:, :old] = read[:old] = axes
    if shape.norm == "pre":
        write[:, old : 2 * old] = -axes
        read[:old], read[old : 2 * old] = axes / 2, -axes / 2
        return _NewStream(write, read, [2 * old, 2 * old + 1], np.array([1.0, -1.0]))
    known = shape.norm == "rms" or shape.gated
    return _NewStream(write, read, [old] if known else [], np.ones(int(known)))


def _loudest(laid_out: LaidOut, stretch: Floats | None) -> float:
    """Return a bound of the length of everything in the stream but the constant."""
    scale = np.ones(laid_out.d_model) if stretch is None else stretch
    total = 2.0 * len(laid_out.spare) + 1.0
    steps = laid_out.scheduled.plan.steps
    for step, dims in zip(steps, laid_out.dims, strict=True):
        if len(dims):
            lengths = np.linalg.norm(step.code.rows * scale[dims], axis=1)
            total += float(lengths.max())
    return total


def _rewire(weights: Weights, stream: _NewStream) -> dict[str, Any]:
    """Return the arrays, writing to the new stream and reading from it."""
    arrays = weights._asdict()
    for name in ("W_E", "W_pos", "W_O", "b_O", "W_out", "b_out"):
        arrays[name] = arrays[name] @ stream.write
    for name in ("W_Q", "W_K", "W_V", "W_gate", "W_in", "W_U"):
        arrays[name] = stream.read @ arrays[name]
    return arrays


def _widen_heads(arrays: dict[str, Any], old: int, new: int) -> dict[str, Any]:
    """Return the arrays of heads with more coordinates, which are zeros."""
    if new == old:
        return {}
    more = new - old
    found = {
        name: np.pad(array, [*[(0, 0)] * (array.ndim - 1), (0, more)])
        for name, array in arrays.items()
        if name[1:] in ("_Q", "_K", "_V")
    }
    for name in ("W_Q", "b_Q"):  # scores are divided by sqrt(d_head)
        found[name] = found[name] * (new / old) ** 0.5
    out = arrays["W_O"]
    return found | {"W_O": np.pad(out, [(0, 0), (0, 0), (0, more), (0, 0)])}


def _hidden(
    arrays: dict[str, Any], stream: _NewStream, shape: Options, unit: float
) -> dict[str, Any]:
    """Return the arrays of the MLPs.

    Args:
        arrays: all arrays, for ReLU.
        stream: where the constant is.
        shape: the architecture.
        unit: what a reader multiplies the constant by, for 1.
    """
    steep = 1.0 if shape.act == "relu" else STEEP
    W_in, b_in = steep * arrays["W_in"], steep * arrays["b_in"]
    W_out, b_out = arrays["W_out"] / steep, arrays["b_out"]
    if not shape.gated:
        return {"W_in": W_in, "b_in": b_in, "W_out": W_out}
    # One unit more, whose activation is 1, for what the MLP always writes.
    W_gate = np.pad(W_in, [(0, 0), (0, 0), (0, 1)])
    b_gate = np.pad(b_in, [(0, 0), (0, 1)], constant_values=steep)
    first = stream.constant[0]
    W_gate[:, first] += unit * b_gate
    ones = np.zeros_like(W_gate)
    ones[:, first] = unit
    W_out = np.concatenate([W_out, b_out[:, None] / steep], axis=1)
    return {
        "W_gate": W_gate,
        "W_in": ones,
        "b_in": np.zeros_like(b_gate),
        "W_out": W_out,
        "b_out": np.zeros_like(b_out),
    }


def _norms(config: Config, stream: _NewStream, constant: float) -> dict[str, Any]:
    """Return the arrays of the norms: the constant becomes 1, all else stays."""
    if config.norm == "none":
        return {}
    square = len(stream.constant) * constant**2 / config.d_model
    scale = np.full(config.d_model, (square + config.ln_eps) ** 0.5)
    scale[stream.constant] /= constant
    shift = np.zeros(config.d_model if config.norm == "pre" else 0)
    layers = (config.n_layers, 1)
    return {
        **dict.fromkeys(("ln1_w", "ln2_w"), np.tile(scale, layers)),
        **dict.fromkeys(("ln1_b", "ln2_b"), np.tile(shift, layers)),
        "lnf_w": scale,
        "lnf_b": shift,
    }


def _read_bias(arrays: dict[str, Any], stream: _NewStream) -> dict[str, Any]:
    """Return the unembedding without a bias, as language models have it.

    The bias is read from the constant direction, which is 1 behind the norm.
    """
    unembedding = arrays["W_U"].copy()
    unembedding[stream.constant[0]] += arrays["b_U"]
    return {"W_U": unembedding, "b_U": np.zeros_like(arrays["b_U"])}


def _moved(circuit: Circuit, stream: _NewStream) -> Circuit:
    """Return a circuit whose variables are where the stream has moved to."""
    sites = {
        name: Site(site.node, None if site.basis is None else site.basis @ way)
        for way in [stream.directions]
        for name, site in circuit.sites.items()
    }
    return replace(circuit, sites=sites)


def _basis(
    basis: Floats | None, stream: _NewStream, shape: Options, old: int
) -> Floats | None:
    """Return the named directions of the new stream; None where they are its axes."""
    new = stream.write.shape[1]
    if shape.norm != "pre" and basis is None:
        return None
    named = np.eye(old) if basis is None else basis
    found = np.eye(new)
    found[:old] = named @ stream.directions
    if shape.norm == "pre":  # the sums, which nothing is written to
        sums = np.hstack([np.eye(old), np.eye(old), np.zeros((old, new - 2 * old))])
        found[old : 2 * old] = sums / 2**0.5
    return found
