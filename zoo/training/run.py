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
from compiler.machine.weights import Weights, init, reduced
from zoo.causal.model import CausalModel, computed_variables
from zoo.causal.pool import Pool, make_pool, split_inputs
from zoo.causal.splits import split_space
from zoo.causal.strata import make_space
from zoo.training.examples import Layout, make_layout
from zoo.training.hard import Hard, nothing_hard
from zoo.training.held_out import Checker
from zoo.training.loss import Probes
from zoo.training.placement import Placement, make_config, place
from zoo.training.recipe import Recipe
from zoo.training.sizes import sized

__getattr__ = keep_old_names(__name__, Run="TrainingRun", State="TrainingState")


class TrainingState(NamedTuple):
    """What changes during training.

    Attributes:
        weights: float32, the parameters: `expand` makes the transformer's arrays.
        probes: linear probes for the variables, used while the circuit is learnt.
        optimizer: the moments of the optimizer.
        step: number of steps so far.
        opening: the step at which the opening phase begins.
        average: the moving average of the weights, None if the recipe has none.
        hard: hard examples of the last check, None if the recipe replays none.
    """

    weights: Weights
    probes: Probes
    optimizer: Any
    step: Any
    opening: Any
    average: Weights | None = None
    hard: Hard | None = None

    @property
    def result(self) -> Weights:
        """The parameters that are checked, and that the model gets in the end."""
        return self.weights if self.average is None else self.average


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
        held_out: inputs that no batch draws, unless there are few inputs.
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
    held_out: Pool
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
    pool, held_out, disjoint = draw_pools(model, recipe)
    checker = Checker(model, config, recipe, layout, held_out, pool)
    fixed = model, recipe, config, placement, layout
    return TrainingRun(*fixed, pool, held_out, checker, disjoint)


def draw_pools(model: CausalModel, recipe: Recipe) -> tuple[Pool, Pool, bool]:
    """Return (inputs to train on, held-out inputs, whether the two are disjoint)."""
    seed = recipe.inputs_seed
    if recipe.stratified:
        return split_space(model, make_space(model, seed), seed)
    ids, _ = model.inputs(recipe.inputs, seed)
    seen, held_out, disjoint = split_inputs(ids, seed)
    return make_pool(model, seen), make_pool(model, held_out), disjoint


def start(run: TrainingRun) -> TrainingState:
    """Return the state before the first step."""
    drawn = reduced(init(run.config, run.recipe.seed), run.config)
    weights = Weights(*map(jnp.asarray, drawn))
    shape = len(run.model.variables), run.config.d_model
    size = max(v.size for v in computed_variables(run.model))
    zeros = np.zeros((*shape, size), np.float32), np.zeros((shape[0], size), np.float32)
    probes = Probes(*(jnp.asarray(a) for a in zeros))
    readers, sources = run.layout.outside.shape
    return TrainingState(
        weights,
        probes,
        jax.jit(optimizer(run.recipe).init)((weights, probes)),
        jnp.zeros((), jnp.int32),
        jnp.asarray(run.recipe.circuit_steps, jnp.int32),
        weights if run.recipe.average else None,
        nothing_hard(readers, sources) if run.recipe.replay else None,
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
