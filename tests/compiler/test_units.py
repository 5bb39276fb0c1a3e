"""Hidden units give the table, in float32 and with noisy arguments too."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.passes.codes import Code, number, one_hot
from compiler.passes.units import Units, add_up, solve_table

CLASS, NUMBER = (5e-3, 2e-2, 4e-2), (1e-5,)


def solve(
    table: np.ndarray, args: list[Code], out: Code, tolerances: tuple = CLASS
) -> Units | None:
    scalars = [
        code.rows[:, 0] if not code.free else np.arange(len(code.rows), dtype=float)
        for code in args
    ]
    return solve_table(table.astype(np.int32), args, scalars, out, tolerances)


def worst(units: Units, table: np.ndarray, args: list[Code], out: Code) -> float:
    """Return the greatest error in float32, each argument off by its noise."""
    found = 0.0
    for cell in itertools.product(*(range(size) for size in table.shape)):
        if table[cell] < 0:
            continue
        for signs in itertools.product((-1, 0, 1), repeat=len(args)):
            inner = units.bias.astype(np.float32)
            for code, at, read, sign in zip(args, cell, units.read, signs, strict=True):
                row = (code.rows[at] + sign * code.noise[at]).astype(np.float32)
                inner = inner + row @ read.astype(np.float32)
            result = np.maximum(inner, 0) @ units.write.astype(np.float32) + units.base
            found = max(found, float(np.abs(result - out.rows[table[cell]]).max()))
    return found


@st.composite
def problems(draw: Any) -> tuple[np.ndarray, list[Code]]:
    """Draw a table of three results, some cells of which do not matter."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    count = int(np.prod(shape))
    cells = draw(st.lists(st.integers(-1, 2), min_size=count, max_size=count))
    cells[0] = max(cells[0], 0)  # something matters
    table = np.array(cells).reshape(shape)
    codes = []
    for size in shape:
        if size > 1 and draw(st.booleans()):
            places = st.lists(
                st.integers(-6, 9), min_size=size, max_size=size, unique=True
            )
            codes.append(number(np.array(sorted(draw(places)), float), 1e-7))
        else:
            codes.append(one_hot(size))
    return table, codes


@settings(max_examples=150)
@given(problems(), st.sampled_from(["one-hot", "number"]))
def test_the_units_give_the_table(problem, kind):
    table, args = problem
    out = one_hot(3) if kind == "one-hot" else number(np.array([-1.0, 0.0, 4.0]))
    units = solve(table, args, out)
    if units is None:  # only numbers may be too close to each other
        assert any(not code.free for code in args)
        return
    # Errors are measured on the outermost noise; rounding inside may add a little.
    assert worst(units, table, args, out) <= max(CLASS) + 1e-6
    assert units.error <= max(CLASS)


def grid(function: Any, *sizes: int) -> np.ndarray:
    return np.fromfunction(np.vectorize(function), sizes, dtype=int)


@pytest.mark.parametrize(
    ("name", "function", "results", "most"),
    [
        ("sum", lambda x, y: x + y, 11, 11),
        ("difference", lambda x, y: x - y + 5, 11, 11),
        ("less", lambda x, y: int(x < y), 2, 2),
        ("equal", lambda x, y: int(x == y), 2, 3),
        ("and", lambda x, y: int(x > 2 and y > 2), 2, 1),
        ("first", lambda x, y: x, 6, 5),
    ],
)
def test_a_linear_form_needs_few_units(name, function, results, most):
    table, args = grid(function, 6, 6), [one_hot(6), one_hot(6)]
    units = solve(table, args, one_hot(results))
    assert units is not None and units.count <= most, name
    assert worst(units, table, args, one_hot(results)) <= max(CLASS)


def test_a_sum_as_a_number_needs_one_unit():
    table = grid(lambda x, y: x + y, 6, 6)
    out = number(np.arange(11.0))
    units = solve(table, [one_hot(6), one_hot(6)], out, NUMBER)
    assert units is not None and units.count == 1
    assert worst(units, table, [one_hot(6), one_hot(6)], out) <= 1e-5


def test_numbers_that_float32_cannot_tell_apart_are_refused():
    close = number(np.array([1.0, 1.0 + 1e-9]), 1e-7)
    close = Code(np.concatenate([close.rows, [[2.0]]]), np.full(3, 1e-7))
    assert solve(np.array([0, 1, 2]), [close], one_hot(3)) is None


def test_noise_does_not_come_through_where_that_is_asked_for():
    noisy = Code(np.arange(5.0)[:, None], np.full(5, 1e-2))
    table = np.array([0, 1, 0, 1, 1])
    units = solve(table, [noisy], one_hot(2), (1e-6,))
    assert units is not None
    assert worst(units, table, [noisy], one_hot(2)) <= 2e-6


def test_what_is_too_steep_for_float32_is_no_candidate():
    # The slope between these two is infinite in float32: nothing may warn, and what
    # comes of it may not be taken for exact.
    table, near = np.array([0, 1, 0]), number(np.array([0.0, 1e-45, 1.0]))
    assert solve(table, [near], one_hot(2)) is None


def test_the_order_of_the_units_does_not_decide_how_exact_a_table_is() -> None:
    # A float32 product of the same matrices is off by more than 1e-6, see below.
    rng = np.random.default_rng(0)
    hidden = rng.uniform(0, 1e4, (30, 400)).astype(np.float32)
    write = rng.choice([-1.0, 0.0, 0.3], (400, 3)).astype(np.float32)
    found, size = add_up(hidden, write)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(400)
        again, _ = add_up(hidden[:, order], write[order])
        assert np.abs(again - found).max() < 1e-8
    assert np.abs(hidden @ write - found).max() > 1e-6
    assert (size >= np.abs(found)).all()


def test_sums_are_added_one_after_the_other() -> None:
    rng = np.random.default_rng(1)
    hidden = rng.uniform(0, 1, (5, 100)).astype(np.float32)
    write = rng.normal(size=(100, 2)).astype(np.float32)
    found, _ = add_up(hidden, write)
    for row, column in itertools.product(range(5), range(2)):
        total = 0.0
        for value, weight in zip(hidden[row], write[:, column], strict=True):
            total += float(value) * float(weight)
        assert found[row, column] == total  # to the last bit
