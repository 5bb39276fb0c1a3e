"""Which edges of a compiled model's circuit are used: patched alone, they show.

A compiled model is exact, so that an edge outside of its circuit changes nothing. Of an
edge of the circuit it is measured, as an audit does: it is *used* if patching it alone
changes an output by more than a tie, and *unused*, which counts as outside, if not. An
edge whose source writes the same in every run that is compared cannot be judged.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from compiler.model import Model
from zoo.arena.execution import PatchedMachine
from zoo.auditing.decisions import decide, other_class, other_number, tie_of
from zoo.auditing.subject import causal_of
from zoo.causal.runs import writes_alike

INPUTS = 20_000
PAIRS = 256
"""Inputs that pairs are drawn from; pairs that every edge is patched in."""


def used_edges(
    model: Model, pairs: int = PAIRS, seed: int = 0
) -> tuple[Bool[np.ndarray, "reader source"], Bool[np.ndarray, "reader source"]]:
    """Return (which edges are used, which cannot be judged), as masks.

    Args:
        model: compiled.
        pairs: of inputs; in two thirds the donor's position embeddings are shifted.
        seed: of the pairs.
    """
    names, machine = model.config.names, PatchedMachine(model)
    base, donor, shifts = _pairs(model, pairs, seed)
    clean = machine.clean(base)
    writes = np.zeros_like(clean.writes)
    for shift in np.unique(shifts):
        rows = shifts == shift
        writes[rows] = machine.clean(donor[rows], int(shift)).writes
    pad = model.config.pad_id
    live, other = base != pad, donor != pad
    where = (live & other).astype(np.float32)
    still = writes_alike(clean.writes, writes, where)
    live[:, 0] = False
    used, blind = np.zeros((2, *names.visible.shape), bool)
    for edge in model.circuit.edges:
        place = names.edge_index(edge)
        if still[place[1]]:
            blind[place] = True
            continue
        masks = np.zeros((len(base), *names.visible.shape), np.float32)
        masks[:, *place] = 1.0
        run = machine.patched(base, masks, writes, where)
        used[place] = bool((_changed(model, run.logits, clean.logits) & live).any())
    return used, blind


def _pairs(
    model: Model, count: int, seed: int
) -> tuple[
    Int[np.ndarray, "pair ctx"], Int[np.ndarray, "pair ctx"], Int[np.ndarray, " pair"]
]:
    """Return base inputs, donor inputs, and shifts of the donors' positions.

    Inputs are drawn evenly over lengths. Half of the donors have the length of their
    base input, so that everything in their runs can be patched in.
    """
    rng = np.random.default_rng(seed)
    ids = np.asarray(causal_of(model).inputs(INPUTS, seed)[0])
    lengths = (ids != model.config.pad_id).sum(1)
    known = np.unique(lengths)
    rows = [np.flatnonzero(lengths == size) for size in known]
    first, other = rng.integers(len(known), size=(2, count))
    other = np.where(rng.random(count) < 0.5, first, other)
    base, donor = (
        ids[[rows[place][rng.integers(len(rows[place]))] for place in places]]
        for places in (first, other)
    )
    shifts = rng.integers(1, max(model.config.n_ctx - 1, 2), size=count)
    return base, donor, np.where(rng.random(count) < 2 / 3, shifts, 0)


def _changed(
    model: Model, logits: np.ndarray, clean: np.ndarray
) -> Bool[np.ndarray, "pair ctx"]:
    """Return where an output is another one, and no rounding decides that."""
    if model.readout.kind != "classes":
        return np.asarray(other_number(model.readout, logits, clean).hit)
    tie = tie_of(model.config)
    one, other = (
        decide(jnp.moveaxis(jnp.asarray(found), -1, 0), tie)
        for found in (logits, clean)
    )
    return np.asarray(other_class(one, other).hit)
