"""Which inputs neurons read: each pair together as often, a third one hardly ever."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from compiler.errors import InputError
from compiler.superposed.bound import shares
from compiler.superposed.sets import choose_sets, least_inputs


@pytest.mark.parametrize(("n", "k"), [(9, 2), (23, 2), (25, 3), (49, 4)])
def test_every_pair_of_different_columns_has_the_same_number_of_neurons(n, k):
    sets = choose_sets(n, k)
    together = sets.members.astype(int) @ sets.members.T.astype(int)
    for a, b in combinations(range(n), 2):
        expected = 0 if a // sets.prime == b // sets.prime else sets.shared
        assert together[a, b] == expected
    assert sets.shared == k and sets.d_mlp == k * sets.prime**2 < len(sets.pairs)


@pytest.mark.parametrize(("n", "k"), [(25, 2), (25, 3), (30, 2)])
def test_a_third_input_shares_at_most_one_neuron_with_a_pair(n, k):
    sets = choose_sets(n, k)
    assert (shares(sets.members, sets.pairs) <= 1 / k + 1e-9).all()


def test_a_seed_gives_the_same_sets_and_another_seed_others():
    one, again, other = (choose_sets(25, 2, seed=s).members for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_more_neurons_are_shared_by_each_pair():
    assert choose_sets(25, 2, d_mlp=99).shared == 3
    assert choose_sets(25, 2, d_mlp=10_000, seed=3).shared == 5


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"n_inputs": 49, "sparsity": 3, "d_mlp": 98}, "need 147. Give d_mlp=147, or "
         "sparsity=2, or n_inputs=25$"),
        ({"n_inputs": 25, "sparsity": 3, "d_mlp": 20}, "Give d_mlp=75$"),
        ({"n_inputs": 6, "sparsity": 3}, "nothing would be in superposition. Give at "
         "least 16 inputs"),
        ({"n_inputs": 500, "sparsity": 2}, "at most 4,096 are compiled. Give at "),
        ({"n_inputs": 49, "sparsity": 1}, "sparsity is 1, expected"),
        ({"n_inputs": 49, "sparsity": 13}, "2 to 12. An AND needs 2"),
        ({"n_inputs": 1, "sparsity": 2}, "n_inputs is 1, expected 2"),
        ({"n_inputs": 10**9, "sparsity": 2}, "n_inputs is 1000000000, expected 2"),
        ({"n_inputs": True, "sparsity": 2}, "n_inputs is True; give an integer"),
    ],
)  # fmt: skip
def test_sizes_that_cannot_be_are_told_with_sizes_that_can(arguments, told):
    with pytest.raises(InputError, match=told):
        choose_sets(**arguments)


@pytest.mark.parametrize("sparsity", [2, 3, 4])
def test_the_least_number_of_inputs_is_the_first_that_is_compiled(sparsity):
    least = least_inputs(sparsity)
    assert choose_sets(least, sparsity).n_inputs == least
    with pytest.raises(InputError, match=f"Give at least {least} inputs"):
        choose_sets(least - 1, sparsity)
