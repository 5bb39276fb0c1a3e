"""What is patched in: another run's writes, zeros, or means."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import programs
from compiler.pipeline import read_source
from zoo.causal.pool import draw_key
from zoo.training.examples import INTERCHANGE, NODES, draw_batch, kinds_of
from zoo.training.recipe_file import RECIPES, change, read_recipe
from zoo.training.replacements import (
    DONOR,
    MEAN,
    ZERO,
    draw_mixed,
    mean_writes,
    mix_writes,
    patched_places,
    replace_writes,
)
from zoo.training.run import prepare
from zoo.training.session import causal_model

ROBUST = read_recipe(RECIPES / "robust.toml")


def test_each_kind_patches_in_what_it_says():
    rng = np.random.default_rng(0)
    writes = rng.standard_normal((6, 3, 4, 2)).astype(np.float32)
    live = np.arange(4) < np.array([4, 4, 4, 3, 2, 0])[:, None]
    kinds = np.array([DONOR, ZERO, MEAN, MEAN, DONOR, ZERO])
    found = np.asarray(
        replace_writes(jnp.asarray(writes), jnp.asarray(live), jnp.asarray(kinds))
    )
    np.testing.assert_array_equal(found[[0, 4]], writes[[0, 4]])
    assert (found[[1, 5]] == 0).all()
    every = np.stack([writes[n, :, p] for n, p in np.argwhere(live)]).mean(0)
    first = writes[:5, :, 1].mean(0)
    np.testing.assert_allclose(found[2][:, 1], first, atol=1e-6)
    np.testing.assert_allclose(found[2][:, 3], every, atol=1e-6)  # of three runs only
    np.testing.assert_array_equal(found[3], found[2])


def test_constants_act_everywhere_and_leave_bos_to_the_edges():
    kinds = jnp.asarray([DONOR, ZERO, MEAN, ZERO])
    of_edges = jnp.asarray([True, True, True, False])
    found = patched_places(jnp.asarray([2, 2, 3, 1]), kinds, of_edges, 4)
    assert np.asarray(found).astype(int).tolist() == [
        [1, 1, 0, 0],
        [0, 1, 1, 1],
        [0, 1, 1, 1],
        [1, 1, 1, 1],
    ]


@pytest.fixture(scope="module")
def run():
    model = causal_model(read_source(programs.find("maximum"), (1, 2, 3), 4))
    sizes = {"batch": 1000, "d_model": 8, "n_layers": 1, "pairs": 8}
    shares = {"zeros": 0.3, "means": 0.2}
    return prepare(model, change(ROBUST, {**sizes, **shares}))


def test_the_shares_of_strict_examples_are_drawn(run):
    recipe, fixed = run.recipe, (run.model, run.recipe, run.layout, run.pool)
    draw = jax.jit(draw_batch, static_argnums=(0, 1, 2))
    batch = draw(*fixed, draw_key(1), jnp.zeros(()))
    kinds, replaced = kinds_of(recipe), np.asarray(batch.replaced)
    strict = replaced[kinds != INTERCHANGE]
    assert (replaced[kinds == INTERCHANGE] == DONOR).all()
    for kind, share in ((ZERO, 0.3), (MEAN, 0.2), (DONOR, 0.5)):
        assert (strict == kind).mean() == pytest.approx(share, abs=0.05)
    nodes = (kinds == NODES) & (replaced == ZERO)
    assert np.asarray(batch.where)[nodes].all()


def test_means_over_places_are_those_of_enough_runs_or_of_all():
    writes = jnp.ones((3, 1, 2, 1)) * jnp.arange(3.0)[:, None, None, None]
    found = mean_writes(writes, jnp.ones((3, 2), bool))
    np.testing.assert_allclose(np.asarray(found), 1.0)


def test_mixed_writes_come_from_the_runs_that_are_drawn():
    rng = np.random.default_rng(1)
    size, sources, n_ctx = 5, 3, 4
    writes = rng.standard_normal((size, sources, n_ctx, 2)).astype(np.float32)
    lengths = np.array([4, 2, 3, 4, 1], np.int32)
    mixed = np.array([False, True, True, False, True])
    steps = draw_mixed(draw_key(3), jnp.asarray(mixed), sources, n_ctx)
    found = mix_writes(jnp.asarray(writes), jnp.asarray(lengths), steps)
    kept, moved = np.asarray(steps), 0
    assert (kept[~mixed] == 0).all()
    for n, s, p in np.ndindex(size, sources, n_ctx):
        run = (n + kept[n, s, p]) % size
        run = run if p < lengths[run] else n
        moved += run != n
        np.testing.assert_array_equal(np.asarray(found)[n, s, p], writes[run, s, p])
    assert moved


def test_without_shares_no_batch_says_what_replaces_writes(run):
    plain = change(run.recipe, {"zeros": 0.0, "means": 0.0})
    drawn = run.pool, draw_key(0), jnp.zeros(())
    batch = jax.eval_shape(partial(draw_batch, run.model, plain, run.layout), *drawn)
    assert batch.replaced is None
