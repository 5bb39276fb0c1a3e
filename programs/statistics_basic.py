"""Programs of one step: sums, means, and differences from the token before."""

from __future__ import annotations

from compiler.rasp import (
    Constant,
    Elementwise,
    SOp,
    indices,
    length,
    mean,
    prefix,
    program,
    select_all,
    shift,
    tokens,
)
from programs.shifting import token_at

FAMILY = "aggregation statistics"


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 2, 3, 4), (10,) * 4))
def total_sum() -> SOp:
    """The sum of all tokens, everywhere: `total_sum([1, 2, 3]) -> [6, 6, 6]`."""
    return mean(select_all, tokens).named("average") * length


@program(
    family=FAMILY, vocab=(-2, 0, 1, 3), example=((3, 1, -2, 3, 1), (3, 4, 2, 5, 6))
)
def cumulative_sum() -> SOp:
    """The sum so far: `cumulative_sum([3, 1, -2]) -> [3, 4, 2]`."""
    return mean(prefix(), tokens).named("running_average") * (indices + 1)


@program(family=FAMILY, vocab=(0, 1, 2, 6), example=((1, 2, 6), (3, 3, 3)), name="mean")
def average() -> SOp:
    """The mean of all tokens, everywhere: `mean([1, 2, 6]) -> [3, 3, 3]`."""
    return mean(select_all, tokens)


@program(family=FAMILY, vocab=(0, 1, 2, 6), example=((1, 2, 6), (1, 1.5, 3)))
def running_mean() -> SOp:
    """The mean so far: `running_mean([1, 2, 6]) -> [1, 3/2, 3]`."""
    return mean(prefix(), tokens)


@program(
    family=FAMILY,
    vocab=((0, 1), (1, 2), (3, 4), (2, -1)),
    example=(((1, 2), (3, 4)), (2, 14)),
)
def running_dot_product() -> SOp:
    """The sum of x * y so far: `running_dot_product([(1, 2), (3, 4)]) -> [2, 14]`."""
    products = tokens.map(lambda pair: pair[0] * pair[1]).named("products")
    return mean(prefix(), products).named("running_average") * (indices + 1)


@program(
    family=FAMILY,
    vocab=(2, 3, 4, 6, 9),
    max_len=7,
    example=((4, 2, 6, 3, 9, 6), (0, -2, 4, -3, 6, -3)),
)
def difference_from_previous() -> SOp:
    """The step from the token before, 0 at the first position.

    difference_from_previous([4, 2, 6]) -> [0, -2, 4]
    """

    def step(before: int | None, token: int) -> int:
        return 0 if before is None else token - before

    return Elementwise(step, (shift(tokens).named("previous_token"), tokens))


@program(family=FAMILY, vocab=(2, 3, 4, 6), example=((4, 2, 6), (4, -2, 4)))
def first_difference() -> SOp:
    """The step from the token before, or 0: `first_difference([4, 2]) -> [4, -2]`."""
    return tokens - shift(tokens, 1, 0).named("previous_token")


@program(family=FAMILY, vocab=(2, 3, 4, 6), example=((4, 2, 6), (4, 2, 4)))
def absolute_difference() -> SOp:
    """The distance to the token before, or to 0 at the first position.

    absolute_difference([4, 2, 6]) -> [4, 2, 4]
    """
    return abs(tokens - shift(tokens, 1, 0).named("previous_token"))


@program(family=FAMILY, vocab=(-6, -4, 2, 3), example=((-4, 2, -6), (4, -2, 4)))
def difference_of_absolute() -> SOp:
    """|token| minus |token before|, or minus 0 at the first position.

    difference_of_absolute([-4, 2, -6]) -> [4, -2, 4]
    """
    return abs(tokens) - abs(shift(tokens, 1, 0).named("previous_token"))


@program(
    family=FAMILY,
    vocab=(0, 2, 4, 5, 6),
    max_len=7,
    example=((2, 4, 6, 5), (True, True, True, False)),
)
def is_multiple_of_first() -> SOp:
    """Whether the first token divides it: `is_multiple_of_first([2, 4, 5]) -> TTF`.

    No token counts as a multiple of 0.
    """

    def divides(first_token: int, token: int) -> bool:
        return first_token != 0 and token % first_token == 0

    return Elementwise(divides, (token_at(Constant(0)).named("first_token"), tokens))
