"""The programs of `programs/addition.py` against plain Python."""

from __future__ import annotations

import itertools
import math

import pytest

from programs import addition
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def lowest_first(digits, base):
    return sum(d * base**k for k, d in enumerate(digits))


def stream(base):
    """Add the numbers that two rows of digits are, and take the digits again."""

    def add(x):
        total = sum(lowest_first(row, base) for row in zip(*x, strict=True))
        return [total // base**k % base for k in range(len(x))]

    return add


def carries(x):
    out = []
    for n in range(1, len(x) + 1):
        total = sum(lowest_first(row, 10) for row in zip(*x[:n], strict=True))
        out.append(int(total >= 10**n))
    return out


def in_place(x):
    total = sum(map(int, "".join(x).split("+")))
    return [int(d) for d in str(total).rjust(len(x), "0")]


def filled(x, reverse):
    question, slots = "".join(x).split("=")
    digits = str(sum(map(int, question.split("+")))).rjust(len(slots), "0")
    kept = digits[-len(slots) :]
    return list(f"{question}={kept[::-1] if reverse else kept}")


def binary(operator, apply):
    """Apply to two numbers with their lowest bits first."""

    def answer(x):
        a, b = "".join(x).rstrip("_").split(operator)
        found = apply(int(a[::-1], 2), int(b[::-1], 2))
        return list(f"{found:b}"[::-1].ljust(len(x), "_"))

    return answer


def root(x):
    size = (len(x) + 1) // 2
    found = math.isqrt(int("".join(map(str, x)), 2))
    return [*map(int, f"{found:0{size}b}"), *"_" * (len(x) - size)]


REFERENCES = {
    "binary_addition_stream": stream(2),
    "base_b_addition_stream": stream(3),
    "carry_out_stream": carries,
    "addition_in_place": in_place,
    "addition_reverse_output": lambda x: filled(x, reverse=True),
    "addition_forward_output": lambda x: filled(x, reverse=False),
    "binary_addition_string": binary("+", lambda a, b: a + b),
    "binary_multiplication_string": binary("*", lambda a, b: a * b),
    "binary_sqrt": root,
}
# Few random strings are sums; these are.
EXTRA = {
    "addition_in_place": ["999+001", "555+444", "95+17", "989+989", "5+5"],
    "addition_reverse_output": ["57+68=_", "8+88=____", "768+0=___", "86+58=__"],
    "addition_forward_output": ["57+68=_", "8+88=____", "768+0=___", "86+58=__"],
    "binary_addition_string": ["111+1_", "11+11_", "0+000___", "1011+01__", "00+00_"],
    "binary_multiplication_string": ["111*111__", "0*101____", "00*00_", "011*11_"],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(addition, name), REFERENCES[name]
    extra = [[*x] for x in EXTRA.get(name, ())]
    assert all(program.accepts is None or program.accepts(x) for x in extra)
    check_against_reference(program, reference, extra)
    check_docstring(program, reference)


def test_carries_go_through_any_number_of_nines():
    forward = addition.addition_forward_output.build()
    for a, b in itertools.product(("5", "95", "995", "0"), ("5", "05", "4")):
        question = f"{a}+{b}=".ljust(9, "_")
        assert oracle.evaluate(forward, question) == filled(list(question), False)
    binary_sum = addition.binary_addition_stream.build(max_len=12)
    ones = [(1, 1), *[(1, 0)] * 10, (0, 0)]
    assert oracle.evaluate(binary_sum, ones) == stream(2)(ones)


def test_numbers_of_other_lengths_are_added_in_place_as_well():
    expression = addition.addition_in_place.build()
    for question in ("1234+56", "56+1234", "7+95"):
        expected = in_place(list(question))
        assert oracle.evaluate(expression, question) == expected
