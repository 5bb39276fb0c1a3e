"""The training loop: steps, checks, when the opening phase begins, when it stops.

The random key of a step depends only on the seed and the number of the step. So a
resumed run draws the same batches and ends with the same bits as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from compiler.lower.tuple_logits import additive
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.transformer import Transformer
from compiler.machine.weights import Weights, expand, freeze
from zoo.causal.model import CausalModel
from zoo.causal.pool import Pool, draw_key
from zoo.causal.tabular import TabularModel
from zoo.training.check import Check
from zoo.training.examples import INTERCHANGE, TrainingBatch, draw_batch, kinds_of
from zoo.training.loss import (
    Probes,
    attending_loss,
    batch_loss,
    decoding_loss,
    margin_loss,
    unshifted,
)
from zoo.training.matching import attention_matching_loss, matching_loss
from zoo.training.mining import mine
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
        state, mean = _scan(run, state, run.pool, count)
        return state, float(mean)
    losses = []
    begun = 0 if on_step is None else int(state.step)
    for number in range(count):
        if on_step is not None:
            on_step(begun + number, run.recipe.steps)
        state, loss = _next_state(run, state, _next_batch(run, state, run.pool))
        losses.append(loss)
    return state, float(np.mean(jax.device_get(losses)))


def next_batch(
    run: TrainingRun,
    state: TrainingState,
    pool: Pool | None = None,
    key: Array | None = None,
) -> TrainingBatch:
    """Return the batch of the step that comes next.

    Args:
        run: the run, with its recipe.
        state: the state, with the number of the step.
        pool: the run's pool. Compiled functions are given it as an argument: as a part
            of the run it would be a constant of the code, with all its inputs.
        key: the random key of the run; made of the recipe's seed by default.
    """
    pool = run.pool if pool is None else pool
    key = draw_key(run.recipe.seed) if key is None else key
    key = jax.random.fold_in(key, state.step)
    closed = closed_share(run.recipe, state)
    fixed = run.model, run.recipe, run.layout
    return draw_batch(*fixed, pool, key, closed, state.hard)


def next_state(
    run: TrainingRun, state: TrainingState, batch: TrainingBatch
) -> tuple[TrainingState, Float[Array, ""]]:
    """Return the state after one step, and its loss."""
    recipe, sources_of = run.recipe, run.layout.sources_of
    closed = closed_share(recipe, state)

    def total(params: tuple[Weights, Probes]) -> tuple[Array, Array]:
        weights, probes = params
        transformer = Transformer(run.config, expand(weights, run.config))
        patched, donors, loss = batch_loss(
            transformer, run.model.readout, batch, recipe.donor_gradient
        )
        reading = decoding_loss(probes, patched.writes, sources_of, batch)
        whole = loss + recipe.decoding * closed * reading
        whole += _further_losses(run, transformer, patched.logits, donors, batch)
        if batch.selected is not None:
            looking = attending_loss(transformer, donors, sources_of, batch)
            whole += recipe.attending * closed * looking
        return whole, loss

    params = state.weights, state.probes
    (_, loss), gradient = jax.value_and_grad(total, has_aux=True)(params)
    # Optax's schedules mix integers and floats; our own arithmetic stays strict.
    with jax.numpy_dtype_promotion("standard"):
        update = optimizer(recipe).update
        change, moments = update(gradient, state.optimizer, params)
    new: Any = optax.apply_updates(params, change)  # a pytree like them
    new = each_task_by_itself(run, new[0]), new[1]
    after = state._replace(
        weights=new[0],
        probes=new[1],
        optimizer=moments,
        step=state.step + 1,
        average=_average(recipe, state, new[0]),
    )
    return after, loss


def each_task_by_itself(run: TrainingRun, weights: Weights) -> Weights:
    """Return weights whose logits of tuples are sums of one logit for each task."""
    sizes = run.model.task_sizes if isinstance(run.model, TabularModel) else ()
    if not sizes:
        return weights
    W_U, b_U = additive(weights.W_U, sizes), additive(weights.b_U, sizes)
    return weights._replace(W_U=W_U, b_U=b_U)


def _further_losses(
    run: TrainingRun,
    transformer: Transformer,
    logits: Float[Array, "batch ctx class"],
    donors: Float[Array, "batch source ctx d_model"],
    batch: TrainingBatch,
) -> Float[Array, ""]:
    """Return the losses for margins, and for what is outside to look like the circuit.

    Attention is compared in the interchange examples only: their donor runs have no
    shifted positions, and patterns cost as much as the layers that they are from.
    """
    recipe, within, whole = run.recipe, run.recipe.alive_within, jnp.zeros(())
    if recipe.margin:
        missing = margin_loss(run.model.readout, logits, batch, recipe.margin)
        whole += recipe.margin_weight * missing
    live = unshifted(batch, run.config.pad_id)
    if recipe.alive:
        apart = matching_loss(transformer, run.layout, donors, live, within)
        whole += recipe.alive * apart
    rows = np.flatnonzero(kinds_of(recipe) == INTERCHANGE)
    if recipe.alive_attention and len(rows):
        some = slice(rows[0], rows[-1] + 1)
        runs = batch.donor_ids[some], donors[some], live[some]
        apart = attention_matching_loss(transformer, run.layout, *runs, within)
        whole += recipe.alive_attention * apart
    return whole


def _average(recipe: Recipe, state: TrainingState, new: Weights) -> Weights | None:
    """Return the moving average of the weights, over fewer steps at the beginning."""
    if state.average is None:
        return None
    done = state.step.astype(jnp.float32)
    kept = jnp.minimum(recipe.average, (done + 1.0) / (done + 10.0))
    mixed = [kept * a + (1 - kept) * b for a, b in zip(state.average, new, strict=True)]
    return Weights(*mixed)


_jit = partial(jax.jit, static_argnames=("run",), compiler_options=QUICK_TO_COMPILE)
_next_batch, _next_state = _jit(next_batch), _jit(next_state)


@partial(jax.jit, static_argnames=("run", "count"))
def _scan(
    run: TrainingRun, state: TrainingState, pool: Pool, count: int
) -> tuple[TrainingState, Float[Array, ""]]:
    def step(state: TrainingState, _: None) -> tuple[TrainingState, Float[Array, ""]]:
        return next_state(run, state, next_batch(run, state, pool))

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
        state, check = check_state(run, state, loss)
        good, history = state, (*history, check)
        if on_check is not None:
            on_check(run, state, history)
    passed = bool(history) and history[-1].passes(recipe)
    return finish(run, state, history, "passed" if passed else "budget")


def check_state(
    run: TrainingRun, state: TrainingState, loss: float
) -> tuple[TrainingState, Check]:
    """Return the state with new hard examples and maybe opened, and its check.

    Args:
        run: what is trained.
        state: the state that is checked.
        loss: the mean loss since the last check.
    """
    recipe, step = run.recipe, int(state.step)
    weights = expand(state.result, run.config)
    check = run.checker(Transformer(run.config, weights), step, loss)
    if recipe.stratified:
        hard, found = mine(run, weights, step)
        adversary = found.adversary if recipe.adversary_at_least else None
        check = replace(
            check, wrong=found.wrong, searched=found.searched, adversary=adversary
        )
        state = state._replace(hard=hard if recipe.replay else None)
    return open_early(recipe, state, check), check


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
    return Result(run, freeze(expand(state.result, run.config)), history, outcome)
