from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.passes.hinges import Hinges, fit_hinges

points = st.lists(st.integers(-20, 20), min_size=1, max_size=8, unique=True).map(sorted)


def evaluate(hinges: Hinges, at: np.ndarray) -> np.ndarray:
    """Return y at some places, by the definition in Hinges."""
    hidden = np.maximum(hinges.sign * (at[:, None] - hinges.place), 0)
    return hidden @ hinges.slope + hinges.base


def draw_values(at: list[int], seed: int, outputs: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3, 4, (len(at), outputs)).astype(float)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("plateau", [False, True])
@given(at=points, seed=st.integers(0, 99), outputs=st.integers(1, 3))
def test_hinges_go_through_every_point(sign, plateau, at, seed, outputs):
    values = draw_values(at, seed, outputs)
    hinges = fit_hinges(np.array(at, float), values, sign=sign, plateau=plateau)
    assert np.allclose(evaluate(hinges, np.array(at, float)), values, atol=1e-9)


@given(at=points, seed=st.integers(0, 99), sign=st.sampled_from([1.0, -1.0]))
def test_plateaus_are_flat_around_every_point_and_beyond(at, seed, sign):
    values = draw_values(at, seed, 2)
    hinges = fit_hinges(np.array(at, float), values, sign=sign, plateau=True)
    for error in (-0.24, 0.24):
        found = evaluate(hinges, np.array(at, float) + error)
        assert np.allclose(found, values, atol=1e-9)
    beyond = evaluate(hinges, np.array([at[0] - 9.0, at[-1] + 9.0]))
    assert np.allclose(beyond, values[[0, -1]], atol=1e-9)


@given(at=points, parts=st.integers(2, 9), sign=st.sampled_from([1.0, -1.0]))
def test_steps_end_exactly_in_float32(at, parts, sign):
    # Of the averages of some tokens: their slopes are high, and a rest would show.
    places = np.array(at, float) / parts
    values = (np.arange(len(at)) % 2)[:, None].astype(float)
    hinges = fit_hinges(places, values, sign=sign, plateau=True)
    place, slope = (
        a.astype(np.float32).astype(float) for a in (hinges.place, hinges.slope)
    )
    kept = Hinges(sign, place, slope, hinges.base)
    for error in (-3 / 16, 3 / 16):
        found = evaluate(kept, places + error / parts)
        assert np.allclose(found, values, rtol=0, atol=1e-12)


@given(at=points, slope=st.integers(-3, 3), sign=st.sampled_from([1.0, -1.0]))
def test_a_straight_line_needs_one_unit(at, slope, sign):
    values = slope * np.array(at, float)[:, None]
    hinges = fit_hinges(np.array(at, float), values, sign=sign, plateau=False)
    assert len(hinges.place) == (slope != 0 and len(at) > 1)
