"""Inputs that are rare, correlated and nested, against counts of draws."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from compiler.errors import InputError
from compiler.superposed.activity import Activity, ActivityDraws

DRAWS = 3_000


def draw(activity: Activity, size: int = 2) -> tuple[ActivityDraws, list[list[int]]]:
    draws = ActivityDraws(activity, 20, seed=1)
    rng = np.random.default_rng(0)
    found = draws.draw(rng, np.full(DRAWS, size)).tolist()
    return draws, [[i for i in on if i >= 0] for on in found]


def test_no_input_is_on_twice_and_no_more_than_asked_for():
    _, found = draw(Activity(zipf=1.5, together=0.5, nested=0.5), size=4)
    assert all(1 <= len(on) == len({*on}) <= 4 for on in found)


def test_frequencies_follow_zipf():
    draws, found = draw(Activity(zipf=1.0), size=1)
    counts = Counter(on[0] for on in found)
    shares = np.array([counts[i] for i in range(20)]) / DRAWS
    np.testing.assert_allclose(shares, draws.weights, atol=0.03)
    ratio = sorted(draws.weights)[-1] / sorted(draws.weights)[-4]
    assert ratio == pytest.approx(4.0)


def test_partners_are_on_together_more_often_than_others():
    draws, found = draw(Activity(together=0.6))
    both = np.mean([draws.partner[on[0]] in on for on in found if len(on) == 2])
    assert 0.55 < both < 0.75
    assert (draws.partner[draws.partner] == np.arange(20)).all()


def test_a_child_is_never_on_without_its_parent():
    draws, found = draw(Activity(zipf=0.5, together=0.3, nested=0.4), size=3)
    children = np.flatnonzero(draws.parent >= 0)
    assert len(children) == 8
    assert not set(draws.parent[children]) & {*children}, "no parent is a child"
    for on in found:
        assert all(draws.parent[i] in on for i in on if draws.parent[i] >= 0)
    assert any(i in on for on in found for i in children)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"zipf": 5.0}, "zipf is 5.0; give a number of 0 to 4"),
        ({"together": 1.0}, "together is 1.0; give a number of 0 to 0.99"),
        ({"nested": float("nan")}, "nested is nan; give a number of 0 to 0.5"),
        ({"zipf": -1.0, "nested": 2.0}, "zipf is -1.*nested is 2"),
    ],
)
def test_statistics_that_cannot_be_are_told(given, told):
    with pytest.raises(InputError, match=told):
        Activity(**given)
