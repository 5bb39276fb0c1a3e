import itertools
import math

import pytest

from programs import accumulation
from tests import oracle
from tests.programs.check import agree, check_against_reference, check_docstring


def windows(x, w):
    return [x[max(0, i - w + 1) : i + 1] for i in range(len(x))]


def prefixes(x):
    return windows(x, len(x))


def running_dot_product_mod2(x):
    return [sum(a * b for a, b in seen) % 2 for seen in prefixes(x)]


def cumulative_sum_sign(x):
    sums = itertools.accumulate(x)
    return ["pos" if s > 0 else "neg" if s < 0 else "zero" for s in sums]


def path_length(x):
    moves = [(c - a, d - b) for (a, b), (c, d) in itertools.pairwise(x)]
    return itertools.accumulate([0, *(round(math.hypot(*m), 3) for m in moves)])


def trapezoidal_integral(x):
    areas = [0, *(h * (u + v) / 2 for (_, u), (h, v) in itertools.pairwise(x))]
    return itertools.accumulate(areas)


def max_subarray_ending_here(x):
    return [max(sum(seen[k:]) for k in range(len(seen))) for seen in prefixes(x)]


def polynomial_from_sequence(x):
    value = 0
    for coefficient in x[1:]:
        value = value * x[0] + coefficient
    return [value] * len(x)


def sparse_averaging(x):
    out = []
    for _, wanted in x:
        values = [x[k][0] for k in wanted if k < len(x)]
        out.append(sum(values) / len(values) if values else None)
    return out


REFERENCES = {
    "window_sum": lambda x: [sum(seen) for seen in windows(x, 3)],
    "moving_average": lambda x: [sum(seen) / len(seen) for seen in windows(x, 3)],
    "total_product": lambda x: [math.prod(x)] * len(x),
    "cumulative_product": lambda x: [math.prod(seen) for seen in prefixes(x)],
    "running_dot_product_mod2": running_dot_product_mod2,
    "cumulative_sum_sign": cumulative_sum_sign,
    "path_length": path_length,
    "trapezoidal_integral": trapezoidal_integral,
    "max_subarray_ending_here": max_subarray_ending_here,
    "polynomial_from_sequence": polynomial_from_sequence,
    "sparse_averaging": sparse_averaging,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(accumulation, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)


@pytest.mark.parametrize("w", [1, 2, 6])
@pytest.mark.parametrize("name", ["window_sum", "moving_average"])
def test_windows_take_any_width(name, w):
    built = getattr(accumulation, name).with_parameters(w=w).build()
    tokens = [1, 3, 2, 2, 1, 3, 3]
    sums = [sum(seen) for seen in windows(tokens, w)]
    sizes = [len(seen) for seen in windows(tokens, w)]
    expected = [
        s / n if name == "moving_average" else s
        for s, n in zip(sums, sizes, strict=True)
    ]
    assert agree(oracle.evaluate(built, tokens), expected)


@pytest.mark.parametrize("vocab", [(0, -2, 3), (1,), (1, 5)])
def test_products_work_for_any_vocabulary(vocab):
    built = accumulation.cumulative_product.build(vocab=vocab, max_len=5)
    for tokens in itertools.product(vocab, repeat=4):
        expected = [math.prod(seen) for seen in prefixes(tokens)]
        assert oracle.evaluate(built, tokens) == expected


def test_polynomial_from_sequence_takes_eight_tokens():
    tokens = [4, 3, 1, 4, 4, 2, 3, 1]
    built = accumulation.polynomial_from_sequence.build(max_len=8)
    assert oracle.evaluate(built, tokens) == polynomial_from_sequence(tokens)
