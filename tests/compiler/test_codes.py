from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.ir.domain import constant_domain, indices_domain, tokens_domain
from compiler.passes.codes import affine, natural_numbers, number, one_hot


@given(st.integers(1, 5), st.integers(0, 3), st.integers(0, 99))
def test_a_one_hot_code_gives_any_function(size, outputs, seed):
    target = np.random.default_rng(seed).integers(-3, 4, (size, outputs)).astype(float)
    code = one_hot(size)
    found = affine(code.rows, target)
    assert code.free and found is not None
    assert np.allclose(found(code.rows), target)


@given(
    st.lists(st.integers(-9, 9), min_size=2, max_size=5, unique=True),
    st.integers(-3, 3),
    st.integers(-3, 3),
)
def test_a_number_gives_straight_lines_only(values, slope, offset):
    code = number(np.array(values, float))
    found = affine(code.rows, slope * code.rows + offset)
    assert found is not None
    assert np.allclose(found(code.rows), slope * code.rows + offset)
    assert code.free == (len(values) == 2)
    bent = np.abs(code.rows - code.rows[1]) + code.rows
    straight = len(values) == 2 or not (
        code.rows.min() < code.rows[1] < code.rows.max()
    )
    assert (affine(code.rows, bent) is not None) == straight


@pytest.mark.parametrize("rows", [np.eye(3), np.zeros((1, 0)), np.ones((2, 1))])
def test_nothing_can_always_be_read(rows):
    found = affine(rows, np.zeros((len(rows), 0)))
    assert found is not None and found.matrix.shape == (rows.shape[1], 0)


def test_the_noise_of_a_number_is_relative_and_its_gap_the_least_distance():
    code = number(np.array([1.0, -8.0, 1.5]), 1e-3)
    assert np.allclose(code.noise, [1e-3, 8e-3, 1.5e-3])
    assert code.gap == 0.5 and code.rank == 1


def test_none_gets_a_place_of_its_own():
    assert natural_numbers(indices_domain(3)).tolist() == [0, 1, 2]
    assert natural_numbers(tokens_domain(("a", "b"), 2)).tolist() == [0, 1]
    assert natural_numbers(constant_domain(Fraction(1, 2), 2)).tolist() == [0.5]
    mixed = natural_numbers(tokens_domain((None, 2, 6), 2))
    assert mixed[0] < 2 and mixed[1:].tolist() == [2, 6]
