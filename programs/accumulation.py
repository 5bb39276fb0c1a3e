"""Programs that add up, multiply up or average along the sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from compiler.rasp import (
    EQ,
    TRUE,
    Aggregate,
    Elementwise,
    Select,
    Selector,
    SOp,
    count,
    indices,
    length,
    mean,
    minimum,
    prefix,
    program,
    shift,
    tokens,
)

FAMILY = "aggregation statistics"
Point = tuple[int, int]


def window(width: int) -> Selector:
    """Return the selector of the query's position and the `width` - 1 before it."""
    return Select(indices, indices, lambda key, query: 0 <= query - key < width)


def running_total(value: SOp) -> SOp:
    """Return the sum of `value` over the prefix: the mean times the prefix's length."""
    average = mean(prefix(), value).named("prefix_mean")
    return average * (indices + 1)


def product_of(selector: Selector, vocab: Sequence[int]) -> SOp:
    """Return the product of the selected tokens from how often each value occurs."""
    factors = [value for value in vocab if value != 1]
    times = tuple(
        count(selector & Select(tokens, value, EQ))
        .named(f"count_{number}")
        .doc(f"number of {value!r}")
        for number, value in enumerate(factors)
    )

    def powers(*exponents: int) -> int:
        return math.prod(f**e for f, e in zip(factors, exponents, strict=True))

    return Elementwise(powers, times) if times else tokens


@program(family=FAMILY, vocab=range(4), example=([1, 3, 2, 2, 2], [1, 4, 6, 7, 6]))
def window_sum(w: int = 3) -> SOp:
    """The sum of the last w tokens: `window_sum([1, 3, 2, 2]) -> [1, 4, 6, 7]`."""
    size = minimum(indices + 1, w).named("window_size")
    return mean(window(w), tokens).named("window_mean") * size


@program(
    family=FAMILY, vocab=range(1, 5), example=([1, 2, 3, 4], [1, Fraction(3, 2), 2, 3])
)
def moving_average(w: int = 3) -> SOp:
    """The mean of the last w tokens: `moving_average([1, 2, 3]) -> [1, 3/2, 2]`."""
    return mean(window(w), tokens)


@program(family=FAMILY, vocab=range(1, 5), example=([1, 2, 3, 4], [24] * 4))
def total_product(vocab: Sequence[int]) -> SOp:
    """The product of all tokens: `total_product([1, 2, 3, 4]) -> [24, 24, 24, 24]`."""
    return product_of(TRUE, vocab)


@program(family=FAMILY, vocab=range(1, 5), example=([1, 2, 3, 4], [1, 2, 6, 24]))
def cumulative_product(vocab: Sequence[int]) -> SOp:
    """The product so far: `cumulative_product([1, 2, 3, 4]) -> [1, 2, 6, 24]`."""
    return product_of(prefix(), vocab)


@program(
    family=FAMILY,
    vocab=((0, 0), (0, 1), (1, 0), (1, 1)),
    example=([(1, 1), (1, 0), (1, 1)], [1, 1, 0]),
)
def running_dot_product_mod2() -> SOp:
    """The parity of how many pairs so far are (1, 1).

    `running_dot_product_mod2([(1, 1), (1, 0), (1, 1)]) -> [1, 1, 0]`
    """
    both = count(prefix() & Select(tokens, (1, 1), EQ)).named("common_ones")
    return both % 2


@program(
    family=FAMILY,
    vocab=(-5, 2, 3, 4),
    example=([3, -5, 2, 4], ["pos", "neg", "zero", "pos"]),
)
def cumulative_sum_sign() -> SOp:
    """The sign of the sum so far.

    `cumulative_sum_sign([3, -5, 2, 4]) -> ["pos", "neg", "zero", "pos"]`: a mean
    has the sign of its sum.
    """
    average = mean(prefix(), tokens).named("prefix_mean")
    return average.map(lambda x: "pos" if x > 0 else "neg" if x < 0 else "zero")


@program(
    family=FAMILY,
    vocab=((0, 0), (3, 4), (3, 5)),
    example=([(0, 0), (3, 4), (3, 5)], [0, 5, 6]),
)
def path_length() -> SOp:
    """The length of the path through the points so far, steps to 3 decimals.

    `path_length([(0, 0), (3, 4), (3, 5)]) -> [0, 5, 6]`
    """

    def distance(before: Point | None, here: Point) -> float | int:
        return 0 if before is None else round(math.dist(before, here), 3)

    previous = shift(tokens).named("previous_point")
    step = Elementwise(distance, (previous, tokens)).named("step_length")
    return running_total(step)


@program(
    family=FAMILY,
    vocab=((1, 0), (1, 2), (2, 4)),
    example=([(1, 0), (1, 2), (2, 4)], [0, 1, 7]),
)
def trapezoidal_integral() -> SOp:
    """The integral of samples (step since the last one, value) so far.

    `trapezoidal_integral([(1, 0), (1, 2), (2, 4)]) -> [0, 1, 7]`
    """

    def trapezium(before: Point | None, here: Point) -> Fraction:
        return Fraction(0 if before is None else here[0] * (before[1] + here[1]), 2)

    previous = shift(tokens).named("previous_sample")
    area = Elementwise(trapezium, (previous, tokens)).named("strip_area")
    return running_total(area)


@program(
    family=FAMILY,
    vocab=(-3, -1, 1, 2, 4),
    max_len=7,
    example=([1, -3, 4, -1, 2], [1, -2, 4, 3, 5]),
)
def max_subarray_ending_here() -> SOp:
    """The greatest sum of a block of tokens that ends here.

    `max_subarray_ending_here([1, -3, 4, -1, 2]) -> [1, -2, 4, 3, 5]`: the sum so
    far minus the lowest sum before, the empty one included.
    """
    total = running_total(tokens).named("prefix_sum")
    lowest = Aggregate(prefix(strict=True), total, rule="min").named("lowest_before")
    return Elementwise(
        lambda here, low: here - min(0, 0 if low is None else low), (total, lowest)
    )


@program(
    family=FAMILY,
    vocab=(1, 2, 3, 4),
    max_len=6,
    example=([3, 4, 2, 1], [43, 43, 43, 43]),
)
def polynomial_from_sequence() -> SOp:
    """The value at x[0] of the polynomial with coefficients x[1], x[2], ..

    `polynomial_from_sequence([3, 4, 2, 1]) -> [43, 43, 43, 43]`: each position
    holds its term times the length, and the mean of those is the sum.

    Length 8 is refused: the sums of the terms would run to 1,048,576.
    """
    point = Aggregate(Select(indices, 0, EQ), tokens).named("point")

    def term(coefficient: int, index: int, x: int | None, n: int) -> int:
        if x is None or not 0 < index < n:
            return 0
        return n * coefficient * x ** (n - 1 - index)

    scaled = Elementwise(term, (tokens, indices, point, length)).named("scaled_term")
    return mean(TRUE, scaled)


@program(
    family=FAMILY,
    vocab=((4, (1, 2)), (6, (0,)), (8, (0, 1, 2)), (5, (3, 7))),
    example=([(4, (1, 2)), (6, (0,)), (8, (0, 1, 2))], [7, 4, 6]),
)
def sparse_averaging() -> SOp:
    """The mean value at the positions that each token (value, positions) names.

    `sparse_averaging([(4, (1,)), (6, (0, 1))]) -> [6, 5]`; None if none exists.
    """
    value = tokens.map(lambda pair: pair[0]).named("own_value")
    wanted = tokens.map(lambda pair: pair[1]).named("wanted_positions")
    named = Select(indices, wanted, lambda key, query: key in query)
    return mean(named, value)
