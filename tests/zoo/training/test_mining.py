"""Hard examples are the hardest, and the adversary does what it is said to."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import programs
from compiler.lower.readout import Readout
from compiler.machine.forward import forward, forward_batch
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer
from compiler.pipeline import read_source
from zoo.causal.outputs import is_right, position_margins
from zoo.causal.pool import draw_key
from zoo.causal.runs import donor_writes
from zoo.training import mining
from zoo.training.examples import HARD_INPUT, HARD_PATCH, draw_batch, kinds_of
from zoo.training.hard import KEPT
from zoo.training.recipe_file import RECIPES, change, read_recipe
from zoo.training.replacements import DONOR
from zoo.training.run import prepare, start
from zoo.training.session import causal_model

ROBUST = read_recipe(RECIPES / "robust.toml")
draw = jax.jit(draw_batch, static_argnums=(0, 1, 2))


@pytest.fixture(scope="module")
def run():
    model = causal_model(read_source(programs.find("maximum"), (1, 2, 3, 4), 5))
    small = {"d_model": 8, "n_layers": 1, "pairs": 8, "batch": 64, "replay": 0.5}
    return prepare(model, change(ROBUST, small))


@pytest.fixture(scope="module")
def weights(run):
    rng = np.random.default_rng(0)
    drawn = [a + 0.3 * rng.standard_normal(a.shape) for a in start(run).weights]
    return type(start(run).weights)(*(jnp.asarray(a, jnp.float32) for a in drawn))


@pytest.fixture(scope="module")
def mined(run, weights):
    return mining.mine(run, weights, 7)


def test_the_hardest_inputs_have_the_smallest_margins(run, weights, mined):
    hard, found = mined
    assert found.searched <= mining.SAMPLE and found.wrong > 0
    ids = np.asarray(run.pool.ids)
    labels = np.asarray(run.pool.values[:, run.layout.output])

    def margins(rows):
        logits = forward_batch(Transformer(run.config, weights), ids[rows]).logits
        each = position_margins(run.model.readout, logits, np.maximum(labels[rows], 0))
        return np.where(labels[rows] >= 0, each, np.inf).min(1)

    hardest = np.sort(margins(np.unique(hard.inputs)))
    others = margins(np.random.default_rng(0).integers(len(ids), size=500))
    assert hardest.max() <= np.quantile(others, 0.25)
    rows = np.arange(50)
    searched = mining.input_margins(run, weights, run.pool, rows)
    np.testing.assert_allclose(searched, margins(rows), rtol=1e-4, atol=1e-5)


def test_the_adversary_never_does_less_than_patching_everything(run, weights):
    margins, patches = mining._attack(run, run.pool, weights, draw_key(5))
    transformer, outside = Transformer(run.config, weights), run.layout.outside
    pool, labels = run.pool, np.asarray(run.pool.values[:, run.layout.output])
    edges = np.asarray(patches.edges)
    assert not (edges & ~outside).any()
    chosen = 0
    run_one = jax.jit(forward)
    for n in np.flatnonzero(np.asarray(patches.replaced) == DONOR)[:8]:
        base, donor = int(patches.base[n]), int(patches.donor[n])
        shifts = patches.shifts[n : n + 1]
        writes = donor_writes(transformer, pool.ids[donor][None], shifts)[0]
        shared = int(min(pool.lengths[base], pool.lengths[donor]))
        where = np.arange(run.config.n_ctx) < shared

        def margin(mask, base=base, writes=writes, where=where):
            patch = Patch.edges(mask.astype(np.float32), writes, where=where * 1.0)
            logits = run_one(transformer, pool.ids[base], patch).logits
            held = labels[base]
            each = position_margins(run.model.readout, logits, np.maximum(held, 0))
            return np.where((held >= 0) & where, each, np.inf).min()

        assert margin(edges[n]) == pytest.approx(float(margins[n]), abs=1e-3)
        assert margin(edges[n]) <= margin(outside) + 1e-3
        chosen += (edges[n] != outside).any()
    assert chosen > 0


@pytest.mark.parametrize("kind", ["classes", "number", "nullable"])
def test_margins_are_above_zero_exactly_where_an_output_is_right(kind):
    values = (0, 1, 2, None) if kind == "nullable" else (0, 1, 2)
    readout = Readout(kind, values)
    rng = np.random.default_rng(2)
    labels = rng.integers(len(values), size=400)
    logits = rng.standard_normal((400, readout.size)).astype(np.float32)
    if kind != "classes":  # numbers near the right one, some of them near enough
        goal = np.array([0.0 if v is None else v / 2 for v in values])[labels]
        logits[:, 0] = goal + 0.03 * logits[:, 0]
    arrays = jnp.asarray(logits), jnp.asarray(labels)
    right = np.asarray(is_right(readout, *arrays))
    margins = np.asarray(position_margins(readout, *arrays))
    assert 0.1 < right.mean() < 0.9
    np.testing.assert_array_equal(margins > 0, right)


def test_a_batch_takes_its_share_of_what_was_found(run, mined):
    kinds, hard = kinds_of(run.recipe), mined[0]
    fixed = run.model, run.recipe, run.layout, run.pool, draw_key(3)
    found = draw(*fixed, jnp.zeros(()), hard)
    rows = {ids.tobytes() for ids in np.asarray(run.pool.ids)[np.asarray(hard.inputs)]}
    here = [ids.tobytes() in rows for ids in np.asarray(found.ids)]
    assert np.asarray(here)[kinds == HARD_INPUT].all()
    assert not np.asarray(here)[kinds < HARD_INPUT].all()
    masks = {m.tobytes() for m in np.asarray(hard.patches.edges)}
    drawn = np.asarray(found.mask) > 0
    assert all(m.tobytes() in masks for m in drawn[kinds == HARD_PATCH])
    closed = draw(*fixed, jnp.ones(()), hard)
    assert (np.asarray(closed.mask)[kinds == HARD_PATCH] >= run.layout.outside).all()
    assert len(hard.inputs) == len(hard.patches.base) == KEPT


def test_nothing_is_replayed_before_the_first_check(run):
    fixed = run.model, run.recipe, run.layout, run.pool, draw_key(3), jnp.zeros(())
    without, before = draw(*fixed), draw(*fixed, start(run).hard)
    for one, other in zip(without, before, strict=True):
        if one is None or other is None:
            assert one is other
        else:
            assert np.array_equal(one, other)
