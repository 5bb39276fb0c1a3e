"""The bound against all sets of inputs, for our sets of neurons and for random ones."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from compiler.superposed.bound import worst_sets
from compiler.superposed.sets import choose_sets


def enumerate_readings(members: np.ndarray, pairs: np.ndarray, sparsity: int):
    """Yield (inputs that are on, the reading of each AND) by the definition."""
    for size in range(sparsity + 1):
        for on in combinations(range(len(members)), size):
            hidden = np.maximum(members[list(on)].sum(axis=0) - 1, 0)
            both = members[pairs[:, 0]] & members[pairs[:, 1]]
            yield set(on), (both * hidden).sum(axis=1) / both.sum(axis=1)


def check(members: np.ndarray, pairs: np.ndarray, sparsity: int) -> None:
    """Assert that the bound holds, and that some set of inputs reaches it."""
    error, worst = worst_sets(members, pairs, sparsity)
    greatest = np.zeros(len(pairs))
    for on, read in enumerate_readings(members, pairs, sparsity):
        true = np.array([{a, b} <= on for a, b in pairs.tolist()])
        assert (read[true] >= 1).all()
        greatest = np.where(true, greatest, np.maximum(greatest, read))
    np.testing.assert_allclose(greatest, error)
    for row, on in enumerate(worst.tolist()):
        hidden = np.maximum(members[on].sum(axis=0) - 1, 0)
        both = members[pairs[row, 0]] & members[pairs[row, 1]]
        assert hidden[both].mean() == pytest.approx(error[row])


@pytest.mark.parametrize(("n", "k"), [(9, 2), (16, 3)])
def test_the_bound_is_the_greatest_reading_of_all_sets_of_inputs(n, k):
    sets = choose_sets(n, k)
    check(sets.members, sets.pairs, k)


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_is_exact_for_random_sets_as_those_of_the_paper(seed):
    rng = np.random.default_rng(seed)
    members = rng.random((8, 40)) < 0.4
    pairs = np.array([*combinations(range(8), 2)])
    served = (members[pairs[:, 0]] & members[pairs[:, 1]]).any(axis=1)
    check(members, pairs[served], 4)
