"""Which inputs a batch draws."""

import jax
import numpy as np
import pytest

from tests.zoo.causal.test_tabular import make
from zoo.causal.pool import draw_donors, draw_inputs, draw_key, make_pool

COUNT = 4000


@pytest.fixture(scope="module")
def pool():
    model = make("maximum")
    return make_pool(model, model.inputs(2000, 0)[0])


def draw(pool, share):
    """Return (donor inputs, base inputs) as indices."""
    base, donor = jax.random.split(draw_key(3))
    bases = draw_inputs(pool, base, COUNT)
    return np.asarray(draw_donors(pool, donor, bases, share)), np.asarray(bases)


def test_without_a_share_donors_are_drawn_like_bases(pool):
    found, _ = draw(pool, 0.0)
    key = jax.random.split(draw_key(3))[1]
    assert (found == np.asarray(draw_inputs(pool, key, COUNT))).all()


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_share_of_donors_is_as_long_as_its_base(pool, share):
    lengths = np.asarray(pool.lengths)
    plain, bases = draw(pool, 0.0)
    found, _ = draw(pool, share)
    chance = (lengths[plain] == lengths[bases]).mean()
    expected = share + (1 - share) * chance
    alike = lengths[found] == lengths[bases]
    assert alike.mean() == pytest.approx(expected, abs=0.04)
    if share == 1.0:  # all inputs of a length can be drawn, its first and last too
        every = np.flatnonzero(lengths == 2)
        assert set(found[lengths[bases] == 2]) == set(every)
