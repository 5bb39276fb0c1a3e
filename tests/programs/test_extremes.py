import itertools

import pytest

from programs import extremes
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def everywhere(value, x):
    return [value] * len(x)


def scale_by_max(x):
    return [v / max(x) for v in x] if max(x) else x


def rescale(x, low, high):
    if max(x) == min(x):
        return everywhere(high, x)
    return [low + (v - min(x)) * (high - low) / (max(x) - min(x)) for v in x]


def divide_by_ratio_of_first_two(x):
    if len(x) == 1 or 0 in x[:2]:
        return x
    return [v / (x[1] / x[0]) for v in x]


def alternates(x):
    return all(a % 2 != b % 2 for a, b in itertools.pairwise(x))


def l1_normalize(x):
    size = sum(abs(v) for v in x)
    return [v / size if size else 0 for v in x]


REFERENCES = {
    "value_range": lambda x: everywhere(max(x) - min(x), x),
    "scale_by_max": scale_by_max,
    "rescale_min_max": lambda x: rescale(x, 0, 1),
    "average_first_last": lambda x: everywhere((x[0] + x[-1]) / 2, x),
    "sum_last_two": lambda x: everywhere(x[-2] + x[-1] if len(x) > 1 else None, x),
    "multiply_by_length": lambda x: [v * len(x) for v in x],
    "divide_by_length": lambda x: [v / len(x) for v in x],
    "difference_to_next": lambda x: [
        b - a for a, b in zip(x, [*x[1:], x[-1]], strict=True)
    ],
    "sum_with_next": lambda x: [a + b for a, b in zip(x, [*x[1:], x[-1]], strict=True)],
    "product_with_next": lambda x: [
        a * b for a, b in zip(x, [*x[1:], x[-1]], strict=True)
    ],
    "all_multiples_of": lambda x: everywhere(all(v % 2 == 0 for v in x), x),
    "alternating_even_odd": lambda x: everywhere(alternates(x), x),
    "divide_by_ratio_of_first_two": divide_by_ratio_of_first_two,
    "l1_normalize": l1_normalize,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(extremes, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)


def test_rescale_min_max_takes_other_limits():
    built = extremes.rescale_min_max.with_parameters(lo=-1, hi=3).build()
    for tokens in ([0, 5, 10], [2, 2], [10, 0, 2]):
        assert oracle.evaluate(built, tokens) == pytest.approx(rescale(tokens, -1, 3))


def test_all_multiples_of_takes_another_divisor():
    built = extremes.all_multiples_of.with_parameters(n=3).build()
    assert oracle.evaluate(built, [3, 6]) == [True, True]
    assert oracle.evaluate(built, [3, 5]) == [False, False]
