"""Programs that relate tokens to landmarks: extremes, ends, length, neighbours."""

from __future__ import annotations

from fractions import Fraction

from compiler.rasp import (
    EQ,
    TRUE,
    Aggregate,
    Elementwise,
    Select,
    SOp,
    first,
    indices,
    is_none,
    last,
    length,
    mean,
    program,
    shift,
    tokens,
    where,
)

FAMILY = "aggregation statistics"


def greatest() -> SOp:
    """Return the maximum of the input, at every position."""
    return Aggregate(TRUE, tokens, rule="max").named("greatest")


def smallest() -> SOp:
    """Return the minimum of the input, at every position."""
    return Aggregate(TRUE, tokens, rule="min").named("smallest")


def following() -> SOp:
    """Return the token after this one; None at the last position."""
    return shift(tokens, -1).named("following")


def following_or_self() -> SOp:
    """Return the token after this one; the last position's own token there."""
    after = following()
    return where(is_none(after), tokens, after)


def all_of(condition: SOp) -> SOp:
    """Return, at every position, whether `condition` holds at all of them."""
    return Aggregate(TRUE, condition, rule="min")


@program(family=FAMILY, vocab=(2, 3, 5, 8), example=([3, 8, 2], [6, 6, 6]))
def value_range() -> SOp:
    """The maximum minus the minimum: `value_range([3, 8, 2]) -> [6, 6, 6]`."""
    return greatest() - smallest()


@program(
    family=FAMILY,
    vocab=(0, 2, 3, 6, 10),
    max_len=7,
    example=(
        [3, 0, 2, 6, 10],
        [Fraction(3, 10), 0, Fraction(1, 5), Fraction(3, 5), 1],
    ),
)
def scale_by_max() -> SOp:
    """The tokens divided by the maximum, unless that is 0.

    `scale_by_max([3, 0, 6]) -> [1/2, 0, 1]`
    """
    return Elementwise(
        lambda token, top: Fraction(token, top) if top else token,
        (tokens, greatest()),
    )


@program(
    family=FAMILY, vocab=(0, 2, 5, 10), example=([0, 5, 10], [0, Fraction(1, 2), 1])
)
def rescale_min_max(lo: int = 0, hi: int = 1) -> SOp:
    """The tokens moved linearly onto lo .. hi; a constant input gives hi.

    `rescale_min_max([0, 5, 10]) -> [0, 1/2, 1]`
    """

    def rescaled(token: int, low: int, high: int) -> Fraction | int:
        if low >= high:
            return hi
        return lo + Fraction(token - low, high - low) * (hi - lo)

    return Elementwise(rescaled, (tokens, smallest(), greatest()))


@program(family=FAMILY, vocab=range(1, 5), example=([1, 2, 3, 4], [Fraction(5, 2)] * 4))
def average_first_last() -> SOp:
    """The mean of the end tokens: `average_first_last([1, 2, 3, 4]) -> [5/2] * 4`."""
    start = first(TRUE, tokens).named("start")
    end = last(TRUE, tokens).named("end")
    return (start + end) / 2


@program(family=FAMILY, vocab=range(1, 5), example=([2, 2, 4, 2], [6, 6, 6, 6]))
def sum_last_two() -> SOp:
    """The sum of the last two tokens; None for one token.

    `sum_last_two([2, 2, 4, 2]) -> [6, 6, 6, 6]`
    """
    pair_sum = (shift(tokens).named("previous") + tokens).named("pair_sum")
    return last(TRUE, pair_sum)


@program(family=FAMILY, vocab=range(4), example=([1, 2, 3], [3, 6, 9]))
def multiply_by_length() -> SOp:
    """The tokens times the length: `multiply_by_length([1, 2, 3]) -> [3, 6, 9]`."""
    return tokens * length


@program(family=FAMILY, vocab=(0, 3, 6, 9), example=([3, 6, 9], [1, 2, 3]))
def divide_by_length() -> SOp:
    """The tokens divided by the length: `divide_by_length([3, 6, 9]) -> [1, 2, 3]`."""
    return tokens / length


@program(family=FAMILY, vocab=range(1, 5), example=([1, 3, 2, 4], [2, -1, 2, 0]))
def difference_to_next() -> SOp:
    """The next token minus this one; 0 at the last.

    `difference_to_next([1, 3, 2, 4]) -> [2, -1, 2, 0]`
    """
    after = following()
    return where(is_none(after), 0, after - tokens)


@program(family=FAMILY, vocab=range(1, 5), example=([1, 2, 3, 4], [3, 5, 7, 8]))
def sum_with_next() -> SOp:
    """The token plus the next one; the last one doubled.

    `sum_with_next([1, 2, 3, 4]) -> [3, 5, 7, 8]`
    """
    return tokens + following_or_self()


@program(
    family=FAMILY, vocab=(1, 5, 7, 8), example=([1, 7, 1, 5, 8], [7, 7, 5, 40, 64])
)
def product_with_next() -> SOp:
    """The token times the next one; the last one squared.

    `product_with_next([1, 7, 1, 5, 8]) -> [7, 7, 5, 40, 64]`
    """
    return tokens * following_or_self()


@program(family=FAMILY, vocab=(2, 3, 5, 6), example=([2, 5, 6], [False] * 3))
def all_multiples_of(n: int = 2) -> SOp:
    """Whether n divides all tokens: `all_multiples_of([2, 5]) -> [False, False]`."""
    return all_of((tokens % n == 0).named("is_multiple"))


@program(
    family=FAMILY, vocab=(1, 2, 3, 4, 6), max_len=7, example=([1, 2, 6, 4], [False] * 4)
)
def alternating_even_odd() -> SOp:
    """Whether no neighbours are both even or both odd.

    `alternating_even_odd([1, 2, 6, 4]) -> [False, False, False, False]`
    """
    previous = shift(tokens).named("previous")
    alternates = ((tokens - previous) % 2 != 0).named("alternates")
    return all_of(alternates.doc("None % 2 is not 0: the first token alternates"))


@program(family=FAMILY, vocab=(0, 2, 4, 6), example=([2, 4, 6], [1, 2, 3]))
def divide_by_ratio_of_first_two() -> SOp:
    """The tokens divided by x[1] / x[0]; unchanged if either is 0 or missing.

    `divide_by_ratio_of_first_two([2, 4, 6]) -> [1, 2, 3]`
    """
    start = Aggregate(Select(indices, 0, EQ), tokens).named("first_token")
    second = Aggregate(Select(indices, 1, EQ), tokens).named("second_token")

    def divided(token: int, x0: int | None, x1: int | None) -> Fraction | int:
        return Fraction(token * x0, x1) if x0 and x1 else token

    return Elementwise(divided, (tokens, start, second))


@program(
    family=FAMILY,
    vocab=(-1, 0, 1, 3),
    example=([1, 3], [Fraction(1, 4), Fraction(3, 4)]),
)
def l1_normalize() -> SOp:
    """The tokens divided by the sum of their magnitudes; zeros if that is 0.

    `l1_normalize([1, 3]) -> [1/4, 3/4]`
    """
    mean_size = mean(TRUE, abs(tokens)).named("mean_magnitude")
    size = (mean_size * length).named("total_magnitude")
    return Elementwise(
        lambda token, whole: Fraction(token, whole) if whole else 0, (tokens, size)
    )
