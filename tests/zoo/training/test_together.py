"""Runs that are trained together draw and learn what each would alone."""

import jax
import numpy as np
import pytest

import programs
from compiler.errors import InputError
from compiler.pipeline import read_source
from zoo.causal.pool import draw_key
from zoo.training import loop, together
from zoo.training.loop import advance
from zoo.training.recipe import Recipe
from zoo.training.run import prepare, start
from zoo.training.session import causal_model
from zoo.training.sizes import sized
from zoo.training.together import advance_together, stack, train_together, unstack

SEEDS = (3, 5)
SMALL = Recipe(
    steps=20,
    check_every=10,
    batch=8,
    pairs=16,
    d_model=8,
    circuit_steps=5,
    opening_steps=5,
    n_layers=1,
)


@pytest.fixture(scope="module")
def model():
    return causal_model(read_source(programs.find("maximum"), (1, 2), 5))


@pytest.fixture(scope="module")
def runs(model):
    from dataclasses import replace

    return [prepare(model, replace(SMALL, seed=seed)) for seed in SEEDS]


def equal(found, expected, **tolerance):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), **tolerance)


def test_each_draws_the_batch_that_it_draws_alone(runs):
    keys = jax.numpy.stack([draw_key(seed) for seed in SEEDS])
    states, pool = [start(run) for run in runs], runs[0].pool
    drawn = together._next_batches(runs[0], keys, stack(states), pool)
    # The second, because the first is the run that all are trained as.
    equal(unstack(drawn, 1), loop._next_batch(runs[1], states[1], pool), rtol=0)


def test_each_learns_what_it_learns_alone(runs):
    keys = jax.numpy.stack([draw_key(seed) for seed in SEEDS])
    states, losses = advance_together(
        runs[0], keys, stack([start(run) for run in runs]), 5
    )
    alone, loss = advance(runs[1], start(runs[1]), 5)
    assert abs(losses[1] - loss) < 1e-4
    equal(unstack(states, 1).weights, alone.weights, atol=1e-4)


def test_a_result_for_each_seed(model, runs, monkeypatch):
    known = {run.recipe: run for run in runs}
    given = "prepare", lambda model, recipe: known[sized(recipe, model)]
    monkeypatch.setattr(together, *given)  # the same runs: compiled once
    checks = []
    found = train_together(
        model,
        SMALL,
        SEEDS,
        lambda run, _, history: checks.append((run.recipe.seed, history[-1].step)),
    )
    assert [result.run.recipe.seed for result in found] == list(SEEDS)
    assert checks == [(3, 10), (5, 10), (3, 20), (5, 20)]
    assert {result.outcome for result in found} == {"budget"}
    first, second = (result.weights.W_E for result in found)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("seeds", [(), (1, 1)])
def test_seeds_are_there_and_differ(model, seeds):
    with pytest.raises(InputError, match="all different"):
        train_together(model, SMALL, seeds)
