"""The programs of `programs/elementwise.py` against plain Python."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from programs import elementwise
from tests import oracle
from tests.programs.check import check_against_reference


def nearest(value: Any) -> int:
    candidates = range(-9, 10)
    return min(candidates, key=lambda n: (abs(Fraction(value) - n), -n))


def moved_into(value: int, lo: int, hi: int) -> int:
    while value < lo:
        value += hi - lo
    while value >= hi:
        value -= hi - lo
    return value


def bounced(value: int, lo: int, hi: int) -> int:
    while not lo <= value <= hi:
        value = 2 * lo - value if value < lo else 2 * hi - value
    return value


ONE_TOKEN = {
    "increment": lambda v: v + 1,
    "decrement": lambda v: v - 1,
    "subtract_constant": lambda v: v - 2,
    "double": lambda v: v + v,
    "triple": lambda v: v + v + v,
    "divide_by_constant": lambda v: Fraction(v, 2),
    "square": lambda v: v * v,
    "cube": lambda v: v * v * v,
    "absolute": lambda v: max(v, -v),
    "negate": lambda v: 0 - v,
    "sign": lambda v: 0 if v == 0 else v // abs(v),
    "round_nearest": nearest,
    "floor": lambda v: max(n for n in range(-9, 10) if n <= v),
    "ceil": lambda v: min(n for n in range(-9, 10) if n >= v),
    "floor_to_multiple_of_three": lambda v: max(m for m in range(-9, v + 1, 3)),
    "ceil_to_multiple_of_three": lambda v: min(m for m in range(9, v - 1, -3)),
    "binarize": lambda v: 1 if v >= 3 else 0,
    "threshold_to_zero": lambda v: 0 if v < 3 else v,
    "relu": lambda v: (v + abs(v)) // 2,
    "affine": lambda v: v + v + 1,
    "polynomial_of_token": lambda v: v * v + v + 1,
    "constant": lambda v: 7,
    "in_range": lambda v: v in range(10, 21),
    "square_wave": lambda v: (1, 1, -1, -1)[v % 4],
    "clip": lambda v: sorted((2, v, 7))[1],
    "wrap": lambda v: moved_into(v, 0, 5),
    "reflect": lambda v: bounced(v, 2, 6),
}

REFERENCES = {
    name: lambda x, one=function: [one(v) for v in x]
    for name, function in ONE_TOKEN.items()
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(elementwise, name), REFERENCES[name])


@pytest.mark.parametrize(("lo", "hi"), [(0, 1), (-3, 2), (2, 7)])
def test_wrap_and_reflect_land_inside_any_bounds(lo: int, hi: int) -> None:
    tokens = list(range(-12, 13))
    wrapped = elementwise.wrap.with_parameters(lo=lo, hi=hi).build()
    reflected = elementwise.reflect.with_parameters(lo=lo, hi=hi).build()
    assert oracle.evaluate(wrapped, tokens) == [moved_into(v, lo, hi) for v in tokens]
    assert oracle.evaluate(reflected, tokens) == [bounced(v, lo, hi) for v in tokens]
