"""Built-in lenses: what the output would be if the model ended early.

Let s be the stream in front of layer l, n the number of layers.

    logit-lens    the unembedding of s (nostalgebraist 2020)
    decoder-lens  the last layer and the unembedding of s: the layers between are left
                  out (DecoderLens, Langedijk et al. 2024, for a model with no decoder)
    tuned-lens    an affine function of s, fitted to the final logits by ridge
                  regression on other inputs (Belrose et al. 2023)

The biases of attention outputs belong to no source; all lenses add those that the
layers they run would have seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.errors import unknown_name
from compiler.machine.forward import forward_batch, logits_from
from compiler.machine.transformer import Transformer
from zoo.causal.population import Population
from zoo.finders.ridge import ridge_weights

RIDGE = 1e-4


@dataclass(frozen=True, eq=False)
class LensTask:
    """What a lens is given.

    Attributes:
        transformer: the transformer.
        inputs: inputs, with all variables' values.
        writes: [input, source, ctx, d_model] of their runs.
        logits: [input, ctx, class] of their runs.
        known: [input] whether a lens may be fitted on this input.
    """

    transformer: Transformer
    inputs: Population
    writes: Any
    logits: Any
    known: Bool[np.ndarray, " input"]

    @property
    def layers(self) -> range:
        """The layers in front of which the stream is read; the last is the logits."""
        return range(self.transformer.config.n_layers + 1)

    def stream(self, layer: int) -> Float[np.ndarray, "input ctx d_model"]:
        """Return the stream in front of a layer."""
        last = self.transformer.config.names.sources_before(layer)
        return np.asarray(self.writes)[:, :last].sum(axis=1)


Lens = Callable[[LensTask, int], Any]
"""From a task and a layer to the logits [input, ctx, class]."""


def run_task(
    transformer: Transformer, inputs: Population, known: Bool[np.ndarray, " input"]
) -> LensTask:
    """Return the runs of some inputs."""
    run = forward_batch(transformer, inputs.ids)
    return LensTask(transformer, inputs, run.writes, run.logits, known)


@partial(jax.jit, static_argnames="first")
def _run_from(
    transformer: Transformer,
    ids: Int[Any, "input ctx"],
    writes: Any,
    kept: Float[Any, "source 1 1"],
    first: int,
) -> Float[Array, "input ctx class"]:
    """Return the logits if layers from `first` on read the writes that are kept."""

    def one(tokens: Array, own: Array) -> Array:
        return logits_from(transformer, tokens, own * kept, first)

    return jax.vmap(one)(ids, writes)


def _skip(task: LensTask, layer: int, first: int) -> Any:
    """Return the logits if layer `first` follows on the stream in front of a layer."""
    names = task.transformer.config.names
    here = np.arange(len(names.sources)) < names.sources_before(layer)
    kept = here.astype(np.float32)[:, None, None]
    return _run_from(task.transformer, task.inputs.ids, task.writes, kept, first)


def logit_lens(task: LensTask, layer: int) -> Any:
    """Return the unembedding of the stream in front of a layer."""
    return _skip(task, layer, task.transformer.config.n_layers)


def decoder_lens(task: LensTask, layer: int) -> Any:
    """Return the logits if the layers up to the last one are left out."""
    last = task.transformer.config.n_layers
    if layer == last:
        return task.logits
    return _skip(task, layer, last - 1)


def tuned_lens(task: LensTask, layer: int) -> Any:
    """Return the affine function of the stream that fits the final logits best."""
    held, goal = task.stream(layer).astype(np.float64), np.asarray(task.logits)
    fit = task.inputs.live & task.known[:, None]
    x, y = held[fit], goal[fit].astype(np.float64)
    middle, mean = x.mean(axis=0), y.mean(axis=0)
    weights = ridge_weights(x - middle, y - mean, RIDGE)
    return ((held - middle) @ weights + mean).astype(np.float32)


LENSES: dict[str, Lens] = {
    "logit-lens": logit_lens,
    "decoder-lens": decoder_lens,
    "tuned-lens": tuned_lens,
}
"""Name -> lens."""


def find_lens(name: str) -> Lens:
    """Return the built-in lens of that name.

    Raises:
        NameLookupError: there is none; the nearest are offered.
    """
    if name not in LENSES:
        raise unknown_name("lens", name, LENSES)
    return LENSES[name]
