"""A compression: inputs, steps between checks, a stop, and the model that comes of it.

The batch of a step depends on the seed and the number of the step only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from compiler.errors import InputError
from compiler.ir.interpret import interpret
from compiler.lower.readout import Readout, decode_indices
from compiler.machine.circuit import Circuit, Site
from compiler.machine.features import Features
from compiler.machine.forward import logits_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.transformer import Transformer
from compiler.machine.weights import freeze
from compiler.model import Model
from compiler.passes.check import sample_inputs
from zoo.auditing.subject import accepts_of
from zoo.causal.pool import split_inputs
from zoo.compression.naming import Named, name_dimensions
from zoo.compression.settings import Settings, check_width
from zoo.compression.squeeze import losses, squeeze

WARMUP = 100  # steps
HELD_OUT = 2000  # most inputs of a check


@dataclass(frozen=True)
class CompressionCheck:
    """Figures on held-out inputs.

    Attributes:
        step: after how many steps.
        accuracy: fraction of positions whose value is the program's.
        output: the output loss, see `squeeze.Losses`.
        layers: the reconstruction loss.
    """

    step: int
    accuracy: float
    output: float
    layers: float


@dataclass(frozen=True, eq=False)
class Compression:
    """A finished compression.

    Attributes:
        model: the compressed transformer; its `features` are the directions.
        projection: W, [feature, d_model], of features scaled to about 1.
        settings: how.
        history: one check every `check_every` steps.
        outcome: `passed` (accurate enough on held-out inputs) or `budget`.
        disjoint: whether these are held out indeed; a small space serves for both.
    """

    model: Model
    projection: Float[np.ndarray, "feature d_model"]
    settings: Settings
    history: tuple[CompressionCheck, ...]
    outcome: str
    disjoint: bool

    @property
    def accuracy(self) -> float:
        """On held-out inputs, at the end: a fraction of positions."""
        return self.history[-1].accuracy

    @property
    def features(self) -> Features:
        """The directions of the compiled model's features."""
        assert self.model.features is not None
        return self.model.features

    @property
    def kept(self) -> Float[np.ndarray, " feature"]:
        """How much of each feature a reader finds again: the diagonal of W Wᵀ."""
        return np.square(self.projection).sum(axis=1)


OnCompressionCheck = Callable[[tuple[CompressionCheck, ...]], None]


class _Data(NamedTuple):
    """What a step needs and does not change."""

    transformer: Transformer
    ids: Int[Any, "input ctx"]
    labels: Int[Any, "input ctx"]


class _CompressionState(NamedTuple):
    """What changes; and the seed, so that runs of all seeds share compiled code."""

    projection: Float[Array, "feature d_model"]
    optimizer: Any
    step: Int[Array, ""]
    seed: Int[Array, ""]


@dataclass(frozen=True)
class _StaticSettings:
    """What a step is compiled for; the settings are those of `_of_steps`."""

    readout: Readout
    settings: Settings


def compress(
    model: Model, settings: Settings, on_check: OnCompressionCheck | None = None
) -> Compression:
    """Return a compiled model squeezed into a narrower stream.

    Args:
        model: a compiled one.
        settings: how.
        on_check: called after every check with all of them (to show progress).

    Raises:
        InputError: the model was trained, the width is above its own, or the loss
            became infinite or undefined.
    """
    check_width(settings.d_model, model.config.d_model, model.name)
    named = name_dimensions(model)
    shape = _StaticSettings(model.readout, _of_steps(settings))
    seen, held_out, disjoint = _inputs(named, settings)
    state = _start(settings, model.config.d_model)
    history: tuple[CompressionCheck, ...] = ()
    while int(state.step) < settings.steps and not _passed(history, settings):
        count = min(settings.check_every, settings.steps - int(state.step))
        for _ in range(count):
            state = _next_state(shape, state, seen)
        history = (*history, _check(shape, state, held_out, model.name))
        if on_check is not None:
            on_check(history)
    projection = np.asarray(state.projection)
    outcome = "passed" if _passed(history, settings) else "budget"
    made = squeezed_model(named, projection, _facts(settings, history, outcome))
    return Compression(made, projection, settings, history, outcome, disjoint)


def _of_steps(settings: Settings) -> Settings:
    """Return settings without what a step does not ask for: runs share its code."""
    return replace(settings, seed=0, check_every=1, accuracy_at_least=0.0, inputs=2)


def _passed(history: tuple[CompressionCheck, ...], settings: Settings) -> bool:
    return bool(history) and history[-1].accuracy >= settings.accuracy_at_least


def _facts(
    settings: Settings, history: tuple[CompressionCheck, ...], outcome: str
) -> dict[str, Any]:
    return {
        "kind": "compressed",
        "outcome": outcome,
        "compression": asdict(settings),
        "held_out": asdict(history[-1]),
    }


# Inputs ---------------------------------------------------------------------------


def _inputs(named: Named, settings: Settings) -> tuple[_Data, _Data, bool]:
    """Return inputs to learn from, others to check on, and whether they are others."""
    model = named.model
    found = sample_inputs(
        model.typed, settings.inputs, settings.seed, accepts_of(model)
    )
    tokens, lengths = found[0].astype(np.int32), found[1].astype(np.int64)
    ids = np.unique(model.ids(tokens, lengths), axis=0)
    seen, held_out, disjoint = split_inputs(ids, settings.seed)
    transformer = Transformer(model.config, named.weights).in_jax()

    def data(ids: np.ndarray) -> _Data:
        return _Data(transformer, jnp.asarray(ids), jnp.asarray(_labels(model, ids)))

    return data(seen), data(held_out[:HELD_OUT]), disjoint


def _labels(
    model: Model, ids: Int[np.ndarray, "input ctx"]
) -> Int[np.ndarray, "input ctx"]:
    """Return the index of the output's value at each position, -1 where undefined."""
    pad = model.config.pad_id
    lengths = (ids != pad).sum(axis=1) - 1
    tokens = np.where(ids[:, 1:] == pad, 0, ids[:, 1:])
    trace = interpret(model.typed, tokens, lengths)
    exists = np.arange(tokens.shape[1])[None, :] < lengths[:, None]
    labels = np.full(ids.shape, -1, np.int32)
    labels[:, 1:] = np.where(exists, trace.output, -1)
    return labels


# Steps ----------------------------------------------------------------------------


def _start(settings: Settings, n_features: int) -> _CompressionState:
    """Return a random projection with orthonormal columns, and the rest."""
    rng = np.random.default_rng([*b"compress", settings.seed])
    drawn = rng.standard_normal((n_features, settings.d_model))
    projection = jnp.asarray(np.linalg.qr(drawn)[0], jnp.float32)
    moments, seed = _optimizer(settings).init(projection), jnp.asarray(settings.seed)
    return _CompressionState(projection, moments, jnp.zeros((), int), seed)


def _optimizer(settings: Settings) -> optax.GradientTransformation:
    rate = optax.warmup_cosine_decay_schedule(
        0.0,
        settings.learning_rate,
        WARMUP,
        max(settings.steps, WARMUP + 1),
        settings.learning_rate / 100,
    )
    return optax.adam(rate)


def _key(seed: Int[Array, ""]) -> Array:
    # XLA's own generator: threefry takes seconds to compile.
    return jax.random.key(seed, impl="unsafe_rbg")


@partial(jax.jit, static_argnames=("shape",), compiler_options=QUICK_TO_COMPILE)
def _next_state(
    shape: _StaticSettings, state: _CompressionState, data: _Data
) -> _CompressionState:
    """Return the state after one step."""
    settings = shape.settings
    key = jax.random.fold_in(_key(state.seed), state.step)
    drawn = jax.random.randint(key, (settings.batch,), 0, len(data.ids))

    def total(projection: Array) -> Array:
        output, layers = losses(
            projection,
            data.transformer,
            shape.readout,
            data.ids[drawn],
            data.labels[drawn],
        )
        return output + settings.layers * layers

    gradient = jax.grad(total)(state.projection)
    # Optax's schedules mix integers and floats; our own arithmetic stays strict.
    with jax.numpy_dtype_promotion("standard"):
        update = _optimizer(settings).update
        change, moments = update(gradient, state.optimizer, state.projection)
    new: Any = optax.apply_updates(state.projection, change)
    return _CompressionState(new, moments, state.step + 1, state.seed)


_losses = jax.jit(losses, static_argnames="readout", compiler_options=QUICK_TO_COMPILE)


def _check(
    shape: _StaticSettings, state: _CompressionState, data: _Data, name: str
) -> CompressionCheck:
    """Return the figures on held-out inputs.

    Raises:
        InputError: one of them is no number.
    """
    arguments = (data.transformer, shape.readout, data.ids, data.labels)
    output, layers = (float(x) for x in _losses(state.projection, *arguments))
    step = int(state.step)
    if not np.isfinite(output + layers):
        raise InputError(
            f"{name}: the loss became infinite or undefined by step {step}. Begin "
            f"again with a smaller learning_rate (it was "
            f"{shape.settings.learning_rate})"
        )
    small = squeeze(data.transformer, state.projection)
    logits = np.asarray(logits_batch(small, data.ids))
    labels = np.asarray(data.labels)
    right = decode_indices(shape.readout, logits) == labels
    return CompressionCheck(step, float(right[labels >= 0].mean()), output, layers)


# The model ------------------------------------------------------------------------


def squeezed_model(
    named: Named,
    projection: Float[np.ndarray, "feature d_model"],
    facts: Mapping[str, Any],
) -> Model:
    """Return the compressed transformer: the same circuit, the features' directions.

    Several variables of one node share its write, and their subspaces overlap, so
    that a site is all that its node writes.

    Args:
        named: the compiled model.
        projection: W.
        facts: what is to be known beside what the compiled model says.
    """
    model, wide = named.model, projection.astype(np.float64)
    exact = Transformer(model.config, named.weights).cast(
        lambda array: np.asarray(array, np.float64)
    )
    small = squeeze(exact, wide).cast(lambda array: np.asarray(array, np.float32))
    directions = named.scale[:, None] * wide
    axes = np.eye(len(wide)) if model.basis is None else np.asarray(model.basis)
    return replace(
        model,
        config=small.config,
        weights=freeze(small.weights),
        circuit=_whole_nodes(model.circuit),
        beside=None if model.beside is None else _whole_nodes(model.beside),
        rows=MappingProxyType(
            {n: np.asarray(r) @ axes.T @ directions for n, r in model.rows.items()}
        ),
        basis=None,
        features=Features(named.names, named.variables, named.values, directions),
        facts=MappingProxyType({**model.facts, **facts}),
    )


def _whole_nodes(circuit: Circuit) -> Circuit:
    sites = {name: Site(site.node) for name, site in circuit.sites.items()}
    return Circuit(circuit.names, circuit.edges, sites, circuit.carries)
