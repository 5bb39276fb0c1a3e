"""The programs of `programs/products.py` against plain Python."""

from __future__ import annotations

import pytest

from programs import products
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def on_prefixes(answer):
    return lambda x: [answer(x[: i + 1]) for i in range(len(x))]


def product(x, m=19):
    found = 1
    for value in x:
        found = found * value % m
    return found


def quotient(x, m=19):
    """Look for what gives 1 when it is multiplied by all of them."""
    return next((y for y in range(m) if y * product(x) % m == 1), None)


def divided(digits, base, d):
    """Divide the whole number, and write it in as many digits."""
    number = int("".join(map(str, digits)), base)
    return [number // d // base**k % base for k in reversed(range(len(digits)))]


def decimal(x):
    d, digits = x[0], x[1:]
    if not d:
        return [0, *[None] * len(digits)]
    return [0, *(divided(digits, 10, d) if digits else [])]


def common(x):
    divisors = [d for d in range(1, 99) if all(value % d == 0 for value in x)]
    return [max(divisors)] * len(x)


REFERENCES = {
    "cumulative_product_mod": on_prefixes(product),
    "cumulative_quotient_mod": on_prefixes(quotient),
    "binary_long_division": lambda x: divided(x, 2, 3),
    "binary_prefix_divisible": on_prefixes(
        lambda x: int("".join(map(str, x)), 2) % 3 == 0
    ),
    "decimal_long_division": decimal,
    "gcd": common,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    check_against_reference(getattr(products, name), REFERENCES[name], most=150)
    check_docstring(getattr(products, name), REFERENCES[name])


@pytest.mark.parametrize("d", [1, 5, 7])
def test_any_number_divides(d):
    given = [1, 0, 1, 1, 1, 0, 1, 0]
    bits = products.binary_long_division.with_parameters(d=d).build()
    assert oracle.evaluate(bits, given) == divided(given, 2, d)
    whole = products.binary_prefix_divisible.with_parameters(d=d).build()
    values = [int("".join(map(str, given[: i + 1])), 2) for i in range(8)]
    assert oracle.evaluate(whole, given) == [value % d == 0 for value in values]


def test_of_no_and_more_tokens_the_ends_are_taken():
    gcd = products.gcd.build()
    assert oracle.evaluate(gcd, [12]) == [12]
    assert oracle.evaluate(gcd, [12, 9, 18]) == [6, 6, 6]
