"""Lenses against the circuit: `zoo.score_lens` is here.

The circuit says in front of which layer the output is first in the stream (*computed*).
The program says how well the output can be told before, from the variables that are in
the stream at the same position: the *ceiling* of every lens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from compiler.errors import InputError
from compiler.machine.transformer import Transformer
from compiler.machine.weights import init
from compiler.model import Model
from zoo.auditing.subject import causal_of
from zoo.causal.outputs import is_correct
from zoo.causal.population import POSITIONS, TOKENS, Population, populate
from zoo.lookup import open_named
from zoo.reading.lens_report import LensLayer, LensReport
from zoo.reading.lenses import LENSES, LensTask, find_lens, run_task

INPUTS = 512
Right = Bool[np.ndarray, "layer token"]


def score_lens(
    source: str | Path | Model,
    lens: str | Callable[[LensTask, int], Any] = "logit-lens",
    *,
    inputs: int = INPUTS,
    baselines: bool = True,
    seed: int = 0,
) -> LensReport:
    """Return when a lens reads the output, against when the output is computed.

    Args:
        source: a release's name, a folder, a program's name, or a model.
        lens: the name of a built-in lens, or a function of a `LensTask` and a layer
            that returns logits [input, ctx, class].
        inputs: how many inputs are read, at most.
        baselines: whether the built-in lenses are measured too.
        seed: of the inputs and controls.

    Raises:
        NameLookupError: the model or the lens is unknown; the nearest are offered.
        InputError: the lens returns another shape, or numbers that are not finite.
    """
    if inputs < 1:
        raise InputError(f"inputs is {inputs}; give at least 1")
    model, name = open_named(source)
    found = populate(causal_of(model), inputs, seed)
    known, other = found.halves(np.random.default_rng([*b"lens", seed]))
    task = run_task(model.transformer, found, known)
    asked = found.live & (found.values[:, found.output] >= 0)
    asked &= other[:, None]
    claimed = find_lens(lens) if isinstance(lens, str) else lens
    label = lens if isinstance(lens, str) else getattr(lens, "__name__", "lens")
    rows = {"claimed": _read(model, task, claimed, asked)}
    rows["oracle"] = ceiling(model, found, asked)
    if baselines:
        rows |= {n: _read(model, task, run, asked) for n, run in LENSES.items()}
    rows["shuffled"] = _shuffled(model, task, claimed, asked, seed)
    blank = Transformer(model.config, init(model.config, seed))
    rows["untrained"] = _read(model, run_task(blank, found, known), claimed, asked)
    output = found.values[:, found.output][asked]
    values = np.unique(output)
    return LensReport(
        model=name,
        lens=label,
        computed=computed_layer(model),
        values=len(values),
        tokens=int(asked.sum()),
        rows={
            row: tuple(LensLayer(_balanced(r, output), 1 / len(values)) for r in right)
            for row, right in rows.items()
        },
        seed=seed,
    )


def _balanced(
    right: Bool[np.ndarray, " token"], output: Int[np.ndarray, " token"]
) -> float:
    """Return the mean over values of the share of tokens that are right."""
    return float(np.mean([right[output == v].mean() for v in np.unique(output)]))


def computed_layer(model: Model) -> int:
    """Return the first layer in front of which the output is in the stream."""
    names = model.config.names
    source = names.source_index(model.sites[model.output].node)
    layers = range(model.config.n_layers + 1)
    return next(layer for layer in layers if names.sources_before(layer) > source)


def _read(
    model: Model,
    task: LensTask,
    lens: Callable[[LensTask, int], Any],
    asked: Bool[np.ndarray, "input ctx"],
) -> Right:
    """Return by layer which outputs a lens reads rightly."""
    goal = np.maximum(task.inputs.values[:, task.inputs.output], 0)
    found = []
    for layer in task.layers:
        logits = _checked(task, lens(task, layer))
        right = is_correct(model.readout, jnp.asarray(logits), goal)
        found.append(np.asarray(right)[asked])
    return np.stack(found)


def _checked(task: LensTask, logits: Any) -> np.ndarray:
    array, shape = np.asarray(logits), np.shape(task.logits)
    if array.shape != shape or not np.isfinite(array).all():
        raise InputError(
            f"lens: found the shape {array.shape}, expected finite logits [input, "
            f"ctx, class] = {shape}. Return one row of logits for each position"
        )
    return array.astype(np.float32)


def _shuffled(
    model: Model,
    task: LensTask,
    lens: Callable[[LensTask, int], Any],
    asked: Bool[np.ndarray, "input ctx"],
    seed: int,
) -> Right:
    """Return the same with what the lens reads permuted over tokens."""
    rng = np.random.default_rng([*b"shuffled", seed])

    def mixed(task: LensTask, layer: int) -> Any:
        logits = np.array(lens(task, layer))
        logits[asked] = rng.permutation(logits[asked])
        return logits

    return _read(model, task, mixed, asked)


def ceiling(
    model: Model, found: Population, asked: Bool[np.ndarray, "input ctx"]
) -> Right:
    """Return by layer which outputs the variables in the stream tell.

    For each set of values that the variables in the stream have at a position, the
    output is taken that is most over-represented there: among all tokens, if these are
    all inputs, else among those that are not asked for. That is best if all outputs
    weigh alike. Once the output is in the stream, all are told.
    """
    names = model.config.names
    output = found.values[:, found.output]
    usable = found.live & (output >= 0)
    base = usable if found.complete else usable & ~asked
    base = base if base.any() else usable
    rows = []
    for layer in range(model.config.n_layers + 1):
        last = names.sources_before(layer)
        here = [
            name
            for name in (TOKENS, POSITIONS, *found.names)
            if name in (TOKENS, POSITIONS)
            or (
                name in model.sites
                and names.source_index(model.sites[name].node) < last
            )
        ]
        if found.causal.output in here:
            rows.append(np.ones(int(asked.sum()), bool))
            continue
        held = np.stack([found.held(name) for name in here], axis=-1)
        rows.append(_tell(held, output, base, asked))
    return np.stack(rows)


def _tell(
    held: Int[np.ndarray, "input ctx variable"],
    output: Int[np.ndarray, "input ctx"],
    base: Bool[np.ndarray, "input ctx"],
    asked: Bool[np.ndarray, "input ctx"],
) -> Bool[np.ndarray, " token"]:
    """Return where the likeliest output of a token's values is its own."""
    both = np.concatenate([held[base], held[asked]])
    _, keys = np.unique(both, axis=0, return_inverse=True)
    keys = keys.ravel()
    first, second = keys[: int(base.sum())], keys[int(base.sum()) :]
    size = int(output.max()) + 1
    counts = np.zeros((int(keys.max()) + 1, size), np.int64)
    np.add.at(counts, (first, output[base]), 1)
    every = np.bincount(output[base], minlength=size)
    shares = counts / np.maximum(every, 1)
    told = np.where(counts.any(axis=1), shares.argmax(axis=1), every.argmax())
    return told[second] == output[asked]
