"""Programs that summarise a distribution of values: moments, medians, posteriors.

A statistic that is a function of the distribution alone is read off the shares of
the vocabulary's tokens, which one head each computes: a small table of shares in
place of a large one of means of powers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from compiler.rasp import (
    EQ,
    GEQ,
    LEQ,
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
    prefix,
    program,
    tokens,
)
from compiler.rasp.values import Number

FAMILY = "aggregation statistics"
Shares = list[tuple[Any, Number]]


def of_distribution(
    selector: Selector,
    vocab: Sequence[Any],
    statistic: Callable[[Shares], Any],
) -> SOp:
    """Return `statistic` of the (token, share) pairs of the selected positions."""
    *counted, rest = vocab
    shares = tuple(
        mean(selector, tokens == token)
        .named(f"share_{number}")
        .doc(f"share of {token!r}")
        for number, token in enumerate(counted)
    )

    def evaluated(*known: Number) -> Any:
        remainder = 1 - sum(known)
        if remainder < 0:  # shares that cannot occur together
            return None
        pairs = zip([*counted, rest], [*known, remainder], strict=True)
        return statistic([(token, share) for token, share in pairs if share])

    if not shares:  # a vocabulary of one token
        return tokens.map(lambda token: statistic([(token, 1)]))
    return Elementwise(evaluated, shares)


def expectation(shares: Shares, function: Callable[[Any], Any]) -> Number:
    """Return the mean of `function` of a token whose distribution is `shares`."""
    return sum(share * function(token) for token, share in shares)


def standardised_moment(shares: Shares, power: int) -> float | None:
    """Return the central moment in units of the deviation; None if there is none."""
    centre = expectation(shares, lambda x: x)
    spread = expectation(shares, lambda x: (x - centre) ** 2)
    moment = expectation(shares, lambda x: (x - centre) ** power)
    return float(moment) / float(spread) ** (power / 2) if spread else None


def covariance(shares: Shares, first: int = 0, second: int = 1) -> Number:
    """Return the covariance of two components of a token."""
    x_mean = expectation(shares, lambda pair: pair[first])
    y_mean = expectation(shares, lambda pair: pair[second])
    return (
        expectation(shares, lambda pair: pair[first] * pair[second]) - x_mean * y_mean
    )


def spread(selector: Selector) -> SOp:
    """Return the mean of the squares minus the square of the mean."""
    centre = mean(selector, tokens).named("mean_value")
    squares = mean(selector, tokens * tokens).named("mean_square")
    return squares - centre * centre


@program(family=FAMILY, vocab=(1, 2, 3), max_len=6, example=([1, 3], [1, 1]))
def variance() -> SOp:
    """The population variance, everywhere: `variance([1, 3]) -> [1, 1]`."""
    return spread(TRUE)


@program(family=FAMILY, vocab=(1, 3, 5), example=([1, 3, 5], [0, 1, Fraction(8, 3)]))
def running_variance() -> SOp:
    """The population variance so far: `running_variance([1, 3, 5]) -> [0, 1, 8/3]`."""
    return spread(prefix())


@program(
    family=FAMILY, vocab=(0, 1, 3, 4), example=([3, 4], [3, math.sqrt(Fraction(25, 2))])
)
def running_rms() -> SOp:
    """The root of the mean square so far: `running_rms([3, 4]) -> [3, 3.535..]`."""
    mean_square = mean(prefix(), tokens * tokens).named("mean_square")
    return mean_square.map(math.sqrt)


@program(family=FAMILY, vocab=(0, 1, 3), example=([0, 0, 3], [0, 0, math.sqrt(0.5)]))
def running_skewness(vocab: Sequence[int]) -> SOp:
    """The population skewness so far, 0 without variance.

    `running_skewness([0, 0, 3]) -> [0, 0, 0.707..]`
    """
    return of_distribution(
        prefix(), vocab, lambda shares: standardised_moment(shares, 3) or 0
    )


@program(family=FAMILY, vocab=(-1, 1, 2), example=([1, -1], [0, -2]))
def running_excess_kurtosis(vocab: Sequence[int]) -> SOp:
    """The population excess kurtosis so far, 0 without variance.

    `running_excess_kurtosis([1, -1]) -> [0, -2]`
    """

    def excess(shares: Shares) -> float | int:
        return (standardised_moment(shares, 4) or 3) - 3

    return of_distribution(prefix(), vocab, excess)


@program(
    family=FAMILY, vocab=((1, 2), (3, 6), (2, 0)), example=([(1, 2), (3, 6)], [0, 2])
)
def running_covariance(vocab: Sequence[tuple[int, int]]) -> SOp:
    """The population covariance of the two components so far.

    `running_covariance([(1, 2), (3, 6)]) -> [0, 2]`
    """
    return of_distribution(prefix(), vocab, covariance)


@program(
    family=FAMILY, vocab=((0, 1), (1, 3), (2, 0)), example=([(0, 1), (1, 3)], [None, 2])
)
def running_regression_slope(vocab: Sequence[tuple[int, int]]) -> SOp:
    """The least-squares slope through the points so far; None if it is vertical.

    `running_regression_slope([(0, 1), (1, 3)]) -> [None, 2]`
    """

    def slope(shares: Shares) -> Number | None:
        width = covariance(shares, 0, 0)
        return Fraction(covariance(shares)) / width if width else None

    return of_distribution(prefix(), vocab, slope)


@program(family=FAMILY, vocab=(1, 3, 5, 7), example=([1, 3, 5, 7], [4] * 4))
def median() -> SOp:
    """The middle value, or the mean of the two: `median([1, 3, 5, 7]) -> [4] * 4`.

    The lower middle is the smallest value that half of the tokens do not exceed;
    the upper middle is the greatest value that half of the tokens reach.
    """
    at_most = count(Select(tokens, tokens, LEQ)).named("at_most")
    at_least = count(Select(tokens, tokens, GEQ)).named("at_least")

    def half(key: int, query: int) -> bool:
        return 2 * key >= query

    lower = Aggregate(Select(at_most, length, half), tokens, rule="min")
    upper = Aggregate(Select(at_least, length, half), tokens, rule="max")
    return (lower.named("lower_middle") + upper.named("upper_middle")) / 2


@program(family=FAMILY, vocab=(1, 3, 4, 5), example=([5, 1, 4], [5, 3, 4]))
def running_median(vocab: Sequence[int]) -> SOp:
    """The median so far: `running_median([5, 1, 4]) -> [5, 3, 4]`."""
    *limits, greatest = sorted(vocab)

    def to_side(share: Number) -> int:
        """Return -1, 0, 1: less than half, half, or more are up to the limit."""
        return (2 * share > 1) - (2 * share < 1)

    sides = tuple(
        mean(prefix(), tokens <= limit)
        .map(to_side)
        .named(f"side_{number}")
        .doc(f"whether half are <= {limit}")
        for number, limit in enumerate(limits)
    )

    def middle(*found: int) -> Fraction:
        known = list(zip([*limits, greatest], [*found, 1], strict=True))
        lower = next(value for value, side in known if side >= 0)
        upper = next(value for value, side in known if side > 0)
        return Fraction(lower + upper, 2)

    return Elementwise(middle, sides) if sides else tokens


@program(
    family=FAMILY,
    vocab=(0, 1),
    max_len=10,
    example=([1, 1, 0], [Fraction(2, 3), Fraction(3, 4), Fraction(3, 5)]),
)
def beta_posterior_mean() -> SOp:
    """The mean bias of a coin after these flips, from a uniform prior.

    `beta_posterior_mean([1, 1, 0]) -> [2/3, 3/4, 3/5]`
    """
    ones = count(Select(tokens, 1, EQ) & prefix()).named("ones")
    return (ones + 1) / (indices + 3)


@program(
    family=FAMILY,
    vocab=(0, 1, 2),
    example=(
        [0, 2],
        [
            (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)),
            (Fraction(2, 5), Fraction(1, 5), Fraction(2, 5)),
        ],
    ),
)
def dirichlet_posterior_mean(vocab: Sequence[Any]) -> SOp:
    """The mean shares of the classes after these draws, from a uniform prior.

    `dirichlet_posterior_mean([0]) -> [(1/2, 1/4, 1/4)]`
    """
    counts = tuple(
        count(Select(tokens, token, EQ) & prefix())
        .named(f"count_{number}")
        .doc(f"number of {token!r}")
        for number, token in enumerate(vocab)
    )

    def posterior(*found: int) -> tuple[Fraction, ...]:
        return tuple(Fraction(c + 1, sum(found) + len(found)) for c in found)

    return Elementwise(posterior, counts)
