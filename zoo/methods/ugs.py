"""Uniform gradient sampling with optimal constants (Li and Janson 2024, section 4).

An edge is kept with probability p = sigmoid(theta). In a share p (1 - p) of the
examples its mask is drawn uniformly from [0, 1] instead of being 0 or 1; there the
derivative of the loss in the mask is an unbiased estimate of the effect of the edge,

    E[L(1) - L(0)] = integral of dL/dm,

and theta follows it, and the price of an edge. What stands in the place of a removed
edge is a constant of its source, learned along (`ugs`), or the corrupt run's write
(`ugs-resample`). A model of which only interchanges are promised may well change with a
constant that none of its runs would write, on edges outside its circuit too.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from zoo.cases.case import Case
from zoo.methods.learning import ROWS, keep_losses, learn
from zoo.methods.method import method

STEPS, RATE, PRICE, START = 800, 0.03, 0.02, 2.0


PAPER = "Li and Janson 2024, sec. 4"


@method(
    "ugs",
    paper=PAPER,
    equation="theta of P(keep) = sigmoid(theta), optimal constants",
    seeded=True,
)
def ugs(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the logit of each edge's chance to be kept, constants for the others."""
    writes = np.asarray(case.batch.donors)
    constant = jnp.zeros((writes.shape[1], 1, writes.shape[-1]), jnp.float32)
    return _learned(case, seed, {"constant": constant})


@method(
    "ugs-resample",
    paper=PAPER,
    equation="theta of P(keep) = sigmoid(theta), corrupt runs in place of constants",
    seeded=True,
)
def ugs_resample(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the logit of each edge's chance to be kept, donors for the others."""
    return _learned(case, seed, {})


def _learned(
    case: Case, seed: int, more: dict[str, Array]
) -> Float[np.ndarray, "reader source"]:
    theta = jnp.full(case.names.visible.shape, START, jnp.float32)
    start = {"theta": theta, **more}
    found = learn(case, _objective, start, seed, steps=STEPS, rate=RATE)
    return np.asarray(found["theta"], np.float64)


def _objective(
    values: dict[str, Array], done: Any, machine: Any, rows: Any, key: Any
) -> Float[Array, ""]:
    first, second, third = jax.random.split(key, 3)
    theta = values["theta"]
    p = jax.nn.sigmoid(jax.lax.stop_gradient(theta))
    shape = (ROWS, *theta.shape)
    uniform = jax.random.bernoulli(first, p * (1 - p), shape)
    binary = jax.random.bernoulli(second, p, shape).astype(jnp.float32)
    mask = jnp.where(uniform, jax.random.uniform(third, shape), binary)
    # The mask's derivative goes to theta where the mask was drawn uniformly, as if
    # m = theta + something: a straight way, and none elsewhere.
    through = jnp.where(uniform, theta - jax.lax.stop_gradient(theta), 0.0)
    if "constant" in values:
        mean = rows.donors.mean(axis=0)
        constant = mean + jnp.abs(mean).max() * values["constant"]
        donors = jnp.broadcast_to(constant, rows.donors.shape)
        rows = rows._replace(donors=donors)
    loss = keep_losses(machine, rows, mask + through).mean()
    visible = jnp.asarray(machine.config.names.visible)
    # dp / dtheta = p (1 - p) weighs the price as often as a mask is drawn uniformly.
    return loss + PRICE * jnp.where(visible, jax.nn.sigmoid(theta), 0.0).sum()
