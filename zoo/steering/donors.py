"""The true interchange, and an edited input: two ways to steer that act at no site.

`interchange` patches the variable's own site from inputs that have the value at that
position: by the circuit that is right. `edited input` is steering by a prompt: an
input that is as like the base input as can be, in which the variable has the value. It
is found with the program, which the author of a prompt would have to know.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from compiler.machine.forward import logits_batch
from compiler.machine.patch import Patch
from zoo.alignment.places import find_place
from zoo.steering.task import SteeringExamples, SteeringTask, hold_of


def interchanged(
    task: SteeringTask, examples: SteeringExamples
) -> Float[np.ndarray, "example ctx class"]:
    """Return the logits with the variable's site patched from inputs with the value."""
    model = task.model
    node = model.sites[task.variable].node
    rows = _donors(task, examples)
    writes = hold_of(model.transformer, find_place(model.config, node), task.inputs.ids)
    places = np.broadcast_to(np.arange(examples.ids.shape[1]), rows.shape)
    count, ctx = examples.ids.shape
    source = model.config.names.source_index(node)
    shape = count, len(model.config.names.sources), ctx, model.config.d_model
    donor = np.zeros(shape, np.float32)
    donor[:, source] = writes[rows, places]
    mask = np.broadcast_to(
        model.variable_mask(task.variable), (count, shape[1], 1, shape[3])
    )
    basis = None if model.basis is None else model.basis.astype(np.float32)
    patch = Patch.nodes(mask, donor, basis, examples.steered.astype(np.float32))
    return np.asarray(logits_batch(model.transformer, examples.ids, patch))


def _donors(
    task: SteeringTask, examples: SteeringExamples
) -> Int[np.ndarray, "example ctx"]:
    """Return by example and position an input with the value, of its length if any."""
    rng = np.random.default_rng([*b"donors", task.seed])
    lengths, wanted = task.inputs.lengths, task.labels == task.value
    rows = np.repeat(examples.rows[:, None], examples.ids.shape[1], axis=1)
    found: dict[tuple[int, int], np.ndarray] = {}
    for example, place in np.argwhere(examples.steered):
        length = int(lengths[examples.rows[example]])
        key = length, int(place)
        if key not in found:
            fits = np.flatnonzero(wanted[:, place])
            alike = fits[lengths[fits] == length]
            found[key] = alike if len(alike) else fits
        rows[example, place] = rng.choice(found[key])
    return rows


def edited(
    task: SteeringTask, examples: SteeringExamples
) -> tuple[Float[np.ndarray, "example ctx class"], Bool[np.ndarray, " example"]]:
    """Return the logits of edited inputs, and which examples have one.

    Inputs count in which the variable has the value at most of the steered positions;
    among these the ones of the same length, and then the one that differs least.
    """
    inputs, wanted = task.inputs, task.labels == task.value
    lengths = inputs.lengths
    ids, have = examples.ids.copy(), np.zeros(len(examples), bool)
    for example, row in enumerate(examples.rows):
        places = np.flatnonzero(examples.steered[example])
        agree = wanted[:, places].sum(axis=1)
        apart = (inputs.ids != examples.ids[example]).sum(axis=1)
        best = np.lexsort((apart, lengths != lengths[row], -agree))[0]
        have[example] = agree[best] == len(places)
        ids[example] = inputs.ids[best]
    return np.asarray(logits_batch(task.model.transformer, ids)), have
