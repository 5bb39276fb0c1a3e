"""Non-linear alignments: an interchange of coordinates behind an invertible map.

    z = phi(h),  z* = z with the first k coordinates of phi(h'),  h* = phi^-1(z*)

phi turns the stream by an orthogonal matrix and then applies additive coupling layers
(Dinh et al. 2015): one half of the coordinates is moved by a small network of the other
half. Without these layers it is DAS. Sutter et al. 2025 prove that a map that is free
enough aligns any model with any algorithm; `alignment_maps.py` has the control.

A map may also choose positions: a coordinate is interchanged only at tokens where
sigmoid(u . h + c) is above 1/2, u and c being learned with phi.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from compiler.errors import InputError
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.rerun.packed import times
from compiler.machine.rerun.rerun import perturbed_logits, unstack
from zoo.alignment.interchanges import PAIRS, draw_interchanges
from zoo.alignment.patching import run_both
from zoo.alignment.places import find_place
from zoo.alignment.subspaces import random_subspace
from zoo.cases.case import Case
from zoo.causal.outputs import position_losses
from zoo.finders.activations import default_size
from zoo.finders.descent import InterchangeExamples, SearchSite, descend, orthonormal

LAYERS, HIDDEN = 4, 64
STEPS, RATE = 1000, 0.02
HOT, COLD = 2.0, 0.05
"""Temperatures of a choice of positions at the start and at the end."""

SiteVectors = Float[np.ndarray, "*n d_model"]


@dataclass(frozen=True, eq=False)
class AlignmentMap:
    """An alignment: which coordinates behind an invertible map are a variable.

    Attributes:
        values: the parameters of the map, by name.
        k: how many coordinates are interchanged.
    """

    values: dict[str, Any]
    k: int

    def __call__(self, base: SiteVectors, donor: SiteVectors) -> SiteVectors:
        """Return what the site holds after the interchange, token by token.

        Args:
            base: what it holds in the base runs.
            donor: what it holds in the donor runs.
        """
        flat = [np.moveaxis(np.asarray(v, np.float32), -1, 0) for v in (base, donor)]
        shape = flat[0].shape
        one, other = (v.reshape(shape[0], -1, 1) for v in flat)
        choose = jnp.asarray(self.k), jnp.asarray(0.0)
        moved = _interchange_compiled(self.values, one, other, *choose)
        return np.moveaxis(one + np.asarray(moved), 0, -1).reshape(np.shape(base))


def flow(
    case: Case,
    variable: str,
    site: str,
    k: int | None = None,
    seed: int = 0,
    *,
    choose_positions: bool = False,
    steps: int = STEPS,
    rate: float = RATE,
    layers: int = LAYERS,
    hidden: int = HIDDEN,
    count: int = PAIRS,
) -> AlignmentMap:
    """Return the non-linear alignment that gradient descent finds.

    Args:
        case: the model and its inputs.
        variable: what is to be interchanged.
        site: where.
        k: how many coordinates; half of the stream if None.
        seed: of the start, and of the pairs.
        choose_positions: whether the map also learns at which tokens it acts.
        steps: of Adam.
        rate: of learning.
        layers: how many coupling layers.
        hidden: units of the network in each of them.
        count: how many pairs of a base and a donor input the map is fitted to.

    Raises:
        NameLookupError: the variable or the site is unknown.
        InputError: k, layers or hidden cannot be.
    """
    width = case.config.d_model
    pairs = draw_interchanges(case, variable, count, seed)
    size = max(width // 2, min(default_size(pairs), width)) if k is None else k
    if not 1 <= size <= width:
        raise InputError(f"k is {k}; give 1 to {width}, the width of the stream")
    if layers < 1 or hidden < 1:
        raise InputError(
            f"layers is {layers} and hidden {hidden}; give at least 1 of each"
        )
    start = start_of(case, site, variable, seed, choose_positions, layers, hidden)
    start["k"] = np.asarray(float(size))
    found = descend(case, site, pairs, _objective, start, seed, steps=steps, rate=rate)
    return AlignmentMap({**found, "k": start["k"]}, size)


def start_of(
    case: Case,
    site: str,
    variable: str,
    seed: int,
    choose_positions: bool,
    layers: int = LAYERS,
    hidden: int = HIDDEN,
) -> dict[str, np.ndarray]:
    """Return where a descent starts; its layers have no effect there.

    Arguments as of `flow`.
    """
    width = case.config.d_model
    half, rng = width // 2, np.random.default_rng([*b"flow", seed])
    runs = run_both(case, draw_interchanges(case, variable, seed=seed))
    held = find_place(case.config, site).held(runs.writes)
    start = {"turn": random_subspace(width, width, rng)}
    start["scale"] = np.asarray(np.log(max(float(held.std()), 1e-6)))
    sizes = [
        (half, width - half) if i % 2 else (width - half, half) for i in range(layers)
    ]
    for i, (seen, moved) in enumerate(sizes):
        start[f"in{i}"] = rng.standard_normal((hidden, seen)) / np.sqrt(seen)
        start[f"bias{i}"] = np.zeros((hidden, 1, 1))
        start[f"out{i}"] = np.zeros((moved, hidden))
    if choose_positions:
        start["gate"], start["open"] = np.zeros((1, width)), np.full((1, 1, 1), 1.0)
    return start


def _objective(
    values: dict[str, Array], done: Any, site: SearchSite, rows: InterchangeExamples
) -> Float[Array, ""]:
    base = _held(site, rows)
    heat = HOT * (COLD / HOT) ** done
    moved = _interchange(values, base, base + rows.change, values["k"], heat)
    moved = jnp.where(rows.where.T, moved, 0.0)
    given = site.transformer, rows.base, site.place.target
    logits = unstack(perturbed_logits(*given, moved))
    losses = position_losses(site.readout, logits, jnp.maximum(rows.labels, 0))
    valid = rows.labels >= 0
    count = jnp.maximum(valid.sum(), 1).astype(losses.dtype)
    return jnp.where(valid, losses, 0.0).sum() / count


def _held(site: SearchSite, rows: InterchangeExamples) -> Array:
    """Return what the site holds in the base runs, [d_model, ctx, pair]."""
    return rows.base.writes[jnp.asarray(site.place.sources)].sum(axis=0)


def _interchange(
    values: dict[str, Array], base: Array, donor: Array, k: Any, heat: Any
) -> Array:
    """Return by how much the site moves, [d_model, place, row].

    Args:
        values: parameters of the map.
        base: [d_model, place, row] what the site holds in the base runs.
        donor: the same in the donor runs.
        k: how many coordinates are interchanged.
        heat: temperature of the choice of positions; 0 for a hard choice.
    """
    scale = jnp.exp(values["scale"])
    turn = orthonormal(values["turn"])
    one, other = (_forward(values, times(turn, v) / scale) for v in (base, donor))
    order = jnp.arange(len(one)).astype(one.dtype)
    share = (order < jnp.asarray(k).astype(one.dtype)).astype(one.dtype)[:, None, None]
    if "gate" in values:
        level = (times(values["gate"].T, base) / scale) + values["open"]
        soft = jax.nn.sigmoid(level / jnp.maximum(heat, 1e-3))
        share = share * jnp.where(heat > 0, soft, (level > 0).astype(soft.dtype))
    mixed = one + share * (other - one)
    return times(turn.T, _backward(values, mixed) * scale) - base


_interchange_compiled = jax.jit(_interchange, compiler_options=QUICK_TO_COMPILE)


def _layers(values: dict[str, Array]) -> int:
    return sum(name.startswith("bias") for name in values)


def _step(values: dict[str, Array], i: int, seen: Array) -> Array:
    hidden = jnp.tanh(times(values[f"in{i}"].T, seen) + values[f"bias{i}"])
    return times(values[f"out{i}"].T, hidden)


def _forward(values: dict[str, Array], z: Array) -> Array:
    half = len(z) // 2
    one, other = z[:half], z[half:]
    for i in range(_layers(values)):
        if i % 2:
            other = other + _step(values, i, one)
        else:
            one = one + _step(values, i, other)
    return jnp.concatenate([one, other])


def _backward(values: dict[str, Array], z: Array) -> Array:
    half = len(z) // 2
    one, other = z[:half], z[half:]
    for i in reversed(range(_layers(values))):
        if i % 2:
            other = other - _step(values, i, one)
        else:
            one = one - _step(values, i, other)
    return jnp.concatenate([one, other])
