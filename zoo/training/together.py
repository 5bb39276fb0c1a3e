"""Several seeds of one run at once: their states stacked, their steps under `vmap`.

On a GPU one small model leaves most of the device idle, and twenty models take little
more time than one. Each run draws the batches that it would draw alone, and its weights
differ from those of a run alone only by rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from compiler.errors import InputError
from compiler.machine.jit import QUICK_TO_COMPILE
from zoo.causal.model import CausalModel
from zoo.causal.pool import Pool, draw_key
from zoo.training.check import Check
from zoo.training.examples import TrainingBatch
from zoo.training.loop import (
    OnCheck,
    check_state,
    finish,
    is_done,
    next_batch,
    next_state,
)
from zoo.training.outcome import Result
from zoo.training.recipe import Recipe
from zoo.training.run import TrainingRun, TrainingState, prepare, start

T = TypeVar("T", TrainingState, TrainingBatch)


def train_together(
    model: CausalModel,
    recipe: Recipe,
    seeds: Sequence[int],
    on_check: OnCheck | None = None,
) -> list[Result]:
    """Return a trained transformer for each seed, all of one shape.

    A run that has met its thresholds, or has diverged, keeps the weights it had then.

    Args:
        model: what they are to compute.
        recipe: how; its own seed is not used.
        seeds: of weights and batches, all different.
        on_check: called after each check of each run.

    Raises:
        InputError: a seed occurs twice, or each seed would place variables elsewhere.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds are {list(seeds)}; give one or more, all different")
    runs = [prepare(model, replace(recipe, seed=seed)) for seed in seeds]
    keys = jnp.stack([draw_key(seed) for seed in seeds])
    states = stack([start(run) for run in runs])
    histories: list[tuple[Check, ...]] = [()] * len(runs)
    ended: dict[int, tuple[TrainingState, str]] = {}
    step, good = 0, [unstack(states, i) for i in range(len(runs))]
    while step < recipe.steps and len(ended) < len(runs):
        count = min(recipe.check_every, recipe.steps - step)
        states, losses = advance_together(runs[0], keys, states, count)
        step += count
        parts = [unstack(states, i) for i in range(len(runs))]
        for i, run in enumerate(runs):
            if i in ended:
                continue
            if not np.isfinite(losses[i]):
                ended[i] = good[i], "diverged"
                continue
            parts[i], check = check_state(run, parts[i], float(losses[i]))
            histories[i], good[i] = (*histories[i], check), parts[i]
            if is_done(run, parts[i], histories[i]):
                ended[i] = parts[i], "passed"
            if on_check is not None:
                on_check(run, parts[i], histories[i])
        states = stack(parts)
    return [
        finish(run, state, histories[i], outcome)
        for i, run in enumerate(runs)
        for state, outcome in [ended.get(i, (good[i], _end(run, histories[i])))]
    ]


def _end(run: TrainingRun, history: tuple[Check, ...]) -> str:
    """Return how a run ended that used its steps up."""
    return "passed" if history and history[-1].passes(run.recipe) else "budget"


def stack(states: Sequence[TrainingState]) -> TrainingState:
    """Return states as one, with an axis in front of every array."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)


def unstack(stacked: T, index: int) -> T:
    """Return one of the states, or batches, that are stacked."""
    return jax.tree.map(lambda leaf: leaf[index], stacked)


def advance_together(
    run: TrainingRun, keys: Array, states: TrainingState, count: int
) -> tuple[TrainingState, Float[np.ndarray, " run"]]:
    """Return the states after `count` steps, and the mean loss of each.

    Args:
        run: any of the runs: they differ in their seeds only.
        keys: [run] keys of their batches.
        states: stacked.
        count: steps.
    """
    if jax.default_backend() != "cpu":
        states, losses = _scan(run, keys, states, run.pool, count)
        return states, np.asarray(losses)
    found = []
    for _ in range(count):
        batches = _next_batches(run, keys, states, run.pool)
        states, losses = _next_states(run, states, batches)
        found.append(losses)
    return states, np.mean(jax.device_get(found), axis=0)


def next_batches(
    run: TrainingRun, keys: Array, states: TrainingState, pool: Pool | None = None
) -> TrainingBatch:
    """Return the next batch of each; drawn one by one, as each run draws it alone."""
    return jax.lax.map(
        lambda each: next_batch(run, each[1], pool, each[0]), (keys, states)
    )


def next_states(
    run: TrainingRun, states: TrainingState, batches: TrainingBatch
) -> tuple[TrainingState, Float[Array, " run"]]:
    """Return the states after one step, and their losses."""
    return jax.vmap(partial(next_state, run))(states, batches)


_jit = partial(jax.jit, static_argnames=("run",), compiler_options=QUICK_TO_COMPILE)
_next_batches, _next_states = _jit(next_batches), _jit(next_states)


@partial(jax.jit, static_argnames=("run", "count"))
def _scan(
    run: TrainingRun, keys: Array, states: TrainingState, pool: Pool, count: int
) -> tuple[TrainingState, Float[Array, " run"]]:
    def step(
        states: TrainingState, _: Any
    ) -> tuple[TrainingState, Float[Array, " run"]]:
        return next_states(run, states, next_batches(run, keys, states, pool))

    states, losses = jax.lax.scan(step, states, None, length=count)
    return states, losses.mean(axis=0)
