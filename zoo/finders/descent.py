"""Subspaces learned by gradient descent: one compiled scan for all DAS finders.

The objective is the loss of the interchanged outputs against the causal model's.
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
from jaxtyping import Array, Float, Int

from compiler.lower.readout import Readout
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.rerun.packed import times
from compiler.machine.rerun.rerun import BaseRuns, perturbed_logits, stack, unstack
from zoo.alignment.interchanges import Interchanges
from zoo.alignment.patching import Runs, run_both
from zoo.alignment.places import Place, find_place
from zoo.cases.adam import follow
from zoo.cases.case import Case
from zoo.causal.outputs import position_losses

ROWS = 64
"""Pairs of a step."""


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["transformer"],
    meta_fields=["readout", "place"],
)
@dataclass(frozen=True, eq=False)
class SearchSite:
    """A place in a transformer, and how its logits are turned into values; a pytree."""

    transformer: Any
    readout: Readout
    place: Place


class InterchangeExamples(NamedTuple):
    """Pairs of runs, and the outputs that they are to have.

    Attributes:
        base: the base runs, with pairs as rows.
        change: [d_model, ctx, pair] what the site holds in the donor runs, less that
            in the base runs.
        where: [pair, ctx] positions that are patched.
        labels: [pair, ctx] outputs then, -1 for none.
        same: [pair, ctx] positions at which the variable holds the same.
        kept: [pair, ctx] outputs without a patch.
    """

    base: BaseRuns
    change: Any
    where: Any
    labels: Any
    same: Any
    kept: Any

    def take(self, rows: Int[Array, " row"]) -> InterchangeExamples:
        """Return some of the pairs."""
        base, change, *rest = self
        base, change = jax.tree.map(lambda part: part[..., rows], (base, change))
        return InterchangeExamples(base, change, *(part[rows] for part in rest))


# (parameters, share of the steps done, site, examples) -> loss
SearchObjective = Callable[..., Float[Array, ""]]


def examples_of(pairs: Interchanges, runs: Runs, place: Place) -> InterchangeExamples:
    """Return pairs and runs as a descent at a site takes them."""
    labels = pairs.where, pairs.after, pairs.same, pairs.before
    found = InterchangeExamples(runs.base, stack(runs.change(place)), *labels)
    return jax.tree.map(jnp.asarray, found)


def interchange_loss(
    site: SearchSite,
    rows: InterchangeExamples,
    where: Array,
    labels: Array,
    turn: Float[Array, "d_model d_model"],
    share: Float[Array, " d_model"],
) -> Float[Array, ""]:
    """Return the mean loss over the outputs that have a label.

    Args:
        site: where the runs are patched.
        rows: the pairs.
        where: [pair, ctx] positions that are patched.
        labels: [pair, ctx] outputs that the patched runs are to have, -1 for none.
        turn: orthonormal rows, or rows of zeros.
        share: how much of each row's direction is taken, from 0 to 1.
    """
    change = jnp.where(where.T, rows.change, 0.0)
    moved = times(turn, times(turn.T, change) * share[:, None, None])
    given = site.transformer, rows.base, site.place.target
    logits = unstack(perturbed_logits(*given, moved))
    losses = position_losses(site.readout, logits, jnp.maximum(labels, 0))
    valid = labels >= 0
    count = jnp.maximum(valid.sum(), 1).astype(losses.dtype)
    return jnp.where(valid, losses, 0.0).sum() / count


def orthonormal(matrix: Float[Array, "d_model k"]) -> Float[Array, "d_model k"]:
    """Return the Q of the QR decomposition: a basis of the columns' span."""
    return jnp.linalg.qr(matrix)[0]


def descend(
    case: Case,
    site: str,
    pairs: Interchanges,
    objective: SearchObjective,
    parameters: dict[str, Any],
    seed: int,
    *,
    steps: int,
    rate: float,
) -> dict[str, np.ndarray]:
    """Return the parameters after some steps of Adam down an objective.

    Args:
        case: the model.
        site: the name of the site.
        pairs: inputs with the outputs that they are to have; a step takes some.
        objective: a function at the top of a module, so that it is compiled once.
        parameters: where to start.
        seed: of the pairs of each step.
        steps: how many.
        rate: of learning; it falls to 0 along a cosine.
    """
    place = find_place(case.config, site)
    examples = examples_of(pairs, run_both(case, pairs), place)
    at = SearchSite(case.transformer, case.model.readout, place)
    key = jax.random.key(seed)
    start = {n: jnp.asarray(p, jnp.float32) for n, p in parameters.items()}
    found = _descend(at, examples, start, key, objective, steps, rate)
    return {name: np.asarray(array, np.float64) for name, array in found.items()}


@partial(
    jax.jit,
    static_argnames=("objective", "steps", "rate"),
    compiler_options=QUICK_TO_COMPILE,
)
def _descend(
    site: SearchSite,
    examples: InterchangeExamples,
    parameters: Any,
    key: Any,
    objective: SearchObjective,
    steps: int,
    rate: float,
) -> Any:
    count = len(examples.where)

    def gradient(values: Any, now: Any) -> Any:
        number, own = now
        rows = jax.random.randint(own, (ROWS,), 0, count)
        done = number.astype(jnp.float32) / steps
        return jax.grad(objective)(values, done, site, examples.take(rows))

    every = (jnp.arange(steps), jax.random.split(key, steps))
    falling = optax.cosine_decay_schedule(rate, steps)
    return follow(gradient, parameters, every, falling)
