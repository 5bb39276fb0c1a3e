"""The training loop: steps, checks, when the opening phase begins, when it stops.

The random key of a step depends only on the seed and the number of the step. So a
resumed run draws the same batches and ends with the same bits as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.transformer import Transformer
from compiler.machine.weights import Weights, freeze
from zoo.causal.model import CausalModel
from zoo.causal.pool import draw_key
from zoo.training.examples import TrainingBatch, draw_batch
from zoo.training.held_out import Check
from zoo.training.loss import Probes, attending_loss, batch_loss, decoding_loss
from zoo.training.outcome import Result
from zoo.training.recipe import Recipe
from zoo.training.run import TrainingRun, TrainingState, optimizer, prepare, start

OnCheck = Callable[[TrainingRun, TrainingState, tuple[Check, ...]], None]
OnStep = Callable[[int, int], None]
"""Called with (steps done, steps)."""


def closed_share(recipe: Recipe, state: TrainingState) -> Float[Array, ""]:
    """Return the share of examples with everything outside the circuit patched."""
    opened = (state.step - state.opening) / max(recipe.opening_steps, 1)
    return 1.0 - (1.0 - recipe.keep) * jnp.clip(opened, 0.0, 1.0)


def advance(
    run: TrainingRun, state: TrainingState, count: int, on_step: OnStep | None = None
) -> tuple[TrainingState, float]:
    """Return the state after `count` steps, and the mean loss.

    On a CPU one call draws a batch and another one trains on it: a single call runs at
    three quarters of the speed, and a scan at half. On other devices a call costs more
    than a step, so all steps are one scan.
    """
    if jax.default_backend() != "cpu":
        state, mean = _scan(run, state, count)
        return state, float(mean)
    losses = []
    begun = 0 if on_step is None else int(state.step)
    for number in range(count):
        if on_step is not None:
            on_step(begun + number, run.recipe.steps)
        state, loss = _next_state(run, state, _next_batch(run, state))
        losses.append(loss)
    return state, float(np.mean(jax.device_get(losses)))


def next_batch(
    run: TrainingRun, state: TrainingState, key: Array | None = None
) -> TrainingBatch:
    """Return the batch of the step that comes next.

    Args:
        run: the run, with its inputs and its recipe.
        state: the state, with the number of the step.
        key: the random key of the run; made of the recipe's seed by default.
    """
    key = draw_key(run.recipe.seed) if key is None else key
    key = jax.random.fold_in(key, state.step)
    closed = closed_share(run.recipe, state)
    return draw_batch(run.model, run.recipe, run.layout, run.pool, key, closed)


def next_state(
    run: TrainingRun, state: TrainingState, batch: TrainingBatch
) -> tuple[TrainingState, Float[Array, ""]]:
    """Return the state after one step, and its loss."""
    recipe, sources_of = run.recipe, run.layout.sources_of
    closed = closed_share(recipe, state)

    def total(params: tuple[Weights, Probes]) -> tuple[Array, Array]:
        weights, probes = params
        transformer = Transformer(run.config, weights)
        loss, writes, donor_writes = batch_loss(
            transformer, run.model.readout, batch, recipe.donor_gradient
        )
        reading = decoding_loss(probes, writes, sources_of, batch)
        whole = loss + recipe.decoding * closed * reading
        if batch.selected is not None:
            looking = attending_loss(transformer, donor_writes, sources_of, batch)
            whole += recipe.attending * closed * looking
        return whole, loss

    params = state.weights, state.probes
    (_, loss), gradient = jax.value_and_grad(total, has_aux=True)(params)
    # Optax's schedules mix integers and floats; our own arithmetic stays strict.
    with jax.numpy_dtype_promotion("standard"):
        update = optimizer(recipe).update
        change, moments = update(gradient, state.optimizer, params)
    new: Any = optax.apply_updates(params, change)  # a pytree like them
    return TrainingState(new[0], new[1], moments, state.step + 1, state.opening), loss


_jit = partial(jax.jit, static_argnames=("run",), compiler_options=QUICK_TO_COMPILE)
_next_batch, _next_state = _jit(next_batch), _jit(next_state)


@partial(jax.jit, static_argnames=("run", "count"))
def _scan(
    run: TrainingRun, state: TrainingState, count: int
) -> tuple[TrainingState, Float[Array, ""]]:
    def step(state: TrainingState, _: None) -> tuple[TrainingState, Float[Array, ""]]:
        return next_state(run, state, next_batch(run, state))

    state, losses = jax.lax.scan(step, state, None, length=count)
    return state, losses.mean()


def train(
    model: CausalModel,
    recipe: Recipe | None = None,
    *,
    state: TrainingState | None = None,
    history: tuple[Check, ...] = (),
    on_check: OnCheck | None = None,
    on_step: OnStep | None = None,
) -> Result:
    """Return a trained transformer with the circuit of a causal model.

    Args:
        model: the causal model that the transformer learns.
        recipe: the settings of the training; the defaults if None.
        state: the state to continue from; the beginning if None.
        history: the checks so far.
        on_check: called after every check (to save, to show figures).
        on_step: called with (steps done, steps) as it goes on.

    Raises:
        InputError: the transformer is too small for the circuit.
    """
    return train_run(
        prepare(model, recipe or Recipe()), state, history, on_check, on_step
    )


def train_run(
    run: TrainingRun,
    state: TrainingState | None = None,
    history: tuple[Check, ...] = (),
    on_check: OnCheck | None = None,
    on_step: OnStep | None = None,
) -> Result:
    """Return the result of a prepared run; see `train`."""
    recipe = run.recipe
    state = state or start(run)
    good = state
    while int(state.step) < recipe.steps and not is_done(run, state, history):
        count = min(recipe.check_every, recipe.steps - int(state.step))
        state, loss = advance(run, state, count, on_step)
        if on_step is not None:
            on_step(int(state.step), recipe.steps)
        if not np.isfinite(loss):
            return finish(run, good, history, "diverged")
        check = run.checker(
            Transformer(run.config, state.weights), int(state.step), loss
        )
        state = open_early(recipe, state, check)
        good, history = state, (*history, check)
        if on_check is not None:
            on_check(run, state, history)
    passed = bool(history) and history[-1].passes(recipe)
    return finish(run, state, history, "passed" if passed else "budget")


def open_early(recipe: Recipe, state: TrainingState, check: Check) -> TrainingState:
    """Return the state in its opening phase once the circuit alone is right enough."""
    waits = int(state.opening) > check.step
    if not waits or check.all_edges < recipe.open_at:
        return state
    return state._replace(opening=jnp.asarray(check.step, jnp.int32))


def is_done(run: TrainingRun, state: TrainingState, history: tuple[Check, ...]) -> bool:
    """Return whether the opening phase is over and the last check passed."""
    is_open = int(state.step) >= int(state.opening) + run.recipe.opening_steps
    return is_open and bool(history) and history[-1].passes(run.recipe)


def finish(
    run: TrainingRun, state: TrainingState, history: tuple[Check, ...], outcome: str
) -> Result:
    """Return the result of a run that has ended."""
    return Result(run, freeze(state.weights), history, outcome)
