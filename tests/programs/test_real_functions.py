"""The programs of `programs/real_functions.py` against plain Python."""

from __future__ import annotations

import cmath
import math
from statistics import NormalDist

import pytest

from programs import real_functions
from tests.programs.check import check_against_reference


def series(value: float, first: int, step: int, sign: int) -> float:
    """Return the sum of sign^k x^n / n! over n = first, first + step, .."""
    orders = range(first, 60, step)
    return sum(sign**k * value**n / math.factorial(n) for k, n in enumerate(orders))


def by_bisection(function, value: float, low: float, high: float) -> float:
    """Return where an increasing function takes the value."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < value else (low, middle)
    return (low + high) / 2


ONE_TOKEN = {
    "square_root": lambda v: by_bisection(lambda r: r * r, v, 0, 10),
    "cube_root": lambda v: by_bisection(lambda r: r**3, v, -10, 10),
    "sine": lambda v: series(v, 1, 2, -1),
    "cosine": lambda v: series(v, 0, 2, -1),
    "tangent": lambda v: cmath.tan(v).real,
    "arcsine": lambda v: math.atan2(v, math.sqrt(1 - v * v)),
    "arccosine": lambda v: math.atan2(math.sqrt(1 - v * v), v),
    "arctangent": lambda v: cmath.phase(1 + 1j * v),
    "hyperbolic_sine": lambda v: series(v, 1, 2, 1),
    "hyperbolic_cosine": lambda v: series(v, 0, 2, 1),
    "hyperbolic_tangent": lambda v: series(v, 1, 2, 1) / series(v, 0, 2, 1),
    "exponential": lambda v: series(v, 0, 1, 1),
    "log10": lambda v: by_bisection(lambda e: 10**e, v, -1, 5),
    "reciprocal": lambda v: v**-1 if v else None,
    "sigmoid": lambda v: (1 + math.tanh(v / 2)) / 2,
    "erf": lambda v: 1 - math.erfc(v),
    "gaussian": lambda v: NormalDist().pdf(v),
}

REFERENCES = {
    name: lambda x, one=function: [one(float(v)) for v in x]
    for name, function in ONE_TOKEN.items()
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(real_functions, name), REFERENCES[name])
