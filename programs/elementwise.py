"""Programs that apply simple arithmetic to each token by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import reduce

from compiler.rasp import Constant, SOp, maximum, program, tokens
from compiler.rasp.values import Number

FAMILY = "elementwise arithmetic"


@program(family=FAMILY, vocab=(0, 1, 2, 3), example=((1, 2, 3), (2, 3, 4)))
def increment() -> SOp:
    """The token plus 1: `increment([1, 2, 3]) -> [2, 3, 4]`."""
    return tokens + 1


@program(family=FAMILY, vocab=(0, 2, 3, 4), example=((2, 3, 4), (1, 2, 3)))
def decrement() -> SOp:
    """The token minus 1: `decrement([2, 3, 4]) -> [1, 2, 3]`."""
    return tokens - 1


@program(family=FAMILY, vocab=(0, 1, 2, 3), example=((1, 2, 3), (-1, 0, 1)))
def subtract_constant(c: int = 2) -> SOp:
    """The token minus `c`: `subtract_constant([1, 2, 3]) -> [-1, 0, 1]`."""
    return tokens - c


@program(family=FAMILY, vocab=(0, 1, 2, 3), example=((1, 2, 3), (2, 4, 6)))
def double() -> SOp:
    """Twice the token: `double([1, 2, 3]) -> [2, 4, 6]`."""
    return 2 * tokens


@program(family=FAMILY, vocab=(0, 1, 2, 3), example=((1, 2, 3), (3, 6, 9)))
def triple() -> SOp:
    """Three times the token: `triple([1, 2, 3]) -> [3, 6, 9]`."""
    return 3 * tokens


@program(family=FAMILY, vocab=(0, 2, 4, 7), example=((2, 4, 7), (1, 2, 3.5)))
def divide_by_constant(d: int = 2) -> SOp:
    """The token divided by `d`: `divide_by_constant([2, 4, 7]) -> [1, 2, 3.5]`."""
    return tokens / d


@program(family=FAMILY, vocab=(-2, 1, 2, 3), example=((1, 2, 3), (1, 4, 9)))
def square() -> SOp:
    """The token's square: `square([1, 2, 3]) -> [1, 4, 9]`."""
    return tokens**2


@program(family=FAMILY, vocab=(-2, 1, 2, 3), example=((1, 2, 3), (1, 8, 27)))
def cube() -> SOp:
    """The token's cube: `cube([1, 2, 3]) -> [1, 8, 27]`."""
    return tokens**3


@program(family=FAMILY, vocab=(-3, -1, 0, 2), example=((-1, 2, -3), (1, 2, 3)))
def absolute() -> SOp:
    """The token without its sign: `absolute([-1, 2, -3]) -> [1, 2, 3]`."""
    return abs(tokens)


@program(family=FAMILY, vocab=(-2, 0, 1, 3), example=((1, -2, 3), (-1, 2, -3)))
def negate() -> SOp:
    """The token's negative: `negate([1, -2, 3]) -> [-1, 2, -3]`."""
    return -tokens


@program(family=FAMILY, vocab=(-3, -1, 0, 2), example=((-1, 0, 2), (-1, 0, 1)))
def sign() -> SOp:
    """-1 for negative tokens, 0 for 0, else 1: `sign([-1, 0, 2]) -> [-1, 0, 1]`."""
    return tokens.map(lambda value: (value > 0) - (value < 0))


@program(
    family=FAMILY, vocab=(-1.5, 0.5, 1.3, 2.7), example=((0.5, 1.3, 2.7), (1, 1, 3))
)
def round_nearest() -> SOp:
    """The nearest integer, halves up: `round_nearest([0.5, 1.3, 2.7]) -> [1, 1, 3]`."""
    return tokens.map(lambda value: math.floor(value + Fraction(1, 2)))


@program(family=FAMILY, vocab=(-1.2, 0, 0.5, 1), example=((0.5, 1, -1.2), (0, 1, -2)))
def floor() -> SOp:
    """The greatest integer at or below: `floor([0.5, 1, -1.2]) -> [0, 1, -2]`."""
    return tokens // 1


@program(family=FAMILY, vocab=(-1.2, 0, 0.5, 1), example=((0.5, 1, -1.2), (1, 1, -1)))
def ceil() -> SOp:
    """The least integer at or above: `ceil([0.5, 1, -1.2]) -> [1, 1, -1]`."""
    return tokens.map(math.ceil)


@program(family=FAMILY, vocab=(-1, 2, 3, 4), example=((2, 3, 4), (0, 3, 3)))
def floor_to_multiple_of_three() -> SOp:
    """The multiple of 3 at or below: `floor_to_multiple_of_three([2, 4]) -> [0, 3]`."""
    return tokens // 3 * 3


@program(family=FAMILY, vocab=(-1, 2, 3, 4), example=((2, 3, 4), (3, 3, 6)))
def ceil_to_multiple_of_three() -> SOp:
    """The multiple of 3 at or above: `ceil_to_multiple_of_three([2, 4]) -> [3, 6]`."""
    return (tokens + 2) // 3 * 3


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 4, 3, 2), (0, 1, 1, 0)))
def binarize(t: int = 3) -> SOp:
    """1 from `t` on, else 0: `binarize([1, 4, 3, 2]) -> [0, 1, 1, 0]`."""
    return tokens.map(lambda value: int(value >= t))


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 4, 2), (0, 4, 0)))
def threshold_to_zero(t: int = 3) -> SOp:
    """0 below `t`, else the token: `threshold_to_zero([1, 4, 2]) -> [0, 4, 0]`."""
    return tokens.map(lambda value: value if value >= t else 0)


@program(family=FAMILY, vocab=(-2, 0, 1, 3), example=((-2, 0, 3), (0, 0, 3)))
def relu() -> SOp:
    """0 for negative tokens, else the token: `relu([-2, 0, 3]) -> [0, 0, 3]`."""
    return maximum(tokens, 0)


@program(family=FAMILY, vocab=(0, 1, 2, 3), example=((0, 1, 2), (1, 3, 5)))
def affine(m: int = 2, b: int = 1) -> SOp:
    """`m` times the token, plus `b`: `affine([0, 1, 2]) -> [1, 3, 5]`."""
    return m * tokens + b


@program(family=FAMILY, vocab=(-1, 0, 1, 2), example=((0, 1, 2), (1, 3, 7)))
def polynomial_of_token(coeffs: Sequence[Number] = (1, 1, 1)) -> SOp:
    """A polynomial's value there: `polynomial_of_token([0, 1, 2]) -> [1, 3, 7]`.

    `coeffs` are its coefficients, that of the highest power first.
    """

    def horner(value: Number) -> Number:
        return reduce(lambda so_far, c: so_far * value + c, coeffs)

    return tokens.map(horner)


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((3, 1, 2), (7, 7, 7)))
def constant(c: int = 7) -> SOp:
    """`c`, whatever the token: `constant([3, 1, 2]) -> [7, 7, 7]`."""
    return Constant(c)


@program(
    family=FAMILY,
    vocab=(0, 5, 10, 15, 20, 25),
    max_len=6,
    example=((0, 5, 10, 15, 20, 25), (False, False, True, True, True, False)),
)
def in_range(lo: int = 10, hi: int = 20) -> SOp:
    """Whether lo <= token <= hi: `in_range([5, 10, 25]) -> [False, True, False]`."""
    return (tokens >= lo) & (tokens <= hi)


@program(
    family=FAMILY, vocab=(0, 1, 2, 3, 4), example=((0, 1, 2, 3, 4), (1, 1, -1, -1, 1))
)
def square_wave(period: int = 4) -> SOp:
    """1 in the first half of each period, then -1: `square_wave([0, 2]) -> [1, -1]`."""
    return tokens.map(lambda value: 1 if 2 * (value % period) < period else -1)


@program(family=FAMILY, vocab=(1, 5, 7, 8), example=((1, 5, 8), (2, 5, 7)))
def clip(lo: int = 2, hi: int = 7) -> SOp:
    """The nearest value of `lo` .. `hi`: `clip([1, 5, 8]) -> [2, 5, 7]`."""
    return tokens.map(lambda value: min(max(value, lo), hi))


@program(family=FAMILY, vocab=(-1, 1, 5, 8), example=((1, 5, 8), (1, 0, 3)))
def wrap(lo: int = 0, hi: int = 5) -> SOp:
    """Steps of hi - lo until lo <= token < hi: `wrap([1, 5, 8]) -> [1, 0, 3]`."""
    return lo + (tokens - lo) % (hi - lo)


@program(family=FAMILY, vocab=(1, 5, 8, 11), example=((1, 5, 8, 11), (3, 5, 4, 3)))
def reflect(lo: int = 2, hi: int = 6) -> SOp:
    """The token bounced off `lo` and `hi`: `reflect([1, 5, 8, 11]) -> [3, 5, 4, 3]`."""
    span = hi - lo

    def bounce(value: Number) -> Number:
        return hi - abs(span - (value - lo) % (2 * span))

    return tokens.map(bounce)
