"""The training run: a jitted scan between checks, checkpoints, resuming.

The key of a step depends on the seed and the number of the step only, so a resumed
run draws the same batches, and ends with the same bits, as one that was not stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from compiler.machine.config import Config
from compiler.machine.weights import Weights, freeze, init
from zoo.training.causal import CausalModel
from zoo.training.examples import (
    Layout,
    Pool,
    draw_batch,
    make_layout,
    make_pool,
    split_inputs,
)
from zoo.training.held_out import Check, Checker
from zoo.training.loss import batch_loss
from zoo.training.placement import Placement, make_config, place
from zoo.training.recipe import Recipe, sized


class State(NamedTuple):
    """What changes during training."""

    weights: Weights
    optimizer: Any
    step: Any


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that is fixed during training."""

    model: CausalModel
    recipe: Recipe
    config: Config
    placement: Placement
    layout: Layout
    pool: Pool
    checker: Checker
    disjoint: bool


@dataclass(frozen=True, eq=False)
class Result:
    """A finished training.

    Attributes:
        run: what was trained, and how.
        weights: float32, read-only.
        history: one check every `check_every` steps.
        outcome: `passed` (all thresholds met), `budget` (steps used up) or
            `diverged` (the last good weights are kept).
    """

    run: Run
    weights: Weights
    history: tuple[Check, ...]
    outcome: str


def prepare(model: CausalModel, recipe: Recipe) -> Run:
    """Return the run of a recipe: sizes, placement, inputs.

    Raises:
        InputError: the transformer is too small for the circuit.
    """
    recipe = sized(recipe, model)
    config = make_config(model, recipe)
    placement = place(model, config, recipe)
    layout = make_layout(model, config, placement)
    ids = model.inputs(recipe.inputs, recipe.seed)
    seen, held_out, disjoint = split_inputs(ids, recipe.seed)
    pool = make_pool(model, seen)
    checker = Checker(model, config, recipe, layout, make_pool(model, held_out))
    return Run(model, recipe, config, placement, layout, pool, checker, disjoint)


def start(run: Run) -> State:
    """Return the state before the first step."""
    weights = Weights(*(jnp.asarray(a) for a in init(run.config, run.recipe.seed)))
    return State(weights, optimizer(run.recipe).init(weights), jnp.zeros((), jnp.int32))


def optimizer(recipe: Recipe) -> optax.GradientTransformation:
    """Return AdamW with clipping, warm-up and a cosine."""
    rate = optax.warmup_cosine_decay_schedule(
        0.0,
        recipe.learning_rate,
        recipe.warmup,
        max(recipe.steps, recipe.warmup + 1),
        recipe.learning_rate / 100,
    )
    return optax.chain(
        optax.clip_by_global_norm(recipe.clip),
        optax.adamw(rate, b2=0.98, weight_decay=recipe.weight_decay),
    )


def closed_share(recipe: Recipe, step: Array) -> Float[Array, ""]:
    """Return the share of examples with everything outside the circuit patched."""
    opened = (step - recipe.circuit_steps) / max(recipe.opening_steps, 1)
    return 1.0 - (1.0 - recipe.keep) * jnp.clip(opened, 0.0, 1.0)


def advance(run: Run, state: State, count: int) -> tuple[State, Float[Array, ""]]:
    """Return the state after `count` steps, and the mean loss.

    On a CPU each step is a call: inside a scan, XLA runs the same step at half of
    the speed there. Elsewhere a call costs more than a step, and all are one scan.
    """
    if jax.default_backend() != "cpu":
        return _scan(run, state, count)
    losses = []
    for _ in range(count):
        state, loss = _step(run, state)
        losses.append(loss)
    return state, jnp.stack(losses).mean()


@partial(jax.jit, static_argnames=("run", "count"))
def _scan(run: Run, state: State, count: int) -> tuple[State, Float[Array, ""]]:
    state, losses = jax.lax.scan(lambda s, _: _step(run, s), state, None, length=count)
    return state, losses.mean()


@partial(jax.jit, static_argnames=("run",))
def _step(run: Run, state: State) -> tuple[State, Float[Array, ""]]:
    """Return the state after one step, and its loss."""
    recipe = run.recipe
    key = jax.random.fold_in(jax.random.key(recipe.seed), state.step)
    closed = closed_share(recipe, state.step)
    batch = draw_batch(run.model, recipe, run.layout, run.pool, key, closed)
    loss, gradient = jax.value_and_grad(
        lambda w: batch_loss(
            run.config, run.model.readout, w, batch, recipe.donor_gradient
        )
    )(state.weights)
    # Optax's schedules mix integers and floats; our own arithmetic stays strict.
    with jax.numpy_dtype_promotion("standard"):
        update = optimizer(recipe).update
        change, moments = update(gradient, state.optimizer, state.weights)
    weights: Any = optax.apply_updates(state.weights, change)  # a pytree like them
    return State(weights, moments, state.step + 1), loss


def train(
    model: CausalModel,
    recipe: Recipe | None = None,
    *,
    state: State | None = None,
    history: tuple[Check, ...] = (),
    on_check: Callable[[Run, State, tuple[Check, ...]], None] | None = None,
) -> Result:
    """Return a trained transformer with the circuit of a causal model.

    Args:
        model: what it is to compute, variable by variable.
        recipe: how; the defaults if None.
        state: where to go on from; the beginning if None.
        history: the checks so far.
        on_check: called after every check (to save, to show progress).

    Raises:
        InputError: the transformer is too small for the circuit.
    """
    run = prepare(model, recipe or Recipe())
    recipe = run.recipe
    state = state or start(run)
    good = state
    while int(state.step) < recipe.steps:
        count = min(recipe.check_every, recipe.steps - int(state.step))
        state, loss = advance(run, state, count)
        if not np.isfinite(float(loss)):
            return _finish(run, good, history, "diverged")
        check = run.checker(state.weights, int(state.step), float(loss))
        good, history = state, (*history, check)
        if on_check is not None:
            on_check(run, state, history)
        open_now = int(state.step) >= recipe.circuit_steps + recipe.opening_steps
        if open_now and check.passes(recipe):
            return _finish(run, state, history, "passed")
    passed = bool(history) and history[-1].passes(recipe)
    return _finish(run, state, history, "passed" if passed else "budget")


def _finish(run: Run, state: State, history: tuple[Check, ...], outcome: str) -> Result:
    arrays = Weights(*(np.asarray(a) for a in state.weights))
    return Result(run, freeze(arrays), history, outcome)
