"""Masks learned by gradient descent: one compiled scan for all methods."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from compiler.machine.forward import logits_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.patch import Patch
from zoo.cases.adam import follow
from zoo.cases.case import Case
from zoo.cases.losses import loss_of
from zoo.cases.running import Batch, Machine

ROWS = 32
"""Pairs of a step."""

# (parameters, step from 0 to 1, batch, random key, loss of kept) -> objective
EdgeObjective = Callable[..., Float[Array, ""]]


def learn(
    case: Case,
    objective: EdgeObjective,
    parameters: Any,
    seed: int,
    *,
    steps: int,
    rate: float,
    ascending: tuple[str, ...] = (),
) -> Any:
    """Return the parameters after some steps of Adam.

    Args:
        case: the model and the pairs.
        objective: a function of (parameters, share of the steps done, machine,
            rows of the batch, key); a function at the top of a module, so that it is
            compiled once for every shape.
        parameters: a dict of arrays, where to start.
        seed: of rows and masks.
        steps: how many.
        rate: of learning.
        ascending: names of parameters that go up the objective and not down.
    """
    return _learn(
        case.machine("divergence"),
        case.batch,
        parameters,
        jax.random.key(seed),
        objective,
        steps,
        rate,
        ascending,
    )


def keep_losses(
    machine: Machine,
    batch: Batch,
    keep: Float[Array, "pair reader source"],
) -> Float[Array, " pair"]:
    """Return the loss of every pair with masks of its own: 1 keeps an edge."""
    patch = Patch.edges(1 - keep, batch.donors)
    logits = logits_batch(machine.transformer, batch.ids, patch)
    return loss_of(machine.readout, machine.loss, logits, batch.goal)


@partial(
    jax.jit,
    static_argnames=("objective", "steps", "rate", "ascending"),
    compiler_options=QUICK_TO_COMPILE,
)
def _learn(
    machine: Machine,
    batch: Batch,
    parameters: Any,
    key: Any,
    objective: EdgeObjective,
    steps: int,
    rate: float,
    ascending: tuple[str, ...],
) -> Any:
    count = len(batch.ids)
    batch = jax.tree.map(jnp.asarray, batch)

    def gradient(values: Any, now: Any) -> Any:
        number, own = now
        first, second = jax.random.split(own)
        rows = jax.random.randint(first, (ROWS,), 0, count)
        some = jax.tree.map(lambda part: part[rows], batch)
        done = number.astype(jnp.float32) / steps
        found = jax.grad(objective)(values, done, machine, some, second)
        return {k: -g if k in ascending else g for k, g in found.items()}

    every = (jnp.arange(steps), jax.random.split(key, steps))
    return follow(gradient, parameters, every, rate)
