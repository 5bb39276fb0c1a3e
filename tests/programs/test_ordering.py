import itertools

import pytest

from programs import ordering
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def running(function, x):
    return [function(x[: i + 1]) for i in range(len(x))]


def everywhere(value, x):
    return [value] * len(x)


def swap_min_max(x):
    low, high = min(x), max(x)
    return [high if v == low else low if v == high else v for v in x]


def rolling_max(x, w=3):
    return [max(x[max(0, i - w + 1) : i + 1]) for i in range(len(x))]


def next_larger_value(x):
    return [min((v for v in x if v > u), default=None) for u in x]


def next_greater_element(x):
    return [next((v for v in x[i:] if v > u), None) for i, u in enumerate(x)]


def zero_if_less_than_previous(x):
    return [x[0], *(0 if b < a else b for a, b in itertools.pairwise(x))]


REFERENCES = {
    "maximum": lambda x: everywhere(max(x), x),
    "minimum": lambda x: everywhere(min(x), x),
    "running_maximum": lambda x: running(max, x),
    "running_minimum": lambda x: running(min, x),
    "running_abs_maximum": lambda x: running(max, [abs(v) for v in x]),
    "running_abs_minimum": lambda x: running(min, [abs(v) for v in x]),
    "argmax": lambda x: everywhere(x.index(max(x)), x),
    "argmin": lambda x: everywhere(x.index(min(x)), x),
    "swap_min_max": swap_min_max,
    "is_sorted_ascending": lambda x: everywhere(x == sorted(x), x),
    "is_sorted_descending": lambda x: everywhere(x[::-1] == sorted(x), x),
    "reverse_if_sorted": lambda x: x[::-1] if x == sorted(x) else x,
    "max_with_previous": lambda x: list(map(max, x, [x[0], *x])),
    "min_with_previous": lambda x: list(map(min, x, [x[0], *x])),
    "rolling_max": rolling_max,
    "zero_if_less_than_previous": zero_if_less_than_previous,
    "is_new_maximum": lambda x: [all(u < v for u in x[:i]) for i, v in enumerate(x)],
    "next_larger_value": next_larger_value,
    "next_greater_element": next_greater_element,
    "inversions_before": lambda x: [sum(u > v for u in x[:i]) for i, v in enumerate(x)],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(ordering, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)


@pytest.mark.parametrize("w", [1, 2, 7])
def test_rolling_max_takes_any_width(w):
    expression = ordering.rolling_max.with_parameters(w=w).build()
    tokens = [1, 5, 2, 0, 3, 3, 0]
    assert oracle.evaluate(expression, tokens) == rolling_max(tokens, w)
