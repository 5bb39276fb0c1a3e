"""The programs of `programs/number_theory.py` against plain Python."""

from __future__ import annotations

import pytest

from programs import number_theory
from tests import oracle
from tests.programs.check import check_against_reference

SIEVE = [p for p in range(2, 200) if not any(p % d == 0 for d in range(2, p))]
FIBONACCI = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]


def factorial(number: int) -> int:
    return 1 if number == 0 else number * factorial(number - 1)


def is_power_of_two(value: int) -> bool:
    while value % 2 == 0:
        value //= 2
    return value == 1


def sum_of_digits(value: int) -> int:
    return value if value < 10 else value % 10 + sum_of_digits(value // 10)


def roman(value: int) -> str:
    tens = ("", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC")
    ones = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
    return tens[value // 10] + ones[value % 10]


ONE_TOKEN = {
    "factorial": factorial,
    "nth_fibonacci": lambda v: FIBONACCI[v],
    "is_fibonacci": lambda v: v in FIBONACCI,
    "is_prime": lambda v: v in SIEVE,
    "next_prime": lambda v: min(p for p in SIEVE if p >= v),
    "count_distinct_prime_factors": lambda v: sum(v % p == 0 for p in SIEVE),
    "is_even": lambda v: v // 2 * 2 == v,
    "is_divisible": lambda v: v // 3 * 3 == v,
    "is_power_of": is_power_of_two,
    "is_perfect_square": lambda v: v in [r * r for r in range(20)],
    "log2_if_power_of_two": lambda v: {2**k: k for k in range(8)}.get(v, 0),
    "decimal_to_roman": roman,
    "sum_of_digits": sum_of_digits,
}

REFERENCES = {
    name: lambda x, one=function: [one(v) for v in x]
    for name, function in ONE_TOKEN.items()
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(number_theory, name), REFERENCES[name])


@pytest.mark.parametrize("name", sorted({*REFERENCES} - {"factorial", "nth_fibonacci"}))
def test_program_is_its_reference_on_every_number_below_a_hundred(name: str) -> None:
    tokens = list(range(1, 100))
    found = oracle.evaluate(getattr(number_theory, name).build(), tokens)
    assert found == REFERENCES[name](tokens)
