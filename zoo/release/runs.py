"""Runs of a release's model: clean ones, and such with one edge patched.

One compiled function serves both, since compiling takes longer than running here. It
runs pieces of one size, so that memory is bounded however many inputs there are.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from compiler.machine.forward import forward_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer
from compiler.model import Model
from zoo.causal.runs import shifted_runs

PIECE = 64
"""Inputs that are run at a time."""

_jit = partial(jax.jit, compiler_options=QUICK_TO_COMPILE)


def clean_logits(
    model: Model, ids: Int[np.ndarray, "input ctx"]
) -> Float[np.ndarray, "input ctx class"]:
    """Return the logits of inputs, by the function that patches, with empty masks."""
    names, shifts = model.config.names, np.zeros(len(ids), np.int32)
    shape = len(ids), len(names.readers), len(names.sources)
    return patched_logits(model, ids, ids, shifts, np.zeros(shape, np.float32))


def patched_logits(
    model: Model,
    base: Int[np.ndarray, "pair ctx"],
    donor: Int[np.ndarray, "pair ctx"],
    shifts: Int[np.ndarray, " pair"],
    masks: Float[np.ndarray, "pair reader source"],
) -> Float[np.ndarray, "pair ctx class"]:
    """Return the logits of inputs under a patch each, as the audit patches edges.

    Args:
        model: the model.
        base: the inputs that are run.
        donor: the inputs of the donor runs.
        shifts: by how many places the positions of a donor run are shifted.
        masks: the edges that are patched.
    """
    lengths = [(ids != model.config.pad_id).sum(axis=1) for ids in (base, donor)]
    shared = np.minimum(*lengths)
    run = partial(_patched, model.transformer)
    return _in_pieces(run, base, donor, shifts, masks, shared)


def _in_pieces(function: Any, *arrays: np.ndarray) -> np.ndarray:
    """Return what a function makes of arrays, `PIECE` rows at a time."""
    size, found = len(arrays[0]), []
    for start in range(0, size, PIECE):
        parts = [a[start : start + PIECE] for a in arrays]
        short = PIECE - len(parts[0])
        padded = [np.concatenate([p, np.repeat(p[:1], short, axis=0)]) for p in parts]
        found.append(np.asarray(function(*padded))[: PIECE - short])
    return np.concatenate(found)


@_jit
def _patched(
    transformer: Transformer,
    base: Int[Any, "pair ctx"],
    donor: Int[Any, "pair ctx"],
    shifts: Int[Any, " pair"],
    masks: Float[Any, "pair reader source"],
    shared: Int[Any, " pair"],
) -> Float[Array, "pair ctx class"]:
    donors = shifted_runs(transformer, donor, shifts).writes
    where = jax.numpy.arange(transformer.config.n_ctx)[None, :] < shared[:, None]
    patch = Patch.edges(masks, donors, where=where)
    return forward_batch(transformer, base, patch).logits
