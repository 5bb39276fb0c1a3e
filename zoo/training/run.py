"""A training run: what is fixed, what changes, and how both begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from compiler.deprecation import keep_old_names
from compiler.machine.config import Config
from compiler.machine.weights import Weights, init
from zoo.causal.model import CausalModel
from zoo.causal.pool import Pool, make_pool, split_inputs
from zoo.training.examples import Layout, make_layout
from zoo.training.held_out import Checker
from zoo.training.loss import Probes
from zoo.training.placement import Placement, make_config, place
from zoo.training.recipe import Recipe, sized

__getattr__ = keep_old_names(__name__, Run="TrainingRun", State="TrainingState")


class TrainingState(NamedTuple):
    """What changes during training.

    Attributes:
        weights: float32.
        probes: linear probes for the variables, used while the circuit is learnt.
        optimizer: the moments of the optimizer.
        step: number of steps so far.
        opening: the step at which the opening phase begins.
    """

    weights: Weights
    probes: Probes
    optimizer: Any
    step: Any
    opening: Any


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """Everything that is fixed during training.

    Attributes:
        model: the causal model that is learnt.
        recipe: the settings, with every size filled in.
        config: the transformer's shape.
        placement: the node of each variable, and the circuit that follows.
        layout: the circuit as arrays.
        pool: the inputs that batches are drawn from.
        checker: the figures on held-out inputs.
        disjoint: whether the held-out inputs are not trained on; if there are few
            inputs, all of them are in both.
    """

    model: CausalModel
    recipe: Recipe
    config: Config
    placement: Placement
    layout: Layout
    pool: Pool
    checker: Checker
    disjoint: bool


def prepare(model: CausalModel, recipe: Recipe) -> TrainingRun:
    """Return the run of a recipe: sizes, placement, inputs.

    Raises:
        InputError: the transformer is too small for the circuit.
    """
    recipe = sized(recipe, model)
    config = make_config(model, recipe)
    placement = place(model, config, recipe)
    layout = make_layout(model, config, placement)
    ids, _ = model.inputs(recipe.inputs, recipe.inputs_seed)
    seen, held_out, disjoint = split_inputs(ids, recipe.inputs_seed)
    pool = make_pool(model, seen)
    checker = Checker(model, config, recipe, layout, make_pool(model, held_out))
    return TrainingRun(
        model, recipe, config, placement, layout, pool, checker, disjoint
    )


def start(run: TrainingRun) -> TrainingState:
    """Return the state before the first step."""
    weights = Weights(*map(jnp.asarray, init(run.config, run.recipe.seed)))
    shape = len(run.model.variables), run.config.d_model
    size = max(v.size for v in run.model.variables)
    zeros = np.zeros((*shape, size), np.float32), np.zeros((shape[0], size), np.float32)
    probes = Probes(*(jnp.asarray(a) for a in zeros))
    return TrainingState(
        weights,
        probes,
        jax.jit(optimizer(run.recipe).init)((weights, probes)),
        jnp.zeros((), jnp.int32),
        jnp.asarray(run.recipe.circuit_steps, jnp.int32),
    )


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
