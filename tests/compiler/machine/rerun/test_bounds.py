"""Radii: within them no output changes, and that is a theorem, not a figure."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compiler.machine.forward import forward_batch
from compiler.machine.rerun import bounds
from compiler.machine.rerun.bounds import (
    CURVATURE,
    curvatures,
    has_radii,
    radii,
    winners,
)
from compiler.machine.rerun.packed import pack, take
from compiler.machine.rerun.rerun import (
    MLP_AND_RESIDUAL,
    MLP_ONLY,
    RESIDUAL_ONLY,
    last_logits,
    pack_runs,
)
from tests.compiler.machine.reference import CONFIGS, draw_transformer

CONFIG = replace(CONFIGS["causal"], n_layers=2, pad_id=0, d_vocab_out=4, d_mlp=9)


class Case:
    def __init__(self) -> None:
        rng = self.rng = np.random.default_rng(5)
        drawn = draw_transformer(CONFIG, rng)
        # Winners that win by something, as after training.
        drawn = drawn.with_arrays(W_U=4 * drawn.weights.W_U)
        self.transformer = drawn.in_jax()
        ids = jnp.asarray(rng.integers(1, CONFIG.d_vocab, (40, CONFIG.n_ctx)))
        run = forward_batch(self.transformer, ids)
        self.packing = pack(CONFIG, [CONFIG.n_ctx] * len(ids))
        self.runs = pack_runs(self.transformer, self.packing, run.writes)
        self.logits = take(self.packing, run.logits)
        self.curvature = curvatures(self.transformer.weights)
        self.radius = radii(self.transformer, self.runs, self.logits, self.curvature)

        front = self.runs.stream[-2]
        self.after = jax.jit(partial(last_logits, self.transformer, front))
        self.winners = jax.jit(partial(winners, self.transformer, self.runs))

    def directions(self):
        """Random ones, and those in which each class gains most."""
        shape = self.runs.stream[-2].shape
        yield from self.rng.standard_normal((20, *shape))
        steepest = jax.jit(jax.grad(self.gain))
        for number in range(CONFIG.d_vocab_out):
            yield np.asarray(steepest(jnp.zeros(shape), number))

    def gain(self, moved, number):
        logits = self.after(moved, MLP_AND_RESIDUAL)
        return (logits[number] - logits.max(0)).sum()


@pytest.fixture(scope="module")
def case():
    return Case()


@pytest.mark.parametrize("path", [MLP_AND_RESIDUAL, MLP_ONLY, RESIDUAL_ONLY])
def test_no_output_changes_within_the_radius(case, path):
    reach = np.asarray(case.radius[path])
    assert (reach > 0).mean() > 0.9 and np.isfinite(reach).all()
    winner = np.asarray(case.logits.argmax(0))
    changed = 0
    for direction in case.directions():
        length = np.sqrt((direction**2).sum(0))
        unit = direction / np.maximum(length, 1e-30)
        for share in (0.3, 1.0):
            after = case.after(jnp.asarray(unit * reach * share), path)
            assert (np.asarray(after.argmax(0)) == winner).all()
        far = case.after(jnp.asarray(unit * (reach + 0.05) * 20), path)
        changed += int((np.asarray(far.argmax(0)) != winner).sum())
    assert changed > 0  # there was something to be wrong about


def test_without_an_mlp_between_the_radius_is_exact(case):
    """Where only the residual stream beside the MLP moves, logits are linear in it."""
    U = np.asarray(case.transformer.weights.W_U)
    logits = np.asarray(case.logits)
    reach = np.asarray(case.radius[RESIDUAL_ONLY])
    for place, row in np.ndindex(*reach.shape):
        here = logits[:, place, row]
        best = here.argmax()
        slack = 1e-3 * (1 + np.abs(here).max())
        exact = min(
            max(here[best] - here[c] - slack, 0) / np.linalg.norm(U[:, c] - U[:, best])
            for c in range(len(here))
            if c != best
        )
        np.testing.assert_allclose(reach[place, row], exact, rtol=1e-9)


def test_the_remainder_is_within_its_bound(case):
    """Taylor's theorem at random inputs of the MLP, against the eigenvalues."""
    seen = case.rng.standard_normal((CONFIG.d_model, 1, 1))

    @jax.jit
    def gaps(seen):
        nothing = jnp.zeros_like(seen)
        logits = last_logits(case.transformer, nothing, seen, MLP_ONLY)[:, 0, 0]
        return logits[:, None] - logits[None]

    slope = np.asarray(jax.jit(jax.jacobian(gaps))(jnp.asarray(seen))[..., 0, 0])
    for step in case.rng.standard_normal((200, CONFIG.d_model)):
        moved = np.asarray(gaps(seen + step[:, None, None])) - np.asarray(gaps(seen))
        rest = np.abs(moved - slope @ step)
        bound = CURVATURE / 2 * case.curvature * (step @ step)
        assert (rest <= bound + 1e-9).all()


def test_with_many_classes_the_bound_is_looser(case, monkeypatch):
    monkeypatch.setattr(bounds, "MANY", 2)
    looser = curvatures(case.transformer.weights)
    others = ~np.eye(len(looser), dtype=bool)
    assert (looser >= case.curvature)[others].all()
    assert (looser <= 3 * case.curvature)[others].all()


def test_curvature_is_the_largest_second_derivative_of_gelu():
    x = jnp.linspace(-6, 6, 4001)
    bend = jax.vmap(
        jax.grad(jax.grad(lambda h: 0.5 * h * (1 + jax.lax.erf(h / 2**0.5))))
    )
    found = float(jnp.abs(bend(x)).max())
    np.testing.assert_allclose(CURVATURE, found, rtol=1e-9)


@pytest.mark.parametrize("path", [MLP_AND_RESIDUAL, MLP_ONLY, RESIDUAL_ONLY])
@pytest.mark.parametrize("size", [0.0, 0.05, 0.5, 5.0])
def test_winners_are_those_of_the_last_mlp(case, path, size):
    moved = size * case.rng.standard_normal(case.runs.stream[-2].shape)
    moved = jnp.asarray(moved)
    asked = jnp.asarray(case.rng.random(moved.shape[1:]) < 0.7)
    before = case.logits.argmax(0)
    found = np.asarray(case.winners(moved, path, before, case.radius, asked))
    exact = np.asarray(case.after(moved, path).argmax(0))
    assert (found == exact)[asked].all()
    assert (found == np.asarray(before))[~asked].all()


def test_what_is_no_number_is_not_taken_for_a_small_movement(case):
    moved = jnp.full(case.runs.stream[-2].shape, jnp.nan)
    before = case.logits.argmax(0)
    asked = jnp.ones(before.shape, bool)
    found = case.winners(moved, MLP_AND_RESIDUAL, before, case.radius, asked)
    exact = case.after(moved, MLP_AND_RESIDUAL).argmax(0)
    assert bool((found == exact).all()) and bool((found != before).any())
    nowhere = jnp.full_like(case.radius, jnp.nan)
    moved = 9.0 * jnp.ones_like(moved)
    found = case.winners(moved, MLP_AND_RESIDUAL, before, nowhere, asked)
    assert bool((found == case.after(moved, MLP_AND_RESIDUAL).argmax(0)).all())


def test_only_gelu_without_layernorm_has_radii():
    assert has_radii(CONFIG)
    assert not has_radii(replace(CONFIG, act="relu"))
    assert not has_radii(replace(CONFIG, norm="pre"))
